"""Codes as words and colours: the same ones on every panel. A colour never stands alone, its word is beside it."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMapping, ValueMappingResult

from netmon.config.defaults import EQUIPMENT_CHECKS
from netmon.i18n import _, _n
from netmon.impact import EffectiveStatus
from netmon.targets.verdict import BEST_FIRST, Verdict
from netmon.targets.words import verdict_word
from netmon.words import effective_word, equipment_kind_word
from probes.base import StateClass

__all__ = ["MEANINGS", "kinds", "meanings", "statuses", "switch", "verdicts", "words", "yes_or_no"]

STATUS_COLORS: Final = {
    EffectiveStatus.UP: "green",
    EffectiveStatus.STANDBY: "blue",
    EffectiveStatus.MAINTENANCE: "purple",
    EffectiveStatus.DEGRADED: "orange",
    EffectiveStatus.UNKNOWN: "#8e8e9c",
    EffectiveStatus.UNREACHABLE: "dark-red",
    EffectiveStatus.DOWN: "red",
}
VERDICT_COLORS: Final = {
    Verdict.MET: "green",
    Verdict.MET_BY_DOCUMENTS: "semi-dark-green",
    Verdict.NOT_IMPLEMENTED: "#6e7a8a",
    Verdict.CANNOT_BE_JUDGED: "#8e8e9c",
    Verdict.NOT_ENOUGH_DATA: "orange",
    Verdict.NOT_MET: "red",
}
MEANINGS: Final = {
    StateClass.OK: ("green", _n("in order")),
    StateClass.NOT_MONITORED: ("#8e8e9c", _n("not told by the device")),
    StateClass.DEGRADED: ("orange", _n("impaired")),
    StateClass.FAULT: ("red", _n("fault")),
}
"""The worst last: codes of device states are places in it."""


def statuses() -> list[ValueMapping]:
    """Of :func:`grafana.query.status`."""
    return _mapping([(effective_word(word), STATUS_COLORS[word]) for word in EffectiveStatus])


def verdicts() -> list[ValueMapping]:
    """Of verdicts by their place in ``BEST_FIRST``."""
    return _mapping([(verdict_word(verdict), VERDICT_COLORS[verdict]) for verdict in BEST_FIRST])


def meanings() -> list[ValueMapping]:
    """Of what a device's state means, by its place in :data:`MEANINGS`."""
    return _mapping([(_(text), color) for color, text in MEANINGS.values()])


def switch(off: str, on: str, *, off_color: str = "green", on_color: str = "red") -> list[ValueMapping]:
    """Of 0 and 1."""
    return _mapping([(off, off_color), (on, on_color)])


def kinds() -> dict[str, str]:
    """Kinds of equipment in words."""
    return {kind: equipment_kind_word(kind) for kind in EQUIPMENT_CHECKS}


def yes_or_no() -> list[ValueMapping]:
    """Of 1 and 0 where 1 is good."""
    return switch(_("no"), _("yes"), off_color="red", on_color="green")


def words(texts: dict[str, str]) -> list[ValueMapping]:
    """Of a label's words."""
    return [ValueMap({word: ValueMappingResult(text=text, index=at) for at, (word, text) in enumerate(texts.items())})]


def _mapping(entries: list[tuple[str, str]]) -> list[ValueMapping]:
    return [
        ValueMap(
            {
                str(code): ValueMappingResult(text=text, color=color, index=code)
                for code, (text, color) in enumerate(entries)
            }
        )
    ]
