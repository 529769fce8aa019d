"""Vendor SNMP profiles as data: which object is which reading, in which unit, and what each state means.

A profile is a YAML file beside this module, written from the vendor's MIB and checked when it is loaded. Adding a
device is adding a file: here, or in the folder ``profiles`` beside the inventory, which :func:`use` takes over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from probes.base import Reading
from probes.profiles.assemble import ProfileError, assemble
from probes.profiles.spec import (
    FactSpec,
    Module,
    Profile,
    ProfileFile,
    ReadingSpec,
    StateSpec,
)

__all__ = [
    "FactSpec",
    "Module",
    "Profile",
    "ProfileError",
    "ReadingSpec",
    "StateSpec",
    "Vocabulary",
    "added",
    "declared_readings",
    "declared_states",
    "load",
    "names",
    "parse",
    "shipped",
    "use",
    "vocabulary",
]


LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What objects and their words are called, for people.

    Attributes:
        names: short names of readings, states and counters, in English and Chinese.
        words: Chinese for a device's word, by the state's name and the word.
    """

    names: Mapping[str, tuple[str, str]]
    words: Mapping[tuple[str, str], str]


_added: Mapping[str, Profile] = {}
_vocabulary: Vocabulary | None = None


def use(profiles: Mapping[str, Profile]) -> None:
    """Know these profiles beside the shipped ones, and no others: what the inventory in force brings along."""
    global _added, _vocabulary
    # At once: probes look up their profiles while another thread reads an inventory.
    _added = dict(profiles)
    _vocabulary = None


def added() -> Mapping[str, Profile]:
    """What :func:`use` took over last."""
    return _added


@cache
def shipped() -> tuple[str, ...]:
    """The names of the profiles that come with the program."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def names(own: Mapping[str, Profile] | None = None) -> tuple[str, ...]:
    """The names of the shipped profiles and of ``own``, by default of those that are known now."""
    return tuple(sorted({*shipped(), *(_added if own is None else own)}))


def load(name: str, own: Mapping[str, Profile] | None = None) -> Profile:
    """A profile, shipped or one of ``own``, by default of those that are known now.

    Raises:
        ValueError: there is no such profile, or its file breaks a rule of this module.
    """
    others = _added if own is None else own
    if name in others:
        return others[name]
    if name not in shipped():
        raise ValueError(f"no profile {name!r}: one of {', '.join(names(own))}")
    return _load_shipped(name)


@cache
def _load_shipped(name: str) -> Profile:
    return parse(name, resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Profile:
    """A profile from its YAML text.

    Raises:
        ValueError: it breaks a rule.
    """
    data = yaml.load(text, LOADER)  # noqa: S506  (a safe loader)
    return assemble(name, ProfileFile.model_validate(data), load)


def declared_readings() -> tuple[Reading, ...]:
    """What the shipped profiles can report, each name once; all optional, for no device has everything."""
    found: dict[str, Reading] = {}
    for name in shipped():
        for module in load(name).modules.values():
            for spec in module.readings:
                index = "part" if spec.index is not None else None
                found.setdefault(spec.name, Reading(name=spec.name, help=spec.help, optional=True, index=index))
            for table in module.tables:
                for spec in table.readings:
                    found.setdefault(spec.name, Reading(name=spec.name, help=spec.help, optional=True, index="part"))
    return tuple(found.values())


def declared_states() -> Mapping[str, str]:
    """The states that the shipped profiles can report, with a sentence each."""
    found: dict[str, str] = {}
    for name in shipped():
        for spec in load(name).everything:
            if isinstance(spec, StateSpec):
                found.setdefault(spec.name, spec.help)
    return found


def vocabulary() -> Vocabulary:
    """The vocabulary of all profiles; where two differ, a shipped one is right."""
    global _vocabulary
    if _vocabulary is None:
        found: dict[str, tuple[str, str]] = {}
        words: dict[tuple[str, str], str] = {}
        for name in (*shipped(), *_added):
            for spec in load(name).everything:
                if spec.en:
                    found.setdefault(spec.name, (spec.en, spec.zh or spec.en))
                for word in spec.words.values() if isinstance(spec, StateSpec) else ():
                    if word.zh:
                        words.setdefault((spec.name, word.word), word.zh)
        _vocabulary = Vocabulary(found, words)
    return _vocabulary
