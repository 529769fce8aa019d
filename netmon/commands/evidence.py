"""``netmon evidence``: figures, documents and drills that people enter."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from netmon.commands.control import ask
from netmon.commands.terminal import DEFAULT_DATA, EXIT_FAULT, EXIT_USAGE, DataOption, JsonOption, fail, say
from netmon.i18n import _
from netmon.model import LOCAL, midnight_ns
from netmon.words import printable

__all__ = ["app"]

app = typer.Typer(help="Figures, documents and drills that people enter.", no_args_is_help=True)

OnOption = Annotated[str, typer.Option("--on", help="The day that it is about, such as 2026-01-31; left out: today.")]
CriterionOption = Annotated[str, typer.Option(help="One criterion of the target; left out: all that need it.")]
NoteOption = Annotated[str, typer.Option(help="In one line.")]
FileOption = Annotated[Path | None, typer.Option("--file", help="The document: its name and checksum are kept.")]


@app.command()
def figure(
    target: Annotated[str, typer.Argument(help="The target's id.")],
    value: Annotated[str, typer.Argument(help="A share, such as 93%.")],
    on: OnOption = "",
    criterion: CriterionOption = "",
    note: NoteOption = "",
    file: FileOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Enter a figure that netmon did not measure."""
    from netmon.config import parse_share

    try:
        share = parse_share(value)
    except ValueError as error:
        fail(str(error), EXIT_USAGE)
    _enter(data, {"target": target, "kind": "figure", "value": share, "criterion": criterion, "note": note}, on, file)


@app.command()
def document(
    target: Annotated[str, typer.Argument(help="The target's id.")],
    file: Annotated[Path, typer.Argument(help="The document: its name and checksum are kept.")],
    says_met: Annotated[bool, typer.Option("--met/--not-met", help="What it says.")] = True,
    on: OnOption = "",
    criterion: CriterionOption = "",
    note: NoteOption = "",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Enter a document that says whether a criterion is met: a contract, an acceptance paper."""
    entry = {"target": target, "kind": "document", "passed": says_met, "criterion": criterion, "note": note}
    _enter(data, entry, on, file)


@app.command()
def drill(
    target: Annotated[str, typer.Argument(help="The target's id.")],
    subject: Annotated[str, typer.Argument(help="The equipment (site/equipment) or the site that was drilled.")],
    passed: Annotated[bool, typer.Option("--passed/--failed", help="How it went.")] = True,
    on: OnOption = "",
    note: NoteOption = "",
    file: FileOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Enter a drill."""
    _enter(data, {"target": target, "kind": "drill", "subject": subject, "passed": passed, "note": note}, on, file)


@app.command("import")
def import_table(
    table: Annotated[Path, typer.Argument(help="CSV or xlsx: columns target, kind, day, value, passed, ...")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Enter a table, all of it or nothing: docs/targets.md names its columns."""
    from netmon.targets.table import TableError, read_table

    try:
        entries = read_table(table)
    except TableError as error:
        fail(str(error), EXIT_USAGE)
    if not entries:
        fail(_("{path} holds no entry").format(path=table), EXIT_USAGE)
    made = ask(data, "/evidence", {"entries": entries})["entries"]
    say(_("{count} entries are entered").format(count=len(made)))


@app.command()
def withdraw(entry: Annotated[str, typer.Argument(help="The entry's id.")], data: DataOption = DEFAULT_DATA) -> None:
    """Take an entry back: it stays in the record, and counts no more."""
    ask(data, "/evidence/withdraw", {"id": entry})
    say(_("{name} counts no more").format(name=entry))


@app.command("list")
def list_entries(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Print what was entered and counts; beside a running netmon or without one."""
    from netmon.archive import ArchiveError, Reader
    from netmon.targets.documents import read_entries

    try:
        with Reader.open(data) as reader:
            entries = read_entries(reader)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    if as_json:
        for entry in entries:
            say(json.dumps(asdict(entry), ensure_ascii=False))
        return
    table = Table(_("entry"), _("day"), _("target"), _("what"), _("entered by"), _("file"), _("note"))
    for entry in entries:
        what = [entry.kind, entry.criterion, entry.subject]
        what += [f"{entry.value:.1%}"] if entry.value is not None else [_("passed") if entry.passed else _("failed")]
        cells = (
            entry.id, _day(entry.at_ns), entry.target, " ".join(filter(None, what)),
            f"{entry.author} {_day(entry.entered_ns)}", f"{entry.file} {entry.sha256[:12]}".strip(), entry.note,
        )  # fmt: skip
        table.add_row(*(escape(printable(cell)) for cell in cells))
    Console(highlight=False).print(table)


def _enter(data: Path, entry: dict[str, object], on: str, file: Path | None) -> None:
    from netmon.archive import sha256

    try:
        day = date.fromisoformat(on) if on else datetime.now(LOCAL).date()
    except ValueError:
        fail(_("{value} is no date").format(value=printable(on)), EXIT_USAGE)
    try:
        named = {} if file is None else {"file": file.name, "sha256": sha256(file)}
    except OSError as error:
        fail(_("{path} cannot be read: {error}").format(path=file, error=error.strerror), EXIT_USAGE)
    (made,) = ask(data, "/evidence", {"entries": [{**entry, **named, "at_ns": midnight_ns(day)}]})["entries"]
    say(_("{name} is entered").format(name=made["id"]))


def _day(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns / 1e9, LOCAL):%Y-%m-%d}"
