"""Tables as xlsx and csv. The same tables make the same bytes."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break

from netmon.i18n import _
from netmon.report.charts import Chart
from netmon.report.tables import Cell, Column, Table
from netmon.report.typeset import width

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["LONGEST_CELL", "Drawn", "as_csv", "as_xlsx"]

LONGEST_CELL: Final = 32_767
"""Characters that a cell of a sheet can hold (Excel specifications and limits)."""
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What spreadsheets take for the begin of a formula (OWASP, CSV injection), full width too."""
FIRST_ZIP_DAY: Final = (1980, 1, 1, 0, 0, 0)
FORMATS: Final = {
    "share": "0.000%", "seconds": "#,##0", "number": "General", "moment": "yyyy-mm-dd hh:mm", "text": "@",
    "days": "0.0",
}  # fmt: skip
UNITS: Final = {"share": "0.0##%", "days": "0.0", "number": "0"}
NAVY, WHITE = "1F3864", "FFFFFF"
WRAPPED: Final = frozenset({"text"})
COLOURS: Final = {1: ("2F5597",), 3: ("A9C0E6", "2F5597", "CFDCF2")}
LIMIT_COLOUR: Final = "C00000"
LINE_POINTS: Final = 14.0
HIGHEST_POINTS: Final = 409.0
"""Of a row (Excel specifications and limits)."""
WORD_SLACK: Final = 1.2
"""Lines end between words."""
ROW_CM: Final = 0.5
FIRST_WIDTH, FIGURE_WIDTH = 40, 15
CHART_WIDTH_CM: Final = 19.5
CHART_CM, BAR_CM = 3.0, 0.35
"""Height of a chart without bars, and of each bar."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A target's chart with the words above it."""

    heading: str
    reason: str
    chart: Chart


def as_csv(table: Table) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets need to read Chinese; lines end as RFC 4180 says."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.title for column in table.columns])
    for row in table.rows:
        writer.writerow([_harmless(value) for value in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def as_xlsx(tables: Sequence[Table], drawn: Sequence[Drawn], title: str, issued: date) -> bytes:
    """One sheet a table, and one with the charts after the first."""
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]  # a new book has a sheet
    for style in _styles():
        book.add_named_style(style)
    for number, table in enumerate(tables):
        _fill(_sheet(book, table.title, title, landscape=True), table)
        if number == 0 and drawn:
            _draw(_sheet(book, _("Charts"), title, landscape=False), drawn)
    moment = datetime(issued.year, issued.month, issued.day)  # noqa: DTZ001 (the format knows no zones)
    book.properties.title = title
    book.properties.creator = book.properties.lastModifiedBy = "netmon"
    book.properties.created = book.properties.modified = moment
    raw = io.BytesIO()
    book.save(raw)
    return _without_clock(raw.getvalue(), moment)


def _styles() -> Iterator[NamedStyle]:
    """How cells look, once for the whole book: a style of its own for each cell takes ten times as long."""
    rule = Border(bottom=Side(style="thin", color="BFBFBF"))
    for kind, number_format in FORMATS.items():
        yield NamedStyle(
            name=kind, font=Font(size=10), number_format=number_format, border=rule,
            alignment=Alignment(wrap_text=kind in WRAPPED, vertical="top"),
        )  # fmt: skip
    yield NamedStyle(
        name="head", font=Font(bold=True, color=WHITE), fill=PatternFill("solid", fgColor=NAVY), number_format="@",
        alignment=Alignment(wrap_text=True, vertical="center", horizontal="center"),
    )  # fmt: skip
    words = Alignment(wrap_text=True, vertical="top")
    yield NamedStyle(name="heading", font=Font(bold=True, size=12, color=NAVY), number_format="@", alignment=words)
    yield NamedStyle(name="words", font=Font(size=10), number_format="@", alignment=words)


def _sheet(book: Workbook, name: str, title: str, *, landscape: bool) -> Worksheet:
    sheet: Worksheet = book.create_sheet(name[:31])
    page: Any = sheet  # the library's types allow None where it never is
    page.page_setup.orientation = "landscape" if landscape else "portrait"
    page.page_setup.paperSize = sheet.PAPERSIZE_A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.page_margins.left = page.page_margins.right = 0.4
    page.oddHeader.left.text = title.replace("&", "&&")
    page.oddHeader.right.text = name.replace("&", "&&")
    page.oddFooter.center.text = "&P / &N"
    return sheet


def _fill(sheet: Worksheet, table: Table) -> None:
    for place, column in enumerate(table.columns, start=1):
        _put(sheet, 1, place, column.title, "head")
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    sheet.row_dimensions[1].height = _height(_lines(column.title, column.width) for column in table.columns)
    for number, row in enumerate(table.rows, start=2):
        cells = list(zip(table.columns, row, strict=True))
        for place, (column, value) in enumerate(cells, start=1):
            _put(sheet, number, place, _value(column, value), column.kind)
        texts = ((column, value) for column, value in cells if isinstance(value, str) and column.kind in WRAPPED)
        sheet.row_dimensions[number].height = _height(_lines(value, column.width) for column, value in texts)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{len(table.rows) + 1}"
    sheet.print_title_rows = "1:1"


def _put(sheet: Worksheet, row: int, column: int, value: Any, style: str) -> None:
    cell = sheet.cell(row, column)
    cell.style = style
    if value is not None and value != "":
        cell.value = value
    if isinstance(value, str) and value:
        cell.data_type = "s"  # text that begins with = stays text


def _height(lines: Iterable[int]) -> float:
    return min(HIGHEST_POINTS, LINE_POINTS * max(lines, default=1) + 4)


def _lines(text: str, column: int) -> int:
    """How many lines a text takes in a cell: not every program works out the height of a row when it opens a file.

    Args:
        column: its width in digits.
    """
    return math.ceil(width(text) * WORD_SLACK / max(1, column - 1))


def _value(column: Column, value: Cell) -> object:
    if column.kind == "moment" and isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return value[:LONGEST_CELL] if isinstance(value, str) else value


def _draw(sheet: Worksheet, drawn: Sequence[Drawn]) -> None:
    """Below each other: the words, the figures, and the chart of them."""
    for letter, wide in zip("ABCDEF", (FIRST_WIDTH, *[FIGURE_WIDTH] * 5), strict=True):
        sheet.column_dimensions[letter].width = wide
    top, heading = 1, ""
    for each in drawn:
        if each.heading != heading and heading:
            sheet.row_breaks.append(Break(id=top - 1))
        heading = each.heading
        for row, text, style in ((top, heading, "heading"), (top + 1, each.reason, "words")):
            _put(sheet, row, 1, text, style)
            sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=6)
            sheet.row_dimensions[row].height = _height([_lines(text, FIRST_WIDTH + 5 * FIGURE_WIDTH)])
        last = _figures(sheet, top + 2, each.chart)
        height = CHART_CM + BAR_CM * len(each.chart.categories) * (
            len(each.chart.series) + (each.chart.limit is not None)
        )
        sheet.add_chart(_bars(sheet, top + 2, last, each.chart, height), f"A{last + 2}")
        top = last + 3 + math.ceil(height / ROW_CM)


