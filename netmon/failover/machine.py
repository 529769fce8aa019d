"""From the runs of checks to failovers. Pure: no clock; the same runs make the same failovers.

What is in use comes from one check of kind ``path``. What it cost comes from the checks of everything behind the
uplink, run on their own schedule; so a gap is known between two bounds, and never guessed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from netmon.config import Config
from netmon.config.uplinks import primary_of
from netmon.failover.record import Failover, Outcome, Service
from netmon.model import Asset, Check, Observation, Status

__all__ = ["LOOK_BACK_SECONDS", "PRIMARY", "Group", "Returned", "Watch", "groups_of"]

LOOK_BACK_SECONDS: Final = 180.0
"""What services lost so long before the router told for the last time that the primary is in use, they lost with it.

A route that leads nowhere stays until its protocol gives up (OSPF's dead interval is 40 s, BGP's hold time 90 s or
more), and an agent tells what it read some time ago (net-snmp keeps its table of routes for a minute). So what it says
just after an outage is not believed at once, either.
"""
RUNS_KEPT: Final = 2000
PRIMARY: Final = frozenset({"primary", "shared"})
SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What one check of kind ``path`` is about.

    Attributes:
        primary: id of the uplink that it watches.
        services: checks behind that uplink, each with how long (seconds) one of its runs says something.
        line: checks of the uplink itself.
        upstream: checks of what the uplink itself hangs on: while they are silent, no uplink is to blame.
        holds_seconds: how long a run of the path check says something.
    """

    check_id: str
    site: str
    primary: str
    services: Mapping[str, float]
    line: frozenset[str]
    upstream: frozenset[str]
    holds_seconds: float

    @property
    def checks(self) -> tuple[str, ...]:
        """Ids of all checks whose runs matter, but for the path check itself."""
        return (*self.services, *self.line, *self.upstream)

    @property
    def look_back_ns(self) -> int:
        """How long before the primary was last seen in use a service may have fallen silent with it."""
        return round(max([LOOK_BACK_SECONDS, *self.services.values()]) * SECOND_NS)


@dataclass(frozen=True, slots=True)
class Returned:
    """The primary is in use again: the failover of this id is over."""

    id: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class _Run:
    """A run that says something: ``good`` if the equipment answered."""

    begin_ns: int
    end_ns: int
    good: bool


@dataclass(slots=True)
class _Open:
    """A failover that was noticed, and whose services are still being waited for."""

    id: str
    lost_ns: int
    noticed_ns: int
    until_ns: int
    taken_over: bool


def groups_of(checks: Iterable[Check], config: Config) -> tuple[Group, ...]:
    """The groups of an inventory, for the checks of one process.

    Left out of the services: tests that load a line, checks that say how something is used, equipment that is normally
    off, and what another management system tells (``export``).
    """
    checks = tuple(checks)
    by_asset: dict[str, list[Check]] = {}
    for check in checks:
        by_asset.setdefault(check.asset, []).append(check)
    groups = []
    for check in checks:
        primary = primary_of(check, config.assets) if check.kind == "path" else None
        if primary is None:
            continue
        above = config.assets[primary].parent
        groups.append(
            Group(
                check_id=check.id,
                site=check.site,
                primary=primary,
                services={
                    service.id: service.holds_seconds
                    for asset, its in by_asset.items()
                    if _hangs_on(asset, primary, config.assets)
                    for service in its
                    if not (service.exclusive or service.aside or service.normally_off or service.kind == "export")
                },
                line=_own(by_asset.get(primary, ())),
                upstream=_own(by_asset.get(above or "", ())),
                holds_seconds=check.holds_seconds,
            )
        )
    return tuple(groups)


def _own(checks: Iterable[Check]) -> frozenset[str]:
    """Ids of the checks that say whether equipment works."""
    return frozenset(check.id for check in checks if not (check.exclusive or check.aside))


