"""What is known about checks between two times, in seconds, in the light of what hangs on what, of agreed maintenance
and of the configuration that was in force.

The archive of this machine is one source; whoever has another one implements :class:`Evidence`.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final, Protocol

from netmon.archive import SLOT_NS, SLOTS, ConfigurationInterval, Reader, Stretch
from netmon.config import Config, recall
from netmon.coverage.load import Surveys, read_surveys
from netmon.impact import (
    NOTHING,
    SETTLE_SECONDS,
    SILENCE,
    EffectiveStatus,
    Known,
    down_assets,
    effects,
    loaded,
    window_over,
)
from netmon.model import Asset, Check, MaintenancePlan, Observation, Status, Window, midnight_ns
from netmon.targets.rules import ScheduledTest, TimeEvidence
from netmon.upkeep import EVENT_KINDS, Declared, occurrences
from probes.base import ProbeKind, StateClass, split_key

__all__ = [
    "ArchiveEvidence",
    "Evidence",
    "Means",
    "Samples",
    "Slice",
    "Version",
    "best_known",
    "due_runs",
    "due_tests",
    "expected_runs",
    "seconds",
    "timelines",
    "together",
    "within",
]

SECOND_NS: Final = 1_000_000_000
SILENT: Final = frozenset(failure.value for failure in SILENCE)
BY_BADNESS: Final = tuple(EffectiveStatus)
SECONDS_OF_STREAMS: Final = ("measured_seconds", "available_seconds", "unavailable_seconds")
SILENT_STATUSES: Final = frozenset({EffectiveStatus.DOWN, EffectiveStatus.STANDBY})
"""Nothing can be measured then, and nothing is missing."""
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

    def samples(
        self, lines: Mapping[str, Sequence[Slice]], readings: Sequence[str]
    ) -> Mapping[tuple[str, str], Samples]:
        """What readings of some checks were while they worked and no work on them was agreed, by reading and check.

        Args:
            lines: slices by check, as :meth:`timelines` gives them.
        """

    def means(self, lines: Mapping[str, Sequence[Slice]], readings: Sequence[str]) -> Mapping[tuple[str, str], Means]:
        """Means of each five minutes of some checks' readings while they worked, by reading and check.

        No five minutes count in which work was agreed, in which the check was down or stowed, or whose traffic was in
        part that of a test which loaded the line.
        """

    def available_time(self, lines: Mapping[str, Sequence[Slice]]) -> Mapping[str, TimeEvidence]:
        """Available and unavailable seconds (ITU-T Y.1563) that streams measured while no work was agreed, by check.

        What runs were due to measure and is not there is unknown: lost, not decided, or while the line was cut off by
        something else. Time in which a test loaded the line counts as agreed work.
        """

    def tests(
        self, lines: Mapping[str, Sequence[Slice]], state: str, word: str
    ) -> Mapping[str, Sequence[ScheduledTest]]:
        """The tests of some checks that were due while no work was agreed, one of each interval, in order of time.

        A test passed if every state of this name has the word, and failed if one has another one, but that it is not
        monitored (StateClass): such a test is none.
        """

    def surveys(self) -> Mapping[str, Surveys]:
        """The last coverage survey of each class of terminals that has one, as of the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Runs of a check on schedule, and a reading's values.

    Attributes:
        due: how many there should be in the time in which it worked, or in which nothing is known.
        count, total: how many values there are, and their sum.
    """

    due: int
    count: int
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """A reading's means of five minutes.

    Attributes:
        due: how many there should be.
        values: those that are known, in order of time.
    """

    due: int
    values: Sequence[float]


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
        ever = _versions(reader.configurations(), kinds, until_ns)
        self.versions = [
            Version(version.config, max(version.since_ns, since_ns), version.until_ns)
            for version in ever
            if version.until_ns > since_ns
        ]
        declared = Declared()
        for kind in EVENT_KINDS:
            for event in reader.events(kind):
                declared.take(event)
        self.windows = (*declared.windows.values(), *_planned(ever, since_ns))
        longest: dict[str, int] = {}
        checks = [check for version in self.versions for check in version.config.checks.values()]
        for check in checks:
            longest[check.id] = min(_holds_ns(check), longest.get(check.id, _holds_ns(check)))
        before_ns = max(map(_holds_ns, checks), default=0)
        self.stretches = reader.stretches(longest, since_ns=since_ns - before_ns, until_ns=until_ns)
        self._timelines: Mapping[str, Sequence[Slice]] | None = None

    def timelines(self) -> Mapping[str, Sequence[Slice]]:
        """For each check its slices, in order of time."""
        if self._timelines is None:
            self._timelines = timelines(self.versions, self.stretches, self.windows)
        return self._timelines

    def samples(
        self, lines: Mapping[str, Sequence[Slice]], readings: Sequence[str]
    ) -> Mapping[tuple[str, str], Samples]:
        """What readings of some checks were while they worked, by reading and check. The reader must be open."""
        quiet = {check_id: self._without_load(check_id, line) for check_id, line in lines.items()}
        totals = self._reader.totals({check_id: _expected(line) for check_id, line in quiet.items()}, readings)
        found = {}
        for check_id, line in quiet.items():
            due = due_runs(self.versions, check_id, line)
            for reading in readings:
                count, total = totals[reading, check_id]
                found[reading, check_id] = Samples(due=max(count, due), count=count, total=total)
        return found

    def means(self, lines: Mapping[str, Sequence[Slice]], readings: Sequence[str]) -> Mapping[tuple[str, str], Means]:
        """Means of five minutes, see :class:`Evidence`. The reader must be open."""
        due = {check_id: self._due_slots(check_id, line) for check_id, line in lines.items()}
        values = {(reading, check_id): array("f") for reading in readings for check_id in lines}
        edges = [moment * SLOT_NS for spans in due.values() for first, end, _least in spans for moment in (first, end)]
        if edges:
            days = self._reader.means(tuple(lines), readings, since_ns=min(edges), until_ns=max(edges))
            for day, parts in days:
                begin = day * SLOTS
                for key, found in values.items():
                    if key in parts:
                        for first, end, least in _touching(due[key[1]], begin, begin + SLOTS):
                            found.extend(parts[key].known(first - begin, end - begin, least))
        return {
            key: Means(due=sum(end - first for first, end, _least in due[key[1]]), values=found)
            for key, found in values.items()
        }

    def available_time(self, lines: Mapping[str, Sequence[Slice]]) -> Mapping[str, TimeEvidence]:
        """Seconds of streams, see :class:`Evidence`. The reader must be open."""
        quiet = {
            check_id: [
                part for part in self._without_load(check_id, line) if part.status is not EffectiveStatus.STANDBY
            ]
            for check_id, line in lines.items()
        }  # fmt: skip
        # What something else cuts off is not down: it is not known.
        own = {
            check_id: _expected([part for part in line if part.status is not EffectiveStatus.UNREACHABLE])
            for check_id, line in quiet.items()
        }
        totals = self._reader.totals(own, SECONDS_OF_STREAMS)
        found = {}
        for check_id, line in quiet.items():
            (count, measured), (_good, good), (_bad, bad) = (totals[key, check_id] for key in SECONDS_OF_STREAMS)
            due = expected_runs(self.versions, check_id, [part for part in line if not part.maintenance])
            each = measured / count if count else self._seconds_of_a_run(check_id)
            found[check_id] = TimeEvidence(good=good, bad=bad, unknown=max(0.0, due * each - good - bad))
        return found

    def _seconds_of_a_run(self, check_id: str) -> float:
        check, _assets = self._newest(check_id)
        return 0.0 if check is None else check.interval_seconds

    def tests(
        self, lines: Mapping[str, Sequence[Slice]], state: str, word: str
    ) -> Mapping[str, Sequence[ScheduledTest]]:
        """The tests of some checks, see :class:`Evidence`. The reader must be open."""
        found = {}
        for check_id, line in lines.items():
            spans = _expected(line)
            runs: dict[int, dict[int, bool | None]] = {}
            for each in self._reader.history(check_id, since_ns=self.since_ns, until_ns=self.until_ns):
                if any(begin <= each.started_ns < end for begin, end in spans):
                    runs.setdefault(each.scheduled_ns, {})[each.attempt] = _passed(each, state, word)
            made = [_test(attempts) for _at, attempts in sorted(runs.items())]
            missing = due_tests(self.versions, check_id, line) - len(made)
            found[check_id] = (*made, *[ScheduledTest(None)] * max(0, missing))
        return found

    def _without_load(self, check_id: str, line: Sequence[Slice]) -> Sequence[Slice]:
        """A line in which the time of tests that loaded it counts as agreed work."""
        check, assets = self._newest(check_id)
        if check is None:
            return line
        spans = loaded(check.asset, assets, self._loads)
        if check.continuous:  # a run that began so long before a test may have met it
            spans = [(begin - round(check.timeout_seconds * SECOND_NS), end) for begin, end in spans]
        return _cut(line, spans)

    def _newest(self, check_id: str) -> tuple[Check | None, Mapping[str, Asset]]:
        """A check as it was last, and all equipment of that configuration."""
        for version in reversed(self.versions):
            if check_id in version.config.checks:
                return version.config.checks[check_id], version.config.assets
        return None, {}

    def _due_slots(self, check_id: str, line: Sequence[Slice]) -> list[tuple[int, int, int]]:
        """Of which five minutes a check's means were due, counted since the epoch: from, to (exclusive), and how many
        values each needs, half of those that its interval gives."""
        check, assets = self._newest(check_id)
        if check is None:
            return []
        # A rate tells of the interval before it. A test crosses the lines above, too.
        after_ns = round(check.interval_seconds * SECOND_NS)
        crossing = {
            asset: [(begin, end + after_ns) for begin, end in spans]
            for asset, spans in self._loads.items()
            if asset == check.asset or check.asset in _above(asset, assets) or asset in _above(check.asset, assets)
        }
        loads = sorted(span for spans in crossing.values() for span in spans)
        spans = _expected([each for each in _cut(line, loads) if each.status not in SILENT_STATUSES])
        due: list[tuple[int, int, int]] = []
        for version in self.versions:
            here = version.config.checks.get(check_id)
            if here is None:
                continue
            least = max(1, math.ceil(SLOT_NS / SECOND_NS / here.interval_seconds / 2))
            for begin, end in spans:
                begin, end = max(begin, version.since_ns), min(end, version.until_ns)
                if due and due[-1][1:] == (begin, least):
                    due[-1] = (due[-1][0], end, least)
                elif begin < end:
                    due.append((begin, end, least))
        slots = [(-(-begin // SLOT_NS), end // SLOT_NS, least) for begin, end, least in due]
        return [each for each in slots if each[0] < each[1]]

    @cached_property
    def _loads(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        """When tests loaded the line of each asset."""
        exclusive = {
            check.id: check.asset
            for version in self.versions
            for check in version.config.checks.values()
            if check.exclusive
        }
        loads: dict[str, list[tuple[int, int]]] = {}
        for check_id, asset in exclusive.items():
            for each in self._reader.history(check_id, since_ns=self.since_ns, until_ns=self.until_ns):
                end_ns = each.started_ns + round((each.duration_seconds + SETTLE_SECONDS) * SECOND_NS)
                loads.setdefault(asset, []).append((each.started_ns - SETTLE_SECONDS * SECOND_NS, end_ns))
        return loads

    def surveys(self) -> Mapping[str, Surveys]:
        """The last coverage survey of each class of terminals that has one, as of the end."""
        return read_surveys(self._reader.folder, until_ns=self.until_ns)

    def word(self, check_id: str, state: str) -> str | None:
        """The word of a state of a check at the end; ``None`` if that is not known. The reader must be open."""
        check = self.versions[-1].config.checks.get(check_id) if self.versions else None
        if check is None:
            return None
        since_ns = self.until_ns - _holds_ns(check)
        last = self._reader.history(check_id, since_ns=since_ns, until_ns=self.until_ns, limit=1, newest_first=True)
        found = next((observation.result.states.get(state) for observation in last), None)
        return None if found is None else found.word


def _above(asset_id: str, assets: Mapping[str, Asset]) -> set[str]:
    """What a piece of equipment hangs on."""
    found: set[str] = set()
    here = assets.get(asset_id)
    while here is not None and here.parent is not None and here.parent not in found:
        found.add(here.parent)
        here = assets.get(here.parent)
    return found


def _touching(due: Sequence[tuple[int, int, int]], begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Spans that touch a time, cut to it."""
    for first, last, least in due[bisect_right(due, begin, key=itemgetter(1)) :]:
        if first >= end:
            break
        yield max(first, begin), min(last, end), least


