"""Overlays: what a raw status means, given what hangs on what, planned windows, and how old the figure is. Pure.

The archive keeps raw statuses. That a parent was down or a window was open is computed, by the one function here, for
pages, metrics, alerts and reports alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum

from netmon.model import Asset, Check, Observation, ReasonCode, Status, Window
from probes.base import EMPTY, Failure

__all__ = [
    "NOTHING",
    "SETTLE_SECONDS",
    "SILENCE",
    "Effective",
    "EffectiveStatus",
    "Known",
    "current",
    "down_assets",
    "effective",
    "effects",
    "known",
    "loaded",
    "span",
    "under_test",
    "window_over",
]

SILENCE = frozenset({Failure.TIMEOUT, Failure.NO_ROUTE, Failure.TTL_EXCEEDED, Failure.PROHIBITED, Failure.NAME_SERVER})
"""Failures that say nothing came back from the host itself. One that refused a connection is there."""


SECOND_NS = 1_000_000_000
SETTLE_SECONDS = 1
"""Before and after a test that loads a line: probes that are under way then meet the load, too."""
Loads = Mapping[str, Sequence[tuple[int, int]]]
"""When tests loaded the line of each asset: begins and ends, UTC nanoseconds since the epoch."""


class EffectiveStatus(StrEnum):
    """What a check's status means now: the worst last."""

    UP = "up"
    STANDBY = "standby"
    MAINTENANCE = "maintenance"
    """Within a window that was announced before it began."""
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    """It cannot be judged: what it hangs on is down."""
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """What the status of one check means.

    Attributes:
        raw: the status of the current observation; ``None`` if there is none, or it is too old to say anything.
        cause: the asset that is to blame if UNREACHABLE, the window's id in MAINTENANCE, or empty.
        under_test: a test loads its line now, or did when this was measured: delay and loss are the test's doing.
    """

    check_id: str
    raw: Status | None
    status: EffectiveStatus
    cause: str = ""
    under_test: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a check at one moment.

    Attributes:
        raw: its status; ``None`` if there is no observation, or it is too old to say anything.
        silent: it is DOWN, and all that is known is that nothing came back.
    """

    raw: Status | None = None
    silent: bool = False


NOTHING = Known()


def current(check: Check, observation: Observation | None, now_ns: int) -> Status | None:
    """The raw status that holds at ``now_ns``."""
    if observation is None:
        return None
    age = (now_ns - observation.started_ns) / 1e9
    return None if age > check.holds_seconds else observation.status


def known(check: Check, observation: Observation | None, now_ns: int) -> Known:
    """What is known of a check at ``now_ns`` by its last observation."""
    raw = current(check, observation, now_ns)
    if observation is None or raw is not Status.DOWN:
        return Known(raw)
    failures = {reason.subject for reason in observation.reasons if reason.code is ReasonCode.FAILURE}
    return Known(raw, silent=bool(failures) and failures <= SILENCE)


def down_assets(checks: Iterable[Check], states: Mapping[str, Known]) -> frozenset[str]:
    """Assets from which nothing comes back: one check says so, and no check says that something does.

    A router whose web page fails is there; so is one that refuses a connection. A test that loads a line says nothing
    here: its last one may be a day old. Nor does one that says how equipment is used. One that measures continuously
    may say that nothing comes back, but not that something does: it tells of the whole last minute, most of which may
    have been before the cut.
    """
    silent: set[str] = set()
    heard: set[str] = set()
    for check in checks:
        state = states.get(check.id, NOTHING)
        if not (check.exclusive or check.aside) and state.raw not in (None, Status.UNKNOWN, Status.STANDBY):
            if state.silent:
                silent.add(check.asset)
            elif not check.continuous:
                heard.add(check.asset)
    return frozenset(silent - heard)


def effective(
    checks: Sequence[Check],
    assets: Mapping[str, Asset],
    latest: Mapping[str, Observation],
    windows: Sequence[Window],
    now_ns: int,
    loads: Loads = EMPTY,
) -> dict[str, Effective]:
    """What the status of each check means at ``now_ns``, by its last observation: see :func:`effects`.

    Args:
        loads: tests that load lines; one that is under way ends at ``now_ns``.
    """
    states = {check.id: known(check, latest.get(check.id), now_ns) for check in checks}
    found = effects(checks, assets, states, down_assets(checks, states), windows, now_ns)
    for check in checks if loads else ():
        spans = [(now_ns, now_ns)]
        if (last := latest.get(check.id)) is not None and states[check.id].raw is not None:
            spans.append(span(last))
        if any(under_test(check, begin_ns, end_ns, assets, loads) for begin_ns, end_ns in spans):
            found[check.id] = replace(found[check.id], under_test=True)
    return found


def effects(
    checks: Iterable[Check],
    assets: Mapping[str, Asset],
    states: Mapping[str, Known],
    down: Set[str],
    windows: Sequence[Window],
    now_ns: int,
) -> dict[str, Effective]:
    """What is known of some checks, in the light of which assets are down, at one moment.

    What was measured wins: a check that is UP stays UP, whatever its parents are. A check that is DOWN, or of which
    nothing is known, is UNREACHABLE if something that it hangs on is down; the cause is the topmost such asset. Windows
    come last, so that nothing within them counts as down.
    """
    causes: dict[str, str] = {}
    result = {}
    for check in checks:
        raw = states.get(check.id, NOTHING).raw
        status, cause = EffectiveStatus(raw or Status.UNKNOWN), ""
        if status in (EffectiveStatus.DOWN, EffectiveStatus.UNKNOWN):
            if check.asset not in causes:
                causes[check.asset] = _topmost_down(check.asset, assets, down)
            cause = causes[check.asset]
            if cause:
                status = EffectiveStatus.UNREACHABLE
        if status not in (EffectiveStatus.UP, EffectiveStatus.STANDBY):
            window = window_over(check, cause, assets, windows, now_ns)
            if window is not None:
                status, cause = EffectiveStatus.MAINTENANCE, window.id
        result[check.id] = Effective(check_id=check.id, raw=raw, status=status, cause=cause)
    return result


def window_over(
    check: Check, cause: str, assets: Mapping[str, Asset], windows: Iterable[Window], now_ns: int
) -> Window | None:
    """The window that explains what a check finds: work on its equipment, or on the asset that is to blame."""
    places = [(check.site, check.asset), *([(assets[cause].site, cause)] if cause else [])]
    for window in windows:
        if any(window.covers(site, asset, now_ns) for site, asset in places):
            return window
    return None


def span(observation: Observation) -> tuple[int, int]:
    """When it was measured: begin and end, UTC nanoseconds since the epoch."""
    return observation.started_ns, observation.started_ns + round(observation.duration_seconds * SECOND_NS)


def under_test(check: Check, begin_ns: int, end_ns: int, assets: Mapping[str, Asset], loads: Loads) -> bool:
    """Whether a test loaded the line of a check's equipment while it was measured; a test is none of itself."""
    settle_ns = SETTLE_SECONDS * SECOND_NS
    return not check.exclusive and any(
        begin - settle_ns <= end_ns and begin_ns <= end + settle_ns for begin, end in loaded(check.asset, assets, loads)
    )


def loaded(asset_id: str, assets: Mapping[str, Asset], loads: Loads) -> list[tuple[int, int]]:
    """When tests loaded this equipment's line or one that it hangs on: what it measured then is their doing."""
    spans = list(loads.get(asset_id, ()))
    seen = {asset_id}
    here = assets.get(asset_id)
    while here is not None and here.parent is not None and here.parent not in seen:
        seen.add(here.parent)
        spans += loads.get(here.parent, ())
        here = assets.get(here.parent)
    return sorted(spans)


def _topmost_down(asset_id: str, assets: Mapping[str, Asset], down: Set[str]) -> str:
    """The highest asset above this one that is down; empty if none is."""
    found = ""
    seen = {asset_id}
    here = assets.get(asset_id)
    while here is not None and here.parent is not None and here.parent not in seen:
        seen.add(here.parent)
        if here.parent in down:
            found = here.parent
        here = assets.get(here.parent)
    return found
