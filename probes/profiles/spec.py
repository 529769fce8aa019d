"""The shape of a vendor profile: what its YAML file may say, and what it means once it is put together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from probes.base import StateClass
from probes.wire.snmp_message import Oid, parse_oid

__all__ = [
    "NAME",
    "SERVICE_WORDS",
    "CounterSpec",
    "FactSpec",
    "Identify",
    "Limits",
    "Module",
    "Profile",
    "ProfileFile",
    "ReadingName",
    "ReadingSpec",
    "ServiceRule",
    "Spec",
    "StateSpec",
    "TableSpec",
    "Which",
    "Word",
]

UNITS = (
    "ampere_hours", "amperes", "bits_per_second", "bytes", "celsius", "count", "db", "dbm", "hertz", "meters",
    "number", "ratio", "seconds", "volts", "watts",
)  # fmt: skip
NAME = re.compile(r"[a-z][a-z0-9_]*")

SERVICE_WORDS: Mapping[str, StateClass] = {
    "in_service": StateClass.OK,
    "knocked_down": StateClass.FAULT,
    "disabled": StateClass.FAULT,
    "out_of_service": StateClass.FAULT,
    "single_site": StateClass.DEGRADED,
    "fallback": StateClass.DEGRADED,
    "no_link": StateClass.DEGRADED,
}
"""What a base station does for its users, whoever made it: the words that a profile's ``service`` may use."""


def _check_unit(name: str) -> str:
    if not NAME.fullmatch(name) or not name.endswith(tuple(f"_{unit}" for unit in UNITS)):
        raise ValueError(f"{name!r} must be lower-case words that end with a unit: {', '.join(UNITS)}")
    return name


def _check_oid(oid: str) -> str:
    parse_oid(f"1.3{oid}" if oid.startswith(".") else oid)
    return oid


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


def _word(value: Any) -> Any:
    """``[word, meaning]`` or ``[word, meaning, 中文]``."""
    if isinstance(value, list | tuple):
        if not 2 <= len(value) <= 3:
            raise ValueError("a word is [word, meaning] or [word, meaning, the word in Chinese]")
        return dict(zip(("word", "meaning", "zh"), value, strict=False))
    return value


OidText = Annotated[str, AfterValidator(_check_oid)]
ReadingName = Annotated[str, AfterValidator(_check_unit)]
Pattern = Annotated[str, AfterValidator(_check_pattern)]
Which = Mapping[str, tuple[str, ...]]
"""Facts or states by name, and the beginnings of the values that are meant."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Word(_Model):
    """The device's word for one number, what the vendor says that it means, and the word in Chinese."""

    word: str = Field(min_length=1)
    meaning: StateClass
    zh: str = ""


Word = Annotated[
    _Word,
    BeforeValidator(_word),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3}),
]


class Limits(_Model):
    """Limits that the vendor gives for a reading; the inventory may give others."""

    degraded_above: float | None = None
    degraded_below: float | None = None
    down_above: float | None = None
    down_below: float | None = None


class _Object(_Model):
    """An object of the device: an instance, or in a table a column."""

    name: str = Field(pattern=NAME.pattern)
    oid: OidText = Field(description="numeric OID; one that begins with a dot hangs on the profile's base")
    help: str = Field(default="", description="one sentence")
    en: str = Field(default="", description="short name in English")
    zh: str = Field(default="", description="short name in Chinese")
    index: str | None = Field(default=None, description="which one, where there are several: a slot, a phase")
    unless: Which = Field(
        default={}, description="facts or states of the device under which the vendor calls the object meaningless"
    )

    @cached_property
    def number(self) -> Oid:
        """The OID as numbers."""
        return parse_oid(self.oid)


class ReadingSpec(_Object):
    """One reading: raw value times the scale, if it is within ``valid`` and the raw value none of ``no_reading``."""

    name: ReadingName = Field(description="name that ends with its unit")
    type: Literal["number", "float32_le", "text"] = Field(
        default="number",
        description="number: an SNMP number; float32_le: four octets, little-endian IEEE 754; text: a number in words",
    )
    scale: float = Field(default=1.0, description="raw value times this is the reading in its unit")
    scales: Mapping[str, Mapping[str, float | tuple[float, float]]] = Field(
        default={},
        max_length=1,
        description=(
            "a state of the device whose word decides the scale, or scale and what is added then; "
            "with another word there is no reading"
        ),
    )
    valid: tuple[float, float] | None = Field(default=None, description="smallest and largest possible reading")
    no_reading: tuple[float, ...] = Field(default=(), description="raw values that mean: nothing measured")
    limits: Limits | None = None


class StateSpec(_Object):
    """One state: the device's number, its word, and what the vendor says that it means."""

    words: Mapping[int, Word] = Field(min_length=1)


class FactSpec(_Object):
    """A string about the device."""

    encoding: Literal["utf-8", "utf-16-le"] = "utf-8"


