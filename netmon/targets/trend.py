"""How a target stood before: verdicts are noted once a day as events of the archive, and compared with now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from netmon.archive import Event
from netmon.targets.standing import Standing
from netmon.targets.verdict import BEST_FIRST, Verdict

__all__ = ["NOTED", "SPAN_NS", "Trend", "noted", "trends"]

NOTED: Final = "targets"
"""Kind of the event."""
SPAN_NS: Final = 30 * 86_400 * 1_000_000_000
SMALL: Final = 1e-6
LESS_IS_BETTER: Final = frozenset({"mean", "percentile", "drill_age"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How a target stood before.

    Attributes:
        at_ns: when, UTC nanoseconds since the epoch.
        value: the figure of its worst part then; ``None`` if there was none.
        direction: 1 if it stands better now, -1 if worse, 0 if neither can be told.
    """

    at_ns: int
    verdict: Verdict
    value: float | None
    direction: int


def noted(standings: Iterable[Standing]) -> dict[str, Any]:
    """What is noted of today."""
    return {
        standing.target.id: {
            "verdict": standing.verdict,
            "criterion": standing.parts[0].criterion.id if standing.parts else "",
            "value": standing.parts[0].finding.value if standing.parts else None,
        }
        for standing in standings
    }


def trends(standings: Iterable[Standing], events: Iterable[Event], *, since_ns: int, now_ns: int) -> dict[str, Trend]:
    """Each target beside the first that was noted of it in the last 30 days.

    Args:
        events: of the kind :data:`NOTED`, in order of time.
        since_ns: begin of the year: figures of another one are not comparable.
    """
    first_ns = max(since_ns, now_ns - SPAN_NS)
    before: dict[str, tuple[int, Any]] = {}
    for event in events:
        if first_ns <= event.at_ns < now_ns:
            for target, what in event.detail.items():
                before.setdefault(target, (event.at_ns, what))
    found = {}
    for standing in standings:
        if standing.target.id in before:
            at_ns, what = before[standing.target.id]
            verdict = Verdict(what["verdict"])
            direction = _direction(standing, verdict, what["criterion"], what["value"])
            found[standing.target.id] = Trend(at_ns=at_ns, verdict=verdict, value=what["value"], direction=direction)
    return found


def _direction(standing: Standing, verdict: Verdict, criterion: str, value: float | None) -> int:
    better = BEST_FIRST.index(verdict) - BEST_FIRST.index(standing.verdict)
    if better:
        return 1 if better > 0 else -1
    part = standing.parts[0] if standing.parts else None
    if part is None or part.criterion.id != criterion or value is None or part.finding.value is None:
        return 0
    change = part.finding.value - value
    if abs(change) <= SMALL:
        return 0
    return -1 if (change > 0) == (part.criterion.rule in LESS_IS_BETTER) else 1
