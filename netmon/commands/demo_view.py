"""What ``netmon demo`` shows: a live screen on a terminal, otherwise one line for each thing that happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from netmon.commands.table import status_cell, status_table
from netmon.config import Config
from netmon.demo.scenario import Phase
from netmon.i18n import _, current_language
from netmon.words import duration

if TYPE_CHECKING:
    from netmon.app import App
    from netmon.demo.scenario import Injection, Scenario

__all__ = ["fault_table", "show"]

RECENT = 6
REFRESH_SECONDS = 1.0


async def show(netmon: App, scenario: Scenario, console: Console, *, url: str, notices: Sequence[str]) -> None:
    """Show until cancelled.

    Args:
        notices: what must be known first: that this is a simulation, and what is left out of it.
    """
    console.print(_opening(netmon.config, url, notices))
    if not console.is_terminal:
        await _tell(netmon.config, scenario, console)
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            now_ns = time.time_ns()
            parts = (
                _opening(netmon.config, url, notices),
                fault_table(netmon.config, scenario.injections, now_ns),
                status_table(netmon.config, netmon.latest, now_ns, title=_("checks, the worst first")),
            )
            live.update(Group(*parts), refresh=True)
            await asyncio.sleep(REFRESH_SECONDS)


def _opening(config: Config, url: str, notices: Sequence[str]) -> Text:
    text = Text()
    for notice in notices:
        text.append(f"{notice}\n", style="bold yellow")
    what = _("{sites} sites, {equipment} pieces of equipment, {checks} checks; board: {url} ; metrics: {url}metrics")
    text.append(
        what.format(sites=len(config.sites), equipment=len(config.assets), checks=len(config.checks), url=url) + "\n"
    )
    text.append(_("Ctrl-C ends it."))
    return text


def fault_table(config: Config, injections: Sequence[Injection], now_ns: int) -> Table:
    """The faults that are on now, and the last ones that are over; the newest first."""
    table = Table(_("where"), _("fault"), _("must show"), _("since"), _("noticed"), title=_("simulated faults"))
    on = [injection for injection in injections if injection.ended_ns is None]
    over = [injection for injection in injections if injection.ended_ns is not None]
    for injection in reversed(over[-max(0, RECENT - len(on)) :] + on):
        statuses = dict.fromkeys(injection.fault.effects.values())
        table.add_row(
            escape(_place(config, injection)),
            _(injection.fault.what),
            " ".join(map(status_cell, statuses)),
            duration((now_ns - injection.begun_ns) / 1e9),
            _phase(injection),
            style="dim" if injection.ended_ns is not None else "",
        )
    return table


def _place(config: Config, injection: Injection) -> str:
    """Site and equipment of the first check that the fault shows in."""
    check = config.checks[next(iter(injection.fault.effects))]
    language = current_language()
    site, asset = config.sites[check.site], config.assets[check.asset]
    return f"{site.name.in_language(language) or site.id}, {asset.name.in_language(language) or asset.id}"


def _phase(injection: Injection) -> str:
    match injection.phase:
        case Phase.WAITING:
            return _("not seen yet")
        case Phase.MISSED:
            return _("missed")
        case Phase.FOUND:
            return _("found after {seconds:.1f} s").format(seconds=max(injection.seen.values()))
        case Phase.OVER:
            return _("found after {seconds:.1f} s, over").format(seconds=max(injection.seen.values()))


async def _tell(config: Config, scenario: Scenario, console: Console) -> None:
    """A line whenever a fault begins, is found or missed, and ends."""
    told: dict[int, Phase] = {}
    while True:
        for number, injection in enumerate(scenario.injections):
            if told.get(number) is not injection.phase:
                told[number] = injection.phase
                line = f"{_place(config, injection)}: {_(injection.fault.what)}: {_phase(injection)}"
                console.print(line, markup=False)
        await asyncio.sleep(REFRESH_SECONDS)
