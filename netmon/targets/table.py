"""Entries from a table, CSV or xlsx: one line each, every mistake at once with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from netmon.config import parse_share
from netmon.i18n import _
from netmon.model import midnight_ns
from netmon.words import printable

__all__ = ["TableError", "read_table"]

COLUMNS: Final[Mapping[str, str]] = {
    "目标": "target", "类别": "kind", "日期": "day", "准则": "criterion", "对象": "subject", "数值": "value",
    "结果": "passed", "备注": "note", "文件": "file", "校验和": "sha256",
}  # fmt: skip
"""Chinese heads of columns; the English ones are the names themselves."""
NEEDED: Final = ("target", "kind", "day")
KINDS: Final = {"数值": "figure", "材料": "document", "演练": "drill"}
PASSED: Final = {
    "yes": True, "passed": True, "met": True, "合格": True, "达标": True,
    "no": False, "failed": False, "not met": False, "不合格": False, "不达标": False,
}  # fmt: skip
MOST_LINES: Final = 5_000
MOST_BYTES: Final = 10_000_000


class TableError(ValueError):
    """Everything that is wrong with a table, a line each."""


def read_table(path: Path) -> list[dict[str, Any]]:
    """The entries of a table, as the control socket takes them.

    The first line names the columns, in English or Chinese, in any order: target, kind (figure, document, drill), day,
    and where needed criterion, subject, value, passed, note, file, sha256.

    Raises:
        TableError: nothing of it can be used.
    """
    lines = list(_lines(path))
    head = [COLUMNS.get(cell, cell.lower()) for cell in lines[0]] if lines else []
    known = set(COLUMNS.values())
    problems = [_("line 1: unknown column {name}").format(name=printable(cell)) for cell in head if cell not in known]
    problems += [_("line 1: the column {name} is missing").format(name=name) for name in NEEDED if name not in head]
    if problems:
        raise TableError("\n".join(problems))
    entries = []
    for number, cells in enumerate(lines[1:], 2):
        given = {name: cell for name, cell in zip(head, cells, strict=False) if cell}
        if not given:
            continue
        try:
            entries.append(_entry(given))
        except ValueError as error:
            problems.append(_("line {number}: {error}").format(number=number, error=error))
    if problems:
        raise TableError("\n".join(problems))
    return entries


def _entry(given: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        name: given[name] for name in ("target", "criterion", "subject", "note", "file", "sha256") if name in given
    }
    entry["kind"] = KINDS.get(given.get("kind", ""), given.get("kind", ""))
    if entry["kind"] not in KINDS.values():
        raise ValueError(_("the kind is figure, document or drill, not {value}").format(value=printable(entry["kind"])))
    try:
        day = date.fromisoformat(given.get("day", "").replace("/", "-"))
    except ValueError:
        raise ValueError(_("{value} is no date").format(value=printable(given.get("day", "")))) from None
    entry["at_ns"] = midnight_ns(day)
    if "value" in given:
        entry["value"] = parse_share(given["value"])
    if "passed" in given:
        if given["passed"].lower() not in PASSED:
            raise ValueError(_("passed is yes or no, not {value}").format(value=printable(given["passed"])))
        entry["passed"] = PASSED[given["passed"].lower()]
    return entry


def _lines(path: Path) -> Iterator[Sequence[str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TableError(_("{path} cannot be read: {error}").format(path=path, error=error.strerror)) from None
    if len(data) > MOST_BYTES:
        raise TableError(_("{path} is too large").format(path=path))
    rows = _sheet(data) if path.suffix.lower() == ".xlsx" else csv.reader(io.StringIO(_decoded(data)))
    try:
        for number, row in enumerate(rows):
            if number > MOST_LINES:
                raise TableError(_("{path} is too large").format(path=path))
            yield [_cell(cell) for cell in row]
    except csv.Error as error:
        raise TableError(_("{path} cannot be read: {error}").format(path=path, error=error)) from None


def _decoded(data: bytes) -> str:
    """UTF-8, or what Chinese Excel writes."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableError(_("this is not UTF-8 text"))


def _sheet(data: bytes) -> Iterator[Sequence[Any]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        yield from book.worksheets[0].iter_rows(values_only=True)
    except TableError:
        raise
    except Exception as error:  # noqa: BLE001 (a damaged file raises whatever it likes)
        raise TableError(_("this is no Excel workbook: {error}").format(error=printable(str(error)))) from None


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case bool():
            return "yes" if value else "no"
    return str(value).strip()
