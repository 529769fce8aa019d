"""Sums of readings over whole days, worked out once for each file: a file never changes, so they hold for ever.

They are kept beside the archive and may be thrown away at any time; where they cannot be kept they are worked out anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

__all__ = ["FILE_NAME", "DaySums"]

FILE_NAME: Final = "sums.sqlite"
SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS sums (
        sha256 TEXT, reading TEXT, check_id TEXT, count INTEGER NOT NULL, total REAL NOT NULL,
        PRIMARY KEY (sha256, reading, check_id)
    ) STRICT, WITHOUT ROWID;
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
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(
                    "INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?, ?)", [(sha256, *each) for each in sums]
                )
                self._connection.execute("COMMIT")
