"""Tables as xlsx and csv. The same tables make the same bytes."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from netmon.report.tables import Cell, Column, Table

__all__ = ["LONGEST_CELL", "as_csv", "as_xlsx"]

LONGEST_CELL: Final = 32_767
"""Characters that a cell of a sheet can hold (Excel specifications and limits)."""
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
FIRST_ZIP_DAY: Final = (1980, 1, 1, 0, 0, 0)
FORMATS: Final = {
    "share": "0.000%", "seconds": "#,##0", "number": "General", "moment": "yyyy-mm-dd hh:mm", "text": "@",
}  # fmt: skip
LINE: Final = Side(style="thin", color="BFBFBF")


def as_csv(table: Table) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets need to read Chinese; lines end as RFC 4180 says."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.title for column in table.columns])
    for row in table.rows:
        writer.writerow([_harmless(value) for value in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def as_xlsx(tables: Sequence[Table], title: str, issued: date, verdicts: Sequence[tuple[str, int]]) -> bytes:
    """One sheet a table, the first with a chart of how many targets have which verdict."""
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]  # a new book has a sheet
    for table in tables:
        _fill(book, table, title)
    _chart(book, tables[0], verdicts)
    moment = datetime(issued.year, issued.month, issued.day)  # noqa: DTZ001 (the format knows no zones)
    book.properties.title = title
    book.properties.creator = book.properties.lastModifiedBy = "netmon"
    book.properties.created = book.properties.modified = moment
    raw = io.BytesIO()
    book.save(raw)
    return _without_clock(raw.getvalue(), moment)


def _fill(book: Workbook, table: Table, title: str) -> None:
    sheet = book.create_sheet(table.title[:31])
    for place, column in enumerate(table.columns, start=1):
        cell = sheet.cell(1, place, column.title)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="1F3864")
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    for number, row in enumerate(table.rows, start=2):
        for place, (column, value) in enumerate(zip(table.columns, row, strict=True), start=1):
            if value is None or value == "":
                continue
            cell = sheet.cell(number, place)
            cell.value = _value(column, value)
            if isinstance(cell.value, str):
                cell.data_type = "s"  # text that begins with = stays text
            cell.number_format = FORMATS[column.kind]
            cell.alignment = Alignment(wrap_text=column.kind == "text", vertical="top")
            cell.border = Border(bottom=LINE)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{len(table.rows) + 1}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    sheet.oddHeader.center.text = title.replace("&", "&&")
    sheet.oddFooter.center.text = "&P / &N"


def _value(column: Column, value: Cell) -> object:
    if column.kind == "moment" and isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return value[:LONGEST_CELL] if isinstance(value, str) else value


def _chart(book: Workbook, first: Table, verdicts: Sequence[tuple[str, int]]) -> None:
    sheet = book.worksheets[0]
    top = len(first.rows) + 4
    for number, (word, count) in enumerate(verdicts):
        sheet.cell(top + number, 1, word)
        sheet.cell(top + number, 2, count)
    chart = BarChart()
    chart.type, chart.legend = "bar", None
    chart.title = first.columns[5].title
    last = top + len(verdicts) - 1
    chart.add_data(Reference(sheet, min_col=2, min_row=top, max_row=last))
    chart.set_categories(Reference(sheet, min_col=1, min_row=top, max_row=last))
    chart.height, chart.width = 7, 18
    sheet.add_chart(chart, f"D{top}")


def _harmless(value: Cell) -> Cell:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value


def _without_clock(data: bytes, moment: datetime) -> bytes:
    """The same archive without the time at which it was made."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            content = old.read(name)
            if name == "docProps/core.xml":  # openpyxl writes the time of saving there, whatever it was told
                content = _with_time(content, moment)
            entry = zipfile.ZipInfo(name, FIRST_ZIP_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            new.writestr(entry, content)
    return made.getvalue()


def _with_time(content: bytes, moment: datetime) -> bytes:
    text = content.decode()
    for tag in ("created", "modified"):
        begin = text.index(">", text.index(f"<dcterms:{tag}")) + 1
        text = text[:begin] + f"{moment:%Y-%m-%dT%H:%M:%SZ}" + text[text.index("<", begin) :]
    return text.encode()
