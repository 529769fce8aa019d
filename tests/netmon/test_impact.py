"""Overlays: nothing hides what was measured, one failed root explains what is behind it, no window works backwards."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.impact import Effective, EffectiveStatus, current, down_assets, effective, known
from netmon.model import Asset, Check, LocalText, Observation, Reason, ReasonCode, Status, Window
from netmon.summary import troubles, worst
from probes.base import Failure, Scheduling
from tests.lab.checks import check
from tests.lab.observations import SECOND_NS, ping

NOW_NS = 10**18


def asset(asset_id: str, parent: str | None = None) -> Asset:
    return Asset(
        id=asset_id, site=asset_id.partition("/")[0], kind="router", name=LocalText(en=asset_id), parent=parent
    )


# core <- uplink <- router <- screen, and a lone one
ASSETS = {
    item.id: item
    for item in (
        asset("a/core"), asset("b/uplink", "a/core"), asset("b/router", "b/uplink"), asset("b/screen", "b/router"),
        asset("c/lone"),
    )
}  # fmt: skip
CHECKS = tuple(check(f"{asset_id}/ping") for asset_id in ASSETS)


def seen(check: Check, status: Status, failure: Failure | None = Failure.TIMEOUT, ago: float = 1) -> Observation:
    reasons = (
        (Reason(code=ReasonCode.FAILURE, status=status, subject=failure.value),)
        if status is Status.DOWN and failure
        else ()
    )
    started = NOW_NS - round(ago * SECOND_NS)
    return replace(ping(1), check_id=check.id, status=status, reasons=reasons, started_ns=started)


def states(**statuses: Status) -> dict[str, Effective]:
    """Effective statuses by asset, for raw statuses by the asset's short name; the others are UP."""
    latest = {item.id: seen(item, statuses.get(item.asset.partition("/")[2], Status.UP)) for item in CHECKS}
    found = effective(CHECKS, ASSETS, latest, (), NOW_NS)
    return {item.asset.partition("/")[2]: found[item.id] for item in CHECKS}


def silent(checks: Sequence[Check], latest: Mapping[str, Observation]) -> frozenset[str]:
    return down_assets(checks, {item.id: known(item, latest.get(item.id), NOW_NS) for item in checks})


def test_what_is_behind_a_failed_root_cannot_be_judged() -> None:
    found = states(uplink=Status.DOWN, router=Status.DOWN, screen=Status.UNKNOWN)
    assert found["uplink"].status is EffectiveStatus.DOWN
    assert [found[name].status for name in ("router", "screen")] == [EffectiveStatus.UNREACHABLE] * 2
    assert [found[name].cause for name in ("router", "screen")] == ["b/uplink"] * 2


def test_the_topmost_is_to_blame() -> None:
    found = states(core=Status.DOWN, uplink=Status.DOWN, router=Status.DOWN)
    assert {found[name].cause for name in ("uplink", "router")} == {"a/core"}


def test_what_answers_is_up_whatever_its_parents_are() -> None:
    assert states(uplink=Status.DOWN)["screen"].status is EffectiveStatus.UP
    assert states(uplink=Status.DOWN, screen=Status.DEGRADED)["screen"].status is EffectiveStatus.DEGRADED


def test_a_service_that_fails_is_no_host_that_is_gone() -> None:
    """A router that refuses a connection, or whose web page is wrong, still routes."""
    for failure in (Failure.REFUSED, Failure.ERROR_STATUS, Failure.TLS, None):
        latest = {"a/core/ping": seen(CHECKS[0], Status.DOWN, failure), "b/uplink/ping": seen(CHECKS[1], Status.DOWN)}
        assert silent(CHECKS, latest) == {"b/uplink"}
        assert effective(CHECKS, ASSETS, latest, (), NOW_NS)["b/uplink/ping"].status is EffectiveStatus.DOWN


def test_one_check_that_hears_something_is_enough() -> None:
    both = (*CHECKS, check("a/core/tcp", kind="tcp"))
    latest = {"a/core/ping": seen(CHECKS[0], Status.DOWN), "a/core/tcp": seen(both[-1], Status.UP)}
    assert silent(both, latest) == frozenset()


def test_an_old_figure_says_nothing() -> None:
    first = CHECKS[0]
    limit = 2 * first.interval_seconds + first.timeout_seconds
    assert current(first, seen(first, Status.UP, ago=limit), NOW_NS) is Status.UP
    assert current(first, seen(first, Status.UP, ago=limit + 1), NOW_NS) is None
    latest = {first.id: seen(first, Status.DOWN, ago=limit + 1)}
    assert effective(CHECKS, ASSETS, latest, (), NOW_NS)[first.id].status is EffectiveStatus.UNKNOWN
    assert silent(CHECKS, latest) == frozenset()


def window(**changes: object) -> Window:
    made = Window(id="w", from_ns=NOW_NS - 10, until_ns=NOW_NS + 10, entered_ns=NOW_NS - 100, sites=frozenset({"b"}))
    return replace(made, **changes)  # type: ignore[arg-type] # passed through


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({}, True),
        ({"until_ns": NOW_NS}, False),
        ({"from_ns": NOW_NS}, True),
        ({"from_ns": NOW_NS + 1}, False),
        ({"entered_ns": NOW_NS}, True),
        ({"entered_ns": NOW_NS + 1}, False),
        ({"sites": frozenset()}, True),
        ({"sites": frozenset({"c"})}, False),
        ({"sites": frozenset(), "assets": frozenset({"b/uplink"})}, True),
    ],
)
def test_a_window_covers_what_was_announced_for_now(changes: dict[str, object], covered: bool) -> None:
    latest = {CHECKS[1].id: seen(CHECKS[1], Status.DOWN)}
    found = effective(CHECKS, ASSETS, latest, (window(**changes),), NOW_NS)[CHECKS[1].id]
    assert (found.status is EffectiveStatus.MAINTENANCE) is covered
    assert found.raw is Status.DOWN


