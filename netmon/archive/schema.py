"""The journal's file: its name, its tables, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from netmon.i18n import _
from probes.base import MonitorFault

__all__ = ["FILE_NAME", "MIGRATIONS", "ArchiveError", "check_version", "migrate", "require_newest"]

FILE_NAME: Final = "journal.sqlite"

# "nmon": file(1) and we can tell the file from any other SQLite file.
APPLICATION_ID: Final = 0x6E6D6F6E

# Migration n brings a file from user_version n to n + 1. A released one is never edited: append another.
# AUTOINCREMENT: a cursor over the journal must never meet a number again, also after old rows were moved away.
MIGRATIONS: Final = (
    """
    CREATE TABLE series (
        number INTEGER PRIMARY KEY,
        check_id TEXT NOT NULL,
        vantage TEXT NOT NULL,
        UNIQUE (check_id, vantage)
    ) STRICT;
    CREATE TABLE configuration (
        number INTEGER PRIMARY KEY,
        config_id TEXT NOT NULL UNIQUE,
        text TEXT
    ) STRICT;
    CREATE TABLE configuration_load (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        configuration INTEGER NOT NULL REFERENCES configuration,
        loaded_at_ns INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE observation (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        series INTEGER NOT NULL REFERENCES series,
        started_ns INTEGER NOT NULL,
        scheduled_ns INTEGER NOT NULL,
        duration_seconds REAL NOT NULL,
        attempt INTEGER NOT NULL,
        status TEXT NOT NULL,
        configuration INTEGER NOT NULL REFERENCES configuration,
        data TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX observation_by_series ON observation (series, started_ns);
    CREATE TABLE missed (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        series INTEGER NOT NULL REFERENCES series,
        scheduled_ns INTEGER NOT NULL,
        reason TEXT NOT NULL,
        UNIQUE (series, scheduled_ns, reason)
    ) STRICT;
    CREATE TABLE event (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        at_ns INTEGER NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX event_by_time ON event (at_ns);
    """,
    # Since when, and what happened: asked all the time, and found in the observations only by reading all of them.
    """
    CREATE TABLE change (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        series INTEGER NOT NULL REFERENCES series,
        at_ns INTEGER NOT NULL,
        status TEXT NOT NULL,
        UNIQUE (series, at_ns)
    ) STRICT;
    CREATE INDEX change_by_time ON change (at_ns);
    INSERT INTO change (series, at_ns, status)
        SELECT series, started_ns, status FROM (
            SELECT series, started_ns, status,
                lag(status) OVER (PARTITION BY series ORDER BY started_ns) AS before FROM observation
        ) WHERE before IS NULL OR before != status ORDER BY started_ns;
    """,
    # How far each reader that passes observations on has come: what it has not seen is not deleted.
    """
    CREATE TABLE cursor (
        name TEXT PRIMARY KEY,
        last_row INTEGER NOT NULL
    ) STRICT;
    """,
    # Who did what and what was declared is added to, and never changed: not by a fault in this program either.
    """
    CREATE TRIGGER event_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
    CREATE TRIGGER event_unchanged BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
    """,
    # The vendor profiles beside an inventory decide with it how readings were judged: a JSON object of their texts.
    """
    ALTER TABLE configuration ADD COLUMN profiles TEXT;
    """,
)


class ArchiveError(MonitorFault):
    """The archive cannot be opened or written: the message says why and what to do."""


def check_version(connection: sqlite3.Connection, path: Path, newest: int = len(MIGRATIONS)) -> int:
    """The file's schema version, 0 for an empty file.

    Raises:
        ArchiveError: it is another program's file, or a newer netmon wrote it.
    """
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError as error:
        raise ArchiveError(_("{path} cannot be read as an archive: {error}").format(path=path, error=error)) from error
    if tables and application != APPLICATION_ID:
        raise ArchiveError(_("{path} is a database of another program, not an archive").format(path=path))
    if version > newest:
        raise ArchiveError(
            _(
                "{path} has schema version {version}, and this netmon knows versions up to {newest}: "
                "use the newer netmon that wrote it, or another folder"
            ).format(path=path, version=version, newest=newest)
        )
    return int(version)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script: a trigger's own statements end with semicolons, too."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def require_newest(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the file has this program's schema.

    Raises:
        ArchiveError: it has another one.
    """
    version = check_version(connection, path)
    if version < len(MIGRATIONS):
        raise ArchiveError(
            _("{path} has schema version {version}: start netmon run once, which brings it to {newest}").format(
                path=path, version=version, newest=len(MIGRATIONS)
            )
        )


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring the file to the newest version, each step in a transaction of its own.

    Args:
        connection: in autocommit mode (``isolation_level=None``).
    """
    for number in range(check_version(connection, path, len(migrations)), len(migrations)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Not executescript, which would commit before it begins.
            for statement in _statements(migrations[number]):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.execute("ROLLBACK")
            raise
