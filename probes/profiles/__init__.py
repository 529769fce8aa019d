"""Vendor SNMP profiles as data: which object is which reading, in which unit, and what each state means.

A profile is a YAML file beside this module, written from the vendor's MIB and checked when it is loaded. Adding a
device is adding a file. OIDs that begin with a dot hang on the profile's ``base``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from probes.base import Reading, StateClass
from probes.wire.snmp_message import Oid, parse_oid

__all__ = [
    "FactSpec",
    "Module",
    "Profile",
    "ProfileName",
    "ReadingSpec",
    "StateSpec",
    "declared_readings",
    "declared_states",
    "load",
    "names",
    "parse",
]

UNITS = (
    "amperes", "bits_per_second", "bytes", "celsius", "count", "db", "dbm", "hertz", "meters", "number", "ratio",
    "seconds", "volts", "watts",
)  # fmt: skip
NAME = re.compile(r"[a-z][a-z0-9_]*")


def _check_unit(name: str) -> str:
    if not NAME.fullmatch(name) or not name.endswith(tuple(f"_{unit}" for unit in UNITS)):
        raise ValueError(f"{name!r} must be lower-case words that end with a unit: {', '.join(UNITS)}")
    return name


def _check_oid(oid: str) -> str:
    parse_oid(f"1.3{oid}" if oid.startswith(".") else oid)
    return oid


OidText = Annotated[str, AfterValidator(_check_oid)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Object(_Model):
    """An object instance of the device.

    ``unless`` says when it is meaningless: a fact or state of the same device, and the beginnings of its values for
    which the vendor says so (``unless: {model: [RD960]}``). Then it is absent, whatever the device answers.
    """

    oid: OidText = Field(description="numeric OID of the object instance")
    help: str = Field(default="", description="one sentence")
    unless: Mapping[str, tuple[str, ...]] = {}

    @property
    def number(self) -> Oid:
        """The OID as numbers."""
        return parse_oid(self.oid)


class ReadingSpec(_Object):
    """One reading: raw value times ``scale``, if it is within ``valid`` and none of ``no_reading``."""

    name: Annotated[str, AfterValidator(_check_unit)] = Field(description="name that ends with its unit")
    index: str | None = Field(default=None, description="which one, where there are several: a slot, a phase")
    type: Literal["number", "float32_le", "text"] = Field(
        default="number",
        description="number: an SNMP number; float32_le: four octets, little-endian IEEE 754; text: a number in words",
    )
    scale: float = Field(default=1.0, description="raw value times this is the reading in its unit")
    valid: tuple[float, float] | None = Field(default=None, description="smallest and largest possible reading")
    no_reading: tuple[float, ...] = Field(default=(), description="raw values that mean: nothing measured")


class StateSpec(_Object):
    """One state: the device's number, its word, and what the vendor says that it means."""

    name: str = Field(pattern=NAME.pattern)
    index: str | None = None
    words: Mapping[int, tuple[str, StateClass]] = Field(min_length=1)


class FactSpec(_Object):
    """A string about the device."""

    name: str = Field(pattern=NAME.pattern)
    encoding: Literal["utf-8", "utf-16-le"] = "utf-8"


class Module(_Model):
    """Objects that belong together; one reading tells for each module whether it could be read."""

    readings: tuple[ReadingSpec, ...] = ()
    states: tuple[StateSpec, ...] = ()
    facts: tuple[FactSpec, ...] = ()

    @property
    def objects(self) -> tuple[ReadingSpec | StateSpec | FactSpec, ...]:
        """All of them."""
        return (*self.facts, *self.states, *self.readings)


class Profile(_Model):
    """A device family."""

    name: str
    title: str
    source: str = Field(description="the MIB and its date")
    modules: Mapping[str, Module] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Self:
        oids: set[Oid] = set()
        keys: set[tuple[str, str | None]] = set()
        for module in self.modules.values():
            for item in module.objects:
                key = (item.name, getattr(item, "index", None))
                if item.number in oids or key in keys:
                    raise ValueError(f"{item.name}: its OID or its name is there twice")
                oids.add(item.number)
                keys.add(key)
        return self


def names() -> tuple[str, ...]:
    """The names of the shipped profiles."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def _check_name(name: str) -> str:
    if name not in names():
        raise ValueError(f"no profile {name!r}: one of {', '.join(names())}")
    return name


ProfileName = Annotated[str, AfterValidator(_check_name)]
"""A parameter that names a shipped profile."""


@cache
def load(name: str) -> Profile:
    """A shipped profile.

    Raises:
        ValueError: there is no such profile, or its file breaks a rule of this module.
    """
    _check_name(name)
    text = resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return parse(name, text)


def parse(name: str, text: str) -> Profile:
    """A profile from its YAML text."""
    data = yaml.safe_load(text)
    base, words = data.pop("base", ""), data.pop("words", {})
    included = {key: module for other in data.pop("include", ()) for key, module in load(other).modules.items()}
    for module in data["modules"].values():
        for item in (*module.get("readings", ()), *module.get("states", ()), *module.get("facts", ())):
            if item["oid"].startswith("."):
                item["oid"] = base + item["oid"]
            if isinstance(item.get("words"), str):
                item["words"] = words[item["words"]]
    return Profile.model_validate({"name": name, **data, "modules": {**included, **data["modules"]}})


def declared_readings() -> tuple[Reading, ...]:
    """What the shipped profiles can report, each name once; all optional, for no device has everything."""
    found: dict[str, Reading] = {}
    for name in names():
        for module in load(name).modules.values():
            for spec in module.readings:
                index = "part" if spec.index is not None else None
                found.setdefault(spec.name, Reading(name=spec.name, help=spec.help, optional=True, index=index))
    return tuple(found.values())


def declared_states() -> Mapping[str, str]:
    """The states that the shipped profiles can report, with a sentence each."""
    found: dict[str, str] = {}
    for name in names():
        for module in load(name).modules.values():
            for spec in module.states:
                found.setdefault(spec.name, spec.help)
    return found
