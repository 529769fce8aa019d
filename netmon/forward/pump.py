"""From the journal to the store, by a cursor that moves only after the store said yes.

A store says yes before its data is on its disk, and forgets the last seconds when it is killed. So what is kept as the
cursor is what the store took a minute before its latest yes, or earlier; after anything that may have been a restart,
of the store or of netmon, sending begins again from there. Repeats are equal lines, so the store holds each once.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from netmon.archive.schema import FILE_NAME
from netmon.forward.lines import LineWriter
from netmon.forward.store import Answer, Outcome, Store
from netmon.logs import fields

__all__ = ["NAME", "Pump", "forget"]

NAME: Final = "forward"
SETTLED_SECONDS: Final = 60.0
POLL_SECONDS: Final = 2.0
FIRST_WAIT_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 60.0
ROWS: Final = (
    "SELECT o.sequence, s.check_id, s.vantage, o.started_ns, o.duration_seconds, o.attempt, o.status, o.data"
    " FROM observation o JOIN series s ON s.number = o.series WHERE o.sequence > ? ORDER BY o.sequence LIMIT ?"
)

log = logging.getLogger(__name__)


def forget(folder: Path) -> None:
    """Nothing is forwarded any more: the journal need not keep rows for it."""
    connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None, timeout=10)
    try:
        connection.execute("DELETE FROM cursor WHERE name = ?", (NAME,))
    finally:
        connection.close()


class Pump:
    """Sends batch after batch. Belongs to one thread.

    Attributes:
        sent: observations that the store took, repeats included.
        refused: observations that the store refuses for good; they are passed over.
        failures: attempts that came to nothing for now.
        fault: why nothing gets through; empty when it does.
        waiting: rows that were not sent yet.
        oldest_ns: when the oldest of them started; 0 if there is none.
    """

    def __init__(self, folder: Path, store: Store, *, batch: int) -> None:
        self._connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None, timeout=10)
        self._store = store
        self._batch = batch
        self._limit = batch
        self._writer = LineWriter()
        self._kept = self._position = self._start()
        self._taken: deque[tuple[float, int]] = deque()
        self._wait = 0.0
        self.sent = self.refused = self.failures = 0
        self.fault = ""
        self.waiting = 0
        self.oldest_ns = 0

    def close(self) -> None:
        """Close the journal and hang up."""
        self._connection.close()
        self._store.close()

    def step(self, now: float) -> float:
        """Send one batch, if there is one.

        Args:
            now: monotonic seconds.

        Returns:
            Seconds until the next step.
        """
        rows = self._connection.execute(ROWS, (self._position, self._limit)).fetchall()
        self._count(rows)
        if not rows:
            return POLL_SECONDS
        answer = self._store.write(self._text(rows))
        if answer.outcome is Outcome.LATER:
            return self._failed(answer)
        if answer.outcome is Outcome.REFUSED:
            return self._narrow(rows, answer, now)
        self.sent += len(rows)
        full = len(rows) == self._limit
        self._limit = min(self._batch, self._limit * 2)
        if answer.anew:
            self._back()
            self._well()
            return 0.0
        self._passed(rows[-1][0], now)
        return 0.0 if full else POLL_SECONDS

    def _start(self) -> int:
        (first,) = self._connection.execute("SELECT coalesce(min(sequence), 1) - 1 FROM observation").fetchone()
        self._connection.execute("INSERT OR IGNORE INTO cursor (name, last_row) VALUES (?, ?)", (NAME, first))
        (position,) = self._connection.execute("SELECT last_row FROM cursor WHERE name = ?", (NAME,)).fetchone()
        return int(position)

    def _settle(self, now: float) -> None:
        """What the store took a minute ago is safe, for it has not been restarted since: it just took more."""
        settled = self._kept
        while self._taken and self._taken[0][0] <= now - SETTLED_SECONDS:
            settled = self._taken.popleft()[1]
        if settled != self._kept:
            self._connection.execute("UPDATE cursor SET last_row = ? WHERE name = ?", (settled, NAME))
            self._kept = settled

    def _count(self, rows: Sequence[tuple[Any, ...]]) -> None:
        (last,) = self._connection.execute("SELECT coalesce(max(sequence), 0) FROM observation").fetchone()
        self.waiting = last - self._position if rows else 0
        self.oldest_ns = rows[0][3] if rows else 0

    def _text(self, rows: Sequence[tuple[Any, ...]]) -> bytes:
        return "\n".join(self._writer.lines(*row[1:]) for row in rows).encode()

    def _passed(self, last_row: int, now: float) -> None:
        self._position = last_row
        self._taken.append((now, last_row))
        self._settle(now)
        self._well()

    def _well(self) -> None:
        self._wait = 0.0
        if self.fault:
            log.info("the store takes observations again")
            self.fault = ""

    def _back(self) -> None:
        """What was taken within the last minute may be lost: send it again."""
        self._position = self._kept
        self._taken.clear()

    def _failed(self, answer: Answer) -> float:
        self.failures += 1
        if not self.fault:
            log.warning("the store takes no observations", extra=fields(error=answer.text))
        self.fault = answer.text
        self._back()
        self._wait = min(max(self._wait * 2, FIRST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
        return max(self._wait, answer.wait_seconds)

    def _narrow(self, rows: Sequence[tuple[Any, ...]], answer: Answer, now: float) -> float:
        """Halve the batch until the one row that is refused is alone; then pass over it."""
        if len(rows) > 1:
            self._limit = len(rows) // 2
            return 0.0
        self.refused += 1
        log.warning("the store refuses an observation", extra=fields(row=rows[0][0], error=answer.text))
        self._passed(rows[0][0], now)
        return 0.0
