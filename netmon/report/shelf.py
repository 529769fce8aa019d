"""The reports that netmon keeps, ``reports/`` in the archive's folder: which there are, and which are due."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from netmon.archive.durable import sync
from netmon.model import LOCAL
from netmon.report.manifest import ReportError, read_manifest
from netmon.report.period import period_of

__all__ = ["BEGUN", "FOLDER", "Kept", "due", "kept", "put", "reports_in"]

FOLDER: Final = "reports"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,150}")
BEGUN: Final = ".new-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A report on the shelf.

    Attributes:
        files: name and size of each, in order of name.
    """

    name: str
    folder: Path
    issued: str
    files: tuple[tuple[str, int], ...]

    def pdf(self, language: str) -> Path | None:
        """The pages in a language, if they were made."""
        path = self.folder / f"netmon-{self.name}.{language}.pdf"
        return path if path.is_file() else None


def reports_in(data: Path) -> list[Kept]:
    """All of them, the one that was issued last first. What is damaged or not finished is left out.

    Args:
        data: the archive's folder.
    """
    folder = data / FOLDER
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    found = [each for name in names if (each := kept(data, name)) is not None]
    return sorted(found, key=lambda each: (each.issued, each.name), reverse=True)


def kept(data: Path, name: str) -> Kept | None:
    """One by its name; ``None`` if there is none."""
    folder = data / FOLDER / name
    if not NAME.fullmatch(name) or not folder.is_dir():
        return None
    try:
        manifest = read_manifest(folder)
    except ReportError:
        return None
    files = tuple((each, (folder / each).stat().st_size) for each in manifest["files"] if (folder / each).is_file())
    return Kept(name=name, folder=folder, issued=manifest["issued"], files=files)


def put(data: Path, made: Path) -> str:
    """Put a report that was written to ``made`` on the shelf, in the place of one of its name; its name.

    Raises:
        ReportError: it is none.
        OSError: it cannot be moved.
    """
    name = read_manifest(made)["name"]
    target = data / FOLDER / name
    if not NAME.fullmatch(name):
        raise ReportError(name)
    old = data / FOLDER / f"{BEGUN}old"
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    made.rename(target)
    sync(data / FOLDER)
    shutil.rmtree(old, ignore_errors=True)
    return name


def due(
    now_ns: int, *, monthly: bool, yearly: bool, at_seconds: int, begun_ns: int | None, have: Collection[str]
) -> list[str]:
    """Names of the month and the year that are over and have no report yet.

    Args:
        at_seconds: from when on, after midnight in Asia/Shanghai of the first day after them.
        begun_ns: when monitoring began; of a time before there is nothing to report. ``None``: it has not.
        have: names of the reports that there are.
    """
    if begun_ns is None:
        return []
    today = datetime.fromtimestamp(now_ns / 1e9 - at_seconds, LOCAL).date()
    month = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    wanted = [*([month] if monthly else []), *([f"{today.year - 1}"] if yearly else [])]
    periods = {name: period_of(month=name) if "-" in name else period_of(year=name) for name in wanted}
    return [name for name in wanted if name not in have and periods[name].until_ns > begun_ns]