def _hangs_on(asset: str, primary: str, assets: Mapping[str, Asset]) -> bool:
    seen = {asset}
    here = assets.get(asset)
    while here is not None and here.parent is not None and here.parent not in seen:
        if here.parent == primary:
            return True
        seen.add(here.parent)
        here = assets.get(here.parent)
    return False


@dataclass(slots=True)
class Watch:
    """Give it every run of the group's checks through :meth:`take`, those of one check in order of time.

    Attributes:
        word: what the router said last; ``None`` while it cannot be asked.
        since_ns: since when.
        current: id of the failover that is not over: the backup is in use.
    """

    group: Group
    current: str | None = None
    word: str | None = None
    since_ns: int | None = None
    _primary_ns: int | None = None
    _silent: bool = False
    _open: _Open | None = None
    _runs: dict[str, deque[_Run]] = field(default_factory=dict)

    def take(self, observation: Observation) -> list[Failover | Returned]:
        """Take in one run; what follows from it."""
        found: list[Failover | Returned] = []
        end_ns = observation.started_ns + round(observation.duration_seconds * SECOND_NS)
        if observation.check_id == self.group.check_id:
            state = observation.result.states.get("in_use")
            found += self._path(observation, None if state is None else state.word, end_ns)
        elif observation.status in (Status.UP, Status.DEGRADED, Status.DOWN):
            good = observation.status is not Status.DOWN
            runs = self._runs.setdefault(observation.check_id, deque(maxlen=RUNS_KEPT))
            runs.append(_Run(observation.started_ns, end_ns, good))
            self._forget(runs)
        opened = self._open
        if opened is not None and (end_ns >= opened.until_ns or (opened.taken_over and self._all_answered(opened))):
            found.append(self._settle())
        return found

    def _path(self, observation: Observation, word: str | None, end_ns: int) -> list[Failover | Returned]:
        found: list[Failover | Returned] = []
        if word != self.word:
            self.word, self.since_ns = word, observation.started_ns
        if word in PRIMARY:
            if self._open is not None and self._open.taken_over:
                found.append(self._settle())  # with what is known by now
            if self.current is not None:
                found.append(Returned(self.current, observation.started_ns))
                self.current = None
            elif self._silent and self._open is None and self._cut_off(observation, end_ns):
                self._begin(observation, end_ns, taken_over=False)
            self._primary_ns, self._silent = observation.started_ns, False
        elif word == "backup":
            if self.current is None and self._primary_ns is not None:
                # What had looked as if no backup had taken over was an agent that told of old routes.
                self._begin(observation, end_ns, taken_over=True)
                self.current = self._open.id if self._open else None
            self._silent = False
        elif word is None:
            self._silent = True
        return found

    def _begin(self, observation: Observation, end_ns: int, *, taken_over: bool) -> None:
        patience = max([self.group.holds_seconds, *self.group.services.values()])
        self._open = _Open(
            id=f"{self.group.check_id}@{observation.started_ns}",
            lost_ns=self._open.lost_ns if self._open is not None else self._primary_ns or 0,
            noticed_ns=end_ns,
            until_ns=end_ns + (round(patience * SECOND_NS) if taken_over else self.group.look_back_ns),
            taken_over=taken_over,
        )

    def _cut_off(self, observation: Observation, end_ns: int) -> bool:
        """Whether all that was behind the uplink was away while what the uplink hangs on was there.

        A router that was started anew in that time was away itself: that says nothing about the uplinks.
        """
        lost_ns = self._primary_ns or 0
        uptime = observation.result.readings.get("agent_uptime_seconds")
        if uptime is None or uptime < (end_ns - lost_ns) / SECOND_NS + LOOK_BACK_SECONDS:
            return False
        above = [run for name in self.group.upstream for run in self._within(name, lost_ns, end_ns)]
        if not above or not all(run.good for run in above):
            return False
        worked = [name for name in self.group.services if self._before(name, lost_ns) is Outcome.WORKED]
        return bool(worked) and all(
            any(not run.good for run in self._within(name, lost_ns - self.group.look_back_ns, end_ns))
            for name in worked
        )

    def _within(self, name: str, begin_ns: int, end_ns: int) -> list[_Run]:
        return [run for run in self._runs.get(name, ()) if begin_ns <= run.begin_ns <= end_ns]

    def _forget(self, runs: deque[_Run]) -> None:
        """Keep what a failover could still need: from a good run before the primary was seen last."""
        if self._primary_ns is None or self._open is not None:
            return
        while len(runs) > 1 and runs[1].end_ns < self._primary_ns - self.group.look_back_ns:
            runs.popleft()

    def _all_answered(self, opened: _Open) -> bool:
        return all(
            any(run.good and run.begin_ns >= opened.noticed_ns for run in self._runs.get(name, ()))
            for name in self.group.services
            if self._before(name, opened.lost_ns) is not Outcome.DOWN_BEFORE
        )

    def _settle(self) -> Failover:
        opened = self._open
        assert opened is not None  # noqa: S101 (called only while one is open)
        self._open = None
        return Failover(
            id=opened.id, site=self.group.site, check_id=self.group.check_id, primary=self.group.primary,
            taken_over=opened.taken_over, lost_ns=opened.lost_ns, noticed_ns=opened.noticed_ns,
            services=tuple(self._service(name, opened) for name in sorted(self.group.services)),
            ended_ns=None if opened.taken_over else opened.noticed_ns,
        )  # fmt: skip

    def _service(self, name: str, opened: _Open) -> Service:
        before = self._before(name, opened.lost_ns)
        after = [run for run in self._runs.get(name, ()) if run.begin_ns >= opened.noticed_ns]
        if before is not Outcome.WORKED or not after:
            return Service(check_id=name, outcome=before if before is Outcome.DOWN_BEFORE else Outcome.UNCLEAR)
        if not after[-1].good:
            return Service(check_id=name, outcome=Outcome.FAILED)
        gap = _gap(tuple(self._runs[name]), self._since(opened))
        return Service(check_id=name, outcome=Outcome.WORKED, gap=gap)

    def _since(self, opened: _Open) -> int:
        """From when on what services lost is this failover's doing: since the uplink itself was seen well for the last
        time, if it was seen to be down; else as far back as an agent may tell of old routes."""
        since_ns = opened.lost_ns - self.group.look_back_ns
        for name in self.group.line:
            runs = [run for run in self._runs.get(name, ()) if run.begin_ns <= opened.noticed_ns]
            if runs and not runs[-1].good:
                since_ns = max([since_ns, *(run.begin_ns for run in runs if run.good)])
        return since_ns

    def _before(self, name: str, lost_ns: int) -> Outcome:
        """WORKED, DOWN_BEFORE or UNCLEAR."""
        earlier = [run for run in self._runs.get(name, ()) if run.begin_ns <= lost_ns]
        holds_ns = round(self.group.services.get(name, 0.0) * SECOND_NS)
        if not earlier or earlier[-1].end_ns < lost_ns - holds_ns:
            return Outcome.UNCLEAR
        good = [run for run in earlier if run.good]
        if good and (earlier[-1].good or good[-1].end_ns >= lost_ns - self.group.look_back_ns):
            return Outcome.WORKED
        return Outcome.DOWN_BEFORE


def _gap(runs: Sequence[_Run], since_ns: int) -> tuple[float, float]:
    """The longest time without an answer between two answers, of which the second came after ``since_ns``.

    Where a run got no answer, that time; else the longest in which one could have gone unseen.
    """
    seen: list[tuple[float, float]] = []
    unseen: list[float] = []
    good = [number for number, run in enumerate(runs) if run.good]
    for before, after in pairwise(good):
        if runs[after].end_ns < since_ns:
            continue
        high = (runs[after].end_ns - runs[before].begin_ns) / SECOND_NS
        if after - before > 1:
            seen.append(((runs[after - 1].begin_ns - runs[before + 1].begin_ns) / SECOND_NS, high))
        else:
            unseen.append(high)
    if seen:
        return max(seen, key=lambda bounds: (bounds[1], bounds[0]))
    return 0.0, max(unseen, default=0.0)
