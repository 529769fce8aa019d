"""What SNMP polling costs: python -m bench.snmp [--rounds N] [--walks N] [--gets N] [--json]

Against one real snmpd on loopback, in turns A B A B within one run:

1. a walk of ifTable and ifXTable: CPU of our process beside CPU of prometheus-snmp-exporter for the same two subtrees
   (its own process, its own snmp.yml with numeric OIDs; the HTTP client's CPU is counted for neither);
2. a Get of ten objects: our engine beside pysnmp, which is the reference, and gufo-snmp.

Ours is the whole way through SnmpWire; both sides are read from the kernel's accounting (getrusage, /proc/PID/stat).
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from probes.wire.snmp import SnmpAuth, SnmpWire
from probes.wire.snmp_pysnmp import PysnmpEngine
from tests.lab import need
from tests.lab.servers import unused_port
from tests.lab.snmp import COMMUNITY, snmpd

LOCAL = "127.0.0.1"
IF_TABLE, IF_X_TABLE = "1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1"
TEN = [f"1.3.6.1.2.1.1.{n}.0" for n in (1, 2, 3, 4, 5, 6)] + [f"{IF_TABLE}.1.{n}.1" for n in (2, 7, 8, 10)]
AT_ONCE = 20
TICKS = os.sysconf("SC_CLK_TCK")
# Every column of the two tables that is a number.
COLUMNS = [f"{IF_TABLE}.1.{n}" for n in range(3, 23) if n != 6] + [
    f"{IF_X_TABLE}.1.{n}" for n in range(2, 20) if n != 18
]


def own_cpu() -> float:
    """User and system seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def cpu_of(process: subprocess.Popen[bytes]) -> float:
    """User and system seconds of another process (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def exporter(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """prometheus-snmp-exporter with one module that walks both tables."""
    metrics = [
        {
            "name": f"column_{oid.replace('.', '_')}",
            "oid": oid,
            "type": "gauge",
            "help": "A column.",
            "indexes": [{"labelname": "ifIndex", "type": "gauge"}],
        }
        for oid in COLUMNS
    ]
    module = {"walk": [IF_TABLE, IF_X_TABLE], "metrics": metrics, "version": 2, "auth": {"community": COMMUNITY}}
    config = folder / "snmp.yml"
    config.write_text(json.dumps({"interfaces": module}))
    port = unused_port()
    program = need.program("prometheus-snmp-exporter", "prometheus-snmp-exporter")
    process = subprocess.Popen(
        [program, f"--config.file={config}", f"--web.listen-address={LOCAL}:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait()


def scrape(port: int, agent: int) -> str:
    """One scrape: the exporter walks the agent once."""
    connection = http.client.HTTPConnection(LOCAL, port, timeout=30)
    connection.request("GET", f"/snmp?target={LOCAL}:{agent}&module=interfaces")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the exporter answered {answer.status}: {text[:200]}")
    return text


def wait_for(port: int, agent: int) -> str:
    """The first scrape that works."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with suppress(OSError):
            return scrape(port, agent)
        time.sleep(0.1)
    raise RuntimeError("the exporter did not start")


async def walk(wire: SnmpWire, agent: int) -> int:
    """One walk of both tables; how many values it gave."""
    reply = await wire.walk(LOCAL, agent, "bench", [IF_TABLE, IF_X_TABLE], timeout=30)
    if reply.failure is not None:
        raise RuntimeError(reply.detail)
    return len(reply.values)


async def get(wire: SnmpWire, agent: int) -> None:
    """One Get of ten objects."""
    reply = await wire.get(LOCAL, agent, "bench", TEN, timeout=30)
    if reply.failure is not None or len(reply.values) + len(reply.absent) != len(TEN):
        raise RuntimeError(reply.detail)


