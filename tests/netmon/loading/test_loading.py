"""Tests that load a line: one at a time, never when it is needed, and every one that is due is run or recorded."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from netmon.loading import Loading, resources
from netmon.loading.queue import AROUND_HOUR_NS, HOUR_NS
from netmon.model import LOCAL, Asset, Check, LoadTests, LocalText, MaintenancePlan, MissedRun, Observation, Status
from netmon.runner import Clock
from netmon.schedule import Grid
from netmon.upkeep import Upkeep
from probes.base import ProbeResult, Scheduling
from tests.lab.checks import check
from tests.lab.pages import MemoryEvents

NS = 1_000_000_000
BEGIN = round(datetime(2026, 3, 1, tzinfo=LOCAL).timestamp()) * NS
DAY = 86_400
RUN_SECONDS = 20


def asset(name: str, parent: str | None) -> Asset:
    return Asset(id=name, site=name.partition("/")[0], kind="uplink", name=LocalText(en=name), parent=parent)


ASSETS = {
    "battalion/router": asset("battalion/router", None),
    **{f"station-{n}/uplink": asset(f"station-{n}/uplink", "battalion/router") for n in range(10)},
}
CAPACITY = [
    check(
        f"station-{n}/uplink/capacity",
        kind="capacity",
        interval_seconds=DAY,
        timeout_seconds=60,
        scheduling=Scheduling.EXCLUSIVE,
    )
    for n in range(10)
]
UPLINKS = [check(f"station-{n}/uplink/uplink", kind="uplink") for n in range(10)]
PAGES = [
    check(
        f"station-{n}/uplink/ipv6", kind="ipv6", interval_seconds=3600, timeout_seconds=60, scheduling=Scheduling.NORMAL
    )
    for n in range(10)
]


@dataclass
class World:
    """A clock, a runner whose tests take twenty seconds, and what was recorded."""

    policy: LoadTests = field(default_factory=LoadTests)
    checks: Sequence[Check] = (*CAPACITY, *UPLINKS, *PAGES)
    outcome: Callable[[Check], Status] = lambda _check: Status.UP
    size: float = 30e6

    def __post_init__(self) -> None:
        self.now = BEGIN
        self.ran: list[tuple[int, int, str, int]] = []
        self.instants: list[tuple[str, int]] = []
        self.missed: list[MissedRun] = []
        self.aborted: list[str] = []
        self.running: dict[str, tuple[Check, int, int, int]] = {}
        self.latest: dict[str, Observation] = {}
        clock = Clock(wall_ns=lambda: self.now)
        self.upkeep = Upkeep(MemoryEvents(), clock)
        self.loading = Loading(
            runs=self, missed=self.missed.append, abort=self.abort, latest=lambda: self.latest, upkeep=self.upkeep,
            clock=clock,
        )  # fmt: skip
        self.loading.configure(self.checks, ASSETS, self.policy)

    def start(self, check: Check, scheduled_ns: int, *, attempt: int = 1) -> None:
        self.running[check.id] = (check, scheduled_ns, self.now, attempt)

    def under_way(self, check_id: str) -> bool:
        return check_id in self.running

    def abort(self, reason: str) -> None:
        self.aborted.append(reason)
        for each in tuple(self.running):
            self._end(each, Status.UNKNOWN)

    def step(self, seconds: float = 1.0) -> None:
        self.now += round(seconds * NS)
        for each, (_check, _scheduled, began, _attempt) in tuple(self.running.items()):
            if self.now - began >= RUN_SECONDS * NS:
                self._end(each, self.outcome(_check))
        self.loading.step()

    def until(self, seconds: float, step: float = 10.0) -> None:
        while self.now < BEGIN + seconds * NS:
            self.step(step)

    def _end(self, check_id: str, status: Status) -> None:
        tested, scheduled, began, attempt = self.running.pop(check_id)
        self.ran.append((began, self.now, check_id, attempt))
        if attempt == 1:
            self.instants.append((check_id, scheduled))
        readings = {"test_bytes": self.size} | ({} if status is Status.UNKNOWN else {"capacity_bits_per_second": 5e7})
        self.loading.take([observation(tested, began, status, readings, scheduled, attempt)])


def observation(
    of: Check, at: int, status: Status, readings: dict[str, float], scheduled: int = 0, attempt: int = 1
) -> Observation:
    return Observation(
        check_id=of.id, vantage=of.vantage, scheduled_ns=scheduled or at, started_ns=at, duration_seconds=1.0,
        attempt=attempt, status=status, reasons=(), result=ProbeResult(readings=readings),
    )  # fmt: skip


def test_a_line_shares_what_it_hangs_on() -> None:
    first, second = (resources(each, ASSETS) for each in CAPACITY[:2])

    assert first & second == {"vantage main", "battalion/router"}


Run = tuple[int, int, str, int]


def _overlap(first: Run, second: Run) -> bool:
    return first[0] < second[1] and second[0] < first[1]


def _around(runs: Sequence[Run], moment: Run) -> Sequence[Run]:
    """Of runs in order of time those near a moment."""
    place = bisect_left(runs, moment)
    return runs[max(0, place - 20) : place + 20]


async def test_a_month_of_ten_stations_on_one_aggregate() -> None:
    """No overlap, and every test that is due is run or recorded; never near the hour, in an emergency, or protected.

    Exclusive tests run alone. Normal ones, one an hour of each station, run beside each other.
    """
    chance = Random(7)
    plan = MaintenancePlan(id="p", weekdays=frozenset(range(7)), at_seconds=8 * 3600, length_seconds=7200)
    world = World(
        LoadTests(slip_seconds=3600, protected=(plan,)),
        outcome=lambda _check: chance.choices(list(Status)[:3], [8, 1, 1])[0],
    )
    due = sorted(
        (instant, one.id)
        for one in (*CAPACITY, *PAGES)
        for instant in Grid.of(one).between(BEGIN, BEGIN + 30 * DAY * NS)
    )
    by_id = {one.id: one for one in (*CAPACITY, *PAGES)}
    emergency: list[tuple[int, int]] = []
    busy: list[tuple[int, int]] = []
    place = 0
    while world.now < BEGIN + 31 * DAY * NS:
        while place < len(due) and due[place][0] <= world.now:
            world.loading.due(by_id[due[place][1]], due[place][0])
            place += 1
        if chance.random() < (1 / 10_000 if world.upkeep.emergency is None else 1 / 500):
            if world.upkeep.emergency is None:
                await world.upkeep.declare("fire", "duty")
                emergency.append((world.now, 0))
            else:
                await world.upkeep.end_emergency("duty")
                emergency[-1] = (emergency[-1][0], world.now)
        if chance.random() < 1 / 200:
            used = chance.choice([0.1, 0.9])
            for one in UPLINKS:
                world.latest[one.id] = observation(one, world.now, Status.UP, {"out_utilisation_ratio[near]": used})
            if used > 0.5:
                busy.append((world.now, world.now + 100 * NS))
        world.step(10)

    spans = sorted(each for each in world.ran if by_id[each[2]].exclusive)
    pages = sorted(each for each in world.ran if not by_id[each[2]].exclusive)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert not any(_overlap(test, page) for test in spans for page in _around(pages, test))
    assert any(_overlap(before, after) for before, after in pairwise(pages))
    assert place == len(due) == 300 + 30 * 24 * 10
    told = {*world.instants, *((run.check_id, run.scheduled_ns) for run in world.missed)}
    assert told == {(name, instant) for instant, name in due}
    assert len(world.instants) == len(set(world.instants)) > 200
    assert len(pages) + sum(not by_id[run.check_id].exclusive for run in world.missed) == 7200
    assert len(pages) > 7190
    assert len(world.loading._queue) == 0
    for begin, _end, _name, _attempt in spans:
        assert AROUND_HOUR_NS <= begin % HOUR_NS < HOUR_NS - AROUND_HOUR_NS
        assert not 8 * 3600 <= (begin - BEGIN) // NS % DAY < 10 * 3600
        assert not any(since <= begin < (until or world.now) for since, until in emergency)
        assert not any(since < begin < until for since, until in busy)
    assert {run.reason for run in world.missed} <= {"emergency", "protected", "busy", "no_slot"}
    assert any(run.reason == "emergency" for run in world.missed)
    assert set(world.aborted) <= {"an emergency was declared"}
    starts = Counter((begin // NS % 3600) // 600 for begin, _end, _name, _attempt in spans)
    assert max(starts.values()) < len(spans) / 2  # spread over the hour


def test_normal_tests_wait_for_an_exclusive_one_and_do_not_starve_it() -> None:
    """One that waits for normal ones to end keeps others from beginning; those begin once it has ended."""
    world = World(LoadTests(slip_seconds=3600))
    world.loading.due(CAPACITY[0], BEGIN)
    start = world.loading._queue._waiting[0].start_ns
    turn = 0
    while not any(name == CAPACITY[0].id for name in world.running):
        if world.now >= start - 60 * NS and turn < 40:  # one page after the other, each longer than the gap
            world.loading.due(PAGES[turn % 10], world.now)
            turn += 1
        world.step()
        assert world.now < start + 1000 * NS
    assert set(world.running) == {CAPACITY[0].id}
    world.loading.due(PAGES[0], world.now)
    assert PAGES[0].id not in world.running
    while CAPACITY[0].id in world.running:
        world.step()

    assert PAGES[0].id in world.running
    assert world.running[PAGES[0].id][2] == world.now


def test_a_normal_test_that_finds_no_moment_is_recorded() -> None:
    quick = replace(PAGES[0], interval_seconds=20.0)
    world = World(LoadTests(slip_seconds=3600), checks=(*CAPACITY, quick))
    world.loading.due(CAPACITY[0], BEGIN)
    while not world.running:
        world.step()
    world.loading.due(quick, world.now)
    due = world.now
    world.until((world.now - BEGIN) / NS + 30, step=1)

    assert [(run.check_id, run.scheduled_ns, run.reason) for run in world.missed] == [(quick.id, due, "no_slot")]


def test_what_was_left_open_begins_if_there_is_time_and_is_told_if_not() -> None:
    world = World(LoadTests(slip_seconds=3600))
    bad = observation(CAPACITY[2], BEGIN - 900 * NS, Status.DEGRADED, {}, scheduled=BEGIN - 1000 * NS)
    world.loading.resume([(CAPACITY[0], BEGIN - 7200 * NS), (CAPACITY[1], BEGIN - 60 * NS)], [bad])
    world.until(3600)

    assert [(run.check_id, run.reason) for run in world.missed] == [(CAPACITY[0].id, "not_running")]
    assert {(name, attempt) for _begin, _end, name, attempt in world.ran} == {(CAPACITY[1].id, 1), (CAPACITY[2].id, 2)}


def test_it_knows_when_lines_were_loaded() -> None:
    """By a test that is under way, by those that ended, and by those of the archive; never by a normal test."""
    world = World()
    world.loading.recall([observation(CAPACITY[1], BEGIN - 60 * NS, Status.UP, {})])
    world.loading.due(PAGES[2], BEGIN)
    assert world.loading.loads() == {"station-1/uplink": [(BEGIN - 60 * NS, BEGIN - 59 * NS)]}
    world.loading.due(CAPACITY[0], BEGIN)
    while CAPACITY[0].id not in world.running:
        world.step()
    began = world.now
    world.step(5)
    assert world.loading.loads()["station-0/uplink"] == [(began, began + 5 * NS)]
    world.step(15)
    world.step(100)

    assert world.loading.loads()["station-0/uplink"] == [(began, began + 20 * NS)]


async def test_an_emergency_ends_a_test_at_once() -> None:
    world = World()
    world.loading.due(CAPACITY[0], BEGIN)
    while not world.running:
        world.step()
    await world.upkeep.declare("fire", "duty")
    world.step()

    assert world.aborted == ["an emergency was declared"]
    assert world.running == {}


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (LoadTests(slip_seconds=600, month_bytes=50e6), "budget"),
        (
            LoadTests(
                slip_seconds=600,
                protected=(MaintenancePlan(id="p", weekdays=frozenset(range(7)), length_seconds=DAY),),
            ),
            "protected",
        ),
    ],
)
def test_what_cannot_run_in_its_time_is_recorded(policy: LoadTests, reason: str) -> None:
    world = World(policy)
    world.loading.recall([observation(CAPACITY[0], BEGIN - NS, Status.UP, {"test_bytes": 1e9})])  # the month before
    world.loading.recall([observation(CAPACITY[0], BEGIN + NS, Status.UP, {"test_bytes": 30e6})])
    world.loading.due(CAPACITY[0], BEGIN + 10 * NS)
    world.until(1200)

    assert world.ran == []
    assert [(run.check_id, run.scheduled_ns, run.reason) for run in world.missed] == [
        (CAPACITY[0].id, BEGIN + 10 * NS, reason)
    ]


async def test_agreed_work_on_the_line_is_waited_for() -> None:
    world = World(LoadTests(slip_seconds=3600))
    await world.upkeep.announce(
        from_ns=None, until_ns=BEGIN + 1800 * NS, sites=[], assets=["station-0/uplink"], reason="new modem",
        author="ole", known_sites=[], known_assets=ASSETS,
    )  # fmt: skip
    for each in CAPACITY[:2]:
        world.loading.due(each, BEGIN)
    world.until(3600)

    begun = {name: began for began, _end, name, _attempt in world.ran}
    assert begun[CAPACITY[0].id] >= BEGIN + 1800 * NS
    assert CAPACITY[1].id in begun


def test_a_busy_line_is_waited_for() -> None:
    world = World(LoadTests(slip_seconds=7200))
    world.loading.due(CAPACITY[0], BEGIN)
    while world.now < BEGIN + 4000 * NS:
        world.latest[UPLINKS[0].id] = observation(UPLINKS[0], world.now, Status.UP, {"in_utilisation_ratio[far]": 0.5})
        world.step(10)
    assert world.ran == []
    world.until(4600)  # the reading is too old to say anything

    assert len(world.ran) == 1


@pytest.mark.parametrize("status", [Status.DEGRADED, Status.UNKNOWN])
def test_a_test_that_failed_or_decided_nothing_is_repeated_once(status: Status) -> None:
    world = World(outcome=lambda _check: status)
    world.loading.due(CAPACITY[0], BEGIN)
    world.until(DAY / 2)

    assert [attempt for _begin, _end, _name, attempt in world.ran] == [1, 2]
    assert world.ran[1][0] - world.ran[0][1] >= 600 * NS


def test_a_check_that_is_taken_away_is_not_due_any_more() -> None:
    world = World()
    world.loading.due(CAPACITY[0], BEGIN)
    world.loading.configure(UPLINKS, ASSETS, world.policy)
    world.until(DAY)

    assert (world.ran, world.missed) == ([], [])


def test_what_waits_at_the_end_is_recorded() -> None:
    world = World()
    world.loading.due(CAPACITY[0], BEGIN)
    world.loading.stop()

    assert [run.reason for run in world.missed] == ["stopping"]
    assert world.aborted == ["netmon stops"]


def test_an_observation_that_is_shown_twice_counts_once() -> None:
    world = World()
    row = observation(CAPACITY[0], BEGIN, Status.DEGRADED, {"test_bytes": 30e6, "capacity_bits_per_second": 4e7})
    world.loading.take([row])
    world.loading.take([row])

    assert world.loading.month_bytes("station-0/uplink") == 30e6
    assert world.loading.waiting == 1


def test_bytes_are_those_of_the_month() -> None:
    world = World()
    world.loading.due(CAPACITY[0], BEGIN)
    world.until(DAY / 2)
    assert world.loading.month_bytes("station-0/uplink") == 30e6
    assert len(world.loading.lines) == 10
    world.now += round(timedelta(days=31).total_seconds()) * NS

    assert world.loading.month_bytes("station-0/uplink") == 0
