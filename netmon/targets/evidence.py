"""What is known about checks between two times, in seconds, in the light of what hangs on what, of agreed maintenance
and of the configuration that was in force.

The archive of this machine is one source; whoever has another one implements :class:`Evidence`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any, Final, Protocol

from netmon.archive import ConfigurationInterval, Reader, Stretch
from netmon.config import Config, recall
from netmon.impact import (
    NOTHING,
    SILENCE,
    Effective,
    EffectiveStatus,
    Known,
    holds_seconds,
    overlay,
    window_over,
)
from netmon.model import LOCAL, Asset, Check, MaintenancePlan, Status, Window
from netmon.targets.rules import TimeEvidence
from netmon.upkeep import EVENT_KINDS, Declared, occurrences
from probes.base import ProbeKind

__all__ = ["ArchiveEvidence", "Evidence", "Slice", "Version", "seconds", "timelines"]

SECOND_NS: Final = 1_000_000_000
SILENT: Final = frozenset(failure.value for failure in SILENCE)
WORKS: Final = frozenset({EffectiveStatus.UP, EffectiveStatus.DEGRADED, EffectiveStatus.STANDBY})


@dataclass(frozen=True, slots=True)
class Slice:
    """A time in which one thing was known of a check.

    Attributes:
        from_ns, until_ns: UTC nanoseconds since the epoch, the end exclusive.
        status: never MAINTENANCE: what was found, whether or not work was agreed.
        maintenance: work on it was announced before this time.
    """

    from_ns: int
    until_ns: int
    status: EffectiveStatus
    maintenance: bool


@dataclass(frozen=True, slots=True)
class Version:
    """A configuration, and when it was in force: ``since_ns <= t < until_ns``."""

    config: Config
    since_ns: int
    until_ns: int


class Evidence(Protocol):
    """What is known between two times. A check has slices only where it was expected: its equipment in service."""

    @property
    def since_ns(self) -> int:
        """Begin, UTC nanoseconds since the epoch."""

    @property
    def until_ns(self) -> int:
        """End, exclusive."""

    @property
    def versions(self) -> Sequence[Version]:
        """The configurations in force, in order of time; before the first, nothing was monitored."""

    def timelines(self) -> Mapping[str, Sequence[Slice]]:
        """For each check its slices, in order of time."""

    def word(self, check_id: str, state: str) -> str | None:
        """The word of a state of a check at the end; ``None`` if that is not known."""


class ArchiveEvidence:
    """What an archive knows.

    Attributes:
        since_ns, until_ns, versions: see :class:`Evidence`.
        windows: work that was announced.
        stretches: what each check said.

    Args:
        kinds: the probe kinds, to understand configurations of earlier times.

    Raises:
        ArchiveError: the archive cannot be read.
        ConfigError: a configuration that was in force is none for this netmon.
    """

    def __init__(self, reader: Reader, *, kinds: Mapping[str, ProbeKind[Any]], since_ns: int, until_ns: int) -> None:
        self._reader = reader
        self.since_ns = since_ns
        self.until_ns = until_ns
        loads = reader.configurations()
        self.versions = _versions(loads, kinds, since_ns, until_ns)
        declared = Declared()
        for kind in EVENT_KINDS:
            for event in reader.events(kind):
                declared.take(event)
        self.windows = (*declared.windows.values(), *_planned(_versions(loads, kinds, None, until_ns), since_ns))
        longest: dict[str, int] = {}
        checks = [check for version in self.versions for check in version.config.checks.values()]
        for check in checks:
            longest[check.id] = min(_holds_ns(check), longest.get(check.id, _holds_ns(check)))
        before_ns = max(map(_holds_ns, checks), default=0)
        self.stretches = reader.stretches(longest, since_ns=since_ns - before_ns, until_ns=until_ns)

    def timelines(self) -> Mapping[str, Sequence[Slice]]:
        """For each check its slices, in order of time."""
        return timelines(self.versions, self.stretches, self.windows)

    def word(self, check_id: str, state: str) -> str | None:
        """The word of a state of a check at the end; ``None`` if that is not known. The reader must be open."""
        check = self.versions[-1].config.checks.get(check_id) if self.versions else None
        if check is None:
            return None
        since_ns = self.until_ns - _holds_ns(check)
        last = self._reader.history(check_id, since_ns=since_ns, until_ns=self.until_ns, limit=1, newest_first=True)
        found = next((observation.result.states.get(state) for observation in last), None)
        return None if found is None else found.word


def timelines(
    versions: Sequence[Version], stretches: Mapping[str, Sequence[Stretch]], windows: Sequence[Window]
) -> dict[str, list[Slice]]:
    """For each check its slices, in order of time."""
    configs = {version.config.config_id: version.config for version in versions}
    found: dict[str, list[Slice]] = {}
    for version in versions:
        _sweep(version, configs, stretches, windows, found)
    return found


def seconds(checks: Iterable[Sequence[Slice]]) -> TimeEvidence:
    """In how many seconds the equipment of these checks worked.

    It works while every one of its checks does (degraded equipment works), and does not while one is DOWN. Anything
    else is unknown. Time in which it is stowed counts for nothing.
    """
    lines = [list(slices) for slices in checks]
    moments = sorted({moment for line in lines for part in line for moment in (part.from_ns, part.until_ns)})
    totals = dict.fromkeys(TimeEvidence.__dataclass_fields__, 0)
    places = [0] * len(lines)
    for begin, end in pairwise(moments):
        here = []
        for number, line in enumerate(lines):
            while places[number] < len(line) and line[places[number]].until_ns <= begin:
                places[number] += 1
            if places[number] < len(line) and line[places[number]].from_ns <= begin:
                here.append(line[places[number]])
        name = _bucket(here)
        if name:
            totals[name] += end - begin
    return TimeEvidence(**{name: total / SECOND_NS for name, total in totals.items()})


def _bucket(here: Sequence[Slice]) -> str:
    statuses = {part.status for part in here}
    if statuses <= {EffectiveStatus.STANDBY}:
        return ""
    name = "bad" if EffectiveStatus.DOWN in statuses else "good" if statuses <= WORKS else "unknown"
    return f"maintenance_{name}" if any(part.maintenance for part in here) else name


def _versions(
    loads: Iterable[ConfigurationInterval], kinds: Mapping[str, ProbeKind[Any]], since_ns: int | None, until_ns: int
) -> list[Version]:
    known: dict[str, Config] = {}
    versions = []
    for load in loads:
        begin = load.since_ns if since_ns is None else max(load.since_ns, since_ns)
        end = until_ns if load.until_ns is None else min(load.until_ns, until_ns)
        if begin < end:
            if load.config_id not in known:
                known[load.config_id] = recall(load.text, f"configuration {load.config_id[:12]}", kinds=kinds)
            versions.append(Version(known[load.config_id], begin, end))
    return versions


def _planned(versions: Sequence[Version], since_ns: int) -> Iterator[Window]:
    """Windows that configurations announced, each as long as its configuration was in force."""
    entered: dict[MaintenancePlan, int] = {}
    for version in versions:
        entered = {plan: entered.get(plan, version.since_ns) for plan in version.config.maintenance}
        begin = max(version.since_ns, since_ns)
        if begin >= version.until_ns:
            continue
        for plan, entered_ns in entered.items():
            for window in occurrences(plan, begin, version.until_ns, entered_ns=entered_ns):
                yield replace(
                    window, from_ns=max(window.from_ns, begin), until_ns=min(window.until_ns, version.until_ns)
                )


@dataclass(frozen=True, slots=True)
class _Change:
    """From this moment on, this is known of a check."""

    at_ns: int
    check_id: str
    known: Known


def _sweep(
    version: Version,
    configs: Mapping[str, Config],
    stretches: Mapping[str, Sequence[Stretch]],
    windows: Sequence[Window],
    found: dict[str, list[Slice]],
) -> None:
    """Add the slices of the time in which one configuration was in force."""
    checks, assets = version.config.checks, version.config.assets
    begin, end = version.since_ns, version.until_ns
    changes = [
        change for check in checks.values() for change in _changes(check, configs, stretches.get(check.id, ()), end)
    ]
    changes.sort(key=lambda change: change.at_ns)
    relevant = [window for window in windows if window.from_ns < end and window.until_ns > begin]
    service = {asset.id: _in_service(asset) for asset in assets.values()}
    edges = {moment for span in service.values() for moment in span if moment is not None}
    edges |= {moment for window in relevant for moment in (window.from_ns, window.entered_ns, window.until_ns)}
    edges |= {change.at_ns for change in changes}
    moments = [begin, *sorted(moment for moment in edges if begin < moment < end), end]
    states: dict[str, Known] = {}
    number = 0
    for here, there in pairwise(moments):
        while number < len(changes) and changes[number].at_ns <= here:
            states[changes[number].check_id] = changes[number].known
            number += 1
        expected = [check for check in checks.values() if _serves(service[check.asset], here)]
        in_force = [window for window in relevant if max(window.from_ns, window.entered_ns) <= here < window.until_ns]
        for effect, check in zip(overlay(expected, assets, states, (), here).values(), expected, strict=True):
            _append(found.setdefault(check.id, []), here, there, effect, _agreed(check, effect, assets, in_force, here))


def _agreed(
    check: Check, effect: Effective, assets: Mapping[str, Asset], windows: Sequence[Window], at_ns: int
) -> bool:
    return bool(windows) and window_over(check, effect.cause, assets, windows, at_ns) is not None


def _append(line: list[Slice], begin: int, end: int, effect: Effective, maintenance: bool) -> None:
    last = line[-1] if line else None
    if last and (last.until_ns, last.status, last.maintenance) == (begin, effect.status, maintenance):
        line[-1] = replace(last, until_ns=end)
    else:
        line.append(Slice(begin, end, effect.status, maintenance))


def _changes(
    check: Check, configs: Mapping[str, Config], stretches: Sequence[Stretch], end_ns: int
) -> Iterator[_Change]:
    """When what is known of a check changes. A run says something until the next one, and no longer than it holds."""
    starts = [stretch.first_ns for stretch in stretches]
    last = bisect_right(starts, end_ns)
    for number, stretch in enumerate(stretches[:last]):
        silent = stretch.status is Status.DOWN and stretch.failure in SILENT
        yield _Change(stretch.first_ns, check.id, Known(stretch.status, silent=silent))
        config = configs.get(stretch.config_id)
        # By the configuration that it ran under: one that is not known any more was much the same.
        ran = config.checks.get(check.id, check) if config else check
        until_ns = stretch.last_ns + _holds_ns(ran)
        if number + 1 == len(stretches) or stretches[number + 1].first_ns > until_ns:
            yield _Change(until_ns, check.id, NOTHING)


def _holds_ns(check: Check) -> int:
    return round(holds_seconds(check) * SECOND_NS)


def _in_service(asset: Asset) -> tuple[int | None, int | None]:
    return _midnight(asset.commissioned), _midnight(asset.retired)


def _midnight(day: date | None) -> int | None:
    return None if day is None else round(datetime.combine(day, time(tzinfo=LOCAL)).timestamp()) * SECOND_NS


def _serves(span: tuple[int | None, int | None], at_ns: int) -> bool:
    begin, end = span
    return (begin is None or begin <= at_ns) and (end is None or at_ns < end)
