"""``netmon coverage``: drive tests into the archive, and what they say."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from netmon.commands.terminal import DEFAULT_DATA, EXIT_FAULT, EXIT_NO, EXIT_USAGE, DataOption, JsonOption, fail, say
from netmon.i18n import _
from netmon.words import printable

if TYPE_CHECKING:
    from netmon.config import Config
    from netmon.coverage.figures import AreaFigures, Available, Plan, Surveyed
    from netmon.coverage.load import Surveys

__all__ = ["app"]

app = typer.Typer(help="Radio coverage: surveys, and what is available.", no_args_is_help=True)

STATION: Final = "base_station"
SHOWN_BAD_ROWS: Final = 50
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The inventory.")]
TerminalOption = Annotated[str, typer.Option(help="Only this class of terminals.")]
DEFAULT_CONFIG: Final = Path("config/sites.yaml")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, GPX or GeoJSON.")],
    map_file: Annotated[Path, typer.Option("--map", "-m", help="Which column holds what: docs/coverage.md.")],
    survey: Annotated[str, typer.Option(help="The campaign, such as 2026-spring.")],
    settings: Annotated[Path, typer.Option(help="What counts as covered, where.")] = Path("config/coverage.yaml"),
    config: ConfigOption = DEFAULT_CONFIG,
    data: DataOption = DEFAULT_DATA,
    leave_out_bad: Annotated[
        bool, typer.Option("--leave-out-bad", help="Import the other rows; which ones are left out is recorded.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Import a drive test's file. A bad row is told with its line, and keeps the file out unless you agree."""
    from netmon.archive import ArchiveError
    from netmon.config import ConfigError
    from netmon.coverage.definition import load_definition
    from netmon.coverage.mapping import load_survey_map
    from netmon.coverage.survey import SurveyError, import_survey

    try:
        definition = load_definition(settings)
        stations = _stations(_inventory(config))
        mapping = load_survey_map(map_file, terminals=definition.terminals, stations=stations)
        with Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(_("reading"), total=None)
            made = import_survey(
                file, mapping, definition, survey=survey, stations=stations, data=data, now_ns=time.time_ns(),
                author=getpass.getuser(), leave_out_bad=leave_out_bad,
                progress=lambda rows: bar.update(task, description=_("{count} rows").format(count=rows)),
            )  # fmt: skip
    except (ConfigError, SurveyError) as error:
        fail(str(error), EXIT_USAGE)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    rows = 0 if made.file is None else made.file.rows
    if as_json:
        say(json.dumps({"rows": rows, "bad": made.bad, "outside": made.outside}, ensure_ascii=False))
    else:
        for line, what in made.bad[:SHOWN_BAD_ROWS]:
            typer.echo(f"{file.name}:{line}: {printable(what)}", err=True)
        if len(made.bad) > SHOWN_BAD_ROWS:
            more = len(made.bad) - SHOWN_BAD_ROWS
            typer.echo(_("and {count} more bad rows: --json lists all").format(count=more), err=True)
        text = _("{rows} samples imported, {outside} of them outside of all areas; {bad} bad rows")
        say(text.format(rows=rows, outside=made.outside if rows else 0, bad=len(made.bad)))
        if made.file is None:
            say(_("nothing is imported: correct the rows, or say --leave-out-bad"))
    raise typer.Exit(EXIT_NO if made.file is None else 0)


@app.command()
def show(
    data: DataOption = DEFAULT_DATA,
    terminal: TerminalOption = "",
    as_json: JsonOption = False,
) -> None:
    """What the last survey of each class of terminals says of each area."""
    from netmon.coverage.words import share_words

    if as_json:
        say(json.dumps([_plain(each) for each in _last(data, terminal)], ensure_ascii=False))
        return
    for surveyed in _last(data, terminal):
        confidence = surveyed.definition.confidence
        table = _table(
            _("planned tiles"), _("tested"), _("covered"), _("covered of planned"),
            _("proven at {confidence:.0%}").format(confidence=confidence), _("Wilson bound"),
        )  # fmt: skip
        for name, area in _areas(surveyed):
            bound, wilson = area.lower_bound(confidence) or 0.0, area.wilson_bound(confidence) or 0.0
            cells = [
                share_words(area.covered, area.planned), share_words(bound, 1), share_words(wilson, 1)
            ]  # fmt: skip
            table.add_row(escape(name), str(area.planned), str(area.tested), str(area.covered), *cells)
        _print(surveyed, table)
        spots = surveyed.spots()
        if spots:
            text = _("places: {covered} of {whole} covered, {untested} not tested")
            values = list(spots.values())
            say(text.format(covered=values.count(True), whole=len(values), untested=values.count(None)))


