"""One writing connection and its transactions. Belongs to one thread."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from netmon.archive.codec import encode_data, encode_detail
from netmon.archive.rows import ConfigurationLoad, Event
from netmon.archive.schema import FILE_NAME, migrate
from netmon.model import MissedRun, Observation

__all__ = ["Row", "Store"]

Row = Observation | MissedRun | Event | ConfigurationLoad

INSERT_OBSERVATION = (
    "INSERT INTO observation"
    " (series, started_ns, scheduled_ns, duration_seconds, attempt, status, configuration, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (series, started_ns) DO NOTHING"
)


class Store:
    """Writes rows. Numbers of checks and configurations are remembered, so a row costs one INSERT."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE_NAME
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=10)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            # FULL: COMMIT returns after the write-ahead log was synced to the disk.
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA cache_size = -16384")
            self._connection.execute("PRAGMA journal_size_limit = 67108864")
            migrate(self._connection, path)
            self._remember()
        except BaseException:
            self._connection.close()
            raise

    def write(self, rows: Sequence[Row]) -> Sequence[Observation]:
        """Write all rows in one transaction; they are on the disk when this returns.

        An observation that the file holds already is not written twice.
        After an exception nothing of them is written: call :meth:`roll_back` or :meth:`close`.

        Returns:
            The observations that were not written because the file holds a different one of the same check, vantage
            and start: never more than a fault in the program or the clock brings.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        observations: list[Observation] = []
        values: list[tuple[object, ...]] = []
        for row in rows:
            match row:
                case Observation():
                    observations.append(row)
                    values.append(self._values(row))
                    self._note_change(row)
                case MissedRun():
                    self._connection.execute(
                        "INSERT INTO missed (series, scheduled_ns, reason) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                        (self._series_number(row.check_id, row.vantage), row.scheduled_ns, row.reason),
                    )
                case Event():
                    self._connection.execute(
                        "INSERT INTO event (kind, at_ns, detail) VALUES (?, ?, ?)",
                        (row.kind, row.at_ns, encode_detail(row.detail)),
                    )
                case ConfigurationLoad():
                    self._load(row)
        written = self._connection.executemany(INSERT_OBSERVATION, values).rowcount if values else 0
        refused = [] if written == len(values) else self._different(observations, values)
        self._connection.execute("COMMIT")
        return refused

    def roll_back(self) -> None:
        """Forget a transaction that failed, and the numbers that it gave out."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._remember()

    def close(self) -> None:
        """Close; a transaction that is under way is rolled back."""
        self._connection.close()

    def _remember(self) -> None:
        self._series: dict[tuple[str, str], int] = {
            (check_id, vantage): number
            for number, check_id, vantage in self._connection.execute("SELECT number, check_id, vantage FROM series")
        }
        self._configurations: dict[str, int] = dict(
            self._connection.execute("SELECT config_id, number FROM configuration")
        )
        self._changes: dict[int, tuple[str, int]] = {
            number: (status, at_ns)
            for number, status, at_ns in self._connection.execute(
                "SELECT series, status, max(at_ns) FROM change GROUP BY series"
            )
        }

    def _note_change(self, row: Observation) -> None:
        number = self._series_number(row.check_id, row.vantage)
        status, since_ns = self._changes.get(number, ("", -1))
        # Not one that is older than the last change: a batch that is written again after a fault.
        if status != row.status.value and row.started_ns > since_ns:
            self._connection.execute(
                "INSERT INTO change (series, at_ns, status) VALUES (?, ?, ?)",
                (number, row.started_ns, row.status.value),
            )
            self._changes[number] = (row.status.value, row.started_ns)

    def _different(
        self, observations: Sequence[Observation], values: Sequence[tuple[object, ...]]
    ) -> Sequence[Observation]:
        query = (
            "SELECT series, started_ns, scheduled_ns, duration_seconds, attempt, status, configuration, data"
            " FROM observation WHERE series = ? AND started_ns = ?"
        )
        return [
            observation
            for observation, row in zip(observations, values, strict=True)
            if self._connection.execute(query, row[:2]).fetchone() != row
        ]

    def _values(self, row: Observation) -> tuple[object, ...]:
        return (
            self._series_number(row.check_id, row.vantage),
            row.started_ns,
            row.scheduled_ns,
            row.duration_seconds,
            row.attempt,
            row.status.value,
            self._configuration_number(row.config_id),
            encode_data(row),
        )

    def _series_number(self, check_id: str, vantage: str) -> int:
        key = (check_id, vantage)
        number = self._series.get(key)
        if number is None:
            cursor = self._connection.execute("INSERT INTO series (check_id, vantage) VALUES (?, ?)", key)
            number = self._series[key] = _row_number(cursor)
        return number

    def _configuration_number(self, config_id: str) -> int:
        number = self._configurations.get(config_id)
        if number is None:
            cursor = self._connection.execute("INSERT INTO configuration (config_id) VALUES (?)", (config_id,))
            number = self._configurations[config_id] = _row_number(cursor)
        return number

    def _load(self, row: ConfigurationLoad) -> None:
        number = self._configuration_number(row.config_id)
        # A version's text is written once: the first text that came with the id is what ran.
        self._connection.execute(
            "UPDATE configuration SET text = ?, profiles = ? WHERE number = ? AND text IS NULL",
            (row.text, json.dumps(dict(row.profiles), ensure_ascii=False) if row.profiles else None, number),
        )
        self._connection.execute(
            "INSERT INTO configuration_load (configuration, loaded_at_ns) VALUES (?, ?)", (number, row.loaded_at_ns)
        )


def _row_number(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise sqlite3.DatabaseError("an INSERT gave no row number")
    return cursor.lastrowid
