"""When checks run, what is missed, and what a set clock does."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.model import Check, MissedRun
from netmon.runner import Clock
from netmon.schedule import SLOT_NS, Grid, Schedule
from tests.lab import need
from tests.lab.checks import check

pytestmark = pytest.mark.alone  # runs are counted by the clock

NS = 1_000_000_000


class Recorder:
    """Takes what a schedule calls."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.started: list[tuple[str, int, int]] = []
        self.missed: list[MissedRun] = []
        self.steps: list[int] = []
        self.schedule = Schedule(
            start=self.start, missed=self.missed.append, stepped=self.steps.append, clock=clock or Clock()
        )

    def start(self, check: Check, scheduled_ns: int) -> None:
        self.started.append((check.id, scheduled_ns, time.time_ns()))


@pytest.mark.soak
@given(st.integers(1, 10**13), st.integers(0, 10**13), st.integers(0, 2 * 10**18))
def test_a_grid_is_periodic_and_its_neighbours_enclose_now(interval: int, phase: int, now: int) -> None:
    """last <= now < next, one interval apart, both on the grid."""
    grid = Grid(interval, phase)
    assert grid.last(now) <= now < grid.next(now)
    assert grid.next(now) - grid.last(now) == interval
    assert (grid.last(now) - phase) % interval == 0


@pytest.mark.soak
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_between_is_strict(after: int, before: int) -> None:
    """Neither end counts."""
    grid = Grid(1000, 7)
    expected = [t for t in range(7, before, 1000) if t > after]
    assert list(grid.between(after, before)) == expected


def test_a_phase_depends_on_the_check_alone_and_phases_are_spread() -> None:
    """Starts stay where they are whatever else is in the inventory, and no instant is crowded."""
    grids = [Grid.of(check(f"s/a{n}/ping", interval_seconds=10)) for n in range(2000)]
    assert grids == [Grid.of(check(f"s/a{n}/ping", interval_seconds=10)) for n in range(2000)]
    counts = Counter(grid.phase_ns for grid in grids)
    assert all(phase % SLOT_NS == 0 and phase < 10 * NS for phase in counts)
    assert len(counts) == 200
    assert max(counts.values()) < 30  # mean 10, Poisson: beyond 30 once in 10^7


async def test_checks_start_on_their_grid() -> None:
    """Each start is on the grid, none is early, none is missing."""
    recorder = Recorder()
    checks = [check(f"s/a{n}/ping", interval_seconds=0.2, timeout_seconds=0.1) for n in range(20)]
    recorder.schedule.set_checks(checks)
    recorder.schedule.start()
    await asyncio.sleep(1.1)
    await recorder.schedule.stop()
    for each in checks:
        grid = Grid.of(each)
        times = [scheduled for check_id, scheduled, _ in recorder.started if check_id == each.id]
        missed = [run.scheduled_ns for run in recorder.missed if run.check_id == each.id]
        instants = sorted(times + missed)
        assert instants == list(range(instants[0], instants[-1] + 1, grid.interval_ns))
        assert len(instants) >= 4
    assert all(actual >= scheduled for _, scheduled, actual in recorder.started)


async def test_a_blocked_loop_is_recorded_as_missed_runs_not_as_silence() -> None:
    """What could not start is written down, once for each due instant."""
    recorder = Recorder()
    one = check(interval_seconds=0.1, timeout_seconds=0.05)
    recorder.schedule.set_checks([one])
    recorder.schedule.start()
    await asyncio.sleep(0.15)
    time.sleep(0.65)  # noqa: ASYNC251  (the point of the test)
    await asyncio.sleep(0.15)
    await recorder.schedule.stop()
    times = sorted([scheduled for _, scheduled, _ in recorder.started] + [run.scheduled_ns for run in recorder.missed])
    assert times == list(range(times[0], times[-1] + 1, 100_000_000))
    assert 5 <= len(recorder.missed) <= 7
    assert {run.reason for run in recorder.missed} == {"coalesced"}


