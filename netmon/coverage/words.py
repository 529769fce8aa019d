"""Figures of coverage in words, each with its class of terminals, level, denominator and date."""

from __future__ import annotations

import math

from netmon.coverage.definition import Terminal
from netmon.coverage.figures import AreaFigures, Available, Surveyed
from netmon.i18n import _, current_language
from netmon.words import moment

__all__ = ["area_name", "available_words", "basis", "criterion_words", "share_words", "terminal_name"]


def terminal_name(terminal: Terminal) -> str:
    """In the current language."""
    return terminal.name.in_language(current_language()) or terminal.id


def area_name(surveyed: Surveyed, area_id: str) -> str:
    """In the current language; of all areas together if it is empty."""
    if not area_id:
        return _("all areas")
    area = next((area for area in surveyed.definition.areas if area.id == area_id), None)
    return area_id if area is None else area.name.in_language(current_language()) or area_id


def criterion_words(terminal: Terminal) -> str:
    """When a tile counts as covered."""
    parts = []
    if terminal.least_dbm is not None:
        parts.append(_("median of at least {dbm:g} dBm").format(dbm=terminal.least_dbm))
    if terminal.most_ber is not None:
        parts.append(_("bit errors of at most {percent:g} %").format(percent=terminal.most_ber * 100))
    if terminal.least_quality is not None:
        parts.append(_("voice quality of at least {quality:g}").format(quality=terminal.least_quality))
    return ", ".join(parts)


def basis(surveyed: Surveyed) -> str:
    """What a figure of this survey is about: class, level, denominator, survey and day."""
    denominator = _("tiles drawn at random in each area") if surveyed.definition.draw else _("all tiles of the area")
    return _("{terminal}: {level}; share of {denominator}; survey {survey}, ended on {day}").format(
        terminal=terminal_name(surveyed.terminal), level=criterion_words(surveyed.terminal), denominator=denominator,
        survey=surveyed.survey, day=moment(surveyed.at_ns)[:10],
    )  # fmt: skip


def share_words(tiles: float, planned: int, *, up: bool = False) -> str:
    """A share in percent, rounded to what is worse: down, or ``up`` where more is worse; a dash without tiles."""
    if not planned:
        return "-"
    tenths = tiles / planned * 1000
    return f"{(math.ceil(tenths - 1e-9) if up else math.floor(tenths + 1e-9)) / 10:.1f} %"


def available_words(area: AreaFigures, available: Available) -> str:
    """What is available, at the least and at the most."""
    low, high = share_words(available.low, area.planned), share_words(available.high, area.planned)
    return low if low == high else _("{low} to {high}").format(low=low, high=high)
