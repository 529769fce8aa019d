"""Questions to the files of closed days. A file that cannot be read is named, and the others answer all the same."""

from __future__ import annotations

import json
import logging
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netmon.archive.manifest import DAY_NS, FILE_NAME, FOLDER, DayFile, DayManifest
from netmon.archive.means import SLOT_NS, SLOTS, DayMeans
from netmon.archive.parquet import connect
from netmon.logs import fields

if TYPE_CHECKING:
    import duckdb

__all__ = ["Asked", "Past", "joined"]

log = logging.getLogger(__name__)

Row = tuple[Any, ...]

WHERE = (
    " FROM read_parquet($files) WHERE check_id = $check AND vantage = coalesce($vantage, vantage)"
    " AND started_ns BETWEEN $first AND $last AND (len($statuses) = 0 OR list_contains($statuses, status))"
)
OBSERVATIONS = (
    "SELECT started_ns, check_id, vantage, scheduled_ns, duration_seconds, attempt, status, data, config_id" + WHERE
)
UNREAD = "SELECT started_ns, status, data" + WHERE + " AND readings IS NULL AND derived IS NULL"

STRETCHES = """
    WITH wanted AS (SELECT unnest($checks) AS check_id, unnest($longest) AS longest),
    said AS (
        SELECT check_id, longest, started_ns, status, config_id,
            CASE WHEN status = 'down' THEN coalesce(failure, '') ELSE '' END AS failure
        FROM read_parquet($files) JOIN wanted USING (check_id) WHERE started_ns BETWEEN $first AND $last
    ),
    begun AS (
        SELECT *, coalesce(
            started_ns - lag(started_ns) OVER runs > longest OR status != lag(status) OVER runs
                OR failure != lag(failure) OVER runs OR config_id != lag(config_id) OVER runs, true
        ) AS begins
        FROM said WINDOW runs AS (PARTITION BY check_id ORDER BY started_ns)
    ),
    numbered AS (
        SELECT *, sum(begins::INTEGER) OVER (PARTITION BY check_id ORDER BY started_ns) AS stretch FROM begun
    )
    SELECT check_id, min(started_ns), max(started_ns), any_value(status), any_value(failure), any_value(config_id)
    FROM numbered GROUP BY check_id, stretch ORDER BY 2
"""

