"""What is wrong with an inventory: every problem at once, each with its place and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from netmon.i18n import _

__all__ = ["ConfigError", "Problem", "nearest", "shown"]

SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem in a file.

    Attributes:
        line: from 1.
        column: from 1, in characters.
        what: what is wrong.
        nearest: the nearest right word, or empty.
        write: what to write instead, or empty.
    """

    file: str
    line: int
    column: int
    what: str
    nearest: str = ""
    write: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.what}"
        if self.nearest:
            text += _("; did you mean {word}?").format(word=self.nearest)
        if self.write:
            text += _("; write {text}").format(text=self.write)
        return text


class ConfigError(Exception):
    """The inventory cannot be used. ``str()`` is one line for each problem, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of ``words`` that ``word`` most likely means, or an empty string."""
    # Beyond this length it is no misspelt word, and difflib takes quadratic time.
    close = difflib.get_close_matches(word.lower(), list(words), n=1) if len(word) <= 64 else []
    return close[0] if close else ""


def shown(value: object) -> str:
    """A value of the file as it may stand in a message: short, and without control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return _("nothing")
    if isinstance(value, dict):
        return _("a mapping")
    if isinstance(value, list):
        return _("a list")
    text = repr(value[:SHOWN_CHARACTERS] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
