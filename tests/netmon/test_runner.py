"""The runner owns deadline, clock and exceptions; a site is never blamed for a fault of the monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from netmon import runner as runner_module
from netmon.model import MissedRun, Observation, ReasonCode, Status
from netmon.runner import Clock, Runner
from probes.base import CounterReading, CounterSample, Failure, MonitorFault, ProbeResult, Reading
from tests.lab.checks import check, kind

OK = ProbeResult(readings={"rtt_median_seconds": 0.02})
LOST = ProbeResult(failure=Failure.TIMEOUT, detail="nothing came back")


class Recorder:
    """Takes what a runner emits."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self.missed: list[MissedRun] = []


def make(answer: Callable[[], Awaitable[ProbeResult]], **options: Any) -> tuple[Runner, Recorder]:
    recorder = Recorder()
    clock = options.pop("clock", Clock())
    concurrency = options.pop("concurrency", 10)
    made = Runner(
        kinds={"ping": kind(answer, **options)},
        wires=SimpleNamespace(),  # type: ignore[arg-type]  # the kinds of this file use no wire
        emit=recorder.observations.append,
        missed=recorder.missed.append,
        clock=clock,
        concurrency=concurrency,
    )
    return made, recorder


def answers(*results: ProbeResult | Exception) -> Callable[[], Awaitable[ProbeResult]]:
    """A probe that gives these answers in turn, the last one for ever."""
    queue = list(results)

    async def answer() -> ProbeResult:
        result = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(result, Exception):
            raise result
        return result

    return answer


async def drain(runner: Runner) -> None:
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
    assert runner.running == 0


@pytest.mark.parametrize("error", [MonitorFault("no socket"), ValueError("bug"), TimeoutError(), OSError(24, "files")])
async def test_any_exception_is_unknown(error: Exception) -> None:
    """Rule 2 of the probe contract."""
    runner, _ = make(answers(error))
    observation = await runner.run_once(check(), 0)
    assert observation.status is Status.UNKNOWN
    assert observation.reasons[0].code is ReasonCode.MONITOR_FAULT


async def test_a_probe_that_overruns_is_cancelled_and_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is the runner's."""
    monkeypatch.setattr(runner_module, "DEADLINE_SLACK_SECONDS", 0.01)
    cancelled = []

    async def hang() -> ProbeResult:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return OK

    runner, _ = make(hang)
    observation = await runner.run_once(check(timeout_seconds=0.02), 0)
    assert observation.status is Status.UNKNOWN
    assert "overran" in observation.reasons[0].text
    assert cancelled == [True]


async def test_a_first_failure_is_confirmed_and_both_are_stored() -> None:
    """The re-probe may clear it; the first outcome is evidence all the same."""
    runner, recorder = make(answers(LOST, OK))
    runner.start(check(confirm_seconds=0.01), 5)
    await drain(runner)
    assert [(o.attempt, o.status) for o in recorder.observations] == [(1, Status.DOWN), (2, Status.UP)]
    assert {o.scheduled_ns for o in recorder.observations} == {5}


async def test_a_lasting_failure_is_confirmed_once() -> None:
    """Only the change to DOWN is worth a re-probe."""
    runner, recorder = make(answers(LOST))
    for scheduled_ns in range(3):
        runner.start(check(confirm_seconds=0.001), scheduled_ns)
        await drain(runner)
    assert [o.attempt for o in recorder.observations] == [1, 2, 1, 1]


async def test_runs_of_one_check_never_overlap_and_the_missed_one_is_recorded() -> None:
    """A slow probe costs its own next run and nothing else."""
    release = asyncio.Event()

    async def slow() -> ProbeResult:
        await release.wait()
        return OK

    runner, recorder = make(slow)
    runner.start(check(), 1)
    await asyncio.sleep(0)
    runner.start(check(), 2)
    runner.start(check("site/other/ping"), 2)
    release.set()
    await drain(runner)
    assert [(m.check_id, m.scheduled_ns, m.reason) for m in recorder.missed] == [("site/asset/ping", 2, "overlap")]
    assert len(recorder.observations) == 2


async def test_concurrency_is_bounded() -> None:
    """A thousand checks due at once do not run at once."""
    under_way = peak = 0

    async def count() -> ProbeResult:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return OK

    runner, recorder = make(count, concurrency=7)
    for number in range(50):
        runner.start(check(f"site/a{number}/ping"), 0)
    await drain(runner)
    assert peak == 7
    assert len(recorder.observations) == 50


async def test_stopping_lets_a_run_end_and_records_what_it_cuts_off() -> None:
    """A graceful stop leaves no silent gap."""
    runner, recorder = make(answers(OK))
    runner.start(check(), 1)
    await runner.stop(1.0)
    assert [o.status for o in recorder.observations] == [Status.UP]

    async def hang() -> ProbeResult:
        await asyncio.sleep(60)
        return OK

    runner, recorder = make(hang)
    runner.start(check(), 1)
    await runner.stop(0.01)
    runner.start(check(), 2)
    assert [(m.scheduled_ns, m.reason) for m in recorder.missed] == [(1, "stopping"), (2, "stopping")]


async def test_stopping_does_not_wait_for_what_measures_all_the_time() -> None:
    """It would take the whole grace, each time, and not end."""
    ended: list[str] = []

    async def hang() -> ProbeResult:
        await asyncio.sleep(60)
        return OK

    async def soon() -> ProbeResult:
        await asyncio.sleep(0.05)
        ended.append(",".join(missed.check_id for missed in recorder.missed))
        return OK

    runner, recorder = make(hang)
    runner._kinds = {**runner._kinds, "soon": kind(soon, name="soon")}
    runner._required = {**runner._required, "soon": frozenset()}
    runner.start(check(continuous=True), 1)
    runner.start(check("site/other/soon", kind="soon", timeout_seconds=1.0), 1)
    await asyncio.sleep(0)
    await runner.stop(30.0)
    assert ended == ["site/asset/ping"]
    assert [(missed.check_id, missed.reason) for missed in recorder.missed] == [("site/asset/ping", "stopping")]


