"""What 1,000 base stations cost, each asked every minute: python bench/stations.py [--stations N] [--json]

The whole of netmon (`netmon run`: ping, vendor profile, verdict, archive, metrics), and in a second turn the same under
a flood of SNMP traps, 10,000 a second from an address of the inventory; CPU by the kernel's accounting, lateness from
the archive. Beside it prometheus-snmp-exporter, scraped for each station once in the same time for the objects of the
same profile; its client is not counted, nor are ping, verdict and archive, which it does not do. The stations are
simulated in a process of their own, each with its address on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.snmp import cpu_of
from netmon.archive import Reader
from netmon.demo.agent import SnmpAgent
from netmon.demo.devices import hytera_repeater
from probes.profiles import load
from probes.wire.snmp_message import format_oid
from tests.lab import need
from tests.lab.servers import unused_port

ROOT = Path(__file__).parent.parent
PORT = 16161
PROFILE = "hytera-repeater"
TRAPS_PER_SECOND = 10_000
SETTLE_SECONDS = 5


def address(number: int) -> str:
    """Where a station stands."""
    return f"127.77.{number // 250}.{number % 250 + 1}"


class QuickAgent(SnmpAgent):
    """Answers the same question with the same octets again: the stations are not what is measured."""

    answers: ClassVar[dict[bytes, bytes]] = {}

    def respond(self, data: bytes) -> bytes | None:
        """The answer, with the question's request-id."""
        at = request_id_at(data)
        if at is None:
            return super().respond(data)
        question = data[:at] + data[at + 4 :]
        known = self.answers.get(question)
        if known is None:
            known = super().respond(data)
            if known is None or request_id_at(known) is None:
                return known
            self.answers[question] = known
        there = request_id_at(known) or 0
        return known[:there] + data[at : at + 4] + known[there + 4 :]


def request_id_at(message: bytes) -> int | None:
    """Where a request-id of four octets stands in a message of version 1 or 2c."""

    def skip(at: int) -> tuple[int, int]:
        """Where the contents of the element at ``at`` begin, and how long they are."""
        length = message[at + 1]
        if length < 0x80:
            return at + 2, length
        begin = at + 2 + (length & 0x7F)
        return begin, int.from_bytes(message[at + 2 : begin], "big")

    at, _ = skip(0)
    for _ in range(2):  # version, community
        begin, length = skip(at)
        at = begin + length
    at, _ = skip(at)
    begin, length = skip(at)
    return begin if length == 4 else None


async def simulate(count: int) -> None:
    """Play the stations until killed."""
    for number in range(count):
        await QuickAgent(hytera_repeater(f"station {number}")).start(address(number), PORT)
    print("ready", flush=True)
    await asyncio.Event().wait()


