"""Questions to the archive. Read-only, beside the running daemon, from any process on the same machine."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from netmon.archive.codec import decode_result
from netmon.archive.manifest import DAY_NS, DayFile, DayManifest
from netmon.archive.means import SLOT_NS, DayMeans
from netmon.archive.past import MEASURED_WHEN_DOWN, Asked, Past, joined, statuses
from netmon.archive.rows import ConfigurationInterval, Event, Stretch
from netmon.archive.schema import FILE_NAME, ArchiveError, require_newest
from netmon.archive.sums import DaySums
from netmon.i18n import _
from netmon.model import MissedRun, Observation, Status

__all__ = ["Counts", "Reader"]

OBSERVATION = (
    "SELECT o.started_ns, o.sequence, s.check_id, s.vantage, o.scheduled_ns, o.duration_seconds, o.attempt, o.status,"
    " o.data, c.config_id FROM {source} CROSS JOIN configuration c ON c.number = o.configuration"
)
HISTORY = (
    OBSERVATION.format(source="observation o CROSS JOIN series s ON s.number = o.series")
    + " WHERE o.series = ? AND o.started_ns >= ? AND o.started_ns <= ? ORDER BY o.started_ns {order}"
)
# One look into the index a series, however many rows there are.
LATEST = OBSERVATION.format(
    source="series s CROSS JOIN observation o ON o.sequence = (SELECT sequence FROM observation"
    " WHERE series = s.number ORDER BY started_ns DESC LIMIT 1)"
)
EVENTS = (
    "SELECT kind, at_ns, detail FROM event WHERE kind = coalesce(?, kind) AND at_ns >= ? AND at_ns <= ?"
    " ORDER BY at_ns {order}, sequence {order}"
)
EARLIEST_NS = -(2**63)
LATEST_NS = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows the archive holds."""

    observations: int
    missed: int
    events: int
    configurations: int


