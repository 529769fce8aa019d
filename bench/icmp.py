"""The whole of netmon pinging 1,000 addresses, archive and metrics on, beside fping and smokeping_prober.

CPU of whole processes, user and system, start-up included, in turns. Every address is in 127.0.0.0/8.
Usage: python bench/icmp.py [--targets 1000] [--count 20] [--rounds 40] [--pairs 1] [--smokeping]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.pairs import cpu_of, in_pairs, process_cpu_seconds, summary


def addresses(count: int) -> list[str]:
    """``count`` addresses of the loopback network."""
    return [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(count)]


def inventory(targets: int, count: int, gap: float, interval: float) -> str:
    """One site with a router for each address."""
    lines = [
        "defaults:",
        f"  ping: {{interval: {interval}, timeout: {interval * 0.9}, params: {{count: {count}, gap_seconds: {gap}}}}}",
        "sites:",
        "  - id: bench",
        "    kind: battalion",
        "    equipment:",
    ]
    lines += [f"      - {{id: r{n}, kind: router, address: {host}}}" for n, host in enumerate(addresses(targets))]
    return "\n".join(lines) + "\n"


async def netmon_child(folder: Path, rounds: int, interval: float) -> None:
    """Run the application until every check ran ``rounds`` times; print what was sent and received."""
    import socket

    import probes
    from netmon.app import Settings, running
    from netmon.config import load

    path = folder / "sites.yaml"
    config = load(path, kinds=probes.KINDS)
    sent = received = runs = 0
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = Settings(config=path, data=folder / "data", concurrency=4000)
        async with running(config, settings, [listening]) as netmon:
            done = asyncio.Event()

            def count(observations: object) -> None:
                nonlocal sent, received, runs
                for observation in observations:  # type: ignore[attr-defined]
                    readings = observation.result.readings
                    sent += int(readings.get("sent", 0))
                    received += int(readings.get("received", 0))
                    runs += 1
                if runs >= rounds * len(config.checks):
                    done.set()

            netmon.observe(count)
            await asyncio.wait_for(done.wait(), rounds * interval * 3 + 30)
    print(json.dumps({"sent": sent, "received": received, "runs": runs}))


def run_netmon(text: str, rounds: int, interval: float, notes: list[str]) -> float:
    """CPU seconds per echo request of a whole netmon process."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sites.yaml").write_text(text, encoding="utf-8")
        run = cpu_of(
            [sys.executable, __file__, "--child", folder, "--rounds", str(rounds), "--interval", str(interval)]
        )
    if run.exit_code:
        raise SystemExit(run.output)
    counts = json.loads(run.output.strip().splitlines()[-1])
    notes.append(f"netmon {counts} {run.wall_seconds:.1f} s wall, {run.max_rss_bytes / 2**20:.0f} MiB")
    return run.cpu_seconds / counts["sent"]


def run_fping(targets: int, count: int, notes: list[str]) -> float:
    """CPU seconds per echo request of fping, one packet every 0.1 ms."""
    fping = shutil.which("fping") or sys.exit("fping is not installed: apt-get install fping")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(addresses(targets)) + "\n")
        file.flush()
        run = cpu_of([fping, f"-c{count}", "-q", "-i", "0.1", "-p", "100", "-f", file.name])
    lost = sum("/0%" not in line for line in run.output.splitlines() if "xmt/rcv" in line)
    notes.append(f"fping {targets * count} requests, {lost} targets with loss, {run.wall_seconds:.1f} s wall")
    return run.cpu_seconds / (targets * count)


def run_smokeping(targets: int, seconds: float, notes: list[str]) -> float:
    """CPU seconds per echo request of smokeping_prober at one request a second and target."""
    program = shutil.which("prometheus-smokeping-prober") or sys.exit(
        "smokeping_prober is not installed: apt-get install prometheus-smokeping-prober"
    )
    port = 29374
    # Unprivileged sockets need net.ipv4.ping_group_range, which root has no use for.
    right = "--privileged" if os.geteuid() == 0 else "--no-privileged"
    command = [program, f"--web.listen-address=127.0.0.1:{port}", "--ping.interval=1s", right]
    with subprocess.Popen(
        [*command, *addresses(targets)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as made:
        try:
            time.sleep(seconds)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                lines = answer.read().decode().splitlines()
            requests = sum(
                float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("smokeping_requests_total{")
            )
            cpu = process_cpu_seconds(made.pid)
        finally:
            made.kill()
    if requests < targets * seconds / 2:
        raise SystemExit(
            f"smokeping_prober sent {requests:.0f} of {targets * seconds:.0f} requests: nothing to compare with"
        )
    notes.append(f"smokeping_prober {requests:.0f} requests in {seconds:.0f} s")
    return cpu / requests


def main() -> None:
    """Measure in pairs and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--interval", type=float, default=3.0)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--smokeping", action="store_true", help="also beside smokeping_prober, 1,000 a second")
    parser.add_argument("--child", type=Path)
    options = parser.parse_args()
    if options.child:
        asyncio.run(netmon_child(options.child, options.rounds, options.interval))
        return
    notes: list[str] = []
    text = inventory(options.targets, options.count, 0.05, options.interval)
    pairs = in_pairs(
        lambda: run_netmon(text, options.rounds, options.interval, notes),
        lambda: run_fping(options.targets, options.count * options.rounds, notes),
        options.pairs,
    )
    print(f"{options.targets} targets, {options.count} packets a probe, {options.rounds} probes each:")
    print("  " + summary("netmon", "fping -i 0.1", pairs, unit="us/ping", scale=1e6))
    if options.smokeping:
        slow = inventory(options.targets, options.count, 0.1, options.count)
        pairs = in_pairs(
            lambda: run_netmon(slow, 2, options.count, notes),
            lambda: run_smokeping(options.targets, 2 * options.count, notes),
            1,
        )
        print("  " + summary("netmon", "smokeping_prober", pairs, unit="us/ping", scale=1e6))
    print("\n".join("  " + note for note in notes))


if __name__ == "__main__":
    main()