def test_work_on_a_parent_explains_what_is_behind_it() -> None:
    latest = {item.id: seen(item, Status.DOWN) for item in CHECKS}
    found = effective(CHECKS, ASSETS, latest, (window(sites=frozenset(), assets=frozenset({"a/core"})),), NOW_NS)
    assert {state.status for check_id, state in found.items() if not check_id.startswith("c/")} == {
        EffectiveStatus.MAINTENANCE
    }
    assert found["c/lone/ping"].status is EffectiveStatus.DOWN


statuses = st.fixed_dictionaries({item.id: st.sampled_from(Status) for item in CHECKS})


@given(statuses, st.randoms(use_true_random=False), st.booleans())
def test_overlays_never_hide_an_up_nor_invent_one(raw: dict[str, Status], order: random.Random, working: bool) -> None:
    """And the order of checks and observations does not matter."""
    latest = {item.id: seen(item, raw[item.id]) for item in CHECKS}
    windows = (window(sites=frozenset()),) if working else ()
    found = effective(CHECKS, ASSETS, latest, windows, NOW_NS)
    for check_id, state in found.items():
        assert (state.status is EffectiveStatus.UP) == (raw[check_id] is Status.UP)
        if state.status is EffectiveStatus.UNREACHABLE:
            assert raw[check_id] in (Status.DOWN, Status.UNKNOWN)
            assert raw[f"{state.cause}/ping"] is Status.DOWN
    shuffled = list(CHECKS)
    order.shuffle(shuffled)
    assert effective(shuffled, ASSETS, latest, windows, NOW_NS) == found


@given(statuses)
def test_a_failed_root_explains_all_that_failed_behind_it(raw: dict[str, Status]) -> None:
    raw["a/core/ping"] = Status.DOWN
    latest = {item.id: seen(item, raw[item.id]) for item in CHECKS}
    found = effective(CHECKS, ASSETS, latest, (), NOW_NS)
    for asset_id in ("b/uplink", "b/router", "b/screen"):
        if raw[f"{asset_id}/ping"] in (Status.DOWN, Status.UNKNOWN):
            assert found[f"{asset_id}/ping"].cause == "a/core"
    listed = troubles({item.id: item for item in CHECKS}, ASSETS, found)
    hidden = sum(state.status is EffectiveStatus.UNREACHABLE for state in found.values())
    assert sum(trouble.behind for trouble in listed) == hidden
    assert listed[0].check_id in {"a/core/ping", "c/lone/ping"}


def test_a_circle_does_not_hang() -> None:
    """The inventory refuses it; this must end all the same."""
    circle = {"a/x": asset("a/x", "a/y"), "a/y": asset("a/y", "a/x")}
    checks = (check("a/x/ping"), check("a/y/ping"))
    latest = {item.id: seen(item, Status.DOWN) for item in checks}
    assert len(effective(checks, circle, latest, (), NOW_NS)) == 2


def test_nothing_checked_is_nothing_known() -> None:
    assert worst([]) is EffectiveStatus.UNKNOWN


def test_a_stream_may_say_that_a_line_is_silent_and_not_that_it_is_there() -> None:
    """It has something to tell of the minute in which the line was cut: that must not keep the cut from being seen."""
    ping_, stream = check("b/uplink/ping"), check("b/uplink/stream", continuous=True)
    lost, cut = seen(ping_, Status.DOWN), seen(stream, Status.DOWN)
    assert silent((ping_, stream), {ping_.id: lost, stream.id: seen(stream, Status.DEGRADED)}) == {"b/uplink"}
    assert silent((ping_, stream), {ping_.id: seen(ping_, Status.UP), stream.id: cut}) == frozenset()
    assert silent((stream,), {stream.id: cut}) == {"b/uplink"}
    assert silent((stream,), {stream.id: seen(stream, Status.UP)}) == frozenset()


def test_a_test_marks_its_line_and_what_hangs_on_it() -> None:
    """While it runs, and as long as what was measured meanwhile is shown; never the test itself or the aggregate."""
    begin, end = NOW_NS - 100 * SECOND_NS, NOW_NS - 80 * SECOND_NS
    test = check("b/uplink/capacity", kind="capacity", scheduling=Scheduling.EXCLUSIVE)
    checks = (*CHECKS, test)
    hit = {each.id: seen(each, Status.DEGRADED, ago=90) for each in checks}
    fresh = {each.id: seen(each, Status.UP, ago=10) for each in checks}
    early = {each.id: replace(seen(each, Status.UP, ago=101.5), duration_seconds=1.0) for each in checks}
    behind = {"b/uplink/ping", "b/router/ping", "b/screen/ping"}

    def marked(latest: Mapping[str, Observation], until_ns: int) -> set[str]:
        found = effective(checks, ASSETS, latest, (), NOW_NS, {"b/uplink": [(begin, until_ns)]})
        return {name for name, each in found.items() if each.under_test}

    assert marked(hit, end) == behind
    assert marked(fresh, end) == set()
    assert marked(early, end) == behind  # the load began while it was measured
    assert marked({}, NOW_NS) == behind
    assert marked(fresh, NOW_NS) == behind
    assert effective(checks, ASSETS, hit, (), NOW_NS, {})["b/uplink/ping"].under_test is False
