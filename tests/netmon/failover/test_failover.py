"""Failovers against a truth that knows nothing of the rules: gaps within their bounds, once, whatever is restarted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
from netmon.archive import Event
from netmon.config import recall
from netmon.failover import FAILOVER, FAILOVER_ENDED, Failover, Failovers, Outcome, failovers_of, gap_text, result_text
from netmon.model import Observation, Status
from probes.base import EMPTY, ProbeResult, State, StateClass

S = 1_000_000_000
INVENTORY = """
snmp_auths: {r: {version: 2c, community_env: X}}
defaults: {ping: {interval: 10s, timeout: 2s}, path: {interval: 10s, timeout: 2s}, uplink: {interval: 10s, timeout: 2s}}
sites:
  - id: hq
    kind: battalion
    equipment: [{id: core, kind: router, address: 192.0.2.1}]
  - id: station
    kind: fire_station
    equipment:
      - {id: line, kind: uplink, parent: hq/core, endpoints: {near: 192.0.2.1, far: 192.0.2.2}}
      - {id: second, kind: uplink, backup_of: line, parent: hq/core, endpoints: {near: 192.0.2.1, far: 192.0.2.6}}
      - id: router
        kind: router
        parent: line
        address: 192.0.2.9
        checks: {path: {kind: path, params: {auth: r, primary_interface: wan0, backup_interfaces: [wan1]}}}
      - {id: hd, kind: video_terminal, parent: router, address: 192.0.2.10}
      - {id: stowed, kind: sensor, normally_off: true, parent: router, address: 192.0.2.11}
