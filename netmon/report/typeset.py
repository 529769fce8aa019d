"""The one door to Typst: a template and plain values make a PDF. Text goes there as data, so nothing in it is taken for
markup. And how tables, shares and moments look on paper."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from netmon.i18n import _
from netmon.model import LOCAL
from netmon.report.shapes import Common
from netmon.report.tables import Cell, Language, Table
from netmon.report.texts import minute
from netmon.words import duration

__all__ = [
    "FONTS",
    "NO_LETTER",
    "day_words",
    "fingerprint_words",
    "in_the_font",
    "plain",
    "share",
    "shared_words",
    "typeset",
    "width",
]

HERE: Final = Path(__file__).parent
FONTS: Final = HERE / "fonts"
NO_LETTER: Final = "〓"
"""Stands for a letter that the font does not have, as in Chinese print."""


def typeset(template: str, content: Mapping[str, Any], issued: date, language: Language) -> bytes:
    """A document of one of our templates: PDF/A-2b, the same bytes for the same content."""
    import typst

    whole = {**content, "language": language, "issued": [issued.year, issued.month, issued.day]}
    inputs = {"content": in_the_font(json.dumps(whole, ensure_ascii=False))}
    at = datetime(issued.year, issued.month, issued.day, tzinfo=LOCAL)
    return typst.compile(
        HERE / template, root=HERE, font_paths=[FONTS], ignore_system_fonts=True, sys_inputs=inputs,
        pdf_standards="a-2b", timestamp=round(at.timestamp()),
    )  # fmt: skip


def in_the_font(text: str) -> str:
    """A text whose every letter can be set: PDF/A allows none without a glyph."""
    known = _letters()
    return "".join(letter if letter in known or letter == "\u200b" else NO_LETTER for letter in text)


@cache
def _letters() -> frozenset[str]:
    ranges = (line.split("-") for line in (FONTS / "letters.txt").read_text(encoding="ascii").split())
    return frozenset(chr(code) for first, last in ranges for code in range(int(first, 16), int(last, 16) + 1))


def day_words(day: str) -> str:
    """``2026-01-05`` as people write it."""
    found = date.fromisoformat(day)
    return _("{year}-{month:02}-{day:02}").format(year=found.year, month=found.month, day=found.day)


def shared_words(facts: Common) -> dict[str, str]:
    """What every document says."""
    return {
        "sample": _("Made of a sample inventory: it describes no real network.") if facts["sample"] else "",
        "none": _("none"),
        "more": _("{count} more stand in the xlsx, csv and json."),
        "made_by": _("Made by netmon {netmon}").format(netmon=facts["netmon"]),
        "signature": _("Signatures"),
        "made": _("Made by"),
        "checked": _("Checked by"),
        "approved": _("Approved by"),
        "day": _("Date"),
        "seal": _("(seal of the unit)"),
    }


def fingerprint_words(facts: Common, fingerprint: str) -> str:
    """Which file a paper was made of."""
    return _("Made of the file {file}, SHA-256 {sum}.").format(file=f"netmon-{facts['name']}.json", sum=fingerprint)


def plain(table: Table) -> dict[str, Any]:
    """A table in words."""
    kinds = [column.kind for column in table.columns]
    return {
        "title": table.title,
        "columns": [column.title for column in table.columns],
        "rows": [[_shown(kind, cell) for kind, cell in zip(kinds, row, strict=True)] for row in table.rows],
    }


def _shown(kind: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return minute(cell) if kind == "moment" else cell
    if kind == "share":
        return share(cell)
    return duration(cell) if kind == "seconds" else f"{cell:.10g}"


def width(text: str) -> int:
    """In digits; a Chinese letter is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WFA" else 1 for letter in text)


def share(value: float) -> str:
    """In percent, rounded down."""
    return f"{int(value * 1e5 + 1e-9) / 1e3:g} %"
