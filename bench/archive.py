"""What the archive costs: python -m bench.archive [ROWS]

1. CPU and rows per second of the whole way through the journal, for 20-sample pings in batches of 20 and of 1,000,
   and for readings without samples; paired with the bare INSERT of the same text by the same SQLite.
2. Bytes a row.
3. With ROWS rows (5,000,000 unless told) of 1,000 checks over 30 days: one check's day, the latest of all checks.
   They are written here with tiny results and without sync, to be ready in a minute; the reading is the real one.
"""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from netmon.archive import Journal, Reader
from netmon.archive.codec import encode_data
from netmon.archive.schema import FILE_NAME
from netmon.model import Observation
from probes.base import ProbeResult
from tests.lab.observations import SECOND_NS, ping

CHECKS = 1_000
DAYS = 30
DAY_NS = 86_400 * SECOND_NS


def cpu_seconds() -> float:
    """User and system time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def ignore(_observations: Sequence[Observation]) -> None:
    """Takes what is durable."""


async def write(folder: Path, rows: Sequence[Observation], batch: int) -> tuple[float, float]:
    """CPU and wall seconds for one row."""
    async with Journal.open(folder, on_durable=ignore) as journal:
        cpu, wall = cpu_seconds(), time.perf_counter()
        for start in range(0, len(rows), batch):
            for row in rows[start : start + batch]:
                journal.append(row)
            await journal.flush()
        return (cpu_seconds() - cpu) / len(rows), (time.perf_counter() - wall) / len(rows)


def bare_insert(folder: Path, rows: Sequence[Observation], batch: int) -> float:
    """CPU seconds for one row of the same text, encoded before, in a table with the same index and sync."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (check_id TEXT, started_ns INTEGER, data TEXT, UNIQUE (check_id, started_ns))")
    values = [(row.check_id, row.started_ns, encode_data(row)) for row in rows]
    cpu = cpu_seconds()
    for start in range(0, len(values), batch):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", values[start : start + batch])
        connection.execute("COMMIT")
    seconds = (cpu_seconds() - cpu) / len(rows)
    connection.close()
    return seconds


def ingest() -> None:
    """Parts 1 and 2."""
    full = [ping(number, f"site-{number % CHECKS}/router/ping") for number in range(20_000)]
    small = [replace(row, result=ProbeResult(readings={"connect_seconds": 0.001})) for row in full]
    for name, rows, batch in (
        ("20-sample pings", full, 20),
        ("20-sample pings", full, 1000),
        ("one reading", small, 1000),
    ):
        pairs = []
        for _ in range(5):
            with tempfile.TemporaryDirectory() as name_of_folder:
                folder = Path(name_of_folder)
                cpu, wall = asyncio.run(write(folder, rows, batch))
                size = (folder / FILE_NAME).stat().st_size / len(rows)
                pairs.append((cpu, wall, bare_insert(folder, rows, batch)))
        cpu, wall, bare = (median(column) for column in zip(*pairs, strict=True))
        print(
            f"{name}, batches of {batch}: {cpu * 1e6:.0f} us CPU a row, {1 / wall:,.0f} rows/s, {size:.0f} bytes a row;"
            f" bare INSERT {bare * 1e6:.0f} us CPU"
        )


async def fill(folder: Path, count: int) -> None:
    """Tables by the journal, rows in bulk, interleaved as they come in real life."""
    async with Journal.open(folder, on_durable=ignore) as journal:
        for number in range(CHECKS):
            journal.append(ping(number, f"site-{number}/router/ping"))
    data = encode_data(replace(ping(0), result=ProbeResult(readings={"rtt_median_seconds": 0.000123456})))
    step_ns = DAYS * DAY_NS // count
    connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO observation"
        " (series, started_ns, scheduled_ns, duration_seconds, attempt, status, configuration, data)"
        " VALUES (?, ?, ?, 0.1, 1, 'up', 1, ?)",
        ((number % CHECKS + 1, DAY_NS + number * step_ns, DAY_NS + number * step_ns, data) for number in range(count)),
    )
    connection.execute("COMMIT")
    connection.close()


def queries(count: int) -> None:
    """Part 3."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(fill(folder, count))
        days, latest = [], []
        for check in range(0, CHECKS, CHECKS // 20):
            with Reader.open(folder) as reader:
                start = time.perf_counter()
                rows = list(reader.history(f"site-{check}/router/ping", since_ns=15 * DAY_NS, until_ns=16 * DAY_NS))
                days.append(time.perf_counter() - start)
        for _ in range(5):
            with Reader.open(folder) as reader:
                start = time.perf_counter()
                assert len(reader.latest()) == CHECKS
                latest.append(time.perf_counter() - start)
        print(
            f"{count:,} rows: one check's day ({len(rows)} rows) median {median(days) * 1e3:.1f} ms,"
            f" worst {max(days) * 1e3:.1f} ms; latest of {CHECKS} checks {median(latest) * 1e3:.0f} ms"
        )


if __name__ == "__main__":
    ingest()
    queries(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
