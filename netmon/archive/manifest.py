"""Which files of closed days there are: ``days/manifest.jsonl``, a line a file, replaced in one step.

A file that no line names does not count: it is what was left of an attempt that was cut short, or it is foreign.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar

from netmon.archive.durable import replace
from netmon.archive.schema import ArchiveError
from netmon.i18n import _

__all__ = ["DAY_NS", "FILE_NAME", "FOLDER", "DayFile", "DayManifest", "read_lines", "write_lines"]

FOLDER: Final = "days"
FILE_NAME: Final = "manifest.jsonl"
DAY_NS: Final = 86_400 * 1_000_000_000
EPOCH: Final = date(1970, 1, 1)
T = TypeVar("T")


def read_lines(path: Path, make: Callable[..., T]) -> tuple[list[T], str]:
    """What the lines of a manifest say, and what is wrong with the first that cannot be read; no file, no lines."""
    found, damage = [], ""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return [], ""
    except OSError as error:
        return [], str(error)
    for number, line in enumerate(lines, 1):
        try:
            found.append(make(**json.loads(line)))
        except (ValueError, TypeError) as error:
            damage = damage or _("line {number}: {error}").format(number=number, error=error)
    return found, damage


def write_lines(path: Path, lines: Iterable[Any]) -> None:
    """Put a manifest of dataclasses in the place of the one before, durably."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text("".join(json.dumps(asdict(line)) + "\n" for line in lines), encoding="utf-8")
    replace(partial, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFile:
    """A file of observations that started on one UTC day. It never changes.

    Attributes:
        day: days since 1970-01-01.
        number: 0 for the day's first file, 1, 2, ... for rows that came late.
        first_row, last_row: the smallest and the largest row number (``sequence``) in it.
        written: when, ISO 8601 in UTC.
    """

    day: int
    number: int
    rows: int
    first_row: int
    last_row: int
    size_bytes: int
    sha256: str
    written: str

    @property
    def name(self) -> str:
        """The path within the folder of days."""
        return file_name(self.day, self.number)


def file_name(day: int, number: int) -> str:
    """``2026/2026-11-23.observations.parquet``, or ``2026/2026-11-23.observations.1.parquet`` for late rows."""
    on = EPOCH + timedelta(days=day)
    addendum = f".{number}" if number else ""
    return f"{on.year:04}/{on.isoformat()}.observations{addendum}.parquet"


@dataclass(frozen=True, slots=True)
class DayManifest:
    """The files of closed days, by day and number."""

    files: tuple[DayFile, ...] = ()
    _through: Mapping[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        through: dict[int, int] = {}
        for file in self.files:
            through[file.day] = max(file.last_row, through.get(file.day, 0))
        object.__setattr__(self, "_through", MappingProxyType(through))

    @classmethod
    def read(cls, days: Path) -> Self:
        """Read the manifest of a folder of days; an empty one where there is none.

        Raises:
            ArchiveError: it is damaged.
        """
        manifest, damage = cls.read_what_there_is(days)
        if damage:
            raise ArchiveError(_("{path} is damaged: {error}").format(path=days / FILE_NAME, error=damage))
        return manifest

    @classmethod
    def read_what_there_is(cls, days: Path) -> tuple[Self, str]:
        """The lines that can be read, and what is wrong with the others: for who reads, and changes nothing."""
        files, damage = read_lines(days / FILE_NAME, DayFile)
        return cls(tuple(files)), damage

    def with_files(self, files: Iterable[DayFile]) -> Self:
        """This manifest with more files."""
        return type(self)(tuple(sorted((*self.files, *files), key=lambda file: (file.day, file.number))))

    def without(self, files: Iterable[DayFile]) -> Self:
        """This manifest with fewer files."""
        gone = set(files)
        return type(self)(tuple(file for file in self.files if file not in gone))

    def write(self, days: Path) -> None:
        """Put it in the place of the one before, durably."""
        write_lines(days / FILE_NAME, self.files)

    def through(self, day: int) -> int:
        """All rows of a day up to this number are in its files; 0 if it has none.

        Row numbers only grow, so what comes late has a larger one.
        """
        return self._through.get(day, 0)

    def of_day(self, day: int) -> tuple[DayFile, ...]:
        """A day's files."""
        return tuple(file for file in self.files if file.day == day)

    def between(self, since_ns: int, last_ns: int) -> tuple[DayFile, ...]:
        """Files with observations that may have started within these times, both inclusive."""
        return tuple(file for file in self.files if since_ns // DAY_NS <= file.day <= last_ns // DAY_NS)


def utc_text(ns: int) -> str:
    """A time as ISO 8601, to the second."""
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).isoformat()
