"""What is kept of a failover: events of the archive, added to and never changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from netmon.archive import Event, Reader

__all__ = ["FAILOVER", "FAILOVER_ENDED", "Failover", "Outcome", "Service", "Use", "failovers_of", "read_failovers"]

FAILOVER: Final = "failover"
FAILOVER_ENDED: Final = "failover_ended"


class Outcome(StrEnum):
    """What became of a service behind the uplink."""

    WORKED = "worked"
    """It answered before, and again once the backup was in use."""
    FAILED = "failed"
    """It answered before, and not on the backup."""
    DOWN_BEFORE = "down_before"
    """It did not answer long before the uplink was lost: it says nothing about the backup."""
    UNCLEAR = "unclear"
    """Too little is known of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What became of one check of equipment behind the uplink.

    Attributes:
        gap: how long it did not answer, at least and at most, in seconds; ``None`` unless it worked in the end. A run
            is a look at one moment, so the truth lies in between: at least from the first to the last run that got no
            answer, at most from the last run with an answer before to the first one after.
    """

    check_id: str
    outcome: Outcome
    gap: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """An uplink was lost.

    Attributes:
        id: the check and the run that noticed it, so that what is found twice is one.
        check_id: the check of kind ``path`` that noticed it.
        primary: id of the uplink that was lost.
        taken_over: a backup took over; else the site was cut off until the primary came back.
        lost_ns: the last moment at which the primary was seen in use, UTC nanoseconds since the epoch.
        noticed_ns: when the router told that a backup is in use (or again the primary, if none took over).
        services: every check behind the uplink, in order of its id.
        window: id of the announced work that it was part of: a drill; empty for none.
        ended_ns: when the primary was seen in use again; ``None`` while the backup is in use.
    """

    id: str
    site: str
    check_id: str
    primary: str
    taken_over: bool
    lost_ns: int
    noticed_ns: int
    services: tuple[Service, ...]
    window: str = ""
    ended_ns: int | None = None

    @property
    def gap(self) -> tuple[float, float] | None:
        """How long the site's services did not answer: that of the one that was away longest; ``None``: not known."""
        gaps = [service.gap for service in self.services if service.gap is not None]
        return (max(low for low, _high in gaps), max(high for _low, high in gaps)) if gaps else None

    @property
    def passed(self) -> bool | None:
        """As a drill: every service that worked before works on the backup; ``None`` if that is not known of each."""
        outcomes = {service.outcome for service in self.services}
        if not self.taken_over or Outcome.FAILED in outcomes:
            return False
        return True if Outcome.WORKED in outcomes and Outcome.UNCLEAR not in outcomes else None

    def of(self, outcome: Outcome) -> tuple[str, ...]:
        """Ids of the checks with this outcome."""
        return tuple(service.check_id for service in self.services if service.outcome is outcome)

    def detail(self) -> dict[str, object]:
        """As JSON types, for an event; the inverse is :func:`failovers_of`."""
        services = {
            service.check_id: {"outcome": service.outcome.value, "gap": service.gap and list(service.gap)}
            for service in self.services
        }
        return {
            "id": self.id, "site": self.site, "check": self.check_id, "primary": self.primary,
            "taken_over": self.taken_over, "lost_ns": self.lost_ns, "noticed_ns": self.noticed_ns,
            "services": services, "window": self.window,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Which uplink of a site is in use now.

    Attributes:
        word: ``primary``, ``backup``, ``shared``, ``other`` or ``none``; ``None``: not known.
        since_ns: since when, as far as runs tell; UTC nanoseconds since the epoch.
        last: the last failover, over or not.
    """

    check_id: str
    site: str
    primary: str
    word: str | None
    since_ns: int | None
    last: Failover | None


def failovers_of(events: Iterable[Event]) -> tuple[Failover, ...]:
    """The failovers that events tell of, in order of time; one that is told twice is one."""
    found: dict[str, Failover] = {}
    ended: dict[str, int] = {}
    for event in events:
        if event.kind == FAILOVER:
            failover = _failover(event.detail)
            found.setdefault(failover.id, failover)
        elif event.kind == FAILOVER_ENDED:
            ended.setdefault(str(event.detail["id"]), event.at_ns)
    made = [replace(failover, ended_ns=ended.get(name, failover.ended_ns)) for name, failover in found.items()]
    return tuple(sorted(made, key=lambda failover: (failover.noticed_ns, failover.id)))


def read_failovers(reader: Reader) -> tuple[Failover, ...]:
    """The failovers of an archive, in order of time."""
    return failovers_of([*reader.events(FAILOVER), *reader.events(FAILOVER_ENDED)])


def _failover(detail: Mapping[str, Any]) -> Failover:
    services = tuple(
        Service(
            check_id=check_id,
            outcome=Outcome(found["outcome"]),
            gap=None if found["gap"] is None else (float(found["gap"][0]), float(found["gap"][1])),
        )
        for check_id, found in sorted(detail["services"].items())
    )
    taken_over = bool(detail["taken_over"])
    return Failover(
        id=detail["id"], site=detail["site"], check_id=detail["check"], primary=detail["primary"],
        taken_over=taken_over, lost_ns=int(detail["lost_ns"]), noticed_ns=int(detail["noticed_ns"]),
        services=services, window=detail["window"], ended_ns=None if taken_over else int(detail["noticed_ns"]),
    )  # fmt: skip
