"""A workbook -> rows of text. What cannot be read for certain is a problem, never a guess."""

from __future__ import annotations

import re
import unicodedata
import warnings
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from netmon.config.errors import nearest
from netmon.i18n import _
from netmon.ledger.errors import LedgerError, LedgerProblem
from netmon.ledger.mapping import FIELDS, Mapping

__all__ = ["Row", "read_rows", "the_date"]

MAX_FILE_BYTES: Final = 20_000_000
MAX_UNPACKED_BYTES: Final = 200_000_000
MAX_ROWS: Final = 20_000
OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
WRITTEN_DATE: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
SERIALS: Final = range(20_000, 80_000)
"""Days since 1899-12-30 that may be meant as a date: 1954 to 2119."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the ledger.

    Attributes:
        number: from 1, as Excel counts.
        cells: text by field, without spaces around it; a field whose cell is empty is not there.
    """

    number: int
    cells: dict[str, str]


def read_rows(path: Path, mapping: Mapping) -> tuple[str, list[Row]]:
    """The sheet's name and its rows.

    Raises:
        LedgerError: with everything that is wrong.
    """
    _refuse_what_is_no_workbook(path)
    values, formulas = _open(path, data_only=True), _open(path, data_only=False)
    name = _choose(path, values, mapping.sheet)
    sheet, written = values[name], formulas[name]
    if sheet.max_row > MAX_ROWS:
        what = _("{count} rows are more than {limit}").format(count=sheet.max_row, limit=MAX_ROWS)
        raise LedgerError([LedgerProblem(path.name, name, 0, "", what, _("fewer: delete the empty rows at its end"))])
    columns = _columns(path, sheet, name, mapping)
    merged = {
        (row, column): (area.min_row, area.min_col)
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    }
    rows, problems = [], []
    for number in range(mapping.header + 1, sheet.max_row + 1):
        cells = {}
        for field, column in columns.items():
            place = merged.get((number, column), (number, column))
            value = sheet.cell(*place).value
            mistake = _mistake(value, written.cell(*place).value)
            if mistake:
                problems.append(LedgerProblem(path.name, name, number, mapping.head(field), *mistake))
            elif text := _text(value):
                cells[field] = text
        # What is merged over empty rows at the end makes no equipment.
        if any(field in cells for field in ("name", "id", "address")):
            rows.append(Row(number=number, cells=cells))
    if problems:
        raise LedgerError(problems)
    return name, rows


def the_date(text: str) -> date | None:
    """A date as people and Excel write it; ``None`` if it is none."""
    normal = unicodedata.normalize("NFKC", text)
    try:
        if found := WRITTEN_DATE.fullmatch(normal):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if normal.isdecimal() and int(normal) in SERIALS:
            from openpyxl.utils.datetime import from_excel

            moment = from_excel(int(normal))
            return moment.date() if isinstance(moment, datetime) else None
    except ValueError:
        pass
    return None


def _refuse_what_is_no_workbook(path: Path) -> None:
    def refuse(what: str, write: str = "") -> LedgerError:
        return LedgerError([LedgerProblem(path.name, "", 0, "", what, write)])

    try:
        with path.open("rb") as file:
            start = file.read(4)
        size = path.stat().st_size
    except OSError as error:
        raise refuse(_("cannot be read: {error}").format(error=error.strerror)) from error
    if start == OLD_EXCEL:
        raise refuse(_("this is an old or encrypted Excel file"), _("it as .xlsx, without a password"))
    if not zipfile.is_zipfile(path):
        raise refuse(_("this is no Excel workbook"), _("it as .xlsx"))
    if size > MAX_FILE_BYTES or sum(item.file_size for item in zipfile.ZipFile(path).infolist()) > MAX_UNPACKED_BYTES:
        raise refuse(_("the workbook is too large"), _("a workbook with the ledger alone"))


def _open(path: Path, *, data_only: bool) -> Any:
    import openpyxl

    with warnings.catch_warnings():
        # Of drawings and validations that it leaves out; only values are read here.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return openpyxl.load_workbook(path, data_only=data_only)
        except Exception as error:  # a damaged workbook breaks anywhere in the library
            what = _("the workbook cannot be read: {error}").format(error=str(error) or type(error).__name__)
            raise LedgerError([LedgerProblem(path.name, "", 0, "", what, _("it anew, from Excel"))]) from error


def _choose(path: Path, book: Any, wanted: str) -> str:
    sheets = {sheet.title: sheet.sheet_state for sheet in book.worksheets}
    if not wanted:
        found = next((name for name, state in sheets.items() if state == "visible"), None)
    else:
        found = wanted if wanted in sheets else None
    if found is None:
        what = _("there is no sheet {name}").format(name=wanted)
        raise LedgerError(
            [LedgerProblem(path.name, "", 0, "", what, _("one of {keys}").format(keys=", ".join(sheets)))]
        )
    return str(found)


def _columns(path: Path, sheet: Any, name: str, mapping: Mapping) -> dict[str, int]:
    heads: dict[str, int] = {}
    for column in range(1, min(sheet.max_column, 500) + 1):
        heads.setdefault(_text(sheet.cell(mapping.header, column).value), column)
    columns, problems = {}, []
    for field in FIELDS:
        head = mapping.head(field)
        if head and head in heads:
            columns[field] = heads[head]
        elif head:
            close = nearest(head, filter(None, heads))
            what = _("there is no column {name}").format(name=head)
            what += _("; did you mean {word}?").format(word=close) if close else ""
            write = _("the heads as they stand in row {number}").format(number=mapping.header)
            problems.append(LedgerProblem(path.name, name, mapping.header, "", what, write))
    if problems:
        raise LedgerError(problems)
    return columns


def _mistake(value: Any, written: Any) -> tuple[str, str] | None:
    if isinstance(written, str) and written.startswith("="):
        if value is None:
            return _("the formula has no stored value"), _("the value, or open and save the file in Excel")
        if isinstance(value, str) and value.startswith("#"):
            return _("the formula gives {error}").format(error=value), _("the value")
    if isinstance(value, bool):
        return _("{value} is no text").format(value=value), _("text")
    return None


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime() | date():
            return f"{value:%Y-%m-%d}"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return " ".join(str(value).split())
