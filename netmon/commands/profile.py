"""``netmon profile``: look at vendor profiles, try one on a device or on a walk of it, find the one that fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from netmon.commands.terminal import EXIT_NO, EXIT_USAGE, JsonOption, complete, fail, say
from netmon.i18n import _, current_language
from netmon.words import figure, printable, state_word
from probes.base import Trace
from probes.profiles import Profile, load, names
from probes.profiles.decode import decode, text_of
from probes.profiles.spec import ReadingSpec, Spec, StateSpec
from probes.wire.snmp_message import Oid, Value

__all__ = ["app"]

app = typer.Typer(help="Vendor profiles: docs/profiles.md.", no_args_is_help=True)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The inventory; its own profiles count, too.")]
DEFAULT_CONFIG = Path("config/sites.yaml")
WhichArgument = Annotated[str, typer.Argument(help="A profile's name, or its file.")]
SHOWN_OCTETS = 24


@app.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """The profiles that there are: those of netmon, and those in the folder `profiles` beside the inventory."""
    if config.is_file():
        _config(config)
    found = {name: load(name) for name in names()}
    if as_json:
        say(json.dumps([{"name": name, "title": each.title, "source": each.source} for name, each in found.items()]))
        return
    table = Table(_("profile"), _("devices"), _("objects"), _("written from"))
    for name, profile in found.items():
        count = str(sum(1 for _spec in profile.everything))
        table.add_row(*(escape(text) for text in (name, profile.title, count, profile.source)))
    Console(highlight=False).print(table)


@app.command()
def show(which: WhichArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """What a profile reads; of a file, everything that is wrong with it."""
    profile = _profile(which, config)
    console = Console(highlight=False)
    console.print(escape(f"{profile.name}: {profile.title} ({profile.source})"))
    for name, module in profile.modules.items():
        table = Table(_("object"), _("reading or state"), _("name"), _("meaning"), title=escape(name))
        for spec in module.everything:
            table.add_row(*(escape(text) for text in (spec.oid, _key(spec), _short(spec), _meaning(spec))))
        console.print(table)


@app.command("test")
def try_(
    which: WhichArgument,
    check: Annotated[str, typer.Argument(help="A check of the inventory, or one of its equipment with SNMP.")] = "",
    walk: Annotated[
        Path | None, typer.Option("--walk", help="Instead of a device: what `snmpwalk -One` printed, or a .snmprec.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Read a device with a profile, object by object. Exit code 1 if it has none of it, or values that cannot be."""
    if (walk is None) == (not check):
        fail(_("say either a check of the inventory or --walk with a file"), EXIT_USAGE)
    profile = _profile(which, config)
    answers = _from_file(walk) if walk is not None else complete(_ask(config, check, profile))
    decoded = decode(profile.modules, answers.values)
    if as_json:
        states = {name: {"word": state.word, "meaning": state.meaning.value} for name, state in decoded.states.items()}
        made = {
            "readings": decoded.readings, "states": states, "facts": decoded.facts, "left_out": decoded.rejected,
            "failure": answers.detail,
        }  # fmt: skip
        say(json.dumps(made, ensure_ascii=False))
    else:
        _print(profile, answers, decoded)
    raise typer.Exit(0 if (decoded.readings or decoded.states) and not decoded.rejected else EXIT_NO)