@contextmanager
def running(*command: str, ready: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A process, until the block ends."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        if ready:
            assert process.stdout is not None
            process.stdout.readline()
        yield process
    finally:
        process.terminate()
        process.wait()


def inventory(folder: Path, options: argparse.Namespace, traps: int) -> Path:
    """One site with all stations."""
    (folder / "community").write_text("public\n")
    path = folder / "sites.yaml"
    equipment = "\n".join(
        f"      - {{id: s{number}, kind: base_station, address: {{host: {address(number)}, port: {PORT}}}}}"
        for number in range(options.stations)
    )
    path.write_text(
        f"""sample: true
snmp_auths: {{default: {{version: 2c, community_file: community}}}}
traps: {{listen: "127.0.0.1:{traps}"}}
defaults: {{base_station: {{interval: {options.interval}s, timeout: 5s, params: {{count: 5}}}}}}
sites:
  - id: hills
    kind: radio_site
    equipment:
{equipment}
      - {{id: sender, kind: power, address: 127.0.0.1, checks: {{power: {{interval: 1h}}}}}}
"""
    )
    return path


def flood(port: int, stop: threading.Event) -> None:
    """Well-formed traps of a known sender, as fast as the flood is to be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{ear.getsockname()[1]}"
        program = need.program("snmptrap", "snmp")
        words = [program, "-v2c", "-c", "public", where, "1", "1.3.6.1.6.3.1.1.5.1"]
        subprocess.run(words, check=True, env={**os.environ, "MIBS": ""})
        message = ear.recv(2000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        due = time.monotonic()
        while not stop.is_set():
            for _ in range(TRAPS_PER_SECOND // 100):
                sock.sendto(message, ("127.0.0.1", port))
            due += 0.01
            time.sleep(max(0.0, due - time.monotonic()))


def memory_of(process: subprocess.Popen[bytes]) -> float:
    """Resident memory, MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def wait_until_ready(port: int) -> None:
    """Until it probes: its start is not what is measured."""
    for _ in range(600):
        time.sleep(0.1)
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/-/ready")
            if connection.getresponse().status == 200:
                return
    raise RuntimeError("netmon did not start")


def netmon(options: argparse.Namespace, *, flooded: bool) -> dict[str, float]:
    """One turn of the whole program over one interval."""
    traps, pages = unused_port(), unused_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = (
            sys.executable, "-m", "netmon", "run", "--config", str(inventory(folder, options, traps)),
            "--data", str(folder / "data"), "--listen", f"127.0.0.1:{pages}", "--log-level", "ERROR",
        )  # fmt: skip
        stop = threading.Event()
        with running(*command) as process:
            wait_until_ready(pages)
            # Every station was asked once: what its first answer brings with it (series, memory) is not a minute's.
            time.sleep(options.interval + SETTLE_SECONDS)
            flooding = threading.Thread(target=flood, args=(traps, stop))
            if flooded:
                flooding.start()
                time.sleep(1)
            before, since_ns = cpu_of(process), time.time_ns()
            time.sleep(options.interval)
            cpu, until_ns = cpu_of(process) - before, time.time_ns()
            memory = memory_of(process)
            stop.set()
            if flooded:
                flooding.join()
        with Reader.open(folder / "data") as reader:
            rows = [
                row
                for number in range(options.stations)
                for row in reader.history(f"hills/s{number}/base-station", since_ns=since_ns, limit=10)
                if row.started_ns < until_ns
            ]
    late = sorted((row.started_ns - row.scheduled_ns) / 1e6 for row in rows)
    wrong = sum(row.status != "up" for row in rows)
    return {
        "cpu_percent": 100 * cpu / options.interval, "memory_mib": memory, "polls": len(rows), "not_up": wrong,
        "late_median_ms": late[len(late) // 2], "late_p99_ms": late[len(late) * 99 // 100], "late_max_ms": late[-1],
    }  # fmt: skip


def exporter(options: argparse.Namespace) -> dict[str, float]:
    """One turn of the exporter: each station once within the interval, evenly."""
    objects = [spec for module in load(PROFILE).modules.values() for spec in module.objects]
    names = [f"object_{number}" for number in range(len(objects))]
    metrics = [
        {"name": name, "oid": format_oid(spec.number), "type": "DisplayString", "help": "An object."}
        for name, spec in zip(names, objects, strict=True)
    ]
    module = {
        "get": [format_oid(spec.number) for spec in objects], "metrics": metrics, "version": 2,
        "auth": {"community": "public"},
    }  # fmt: skip
    program = need.program("prometheus-snmp-exporter", "prometheus-snmp-exporter")
    port, answered = unused_port(), 0

    def scrape(number: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with suppress(OSError):
            connection.request("GET", f"/snmp?target={address(number)}:{PORT}&module=station")
            answer = connection.getresponse()
            return b"object_" in answer.read()
        return False

    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "snmp.yml"
        config.write_text(json.dumps({"station": module}))
        with running(program, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}") as process:
            time.sleep(2)
            before, began = cpu_of(process), time.monotonic()
            with ThreadPoolExecutor(20) as pool:
                futures = []
                for number in range(options.stations):
                    due = began + number * options.interval / options.stations
                    time.sleep(max(0.0, due - time.monotonic()))
                    futures.append(pool.submit(scrape, number))
                answered = sum(future.result() for future in futures)
            cpu, memory = cpu_of(process) - before, memory_of(process)
    return {"cpu_percent": 100 * cpu / options.interval, "memory_mib": memory, "polls": answered}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--simulate", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.simulate:
        asyncio.run(simulate(options.stations))
        return
    with running(sys.executable, __file__, "--simulate", "--stations", str(options.stations), ready=True):
        found = {
            "netmon": netmon(options, flooded=False),
            "netmon, flood of traps": netmon(options, flooded=True),
            "snmp_exporter": exporter(options),
        }
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(f"{name:24}", ", ".join(f"{key} {value:.1f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
