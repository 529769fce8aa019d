"""``netmon targets``: how each target of the plan stands, from the archive."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from netmon.commands.terminal import (
    DEFAULT_DATA,
    DEFAULT_REGISTER,
    EXIT_FAULT,
    EXIT_USAGE,
    DataOption,
    JsonOption,
    fail,
    say,
)
from netmon.i18n import _, current_language
from netmon.model import LOCAL
from netmon.targets.verdict import Verdict
from netmon.words import moment, printable

if TYPE_CHECKING:
    from netmon.targets.plain import Report

__all__ = ["targets"]

COLOURS = {
    Verdict.MET: "green",
    Verdict.MET_BY_DOCUMENTS: "green",
    Verdict.NOT_IMPLEMENTED: "cyan",
    Verdict.CANNOT_BE_JUDGED: "blue",
    Verdict.NOT_ENOUGH_DATA: "magenta",
    Verdict.NOT_MET: "bold red",
}


def targets(
    register: Annotated[Path, typer.Option(help="The register of targets.")] = DEFAULT_REGISTER,
    data: DataOption = DEFAULT_DATA,
    year: Annotated[int, typer.Option(min=0, max=2200, help="The year in Asia/Shanghai; 0: this one.")] = 0,
    all_parts: Annotated[bool, typer.Option("--all", help="Every part, not only the worst.")] = False,
    as_json: JsonOption = False,
) -> None:
    """How each target of the plan stands: a year, or this year so far."""
    import probes
    from netmon.archive import ArchiveError, Reader
    from netmon.config import ConfigError
    from netmon.targets.evaluation import evaluate
    from netmon.targets.plain import Report, to_plain
    from netmon.targets.register import load_register
    from netmon.targets.standing import year as bounds_of
    from netmon.targets.trend import NOTED, trends

    now_ns = time.time_ns()
    number = year or datetime.fromtimestamp(now_ns / 1e9, LOCAL).year
    begin_ns, end_ns = bounds_of(number)
    if begin_ns >= now_ns:
        fail(_("the year {year} has not begun").format(year=number), EXIT_USAGE)
    try:
        loaded = load_register(register, kinds=probes.KINDS)
        with Reader.open(data) as reader:
            until_ns = min(end_ns, now_ns)
            found = evaluate(reader, loaded, kinds=probes.KINDS, since_ns=begin_ns, until_ns=until_ns)
            noted = reader.events(NOTED, since_ns=begin_ns)
            report = Report(
                year=number,
                since_ns=begin_ns,
                until_ns=until_ns,
                begun_ns=found.begun_ns,
                standings=found.standings,
                damaged=tuple(sorted(reader.damaged)),
                trends=trends(found.standings, noted, since_ns=begin_ns, now_ns=until_ns),
            )
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    for name in report.damaged:
        typer.echo(_("{file} cannot be read: what it holds is missing").format(file=name), err=True)
    if as_json:
        say(json.dumps(to_plain(report), ensure_ascii=False))
        return
    console = Console(highlight=False)
    console.print(_table(report, all_parts))
    console.print(_begun(report))


def _begun(report: Report) -> str:
    if report.begun_ns is None:
        return _("Nothing was monitored in this year.")
    if report.begun_ns == report.since_ns:
        return _("Monitored since the year began.")
    return _("Monitored since {moment}: a part of the year.").format(moment=moment(report.begun_ns))


def _table(report: Report, all_parts: bool) -> Table:
    from netmon.targets.words import figure_of, sentence, trend_words, verdict_word

    language = current_language()
    table = Table(
        _("target"), _("verdict"), _("about"), _("figure"), _("why"), _("trend"),
        title=_("Targets of the plan, {year}").format(year=report.year),
    )  # fmt: skip
    for standing in report.standings:
        parts = standing.parts if all_parts else standing.parts[:1]
        for place, part in enumerate(parts):
            verdict = part.finding.verdict if all_parts else standing.verdict
            colour = COLOURS[verdict]
            about = " ".join([part.criterion.name.in_language(language), part.subject]).strip()
            table.add_row(
                escape(standing.target.name.in_language(language)) if place == 0 else "",
                f"[{colour}]{verdict_word(verdict)}[/{colour}]",
                escape(printable(about)),
                escape(figure_of(part)),
                escape(sentence(part)),
                trend_words(trend) if place == 0 and (trend := report.trends.get(standing.target.id)) else "",
            )
    return table
