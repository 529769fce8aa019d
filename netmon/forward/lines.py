"""A row of the journal as InfluxDB's line protocol (v2 documentation, "Line protocol").

One measurement, ``netmon``. Tags: ``site``, ``asset``, ``check``, ``vantage``, and ``index`` where a reading belongs to
one end, slot or interface. Fields: each reading under its name, and of the run itself ``status_code``,
``duration_seconds`` and ``attempt``. Time: when the run started. The same row always gives the same lines, so a repeat
changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

__all__ = ["STATUS_CODES", "LineWriter"]

STATUS_CODES: Final = {"up": 0, "degraded": 1, "down": 2, "unknown": 3, "standby": 4}
NOT_FINITE: Final = frozenset({"nan", "inf", "-inf"})
_ESCAPES: Final = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "\\ ", "\r": "\\ ", "\\": "/", "\0": "\\ "})
_BETWEEN: Final = ',"'
_AFTER: Final = '":'
# A number is copied as the text that it is: no float is made of it, and none is printed.
_decode: Final = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode


class LineWriter:
    """Writes lines; the part of a line that names the series is made once."""

    def __init__(self) -> None:
        self._heads: dict[tuple[str, str, str], str] = {}

    def lines(
        self, check_id: str, vantage: str, started_ns: int, duration: float, attempt: int, status: str, data: str
    ) -> str:
        """The lines of one row, without a newline at the end. ``data`` as :mod:`netmon.archive.codec` writes it."""
        run = f"status_code={STATUS_CODES[status]},duration_seconds={duration!r},attempt={attempt}"
        # Readings come first but for two texts, in which a quote is escaped: so these are the right places.
        first, second = data.find('"r":{'), data.find('"d":{')
        places = [at + 4 for at in (first, second) if at >= 0]
        texts = [data[at + 1 : data.find("}", at)] for at in places]
        if any("[" in text or ':"' in text or "\\" in text for text in texts):
            return self._indexed(check_id, vantage, started_ns, run, places, data)
        values = "".join(f",{text[1:].replace(_BETWEEN, ',').replace(_AFTER, '=')}" for text in texts)
        return f"{self._head(check_id, vantage, '')} {run}{values} {started_ns}"

    def _indexed(self, check_id: str, vantage: str, started_ns: int, run: str, places: Sequence[int], data: str) -> str:
        fields = {"": run}
        for place in places:
            values, _end = _decode(data, place)
            for name, value in values.items():
                if value in NOT_FINITE:
                    continue
                key, bracket, index = name.partition("[")
                if bracket:
                    index = index[:-1]
                before = fields.get(index)
                fields[index] = f"{before},{key}={value}" if before else f"{key}={value}"
        return "\n".join(
            f"{self._head(check_id, vantage, index)} {text} {started_ns}" for index, text in fields.items()
        )

    def _head(self, check_id: str, vantage: str, index: str) -> str:
        head = self._heads.get((check_id, vantage, index))
        if head is None:
            site, _slash, rest = check_id.partition("/")
            # In the order of their names: InfluxDB then need not sort them.
            tags = {"asset": f"{site}/{rest.partition('/')[0]}", "check": check_id, "index": index, "site": site,
                    "vantage": vantage}  # fmt: skip
            named = ",".join(f"{key}={_escaped(value)}" for key, value in tags.items() if value)
            head = self._heads[check_id, vantage, index] = f"netmon,{named}"
        return head


def _escaped(text: str) -> str:
    """A tag's value: a backslash cannot be written at all places, so it becomes a slash; a line has no line breaks."""
    return text.encode("utf-8", "replace").decode().translate(_ESCAPES)