def _passed(observation: Observation, state: str, word: str) -> bool | None:
    """Whether a test passed; ``None`` if it decided nothing."""
    states = [each for key, each in observation.result.states.items() if split_key(key)[0] == state]
    known = [each.word == word for each in states if each.meaning is not StateClass.NOT_MONITORED]
    if not all(known):
        return False
    return True if known and len(known) == len(states) else None


def _test(attempts: Mapping[int, bool | None]) -> ScheduledTest:
    """A test and its retest; after one that decided nothing, the next one is the test."""
    first, again = attempts.get(1), attempts.get(2)
    return ScheduledTest(again) if first is None else ScheduledTest(first, again)


def due_tests(versions: Sequence[Version], check_id: str, line: Sequence[Slice]) -> int:
    """How many tests were due in whole intervals while no work was agreed, whatever they found."""
    count = 0.0
    for version in versions:
        check = version.config.checks.get(check_id)
        if check is not None:
            ns = sum(
                max(0, min(end, version.until_ns) - max(begin, version.since_ns)) for begin, end in _expected(line)
            )
            count += ns / SECOND_NS / check.interval_seconds
    return int(count)


def _cut(line: Sequence[Slice], spans: Sequence[tuple[int, int]]) -> list[Slice]:
    """The same time; within the spans (in order of time) it counts as agreed work."""
    found: list[Slice] = []
    place = 0
    for part in line:
        here = part.from_ns
        while place < len(spans) and spans[place][1] <= here:
            place += 1
        for begin, end in spans[place:]:
            if begin >= part.until_ns:
                break
            if begin > here:
                found.append(replace(part, from_ns=here, until_ns=begin))
            inner = min(end, part.until_ns)
            if inner > max(begin, here):
                found.append(replace(part, from_ns=max(begin, here), until_ns=inner, maintenance=True))
                here = inner
        if here < part.until_ns:
            found.append(replace(part, from_ns=here))
    return found


