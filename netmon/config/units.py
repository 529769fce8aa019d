"""Figures with units, as a person writes them: ``30s``, ``1h30m``, ``50M``, ``5%``."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from netmon.config.errors import shown
from netmon.i18n import _

__all__ = ["UnitError", "duration_text", "parse_duration", "parse_quantity", "parse_share"]

SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[dhms]))+")
DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[dhms])")
PREFIXED = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kMG]?)")
PREFIXED_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
MAX_DIGITS = 20


class UnitError(ValueError):
    """A figure that cannot be read.

    Attributes:
        what: what is wrong.
        write: what to write instead.
    """

    def __init__(self, what: str, write: str) -> None:
        super().__init__(what)
        self.what = what
        self.write = write


def parse_duration(value: Any) -> float:
    """Seconds from ``90``, ``30s``, ``5m``, ``1h30m``, ``250ms`` or ``2d``.

    Raises:
        UnitError: it is no duration.
    """
    number = _number(value)
    if number is not None:
        return number
    if isinstance(value, str) and len(value) <= MAX_DIGITS and DURATION.fullmatch(value):
        return math.fsum(float(figure) * SECONDS[unit] for figure, unit in DURATION_PART.findall(value))
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(:[0-9]+)+", value):
        what = _("{value} is no duration: YAML readers take it for a number to the base of 60")
    else:
        what = _("{value} is no duration")
    raise UnitError(what.format(value=shown(value)), _("seconds, or a figure with ms, s, m, h or d, such as 30s or 5m"))


def duration_text(seconds: float) -> str:
    """The shortest way to write a duration that :func:`parse_duration` reads back exactly."""
    for unit in ("d", "h", "m"):
        count = seconds / SECONDS[unit]
        if count >= 1 and count == int(count) and count < 1000:
            return f"{int(count)}{unit}"
    return f"{seconds:.15g}s" if seconds < 1e15 and "e" not in f"{seconds:.15g}" else repr(seconds)


def parse_quantity(value: Any, name: str) -> float:
    """A figure in the base unit with which ``name`` ends.

    ``_bits_per_second`` and ``_bytes`` may be written ``50M`` (decimal k, M, G), ``_seconds`` as a duration, ``_ratio``
    as ``5%``.

    Raises:
        UnitError: it is no such figure.
    """
    number = _number(value)
    if number is not None:
        return number
    if name.endswith("_seconds"):
        return parse_duration(value)
    text = value if isinstance(value, str) and len(value) <= MAX_DIGITS else ""
    write = _("a number")
    if name.endswith("_bits_per_second"):
        write = _("a number of bits per second, such as 50M or 50000000")
        if found := PREFIXED.fullmatch(text):
            return float(found[1]) * PREFIXED_FACTORS[found[2]]
    elif name.endswith("_bytes"):
        write = _("a number of bytes, such as 5G or 5000000000")
        if found := PREFIXED.fullmatch(text):
            return float(found[1]) * PREFIXED_FACTORS[found[2]]
    elif name.endswith("_ratio"):
        write = _("a number such as 0.05, or 5%")
        if found := PERCENT.fullmatch(text):
            return float(Decimal(found[1]) / 100)  # 99.9 / 100 as floats is more than 0.999
    raise UnitError(_("{value} is no figure for {name}").format(value=shown(value), name=name), write)


def parse_share(value: Any) -> float:
    """A share from ``0.999`` or ``99.9%``.

    Raises:
        UnitError: it is none.
    """
    try:
        return float(value)
    except ValueError:
        return parse_quantity(value, "share_ratio")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
