"""What the YAML parser complains about, said so that a person knows what to write."""

from __future__ import annotations

import re

import yaml

from netmon.config.errors import shown
from netmon.config.yaml_positions import Document, Spot
from netmon.i18n import _

__all__ = ["explain", "find_unreadable"]

# Tabs in indentation; characters that YAML does not allow; and those that YAML 1.1 alone takes for line breaks, after
# which editors and parsers would count lines differently.
UNREADABLE = re.compile(
    r"^ *\t[ \t]*(?=\S)|[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", re.MULTILINE
)


def find_unreadable(document: Document) -> bool:
    """Report each tab in indentation and each character that cannot stand in YAML; whether there were any."""
    for number, line in enumerate(document.lines, 1):
        for found in UNREADABLE.finditer(line):
            if "\t" in found[0]:
                document.report_at(
                    (number, found[0].index("\t") + 1), _("a tab in the indentation"), write=_("spaces instead")
                )
            else:
                document.report_at(
                    (number, found.start() + 1),
                    _("the character {character} cannot stand in YAML").format(character=f"U+{ord(found[0]):04X}"),
                    write=_('the line without it, or an escape such as "\\u00e4" in double quotes'),
                )
    return bool(document.problems)


def explain(error: yaml.MarkedYAMLError, document: Document) -> None:
    """Report the parser's complaint in our words, where it helps a person most."""
    spot = _spot(error.problem_mark)
    context = _spot(error.context_mark) if error.context_mark is not None else spot
    problem = error.problem or ""
    if "cannot start any token" in problem:
        line = document.lines[spot[0] - 1] if spot[0] <= len(document.lines) else ""
        what = _("text cannot begin with {character}").format(character=shown(line[spot[1] - 1 : spot[1]]))
        write = _("the text in quotes")
    elif "mapping values are not allowed" in problem:
        what = _("a ':' where no key can stand: the line is indented wrongly, or text holds ': '")
        write = _("keys of one mapping below each other, and text with ': ' in quotes")
    elif "could not find expected ':'" in problem:
        spot = context
        what = _("a key without ':' after it")
        write = _("`key: value`")
    elif "',' or ']'" in problem or "',' or '}'" in problem:
        spot = context
        what = _("a '[' or '{{' that is not closed, or a ',' missing between its items").format()
        write = _("the closing bracket, and commas between the items")
    elif "unexpected end of stream" in problem or "document indicator" in problem:
        spot = context
        what = _("a quote that is not closed")
        write = _("the closing quote")
    elif "did not find expected" in problem and "block" in (error.context or ""):
        what = _("this line does not fit the indentation of the lines above")
        write = _("items and keys of one level below each other, list items with '- '")
    elif "escape" in problem:
        what = _("an unknown escape after '\\' in double quotes")
        write = _("'\\\\' for a backslash, or single quotes")
    else:
        what = _("the YAML cannot be read here: {problem}").format(problem=problem)
        write = _("`key: value`, or `- item` in a list")
    document.report_at(spot, what, write=write)


def _spot(mark: yaml.Mark | None) -> Spot:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