def _figures(sheet: Worksheet, top: int, chart: Chart) -> int:
    """A table of what is drawn; its last row."""
    head = [chart.title, *(name for name, _values in chart.series), *([] if chart.limit is None else [_("limit")])]
    widths = [FIRST_WIDTH, *[FIGURE_WIDTH] * (len(head) - 1)]
    sheet.row_dimensions[top].height = _height(map(_lines, head, widths))
    for place, text in enumerate(head, start=1):
        _put(sheet, top, place, text, "head")
    for row, name in enumerate(chart.categories, start=top + 1):
        sheet.row_dimensions[row].height = _height([_lines(name, FIRST_WIDTH)])
        _put(sheet, row, 1, name, "text")
        figures = [values[row - top - 1] for _name, values in chart.series]
        for place, value in enumerate([*figures, *([] if chart.limit is None else [chart.limit])], start=2):
            _put(sheet, row, place, value, chart.unit)
    return top + len(chart.categories)


def _bars(sheet: Worksheet, top: int, last: int, chart: Chart, height: float) -> Any:
    bars: Any = BarChart()
    bars.type, bars.height, bars.width = "bar", height, CHART_WIDTH_CM
    bars.title = None
    names = [*COLOURS[len(chart.series)], *([] if chart.limit is None else [LIMIT_COLOUR])]
    bars.add_data(Reference(sheet, min_col=2, max_col=1 + len(names), min_row=top, max_row=last), titles_from_data=True)
    bars.set_categories(Reference(sheet, min_col=1, min_row=top + 1, max_row=last))
    for series, colour in zip(bars.series, names, strict=True):
        series.graphicalProperties.solidFill = colour
    bars.x_axis.delete = bars.y_axis.delete = False
    bars.x_axis.scaling.orientation = "maxMin"  # the worst on top, as in the table
    bars.y_axis.number_format = UNITS[chart.unit]
    bars.y_axis.scaling.min, bars.y_axis.scaling.max = chart.axis
    bars.gapWidth = 60
    bars.legend.position = "b"
    return bars


def _harmless(value: Cell) -> Cell:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front."""
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