@app.command()
def whatif(
    down: Annotated[list[str], typer.Option(help="A base station that fails; may be repeated.")],
    data: DataOption = DEFAULT_DATA,
    terminal: TerminalOption = "",
    as_json: JsonOption = False,
) -> None:
    """What coverage would be available if these stations failed and all others worked."""
    from netmon.coverage.words import available_words

    surveys = _last(data, terminal)
    known = {name for surveyed in surveys for name in surveyed.stations}
    for name in down:
        if name not in known:
            _refuse_station(name, known)
    if as_json:
        say(json.dumps([_plain(each, {name: name not in down for name in known}) for each in surveys]))
        return
    for surveyed in surveys:
        table = _table(_("covered of planned"), _("available then"), _("tiles lost"))
        all_work = dict.fromkeys(surveyed.stations, True)
        for name, area in _areas(surveyed):
            before, after = area.available(all_work), area.available({n: n not in down for n in surveyed.stations})
            least, most = before.high - after.high, area.covered - after.low
            lost = (
                f"{least:.0f}" if least == most else _("{low} to {high}").format(low=f"{least:.0f}", high=f"{most:.0f}")
            )
            table.add_row(escape(name), available_words(area, before), available_words(area, after), lost)
        _print(surveyed, table)


@app.command()
def rank(data: DataOption = DEFAULT_DATA, terminal: TerminalOption = "", as_json: JsonOption = False) -> None:
    """The base stations by the tiles that only they serve."""
    from dataclasses import asdict

    from netmon.coverage.figures import sole_service

    surveys = _last(data, terminal)
    if as_json:
        say(json.dumps({each.terminal.id: [asdict(one) for one in sole_service(each)] for each in surveys}))
        return
    for surveyed in surveys:
        table = _table(_("tiles that only it serves"), first=_("base station"))
        for one in sole_service(surveyed):
            tiles = (
                str(one.least) if one.least == one.most else _("{low} to {high}").format(low=one.least, high=one.most)
            )
            table.add_row(escape(one.station), tiles)
        _print(surveyed, table)


