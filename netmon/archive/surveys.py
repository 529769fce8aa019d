"""Samples of coverage surveys: one immutable Parquet file an import, all attempts, and what they were judged by.

``surveys/manifest.jsonl`` has a line for each import. Beside the samples lies the definition that held when they came
in (criteria, areas), named by its checksum, so that a figure can be worked out again years later from the archive
alone. Nothing here is ever changed or removed.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from netmon.archive.durable import replace, sha256, sync
from netmon.archive.lock import FolderLock
from netmon.archive.manifest import FILE_NAME, read_lines, write_lines
from netmon.archive.parquet import ROW_GROUP, Digest, Row, connect
from netmon.archive.schema import ArchiveError
from netmon.i18n import _

__all__ = ["FOLDER", "Box", "Sample", "SurveyFile", "SurveyFiles", "checksums"]

FOLDER: Final = "surveys"
DEFINITION: Final = ".definition.json"
TYPES: Final = {
    "line": "BIGINT",
    "at_ns": "BIGINT",
    "latitude": "DOUBLE",
    "longitude": "DOUBLE",
    "terminal": "VARCHAR",
    "station": "VARCHAR",
    "serving": "BOOLEAN",
    "signal_dbm": "DOUBLE",
    "ber_ratio": "DOUBLE",
    "quality": "DOUBLE",
    "heard": "BOOLEAN",
}
COLUMNS: Final = ", ".join(f"coalesce({name}, '') AS {name}" if kind == "VARCHAR" else name
                           for name, kind in TYPES.items())  # fmt: skip
CSV_COLUMNS: Final = ", ".join(f"'{name}': '{kind}'" for name, kind in TYPES.items())
COPY: Final = (
    f"COPY (SELECT {COLUMNS} FROM read_csv($source, header = false, auto_detect = false, delim = ',', quote = '\"',"  # noqa: S608 (names of ours)
    f" escape = '\"', columns = {{{{{CSV_COLUMNS}}}}}))"
    f" TO '{{target}}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
)
ROWS_AT_ONCE: Final = 10_000
MOST_LEFT_OUT_LINES: Final = 1_000


class Sample(NamedTuple):
    """One attempt to hear one base station, or any.

    Attributes:
        line: of the file that it comes from.
        at_ns: UTC nanoseconds since the epoch.
        latitude, longitude: WGS 84 degrees.
        terminal: id of the class of terminals.
        station: id of the base station's equipment; empty if nobody knows, or nothing was heard.
        serving: the terminal used this station, or tried; otherwise it only heard it, too.
        signal_dbm: received power; ``None`` if it was not measured.
        ber_ratio: bit errors, 0 to 1.
        quality: of voice, on the scale that the criterion uses, such as DAQ 1 to 5.
        heard: ``False``: nothing was received, which is a measurement, not a gap.
    """

    line: int
    at_ns: int
    latitude: float
    longitude: float
    terminal: str
    station: str
    serving: bool
    signal_dbm: float | None
    ber_ratio: float | None
    quality: float | None
    heard: bool


class Box(NamedTuple):
    """Between these degrees, WGS 84, all inclusive."""

    south: float
    north: float
    west: float
    east: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyFile:
    """One import.

    Attributes:
        survey: the campaign that it belongs to.
        number: 0 for the campaign's first file, 1, 2, ...
        source, source_sha256: the file that was imported.
        definition: checksum of the definition that held.
        first_ns, last_ns: of its samples.
        left_out: rows of the source that were refused, and that people agreed to leave out.
        left_out_lines: the first of them: line and what is wrong.
        imported, author: when, ISO 8601 in UTC, and by whom.
    """

    survey: str
    number: int
    source: str
    source_sha256: str
    definition: str
    rows: int
    first_ns: int
    last_ns: int
    size_bytes: int
    sha256: str
    imported: str
    author: str = ""
    left_out: int = 0
    left_out_lines: Sequence[Sequence[int | str]] = ()

    @property
    def name(self) -> str:
        """The path within the folder of surveys."""
        return f"{self.survey}.{self.number}.parquet"


def checksums(files: Iterable[SurveyFile]) -> dict[str, str]:
    """The names of all files that imports need, each with its checksum."""
    found: dict[str, str] = {}
    for file in files:
        found |= {file.name: file.sha256, file.definition + DEFINITION: file.definition}
    return found


class SurveyFiles:
    """The surveys of an archive's folder."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER

    def files(self) -> tuple[SurveyFile, ...]:
        """All imports, in their order.

        Raises:
            ArchiveError: the manifest is damaged.
        """
        files, damage = self.what_there_is()
        if damage:
            path = self.folder / FILE_NAME
            raise ArchiveError(_("{path} is damaged: {error}").format(path=path, error=damage))
        return files

    def what_there_is(self) -> tuple[tuple[SurveyFile, ...], str]:
        """The imports that can be read of, and what is wrong with the manifest."""
        files, damage = read_lines(self.folder / FILE_NAME, SurveyFile)
        return tuple(files), damage

    def write(self, files: Iterable[SurveyFile]) -> None:
        """Put another manifest in the place of the one before, durably."""
        write_lines(self.folder / FILE_NAME, files)

    def version(self) -> str:
        """Changes when, and only when, a survey comes in; empty while there is none."""
        path = self.folder / FILE_NAME
        return sha256(path) if path.is_file() else ""

    def definition(self, checksum: str) -> str:
        """The text of a definition.

        Raises:
            ArchiveError: it is missing or damaged.
        """
        path = self.folder / (checksum + DEFINITION)
        try:
            text = path.read_bytes()
        except OSError as error:
            raise ArchiveError(_("{path} cannot be read: {error}").format(path=path, error=error)) from error
        if hashlib.sha256(text).hexdigest() != checksum:
            raise ArchiveError(_("{path} is damaged: its checksum is not the manifest's").format(path=path))
        return text.decode()

    def samples(self, file: SurveyFile, box: Box | None = None) -> Iterator[Sample]:
        """The samples of an import, in the order of its file; of a part of the country if ``box`` is given.

        Raises:
            ArchiveError: the file is missing or damaged.
        """
        import duckdb

        path = self.folder / file.name
        if box is None and (not path.is_file() or sha256(path) != file.sha256):
            raise ArchiveError(_("{path} is damaged: its checksum is not the manifest's").format(path=path))
        try:
            yield from map(Sample._make, _read(path, box))
        except duckdb.Error as error:
            raise ArchiveError(_("{path} cannot be read: {error}").format(path=path, error=error)) from error

    def add(
        self,
        samples: Iterable[Sample],
        definition: str,
        *,
        survey: str,
        source: Path,
        source_sha256: str,
        imported: str,
        author: str = "",
        left_out: Sequence[tuple[int, str]] = (),
        agree: bool = True,
    ) -> SurveyFile | None:
        """Store an import; it is on the disk, read back and compared when this returns.

        Args:
            samples: read to their end before anything gets its name; an exception leaves nothing behind.
            left_out: filled while ``samples`` are read; looked at afterwards.
            agree: rows may be left out; otherwise one of them leaves nothing behind.

        Returns:
            What was stored; ``None`` if there was no sample, or rows would have been left out without agreement.

        Raises:
            ArchiveError: the source is in the archive already, or the disk does not take it.
        """
        import duckdb

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            sync(self.folder.parent)
            with FolderLock(self.folder):
                before = self.files()
                known = next((file for file in before if file.source_sha256 == source_sha256), None)
                if known is not None:
                    raise ArchiveError(
                        _("{file} was imported already, {moment}, as a part of {survey}").format(
                            file=source.name, moment=known.imported, survey=known.survey
                        )
                    )
                number = sum(file.survey == survey for file in before)
                partial = self.folder / f"{survey}.{number}.partial"
                written = _Times()
                try:
                    _write(written.through(samples), partial)
                    if not written.digest.rows or (left_out and not agree):
                        return None
                    back = Digest()
                    for _row in back.through(_read(partial)):
                        pass
                    if back != written.digest:
                        raise ArchiveError(_("{path} is not what was written").format(path=partial))
                    checksum = self._keep(definition)
                    file = SurveyFile(
                        survey=survey, number=number, source=source.name, source_sha256=source_sha256,
                        definition=checksum, rows=back.rows, first_ns=written.first_ns, last_ns=written.last_ns,
                        size_bytes=partial.stat().st_size, sha256=sha256(partial), imported=imported, author=author,
                        left_out=len(left_out), left_out_lines=tuple(left_out[:MOST_LEFT_OUT_LINES]),
                    )  # fmt: skip
                    replace(partial, self.folder / file.name)
                finally:
                    partial.unlink(missing_ok=True)
                self.write([*before, file])
                return file
        except (OSError, duckdb.Error) as error:
            raise ArchiveError(_("{path} cannot be stored: {error}").format(path=source, error=error)) from error

    def _keep(self, definition: str) -> str:
        content = definition.encode()
        checksum = hashlib.sha256(content).hexdigest()
        path = self.folder / (checksum + DEFINITION)
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(content)
            replace(partial, path)
        return checksum


