"""Error of the round trips that netmon reports, against the record of a link emulator that spins on a core of its own.

The error is the reported round trip less the time for which the emulator held the packet; what the kernel takes to hand
a packet to the emulator and back is in it. A run in which the emulator was without its core for longer than
``--gap-limit`` is void: it is counted and repeated.

Usage: python bench/rtt_accuracy.py [--packets 300] [--runs 3] [--gap-limit 0.002]
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
from netmon.demo.link import Behaviour
from tests.lab.truth import measure

ADDRESSES = {"IPv4": "10.77.0.9", "IPv6": "fd00:77::9"}
ATTEMPTS = 10


def run(address: str, seconds: float, block_seconds: float, packets: int) -> tuple[list[float], float]:
    """Errors of one run in microseconds, and how long the emulator was without its core."""
    outcome = measure(
        {address: Behaviour(delay_seconds=seconds)},
        count=packets, gap=0.01, timeout=packets * 0.01 + seconds + 2, block_seconds=block_seconds, spinning=True,
    )  # fmt: skip
    found = [
        (echo.rtt_seconds - (record.written_ns[0] - record.arrived_ns) / 1e9) * 1e6
        for echo, record in zip(outcome.echoes[address], outcome.records[address], strict=True)
        if echo.rtt_seconds is not None
    ]
    if len(found) < packets:
        raise SystemExit(f"{packets - len(found)} of {packets} packets were not answered")
    return found, outcome.longest_gap_seconds


def main() -> None:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3, help="runs that count, of each case")
    parser.add_argument("--gap-limit", type=float, default=0.002, help="seconds without its core that void a run")
    options = parser.parse_args()
    print(f"{options.packets} packets a run, {options.runs} runs a case, {os.cpu_count()} cores")
    print("family  delay   event loop      median us   p99 us   void runs")
    for family, address in ADDRESSES.items():
        for milliseconds in (20, 600):
            for block in (0.0, 0.02):
                errors: list[float] = []
                good = void = 0
                while good < options.runs and void < ATTEMPTS:
                    found, gap = run(address, milliseconds / 1e3, block, options.packets)
                    if gap > options.gap_limit:
                        void += 1
                        continue
                    good += 1
                    errors += found
                name = "20 ms blocks" if block else "idle"
                if not errors:
                    print(f"{family}  {milliseconds:4} ms  {name:14}  every run was void ({void})")
                    continue
                absolute = sorted(map(abs, errors))
                p99 = absolute[math.ceil(0.99 * len(absolute)) - 1]
                print(f"{family}  {milliseconds:4} ms  {name:14}  {median(absolute):9.1f}  {p99:7.1f}   {void}")


if __name__ == "__main__":
    main()