async def test_a_run_that_is_too_late_is_a_misfire() -> None:
    """Past the grace of a quarter interval (at least a second) a run is not started late, it is recorded."""
    recorder = Recorder()
    one = check(interval_seconds=5, timeout_seconds=1)
    recorder.schedule.set_checks([one])
    recorder.schedule.start()
    grid = Grid.of(one)
    slot = recorder.schedule._slots[grid]
    due_ns = slot.handled_ns - NS * 2
    slot.handled_ns = due_ns - 1
    from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent

    from netmon.schedule import _to_datetime

    recorder.schedule._misfired(JobExecutionEvent(EVENT_JOB_MISSED, slot.job.id, "default", _to_datetime(due_ns)))
    await recorder.schedule.stop()
    assert {run.reason for run in recorder.missed} <= {"misfire"}


async def test_an_unchanged_check_is_not_disturbed_by_others() -> None:
    """Adding and removing neighbours, also in the same slot, moves nothing and misses nothing."""
    recorder = Recorder()
    stays = check("s/stays/ping", interval_seconds=0.2, timeout_seconds=0.1)
    others = [check(f"s/a{n}/ping", interval_seconds=0.2, timeout_seconds=0.1) for n in range(20)]
    recorder.schedule.set_checks([stays, *others])
    recorder.schedule.start()
    for turn in range(5):
        await asyncio.sleep(0.15)
        recorder.schedule.set_checks([stays, *(others if turn % 2 else [])])
    await recorder.schedule.stop()
    times = [scheduled for check_id, scheduled, _ in recorder.started if check_id == stays.id]
    times += [run.scheduled_ns for run in recorder.missed if run.check_id == stays.id]
    assert sorted(times) == list(range(min(times), max(times) + 1, 200_000_000))


async def test_a_changed_interval_moves_a_check_and_leaves_no_second_run() -> None:
    """One check is on one grid."""
    recorder = Recorder()
    recorder.schedule.set_checks([check(interval_seconds=60)])
    recorder.schedule.set_checks([check(interval_seconds=30)])
    assert [grid.interval_ns for grid in recorder.schedule._slots] == [30 * NS]
    assert len(recorder.schedule._scheduler.get_jobs()) == 1
    recorder.schedule.set_checks([])
    assert recorder.schedule._scheduler.get_jobs() == []


@pytest.mark.parametrize("step_seconds", [-3600, 3600])
async def test_a_set_clock_is_noticed_and_makes_no_missed_runs(step_seconds: int) -> None:
    """An hour that never passed holds no due runs."""
    shift = [0]
    recorder = Recorder(Clock(wall_ns=lambda: time.time_ns() + shift[0]))
    recorder.schedule.set_checks([check(interval_seconds=0.2, timeout_seconds=0.1)])
    recorder.schedule.start()
    shift[0] = step_seconds * NS
    assert recorder.schedule._clock_was_set()
    assert not recorder.schedule._clock_was_set()
    await recorder.schedule.stop()
    assert recorder.steps == [pytest.approx(step_seconds * NS, abs=0.1 * NS)]
    assert recorder.missed == []


CHILD = """
import asyncio, json, sys, time
from netmon.runner import Clock
from netmon.schedule import Schedule
from tests.lab.checks import check

started, missed, steps = [], [], []

async def main():
    schedule = Schedule(
        start=lambda check, due: started.append((time.monotonic(), due)),
        missed=lambda run: missed.append(run.reason), stepped=steps.append, clock=Clock())
    schedule.set_checks([check(interval_seconds=0.2, timeout_seconds=0.1)])
    schedule.start()
    await asyncio.sleep(1)
    open(sys.argv[1], "w").write(sys.argv[2])
    await asyncio.sleep(4)
    await schedule.stop()
    print(json.dumps([started, missed, steps]))

asyncio.run(main())
"""


@pytest.mark.parametrize("step", ["-3600", "+3600"])
def test_probing_goes_on_after_the_clock_was_really_set(step: str, tmp_path: Path) -> None:
    """A whole process whose wall clock is set by an hour: at most two seconds without a run, no flood of runs."""
    faketime = need.program("faketime", "faketime")
    rc = tmp_path / "offset"
    rc.write_text("+0")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert library is not None, f"{faketime} is there but its library is not"
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(rc),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(rc), step], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    started, missed, steps = json.loads(done.stdout)
    assert steps == [pytest.approx(int(step) * NS, abs=NS)]
    moments = [moment for moment, _ in started]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert max(gaps) < 2.5
    assert 10 <= len(started) <= 27
    assert len(missed) <= 10