async def times(count: int, one: object, *arguments: object) -> float:
    """CPU seconds a call, with AT_ONCE calls at once."""

    async def worker() -> None:
        for _ in range(count // AT_ONCE):
            await one(*arguments)  # type: ignore[operator]  # a coroutine function

    before = own_cpu()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return (own_cpu() - before) / (count // AT_ONCE * AT_ONCE)


async def gufo_gets(agent: int, count: int) -> float:
    """CPU seconds a Get by gufo-snmp, one session for each worker."""
    from gufo.snmp.aio import SnmpSession

    sessions = [SnmpSession(LOCAL, agent, community=COMMUNITY, timeout=30) for _ in range(AT_ONCE)]

    async def worker(session: SnmpSession) -> None:
        for _ in range(count // AT_ONCE):
            await session.get_many(TEN)

    before = own_cpu()
    await asyncio.gather(*map(worker, sessions))
    return (own_cpu() - before) / (count // AT_ONCE * AT_ONCE)


async def gufo_walks(agent: int, count: int) -> float:
    """CPU seconds a walk of both tables by gufo-snmp."""
    from gufo.snmp.aio import SnmpSession

    async def worker(session: SnmpSession) -> None:
        for _ in range(count // AT_ONCE):
            for root in (IF_TABLE, IF_X_TABLE):
                async for _ in session.getbulk(root):
                    pass

    sessions = [SnmpSession(LOCAL, agent, community=COMMUNITY, timeout=30) for _ in range(AT_ONCE)]
    before = own_cpu()
    await asyncio.gather(*map(worker, sessions))
    return (own_cpu() - before) / (count // AT_ONCE * AT_ONCE)


async def measure(
    agent: int, process: subprocess.Popen[bytes], port: int, options: argparse.Namespace
) -> dict[str, object]:
    """All rounds."""
    auths = {"bench": SnmpAuth(community=COMMUNITY)}
    wire, reference = SnmpWire(auths), SnmpWire(auths)
    reference._udp = PysnmpEngine()  # noqa: SLF001 (the same wire with the reference engine below it)
    figures: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        figures.setdefault(name, []).append(seconds * 1e6)

    loop = asyncio.get_running_loop()
    series = len([line for line in wait_for(port, agent).splitlines() if line.startswith("column_")])
    values = await walk(wire, agent)
    await get(reference, agent)
    for _ in range(options.rounds):
        before = cpu_of(process)
        for _ in range(options.walks):
            await loop.run_in_executor(None, scrape, port, agent)
        note("walk exporter", (cpu_of(process) - before) / options.walks)
        note("walk netmon", await times(options.walks, walk, wire, agent))
        note("walk gufo", await gufo_walks(agent, options.walks))
        note("get netmon", await times(options.gets, get, wire, agent))
        note("get pysnmp", await times(options.gets // 10, get, reference, agent))
        note("get gufo", await gufo_gets(agent, options.gets))
    await wire.aclose()
    await reference.aclose()
    middle = {name: median(found) for name, found in figures.items()}
    return {
        "cpu_microseconds": {name: round(value, 1) for name, value in middle.items()},
        "ratios": {
            "walk netmon/exporter": round(middle["walk netmon"] / middle["walk exporter"], 3),
            "walk netmon/gufo": round(middle["walk netmon"] / middle["walk gufo"], 3),
            "get netmon/pysnmp": round(middle["get netmon"] / middle["get pysnmp"], 3),
            "get netmon/gufo": round(middle["get netmon"] / middle["get gufo"], 3),
        },
        "values_in_a_walk": {"netmon": values, "exporter_series": series},
        "rounds": options.rounds,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--walks", type=int, default=200)
    parser.add_argument("--gets", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with snmpd(folder) as agent, exporter(folder) as (process, port):
            found = asyncio.run(measure(agent, process, port, options))
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found["cpu_microseconds"].items():  # type: ignore[attr-defined]  # a mapping
        print(f"{name:22} {value:10.1f} us CPU each, median of {found['rounds']} rounds")
    for name, value in found["ratios"].items():  # type: ignore[attr-defined]
        print(f"{name:22} {value:10.3f}")
    print(f"values in a walk: {found['values_in_a_walk']}")


if __name__ == "__main__":
    main()