def _expected(line: Sequence[Slice]) -> list[tuple[int, int]]:
    """When a check was expected to say something and no work on it was agreed: slices that touch are one."""
    spans: list[tuple[int, int]] = []
    for part in line:
        if part.maintenance:
            continue
        if spans and spans[-1][1] == part.from_ns:
            spans[-1] = (spans[-1][0], part.until_ns)
        else:
            spans.append((part.from_ns, part.until_ns))
    return spans


def due_runs(versions: Sequence[Version], check_id: str, line: Sequence[Slice]) -> int:
    """How many runs were due while a check worked, or nothing was known, and no work was agreed.

    Time in which it was down has no values: availability judges it.
    """
    return expected_runs(
        versions, check_id, [part for part in line if not part.maintenance and part.status not in SILENT_STATUSES]
    )


def expected_runs(versions: Sequence[Version], check_id: str, line: Sequence[Slice]) -> int:
    """How many runs these times hold, by the interval of the configuration of each moment."""
    runs = 0.0
    for version in versions:
        check = version.config.checks.get(check_id)
        if check is not None:
            ns = sum(
                max(0, min(part.until_ns, version.until_ns) - max(part.from_ns, version.since_ns)) for part in line
            )
            runs += ns / SECOND_NS / check.interval_seconds
    return int(runs)