class Reader:
    """Reads an archive. Belongs to the thread that opened it.

    The journal and the files of closed days are one. Times are UTC nanoseconds since the epoch; ``since_ns`` is
    inclusive, ``until_ns`` exclusive, ``None`` is open.
    An iterator that is not read to its end keeps the state of the moment it began, and keeps the daemon's write-ahead
    log from being emptied: read it or close it.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._past = Past(path.parent)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the archive in ``folder``.

        Raises:
            ArchiveError: there is none, or its schema is not this program's.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            raise ArchiveError(_("there is no archive in {folder}: start netmon run first").format(folder=folder))
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None, timeout=10
            )
        except sqlite3.Error as error:
            raise ArchiveError(_("{path} cannot be opened: {error}").format(path=path, error=error)) from error
        try:
            require_newest(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(connection, path)

    @property
    def folder(self) -> Path:
        """Where the archive is."""
        return self._path.parent

    def close(self) -> None:
        """Close the files."""
        self._connection.close()
        self._past.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def history(
        self,
        check_id: str,
        vantage: str | None = None,
        *,
        since_ns: int | None = None,
        until_ns: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Observation]:
        """Observations of one check in order of their start, from one vantage or from all."""
        asked = _asked(check_id, since_ns, until_ns, vantage=vantage)
        query = HISTORY.format(order="DESC" if newest_first else "ASC")
        bounds = (asked.first_ns, asked.last_ns)
        streams = [self._start(query, (number, *bounds)) for number in self._series(check_id, vantage)]
        journal = merge(*streams, key=lambda row: row[0], reverse=newest_first)
        rows = self._joined(journal, asked, self._past.observations, newest_first=newest_first)
        yield from islice(map(_observation, rows), limit)

    def series(
        self,
        check_id: str,
        keys: Sequence[str],
        *,
        since_ns: int,
        until_ns: int | None = None,
        limit: int | None = None,
    ) -> Iterator[tuple[int, Status, tuple[float | None, ...]]]:
        """Start, status and some readings of each run of a check, from all vantages, in order of time.

        Much cheaper than :meth:`history`: the databases take the readings out of the rows.
        """
        asked = _asked(check_id, since_ns, until_ns)
        paths = [f'$."{part}"."{key}"' for key in keys for part in "rd"]
        columns = "".join(", coalesce(json_extract(data, ?), json_extract(data, ?))" for _key in keys)
        numbers = self._series(check_id, None)
        places = ", ".join("?" * len(numbers))
        query = (
            f"SELECT started_ns, sequence, status{columns} FROM observation WHERE series IN ({places})"  # noqa: S608 (places only)
            " AND started_ns >= ? AND started_ns <= ? ORDER BY started_ns"
        )
        journal = self._start(query, (*paths, *numbers, asked.first_ns, asked.last_ns))
        rows = self._joined(journal, asked, lambda file, wanted: self._past.readings(file, wanted, keys))
        for at_ns, status, *values in islice(rows, limit):
            yield at_ns, Status(status), tuple(value if isinstance(value, float | int) else None for value in values)

    def recent(self, check_id: str, statuses: Iterable[Status], *, since_ns: int, limit: int) -> Iterator[Observation]:
        """The last observations of a check that had one of these statuses, newest first."""
        asked = _asked(check_id, since_ns, None, statuses=tuple(status.value for status in statuses))
        numbers = self._series(check_id, None)
        query = OBSERVATION.format(source="observation o CROSS JOIN series s ON s.number = o.series") + (
            f" WHERE o.series IN ({', '.join('?' * len(numbers))})"
            f" AND o.status IN ({', '.join('?' * len(asked.statuses))}) AND o.started_ns >= ?"
            " ORDER BY o.started_ns DESC"
        )
        journal = self._start(query, (*numbers, *asked.statuses, asked.first_ns))
        rows = self._joined(journal, asked, self._past.observations, newest_first=True)
        yield from islice(map(_observation, rows), limit)

    def stretches(self, longest_ns: Mapping[str, int], *, since_ns: int, until_ns: int) -> dict[str, list[Stretch]]:
        """What checks said between two times, without repeating it: for each check its stretches in order of time.

        Args:
            longest_ns: the checks that are wanted, and how far apart two runs of one stretch may be.
        """
        query = (
            "SELECT o.started_ns, o.sequence, s.check_id, o.status,"
            " CASE o.status WHEN 'down' THEN coalesce(json_extract(o.data, '$.f'), '') ELSE '' END, c.config_id"
            " FROM observation o JOIN series s ON s.number = o.series"
            " JOIN configuration c ON c.number = o.configuration WHERE o.started_ns >= ? AND o.started_ns < ?"
        )
        journal = self._start(query, (since_ns, until_ns))
        manifest = self._past.manifest()
        days: dict[int, list[DayFile]] = {}
        for file in manifest.between(since_ns, until_ns - 1):
            days.setdefault(file.day, []).append(file)
        found: dict[str, list[Stretch]] = {check_id: [] for check_id in longest_ns}
        late: set[tuple[str, int]] = set()
        for started_ns, sequence, check_id, status, failure, config_id in journal:
            day = started_ns // DAY_NS
            if check_id not in found or sequence <= manifest.through(day):
                continue
            if day in days:
                late.add((check_id, day))
            else:
                found[check_id].append(Stretch(started_ns, started_ns, Status(status), failure, config_id))
        for day, files in days.items():
            rows = self._past.stretches(files, longest_ns, since_ns, until_ns - 1)
            for check_id, first_ns, last_ns, status, failure, config_id in rows:
                if (check_id, day) not in late:
                    found[check_id].append(Stretch(first_ns, last_ns, Status(status), failure, config_id))
        for check_id, day in late:
            # Rows of the journal lie between those of the day's files: one by one.
            first_ns, last_ns = max(since_ns, day * DAY_NS), min(until_ns, (day + 1) * DAY_NS)
            found[check_id] += map(_stretch, self.history(check_id, since_ns=first_ns, until_ns=last_ns))
        return {check_id: _joined_up(found[check_id], longest_ns[check_id]) for check_id in found}

    def totals(
        self, spans: Mapping[str, Sequence[tuple[int, int]]], keys: Sequence[str]
    ) -> dict[tuple[str, str], tuple[int, float]]:
        """Number and sum of some readings' values, by reading and check, over runs that started within these times.

        Of runs on schedule that worked (UP or DEGRADED): a confirming re-probe is not on schedule. The seconds of
        a line (:data:`~netmon.archive.past.MEASURED_WHEN_DOWN`) are those of failed runs, too.

        Args:
            spans: for each check begins and ends (exclusive), in order of time, apart from each other.
        """
        seconds = [key for key in keys if key in MEASURED_WHEN_DOWN]
        if 0 < len(seconds) < len(keys):
            return self.totals(spans, seconds) | self.totals(spans, [key for key in keys if key not in seconds])
        found = {(key, check_id): (0, 0.0) for key in keys for check_id in spans}
        wanted = {check_id: parts for check_id, parts in spans.items() if parts}
        if not wanted or not keys:
            return found

        def add(key: str, check_id: str, count: int, total: float) -> None:
            before = found[key, check_id]
            found[key, check_id] = (before[0] + count, before[1] + total)

        first_ns = min(parts[0][0] for parts in wanted.values())
        last_ns = max(parts[-1][1] for parts in wanted.values()) - 1
        journal = self._values(wanted, keys, first_ns, last_ns)
        manifest = self._past.manifest()
        for check_id, started_ns, sequence, *values in journal:
            if sequence <= manifest.through(started_ns // DAY_NS):
                continue
            parts = wanted[check_id]
            place = bisect_right(parts, started_ns, key=itemgetter(0)) - 1
            if place >= 0 and started_ns < parts[place][1]:
                for key, value in zip(keys, values, strict=True):
                    if isinstance(value, float | int):
                        add(key, check_id, 1, value)
        with contextlib.closing(DaySums(self._path.parent)) as kept:
            for file in manifest.between(first_ns, last_ns):
                for each in self._file_totals(kept, file, wanted, keys):
                    add(*each)
        return found

    def means(
        self, checks: Collection[str], keys: Sequence[str], *, since_ns: int, until_ns: int
    ) -> Iterator[tuple[int, Mapping[tuple[str, str], DayMeans]]]:
        """Means of each five minutes of each day that has any, by reading and check; whole days, in order of time.

        Of runs as in :meth:`totals`.

        Returns:
            The day's number since the epoch (UTC), and its means.
        """
        if not checks or not keys or since_ns >= until_ns:
            return
        first_day, last_day = since_ns // DAY_NS, (until_ns - 1) // DAY_NS
        rows = self._values(checks, keys, first_day * DAY_NS, (last_day + 1) * DAY_NS - 1)
        manifest = self._past.manifest()
        days: dict[int, dict[tuple[str, str], DayMeans]] = {}
        for check_id, started_ns, sequence, *values in rows:
            day = started_ns // DAY_NS
            if sequence > manifest.through(day):
                here = days.setdefault(day, {})
                for key, value in zip(keys, values, strict=True):
                    if isinstance(value, float | int):
                        here.setdefault((key, check_id), DayMeans()).add(started_ns % DAY_NS // SLOT_NS, 1, value)
        files: dict[int, list[DayFile]] = {}
        for file in manifest.between(first_day * DAY_NS, (last_day + 1) * DAY_NS - 1):
            files.setdefault(file.day, []).append(file)
        with contextlib.closing(DaySums(self._path.parent)) as kept:
            for day in sorted(days.keys() | files.keys()):
                parts = [self._file_means(kept, file, checks, keys) for file in files.get(day, ())]
                parts += [days[day]] if day in days else []
                for part in parts[1:]:
                    for name, each in part.items():
                        parts[0].setdefault(name, DayMeans()).join(each)
                yield day, parts[0]

    def runs(self, *, since_ns: int, until_ns: int) -> dict[str, int]:
        """How many runs on schedule of each check started between two times; a confirming re-probe is none."""
        query = (
            "SELECT s.check_id, o.started_ns, o.sequence FROM observation o JOIN series s ON s.number = o.series"
            " WHERE o.started_ns >= ? AND o.started_ns < ? AND o.attempt = 1"
        )
        journal = self._start(query, (since_ns, until_ns))
        manifest = self._past.manifest()
        found: Counter[str] = Counter()
        for check_id, started_ns, sequence in journal:
            found[check_id] += sequence > manifest.through(started_ns // DAY_NS)
        for file in manifest.between(since_ns, until_ns - 1):
            found.update(dict(self._past.runs(file, since_ns, until_ns - 1)))
        return dict(found)

    def missed_counts(self, *, since_ns: int, until_ns: int) -> dict[tuple[str, str], int]:
        """How many runs did not take place that were due between two times, by check and reason."""
        query = (
            "SELECT s.check_id, m.reason, count(*) FROM missed m JOIN series s ON s.number = m.series"
            " WHERE m.scheduled_ns >= ? AND m.scheduled_ns < ? GROUP BY 1, 2"
        )
        return {(check_id, reason): count for check_id, reason, count in self._execute(query, (since_ns, until_ns))}

    def _values(
        self, wanted: Collection[str], keys: Sequence[str], first_ns: int, last_ns: int
    ) -> Iterator[tuple[Any, ...]]:
        """Check, start, row number and readings of the journal's rows that count."""
        paths = [f'$."{part}"."{key}"' for key in keys for part in "rd"]
        columns = "".join(", coalesce(json_extract(o.data, ?), json_extract(o.data, ?))" for _key in keys)
        query = (
            f"SELECT s.check_id, o.started_ns, o.sequence{columns} FROM series s"  # noqa: S608 (places only)
            f" CROSS JOIN observation o ON o.series = s.number WHERE s.check_id IN ({', '.join('?' * len(wanted))})"
            f" AND o.started_ns >= ? AND o.started_ns <= ? AND o.attempt = 1 AND o.status IN ({statuses(keys)})"
        )
        return self._start(query, (*paths, *wanted, first_ns, last_ns))

    def _file_totals(
        self, kept: DaySums, file: DayFile, wanted: Mapping[str, Sequence[tuple[int, int]]], keys: Sequence[str]
    ) -> Iterator[tuple[str, str, int, float]]:
        begin_ns, end_ns = file.day * DAY_NS, (file.day + 1) * DAY_NS
        whole, parts = set(), []
        for check_id, spans in wanted.items():
            for begin, end in spans:
                if begin <= begin_ns and end >= end_ns:
                    whole.add(check_id)
                elif begin < end_ns and end > begin_ns:
                    parts.append((check_id, begin, end))
        known = [each for each in kept.of(file.sha256, keys) if each[1] in whole]
        yield from known
        missing = whole - {check_id for _key, check_id, _count, _total in known}
        if missing:
            made = self._past.totals(file, [(check_id, begin_ns, end_ns) for check_id in missing], keys)
            # A check without a row in the file is kept as such.
            rows = {(key, check_id): (0, 0.0) for key in keys for check_id in missing}
            rows |= {(key, check_id): (count, total) for key, check_id, count, total in made}
            sums = [(key, check_id, count, total) for (key, check_id), (count, total) in rows.items()]
            if file.name not in self._past.damaged:
                kept.keep(file.sha256, sums)
            yield from sums
        if parts:
            yield from self._past.totals(file, parts, keys)

    def _file_means(
        self, kept: DaySums, file: DayFile, checks: Collection[str], keys: Sequence[str]
    ) -> dict[tuple[str, str], DayMeans]:
        known = kept.means_of(file.sha256, keys)
        missing = {check_id for check_id in checks if any((key, check_id) not in known for key in keys)}
        if missing:
            made = self._past.means(file, missing, keys)
            if file.name not in self._past.damaged:
                kept.keep_means(file.sha256, made)
            known |= made
        return known

    def since(self) -> Mapping[tuple[str, str], int]:
        """Since when each (check, vantage) has had its last recorded status."""
        query = (
            "SELECT s.check_id, s.vantage, max(c.at_ns) FROM change c JOIN series s ON s.number = c.series"
            " GROUP BY 1, 2"
        )
        return {(check_id, vantage): at_ns for check_id, vantage, at_ns in self._execute(query)}

    def changes(
        self, *, site: str = "", check_id: str = "", since_ns: int | None = None, until_ns: int | None = None,
        limit: int = -1,
    ) -> Iterator[tuple[int, str, Status]]:  # fmt: skip
        """When a check's status became what: newest first, of one site or check or of all."""
        query = (
            "SELECT c.at_ns, s.check_id, c.status FROM change c JOIN series s ON s.number = c.series"
            " WHERE c.at_ns >= ? AND c.at_ns <= ? AND (? = '' OR s.check_id = ?)"
            " AND (? = '' OR substr(s.check_id, 1, length(?) + 1) = ? || '/')"
            " ORDER BY c.at_ns DESC, c.sequence DESC LIMIT ?"
        )
        values = (*_bounds(since_ns, until_ns), check_id, check_id, site, site, site, limit)
        for at_ns, check, status in self._execute(query, values):
            yield at_ns, check, Status(status)

    def latest(self) -> Mapping[tuple[str, str], Observation]:
        """The observation that started last, for each (check, vantage) that was ever observed."""
        observations = (_observation((row[0], *row[2:])) for row in self._execute(LATEST))
        return {(observation.check_id, observation.vantage): observation for observation in observations}

    def missed(
        self, check_id: str | None = None, *, since_ns: int | None = None, until_ns: int | None = None
    ) -> Iterator[MissedRun]:
        """Runs that were due and did not take place, in order of their due time."""
        query = (
            "SELECT s.check_id, s.vantage, m.scheduled_ns, m.reason FROM missed m JOIN series s ON s.number = m.series"
            " WHERE s.check_id = coalesce(?, s.check_id) AND m.scheduled_ns >= ? AND m.scheduled_ns <= ?"
            " ORDER BY m.scheduled_ns, m.sequence"
        )
        for check, vantage, scheduled_ns, reason in self._execute(query, (check_id, *_bounds(since_ns, until_ns))):
            yield MissedRun(check_id=check, vantage=vantage, scheduled_ns=scheduled_ns, reason=reason)

    def events(
        self,
        kind: str | None = None,
        *,
        since_ns: int | None = None,
        until_ns: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Event]:
        """What happened to netmon itself, and what people did, in order of time."""
        query = EVENTS.format(order="DESC" if newest_first else "ASC")
        for name, at_ns, detail in self._execute(query, (kind, *_bounds(since_ns, until_ns))):
            yield Event(kind=name, at_ns=at_ns, detail=json.loads(detail))

    def last_missed(self, *, site: str = "", until_ns: int | None = None, limit: int = -1) -> Iterator[MissedRun]:
        """Runs that did not take place, newest first, of one site or of all."""
        query = (
            "SELECT s.check_id, s.vantage, m.scheduled_ns, m.reason FROM missed m JOIN series s ON s.number = m.series"
            " WHERE m.scheduled_ns <= ? AND (? = '' OR substr(s.check_id, 1, length(?) + 1) = ? || '/')"
            " ORDER BY m.sequence DESC LIMIT ?"
        )
        _since, until = _bounds(None, until_ns)
        for check, vantage, scheduled_ns, reason in self._execute(query, (until, site, site, site, limit)):
            yield MissedRun(check_id=check, vantage=vantage, scheduled_ns=scheduled_ns, reason=reason)

    def last_events(self, *, until_ns: int | None = None, limit: int = -1) -> Iterator[Event]:
        """What happened to netmon itself, newest first; who did what (``action``) is for admins and is left out."""
        query = (
            "SELECT kind, at_ns, detail FROM event WHERE at_ns <= ? AND kind != 'action'"
            " ORDER BY at_ns DESC, sequence DESC LIMIT ?"
        )
        _since, until = _bounds(None, until_ns)
        for name, at_ns, detail in self._execute(query, (until, limit)):
            yield Event(kind=name, at_ns=at_ns, detail=json.loads(detail))

    def configurations(self) -> tuple[ConfigurationInterval, ...]:
        """Every interval in which a version of the configuration was in force, in order of time."""
        query = (
            "SELECT c.config_id, c.text, c.profiles, l.loaded_at_ns, lead(l.loaded_at_ns) OVER in_order"
            " FROM configuration_load l JOIN configuration c ON c.number = l.configuration"
            " WINDOW in_order AS (ORDER BY l.loaded_at_ns, l.sequence) ORDER BY l.loaded_at_ns, l.sequence"
        )
        return tuple(
            ConfigurationInterval(
                config_id=config_id,
                text=text,
                since_ns=since_ns,
                until_ns=until_ns,
                profiles=json.loads(profiles) if profiles else {},
            )
            for config_id, text, profiles, since_ns, until_ns in self._execute(query)
        )

    def config_in_force(self, at_ns: int) -> ConfigurationInterval | None:
        """The configuration that was in force at ``at_ns``; ``None`` before the first."""
        for interval in reversed(self.configurations()):
            if interval.since_ns <= at_ns:
                return interval
        return None

    @property
    def counts(self) -> Counts:
        """How many rows there are; counts each of them, which takes a second for ten million."""
        # The manifest is read within the journal's moment: see netmon.archive.days.
        self._connection.execute("BEGIN")
        try:
            self._connection.execute("SELECT count(*) FROM configuration").fetchone()
            return self._count(self._past.manifest())
        finally:
            self._connection.execute("COMMIT")

    def files(self) -> tuple[DayFile, ...]:
        """The files of closed days."""
        return tuple(self._past.manifest().files)

    @property
    def damaged(self) -> frozenset[str]:
        """Files of closed days that could not be read for the answers so far: what they held is missing there."""
        return frozenset(self._past.damaged)

    def _count(self, manifest: DayManifest) -> Counts:
        newest = max((file.last_row for file in manifest.files), default=0)
        query = (
            "SELECT (SELECT count(*) FROM observation WHERE sequence > ?), (SELECT count(*) FROM missed),"
            " (SELECT count(*) FROM event), (SELECT count(*) FROM configuration WHERE text IS NOT NULL)"
        )
        ((observations, missed, events, configurations),) = self._execute(query, (newest,))
        # What is in a file and in the journal still counts once.
        older = self._execute("SELECT started_ns, sequence FROM observation WHERE sequence <= ?", (newest,))
        observations += sum(sequence > manifest.through(started_ns // DAY_NS) for started_ns, sequence in older)
        observations += sum(file.rows for file in manifest.files)
        return Counts(observations=observations, missed=missed, events=events, configurations=configurations)

    def _joined(
        self,
        journal: Iterable[tuple[Any, ...]],
        asked: Asked,
        read: Callable[[DayFile, Asked], list[tuple[Any, ...]]],
        *,
        newest_first: bool = False,
    ) -> Iterator[tuple[Any, ...]]:
        manifest = self._past.manifest()
        files = manifest.between(asked.first_ns, asked.last_ns)
        return joined(journal, manifest, files, lambda file: read(file, asked), newest_first=newest_first)

    def _start(self, query: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """Ask now, so that the answer is of this moment, and read on later."""
        try:
            cursor = self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        return self._read_on(cursor)

    def _read_on(self, cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: sqlite3.Error) -> ArchiveError:
        return ArchiveError(_("{path} cannot be read: {error}").format(path=self._path, error=error))

    def _series(self, check_id: str, vantage: str | None) -> list[int]:
        query = "SELECT number FROM series WHERE check_id = ? AND vantage = coalesce(?, vantage) ORDER BY vantage"
        return [number for (number,) in self._execute(query, (check_id, vantage))]

    def _execute(self, query: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        yield from self._start(query, values)


def _asked(
    check_id: str,
    since_ns: int | None,
    until_ns: int | None,
    *,
    vantage: str | None = None,
    statuses: tuple[str, ...] = (),
) -> Asked:
    first_ns, last_ns = _bounds(since_ns, until_ns)
    return Asked(check_id=check_id, vantage=vantage, first_ns=first_ns, last_ns=last_ns, statuses=statuses)


def _bounds(since_ns: int | None, until_ns: int | None) -> tuple[int, int]:
    """Both inclusive."""
    return EARLIEST_NS if since_ns is None else since_ns, LATEST_NS if until_ns is None else until_ns - 1


def _observation(row: tuple[Any, ...]) -> Observation:
    started_ns, check_id, vantage, scheduled_ns, duration_seconds, attempt, status, data, config_id = row
    result, derived, reasons = decode_result(data)
    return Observation(
        check_id=check_id,
        vantage=vantage,
        scheduled_ns=scheduled_ns,
        started_ns=started_ns,
        duration_seconds=duration_seconds,
        attempt=attempt,
        status=Status(status),
        reasons=reasons,
        result=result,
        derived=derived,
        config_id=config_id,
    )


def _stretch(observation: Observation) -> Stretch:
    failure = observation.result.failure if observation.status is Status.DOWN else None
    start_ns = observation.started_ns
    return Stretch(start_ns, start_ns, observation.status, failure.value if failure else "", observation.config_id)


def _joined_up(stretches: Iterable[Stretch], longest_ns: int) -> list[Stretch]:
    """In order of time, those that go on what came before made one with it."""
    found: list[Stretch] = []
    for new in sorted(stretches, key=lambda stretch: stretch.first_ns):
        last = found[-1] if found else None
        if (
            last is not None
            and new.first_ns - last.last_ns <= longest_ns
            and (last.status, last.failure, last.config_id) == (new.status, new.failure, new.config_id)
        ):
            found[-1] = replace(last, last_ns=new.last_ns)
        else:
            found.append(new)
    return found