class _Times:
    """Digest and times of samples as they pass."""

    def __init__(self) -> None:
        self.digest = Digest()
        self.first_ns, self.last_ns = 2**63 - 1, -(2**63)

    def through(self, samples: Iterable[Sample]) -> Iterator[Row]:
        # As plain tuples: that of a named one is written by Python, which takes longer than all the rest.
        for row in self.digest.through(map(tuple, samples)):
            self.first_ns = min(self.first_ns, row[1])
            self.last_ns = max(self.last_ns, row[1])
            yield row


def _write(rows: Iterable[Row], target: Path) -> None:
    """A CSV file beside it is needed meanwhile."""
    source = target.with_suffix(".csv")
    try:
        with source.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)
        name = str(target.absolute()).replace("'", "''")
        with connect() as connection:
            connection.execute(COPY.format(target=name), {"source": str(source.absolute())})
    finally:
        source.unlink(missing_ok=True)


def _read(file: Path, box: Box | None = None) -> Iterator[Row]:
    query, values = f"SELECT {', '.join(TYPES)} FROM read_parquet(?)", [str(file.absolute())]  # noqa: S608 (names of ours)
    if box is not None:
        query += " WHERE latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ?"
    with connect() as connection:
        cursor = connection.execute(query, [*values, *(box or ())])
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows
