"""Sums of readings over whole days, and means of each five minutes, worked out once for each file.

A file never changes, so they hold for ever.

They are kept beside the archive and may be thrown away at any time; where they cannot be kept they are worked out anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from netmon.archive.means import DayMeans

__all__ = ["FILE_NAME", "DaySums"]

FILE_NAME: Final = "sums.sqlite"
SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS sums (
        sha256 TEXT, reading TEXT, check_id TEXT, count INTEGER NOT NULL, total REAL NOT NULL,
        PRIMARY KEY (sha256, reading, check_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS means (
        sha256 TEXT, reading TEXT, check_id TEXT, counts BLOB NOT NULL, means BLOB NOT NULL,
        PRIMARY KEY (sha256, reading, check_id)
    ) STRICT;
"""
Sum = tuple[str, str, int, float]
"""Reading, check, number of values, their sum."""


class DaySums:
    """The kept sums of an archive's folder."""

    def __init__(self, folder: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.Error):
            self._connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None, timeout=5)
            self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()

    def of(self, sha256: str, readings: Sequence[str]) -> list[Sum]:
        """What is kept of a file."""
        if self._connection is None:
            return []
        places = ", ".join("?" * len(readings))
        query = f"SELECT reading, check_id, count, total FROM sums WHERE sha256 = ? AND reading IN ({places})"  # noqa: S608 (places only)
        try:
            return self._connection.execute(query, (sha256, *readings)).fetchall()
        except sqlite3.Error:
            return []

    def keep(self, sha256: str, sums: Iterable[Sum]) -> None:
        """Keep what was worked out of a file, if that is possible."""
        self._insert("sums", [(sha256, *each) for each in sums])

    def means_of(self, sha256: str, readings: Sequence[str]) -> dict[tuple[str, str], DayMeans]:
        """What is kept of a file, by reading and check."""
        if self._connection is None:
            return {}
        places = ", ".join("?" * len(readings))
        query = f"SELECT reading, check_id, counts, means FROM means WHERE sha256 = ? AND reading IN ({places})"  # noqa: S608 (places only)
        try:
            rows = self._connection.execute(query, (sha256, *readings)).fetchall()
        except sqlite3.Error:
            return {}
        return {
            (reading, check_id): DayMeans(array("H", counts), array("f", means)) if counts else DayMeans()
            for reading, check_id, counts, means in rows
        }

    def keep_means(self, sha256: str, means: Mapping[tuple[str, str], DayMeans]) -> None:
        """Keep what was worked out of a file, if that is possible; of nothing, that it is nothing."""
        rows: list[tuple[object, ...]] = []
        for key, each in means.items():
            there = any(each.counts)
            rows.append((sha256, *key, each.counts.tobytes() if there else b"", each.means.tobytes() if there else b""))
        self._insert("means", rows)

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("BEGIN IMMEDIATE")
                query = f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?)"  # noqa: S608 (a name of ours)
                self._connection.executemany(query, rows)
                self._connection.execute("COMMIT")
