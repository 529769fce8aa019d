"""Commands. Exit codes: 0 done and well, 1 the answer is no, 2 wrong usage or configuration, 3 netmon itself failed."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from netmon import __version__
from netmon.commands import alerts, archive, coverage, evidence, inventory, profile, report, upkeep
from netmon.commands.demo import demo
from netmon.commands.reflector import reflector
from netmon.commands.table import COLOURS, status_cell, status_table, summary
from netmon.commands.targets import targets
from netmon.commands.terminal import (
    DEFAULT_DATA,
    DEFAULT_LISTEN,
    EXIT_FAULT,
    EXIT_NO,
    EXIT_USAGE,
    DataOption,
    JsonOption,
    complete,
    fail,
    listen_on,
    say,
)
from netmon.commands.users import check_web_config, hash_password
from netmon.i18n import _, language_from_environment, use_language
from netmon.impact import EffectiveStatus
from netmon.model import Check, Observation, Status
from netmon.words import figure, printable, reason_sentence, state_word, status_word

__all__ = ["app", "main"]

METHODS = ("verify", "search")

app = typer.Typer(
    help="netmon: health of emergency communications. Exit codes: 0 well, 1 the answer is no, 2 usage or "
    "configuration, 3 netmon itself failed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(archive.app, name="archive")
app.add_typer(coverage.app, name="coverage")
app.add_typer(evidence.app, name="evidence")
app.add_typer(inventory.app, name="inventory")
app.add_typer(upkeep.maintenance, name="maintenance")
app.add_typer(alerts.silence, name="silence")
app.add_typer(profile.app, name="profile")
app.add_typer(report.app, name="report")
app.add_typer(upkeep.emergency, name="emergency")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The inventory.")]
DEFAULT_CONFIG = Path("config/sites.yaml")


def _version(value: bool) -> None:
    if value:
        say(f"netmon {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    lang: Annotated[str, typer.Option(help="zh or en; the default follows the locale.")] = "",
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    try:
        use_language(lang or language_from_environment())
    except ValueError as error:
        fail(str(error), EXIT_USAGE)


def _load(path: Path) -> Any:
    import probes
    from netmon.config import ConfigError, load

    try:
        config = load(path, kinds=probes.KINDS)
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)
    for warning in config.warnings:
        typer.echo(str(warning), err=True)
    return config


@app.command()
def run(
    config: ConfigOption = DEFAULT_CONFIG,
    data: DataOption = DEFAULT_DATA,
    listen: Annotated[str, typer.Option(help="Where pages and metrics are served.")] = DEFAULT_LISTEN,
    web_config: Annotated[
        Path | None, typer.Option(help="Users and TLS, in Prometheus's format: docs/security.md.")
    ] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Let passwords cross the network in clear text: behind a TLS proxy.")
    ] = False,
    vantage: Annotated[str, typer.Option(help="Run the checks of this vantage.")] = "main",
    alerts: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Who is told; the default is alerts.yaml beside the inventory."),
    ] = None,
    forward: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The store to forward to; forward.yaml beside the inventory."),
    ] = None,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
    log_format: Annotated[str, typer.Option(help="key-value or json.")] = "key-value",
) -> None:
    """Probe on schedule until SIGTERM."""
    from netmon import logs
    from netmon.app import Settings
    from netmon.app import run as run_app

    try:
        logs.set_up(log_level, log_format)
    except ValueError as error:
        fail(str(error), EXIT_USAGE)
    with listen_on(listen) as listening:
        settings = Settings(
            config=config, data=data, vantage=vantage, web_config=web_config, plain_http=plain_http, alerts=alerts,
            forward=forward,
        )  # fmt: skip
        complete(run_app(settings, [listening]))


@app.command("check-config")
def check_config(
    config: Annotated[Path, typer.Argument(help="The inventory.")] = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Say everything that is wrong with an inventory, or what it asks for."""
    loaded = _load(config)
    counts = {"sites": len(loaded.sites), "equipment": len(loaded.assets), "checks": len(loaded.checks)}
    if as_json:
        say(json.dumps({**counts, "config_id": loaded.config_id, "sample": loaded.sample}))
        return
    text = _("{file} is right: {sites} sites, {equipment} pieces of equipment, {checks} checks")
    say(text.format(file=config, **counts))
    if loaded.sample:
        say(_("It is marked as a sample: it describes no real network."))


