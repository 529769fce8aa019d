"""netmon's schedule beside plain APScheduler (one job a check): CPU and lateness of starts that do nothing.

Usage: python bench/scheduler.py [--checks 1000 10000] [--seconds 20] [--pairs 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.pairs import cpu_of, in_pairs, summary

INTERVAL_SECONDS = 10.0
WARM_UP_SECONDS = 5.0


async def spend(seconds: float) -> float:
    """CPU seconds of this process within so many seconds, once it runs: imports and adding the jobs do not count."""
    await asyncio.sleep(WARM_UP_SECONDS)
    before = time.process_time()
    await asyncio.sleep(seconds)
    return time.process_time() - before


async def measure_netmon(checks: int, seconds: float) -> tuple[float, list[float]]:
    """Starts through netmon.schedule; returns the CPU seconds and each start's lateness in seconds."""
    from netmon.runner import Clock
    from netmon.schedule import Schedule
    from tests.lab.checks import check

    late: list[float] = []
    schedule = Schedule(
        start=lambda _check, due_ns: late.append((time.time_ns() - due_ns) / 1e9),
        missed=lambda run: sys.exit(f"missed {run}"),
        stepped=lambda ns: sys.exit(f"the clock was set by {ns} ns"),
        clock=Clock(),
    )
    schedule.set_checks(check(f"site/a{n}/ping", interval_seconds=INTERVAL_SECONDS) for n in range(checks))
    schedule.start()
    spent = await spend(seconds)
    await schedule.stop()
    return spent, late


async def measure_apscheduler(checks: int, seconds: float) -> tuple[float, list[float]]:
    """The same starts, one APScheduler job a check, spread evenly; a job's lateness is against its own grid."""
    import logging

    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    late: list[float] = []
    scheduler = AsyncIOScheduler(timezone=UTC)
    begin = datetime.now(UTC) + timedelta(seconds=1)

    async def start(first: float) -> None:
        late.append((time.time() - first) % INTERVAL_SECONDS)

    for n in range(checks):
        first = begin + timedelta(seconds=INTERVAL_SECONDS * n / checks)
        scheduler.add_job(
            start, "interval", seconds=INTERVAL_SECONDS, start_date=first, args=(first.timestamp(),), max_instances=1,
            coalesce=True, misfire_grace_time=2,
        )  # fmt: skip
    scheduler.start()
    spent = await spend(seconds)
    scheduler.shutdown(wait=False)
    return spent, late


def child(which: str, checks: int, seconds: float) -> None:
    """One measured process."""
    measure = measure_netmon if which == "netmon" else measure_apscheduler
    spent, late = asyncio.run(measure(checks, seconds))
    late.sort()
    quantiles = [late[min(len(late) - 1, int(len(late) * share))] * 1e3 for share in (0.5, 0.99, 1.0)]
    print(json.dumps({"cpu_seconds": spent, "starts": len(late), "late_ms": quantiles}))


def main() -> None:
    """Measure in pairs and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--child", choices=["netmon", "apscheduler"])
    options = parser.parse_args()
    if options.child:
        child(options.child, options.checks[0], options.seconds)
        return
    for checks in options.checks:
        details: dict[str, list[str]] = {"netmon": [], "apscheduler": []}

        def run(which: str, checks: int = checks, details: dict[str, list[str]] = details) -> float:
            command = [sys.executable, __file__, "--child", which, "--checks", str(checks)]
            done = cpu_of([*command, "--seconds", str(options.seconds)])
            if done.exit_code:
                raise SystemExit(done.output)
            line = done.output.strip().splitlines()[-1]
            details[which].append(line)
            return float(json.loads(line)["cpu_seconds"]) / options.seconds

        pairs = in_pairs(lambda: run("netmon"), lambda: run("apscheduler"), options.pairs)
        print(f"{checks} checks every {INTERVAL_SECONDS:g} s, {options.seconds:g} s, CPU share of a core:")
        print("  " + summary("netmon", "APScheduler", pairs, unit="%", scale=100))
        for which, lines in details.items():
            print(f"  {which}: late ms p50/p99/max " + "; ".join(lines))


if __name__ == "__main__":
    main()
