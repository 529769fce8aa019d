"""A copy of the archive, taken beside the running daemon, and an archive made of such a copy.

A backup is a folder: the journal as it was at one moment, the files of closed days and of coverage surveys with their
own manifests, and ``manifest.json`` with the checksums of all. It is complete or it is not there: it is written under
another name, read back, made durable, and renamed last.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from netmon import __version__
from netmon.archive.durable import replace, sha256, sync
from netmon.archive.lock import FolderLock
from netmon.archive.manifest import FILE_NAME as LINES
from netmon.archive.manifest import FOLDER, DayManifest
from netmon.archive.reader import Reader
from netmon.archive.schema import FILE_NAME, ArchiveError, check_version
from netmon.archive.surveys import FOLDER as SURVEYS
from netmon.archive.surveys import SurveyFiles, checksums
from netmon.i18n import _

__all__ = ["Manifest", "back_up", "restore"]

MANIFEST: Final = "manifest.json"
PAGES_AT_ONCE: Final = 4096
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds.

    Attributes:
        taken: when, ISO 8601 in UTC.
        schema_version: of the journal.
        sha256: of the journal's file.
        observations: how many rows.
        days_sha256, surveys_sha256: of the manifests of closed days and of surveys; empty if there is none.
    """

    netmon: str
    taken: str
    schema_version: int
    sha256: str
    size_bytes: int
    observations: int
    days_sha256: str = ""
    surveys_sha256: str = ""


def back_up(folder: Path, destination: Path, *, now_ns: int, progress: Progress = lambda _done, _all: None) -> Manifest:
    """Copy the archive in ``folder`` to the new folder ``destination``; netmon may run meanwhile.

    Args:
        progress: called with what was copied and what there is: pages of the journal, then files of closed days.

    Raises:
        ArchiveError: there is no archive, or the copy cannot be written or is not what was read.
    """
    if destination.exists():
        raise ArchiveError(_("{path} exists: name a new folder").format(path=destination))
    partial = destination.with_name(destination.name + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        file = partial / FILE_NAME
        version = _copy_journal(folder, file, progress)
        # After the journal: a day that was closed meanwhile is in both, and counts once.
        days_sha256 = _copy_days(folder, partial, progress)
        surveys_sha256 = _copy_surveys(folder, partial, progress)
        with Reader.open(partial) as reader:
            observations = reader.counts.observations
        manifest = Manifest(
            netmon=__version__,
            taken=datetime.fromtimestamp(now_ns / 1e9, UTC).isoformat(timespec="seconds"),
            schema_version=version,
            sha256=sha256(file),
            size_bytes=file.stat().st_size,
            observations=observations,
            days_sha256=days_sha256,
            surveys_sha256=surveys_sha256,
        )
        (partial / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
        for path in (file, partial / MANIFEST, partial):
            sync(path)
        partial.rename(destination)
        sync(destination.parent)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ArchiveError(_("no backup in {path}: {error}").format(path=destination, error=error)) from error
    return manifest


def restore(backup: Path, folder: Path) -> Manifest:
    """Make an archive in ``folder``, where there is none yet, of a backup.

    Raises:
        ArchiveError: the backup is damaged or incomplete, or ``folder`` has an archive, which is never overwritten.
    """
    manifest = _read_manifest(backup)
    source = backup / FILE_NAME
    try:
        if sha256(source) != manifest.sha256:
            raise ArchiveError(_("{path} is damaged: its checksum is not the manifest's").format(path=source))
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(folder)
        try:
            target = folder / FILE_NAME
            if target.exists() or any((folder / part / LINES).exists() for part in (FOLDER, SURVEYS)):
                raise ArchiveError(_("{folder} has an archive already: move it away first").format(folder=folder))
            for part, copy, expected in (
                (FOLDER, _copy_days, manifest.days_sha256), (SURVEYS, _copy_surveys, manifest.surveys_sha256),
            ):  # fmt: skip
                if copy(backup, folder, lambda _done, _all: None) != expected:
                    path = backup / part / LINES
                    raise ArchiveError(_("{path} is damaged: its checksum is not the manifest's").format(path=path))
            partial = target.with_suffix(".partial")
            shutil.copyfile(source, partial)
            replace(partial, target)
        finally:
            lock.release()
    except OSError as error:
        raise ArchiveError(_("{path} cannot be restored: {error}").format(path=backup, error=error)) from error
    return manifest


def _copy_journal(folder: Path, file: Path, progress: Progress) -> int:
    """Copy one moment of the journal; its schema version."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise ArchiveError(_("there is no archive in {folder}: start netmon run first").format(folder=folder))
    with (
        contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as source,
        contextlib.closing(sqlite3.connect(file)) as target,
    ):
        version = check_version(source, path)
        # One transaction: without it each row that the daemon writes meanwhile would begin the copy anew.
        source.isolation_level = None
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(target, pages=PAGES_AT_ONCE, progress=lambda _s, left, pages: progress(pages - left, pages))
        source.execute("COMMIT")
        # A single file, which may be copied like any other.
        target.execute("PRAGMA journal_mode = DELETE")
        problems = [str(row[0]) for row in target.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
    if problems:
        raise ArchiveError(_("{path} is damaged: {error}").format(path=path, error="; ".join(problems)))
    return version


def _copy_days(source: Path, target: Path, progress: Progress) -> str:
    """Copy the files of closed days, then their manifest; that manifest's checksum."""
    manifest = DayManifest.read(source / FOLDER)
    files = {file.name: file.sha256 for file in manifest.files}
    return _copy_part(source / FOLDER, target / FOLDER, files, manifest.write, progress)


def _copy_surveys(source: Path, target: Path, progress: Progress) -> str:
    """Copy surveys and what they were judged by, then their manifest; that manifest's checksum."""
    files = SurveyFiles(source).files()
    return _copy_part(
        source / SURVEYS, target / SURVEYS, checksums(files), lambda _folder: SurveyFiles(target).write(files), progress
    )


def _copy_part(
    source: Path, target: Path, files: Mapping[str, str], write: Callable[[Path], None], progress: Progress
) -> str:
    """Copy files, checked on the way, then write the manifest that names them; that manifest's checksum."""
    if not files:
        return ""
    folders = {(target / name).parent for name in files}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for done, (name, expected) in enumerate(files.items()):
        progress(done, len(files))
        copy = target / name
        partial = copy.with_suffix(".partial")
        shutil.copyfile(source / name, partial)
        if sha256(partial) != expected:
            path = source / name
            raise ArchiveError(_("{path} is damaged: its checksum is not the manifest's").format(path=path))
        replace(partial, copy)
    for folder in (*folders, target, target.parent):
        sync(folder)
    write(target)
    return sha256(target / LINES)


def _read_manifest(backup: Path) -> Manifest:
    path = backup / MANIFEST
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(**fields)
    except (OSError, ValueError, TypeError) as error:
        raise ArchiveError(_("{path} is no backup: {error}").format(path=backup, error=error)) from error
