"""``netmon alerts``, ``ack``, ``silence`` and ``test-mail``."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from netmon.commands.control import ask
from netmon.commands.terminal import DEFAULT_DATA, EXIT_NO, EXIT_USAGE, DataOption, JsonOption, fail, say
from netmon.i18n import _, use_language
from netmon.words import duration, moment, printable, reason_sentence

__all__ = ["ack", "alerts", "mail_test", "silence"]

silence = typer.Typer(help="Tell nobody about something for a time.", no_args_is_help=True)
DEFAULT_ALERTS = Path("config/alerts.yaml")
COLOURS = {"minor": "yellow", "major": "red", "critical": "bold red"}


def alerts(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """The alerts that last. Exit code 1 if there are any."""
    from netmon.model import Reason

    found = ask(data, "/alerts")
    if as_json:
        say(json.dumps(found, ensure_ascii=False))
    else:
        table = Table(_("alert"), _("severity"), _("what"), _("since"), _("how bad"), _("cut off by it"), _("in hand"))
        for alert in found["alerts"]:
            reasons = [Reason(**why) for each in alert["wrong"] for why in each["reasons"]]
            length = duration(time.time() - alert["since_ns"] / 1e9)
            colour = COLOURS[alert["severity"]]
            table.add_row(
                alert["id"], f"[{colour}]{_(alert['severity'])}[/{colour}]", escape(printable(alert["asset"])),
                f"{moment(alert['since_ns'])}\n{length}",
                escape("\n".join(printable(reason_sentence(why)) for why in reasons)), str(len(alert["behind"])),
                escape(printable(alert["acknowledged"])),
            )  # fmt: skip
        Console(highlight=False).print(table if found["alerts"] else _("No alert lasts."))
        if found["outbox"]["waiting"]:
            say(_("{count} messages wait").format(count=found["outbox"]["waiting"]))
    if found["alerts"]:
        raise typer.Exit(EXIT_NO)


def ack(
    alert: Annotated[str, typer.Argument(help="The alert's id: netmon alerts.")], data: DataOption = DEFAULT_DATA
) -> None:
    """Take an alert in hand: everybody sees by whom."""
    ask(data, "/alerts/acknowledge", {"id": alert})
    say(_("{name} is in hand").format(name=alert))


@silence.command("add")
def add_silence(
    reason: Annotated[str, typer.Argument(help="Why, in one line.")],
    site: Annotated[str, typer.Option(help="A site.")] = "",
    equipment: Annotated[str, typer.Option(help="Equipment: site/equipment.")] = "",
    everything: Annotated[bool, typer.Option("--everything", help="All sites.")] = False,
    length: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")] = "2h",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Tell nobody about a site or a piece of equipment; it is shown and recorded all the same."""
    from netmon.config import parse_duration

    if sum(map(bool, (site, equipment, everything))) != 1:
        fail(_("say --site or --equipment, or --everything"), EXIT_USAGE)
    try:
        seconds = parse_duration(length)
    except ValueError as error:
        fail(f"--for: {error}", EXIT_USAGE)
    body = {
        "sites": [site] if site else [], "assets": [equipment] if equipment else [], "reason": reason,
        "until_ns": time.time_ns() + round(seconds * 1e9),
    }  # fmt: skip
    made = ask(data, "/silences", body)
    say(_("silence {name} until {end}").format(name=made["id"], end=moment(made["until_ns"])))


@silence.command("list")
def list_silences(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """The silences that hold."""
    found = ask(data, "/alerts")["silences"]
    if as_json:
        say(json.dumps(found, ensure_ascii=False))
        return
    table = Table(_("silence"), _("what"), _("until"), _("reason"), _("author"))
    for each in found:
        cells = (each["id"], each["what"] or _("everything"), moment(each["until_ns"]), each["reason"], each["author"])
        table.add_row(*(escape(printable(cell)) for cell in cells))
    Console(highlight=False).print(table)


@silence.command("end")
def end_silence(
    name: Annotated[str, typer.Argument(help="The silence's id.")], data: DataOption = DEFAULT_DATA
) -> None:
    """Tell again."""
    ask(data, "/silences/end", {"id": name})
    say(_("{name} counts no more").format(name=name))


def mail_test(
    settings: Annotated[Path, typer.Option(help="Who is told.")] = DEFAULT_ALERTS,
    to: Annotated[str, typer.Option(help="Only to this address, which need not be in the file.")] = "",
) -> None:
    """Send a test mail to everybody who is told, by each server, and say what the servers answered.

    Where an Alertmanager delivers, it is told of an alert that says that it is a test.
    """
    from netmon.alerts import letter
    from netmon.alerts.manager import try_out
    from netmon.alerts.outbox import Message
    from netmon.alerts.senders import Outcome, send_mail
    from netmon.alerts.settings import Recipient, load_settings
    from netmon.config import ConfigError

    try:
        found = load_settings(settings, os.environ)
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)
    if found.alertmanager:
        annotations: dict[str, str] = {}
        for language in ("zh", "en"):
            use_language(language)
            annotations |= letter.trial_in_annotations()
        fault = asyncio.run(try_out(found.alertmanager, annotations, time.time_ns()))
        say(f"{found.alertmanager}: {_('not taken now') if fault else _('taken')} {printable(fault)}".rstrip())
        raise typer.Exit(EXIT_NO if fault else 0)
    recipients = [Recipient(address=to)] if to else list(found.recipients)
    if not found.servers or not recipients:
        fail(_("{path} names no mail server and nobody to tell").format(path=settings), EXIT_USAGE)
    well = True
    for server in found.servers:
        for recipient in recipients:
            use_language(recipient.language)
            mail = letter.trial(recipient, found, time.time_ns())
            message = Message(
                message_id=str(mail["Message-ID"]), channel="mail", recipient=recipient.address,
                content=mail.as_bytes(),
            )  # fmt: skip
            answer = asyncio.run(send_mail([server], found.sender, message))
            well = well and answer.outcome is Outcome.SENT
            words = {
                Outcome.SENT: _("taken"), Outcome.LATER: _("not taken now"), Outcome.REFUSED: _("refused for good"),
            }  # fmt: skip
            say(f"{recipient.address}: {words[answer.outcome]}: {printable(answer.text)}")
    raise typer.Exit(0 if well else EXIT_NO)
