"""Closed UTC days leave the journal and become immutable Parquet files, every row exactly once.

A day's rows are written under another name, read back and compared with the journal; the file gets its name; the
manifest names the file; only then, and when every cursor is past them, rows are deleted from the journal, a few at a
time. Whoever reads looks into the journal first and into the manifest then, and leaves out rows of the journal that
the manifest says are in a file. So an end at any moment loses nothing and doubles nothing: what was begun is thrown
away or carried on by the next attempt.

The last observation of each check stays in the journal: it is asked for all the time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from netmon.archive.durable import replace, sha256, sync
from netmon.archive.lock import FolderLock
from netmon.archive.manifest import DAY_NS, FOLDER, DayFile, DayManifest, file_name, utc_text
from netmon.archive.parquet import Digest, Row, read, write
from netmon.archive.schema import FILE_NAME, ArchiveError, require_newest
from netmon.i18n import _
from netmon.logs import fields
from netmon.model import Retention

__all__ = ["close_days"]

log = logging.getLogger(__name__)

GRACE_NS: Final = 3_600 * 1_000_000_000
"""How long after its end a day is closed: a run that began before midnight is written after it."""
ROWS_AT_ONCE: Final = 500
PAUSE_SECONDS: Final = 0.01

LAST_ROWS = "SELECT started_ns / ?, max(sequence) FROM observation WHERE started_ns < ? GROUP BY 1 ORDER BY 1"
ROWS = (
    "SELECT o.sequence, s.check_id, s.vantage, o.started_ns, o.scheduled_ns, o.duration_seconds, o.attempt, o.status,"
    " c.config_id, o.data FROM series s CROSS JOIN observation o ON o.series = s.number"
    " CROSS JOIN configuration c ON c.number = o.configuration"
    " WHERE o.started_ns >= ? AND o.started_ns < ? AND o.sequence > ?"
    " ORDER BY s.check_id, s.vantage, o.started_ns"
)
# In the order in which they were written: they lie together, so that little of the file is written anew. But each
# check's last: it is asked for all the time.
PASSED = (
    "SELECT sequence FROM observation WHERE sequence > ? AND sequence <= ? AND started_ns >= ? AND started_ns < ?"
    " AND sequence NOT IN (SELECT (SELECT sequence FROM observation WHERE series = s.number"
    " ORDER BY started_ns DESC LIMIT 1) FROM series s) ORDER BY sequence LIMIT ?"
)

DROP_MISSED = (
    "DELETE FROM missed WHERE sequence IN"
    " (SELECT sequence FROM missed WHERE scheduled_ns < ? ORDER BY sequence LIMIT ?)"
)
EVERYTHING: Final = Retention()


def close_days(folder: Path, *, now_ns: int, retention: Retention = EVERYTHING) -> tuple[DayFile, ...]:
    """Write the files of all days that have ended, and delete from the journal what is in them.

    Then what is kept no longer goes: whole files, and runs that did not take place; an event says which days.

    Takes seconds for a day. It may run beside the journal's writer, in a process of its own; two at once are refused.

    Returns:
        The files that were written.

    Raises:
        ArchiveError: something does not fit: nothing was deleted that is not in a verified file.
    """
    days = folder / FOLDER
    path = folder / FILE_NAME
    try:
        days.mkdir(exist_ok=True)
        sync(folder)
        with (
            FolderLock(days),
            contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as journal,
        ):
            require_newest(journal, path)
            written = _close_days(journal, days, now_ns)
            _drop_files(journal, days, retention, now_ns)
            _drop_missed(journal, retention, now_ns)
            return written
    except (OSError, sqlite3.Error) as error:
        raise ArchiveError(_("days of {path} cannot be closed: {error}").format(path=path, error=error)) from error


def _close_days(journal: sqlite3.Connection, days: Path, now_ns: int) -> tuple[DayFile, ...]:
    manifest = DayManifest.read(days)
    _clear(journal, days, manifest)
    written: list[DayFile] = []
    last_rows = journal.execute(LAST_ROWS, (DAY_NS, (now_ns - GRACE_NS) // DAY_NS * DAY_NS)).fetchall()
    for day, last_row in last_rows:
        if last_row > manifest.through(day):
            file = _write_day(journal, days, manifest, day, now_ns)
            manifest = manifest.with_files([file])
            manifest.write(days)
            written.append(file)
            log.info("a day is closed", extra=fields(file=file.name, rows=file.rows, bytes=file.size_bytes))
        _delete(journal, days, manifest, day)
    return tuple(written)


def _clear(journal: sqlite3.Connection, days: Path, manifest: DayManifest) -> None:
    """Throw away what an attempt that was cut short has left."""
    for path in (*days.glob("*/*.partial"), *days.glob("*/*.csv")):
        path.unlink()
    known = {file.name for file in manifest.files}
    for path in sorted(days.glob("*/*.parquet")):
        name = path.relative_to(days).as_posix()
        if name in known:
            continue
        # It got its name and no line in the manifest, so its rows are in the journal still.
        if not all(_holds(journal, row) for row in _read(path)):
            raise ArchiveError(_("{path} is in no manifest: move it away").format(path=path))
        path.unlink()


def _holds(journal: sqlite3.Connection, row: Row) -> bool:
    query = "SELECT started_ns FROM observation WHERE sequence = ?"
    return bool(journal.execute(query, row[:1]).fetchone() == (row[3],))


def _write_day(journal: sqlite3.Connection, days: Path, manifest: DayManifest, day: int, now_ns: int) -> DayFile:
    number = len(manifest.of_day(day))
    target = days / file_name(day, number)
    if not target.parent.exists():
        target.parent.mkdir()
        sync(days)
    partial = target.with_suffix(".partial")
    expected, found = Digest(), Digest()
    rows = journal.execute(ROWS, (day * DAY_NS, (day + 1) * DAY_NS, manifest.through(day)))
    _write(expected.through(rows), partial)
    for _row in found.through(_read(partial)):
        pass
    if found != expected:
        raise ArchiveError(_("{path} is not what was written: the journal keeps the day").format(path=partial))
    file = DayFile(
        day=day,
        number=number,
        rows=expected.rows,
        first_row=expected.first_row,
        last_row=expected.last_row,
        size_bytes=partial.stat().st_size,
        sha256=sha256(partial),
        written=utc_text(now_ns),
    )
    replace(partial, target)
    return file


def _write(rows: Iterator[Row], path: Path) -> None:
    import duckdb

    try:
        write(rows, path)
    except duckdb.Error as error:
        raise ArchiveError(_("{path} cannot be written: {error}").format(path=path, error=error)) from error


def _read(path: Path) -> Iterator[Row]:
    import duckdb

    try:
        yield from read(path)
    except duckdb.Error as error:
        raise ArchiveError(_("{path} cannot be read: {error}").format(path=path, error=error)) from error


def _delete(journal: sqlite3.Connection, days: Path, manifest: DayManifest, day: int) -> None:
    """Delete a day's rows that its files hold and that every cursor has passed, but each check's last."""
    (behind,) = journal.execute("SELECT min(last_row) FROM cursor").fetchone()
    through = manifest.through(day) if behind is None else min(manifest.through(day), behind)
    files = manifest.of_day(day)
    after = min((file.first_row for file in files), default=0) - 1
    checked = False
    while rows := journal.execute(PASSED, (after, through, day * DAY_NS, (day + 1) * DAY_NS, ROWS_AT_ONCE)).fetchall():
        if not checked:
            _check(days, files)
            checked = True
        journal.execute("BEGIN IMMEDIATE")
        journal.executemany("DELETE FROM observation WHERE sequence = ?", rows)
        journal.execute("COMMIT")
        ((after,),) = rows[-1:]
        time.sleep(PAUSE_SECONDS)  # the journal's writer waits for the lock, and gets it now


def _drop_files(journal: sqlite3.Connection, days: Path, retention: Retention, now_ns: int) -> None:
    """Remove files of days that are kept no longer. Cut short, it is done again: a file that is gone already is."""
    if retention.observations is None:
        return
    first_kept = (now_ns - round(retention.observations * 1e9)) // DAY_NS
    manifest = DayManifest.read(days)
    old = [file for file in manifest.files if file.day < first_kept]
    if not old:
        return
    for file in old:
        (days / file.name).unlink(missing_ok=True)
    manifest.without(old).write(days)
    detail = {"files": len(old), "rows": sum(file.rows for file in old), "first": old[0].name, "last": old[-1].name}
    query = "INSERT INTO event (kind, at_ns, detail) VALUES ('archive_expired', ?, ?)"
    journal.execute(query, (now_ns, json.dumps(detail)))
    log.info("days are kept no longer", extra=fields(**detail))


def _drop_missed(journal: sqlite3.Connection, retention: Retention, now_ns: int) -> None:
    if retention.missed_runs is None:
        return
    before_ns = now_ns - round(retention.missed_runs * 1e9)
    while journal.execute(DROP_MISSED, (before_ns, ROWS_AT_ONCE)).rowcount:
        time.sleep(PAUSE_SECONDS)


def _check(days: Path, files: Iterable[DayFile]) -> None:
    for file in files:
        if sha256(days / file.name) != file.sha256:
            raise ArchiveError(_("{path} is damaged: its checksum is not the manifest's").format(path=days / file.name))
