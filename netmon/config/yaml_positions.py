"""A YAML document as plain data that knows where each part stands, and collects what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from netmon.config.errors import Problem

__all__ = ["Document", "MarkedList", "MarkedMapping", "Path", "Spot"]

Path = tuple[str | int, ...]
"""Keys and list indexes from the root to a part of the file."""

Spot = tuple[int, int]
"""Line and column, both from 1, in characters."""


class MarkedMapping(dict[str, Any]):
    """A mapping that knows where its keys and values begin."""

    __slots__ = ("spots",)

    def __init__(self) -> None:
        super().__init__()
        self.spots: dict[str, tuple[Spot, Spot]] = {}


class MarkedList(list[Any]):
    """A list that knows where its items begin."""

    __slots__ = ("spots",)

    def __init__(self) -> None:
        super().__init__()
        self.spots: list[Spot] = []


@dataclass(slots=True)
class Document:
    """The data of a file and the problems found in it.

    Attributes:
        root: mappings, lists, text, numbers, booleans and ``None``.
        broken: the YAML could not be read to its end, so that ``root`` says nothing.
    """

    file: str
    lines: list[str]
    root: Any = None
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False

    def spot(self, path: Path, *, key: bool = False) -> Spot:
        """Where the value at ``path`` begins, or its key; of a path that does not exist, the longest part that does."""
        here, spot = self.root, (1, 1)
        for position, part in enumerate(path):
            if isinstance(here, MarkedMapping) and part in here.spots:
                name = str(part)
                key_spot, value_spot = here.spots[name]
                spot = key_spot if key and position == len(path) - 1 else value_spot
                here = here[name]
            elif isinstance(here, MarkedList) and isinstance(part, int) and part < len(here):
                spot, here = here.spots[part], here[part]
            else:
                break
        return spot

    def word_at(self, path: Path) -> str:
        """The letters as they stand in the file at ``path``: ``no`` where the data is ``False``."""
        line, column = self.spot(path)
        found = re.match(r"\w*", self.lines[line - 1][column - 1 :])
        return found[0] if found else ""

    def report(self, path: Path, what: str, *, key: bool = False, nearest: str = "", write: str = "") -> None:
        """Note a problem at the value (or the key) at ``path``."""
        self.report_at(self.spot(path, key=key), what, nearest=nearest, write=write)

    def report_at(self, spot: Spot, what: str, *, nearest: str = "", write: str = "") -> None:
        """Note a problem at a spot; the end of the file counts as the end of its last line."""
        self.problems.append(self.problem(spot, what, nearest=nearest, write=write))

    def problem(self, spot: Spot, what: str, *, nearest: str = "", write: str = "") -> Problem:
        """A problem at a spot, without noting it."""
        last = len(self.lines)
        if spot[0] > last:
            spot = (last, len(self.lines[-1]) + 1)
        return Problem(self.file, *spot, what, nearest, write)
