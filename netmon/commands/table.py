"""Observations as rows and cells of a terminal's table."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from netmon.i18n import _, current_language
from netmon.impact import EffectiveStatus, effective, span
from netmon.model import Observation
from netmon.words import duration, effective_word, figure, printable, reading_name, reason_sentence

__all__ = ["COLOURS", "status_cell", "status_table", "summary"]

COLOURS = {
    EffectiveStatus.UP: "green",
    EffectiveStatus.DEGRADED: "yellow",
    EffectiveStatus.DOWN: "bold red",
    EffectiveStatus.UNKNOWN: "magenta",
    EffectiveStatus.UNREACHABLE: "red",
    EffectiveStatus.MAINTENANCE: "blue",
    EffectiveStatus.STANDBY: "cyan",
}
WORST_FIRST = tuple(reversed(EffectiveStatus))


def status_cell(status: str) -> str:
    """A raw or effective status as a word, in its colour."""
    colour = COLOURS[EffectiveStatus(status)]
    return f"[{colour}]{effective_word(status)}[/{colour}]"


MAIN_FIGURES = (
    "rtt_median_seconds", "loss_ratio", "rtt_median_seconds[far]", "loss_ratio[far]", "total_seconds",
    "connect_seconds", "lookup_seconds", "vswr_ratio",
)  # fmt: skip


def summary(observation: Observation) -> str:
    """Why it is not well, or the main figures."""
    if observation.reasons:
        return "; ".join(reason_sentence(reason) for reason in observation.reasons)
    readings = observation.readings
    return ", ".join(f"{reading_name(key)} {figure(key, readings[key])}" for key in MAIN_FIGURES if key in readings)


def status_table(config: Any, latest: dict[str, Observation], now_ns: int, *, title: str = "") -> Table:
    """Every check of the inventory, the worst first. What was never measured, or too long ago, is unknown."""
    language = current_language()
    rows: list[tuple[int, str, list[str]]] = []
    loads: dict[str, list[tuple[int, int]]] = {}
    for test in config.checks.values():
        if test.exclusive and (last := latest.get(test.id)) is not None:
            loads.setdefault(test.asset, []).append(span(last))
    states = effective(tuple(config.checks.values()), config.assets, latest, (), now_ns, loads)
    for check in config.checks.values():
        observation, state = latest.get(check.id), states[check.id]
        site, asset = config.sites[check.site], config.assets[check.asset]
        names = [site.name.in_language(language) or site.id, asset.name.in_language(language) or asset.id]
        if observation is None:
            age, why = "-", _("not measured yet")
        else:
            age = duration((now_ns - observation.started_ns) / 1e9)
            why = _("no recent figure") if state.raw is None else summary(observation)
            why = f"{_('under test')}: {why}" if state.under_test else why
        cells = [*map(escape, names), check.id.rpartition("/")[2], status_cell(state.status), age,
                 escape(printable(why))]  # fmt: skip
        rows.append((WORST_FIRST.index(state.status), check.id, cells))
    if config.sample and not title:
        title = _("SAMPLE: no real network")
    table = Table(
        _("site"), _("equipment"), _("check"), _("status"), _("age"), _("why, or figures"), title=escape(title)
    )
    for _rank, _check, cells in sorted(rows):
        table.add_row(*cells)
    return table