@app.command()
def plan(
    data: DataOption = DEFAULT_DATA,
    terminal: TerminalOption = "",
    at_least: Annotated[str, typer.Option(help="The share that is to be proven.")] = "90%",
    gpx: Annotated[
        Path | None, typer.Option(help="Write the tiles that are to be tested for a navigation device.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """How many more tiles have to be tested in each area to prove a share, and which there are."""
    from netmon.config import parse_share
    from netmon.coverage.figures import planner

    try:
        share = parse_share(at_least)
    except ValueError as error:
        fail(f"--at-least: {error}", EXIT_USAGE)
    if not 0 < share < 1:
        fail(_("--at-least: write a share between 0 and 1"), EXIT_USAGE)
    surveys = _last(data, terminal)
    plans = {surveyed.terminal.id: planner(surveyed, at_least=share) for surveyed in surveys}
    if gpx is not None:
        _write_gpx(gpx, {place for each in plans.values() for one in each if one.more for place in one.where})
    if as_json:
        say(json.dumps({name: [_plan_plain(one) for one in each] for name, each in plans.items()}))
        return
    for surveyed in surveys:
        table = _table(_("planned tiles"), _("covered"), _("failed"), _("needed"), _("still to test"))
        for one in plans[surveyed.terminal.id]:
            area = one.figures
            more = _("cannot be proven") if one.more is None else str(one.more)
            table.add_row(
                escape(_name(surveyed, area.area)), str(area.planned), str(area.covered),
                str(area.tested - area.covered), "-" if one.needed is None else str(one.needed), more,
            )  # fmt: skip
        _print(surveyed, table)


@app.command()
def available(
    data: DataOption = DEFAULT_DATA,
    terminal: TerminalOption = "",
    since: Annotated[str, typer.Option(help="How far back: 24h, 30d.")] = "24h",
    as_json: JsonOption = False,
) -> None:
    """What coverage was available, weighted by time, by what the archive knows of the base stations."""
    import probes
    from netmon.archive import ArchiveError, Reader
    from netmon.config import ConfigError, parse_duration
    from netmon.coverage.figures import over_time
    from netmon.coverage.words import available_words
    from netmon.targets.coverage import station_spans
    from netmon.targets.evidence import ArchiveEvidence

    until_ns = time.time_ns()
    try:
        since_ns = until_ns - round(parse_duration(since) * 1e9)
    except ValueError as error:
        fail(f"--since: {error}", EXIT_USAGE)
    surveys = _last(data, terminal)
    try:
        with Reader.open(data) as reader:
            evidence = ArchiveEvidence(reader, kinds=probes.KINDS, since_ns=since_ns, until_ns=until_ns)
            checks: dict[str, dict[str, None]] = {}
            for version in evidence.versions:
                for check in version.config.checks.values():
                    checks.setdefault(check.asset, {})[check.id] = None
            spans = station_spans({asset: tuple(names) for asset, names in checks.items()}, evidence.timelines())
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    found: list[dict[str, Any]] = []
    for surveyed in surveys:
        areas = dict(_with_whole(surveyed))
        shares = over_time(areas, spans, since_ns=since_ns, until_ns=until_ns)
        table = _table(_("covered in the survey"), _("available in this time"))
        for name, area in areas.items():
            found.append({"terminal": surveyed.terminal.id, **_area_plain(area, shares[name])})
            cells = _survey_share(area), available_words(area, shares[name])
            table.add_row(escape(_name(surveyed, name)), *cells)
        if not as_json:
            _print(surveyed, table)
    if as_json:
        say(json.dumps(found))


@app.command(hidden=True)
def tiles(data: DataOption = DEFAULT_DATA) -> None:
    """Everything that the last surveys say, for a running netmon."""
    from netmon.coverage.load import to_plain

    say(json.dumps([to_plain(each) for each in _last(data, "")], ensure_ascii=False))


def _inventory(path: Path) -> Config:
    import probes
    from netmon.config import load

    return load(path, kinds=probes.KINDS)


def _stations(config: Config) -> list[str]:
    return [asset.id for asset in config.assets.values() if asset.kind == STATION]


def _last(data: Path, terminal: str) -> list[Surveyed]:
    from netmon.archive import ArchiveError
    from netmon.coverage.load import read_surveys

    try:
        surveys: Mapping[str, Surveys] = read_surveys(data)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    if terminal and terminal not in surveys:
        fail(_("no survey of {name}").format(name=printable(terminal[:64])), EXIT_USAGE)
    return [each.last for name, each in surveys.items() if terminal in ("", name)]


def _refuse_station(name: str, known: Iterable[str]) -> None:
    from netmon.config import nearest

    text = _("no survey heard the station {name}").format(name=printable(name[:130]))
    if near := nearest(name, known):
        text += _("; did you mean {word}?").format(word=near)
    fail(text, EXIT_USAGE)


def _with_whole(surveyed: Surveyed) -> list[tuple[str, AreaFigures]]:
    whole = [] if surveyed.whole is None else [("", surveyed.whole)]
    return [*surveyed.areas.items(), *whole]


def _areas(surveyed: Surveyed) -> list[tuple[str, AreaFigures]]:
    return [(_name(surveyed, area_id), area) for area_id, area in _with_whole(surveyed)]


def _name(surveyed: Surveyed, area_id: str) -> str:
    from netmon.coverage.words import area_name

    return printable(area_name(surveyed, area_id))


def _survey_share(area: AreaFigures) -> str:
    from netmon.coverage.words import share_words

    return share_words(area.covered, area.planned)


def _print(surveyed: Surveyed, table: Table) -> None:
    from netmon.coverage.words import basis

    say(printable(basis(surveyed)))
    Console(highlight=False).print(table)


def _table(*heads: str, first: str = "") -> Table:
    table = Table()
    table.add_column(first or _("area"), overflow="fold")
    for head in heads:
        table.add_column(head, justify="right")
    return table


def _plain(surveyed: Surveyed, works: Mapping[str, bool | None] | None = None) -> dict[str, Any]:
    confidence = surveyed.definition.confidence
    return {
        "terminal": surveyed.terminal.id,
        "survey": surveyed.survey,
        "at_ns": surveyed.at_ns,
        "confidence": confidence,
        "areas": [
            _area_plain(area, None if works is None else area.available(works))
            | {"lower_bound_ratio": area.lower_bound(confidence), "wilson_bound_ratio": area.wilson_bound(confidence)}
            for _name, area in _with_whole(surveyed)
        ],
        "places": surveyed.spots(),
    }


def _area_plain(area: AreaFigures, available: Available | None) -> dict[str, Any]:
    plain = {"area": area.area, "planned": area.planned, "tested": area.tested, "covered": area.covered}
    return plain | ({} if available is None else {"available_low": available.low, "available_high": available.high})


def _plan_plain(one: Plan) -> dict[str, Any]:
    return {"area": one.figures.area, "needed": one.needed, "more": one.more, "where": one.where}


def _write_gpx(path: Path, places: Iterable[tuple[float, float]]) -> None:
    lines = [f'<wpt lat="{latitude:.6f}" lon="{longitude:.6f}"/>' for latitude, longitude in sorted(places)]
    begin = '<gpx version="1.1" creator="netmon" xmlns="http://www.topografix.com/GPX/1/1">'
    content = "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', begin, *lines, "</gpx>", ""])
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        fail(_("{path} cannot be written: {error}").format(path=path, error=error.strerror), EXIT_FAULT)
    typer.echo(_("{count} places in {path}").format(count=len(lines), path=path), err=True)