class CounterSpec(_Object):
    """A counter, of which rates are made. Its names are those of an interface's counters."""

    name: Literal["in_octets", "out_octets", "in_errors", "out_errors", "in_discards", "out_discards"]
    bits: Literal[32, 64] = 32
    discontinuity: OidText | None = Field(
        default=None, description="column with the time of the last discontinuity, in hundredths of a second"
    )


Spec = FactSpec | StateSpec | ReadingSpec | CounterSpec


class TableSpec(_Model):
    """A table: each of its rows gives one reading of each column, ``name[row]``."""

    label: OidText | None = Field(default=None, description="column whose text names a row; else its index does")
    skip: Which = Field(default={}, description="states of a row under which nothing of it counts")
    limit: int = Field(default=64, ge=1, le=1000, description="rows that are read; more are told and left out")
    readings: tuple[ReadingSpec, ...] = ()
    states: tuple[StateSpec, ...] = ()
    counters: tuple[CounterSpec, ...] = ()

    @property
    def objects(self) -> tuple[Spec, ...]:
        """Its columns, but for the label."""
        return (*self.states, *self.readings, *self.counters)

    @cached_property
    def columns(self) -> tuple[Oid, ...]:
        """The OIDs to walk."""
        label = (parse_oid(self.label),) if self.label else ()
        clocks = [parse_oid(counter.discontinuity) for counter in self.counters if counter.discontinuity]
        return tuple(dict.fromkeys((*label, *(item.number for item in self.objects), *clocks)))


class Module(_Model):
    """Objects that belong together; one reading tells for each module whether it could be read."""

    readings: tuple[ReadingSpec, ...] = ()
    states: tuple[StateSpec, ...] = ()
    facts: tuple[FactSpec, ...] = ()
    tables: tuple[TableSpec, ...] = ()

    @property
    def objects(self) -> tuple[Spec, ...]:
        """Its object instances, without those of tables."""
        return (*self.facts, *self.states, *self.readings)

    @property
    def everything(self) -> Iterator[Spec]:
        """Objects and columns alike."""
        yield from self.objects
        for table in self.tables:
            yield from table.objects


class Identify(_Model):
    """How a device of this family is known: all of what is given must hold."""

    object_ids: tuple[OidText, ...] = Field(default=(), description="sysObjectID: one of these, or below it")
    description: Pattern = Field(default="", description="regular expression that sysDescr matches somewhere")
    answers: Mapping[OidText, int | None] = Field(
        default={}, description="objects that it must have, with the number that they must give or nothing"
    )
    least: Mapping[OidText, int] = Field(default={}, description="objects that must give this number or a larger one")


class ServiceRule(_Model):
    """``word`` holds if one of these states of the device has one of these words."""

    word: Literal[
        "in_service", "knocked_down", "disabled", "out_of_service", "single_site", "fallback", "no_link"
    ]  # fmt: skip
    when: Which = Field(min_length=1)


class Profile(_Model):
    """A device family, put together from its file and those that it includes."""

    name: str
    title: str
    source: str = Field(description="the MIB and its date")
    identify: Identify | None = None
    service: tuple[ServiceRule, ...] = Field(
        default=(), description="a base station's state of service: the first rule that holds"
    )
    transmitting: Which = Field(default={}, description="states that say that it transmits at this moment")
    on_battery: Which = Field(default={}, description="states that say that a power supply runs on its battery")
    registered: Which = Field(default={}, description="states that say that a terminal is registered with a station")
    serving_site: str = Field(default="", description="fact, state or reading that says with which one")
    serving_level: str = Field(default="", description="reading in dBm: how it receives that station")
    modules: Mapping[str, Module] = Field(min_length=1)

    @property
    def everything(self) -> Iterator[Spec]:
        """Every object and column."""
        for module in self.modules.values():
            yield from module.everything


class _FileStateSpec(StateSpec):
    """As in a file, where ``words`` may be the name of a set of words."""

    words: Mapping[int, Word] | str = Field(union_mode="left_to_right")  # type: ignore[assignment]


class _FileTableSpec(TableSpec):
    states: tuple[_FileStateSpec, ...] = ()


class _FileModule(Module):
    states: tuple[_FileStateSpec, ...] = ()
    tables: tuple[_FileTableSpec, ...] = ()


class ProfileFile(_Model):
    """What a profile's YAML file says, before it is put together."""

    title: str = Field(min_length=1)
    source: str = Field(min_length=1, description="the MIB and its date")
    base: OidText = Field(default="1.3", description="what OIDs that begin with a dot hang on")
    include: tuple[str, ...] = Field(default=(), description="profiles whose modules this one has too")
    words: Mapping[str, Mapping[int, Word]] = Field(default={}, description="sets of words, for several states")
    identify: Identify | None = None
    service: tuple[ServiceRule, ...] = ()
    transmitting: Which = {}
    on_battery: Which = {}
    registered: Which = {}
    serving_site: str = ""
    serving_level: str = ""
    modules: Mapping[str, _FileModule] = {}