@app.command()
def identify(
    check: Annotated[str, typer.Argument(help="A check of the inventory, or one of its equipment with SNMP.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask a device of the inventory what it is, and say which profile fits. Exit code 1 if none does."""
    identity = complete(_identify(config, check))
    if as_json:
        made = {
            "profiles": identity.profiles, "object_id": identity.object_id, "description": identity.description,
            "failure": identity.failure.value if identity.failure else None,
        }  # fmt: skip
        say(json.dumps(made, ensure_ascii=False))
    elif identity.failure is not None:
        say(_("it did not say: {detail}").format(detail=printable(identity.detail)))
    else:
        say(f"sysObjectID {printable(identity.object_id)}, sysDescr {printable(identity.description)}")
        say(
            _("fitting profiles: {names}").format(names=", ".join(identity.profiles))
            if identity.profiles
            else _("unknown: no profile fits. docs/profiles.md says how to write one")
        )
    raise typer.Exit(0 if identity.profiles else EXIT_NO)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a device said: values by OID, and what is missing of it in a sentence."""

    values: Mapping[Oid, Value] = field(default_factory=dict)
    detail: str = ""


def _config(path: Path) -> Any:
    import probes
    from netmon.config import ConfigError
    from netmon.config import load as load_config

    try:
        return load_config(path, kinds=probes.KINDS)
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)


def _profile(which: str, config: Path) -> Profile:
    from netmon.config import ConfigError, nearest
    from netmon.config.profiles import read_profile

    if config.is_file():
        _config(config)
    if which in names():
        return load(which)
    if not which.endswith((".yaml", ".yml")):
        close = nearest(which, names())
        text = _("no vendor profile {name}").format(name=repr(which))
        fail(text + (_("; did you mean {close}?").format(close=close) if close else ""), EXIT_USAGE)
    try:
        return read_profile(Path(which))
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)


def _device(config: Path, wanted: str) -> tuple[Any, Any, str]:
    """The inventory, and the end and the credentials of an SNMP check of it: nothing else is ever asked."""
    from netmon.config import nearest

    loaded = _config(config)
    fitting = [
        check
        for check in loaded.checks.values()
        if wanted in (check.id, check.asset) and "host" in check.endpoints and hasattr(check.params, "auth")
    ]
    if not fitting:
        close = nearest(wanted, [*loaded.assets, *loaded.checks])
        text = _("{name} is no check with SNMP in {file}").format(name=repr(wanted), file=config)
        fail(text + (_("; did you mean {close}?").format(close=close) if close else ""), EXIT_USAGE)
    return loaded, fitting[0].endpoints["host"], fitting[0].params.auth


async def _ask(config: Path, check: str, profile: Profile) -> _Answers:
    from netmon.app import build_wires
    from probes.base import NetworkFailure
    from probes.profiles.poll import ask

    loaded, end, auth = _device(config, check)
    wires = build_wires(loaded)
    try:
        address = await wires.names.resolve(end.host, end.family)
        reply = await ask(profile.modules, address, end.port, auth, wires=wires, timeout=30, trace=Trace())
    except NetworkFailure as error:
        return _Answers(detail=error.detail)
    finally:
        await wires.aclose()
    return _Answers(reply.values, reply.detail)


async def _identify(config: Path, check: str) -> Any:
    from netmon.app import build_wires
    from probes.base import NetworkFailure
    from probes.profiles.identify import Identity
    from probes.profiles.identify import identify as identify_device

    loaded, end, auth = _device(config, check)
    wires = build_wires(loaded)
    try:
        address = await wires.names.resolve(end.host, end.family)
        return await identify_device(address, end.port, auth, wires=wires, timeout=10)
    except NetworkFailure as error:
        return Identity(failure=error.failure, detail=error.detail)
    finally:
        await wires.aclose()


def _from_file(path: Path) -> _Answers:
    from probes.profiles.walk_file import read_walk

    try:
        values = read_walk(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        fail(_("{path} cannot be read: {error}").format(path=path, error=error.strerror), EXIT_USAGE)
    if not values:
        fail(
            _("{path} holds no objects: write it with `snmpwalk -v2c -c ... -One HOST .1`").format(path=path),
            EXIT_USAGE,
        )
    return _Answers(values)


def _print(profile: Profile, answers: _Answers, decoded: Any) -> None:
    console = Console(highlight=False)
    for name, module in profile.modules.items():
        table = Table(_("object"), _("raw value"), _("reading or state"), _("is"), title=escape(name))
        for spec in module.objects:
            value = answers.values.get(spec.number)
            table.add_row(
                *(escape(printable(text)) for text in (spec.oid, _raw(value), _key(spec), _made(spec, decoded)))
            )
        for each in module.tables:
            labelled = {spec.name for spec in each.objects}
            found = {**decoded.readings, **decoded.states}
            for key in (key for key in found if key.partition("[")[0] in labelled):
                table.add_row("", "", *(escape(printable(text)) for text in (key, _text(key, decoded))))
        console.print(table)
    for sentence in decoded.rejected:
        console.print(escape(printable(_("left out: {what}").format(what=sentence))))
    if answers.detail:
        console.print(escape(printable(answers.detail)))


def _key(spec: Spec) -> str:
    return spec.name if spec.index is None else f"{spec.name}[{spec.index}]"


def _short(spec: Spec) -> str:
    return spec.zh if current_language() == "zh" else spec.en


def _meaning(spec: Spec) -> str:
    if isinstance(spec, StateSpec):
        return ", ".join(f"{number} {each.word} ({each.meaning.value})" for number, each in spec.words.items())
    if isinstance(spec, ReadingSpec) and spec.valid is not None:
        return _("{low:g} to {high:g}. {help}").format(low=spec.valid[0], high=spec.valid[1], help=spec.help)
    return spec.help


def _made(spec: Spec, decoded: Any) -> str:
    return decoded.facts.get(spec.name, "") or _text(_key(spec), decoded)


def _text(key: str, decoded: Any) -> str:
    if key in decoded.readings:
        return figure(key, decoded.readings[key])
    if key in decoded.states:
        state = decoded.states[key]
        return f"{state_word(key, state.word)} ({state.meaning.value})"
    return "-"


def _raw(value: Value | None) -> str:
    if value is None:
        return _("not supported")
    if isinstance(value.value, bytes):
        text = text_of(value.value)
        return f"0x{value.value[:SHOWN_OCTETS].hex()} {text}" if len(value.value) <= SHOWN_OCTETS else text
    return f"{value.syntax} {value.value}" if isinstance(value.value, int) else value.value