# Without an order of its own a window goes through the rows as the file holds them, and sorts nothing.
BEGINS = """
    WITH said AS (
        SELECT check_id, started_ns, status, config_id,
            CASE WHEN status = 'down' THEN coalesce(failure, '') ELSE '' END AS failure
        FROM read_parquet($files)
    ),
    followed AS (
        SELECT *, hash(check_id, status, failure, config_id) AS word, lag(word) OVER () AS word_before,
            lag(started_ns) OVER () AS before_ns
        FROM said
    )
    SELECT check_id, started_ns, before_ns, status, failure, config_id FROM followed
    WHERE word IS DISTINCT FROM word_before OR started_ns - before_ns > $shortest OR started_ns < before_ns
"""
MEASURED_WHEN_DOWN = frozenset({"measured_seconds", "available_seconds", "unavailable_seconds"})
"""Readings that say how long a line was not there: a run in which nothing came back has them, too."""
TOTALS = """
    WITH wanted AS (SELECT unnest($checks) AS check_id, unnest($begins) AS begin_ns, unnest($ends) AS end_ns),
    said AS (
        SELECT check_id, started_ns, {values} FROM read_parquet($files)
        WHERE list_contains($names, check_id) AND attempt = 1 AND status IN ({statuses})
    )
    SELECT check_id, {sums} FROM said JOIN wanted USING (check_id)
    WHERE started_ns >= begin_ns AND started_ns < end_ns GROUP BY 1
"""
MEANS = """
    WITH said AS (
        SELECT check_id, (started_ns - $begin) // $slot AS slot, {values} FROM read_parquet($files)
        WHERE list_contains($names, check_id) AND attempt = 1 AND status IN ('up', 'degraded')
    )
    SELECT check_id, slot, {means} FROM said WHERE slot BETWEEN 0 AND $last GROUP BY 1, 2
"""
RUNS = "SELECT check_id, count(*) FROM read_parquet($files) WHERE attempt = 1{within} GROUP BY 1"
WITHIN = " AND started_ns BETWEEN $first AND $last"
LASTS = "SELECT check_id, max(started_ns) FROM read_parquet($files) GROUP BY 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which observations are wanted.

    Attributes:
        vantage: ``None`` for all.
        first_ns, last_ns: bounds of the start, both inclusive.
        statuses: empty for all.
    """

    check_id: str
    vantage: str | None = None
    first_ns: int
    last_ns: int
    statuses: tuple[str, ...] = ()


@dataclass(slots=True)
class Past:
    """The files of closed days in an archive's folder, for one thread.

    Attributes:
        damaged: names of files that could not be read: what they held is missing from the answers.
    """

    folder: Path
    damaged: set[str] = field(default_factory=set)
    _connection: duckdb.DuckDBPyConnection | None = None

    def manifest(self) -> DayManifest:
        """Which files there are now. Read it after the journal: see :mod:`netmon.archive.days`."""
        manifest, damage = DayManifest.read_what_there_is(self.folder / FOLDER)
        if damage:
            self._note(FILE_NAME, damage)
        return manifest

    def close(self) -> None:
        """Let go of memory and files."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def observations(self, file: DayFile, asked: Asked) -> list[Row]:
        """Rows of a file: start, check, vantage, due time, duration, attempt, status, data, configuration."""
        return self._rows(file, OBSERVATIONS, asked)

    def readings(self, file: DayFile, asked: Asked, keys: Sequence[str]) -> list[Row]:
        """Start, status and some readings of each row; ``None`` where there is no number."""
        columns = "".join(f", coalesce(readings[$key{n}], derived[$key{n}])" for n in range(len(keys)))
        names = {f"key{n}": key for n, key in enumerate(keys)}
        query = "SELECT started_ns, status, readings IS NULL AND derived IS NULL" + columns + WHERE
        rows, unread = [], False
        for at_ns, status, nothing, *values in self._rows(file, query, asked, names):
            unread = unread or nothing
            if not nothing:
                rows.append((at_ns, status, *map(_finite, values)))
        if unread:
            # Runs without readings, and those whose JSON DuckDB could not take.
            for at_ns, status, data in self._rows(file, UNREAD, asked):
                parts = json.loads(data)
                found = {**parts.get("d", {}), **parts.get("r", {})}
                rows.append((at_ns, status, *(_finite(found.get(key)) for key in keys)))
        return rows

    def stretches(
        self, files: Sequence[DayFile], longest_ns: Mapping[str, int], first_ns: int, last_ns: int
    ) -> list[Row]:
        """Check, first and last start, status, failure and configuration of stretches in a day's files, by time.

        Args:
            files: all of one day.
            longest_ns: the checks that are wanted, and how far apart two runs of one stretch may be.
        """
        values = {
            "checks": list(longest_ns), "longest": list(longest_ns.values()), "first": first_ns, "last": last_ns,
        }  # fmt: skip
        if len(files) == 1 and first_ns <= files[0].day * DAY_NS and last_ns >= (files[0].day + 1) * DAY_NS - 1:
            rows = self._in_file_order(files[0], min(longest_ns.values(), default=0))
            if rows is not None:
                return [row for row in rows if row[0] in longest_ns]
        # All files of the day together: late rows lie between the others.
        readable = [file for file in files if self._readable(file)]
        return self._execute(readable, STRETCHES, values) if readable else []

    def totals(self, file: DayFile, spans: Sequence[tuple[str, int, int]], keys: Sequence[str]) -> list[Row]:
        """Reading, check, number and sum of its values over runs on schedule that worked and started in these times.

        Args:
            spans: check, begin and end (exclusive).
            keys: all of them of :data:`MEASURED_WHEN_DOWN`, whose failed runs count, too, or none.
        """
        names, begins, ends = (list(column) for column in zip(*spans, strict=True))
        wanted = {"checks": names, "begins": begins, "ends": ends, "names": sorted(set(names))}
        values, named = _values(keys)
        sums = ", ".join(
            f"count(v{n}) FILTER (isfinite(v{n})), coalesce(sum(v{n}) FILTER (isfinite(v{n})), 0)"
            for n in range(len(keys))
        )
        query = TOTALS.format(values=values, sums=sums, statuses=statuses(keys))
        rows = self._execute([file], query, {**wanted, **named})
        return [
            (key, check_id, figures[2 * n], figures[2 * n + 1])
            for check_id, *figures in rows
            for n, key in enumerate(keys)
        ]

    def means(self, file: DayFile, checks: Iterable[str], keys: Sequence[str]) -> dict[tuple[str, str], DayMeans]:
        """Means of each five minutes, by reading and check, over runs on schedule that worked."""
        found = {(key, check_id): DayMeans() for key in keys for check_id in checks}
        values, named = _values(keys)
        means = ", ".join(
            f"count(v{n}) FILTER (isfinite(v{n})), coalesce(avg(v{n}) FILTER (isfinite(v{n})), 0)"
            for n in range(len(keys))
        )
        wanted = {"names": sorted(checks), "begin": file.day * DAY_NS, "slot": SLOT_NS, "last": SLOTS - 1}
        rows = self._execute([file], MEANS.format(values=values, means=means), {**wanted, **named})
        for check_id, slot, *figures in rows:
            for n, key in enumerate(keys):
                found[key, check_id].add(slot, figures[2 * n], figures[2 * n + 1])
        return found

    def runs(self, file: DayFile, first_ns: int, last_ns: int) -> list[Row]:
        """Check and number of its runs on schedule that started between these moments, both inclusive."""
        if first_ns <= file.day * DAY_NS and last_ns >= (file.day + 1) * DAY_NS - 1:
            return self._execute([file], RUNS.format(within=""), {})
        return self._execute([file], RUNS.format(within=WITHIN), {"first": first_ns, "last": last_ns})

    def _in_file_order(self, file: DayFile, shortest_ns: int) -> list[Row] | None:
        """Stretches of a whole file, at most ``shortest_ns`` from run to run, twenty times as fast.

        A file holds check after check, each in order of time; ``None`` if this one does not (several vantages).
        """
        lasts: dict[str, int] = dict(self._execute([file], LASTS, {}))
        begins = self._execute([file], BEGINS, {"shortest": shortest_ns})
        rows: list[Row] = []
        for number, (check_id, start_ns, before_ns, status, failure, config_id) in enumerate(begins):
            goes_on = number + 1 < len(begins) and begins[number + 1][0] == check_id
            end_ns = begins[number + 1][2] if goes_on else lasts[check_id]
            if end_ns < start_ns or (rows and rows[-1][0] == check_id and before_ns > start_ns):
                return None
            rows.append((check_id, start_ns, end_ns, status, failure, config_id))
        return rows

    def _readable(self, file: DayFile) -> bool:
        self._execute([file], "SELECT 1 FROM read_parquet($files) LIMIT 0", {})
        return file.name not in self.damaged

    def _rows(self, file: DayFile, query: str, asked: Asked, names: dict[str, str] | None = None) -> list[Row]:
        values = {
            "check": asked.check_id,
            "vantage": asked.vantage,
            "first": asked.first_ns,
            "last": asked.last_ns,
            "statuses": list(asked.statuses),
            **(names or {}),
        }
        return self._execute([file], query, values)

    def _execute(self, files: Sequence[DayFile], query: str, values: Mapping[str, object]) -> list[Row]:
        import duckdb

        if self._connection is None:
            self._connection = connect()
        paths = [str((self.folder / FOLDER / file.name).absolute()) for file in files]
        try:
            return self._connection.execute(query, {"files": paths, **values}).fetchall()
        except duckdb.Error as error:
            for file in files:
                self._note(file.name, str(error))
            return []

    def _note(self, name: str, error: str) -> None:
        if name not in self.damaged:
            log.warning("a file of the archive cannot be read", extra=fields(file=name, error=error))
        self.damaged.add(name)


