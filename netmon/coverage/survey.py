"""A drive test's file into the archive: every row becomes a sample or is told with its line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from netmon.archive import Sample, SurveyFile, SurveyFiles, sha256
from netmon.config.shape import ID
from netmon.coverage.definition import Definition
from netmon.coverage.mapping import SurveyMap
from netmon.coverage.rows import FileError, read_rows
from netmon.coverage.samples import BadRow, SampleReader
from netmon.i18n import _

__all__ = ["Imported", "SurveyError", "import_survey"]

PROGRESS_ROWS: Final = 5_000


class SurveyError(Exception):
    """Nothing was imported; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of a file.

    Attributes:
        file: what was stored; ``None`` if nothing was, because rows are wrong and nobody agreed to leave them out.
        bad: each row that is no sample: its line, and why.
        outside: samples outside of all areas: kept, and no tile's.
    """

    file: SurveyFile | None
    bad: tuple[tuple[int, str], ...]
    outside: int


def import_survey(
    source: Path, mapping: SurveyMap, definition: Definition, *, survey: str, stations: Collection[str], data: Path,
    now_ns: int, author: str = "", leave_out_bad: bool = False, progress: Callable[[int], None] = lambda _rows: None,
) -> Imported:  # fmt: skip
    """Import a file into the archive in ``data``.

    Args:
        survey: the campaign that it belongs to: an id such as ``2026-spring``.
        stations: ids of the base stations that rows may mean.
        author: who imports it.
        progress: called with the number of rows that were read.

    Raises:
        SurveyError: nothing was imported.
        ArchiveError: the archive does not take it.
    """
    if not ID.fullmatch(survey):
        raise SurveyError(_("{value} is no id of a survey; write one such as 2026-spring").format(value=survey[:64]))
    bad: list[tuple[int, str]] = []
    outside = 0
    reader = SampleReader(
        mapping, stations=stations, terminals=definition.terminals, frequency_hertz=definition.frequency_hertz,
        now_ns=now_ns,
    )  # fmt: skip

    def samples() -> Iterator[Sample]:
        nonlocal outside
        for number, (line, row) in enumerate(read_rows(source, mapping)):
            if number % PROGRESS_ROWS == 0:
                progress(number)
            try:
                sample = reader.sample(line, row)
            except BadRow as error:
                bad.append((line, str(error)))
                continue
            outside += definition.tile_at(sample.latitude, sample.longitude) is None
            yield sample

    try:
        file = SurveyFiles(data).add(
            samples(), definition.text, survey=survey, source=source, source_sha256=sha256(source),
            imported=datetime.fromtimestamp(now_ns / 1e9, UTC).isoformat(timespec="seconds"), left_out=bad,
            agree=leave_out_bad, author=author,
        )  # fmt: skip
    except FileError as error:
        raise SurveyError(str(error)) from error
    except OSError as error:
        raise SurveyError(_("{path} cannot be read: {error}").format(path=source, error=error.strerror)) from error
    if file is None and not bad:
        raise SurveyError(_("{file}: there is no row in it").format(file=source.name))
    return Imported(file=file, bad=tuple(bad), outside=outside)
