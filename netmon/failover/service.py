"""Failovers of a running netmon: noticed as runs become durable, recorded once, known again after a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from netmon.archive import Event
from netmon.config import Config
from netmon.failover.machine import PRIMARY, Group, Returned, Watch, groups_of
from netmon.failover.record import FAILOVER, FAILOVER_ENDED, Failover, Use, failovers_of
from netmon.model import Check, Observation

__all__ = ["Failovers"]

FARTHEST_BACK_NS: Final = 86_400 * 1_000_000_000
"""A failover that was under way when netmon stopped is taken up if the primary was in use within this time."""


class Book(Protocol):
    """Where it is recorded."""

    def append_event(self, kind: str, at_ns: int, detail: Mapping[str, object]) -> None:
        """Queue an event."""


class History(Protocol):
    """The archive's runs of one check."""

    def history(
        self, check_id: str, *, since_ns: int | None = None, newest_first: bool = False
    ) -> Iterator[Observation]:
        """In order of their start."""


class Failovers:
    """Watches every site with a backup uplink.

    Args:
        announced: id of the window that covers this site and equipment at this moment (nanoseconds); empty for none.
    """

    def __init__(self, book: Book, announced: Callable[[str, str, int], str]) -> None:
        self._book = book
        self._announced = announced
        self._watches: dict[str, Watch] = {}
        self._by_check: dict[str, list[Watch]] = {}
        self._known: dict[str, Failover] = {}

    def configure(self, checks: Iterable[Check], config: Config) -> None:
        """Take over an inventory; what did not change goes on."""
        before = self._watches
        self._watches = {}
        for group in groups_of(checks, config):
            old = before.get(group.check_id)
            if old is not None and old.group.primary == group.primary:
                old.group = group
            self._watches[group.check_id] = old if old is not None and old.group is group else Watch(group)
        self._by_check = {}
        for watch in self._watches.values():
            for check_id in (watch.group.check_id, *watch.group.checks):
                self._by_check.setdefault(check_id, []).append(watch)

    def recall(self, events: Iterable[Event], archive: History, now_ns: int) -> None:
        """Take up where the archive ends: what was recorded, and what was under way. Before the first :meth:`take`."""
        self._known = {failover.id: failover for failover in failovers_of(events)}
        for watch in self._watches.values():
            last = self._last(watch.group.check_id)
            runs, primary_ns = _recent(archive, watch.group, now_ns)
            if last is not None and last.ended_ns is None and (primary_ns is None or primary_ns > last.noticed_ns):
                watch.current = last.id  # else the runs tell of it once more
            for observation in runs:
                self._note(watch, observation)

    def take(self, observations: Sequence[Observation]) -> None:
        """Take in what is durable."""
        for observation in observations:
            for watch in self._by_check.get(observation.check_id, ()):
                self._note(watch, observation)

    def uses(self) -> tuple[Use, ...]:
        """Which uplink is in use, for each site with a backup."""
        return tuple(
            Use(
                check_id=watch.group.check_id, site=watch.group.site, primary=watch.group.primary, word=watch.word,
                since_ns=watch.since_ns, last=self._last(watch.group.check_id),
            )
            for watch in self._watches.values()
        )  # fmt: skip

    def all(self) -> tuple[Failover, ...]:
        """Every failover that was ever recorded, in order of time."""
        return tuple(sorted(self._known.values(), key=lambda failover: (failover.noticed_ns, failover.id)))

    def _last(self, check_id: str) -> Failover | None:
        return next((failover for failover in reversed(self.all()) if failover.check_id == check_id), None)

    def _note(self, watch: Watch, observation: Observation) -> None:
        for found in watch.take(observation):
            if isinstance(found, Returned):
                known = self._known.get(found.id)
                if known is not None and known.ended_ns is None:
                    self._known[found.id] = replace(known, ended_ns=found.at_ns)
                    self._book.append_event(FAILOVER_ENDED, found.at_ns, {"id": found.id})
            elif found.id not in self._known:
                window = self._announced(found.site, found.primary, found.lost_ns)
                window = window or self._announced(found.site, found.primary, found.noticed_ns)
                self._known[found.id] = failover = replace(found, window=window)
                self._book.append_event(FAILOVER, failover.noticed_ns, failover.detail())


def _recent(archive: History, group: Group, now_ns: int) -> tuple[list[Observation], int | None]:
    """The runs that a watch needs to go on, in order of their end, and the start of the first one of them that saw the
    primary in use: one so long before the last one that nothing of what it will judge is left out."""
    path = []
    last_ns = primary_ns = None
    for observation in archive.history(group.check_id, since_ns=now_ns - FARTHEST_BACK_NS, newest_first=True):
        path.append(observation)
        state = observation.result.states.get("in_use")
        if state is not None and state.word in PRIMARY:
            primary_ns = observation.started_ns
            last_ns = last_ns or primary_ns
            if primary_ns < last_ns - 2 * group.look_back_ns:
                break
    runs = [*path]
    if primary_ns is not None:
        for check_id in group.checks:
            runs += archive.history(check_id, since_ns=primary_ns - group.look_back_ns)
    return sorted(runs, key=lambda run: run.started_ns + round(run.duration_seconds * 1e9)), primary_ns