@app.command()
def schema(
    of: Annotated[str, typer.Argument(help="sites, targets, coverage, profile or report: whose schema.")] = "sites",
) -> None:
    """Print the JSON Schema of a file that people write, for editors, or of a report's json and csv."""
    if of == "sites":
        import probes
        from netmon.config import schema as make_schema

        made = make_schema(probes.KINDS)
    elif of == "targets":
        from netmon.targets.register import register_schema

        made = register_schema()
    elif of == "report":
        from netmon.report.schema import report_schema

        made = report_schema()
    elif of == "profile":
        from netmon.config.profiles import profile_schema

        made = profile_schema()
    elif of == "coverage":
        from netmon.coverage.definition import definition_schema

        made = definition_schema()
    else:
        fail(_("{word} has no schema: sites, targets, coverage, profile or report").format(word=of), EXIT_USAGE)
    say(json.dumps(made, indent=2, ensure_ascii=False, sort_keys=True))


app.command()(targets)


@app.command()
def probe(
    check: Annotated[str, typer.Argument(help="The check's id: site/equipment/check.")],
    config: ConfigOption = DEFAULT_CONFIG,
    load: Annotated[
        str, typer.Option(help="A test that loads a line, whoever needs it now: verify its target, search, or iperf3.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Run one check now and say what happened, step by step. Nothing is recorded. Exit code 1 if it is not up."""
    loaded = _load(config)
    wanted = loaded.checks.get(check)
    if wanted is None:
        from netmon.config import nearest

        close = nearest(check, loaded.checks)
        text = _("no check {check!r} in {file}").format(check=check, file=config)
        fail(text + (_("; did you mean {close}?").format(close=close) if close else ""), EXIT_USAGE)
    ways = _ways(wanted)
    if load not in (ways or ("",)):
        text = _("{check} loads its line: say {ways}, and make sure that nobody needs it")
        said = _(" or ").join(f"--load {way}" for way in ways)
        fail((text if ways else _("{check} loads no line")).format(check=check, ways=said), EXIT_USAGE)
    if load in METHODS:
        wanted = dataclasses.replace(wanted, params=wanted.params.model_copy(update={"method": load}))
    observation = complete(_probe_once(loaded, wanted))
    if as_json:
        say(json.dumps(as_plain(observation), ensure_ascii=False))
    else:
        _print_probe(observation)
    raise typer.Exit(0 if observation.status in (Status.UP, Status.STANDBY) else EXIT_NO)


def _ways(check: Check) -> tuple[str, ...]:
    """How a check can load its line; nothing if it does not."""
    if "method" in type(check.params).model_fields:
        return METHODS if check.exclusive else ()
    return (check.kind,) if check.exclusive else ()


async def _probe_once(config: Any, check: Any) -> Observation:
    import probes
    from netmon.app import build_wires
    from netmon.runner import Clock, Runner

    wires = build_wires(config)
    try:
        runner = Runner(kinds=probes.KINDS, wires=wires, emit=lambda _o: None, missed=lambda _m: None, clock=Clock())
        return await runner.run_once(check, time.time_ns())
    finally:
        await wires.aclose()


def _print_probe(observation: Observation) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{escape(observation.check_id)}[/bold]")
    for step in observation.result.steps:
        console.print(f"  {step.at_seconds * 1e3:9.3f} ms  {escape(printable(step.text))}")
    for key, value in sorted(observation.readings.items()):
        console.print(escape(f"  {key:40} {figure(key, value)}"))
    for name, state in sorted(observation.result.states.items()):
        console.print(escape(f"  {name:40} {printable(state_word(name, state.word))} ({state.meaning.value})"))
    for name, fact in sorted(observation.result.facts.items()):
        console.print(escape(f"  {name:40} {printable(fact)}"))
    colour = COLOURS[EffectiveStatus(observation.status)]
    console.print(
        f"  [{colour}]{status_word(observation.status)}[/{colour}] "
        + _("after {seconds:.3f} s").format(seconds=observation.duration_seconds)
    )
    for reason in observation.reasons:
        console.print(f"    {escape(printable(reason_sentence(reason)))}")


def as_plain(observation: Observation) -> dict[str, Any]:
    """An observation as JSON types, for scripts; the keys are the fields of :class:`netmon.model.Observation`."""
    result = observation.result
    return {
        "check": observation.check_id,
        "vantage": observation.vantage,
        "scheduled": _iso(observation.scheduled_ns),
        "started": _iso(observation.started_ns),
        "duration_seconds": observation.duration_seconds,
        "attempt": observation.attempt,
        "status": observation.status.value,
        "reasons": [
            {key: getattr(value, "value", value) for key, value in dataclasses.asdict(reason).items()}
            for reason in observation.reasons
        ],
        "failure": result.failure.value if result.failure else None,
        "detail": result.detail,
        "readings": dict(observation.readings),
        "states": {name: {"word": state.word, "meaning": state.meaning.value} for name, state in result.states.items()},
        "facts": dict(result.facts),
        "steps": [{"at_seconds": step.at_seconds, "text": step.text} for step in result.steps],
        "config_id": observation.config_id,
    }


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@app.command()
def query(
    check: Annotated[str, typer.Argument(help="The check's id: site/equipment/check.")],
    data: DataOption = DEFAULT_DATA,
    since: Annotated[str, typer.Option(help="How far back: 30m, 24h, 7d.")] = "24h",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the newest.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Print a check's history from the archive, newest first; with --json one observation a line."""
    from netmon.archive import ArchiveError, Reader
    from netmon.config import parse_duration

    try:
        seconds = parse_duration(since)
    except ValueError as error:
        fail(f"--since: {error}", EXIT_USAGE)
    try:
        with Reader.open(data) as reader:
            since_ns = time.time_ns() - round(seconds * 1e9)
            rows = list(reader.history(check, since_ns=since_ns, limit=limit, newest_first=True))
            damaged = reader.damaged
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    for file in sorted(damaged):
        typer.echo(_("{file} cannot be read: what it holds is missing").format(file=file), err=True)
    if as_json:
        for row in rows:
            say(json.dumps(as_plain(row), ensure_ascii=False))
    else:
        table = Table(_("started (UTC)"), _("status"), _("try"), _("took"), _("why, or figures"), title=escape(check))
        for row in rows:
            table.add_row(
                _iso(row.started_ns), status_cell(row.status), str(row.attempt), f"{row.duration_seconds:.3f} s",
                escape(printable(summary(row))),
            )  # fmt: skip
        Console(highlight=False).print(table)
    if not rows:
        typer.echo(_("nothing is recorded of {check} since then").format(check=check), err=True)
        raise typer.Exit(EXIT_NO)


@app.command()
def status(
    config: ConfigOption = DEFAULT_CONFIG,
    data: DataOption = DEFAULT_DATA,
    once: Annotated[bool, typer.Option("--once", help="Print once instead of refreshing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The live table of every check, from the archive; works beside a running netmon and without one."""
    loaded = _load(config)
    if as_json:
        latest = _latest(data)
        say(json.dumps([as_plain(latest[check]) for check in sorted(latest)], ensure_ascii=False))
        return
    console = Console(highlight=False)
    if once or not sys.stdout.isatty():
        console.print(status_table(loaded, _latest(data), time.time_ns()))
        return
    try:
        with Live(console=console, refresh_per_second=2, screen=True) as live:
            while True:
                live.update(status_table(loaded, _latest(data), time.time_ns()))
                time.sleep(2)
    except KeyboardInterrupt:
        return


def _latest(data: Path) -> dict[str, Observation]:
    from netmon.archive import ArchiveError, Reader

    try:
        with Reader.open(data) as reader:
            return {check: observation for (check, _vantage), observation in reader.latest().items()}
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)


app.command()(demo)
app.command()(reflector)
app.command()(alerts.alerts)
app.command()(alerts.ack)
app.command("test-mail")(alerts.mail_test)
app.command()(upkeep.reload)
app.command()(upkeep.audit)
app.command("check-web-config")(check_web_config)
app.command("hash-password")(hash_password)


def main() -> None:
    """The console script."""
    app()
