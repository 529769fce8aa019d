"""Observations from a journal to a real VictoriaMetrics, beside influxdb-client's own batching: python -m bench.forward

Both send the same observations, each as one line with the same tags and fields; the client's way makes points of what
was read and decoded from the journal beforehand, so only making lines and sending is counted there; ours reads the
journal, too. What arrived is counted back from the store.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from influxdb_client import InfluxDBClient, Point, WriteOptions

from bench.pairs import summary
from netmon.archive import Journal, Reader
from netmon.forward.influx import InfluxStore
from netmon.forward.pump import Pump, forget
from netmon.forward.settings import ForwardSettings
from netmon.model import Observation
from tests.lab.observations import ping
from tests.lab.victoria import Victoria

CHECKS = 100
MILLISECOND_NS = 1_000_000
START_NS = 1_790_000_000_000 * MILLISECOND_NS


async def fill(folder: Path, rows: int) -> None:
    """A journal of pings; the time stands for the number, so that the store can count."""
    async with Journal.open(folder, on_durable=lambda _rows: None) as journal:
        for number in range(rows):
            at_ns = START_NS + number * MILLISECOND_NS
            journal.append(
                replace(ping(number % 97), check_id=f"x/a{number % CHECKS}/ping", started_ns=at_ns, scheduled_ns=at_ns)
            )
            if number % 5000 == 0:
                await journal.flush()


def ours(folder: Path, url: str) -> None:
    """The pump, without its pauses."""
    pump = Pump(folder, InfluxStore(ForwardSettings(url=url, bucket="ours")), batch=5000)
    while pump.step(time.monotonic()) == 0:
        pass
    pump.close()


def theirs(rows: list[Observation], url: str) -> None:
    """Points through the client's batching."""
    with InfluxDBClient(url=url, token="", org="netmon") as client:
        options = WriteOptions(batch_size=5000, flush_interval=1000)
        with client.write_api(write_options=options) as writer:
            for row in rows:
                point = Point("netmon").tag("asset", row.check_id.rpartition("/")[0]).tag("check", row.check_id)
                point.tag("site", "x").tag("vantage", row.vantage)
                point.field("status_code", 0).field("duration_seconds", row.duration_seconds).field("attempt", 1)
                for name, value in row.readings.items():
                    point.field(name, value)
                writer.write(bucket="theirs", org="netmon", record=point.time(row.started_ns))


def measured(work: Callable[[], None], count: int) -> tuple[float, float]:
    """Wall and processor seconds a row."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu, wall = usage.ru_utime + usage.ru_stime, time.perf_counter()
    work()
    wall = time.perf_counter() - wall
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return wall / count, (usage.ru_utime + usage.ru_stime - cpu) / count


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    wall: list[tuple[float, float]] = []
    cpu: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(fill(folder, asked.rows))
        with Reader.open(folder) as reader:
            rows = [row for check in range(CHECKS) for row in reader.history(f"x/a{check}/ping")]
        for number in range(asked.pairs):
            victoria = Victoria(folder / f"store{number}")
            victoria.start()
            one = measured(lambda: ours(folder, victoria.url), asked.rows)  # noqa: B023 (called at once)
            found = sum(map(len, victoria.samples('{__name__="netmon_loss_ratio"}').values()))
            other = measured(lambda: theirs(rows, victoria.url), asked.rows)  # noqa: B023
            victoria.stop()
            if found != asked.rows:
                sys.exit(f"{found} of {asked.rows} rows arrived")
            wall.append((one[0], other[0]))
            cpu.append((one[1], other[1]))
            forget(folder)
    print(summary("netmon", "influxdb-client batching", wall, unit="us a row, wall", scale=1e6))
    print(summary("netmon", "influxdb-client batching", cpu, unit="us a row, CPU", scale=1e6))
    print(
        f"a row has {3 + len(rows[0].readings)} fields; netmon sends {1 / min(a for a, _ in wall):,.0f} rows a second"
    )


if __name__ == "__main__":
    main()
