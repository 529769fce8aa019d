"""What the pages ask of the archive. Runs in a thread of its own: the event loop goes on meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netmon.archive import Reader
from netmon.model import Observation, Status
from netmon.web.plot import Point
from probes.base import EMPTY

__all__ = ["History", "TimelineEvent", "read_history", "read_timeline"]

SHOWN_FAILURES = 20
SHOWN_SUCCESSES = 5
FAILURES_SINCE_NS = 30 * 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One check over a span of time, and its last runs.

    Attributes:
        statuses: of each run, in order of time.
        series: of each reading that was asked for.
        missed: tests that did not take place, in order of time: when they were due, and why.
        failures, successes: the last ones, newest first; failures are looked for much further back.
    """

    statuses: tuple[tuple[int, Status], ...]
    series: dict[str, list[Point]]
    missed: tuple[tuple[int, str], ...]
    failures: tuple[Observation, ...]
    successes: tuple[Observation, ...]


def read_history(
    folder: Path, check_id: str, keys: Sequence[str], *, since_ns: int, now_ns: int, with_missed: bool
) -> History:  # fmt: skip
    """Read what a check's page shows.

    Args:
        with_missed: the check is a test, of which there are few, and each one counts.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    statuses: list[tuple[int, Status]] = []
    series: dict[str, list[Point]] = {key: [] for key in keys}
    with Reader.open(folder) as reader:
        for at_ns, status, values in reader.series(check_id, keys, since_ns=since_ns):
            statuses.append((at_ns, status))
            for key, value in zip(keys, values, strict=True):
                if value is not None:
                    series[key].append((at_ns, value))
        good = (Status.UP, Status.STANDBY)
        return History(
            statuses=tuple(statuses),
            series=series,
            missed=tuple((run.scheduled_ns, run.reason) for run in reader.missed(check_id, since_ns=since_ns))
            if with_missed else (),
            failures=tuple(
                reader.recent(
                    check_id, [status for status in Status if status not in good],
                    since_ns=now_ns - FAILURES_SINCE_NS, limit=SHOWN_FAILURES,
                )
            ),
            successes=tuple(reader.recent(check_id, good, since_ns=now_ns - FAILURES_SINCE_NS, limit=SHOWN_SUCCESSES)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """Something that happened.

    Attributes:
        check: what it happened to; ``None`` for netmon itself.
        status: the new status of a check; ``None`` for a run that did not take place.
        missed: why a run did not take place (:class:`netmon.model.MissedRun`).
        kind, detail: of netmon's own events.
    """

    at_ns: int
    check: str | None = None
    status: Status | None = None
    missed: str = ""
    kind: str = ""
    detail: Mapping[str, object] = field(default_factory=lambda: EMPTY)


def read_timeline(folder: Path, *, site: str, what: str, before_ns: int | None, limit: int) -> list[TimelineEvent]:
    """What happened before a moment, newest first.

    Args:
        site: only what happened there; empty for everywhere and for netmon itself.
        what: ``changes``, ``missed``, ``netmon`` or empty for all of them.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    events: list[TimelineEvent] = []
    until_ns = None if before_ns is None else before_ns - 1
    with Reader.open(folder) as reader:
        if what in ("", "changes"):
            events += [
                TimelineEvent(at_ns=at_ns, check=check_id, status=status)
                for at_ns, check_id, status in reader.changes(site=site, until_ns=until_ns, limit=limit)
            ]
        if what in ("", "missed"):
            events += [
                TimelineEvent(at_ns=run.scheduled_ns, check=run.check_id, missed=run.reason)
                for run in reader.last_missed(site=site, until_ns=until_ns, limit=limit)
            ]
        if what in ("", "netmon") and not site:
            events += [
                TimelineEvent(at_ns=event.at_ns, kind=event.kind, detail=event.detail)
                for event in reader.last_events(until_ns=until_ns, limit=limit)
            ]
    return sorted(events, key=lambda event: -event.at_ns)[:limit]
