"""Is what is stored still what was stored? Reads every byte; netmon may run meanwhile."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netmon.archive.durable import sha256
from netmon.archive.manifest import FILE_NAME as MANIFEST
from netmon.archive.manifest import FOLDER, DayManifest
from netmon.archive.schema import FILE_NAME, ArchiveError, require_newest
from netmon.archive.surveys import SurveyFiles, checksums
from netmon.i18n import _

__all__ = ["Problem", "Verified", "verify"]

MOST_PROBLEMS_OF_JOURNAL: Final = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """One damaged, missing or foreign file."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was looked at.

    Attributes:
        files, observations, size_bytes: of closed days, by the manifest.
    """

    files: int
    observations: int
    size_bytes: int
    problems: tuple[Problem, ...]


def verify(folder: Path, *, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Verified:
    """Compare every file with its checksum, and have SQLite check the journal.

    Args:
        progress: called with the files that were read and those that there are.

    Raises:
        ArchiveError: there is no archive, or it is not this program's.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise ArchiveError(_("there is no archive in {folder}: start netmon run first").format(folder=folder))
    problems = [Problem(str(path), text) for text in _problems_of_journal(path)]
    days, surveys = folder / FOLDER, SurveyFiles(folder)
    manifest, damage = DayManifest.read_what_there_is(days)
    imports, survey_damage = surveys.what_there_is()
    problems += [
        Problem(str(part / MANIFEST), text) for part, text in ((days, damage), (surveys.folder, survey_damage)) if text
    ]
    expected = {days / file.name: file.sha256 for file in manifest.files}
    expected |= {surveys.folder / name: checksum for name, checksum in checksums(imports).items()}
    for done, (file, checksum) in enumerate(expected.items()):
        progress(done, len(expected))
        text = _problem_of(file, checksum)
        if text:
            problems.append(Problem(str(file), text))
    found = {*days.glob("*/*.parquet"), *surveys.folder.glob("*.parquet")}
    problems += [
        Problem(str(file), _("in no manifest: it is foreign, or was left by an attempt that was cut short"))
        for file in sorted(found - expected.keys())
    ]
    return Verified(
        files=len(manifest.files),
        observations=sum(file.rows for file in manifest.files),
        size_bytes=sum(file.size_bytes for file in manifest.files),
        problems=tuple(problems),
    )


def _problem_of(file: Path, checksum: str) -> str:
    try:
        return "" if sha256(file) == checksum else _("damaged: its checksum is not the manifest's")
    except FileNotFoundError:
        return _("missing")
    except OSError as error:
        return _("cannot be read: {error}").format(error=error)


def _problems_of_journal(path: Path) -> list[str]:
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
        ) as journal:
            require_newest(journal, path)
            rows = journal.execute(f"PRAGMA integrity_check({MOST_PROBLEMS_OF_JOURNAL})").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [str(text) for (text,) in rows if text != "ok"]
