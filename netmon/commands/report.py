"""``netmon report``: the targets of a period as files for the office, and whether they still hold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from netmon.commands.terminal import (
    DEFAULT_DATA,
    DEFAULT_REGISTER,
    EXIT_FAULT,
    EXIT_NO,
    EXIT_USAGE,
    DataOption,
    fail,
    say,
)
from netmon.i18n import _
from netmon.model import LOCAL
from netmon.words import printable

if TYPE_CHECKING:
    from netmon.report.period import Period
    from netmon.report.shapes import EmergencyFacts, Facts

__all__ = ["app"]

T = TypeVar("T", bound=str)

app = typer.Typer(help="The targets of a period as files, with evidence.", invoke_without_command=True)

RegisterOption = Annotated[Path, typer.Option(help="The register of targets.")]
LangOption = Annotated[str, typer.Option(help="zh, en")]


@app.callback(invoke_without_command=True)
def make(
    context: typer.Context,
    register: RegisterOption = DEFAULT_REGISTER,
    data: DataOption = DEFAULT_DATA,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("report"),
    year: Annotated[str, typer.Option(help="2025, or 2021-2025 for a whole plan.")] = "",
    month: Annotated[str, typer.Option(help="2025-03.")] = "",
    since: Annotated[str, typer.Option(help="First day.")] = "",
    until: Annotated[str, typer.Option(help="Last day.")] = "",
    site: Annotated[str, typer.Option(help="Only this site, by its id.")] = "",
    emergency: Annotated[str, typer.Option(help="Instead of a period: an emergency by its id, or last.")] = "",
    formats: Annotated[str, typer.Option("--format", help="xlsx, pdf, csv, json")] = "xlsx,pdf,csv,json",
    lang: LangOption = "zh,en",
    issued: Annotated[str, typer.Option(help="The day that stands on it; today if it is not given.")] = "",
) -> None:
    """Write a report of a period, or of an emergency."""
    if context.invoked_subcommand is not None:
        return
    from netmon.report.files import FORMATS
    from netmon.report.files import make as made
    from netmon.report.manifest import ReportError, write
    from netmon.report.period import PeriodError, period_of
    from netmon.report.tables import REPORT_LANGUAGES

    wanted = _words(formats, FORMATS, "--format")
    languages = _words(lang, REPORT_LANGUAGES, "--lang")
    facts: Facts | EmergencyFacts
    if emergency:
        if year or month or since or until or site:
            fail(_("--emergency stands alone: it has its own time, and is about the whole county"), EXIT_USAGE)
        facts = _emergency(data, emergency, issued=_day(issued))
    else:
        try:
            period = period_of(year=year, month=month, since=since, until=until)
        except PeriodError as error:
            fail(str(error), EXIT_USAGE)
        facts = _facts(register, data, period, issued=_day(issued), site=site)
    try:
        planned = made(facts, wanted, languages)
        with _progress() as progress:
            task = progress.add_task(_("writing"), total=len(planned))
            files = write(out, facts, planned, lambda: progress.advance(task))
    except ReportError as error:
        fail(str(error), EXIT_FAULT)
    for name in facts["damaged"]:
        typer.echo(_("{file} cannot be read: what it holds is missing").format(file=printable(name)), err=True)
    for path in files:
        say(str(path))


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="The folder of the report.")],
    register: RegisterOption = DEFAULT_REGISTER,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make the figures of a report again and name everything that differs; exit code 1 if something does."""
    from netmon.report.manifest import ReportError, differences, read_facts, read_manifest
    from netmon.report.period import Period

    try:
        manifest = read_manifest(folder)
        old = read_facts(folder, manifest["name"])
    except ReportError as error:
        fail(str(error), EXIT_USAGE)
    issued = date.fromisoformat(old["issued"])
    new: Facts | EmergencyFacts
    if old["kind"] == "emergency":
        until_ns = None if old["emergency"]["until"] else _ns(old["known_until"])
        new = _emergency(data, old["emergency"]["id"], issued=issued, until_ns=until_ns)
    else:
        period = Period(date.fromisoformat(old["period"]["first"]), date.fromisoformat(old["period"]["last"]))
        site = old["site"]["id"] if old["site"] else ""
        until_ns = _ns(old["period"]["known_until"])
        new = _facts(register, data, period, issued=issued, until_ns=until_ns, site=site)
    found = list(differences(folder, data / "days", manifest, old, new))
    for line in found:
        say(printable(line))
    if found:
        raise typer.Exit(EXIT_NO)
    say(_("All of it holds: {count} files, {evidence} files of evidence.").format(
        count=len(manifest["files"]), evidence=len(manifest["evidence"])))  # fmt: skip


