"""What is wrong with a ledger: every problem at once, each with its sheet, row and column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netmon.i18n import _

__all__ = ["LedgerError", "LedgerProblem"]


@dataclass(frozen=True, slots=True, order=True)
class LedgerProblem:
    """One problem.

    Attributes:
        row: from 1, as Excel counts; 0 where the whole sheet or file is meant.
        column: the head of the column, or empty.
        write: what to write instead, or empty.
    """

    file: str
    sheet: str
    row: int
    column: str
    what: str
    write: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.sheet:
            place += ": " + _("sheet {name}").format(name=self.sheet)
        if self.row:
            place += ", " + _("row {number}").format(number=self.row)
        if self.column:
            place += ", " + _("column {name}").format(name=self.column)
        text = f"{place}: {self.what}"
        return text + _("; write {text}").format(text=self.write) if self.write else text


class LedgerError(Exception):
    """The ledger cannot be taken over. ``str()`` is one line for each problem."""

    def __init__(self, problems: Iterable[LedgerProblem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))
