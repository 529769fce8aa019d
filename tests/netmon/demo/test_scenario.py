"""The scenario's books: found, missed, invented, and what explains what, over made-up observations."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from netmon.demo.faults import Fault
from netmon.demo.scenario import Pace, Phase, Scenario
from netmon.model import Observation, Status
from probes.base import ProbeResult

PACE = Pace(interval_seconds=1.0, at_once=10, gap_seconds=0.0, hold_seconds=(0.0,), patience_seconds=60.0)


class Thing:
    """Something that fails while a fault is on."""

    def __init__(self) -> None:
        self.failing = 0
        self.ended = asyncio.Event()

    @contextlib.asynccontextmanager
    async def fail(self) -> AsyncIterator[None]:
        self.failing += 1
        try:
            yield
        finally:
            self.failing -= 1
            self.ended.set()


def fault(thing: Thing, *checks: str, status: Status = Status.DOWN, looks_back: bool = False) -> Fault:
    return Fault(what="it fails", effects=dict.fromkeys(checks, status), inject=thing.fail, looks_back=looks_back)


def seen(check: str, status: Status = Status.UP, *, started_ns: int | None = None) -> Observation:
    started_ns = started_ns or time.time_ns()
    return Observation(
        check_id=check,
        vantage="main",
        scheduled_ns=started_ns,
        started_ns=started_ns,
        duration_seconds=0.0,
        attempt=1,
        status=status,
        reasons=(),
        result=ProbeResult(),
    )


async def settle() -> None:
    """Let the scenario act; it needs no more than a few turns of the loop."""
    for _turn in range(50):
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def playing(scenario: Scenario) -> AsyncIterator[None]:
    task = asyncio.create_task(scenario.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_fault_is_found_when_every_check_shows_it_and_over_when_all_are_well() -> None:
    """Not before, and not by another status; a fault begins only where all is well."""
    thing = Thing()
    scenario = Scenario([fault(thing, "a", "b")], PACE)
    async with playing(scenario):
        scenario.observe([seen("a")])
        await settle()
        assert thing.failing == 0
        scenario.observe([seen("b")])
        await settle()
        assert thing.failing == 1
        scenario.observe([seen("a", Status.DOWN), seen("b", Status.DEGRADED)])
        await settle()
        assert scenario.injections[0].phase is Phase.WAITING
        scenario.observe([seen("b", Status.DOWN)])
        await settle()
        assert (scenario.injections[0].phase, thing.failing) == (Phase.OVER, 0)
        assert scenario.injections[0].cleared_after_seconds is None
        scenario.observe([seen("a"), seen("b")])
        await settle()
        assert scenario.injections[0].cleared_after_seconds is not None
    report = scenario.report()
    assert (report["found"], report["missed"], report["false_alarms"]) == (1, [], [])
    assert thing.failing == 0


async def test_what_is_not_found_in_time_is_missed() -> None:
    """And the fault ends all the same."""
    thing = Thing()
    pace = Pace(interval_seconds=1.0, at_once=1, gap_seconds=60.0, hold_seconds=(0.0,), patience_seconds=0.05)
    scenario = Scenario([fault(thing, "a")], pace)
    async with playing(scenario):
        scenario.observe([seen("a")])
        await settle()
        assert thing.failing == 1
        await asyncio.wait_for(thing.ended.wait(), 20)
        assert scenario.injections[0].phase is Phase.MISSED
    assert scenario.report()["missed"] == ["a: it fails"]


async def test_what_no_fault_explains_is_a_false_alarm() -> None:
    """Outside a fault, and at another check than the fault's; what stands is none."""
    thing = Thing()
    scenario = Scenario([fault(thing, "a")], PACE, {"stowed": Status.STANDBY})
    async with playing(scenario):
        scenario.observe([seen("a", Status.UNKNOWN), seen("stowed", Status.STANDBY)])
        scenario.observe([seen("a"), seen("b")])
        await settle()
        assert thing.failing == 1
        scenario.observe([seen("a", Status.DOWN), seen("b", Status.DOWN), seen("stowed", Status.UP)])
        await settle()
    assert scenario.report()["false_alarms"] == ["a: unknown", "b: down", "stowed: up"]


async def test_what_a_starved_machine_explains_is_void() -> None:
    """The devices run in the same process: one that had no turn has no fault. What came in good time still counts."""
    scenario = Scenario([], PACE)
    async with playing(scenario):
        await asyncio.sleep(0.01)
        before_ns = time.time_ns()
        time.sleep(0.5)  # noqa: ASYNC251 (this is the stall)
        scenario.observe([seen("a", Status.DOWN, started_ns=before_ns), seen("b", started_ns=before_ns)])
        await asyncio.sleep(0.3)
        scenario.observe([seen("c", Status.DOWN, started_ns=before_ns - 3 * 10**9)])
    report = scenario.report()
    assert (report["voided"], report["false_alarms"]) == (["a: down"], ["c: down"])


async def test_a_rate_shows_a_fault_once_more_after_its_end() -> None:
    """It covers the time since the probe before; a state does not."""
    for looks_back, alarms in ((True, []), (False, ["a: down"])):
        thing = Thing()
        scenario = Scenario([fault(thing, "a", looks_back=looks_back)], PACE)
        async with playing(scenario):
            scenario.observe([seen("a")])
            await settle()
            scenario.observe([seen("a", Status.DOWN)])
            await settle()
            assert thing.failing == 0
            scenario.observe([seen("a", Status.DOWN)])
            await settle()
        assert scenario.report()["false_alarms"] == alarms
        scenario.observe([seen("a", Status.DOWN)])
        assert len(scenario.false_alarms) == len(alarms) + 1


async def test_faults_of_one_check_come_one_at_a_time_and_in_turn() -> None:
    """The least played comes first, so that a short run plays each."""
    things = [Thing(), Thing()]
    scenario = Scenario([fault(thing, "a") for thing in things], PACE)
    async with playing(scenario):
        for turn in range(4):
            scenario.observe([seen("a")])
            await settle()
            assert [thing.failing for thing in things] == ([1, 0] if turn % 2 == 0 else [0, 1])
            scenario.observe([seen("a", Status.DOWN)])
            await settle()
    assert scenario.report()["not_injected"] == []
