"""YAML text -> :class:`Document`.

Read is a strict subset of YAML in which every reader sees the same data: no anchors, no tags, one document, no
duplicate keys, text as keys, and no number that YAML 1.1 and YAML 1.2 take for different figures (``010`` is 8 in one
and 10 in the other). The words ``yes``, ``no``, ``on`` and ``off`` are booleans, as in YAML 1.1; where text is wanted
they are an error, and so never taken for something else in silence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from netmon.config.errors import ConfigError, Problem, shown
from netmon.config.yaml_positions import Document, MarkedList, MarkedMapping, Spot
from netmon.config.yaml_syntax import explain, find_unreadable
from netmon.i18n import _

__all__ = ["read", "read_text", "whole"]

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DEPTH = 20
MAX_INTEGER_DIGITS = 15

WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    variant: value
    for word, value in {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.items()
    for variant in (word, word.capitalize(), word.upper())
}
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?|(?:0|[1-9][0-9]*)[eE][-+]?[0-9]+)")
AMBIGUOUS = re.compile(
    r"[-+]?(?:0[0-9][0-9_]*|0[xXoObB][0-9a-fA-F_]+|[0-9][0-9_]*_[0-9_]*"
    r"|\.[0-9][0-9_]*|[0-9][0-9_]*\.(?:[0-9_]+(?:[eE][-+]?[0-9]+)?)?|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
NUMBER_STARTS = frozenset("0123456789+-.")


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        ConfigError: there is no such file, or it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        what = _("cannot be read: {error}").format(error=error.strerror)
        raise ConfigError([Problem(str(path), 1, 1, what)]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        what = _("this is not UTF-8 text")
        raise ConfigError([Problem(str(path), line, 1, what, write=_("the file in UTF-8"))]) from error


def whole(text: str, name: str, *, number_keys: bool = False) -> Document:
    """YAML text whose data can be used, whatever else is wrong with them; see :func:`read`.

    Raises:
        ConfigError: it cannot be read to its end.
    """
    document = read(text, name, number_keys=number_keys)
    if document.broken:
        raise ConfigError(document.problems)
    return document


def read(text: str, file: str, *, show: Callable[[str], str] = shown, number_keys: bool = False) -> Document:
    """Read YAML text. Never raises: what is wrong is among the document's problems.

    Args:
        show: how a value of the file stands in a message; a file with secrets shows none.
        number_keys: whole numbers may be keys, too; they come as text.
    """
    document = Document(file, re.split(r"\r\n|\r|\n", text))
    if find_unreadable(document):
        document.broken = True
        return document
    builder = _Builder(document, show, number_keys=number_keys)
    try:
        for event in yaml.parse(text, LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        explain(error, document)
        document.broken = True
    except _CannotContinueError:
        document.broken = True
    return document


class _CannotContinueError(Exception):
    """After this problem the rest of the file would only be misread."""


class _Builder:
    """Makes data of the parser's events: with a stack instead of recursion, so that the depth is ours to limit."""

    def __init__(self, document: Document, show: Callable[[str], str], *, number_keys: bool) -> None:
        self.number_keys = number_keys
        self.document = document
        self.show = show
        self.stack: list[MarkedMapping | MarkedList] = []
        self.keys: list[tuple[str, Spot] | None] = []
        self.documents = 0

    def take(self, event: yaml.Event) -> None:
        """The parser's next event."""
        if isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
            self.keys.pop()
            return
        if not isinstance(event, yaml.NodeEvent | yaml.DocumentStartEvent):
            return
        mark: Any = event.start_mark  # the parser gives one to every event
        spot = (mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(spot, _("a second document begins here"), _("one document, without '---'"))
            return
        if event.anchor is not None:
            self._stop(spot, _("anchors (&name) and aliases (*name) are not allowed"), _("the value itself"))
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            self._stop(spot, _("tags (!name) are not allowed"), _("the value without it"))
        self._value(event, spot)

    def _value(self, event: yaml.NodeEvent, spot: Spot) -> None:
        wants_key = bool(self.stack) and isinstance(self.stack[-1], MarkedMapping) and self.keys[-1] is None
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, spot)
            if wants_key:
                self.keys[-1] = (self._key(event, value, spot), spot)
            else:
                self._add(value, spot)
            return
        if wants_key:
            self._stop(spot, _("a list or a mapping cannot be a key"), _("text as the key"))
        if len(self.stack) == MAX_DEPTH:
            self._stop(spot, _("more than {count} levels inside each other").format(count=MAX_DEPTH), "")
        container = MarkedMapping() if isinstance(event, yaml.MappingStartEvent) else MarkedList()
        self._add(container, spot)
        self.stack.append(container)
        self.keys.append(None)

    def _add(self, value: Any, spot: Spot) -> None:
        if not self.stack:
            self.document.root = value
            return
        container = self.stack[-1]
        if isinstance(container, MarkedList):
            container.append(value)
            container.spots.append(spot)
            return
        name, key_spot = self.keys[-1] or ("", spot)
        self.keys[-1] = None
        if name in container:
            first = container.spots[name][0][0]
            what = _("the key {key} stands twice in one mapping, first in line {line}")
            self.document.report_at(key_spot, what.format(key=shown(name), line=first), write=_("it once"))
            return
        container[name] = value
        container.spots[name] = (key_spot, spot)

    def _key(self, event: yaml.ScalarEvent, value: Any, spot: Spot) -> str:
        if not isinstance(value, str) and not (self.number_keys and type(value) is int):
            what = _("the key {key} is not text").format(key=event.value or shown(None))
            self.document.report_at(spot, what, write=_("a word, or the key in quotes"))
        return str(event.value)

    def _scalar(self, event: yaml.ScalarEvent, spot: Spot) -> Any:
        text: str = event.value
        if not event.implicit[0]:  # in quotes
            return text
        if text in WORDS:
            return WORDS[text]
        if text[0] not in NUMBER_STARTS:
            return text
        if INTEGER.fullmatch(text) and len(text) <= MAX_INTEGER_DIGITS:
            return int(text)
        if FLOAT.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        if INTEGER.fullmatch(text) or FLOAT.fullmatch(text):
            self.document.report_at(spot, _("a number too large to be meant"), write=_("it in quotes if it is text"))
        elif AMBIGUOUS.fullmatch(text):
            what = _("readers of YAML take {text} for different numbers").format(text=self.show(text))
            self.document.report_at(spot, what, write=_("a plain decimal number, or the text in quotes"))
        return text

    def _stop(self, spot: Spot, what: str, write: str) -> None:
        self.document.report_at(spot, what, write=write)
        raise _CannotContinueError