@app.command()
def handover(
    data: DataOption = DEFAULT_DATA,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("report"),
    lang: LangOption = "zh",
) -> None:
    """Write the sheet that a shift hands to the next: the last 24 hours on one page."""
    import probes
    from netmon.archive import ArchiveError
    from netmon.config import ConfigError
    from netmon.report.handover import handover as made
    from netmon.report.tables import REPORT_LANGUAGES
    from netmon.report.texts import in_language

    try:
        for language in _words(lang, REPORT_LANGUAGES, "--lang"):
            sheet = in_language(language, lambda: made(data, probes.KINDS, language, now_ns=_now_ns()))  # noqa: B023 (now)
            out.mkdir(parents=True, exist_ok=True)
            path = out / f"netmon-handover.{language}.pdf"
            path.write_bytes(sheet)
            say(str(path))
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    except OSError as error:
        fail(_("{path} cannot be written: {error}").format(path=out, error=error), EXIT_FAULT)


def _ns(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp()) * 10**9


def _now_ns() -> int:
    """To the second: a report says no more."""
    return time.time_ns() // 10**9 * 10**9


def _facts(
    register: Path, data: Path, period: Period, *, issued: date, until_ns: int | None = None, site: str = ""
) -> Facts:
    import probes
    from netmon.archive import ArchiveError, Reader
    from netmon.config import ConfigError
    from netmon.report.facts import collect
    from netmon.report.period import PeriodError
    from netmon.targets.register import load_register

    now_ns = _now_ns()
    if period.since_ns >= now_ns:
        fail(_("{period} has not begun").format(period=period.name), EXIT_USAGE)
    try:
        with _progress() as progress, Reader.open(data) as reader:
            task = progress.add_task(_("reading the archive"), total=None)
            return collect(
                reader, load_register(register, kinds=probes.KINDS), probes.KINDS, period, issued=issued,
                until_ns=now_ns if until_ns is None else until_ns, site=site,
                advance=lambda done, of: progress.update(task, completed=done, total=of),
            )  # fmt: skip
    except (ConfigError, PeriodError) as error:
        fail(str(error), EXIT_USAGE)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)


def _emergency(data: Path, name: str, *, issued: date, until_ns: int | None = None) -> EmergencyFacts:
    import probes
    from netmon.archive import ArchiveError, Reader
    from netmon.config import ConfigError
    from netmon.report.emergency import collect_emergency
    from netmon.report.period import PeriodError

    end_ns = _now_ns() if until_ns is None else until_ns
    try:
        with _progress() as progress, Reader.open(data) as reader:
            progress.add_task(_("reading the archive"), total=None)
            return collect_emergency(reader, probes.KINDS, name, issued=issued, until_ns=end_ns)
    except (ConfigError, PeriodError) as error:
        fail(str(error), EXIT_USAGE)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _words(text: str, known: Sequence[T], option: str) -> tuple[T, ...]:
    asked = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in asked:
        if word not in known:
            what = _("{option}: {word} is none of {known}")
            fail(what.format(option=option, word=printable(word), known=", ".join(known)), EXIT_USAGE)
    return tuple(word for word in known if word in asked or not asked)


def _day(text: str) -> date:
    if not text:
        return datetime.now(LOCAL).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(_("{value} is no day such as 2026-01-05").format(value=printable(text)), EXIT_USAGE)
