"""The journal: what is appended is on the disk before anybody is told.

The event loop's thread appends to a queue in memory; one thread owns the connection, takes all that is queued, writes
it in one transaction (group commit) and then reports the observations as durable. When writing fails, the rows stay
queued and are tried again; meanwhile they are reported as stuck, since a full disk must not blind those on duty.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from netmon.archive.durable import sync
from netmon.archive.lock import FolderLock
from netmon.archive.rows import ConfigurationLoad, Event
from netmon.archive.schema import FILE_NAME, ArchiveError
from netmon.archive.store import Row, Store
from netmon.i18n import _
from netmon.logs import fields
from netmon.model import MissedRun, Observation
from probes.base import EMPTY

__all__ = ["Journal"]

log = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 200_000
LARGEST_BATCH: Final = 2_000
FIRST_RETRY_SECONDS: Final = 0.1
LONGEST_RETRY_SECONDS: Final = 5.0

# A row that the database cannot hold, as opposed to a disk that takes nothing.
ROW_ERRORS: Final = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError)

Flush = asyncio.Future[None]


class Journal:
    """Appends to the archive. Use :meth:`open`; every method is called in the event loop's thread.

    Attributes:
        rows_written: rows that are durable.
        rows_refused: rows that could not be stored for a fault of their own; each is logged.
        rows_lost: rows that came while the queue was full; an event says how many once the disk takes it.
        commits: transactions.
        commit_seconds: time spent in them, encoding included.
        fault: why the last attempt to write failed, or ``None``.
    """

    def __init__(
        self, folder: Path, lock: FolderLock, on_durable: Callable[[Sequence[Observation]], None],
        on_stuck: Callable[[Sequence[Observation]], None], gather_seconds: float, queue_limit: int,
    ) -> None:  # fmt: skip
        self.rows_written = 0
        self.rows_refused = 0
        self.rows_lost = 0
        self.commits = 0
        self.commit_seconds = 0.0
        self.fault: str | None = None
        self._folder = folder
        self._lock = lock
        self._on_durable = on_durable
        self._on_stuck = on_stuck
        self._gather_seconds = gather_seconds
        self._queue_limit = queue_limit
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._queue: deque[Row | Flush] = deque()
        self._flushes = 0
        self._lost_told = 0
        self._stuck = 0  # rows at the head of the queue that were reported as stuck
        self._closing = False
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="journal", daemon=True)
        self._thread.start()
        opened.result()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        on_durable: Callable[[Sequence[Observation]], None],
        on_stuck: Callable[[Sequence[Observation]], None] = lambda _observations: None,
        gather_seconds: float = 0.1,
        queue_limit: int = QUEUE_LIMIT,
    ) -> Self:
        """Open the archive in ``folder`` for writing; folder and file are made where they are missing.

        Args:
            on_durable: called in the running loop with observations, in the order they were appended, once they are
                on the disk and not before.
            on_stuck: called in the running loop with observations that the disk did not take; they stay queued, and are
                not given to ``on_durable`` when it takes them. Each observation goes to one of the two, once.
            gather_seconds: how long the writer waits for company of a first row: a commit costs the same for one row
                and for a hundred.
            queue_limit: rows held in memory while the disk does not take them.

        Raises:
            ArchiveError: the file cannot be opened, is newer than this program, or another process writes to it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FolderLock(folder)
        except OSError as error:
            raise ArchiveError(
                _("no archive can be written in {folder}: {error}").format(folder=folder, error=error)
            ) from error
        try:
            journal = cls(folder, lock, on_durable, on_stuck, gather_seconds, queue_limit)
        except (sqlite3.Error, OSError) as error:
            lock.release()
            raise ArchiveError(
                _("{path} cannot be opened: {error}").format(path=folder / FILE_NAME, error=error)
            ) from error
        except BaseException:
            lock.release()
            raise
        return journal

    @property
    def alive(self) -> bool:
        """Whether the writer's thread runs."""
        return self._thread.is_alive()

    @property
    def backlog(self) -> int:
        """Rows that were appended and are not durable yet."""
        return len(self._queue) - self._flushes

    def append(self, observation: Observation) -> None:
        """Queue an observation. When the queue is full, because the disk has taken nothing for long, it is lost."""
        self._append(observation)

    def append_missed(self, run: MissedRun) -> None:
        """Queue a run that did not take place."""
        self._append(run)

    def append_event(self, kind: str, at_ns: int, detail: Mapping[str, object]) -> None:
        """Queue something that happened to netmon itself."""
        self._append(Event(kind=kind, at_ns=at_ns, detail=detail))

    def record_config(self, config_id: str, text: str, loaded_at_ns: int, profiles: Mapping[str, str] = EMPTY) -> None:
        """Queue that a configuration came into force; the same text again is a new interval of the same version.

        Args:
            profiles: the texts of the vendor profiles beside it, by name.
        """
        load = ConfigurationLoad(config_id=config_id, text=text, loaded_at_ns=loaded_at_ns, profiles=profiles)
        self._append(load)

    async def flush(self) -> None:
        """Return when everything appended so far is durable and reported.

        Raises:
            ArchiveError: writing failed; the rows stay queued.
        """
        waiter: Flush = self._loop.create_future()
        with self._changed:
            self._queue.append(waiter)
            self._flushes += 1
            self._changed.notify()
        await waiter

    async def close(self) -> None:
        """Write what is queued and let go of the file.

        Raises:
            ArchiveError: the last attempt to write failed, so that many rows are lost.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)
        self._lock.release()
        if self.backlog:
            raise ArchiveError(
                _("{count} rows could not be written to {folder}: {fault}").format(
                    count=self.backlog, folder=self._folder, fault=self.fault
                )
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _append(self, row: Row) -> None:
        with self._changed:
            waiting = len(self._queue)
            if full := waiting >= self._queue_limit:
                self.rows_lost += 1
            else:
                self._queue.append(row)
                # The writer sleeps on an empty queue, and otherwise until a batch is full.
                if waiting == 0 or waiting + 1 == LARGEST_BATCH:
                    self._changed.notify()
        if full and isinstance(row, Observation):
            self._on_stuck([row])

    # From here on: the writer's thread.

    def _run(self, opened: Future[None]) -> None:
        store: Store | None
        try:
            store = Store(self._folder)
            sync(self._folder)
        except BaseException as error:  # noqa: BLE001 (handed to the thread that waits for it)
            opened.set_exception(error)
            return
        opened.set_result(None)
        retry_seconds = FIRST_RETRY_SECONDS
        while batch := self._take():
            last_attempt = self._closing
            try:
                if store is None:
                    store = Store(self._folder)
                self._write(store, batch)
            except Exception as error:  # noqa: BLE001 (whatever it was, the rows are kept and tried again)
                if store is not None:
                    store.close()
                    store = None
                self._failed(str(error) or repr(error))
                if last_attempt:
                    break
                self._pause(retry_seconds)
                retry_seconds = min(2 * retry_seconds, LONGEST_RETRY_SECONDS)
            else:
                retry_seconds = FIRST_RETRY_SECONDS
        if store is not None:
            store.close()

    def _take(self) -> Sequence[Row | Flush]:
        """The next batch, which stays in the queue; nothing when the journal is closing and everything is written."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            self._changed.wait_for(
                lambda: self._closing or self._flushes or len(self._queue) >= LARGEST_BATCH, self._gather_seconds
            )
            return list(islice(self._queue, LARGEST_BATCH))

    def _write(self, store: Store, batch: Sequence[Row | Flush]) -> None:
        """Write the batch, take it from the queue, report it. A row that cannot be stored is found by halving."""
        rows = [item for item in batch if not isinstance(item, asyncio.Future)]
        told = {id(row) for row in rows[: self._stuck]}
        start = time.perf_counter()
        try:
            refused = store.write(rows) if rows else []
        except Exception as error:
            if isinstance(error, sqlite3.Error | OSError | MemoryError) and not isinstance(error, ROW_ERRORS):
                raise
            store.roll_back()
            if len(rows) > 1:
                middle = len(batch) // 2
                self._write(store, batch[:middle])
                self._write(store, batch[middle:])
                return
            log.exception("a row cannot be stored", extra=fields(row=repr(rows[0])[:500]))
            self.rows_refused += 1
            rows = []
        else:
            for observation in refused:
                log.error("another observation of this start is stored", extra=fields(row=repr(observation)[:500]))
            self.rows_refused += len(refused)
            if rows:
                self.rows_written += len(rows) - len(refused)
                self.commits += 1
                self.commit_seconds += time.perf_counter() - start
            rows = [row for row in rows if row not in refused] if refused else rows
        self._succeeded()
        flushes = [item for item in batch if isinstance(item, asyncio.Future)]
        with self._changed:
            for _item in batch:
                self._queue.popleft()
            self._flushes -= len(flushes)
            self._stuck -= len(told)
        news = [row for row in rows if isinstance(row, Observation) and id(row) not in told]
        self._call(self._deliver, news, flushes)

    def _failed(self, fault: str) -> None:
        with self._changed:
            flushes = [item for item in self._queue if isinstance(item, asyncio.Future)]
            if flushes:
                self._queue = deque(item for item in self._queue if not isinstance(item, asyncio.Future))
                self._flushes = 0
            stuck = [item for item in islice(self._queue, self._stuck, None) if isinstance(item, Observation)]
            self._stuck = len(self._queue)
        if self.fault is None:
            log.error("the archive cannot be written", extra=fields(folder=self._folder, fault=fault))
        self.fault = fault
        self._call(self._on_stuck, stuck)
        self._call(self._refuse, flushes, fault)

    def _succeeded(self) -> None:
        if self.fault is not None:
            log.info("the archive can be written again", extra=fields(folder=self._folder))
        self.fault = None
        if lost := self.rows_lost - self._lost_told:
            with self._changed:
                self._queue.append(Event(kind="rows_lost", at_ns=time.time_ns(), detail={"count": lost}))
            self._lost_told += lost

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._flushes, seconds)

    def _call(self, function: Callable[..., None], *args: object) -> None:
        # The loop may be gone: then the rows are stored, and nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *args)

    # Called by the writer's thread, run in the event loop's.

    def _deliver(self, observations: Sequence[Observation], flushes: Sequence[Flush]) -> None:
        try:
            if observations:
                self._on_durable(observations)
        finally:
            for flush in flushes:
                if not flush.done():
                    flush.set_result(None)

    def _refuse(self, flushes: Sequence[Flush], fault: str) -> None:
        for flush in flushes:
            if not flush.done():
                flush.set_exception(
                    ArchiveError(
                        _("the archive in {folder} cannot be written: {fault}").format(folder=self._folder, fault=fault)
                    )
                )