def seconds_of(*losses: float) -> ProbeResult:
    return ProbeResult(samples={"second_loss_ratio": losses})


async def test_available_time_goes_on_from_run_to_run_and_over_a_restart() -> None:
    """The archive's last observation is all that a new process knows."""
    times = iter([0, 60 * 10**9, 120 * 10**9])
    clock = Clock(wall_ns=lambda: next(times))
    runs = (seconds_of(*[0.0] * 50, *[1.0] * 6), seconds_of(*[1.0] * 4, *[0.0] * 56), seconds_of(*[0.0] * 4))
    runner, _ = make(answers(*runs[:2]), clock=clock)
    first = await runner.run_once(check(), 0)
    second = await runner.run_once(check(), 0)
    restarted, _ = make(answers(runs[2]), clock=clock)
    restarted.seed(check(), second)
    third = await restarted.run_once(check(), 0)
    unavailable = [run.readings["unavailable_seconds"] for run in (first, second, third)]
    available = [run.readings["available_seconds"] for run in (first, second, third)]
    assert (available, unavailable) == ([50, 56, 4], [0, 10, 0])


async def test_a_changed_check_begins_anew() -> None:
    """Another line may be behind it."""
    times = iter([0, 12 * 10**9, 14 * 10**9])
    runner, _ = make(answers(seconds_of(*[1.0] * 10), seconds_of(0.0)), clock=Clock(wall_ns=lambda: next(times)))
    assert (await runner.run_once(check(), 0)).readings["line_available"] == 0
    assert (await runner.run_once(check(), 0)).readings["line_available"] == 0
    runner.keep([check(host="127.0.0.2")])
    assert "line_available" not in (await runner.run_once(check(host="127.0.0.2"), 0)).readings


async def test_start_times_are_strictly_increasing_when_the_clock_is_set_back() -> None:
    """(check, vantage, started_ns) names an observation for ever."""
    times = iter([1000, 400, 1001])
    runner, _ = make(answers(OK), clock=Clock(wall_ns=lambda: next(times)))
    started = [(await runner.run_once(check(), 0)).started_ns for _ in range(3)]
    assert started == [1000, 1001, 1002]


async def test_how_long_ago_it_was_transmitting_goes_on_over_a_restart() -> None:
    wall = iter(range(0, 10**12, 60 * 10**9))
    on, off = (ProbeResult(readings={"rtt_median_seconds": 0.02, "transmitting": value}) for value in (1.0, 0.0))
    runner, recorder = make(answers(on, off), clock=Clock(wall_ns=lambda: next(wall)))
    for _ in range(2):
        await runner.run_once(check(), 0)
    last = await runner.run_once(check(), 0)
    assert recorder.observations == []
    assert last.readings["transmission_age_seconds"] == pytest.approx(120)

    restarted, _ = make(answers(off), clock=Clock(wall_ns=lambda: next(wall)))
    restarted.seed(check(), last)
    assert (await restarted.run_once(check(), 0)).readings["transmission_age_seconds"] == pytest.approx(180)


async def test_rates_come_from_two_samples_and_survive_a_restart() -> None:
    """The first run has no rate; after a restart the archive gives the previous sample."""

    def sample(octets: int, clock_seconds: float) -> ProbeResult:
        return ProbeResult(counters={"in_octets": CounterSample(value=octets, bits=64, clock_seconds=clock_seconds)})

    specs = (CounterReading(name="in_octets", rate="in_bytes_per_second", help="test"),)
    runner, _ = make(answers(sample(1000, 10.0), sample(2000, 20.0)), counters=specs)
    first = await runner.run_once(check(), 0)
    second = await runner.run_once(check(), 0)
    assert dict(first.derived) == {}
    assert second.derived == {"in_bytes_per_second": pytest.approx(100.0)}

    restarted, _ = make(answers(sample(2600, 26.0)), counters=specs)
    restarted.seed(check(), second)
    third = await restarted.run_once(check(), 0)
    assert third.derived == {"in_bytes_per_second": pytest.approx(100.0)}


async def test_a_result_without_a_promised_reading_is_unknown() -> None:
    """A kind that breaks its promise is our fault."""
    runner, _ = make(answers(ProbeResult()), readings=(Reading(name="rtt_median_seconds", help="test"),))
    assert (await runner.run_once(check(), 0)).status is Status.UNKNOWN


async def test_a_changed_check_forgets_its_counters_and_a_removed_one_everything() -> None:
    """A rate between the counters of two devices is none."""
    octets = CounterReading(name="octets", rate="octets_per_second", help="for tests")
    first, second, third = (
        ProbeResult(counters={"octets": CounterSample(value=100 * at, bits=64, clock_seconds=at)}) for at in (1, 6, 11)
    )
    runner, _ = make(answers(first, second, third), counters=(octets,))
    await runner.run_once(check(), 0)
    runner.keep([check(host="127.0.0.2")])
    assert (await runner.run_once(check(host="127.0.0.2"), 0)).derived == {}
    assert (await runner.run_once(check(host="127.0.0.2"), 0)).derived == {"octets_per_second": 100.0}
    runner.keep([])
    assert runner.running == 0
