"""Observations as rows and cells of a terminal's table."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from netmon.i18n import _, current_language
from netmon.model import Observation, Status
from netmon.words import duration, figure, reason_sentence, status_word

__all__ = ["COLOURS", "printable", "status_cell", "status_table", "summary"]

COLOURS = {
    Status.UP: "green",
    Status.DEGRADED: "yellow",
    Status.DOWN: "bold red",
    Status.UNKNOWN: "magenta",
    Status.STANDBY: "cyan",
}


def printable(text: str) -> str:
    """A device's words without control characters, which could take a terminal over."""
    return "".join(ch if ch.isprintable() else "�" for ch in text)


def status_cell(status: Status) -> str:
    """The status as a word, in its colour."""
    return f"[{COLOURS[status]}]{status_word(status)}[/{COLOURS[status]}]"


MAIN_FIGURES = (
    "rtt_median_seconds", "loss_ratio", "rtt_median_seconds[far]", "loss_ratio[far]", "total_seconds",
    "connect_seconds", "lookup_seconds", "vswr_ratio",
)  # fmt: skip


def summary(observation: Observation) -> str:
    """Why it is not well, or the main figures."""
    if observation.reasons:
        return "; ".join(reason_sentence(reason) for reason in observation.reasons)
    readings = observation.readings
    return ", ".join(f"{key} {figure(key, readings[key])}" for key in MAIN_FIGURES if key in readings)


ORDER = (Status.DOWN, Status.UNKNOWN, Status.DEGRADED, Status.STANDBY, Status.UP)


def status_table(config: Any, latest: dict[str, Observation], now_ns: int, *, title: str = "") -> Table:
    """Every check of the inventory, the worst first. What was never measured, or too long ago, is unknown."""
    language = current_language()
    rows: list[tuple[int, str, list[str]]] = []
    for check in config.checks.values():
        observation = latest.get(check.id)
        site, asset = config.sites[check.site], config.assets[check.asset]
        names = [site.name.in_language(language) or site.id, asset.name.in_language(language) or asset.id]
        if observation is None:
            state, age, why = Status.UNKNOWN, "-", _("not measured yet")
        else:
            seconds = (now_ns - observation.started_ns) / 1e9
            stale = seconds > 2 * check.interval_seconds + check.timeout_seconds
            state = Status.UNKNOWN if stale else observation.status
            age, why = duration(seconds), _("no recent figure") if stale else summary(observation)
        cells = [*map(escape, names), check.id.rpartition("/")[2], status_cell(state), age, escape(printable(why))]
        rows.append((ORDER.index(state), check.id, cells))
    if config.sample and not title:
        title = _("SAMPLE: no real network")
    table = Table(
        _("site"), _("equipment"), _("check"), _("status"), _("age"), _("why, or figures"), title=escape(title)
    )
    for _rank, _check, cells in sorted(rows):
        table.add_row(*cells)
    return table
