"""What is to be told, on the disk before it is sent: alerts as they stand and messages, written together.

A message is sent at least once: whoever is killed between sending and noting it sends it again, with the same
Message-ID (RFC 5321, 4.5.3.2 and 6.1: a client cannot know whether the server has it).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, Self
from urllib.parse import quote

from netmon.archive import ArchiveError
from netmon.i18n import _

__all__ = ["FILE_NAME", "Counts", "Message", "Outbox", "Pending"]

FILE_NAME: Final = "alerts.sqlite"
SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS message (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        message_id TEXT NOT NULL UNIQUE,
        channel TEXT NOT NULL,
        recipient TEXT NOT NULL,
        content BLOB NOT NULL,
        created_ns INTEGER NOT NULL,
        status TEXT NOT NULL DEFAULT 'waiting',
        attempts INTEGER NOT NULL DEFAULT 0,
        next_ns INTEGER NOT NULL DEFAULT 0,
        answer TEXT NOT NULL DEFAULT '',
        done_ns INTEGER
    ) STRICT;
    CREATE INDEX IF NOT EXISTS message_waiting ON message (status, next_ns);
"""
KEPT_NS: Final = 30 * 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to send.

    Attributes:
        message_id: the same however often it is sent.
        channel: ``mail`` or ``chat``.
        content: a mail as RFC 5322 has it; a chat message's text in UTF-8.
    """

    message_id: str
    channel: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A message that waits, and how often it was tried."""

    number: int
    message: Message
    attempts: int
    created_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many messages wait, since when the oldest does, and how many were refused for good in 30 days."""

    waiting: int
    oldest_ns: int | None
    refused: int


class Outbox:
    """The file. May be used from several threads, one at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._lock = Lock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the outbox in ``folder``, or make it.

        Raises:
            ArchiveError: it cannot be opened.
        """
        path = folder / FILE_NAME
        try:
            connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
            path.chmod(0o600)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveError(_("{path} cannot be opened: {error}").format(path=path, error=error)) from error
        return cls(connection, path)

    @classmethod
    def look_into(cls, folder: Path) -> Self | None:
        """The outbox of a netmon that may be running, to be read only; ``None`` if there is none.

        Raises:
            ArchiveError: it cannot be opened.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            return None
        try:
            return cls(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=10), path)
        except sqlite3.Error as error:
            raise ArchiveError(_("{path} cannot be opened: {error}").format(path=path, error=error)) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def state(self, name: str) -> Any:
        """What was saved last under a name; ``None`` if nothing was."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def save(self, states: Mapping[str, Any], messages: Iterable[Message], now_ns: int) -> None:
        """All of it or nothing; on the disk when this returns. A message that is there already is not added again.

        Raises:
            ArchiveError: the disk does not take it.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    self._connection.executemany(
                        "INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                        [(name, json.dumps(value)) for name, value in states.items()],
                    )
                    self._connection.executemany(
                        "INSERT OR IGNORE INTO message (message_id, channel, recipient, content, created_ns)"
                        " VALUES (?, ?, ?, ?, ?)",
                        [(each.message_id, each.channel, each.recipient, each.content, now_ns) for each in messages],
                    )
                    self._connection.execute("DELETE FROM message WHERE done_ns < ?", (now_ns - KEPT_NS,))
                    self._connection.execute("COMMIT")
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise ArchiveError(
                    _("{path} cannot be written: {error}").format(path=self._path, error=error)
                ) from error

    def due(self, now_ns: int, limit: int = 50) -> list[Pending]:
        """Messages whose turn it is, the oldest first."""
        query = (
            "SELECT number, message_id, channel, recipient, content, attempts, created_ns FROM message"
            " WHERE status = 'waiting' AND next_ns <= ? ORDER BY number LIMIT ?"
        )
        with self._lock:
            rows = self._connection.execute(query, (now_ns, limit)).fetchall()
        return [
            Pending(
                number=number,
                message=Message(message_id=message_id, channel=channel, recipient=recipient, content=content),
                attempts=attempts, created_ns=created_ns,
            )
            for number, message_id, channel, recipient, content, attempts, created_ns in rows
        ]  # fmt: skip

    def note(self, number: int, status: str, answer: str, now_ns: int, *, next_ns: int = 0) -> None:
        """What came of an attempt: ``sent``, ``refused`` (for good) or ``waiting`` (until ``next_ns``).

        Raises:
            ArchiveError: the disk does not take it: the message will be sent again.
        """
        query = (
            "UPDATE message SET status = ?, answer = ?, attempts = attempts + 1, next_ns = ?, done_ns = ?"
            " WHERE number = ?"
        )
        done_ns = None if status == "waiting" else now_ns
        with self._lock:
            try:
                self._connection.execute(query, (status, answer[:500], next_ns, done_ns, number))
            except sqlite3.Error as error:
                raise ArchiveError(
                    _("{path} cannot be written: {error}").format(path=self._path, error=error)
                ) from error

    def counts(self) -> Counts:
        """How it stands."""
        query = (
            "SELECT sum(status = 'waiting'), min(CASE status WHEN 'waiting' THEN created_ns END),"
            " sum(status = 'refused') FROM message"
        )
        with self._lock:
            waiting, oldest_ns, refused = self._connection.execute(query).fetchone()
        return Counts(waiting=waiting or 0, oldest_ns=oldest_ns, refused=refused or 0)

    def recent(self, limit: int = 20) -> list[tuple[str, str, str, int, int]]:
        """The last messages: recipient, status, the server's answer, attempts, when they were written."""
        query = "SELECT recipient, status, answer, attempts, created_ns FROM message ORDER BY number DESC LIMIT ?"
        with self._lock:
            return self._connection.execute(query, (limit,)).fetchall()
