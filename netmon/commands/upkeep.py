"""``netmon reload``, ``maintenance``, ``emergency`` and ``audit``: acting on a running netmon, and who did so."""

from __future__ import annotations

import json
import time
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from netmon.commands.control import ask
from netmon.commands.terminal import DEFAULT_DATA, EXIT_FAULT, EXIT_NO, EXIT_USAGE, DataOption, JsonOption, fail, say
from netmon.i18n import _
from netmon.model import LOCAL
from netmon.words import moment, printable

__all__ = ["audit", "emergency", "maintenance", "reload"]

maintenance = typer.Typer(help="Windows in which nothing that is worked on counts as down.", no_args_is_help=True)
emergency = typer.Typer(help="While one is declared, no test that loads a link is run.", no_args_is_help=True)


def reload(data: DataOption = DEFAULT_DATA) -> None:
    """Make the running netmon read its inventory again. With mistakes it goes on with the one before."""
    ask(data, "/reload", {})
    say(_("netmon has reloaded its inventory"))


@maintenance.command("list")
def list_windows(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """The windows that are open, announced, or due within two weeks."""
    windows = ask(data, "/upkeep")["windows"]
    if as_json:
        say(json.dumps(windows, ensure_ascii=False))
        return
    table = Table()
    for head in (_("window"), _("from, until")):
        table.add_column(head, no_wrap=True)
    for head in (_("what is worked on"), _("reason"), _("announced by")):
        table.add_column(head, overflow="fold")
    for window in windows:
        when = f"{moment(window['from_ns'])}\n{moment(window['until_ns'])}"
        what = ", ".join([*window["sites"], *window["assets"]]) or _("everything")
        name = window["id"] + (f"\n{_('open now')}" if window["open"] else "")
        texts = (printable(what), printable(window["reason"]), printable(window["author"]) or _("the inventory"))
        table.add_row(escape(name), when, *map(escape, texts))
    Console(highlight=False).print(table)


@maintenance.command("add")
def add_window(
    reason: Annotated[str, typer.Argument(help="Why, in one line.")],
    site: Annotated[list[str] | None, typer.Option(help="A site that is worked on.")] = None,
    equipment: Annotated[list[str] | None, typer.Option(help="Equipment that is worked on: site/equipment.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All sites.")] = False,
    start: Annotated[str, typer.Option(help="2026-01-31T02:00, Asia/Shanghai; left out: now.")] = "",
    length: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")] = "2h",
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Announce a window. What was down before it began stays down in the record."""
    from netmon.config import parse_duration

    if everything == bool(site or equipment):
        fail(_("say --site or --equipment, or --everything"), EXIT_USAGE)
    try:
        seconds = parse_duration(length)
    except ValueError as error:
        fail(f"--for: {error}", EXIT_USAGE)
    from_ns = _moment_ns(start) if start else None
    begin_ns = time.time_ns() if from_ns is None else from_ns
    body = {
        "from_ns": from_ns, "until_ns": begin_ns + round(seconds * 1e9), "sites": site or [],
        "assets": equipment or [], "reason": reason,
    }  # fmt: skip
    _print_window(ask(data, "/maintenance", body), as_json)


@maintenance.command("end")
def end_window(
    window: Annotated[str, typer.Argument(help="The window's id: netmon maintenance list.")],
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """End a window now, or call it off."""
    _print_window(ask(data, "/maintenance/end", {"id": window}), as_json)


@emergency.command("declare")
def declare(
    reason: Annotated[str, typer.Argument(help="What happened, in one line.")], data: DataOption = DEFAULT_DATA
) -> None:
    """Declare an emergency."""
    found = ask(data, "/emergency", {"reason": reason})
    say(_("emergency {name} is declared").format(name=found["id"]))


@emergency.command("end")
def end_emergency(data: DataOption = DEFAULT_DATA) -> None:
    """Say that the emergency is over."""
    found = ask(data, "/emergency/end", {})
    say(_("emergency {name} is over").format(name=found["id"]))


@emergency.command("show")
def show_emergency(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Whether an emergency is declared: exit code 1 if none is."""
    found = ask(data, "/upkeep")["emergency"]
    if as_json:
        say(json.dumps(found, ensure_ascii=False))
    elif found is None:
        say(_("No emergency is declared."))
    else:
        say(_("Declared {time} by {author}:").format(time=moment(found["from_ns"]), author=found["author"])
            + " " + printable(found["reason"]))  # fmt: skip
    if found is None:
        raise typer.Exit(EXIT_NO)


def audit(
    actor: Annotated[str, typer.Option(help="Of this user.")] = "",
    action: Annotated[str, typer.Option(help="This action, such as reload.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the newest.")] = 100,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Print who did what, newest first; beside a running netmon or without one."""
    from netmon.archive import ArchiveError, Reader

    try:
        with Reader.open(data) as reader:
            wanted = (
                event
                for event in reader.events("action", newest_first=True)
                if actor in ("", event.detail["actor"]) and action in ("", event.detail["action"])
            )
            events = list(islice(wanted, limit))
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    if as_json:
        for event in events:
            say(json.dumps({"at_ns": event.at_ns, **event.detail}, ensure_ascii=False))
        return
    names = ("actor", "role", "source", "action", "subject", "outcome")
    table = Table(_("time"), _("user"), _("role"), _("where from"), _("action"), _("on what"), _("outcome"))
    for event in events:
        table.add_row(moment(event.at_ns), *(escape(printable(str(event.detail.get(name, "")))) for name in names))
    Console(highlight=False).print(table)


def _print_window(window: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say(json.dumps(window, ensure_ascii=False))
        return
    text = _("window {name}: from {start} until {end}")
    say(text.format(name=window["id"], start=moment(window["from_ns"]), end=moment(window["until_ns"])))


def _moment_ns(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        local = moment if moment.tzinfo is not None else moment.replace(tzinfo=LOCAL)
        return round(local.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        fail(_("{text} is no moment: write 2026-01-31T02:00").format(text=printable(text)), EXIT_USAGE)