def timelines(
    versions: Sequence[Version], stretches: Mapping[str, Sequence[Stretch]], windows: Sequence[Window]
) -> dict[str, list[Slice]]:
    """For each check its slices, in order of time."""
    configs = {version.config.config_id: version.config for version in versions}
    found: dict[str, list[Slice]] = {}
    for version in versions:
        _Sweep(version, windows).run(configs, stretches, found)
    return found


def within(line: Sequence[Slice], since_ns: int, until_ns: int) -> list[Slice]:
    """The slices of a time, cut to it."""
    return [
        replace(part, from_ns=max(part.from_ns, since_ns), until_ns=min(part.until_ns, until_ns))
        for part in line
        if part.from_ns < until_ns and part.until_ns > since_ns
    ]


def seconds(checks: Iterable[Sequence[Slice]]) -> TimeEvidence:
    """In how many seconds the equipment of these checks worked.

    It works while every one of its checks does (degraded equipment works), and does not while one is DOWN. Anything
    else is unknown. Time in which it is stowed counts for nothing.
    """
    totals = dict.fromkeys(TimeEvidence.__dataclass_fields__, 0)
    for begin, end, here in together(checks):
        name = _bucket(here)
        if name:
            totals[name] += end - begin
    return TimeEvidence(**{name: total / SECOND_NS for name, total in totals.items()})