"""
CONFIG = recall(INVENTORY, "inventory", kinds=probes.KINDS)
CHECKS = tuple(CONFIG.checks.values())
PATH, CORE, LINE = "station/router/path", "hq/core/ping", "station/line/uplink"
ROUTER, HD = "station/router/ping", "station/hd/ping"
MEANINGS = {"primary": StateClass.OK, "backup": StateClass.DEGRADED}


def run(check: str, at: float, *, status: Status = Status.UP, word: str | None = None, took: float = 0.5,
        uptime: float | None = 1e6) -> Observation:  # fmt: skip
    """A run of a check, at a second."""
    at_ns = round(at * S)
    return Observation(
        check_id=check, vantage="main", scheduled_ns=at_ns, started_ns=at_ns, duration_seconds=took, attempt=1,
        status=status, reasons=(),
        result=ProbeResult(
            states={} if word is None else {"in_use": State(word, MEANINGS[word])},
            readings=EMPTY if uptime is None or check != PATH or word is None else {"agent_uptime_seconds": uptime},
        ),
    )  # fmt: skip


@dataclass
class Book:
    """Takes events, as the journal does."""

    events: list[Event] = field(default_factory=list)

    def append_event(self, kind: str, at_ns: int, detail: Mapping[str, object]) -> None:
        self.events.append(Event(kind=kind, at_ns=at_ns, detail=detail))


@dataclass
class Archive:
    """Has runs, as the archive does."""

    runs: Sequence[Observation]

    def history(
        self, check_id: str, *, since_ns: int | None = None, newest_first: bool = False
    ) -> Iterator[Observation]:
        found = [each for each in self.runs if each.check_id == check_id and each.started_ns >= (since_ns or 0)]
        yield from reversed(found) if newest_first else found


def watched(book: Book, window: str = "") -> Failovers:
    made = Failovers(book, lambda _site, _asset, _at_ns: window)
    made.configure(CHECKS, CONFIG)
    return made


def ended(observation: Observation) -> float:
    return observation.started_ns + observation.duration_seconds * S


def course(
    cut: float, back: float, *, moved: float, returned: float = 1e9, last: float = 400.0, dead: Sequence[str] = (),
    phases: Mapping[str, float] = EMPTY, path_every: float = 10.0,
) -> list[Observation]:  # fmt: skip
    """What checks see of an uplink that is cut at one second and whose traffic is back at another.

    Args:
        moved: when the router tells that its route has moved to the backup: before the traffic is back, or long after
            it, where its agent keeps its tables.
        returned: when it moves back.
        dead: checks that do not come back.
        phases: when each check runs first.
    """
    found = []
    for check in (PATH, ROUTER, HD, CORE):
        at = phases.get(check, 1.0)
        while at < last:
            away = check != CORE and (cut <= at < back or (check in dead and at >= cut))
            if check == PATH:
                word = None if away else "backup" if moved <= at < returned else "primary"
                found.append(run(check, at, word=word, status=Status.UNKNOWN if away else Status.UP))
            else:
                took = 2.0 if away else 0.1
                found.append(run(check, at, status=Status.DOWN if away else Status.UP, took=took))
            at += path_every if check == PATH else 10.0
    return sorted(found, key=ended)


def only(book: Book) -> Failover:
    (found,) = failovers_of(book.events)
    return found


def play(runs: Sequence[Observation], window: str = "") -> Book:
    book = Book()
    failovers = watched(book, window)
    for each in runs:
        failovers.take((each,))
    return book


def test_a_backup_takes_over() -> None:
    found = only(play(course(100, 130, moved=129)))

    assert (found.site, found.primary, found.taken_over) == ("station", "station/line", True)
    assert found.passed is True
    assert found.of(Outcome.WORKED) == (HD, ROUTER)  # what is stowed, and the core above the uplink, say nothing
    assert found.gap is not None
    low, high = found.gap
    assert 0 < low <= 30 <= high
    assert gap_text(found.gap) == "between 20 s and 41 s"
    assert result_text(found, str).startswith("passed: ")
    assert found.ended_ns is None


def test_the_primary_comes_back() -> None:
    book = play(course(100, 130, moved=129, returned=300))

    assert [event.kind for event in book.events] == [FAILOVER, FAILOVER_ENDED]
    assert only(book).ended_ns == 301 * S


def test_a_service_that_does_not_work_on_the_backup_fails_the_drill() -> None:
    found = only(play(course(100, 130, moved=129, dead=[HD])))

    assert found.passed is False
    assert result_text(found, lambda check: check.upper()) == f"failed: on the backup these did not work: {HD.upper()}"
    assert {each.check_id: each.gap for each in found.services}[HD] is None


def test_what_was_down_long_before_says_nothing_about_the_backup() -> None:
    runs = [
        run(HD, each.started_ns / S, status=Status.DOWN, took=2.0) if each.check_id == HD else each
        for each in course(300, 330, moved=329, last=600)
    ]
    found = only(play(sorted(runs, key=ended)))

    assert found.of(Outcome.DOWN_BEFORE) == (HD,)
    assert found.passed is True


@pytest.mark.parametrize("gone", [lambda at: at > 90, lambda at: at < 140], ids=["never after", "never before"])
def test_missing_runs_never_make_a_pass(gone) -> None:
    runs = [each for each in course(100, 130, moved=129) if each.check_id != HD or not gone(each.started_ns / S)]
    found = only(play(runs))

    assert found.of(Outcome.UNCLEAR) == (HD,)
    assert found.passed is None
    assert result_text(found, str) == f"not judged: too little is known of {HD}"


def test_nothing_behind_the_uplink_is_no_drill() -> None:
    found = only(play([each for each in course(100, 130, moved=129) if each.check_id == PATH]))

    assert found.passed is None


def test_no_backup_takes_over() -> None:
    book = play(course(100, 160, moved=1e9))
    found = only(book)

    assert (found.taken_over, found.passed) == (False, False)
    assert found.gap is not None
    assert found.gap[0] <= 60 <= found.gap[1]
    assert found.ended_ns == found.noticed_ns
    assert len(book.events) == 1


@pytest.mark.parametrize("case", ["restarted", "core away too", "one still answers", "router tells no uptime"])
def test_what_is_not_the_uplinks_fault_is_no_failover(case: str) -> None:
    runs = course(100, 160, moved=1e9)
    if case == "restarted":
        runs = [run(PATH, r.started_ns / S, word="primary", uptime=20) if r.check_id == PATH and r.started_ns > 160 * S
                else r for r in runs]  # fmt: skip
    elif case == "core away too":
        runs = [run(CORE, r.started_ns / S, status=Status.DOWN)
                if r.check_id == CORE and 100 < r.started_ns / S < 160 else r for r in runs]  # fmt: skip
    elif case == "one still answers":
        runs = [run(HD, r.started_ns / S) if r.check_id == HD else r for r in runs]
    else:
        runs = [run(PATH, r.started_ns / S, word="primary", uptime=None)
                if r.check_id == PATH and r.result.states else r for r in runs]  # fmt: skip

    assert play(sorted(runs, key=ended)).events == []


def test_an_agent_that_tells_of_old_routes_does_not_make_the_gap_shorter() -> None:
    """The outage falls between two looks at the router, and the next one still tells what was."""
    found = only(play(course(182, 203, moved=320, path_every=60)))

    assert found.lost_ns > 202 * S
    assert found.gap is not None
    assert found.gap[0] <= 21 <= found.gap[1]


def test_an_outage_before_the_uplink_was_lost_is_not_its_doing() -> None:
    """The uplink was seen well between the two."""
    runs = course(200, 220, moved=219)
    runs = [run(r.check_id, r.started_ns / S, status=Status.DOWN, took=2.0)
            if r.check_id == HD and 100 < r.started_ns / S < 150 else r for r in runs]  # fmt: skip
    line = [run(LINE, at, status=Status.DOWN if at > 200 else Status.UP, took=0.2) for at in range(4, 400, 10)]

    gaps = {each.check_id: each.gap for each in only(play(sorted([*runs, *line], key=ended))).services}
    assert gaps[HD] is not None
    assert gaps[HD][0] <= 20 <= gaps[HD][1] < 50
    without = {each.check_id: each.gap for each in only(play(sorted(runs, key=ended))).services}
    assert without[HD] is not None
    assert without[HD][1] > 50


def test_an_announced_drill_is_matched() -> None:
    assert only(play(course(100, 130, moved=129), window="m1")).window == "m1"


def test_a_run_that_could_not_ask_the_router_says_nothing() -> None:
    runs = [run(PATH, at, word=None if at % 50 == 1 else "primary") for at in range(1, 400, 10)]

    assert play(runs).events == []


second = st.floats(min_value=0, max_value=10)


@given(
    cut=st.floats(min_value=130, max_value=200), away=st.floats(min_value=0.5, max_value=90),
    lag=st.floats(min_value=0, max_value=150), path_every=st.sampled_from([10.0, 60.0]),
    phases=st.fixed_dictionaries({PATH: second, ROUTER: second, HD: second, CORE: second}),
)  # fmt: skip
def test_the_gap_is_always_within_its_bounds(
    cut: float, away: float, lag: float, path_every: float, phases: Mapping[str, float]
) -> None:
    """Whenever checks run, and whether the router tells at once or minutes later."""
    runs = course(cut, cut + away, moved=cut + lag, phases=phases, path_every=path_every, last=600)
    found = only(play(runs))

    assert found.passed is True
    assert found.gap is not None
    assert found.gap[0] <= away <= found.gap[1]
    for service in found.services:
        assert service.gap is not None
        assert service.gap[0] <= away <= service.gap[1]


@given(
    cut=st.floats(min_value=60, max_value=150), away=st.floats(min_value=0.5, max_value=90),
    lag=st.floats(min_value=0, max_value=150),
    stops=st.lists(st.integers(min_value=0, max_value=200), max_size=3),
)  # fmt: skip
def test_a_restart_neither_loses_nor_doubles_it(cut: float, away: float, lag: float, stops: list[int]) -> None:
    """netmon is started anew between any two runs."""
    runs = course(cut, cut + away, moved=cut + lag, returned=cut + lag + 100, last=500)
    book = Book()
    failovers = watched(book)
    for number, each in enumerate(runs):
        if number in stops:
            failovers = watched(book)
            failovers.recall(book.events, Archive(runs[:number]), runs[number].started_ns)
        failovers.take((each,))
    plain = play(runs)

    assert [event.kind for event in book.events] == [event.kind for event in plain.events]
    assert only(book).id == only(plain).id
    assert only(book).passed is True
    assert only(book).ended_ns == only(plain).ended_ns
    assert failovers.uses()[0].word == "primary"
    assert failovers.uses()[0].last == only(book)


@given(stops=st.lists(st.integers(min_value=0, max_value=200), max_size=3))
def test_a_restart_changes_nothing_where_no_backup_took_over(stops: list[int]) -> None:
    runs = course(100, 160, moved=1e9, last=500)
    book = Book()
    failovers = watched(book)
    for number, each in enumerate(runs):
        if number in stops:
            failovers = watched(book)
            failovers.recall(book.events, Archive(runs[:number]), runs[number].started_ns)
        failovers.take((each,))

    assert failovers_of(book.events) == failovers_of(play(runs).events)
    assert len(book.events) == 1


def test_netmon_itself_was_away_meanwhile() -> None:
    """The switch took place while nothing was watched: it is noticed, and its bounds say how little is known."""
    runs = course(100, 130, moved=129)
    before = [each for each in runs if each.started_ns < 95 * S]
    after = [each for each in runs if each.started_ns > 300 * S]
    book = Book()
    failovers = watched(book)
    failovers.take(before)
    failovers = watched(book)
    failovers.recall(book.events, Archive(before), 300 * S)
    failovers.take(after)
    found = only(book)

    assert found.passed is True
    assert found.gap is not None
    assert found.gap[0] == 0
    assert found.gap[1] > 200


def test_a_changed_inventory_goes_on() -> None:
    book = Book()
    failovers = watched(book)
    for each in course(100, 130, moved=129):
        failovers.configure(CHECKS, CONFIG)
        failovers.take((each,))

    assert only(book).passed is True


def test_events_are_read_back() -> None:
    book = play(course(100, 130, moved=129, returned=300, dead=[HD]), window="m1")
    found = only(book)
    again = failovers_of([*book.events, *book.events])

    assert again == (found,)
