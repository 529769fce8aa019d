"""Every test that loads a line is run or recorded, although netmon is killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import probes
from netmon.archive import ArchiveError, Event, Journal, Reader
from netmon.config import load
from netmon.left_open import left_open
from netmon.model import MissedRun, Observation, Status
from netmon.schedule import Grid
from probes.base import ProbeResult
from tests.lab.observations import ignore

NS = 1_000_000_000
DAY_NS = 86_400 * NS
INVENTORY = """
reflector_keys: {{default: {{key_file: key}}}}
load_tests:
  protected: [{{every: [monday, tuesday, wednesday, thursday, friday, saturday, sunday], at: "00:00", length: 1d}}]
sites:
  - id: here
    kind: fire_station
    equipment:
      - id: line
        kind: uplink
        endpoints: {{near: 127.0.0.1, far: 127.0.0.1, reflector: 127.0.0.1}}
        checks: {{uplink: off, capacity: {{interval: {interval}, timeout: 1s}}}}
"""


def inventory(folder: Path, interval: str) -> Path:
    file = folder / f"sites-{interval}.yaml"
    file.write_text(INVENTORY.format(interval=interval), encoding="utf-8")
    (folder / "key").write_text("a key that is long enough for the lab", encoding="utf-8")
    return file


def netmon(file: Path, data: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "netmon", "run", "--config", str(file), "--data", str(data)]
    return subprocess.Popen([*words, "--listen", "127.0.0.1:0"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def recorded(data: Path) -> list[MissedRun]:
    with Reader.open(data) as reader:
        return list(reader.missed())


def events(data: Path) -> list[Event]:
    with contextlib.suppress(ArchiveError), Reader.open(data) as reader:
        return list(reader.events("start"))
    return []


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_until(at_ns: int) -> None:
    time.sleep(max(0.0, (at_ns - time.time_ns()) / NS))


def test_a_test_that_waits_when_netmon_is_killed_is_recorded(tmp_path: Path) -> None:
    """SIGKILL while one waits: it is told at the next start, and nothing is told twice."""
    file, data = inventory(tmp_path, "4s"), tmp_path / "data"
    grid = Grid.of(load(file, kinds=probes.KINDS).checks["here/line/capacity"])
    first = netmon(file, data)
    try:
        wait_for(lambda: bool(events(data)))
        waits = grid.next(time.time_ns())  # its slip is 2 s, and all the time is protected
        wait_until(waits + NS // 2)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert waits not in {run.scheduled_ns for run in recorded(data)}
    wait_until(waits + 2 * NS)
    second = netmon(file, data)
    try:
        wait_for(lambda: waits in {run.scheduled_ns for run in recorded(data)})
    finally:
        second.terminate()
        second.wait(20)

    told = recorded(data)
    reasons = {run.scheduled_ns: run.reason for run in told}
    assert reasons[waits] == "not_running"
    assert len(reasons) == len(told)
    assert {*grid.between(min(reasons) - 1, max(reasons) + 1)} == {*reasons}


@pytest.fixture
def county(tmp_path: Path) -> Path:
    return inventory(tmp_path, "1d")


def row(check_id: str, at_ns: int, attempt: int, status: Status) -> Observation:
    return Observation(
        check_id=check_id, vantage="main", scheduled_ns=at_ns, started_ns=at_ns + attempt * NS, duration_seconds=1.0,
        attempt=attempt, status=status, reasons=(), result=ProbeResult(),
    )  # fmt: skip


async def test_what_ran_or_was_told_is_not_open(county: Path, tmp_path: Path) -> None:
    """Days 0 to 4 after a start: run, told, open, open; not before the start, and not for another inventory's grid."""
    config = load(county, kinds=probes.KINDS)
    other = load(inventory(tmp_path, "7h"), kinds=probes.KINDS)
    check = config.checks["here/line/capacity"]
    days = [Grid.of(check).next(200 * DAY_NS) + n * DAY_NS for n in range(5)]
    now_ns = days[4] + NS
    data = tmp_path / "data"
    async with Journal.open(data, on_durable=ignore) as journal:
        journal.record_config(config.config_id, config.text, days[0] - DAY_NS // 4)
        journal.append_event("start", days[0] - DAY_NS // 4, {})
        journal.append(row(check.id, days[0], 1, Status.DEGRADED))
        journal.append_missed(MissedRun(check_id=check.id, vantage="main", scheduled_ns=days[1], reason="busy"))
        journal.record_config(other.config_id, other.text, days[2] + NS)
        journal.record_config(config.config_id, config.text, days[3] - NS)
        journal.append_event("start", now_ns, {})
    with Reader.open(data) as reader:
        due, last = left_open(reader, config, config.checks.values(), now_ns, now_ns, probes.KINDS)
        again = left_open(reader, config, config.checks.values(), now_ns + NS, now_ns + NS, probes.KINDS)

    sevens = Grid.of(other.checks[check.id]).between(days[2] + NS, days[3] - NS)
    assert len(sevens) >= 3
    assert [at_ns for _check, at_ns in due] == [days[2], *sevens, days[3], days[4]]
    assert all(each is check for each, _at_ns in due)
    assert last == []  # a test was due after it
    # Open from before the last start is what may have waited then: half an interval.
    assert [at_ns for _check, at_ns in again[0]] == [days[4]]


async def test_a_bad_test_may_have_to_be_repeated_still(county: Path, tmp_path: Path) -> None:
    config = load(county, kinds=probes.KINDS)
    check = config.checks["here/line/capacity"]
    day = Grid.of(check).next(200 * DAY_NS)
    async with Journal.open(tmp_path / "data", on_durable=ignore) as journal:
        journal.record_config(config.config_id, config.text, day - NS)
        journal.append_event("start", day - NS, {})
        journal.append(row(check.id, day, 1, Status.DEGRADED))
    with Reader.open(tmp_path / "data") as reader:
        due, last = left_open(reader, config, config.checks.values(), day + 60 * NS, day + 60 * NS, probes.KINDS)

    assert due == []
    assert [each.scheduled_ns for each in last] == [day]


async def test_the_first_start_leaves_nothing(county: Path, tmp_path: Path) -> None:
    config = load(county, kinds=probes.KINDS)
    async with Journal.open(tmp_path / "data", on_durable=ignore) as journal:
        journal.append_event("start", 300 * DAY_NS, {})
        journal.record_config(config.config_id, config.text, 300 * DAY_NS)
    with Reader.open(tmp_path / "data") as reader:
        assert left_open(reader, config, config.checks.values(), 300 * DAY_NS, 301 * DAY_NS, probes.KINDS) == ([], [])