def best_known(
    own: Sequence[Sequence[Slice]], told: Sequence[Sequence[Slice]], called: Sequence[Sequence[Slice]]
) -> tuple[list[Slice], float]:
    """What others know of equipment while it is not asked itself, and for how many seconds, agreed work apart, roll
    calls alone know it.

    Each way that somebody tells of it (an export, a terminal) counts where it knows something, and the worst of them
    decides; roll calls, which know a day at best, count where no other way knows.

    Args:
        own, told, called: slices of checks that ask the equipment, that ask somebody else, and that people enter.
    """
    line: list[Slice] = []
    by_call = 0
    asked = {id(part) for each in own for part in each}
    by_hand = {id(part) for each in called for part in each}
    for begin, end, here in together([*own, *told, *called]):
        if not here or any(id(part) in asked for part in here):
            continue
        knowing = [part for part in here if part.status in WORKS or part.status is EffectiveStatus.DOWN]
        finer = [part for part in knowing if id(part) not in by_hand]
        deciding = finer or knowing or here
        status = max((part.status for part in deciding), key=BY_BADNESS.index)
        maintenance = any(part.maintenance for part in here)
        _append(line, Slice(begin, end, status, maintenance))
        if knowing and not finer and not maintenance:
            by_call += end - begin
    return line, by_call / SECOND_NS


def together(checks: Iterable[Sequence[Slice]]) -> Iterator[tuple[int, int, list[Slice]]]:
    """Several checks side by side: from when until when nothing changes, and the slice of each that has one then."""
    lines = [list(slices) for slices in checks]
    moments = sorted({moment for line in lines for part in line for moment in (part.from_ns, part.until_ns)})
    places = [0] * len(lines)
    for begin, end in pairwise(moments):
        here = []
        for number, line in enumerate(lines):
            while places[number] < len(line) and line[places[number]].until_ns <= begin:
                places[number] += 1
            if places[number] < len(line) and line[places[number]].from_ns <= begin:
                here.append(line[places[number]])
        yield begin, end, here


def _bucket(here: Sequence[Slice]) -> str:
    statuses = {part.status for part in here}
    if statuses <= {EffectiveStatus.STANDBY}:
        return ""
    name = "bad" if EffectiveStatus.DOWN in statuses else "good" if statuses <= WORKS else "unknown"
    return f"maintenance_{name}" if any(part.maintenance for part in here) else name


def _versions(
    loads: Iterable[ConfigurationInterval], kinds: Mapping[str, ProbeKind[Any]], until_ns: int
) -> list[Version]:
    """Every configuration that was in force before ``until_ns``."""
    known: dict[str, Config] = {}
    versions = []
    for load in loads:
        end = until_ns if load.until_ns is None else min(load.until_ns, until_ns)
        if load.since_ns < end:
            if load.config_id not in known:
                name = f"configuration {load.config_id[:12]}"
                known[load.config_id] = recall(load.text, name, kinds=kinds, profiles=load.profiles)
            versions.append(Version(known[load.config_id], load.since_ns, end))
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


