"""A profile's file -> the profile: bases and sets of words put in; what cannot be is told with its place. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from probes.profiles.spec import Module, Profile, ProfileFile
from probes.wire.snmp_message import Oid, parse_oid

__all__ = ["SENTENCES", "Fault", "ProfileError", "assemble"]

Place = tuple[str | int, ...]

NO_WORDS = "there is no set of words {name}"
NO_PROFILE = "there is no profile {name} to include"
NOT_TWICE = "{name} is there twice, or its OID is"
NO_NAME = "{name} has no short name: give `en` and `zh`"
NO_STATE = "the device has no fact or state {name}"
NOTHING = "the profile reads nothing"
SENTENCES = (NO_WORDS, NO_PROFILE, NOT_TWICE, NO_NAME, NO_STATE, NOTHING)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a profile's file.

    Attributes:
        place: keys and indexes from the file's root.
        sentence: one of :data:`SENTENCES`, with ``{name}``.
    """

    place: Place
    sentence: str
    name: str = ""


class ProfileError(ValueError):
    """A profile breaks a rule. ``faults`` has everything that is wrong with it."""

    def __init__(self, profile: str, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        sentences = "; ".join(fault.sentence.format(name=repr(fault.name)) for fault in faults)
        super().__init__(f"profile {profile}: {sentences}")


@dataclass(slots=True)
class _Work:
    """One file that is being put together."""

    file: ProfileFile
    faults: list[Fault] = field(default_factory=list)
    oids: set[Oid] = field(default_factory=set)
    keys: set[tuple[str, str | None]] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)


def assemble(name: str, file: ProfileFile, load: Callable[[str], Profile]) -> Profile:
    """The profile that a file describes.

    Args:
        load: gives the profiles that it includes; raises ``ValueError`` for one that does not exist.

    Raises:
        ProfileError: with every fault.
    """
    work = _Work(file)
    included: dict[str, Module] = {}
    for number, other in enumerate(file.include):
        try:
            included |= load(other).modules
        except ValueError:
            work.faults.append(Fault(("include", number), NO_PROFILE, other))
    for module in included.values():
        for item in module.everything:
            work.named.add(item.name)
            work.known.add(item.name)
            work.keys.add((item.name, item.index))
    modules = {
        key: _module(work, ("modules", key), module.model_dump(exclude_unset=True))
        for key, module in file.modules.items()
    }
    if not (included or any(modules.values())):
        work.faults.append(Fault(("modules",), NOTHING))
    _references(work)
    if work.faults:
        raise ProfileError(name, work.faults)
    # Included modules come first: "unless" may refer to what they say.
    return Profile.model_validate(
        {
            "name": name, "title": file.title, "source": file.source, "identify": file.identify,
            "service": file.service, "transmitting": file.transmitting,
            "on_battery": file.on_battery, "registered": file.registered, "serving_site": file.serving_site,
            "serving_level": file.serving_level, "modules": {**included, **modules},
        }
    )  # fmt: skip


def _module(work: _Work, place: Place, module: dict[str, Any]) -> dict[str, Any]:
    made = dict(module)
    for group in ("facts", "states", "readings"):
        made[group] = [
            _object(work, (*place, group, number), item) for number, item in enumerate(module.get(group, ()))
        ]
    made["tables"] = [
        _table(work, (*place, "tables", number), table) for number, table in enumerate(module.get("tables", ()))
    ]
    return made


def _table(work: _Work, place: Place, table: dict[str, Any]) -> dict[str, Any]:
    made = dict(table)
    if made.get("label"):
        made["label"] = _absolute(work, made["label"])
    for group in ("states", "readings", "counters"):
        made[group] = [_object(work, (*place, group, number), item) for number, item in enumerate(table.get(group, ()))]
    for number, item in enumerate(made["counters"]):
        if item.get("discontinuity"):
            made["counters"][number]["discontinuity"] = _absolute(work, item["discontinuity"])
    return made


def _object(work: _Work, place: Place, item: dict[str, Any]) -> dict[str, Any]:
    made = {**item, "oid": _absolute(work, item["oid"])}
    name, number = made["name"], parse_oid(made["oid"])
    key = (name, made.get("index"))
    if number in work.oids or key in work.keys:
        work.faults.append(Fault((*place, "name"), NOT_TWICE, name))
    work.oids.add(number)
    work.keys.add(key)
    work.known.add(name)
    # A fact is shown by its value; and of several with one index each, the first has the names.
    if place[-2] in ("states", "readings") and name not in work.named and not (made.get("en") and made.get("zh")):
        work.faults.append(Fault((*place, "name"), NO_NAME, name))
    work.named.add(name)
    words = made.get("words")
    if isinstance(words, str):
        if words in work.file.words:
            made["words"] = work.file.words[words]
        else:
            work.faults.append(Fault((*place, "words"), NO_WORDS, words))
    return made


def _absolute(work: _Work, oid: str) -> str:
    return work.file.base + oid if oid.startswith(".") else oid


def _references(work: _Work) -> None:
    """What is spoken of must exist: a misspelt name would silently never hold."""
    for key, name in (("serving_site", work.file.serving_site), ("serving_level", work.file.serving_level)):
        if name and name not in work.known:
            work.faults.append(Fault((key,), NO_STATE, name))
    for place, names in _spoken_of(work.file):
        for name in names:
            if name not in work.known:
                work.faults.append(Fault((*place, name), NO_STATE, name))


def _spoken_of(file: ProfileFile) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    yield ("transmitting",), file.transmitting
    yield ("on_battery",), file.on_battery
    yield ("registered",), file.registered
    for number, rule in enumerate(file.service):
        yield ("service", number, "when"), rule.when
    for key, module in file.modules.items():
        place: Place = ("modules", key)
        groups: list[tuple[Place, tuple[Any, ...]]] = [
            ((*place, group), getattr(module, group)) for group in ("facts", "states", "readings")
        ]
        for number, table in enumerate(module.tables):
            here: Place = (*place, "tables", number)
            yield (*here, "skip"), table.skip
            groups += [((*here, group), getattr(table, group)) for group in ("states", "readings", "counters")]
        for where, items in groups:
            for number, item in enumerate(items):
                yield (*where, number, "unless"), item.unless
                yield (*where, number, "scales"), getattr(item, "scales", {})