def statuses(keys: Collection[str]) -> str:
    """Runs of which statuses have values of these readings, as in a query."""
    return "'up', 'degraded', 'down'" if MEASURED_WHEN_DOWN.issuperset(keys) else "'up', 'degraded'"


def _values(keys: Sequence[str]) -> tuple[str, dict[str, object]]:
    """Columns ``v0``, ``v1``... of a query, and the parameters that name their readings."""
    columns = ", ".join(f"coalesce(readings[$key{n}], derived[$key{n}]) AS v{n}" for n in range(len(keys)))
    return columns, {f"key{n}": key for n, key in enumerate(keys)}


def _finite(value: object) -> float | None:
    return value if isinstance(value, float | int) and math.isfinite(value) else None


def joined(
    journal: Iterable[Row],
    manifest: DayManifest,
    files: Sequence[DayFile],
    read: Callable[[DayFile], list[Row]],
    *,
    newest_first: bool = False,
) -> Iterator[Row]:
    """Rows of the journal and of files as one, in order of their start; a file is opened when it is its turn.

    Args:
        journal: rows in order, whose first columns are the start and the row number; they lose the latter.
        manifest: read after the journal was asked.
        files: those of its files that may hold wanted rows.
        read: a file's wanted rows; their first column is the start.
    """
    here = ((row[0], *row[2:]) for row in journal if row[1] > manifest.through(row[0] // DAY_NS))
    days = deque(sorted({file.day for file in files}, reverse=newest_first))

    def of_files(day: int) -> Iterator[Row]:
        return chain.from_iterable(read(file) for file in files if file.day == day)

    def in_order(rows: Iterable[Row]) -> list[Row]:
        return sorted(rows, key=itemgetter(0), reverse=newest_first)

    for day, rows in groupby(here, key=lambda row: int(row[0]) // DAY_NS):
        while days and (days[0] > day if newest_first else days[0] < day):
            yield from in_order(of_files(days.popleft()))
        if days and days[0] == day:
            yield from in_order(chain(of_files(days.popleft()), rows))
        else:
            yield from rows
    for day in days:
        yield from in_order(of_files(day))