class _Sweep:
    """Goes through the time in which one configuration was in force, from change to change.

    What changes for one check is worked out for its equipment alone, and for all that hangs on it if that is to blame
    from now on, or no longer: a county of many checks changes thousands of times a year.
    """

    def __init__(self, version: Version, windows: Sequence[Window]) -> None:
        self._checks = version.config.checks
        self._assets = version.config.assets
        self._begin, self._end = version.since_ns, version.until_ns
        self._windows = [each for each in windows if each.from_ns < self._end and each.until_ns > self._begin]
        self._service = {asset.id: _in_service(asset) for asset in self._assets.values()}
        self._children: dict[str, list[str]] = {}
        for asset in self._assets.values():
            self._children.setdefault(asset.parent or "", []).append(asset.id)
        self._expected: dict[str, list[Check]] = {}
        self._in_force: list[Window] = []
        self._states: dict[str, Known] = {}
        self._down: set[str] = set()
        self._open: dict[str, Slice] = {}

    def run(
        self,
        configs: Mapping[str, Config],
        stretches: Mapping[str, Sequence[Stretch]],
        found: dict[str, list[Slice]],
    ) -> None:
        """Add each check's slices."""
        changes = sorted(
            (
                change
                for check in self._checks.values()
                for change in _changes(check, configs, stretches.get(check.id, ()), self._begin, self._end)
            ),
            key=lambda change: change.at_ns,
        )
        edges = {moment for span in self._service.values() for moment in span if moment is not None}
        edges |= {moment for each in self._windows for moment in (each.from_ns, each.entered_ns, each.until_ns)}
        edges = {self._begin, *(moment for moment in edges if self._begin < moment < self._end)}
        moments = edges | {change.at_ns for change in changes if self._begin < change.at_ns < self._end}
        place = 0
        for here in sorted(moments):
            touched = set()
            while place < len(changes) and changes[place].at_ns <= here:
                change = changes[place]
                self._states[change.check_id] = change.known
                touched.add(self._checks[change.check_id].asset)
                place += 1
            self._step(here, None if here in edges else touched, found)
        for check_id in tuple(self._open):
            self._close(check_id, self._end, found)

    def _step(self, here: int, touched: set[str] | None, found: dict[str, list[Slice]]) -> None:
        """Take in what changed of this equipment; ``None`` for all of it."""
        if touched is None:
            touched = self._turn(here, found)
        else:
            for asset in tuple(touched):
                down = bool(down_assets(self._expected.get(asset, ()), self._states))
                if down != (asset in self._down):
                    (self._down.add if down else self._down.discard)(asset)
                    self._add_children(asset, touched)
        affected = [check for asset in touched for check in self._expected.get(asset, ())]
        effective = effects(affected, self._assets, self._states, self._down, (), here)
        for check in affected:
            effect = effective[check.id]
            agreed = bool(self._in_force) and (
                window_over(check, effect.cause, self._assets, self._in_force, here) is not None
            )
            last = self._open.get(check.id)
            if last is None or (last.status, last.maintenance) != (effect.status, agreed):
                self._close(check.id, here, found)
                self._open[check.id] = Slice(here, here, effect.status, agreed)

    def _turn(self, here: int, found: dict[str, list[Slice]]) -> set[str]:
        """Equipment goes into or out of service, or a window opens or ends: look at everything anew."""
        self._expected = {}
        for check in self._checks.values():
            if _serves(self._service[check.asset], here):
                self._expected.setdefault(check.asset, []).append(check)
            else:
                self._close(check.id, here, found)
        self._in_force = [each for each in self._windows if max(each.from_ns, each.entered_ns) <= here < each.until_ns]
        self._down = set(down_assets([check for line in self._expected.values() for check in line], self._states))
        return set(self._expected)

    def _add_children(self, asset: str, touched: set[str]) -> None:
        waiting = [asset]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                touched.add(child)
                waiting.append(child)

    def _close(self, check_id: str, here: int, found: dict[str, list[Slice]]) -> None:
        last = self._open.pop(check_id, None)
        if last is not None and last.from_ns < here:
            _append(found.setdefault(check_id, []), replace(last, until_ns=here))


def _append(line: list[Slice], new: Slice) -> None:
    last = line[-1] if line else None
    if last and (last.until_ns, last.status, last.maintenance) == (new.from_ns, new.status, new.maintenance):
        line[-1] = replace(last, until_ns=new.until_ns)
    else:
        line.append(new)


def _changes(
    check: Check, configs: Mapping[str, Config], stretches: Sequence[Stretch], begin_ns: int, end_ns: int
) -> Iterator[_Change]:
    """When what is known of a check changes. A run says something until the next one, and no longer than it holds."""
    starts = [stretch.first_ns for stretch in stretches]
    first = max(bisect_right(starts, begin_ns) - 1, 0)  # what was said last before it begins
    for number in range(first, bisect_right(starts, end_ns)):
        stretch = stretches[number]
        silent = stretch.status is Status.DOWN and stretch.failure in SILENT
        yield _Change(stretch.first_ns, check.id, Known(stretch.status, silent=silent))
        config = configs.get(stretch.config_id)
        # By the configuration that it ran under: one that is not known any more was much the same.
        ran = config.checks.get(check.id, check) if config else check
        until_ns = stretch.last_ns + _holds_ns(ran)
        if number + 1 == len(stretches) or stretches[number + 1].first_ns > until_ns:
            yield _Change(until_ns, check.id, NOTHING)


def _holds_ns(check: Check) -> int:
    return round(check.holds_seconds * SECOND_NS)


def _in_service(asset: Asset) -> tuple[int | None, int | None]:
    begin, end = (None if day is None else midnight_ns(day) for day in (asset.commissioned, asset.retired))
    return begin, end


def _serves(span: tuple[int | None, int | None], at_ns: int) -> bool:
    begin, end = span
    return (begin is None or begin <= at_ns) and (end is None or at_ns < end)
