"""The register of targets: YAML -> :class:`Register`, as strict as the inventory, every mistake at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic.json_schema import models_json_schema

from netmon.config import ConfigError, nearest, read_document
from netmon.config.defaults import EQUIPMENT_CHECKS
from netmon.config.errors import shown
from netmon.config.shape import Day, Id, LocalTextField, Shape, TextShape, wrong
from netmon.config.units import UnitError, parse_duration, parse_quantity
from netmon.config.validate import validate
from netmon.config.yaml_positions import Document
from netmon.i18n import _
from netmon.model import LocalText
from probes.base import ProbeKind, split_key

__all__ = ["Clause", "Criterion", "Register", "Target", "load_register", "register_schema"]

Source = Literal["plan", "operator", "reading"]
SiteKind = Literal["battalion", "fire_station", "township", "radio_site", "vehicle"]
Rule = Literal[
    "availability", "available_seconds", "count", "coverage", "drill_age", "drill_count", "mean", "percentile",
    "share_of_checks", "share_of_sites", "tests", "documents",
]  # fmt: skip
LONGEST_AGE_SECONDS: Final = 3660 * 86_400


def _age(value: Any) -> float:
    try:
        seconds = parse_duration(value)
    except UnitError as error:
        raise wrong(error.what, error.write) from None
    if not 0 < seconds <= LONGEST_AGE_SECONDS:
        raise wrong(_("{value} is not between 0 and ten years").format(value=shown(value)), _("days, such as 30d"))
    return seconds


def _ratio(value: Any) -> float:
    try:
        return parse_quantity(value, "at_least_ratio")
    except UnitError as error:
        raise wrong(error.what, error.write) from None


Age = Annotated[float, BeforeValidator(_age), WithJsonSchema({"type": ["string", "number"], "examples": ["30d"]})]
Ratio = Annotated[float, BeforeValidator(_ratio), WithJsonSchema({"type": ["string", "number"], "examples": ["99.9%"]})]


class ClauseShape(Shape):
    """Where the plan says it, and what it says, in our own words."""

    chapter: int = Field(ge=1, le=99)
    section: int = Field(ge=1, le=99)
    says: LocalTextField


class CriterionShape(Shape):
    """One thing that has to hold for the target to be met."""

    id: Id
    name: LocalTextField
    rule: Rule
    equipment: list[str] = Field(default_factory=list, description="Kinds of equipment that it is about.")
    sites: list[SiteKind] = Field(default_factory=list, description="Kinds of sites; empty: all.")
    checks: list[str] = Field(default_factory=list, description="Probe kinds whose checks count; empty: all.")
    at_least: Ratio | None = Field(default=None, description="What has to be reached; empty: nobody has set it.")
    at_most: Ratio | None = Field(
        default=None, description="mean, percentile: what it may be; empty: nobody has set it."
    )
    readings: list[str] = Field(default_factory=list, description="mean, percentile: keys of readings that are shares.")
    source: Source = Field(default="operator", description="Who set the figure.")
    least_evidence: Ratio = Field(default=0.9, description="Share that must be known before a miss counts.")
    longest_age: Age | None = Field(default=None, description="Of the last passed drill or survey; period of drills.")
    state: str = Field(default="", description="share_of_checks, tests: the state that is looked at.")
    word: str = Field(default="", description="share_of_checks, tests: the word that it has to have.")
    least_tests: int = Field(default=4, ge=1, le=1000, description="tests: fewer valid ones say nothing.")
    terminal: str = Field(default="", description="coverage: the class of terminals.")
    failovers: bool = Field(
        default=False, description="drill_count: failovers that netmon saw count as drills of their site."
    )
    lacking: LocalTextField = Field(default=TextShape(), description="documents: why netmon cannot measure it yet.")


class TargetShape(Shape):
    """One target of the plan."""

    id: Id
    name: LocalTextField
    clause: ClauseShape
    indicator: LocalTextField
    unit: str = Field(default="ratio", max_length=40)
    deadline: Day = None
    deadline_source: Source = "plan"
    criteria: list[Any] = Field(min_length=1)


class RegisterShape(Shape):
    """The whole file."""

    plan: LocalTextField
    targets: list[Any] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Clause:
    """Where the plan says it, and what it says, in our own words."""

    chapter: int
    section: int
    says: LocalText


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing that has to hold.

    Attributes:
        at_least: a share (0 to 1), or a number of drills; ``None`` if nobody has set it.
        at_most: what a mean or a percentile may be; ``None`` if nobody has set it.
        readings: keys of the readings that are looked at: of means the worst one counts, of percentiles the one of
            which most is known.
        source: who set it: the plan, the operator, or a reading of the plan's words.
        least_tests: valid tests without which nothing is said.
        longest_age_seconds: of the last passed drill or survey, or the period in which drills count.
        terminal: the class of terminals (rule ``coverage``).
        failovers: failovers that were seen count as drills (rule ``drill_count``).
        lacking: what netmon cannot measure yet (rule ``documents``).
    """

    id: str
    name: LocalText
    rule: Rule
    equipment: tuple[str, ...] = ()
    sites: frozenset[str] = frozenset()
    checks: frozenset[str] = frozenset()
    at_least: float | None = None
    at_most: float | None = None
    readings: tuple[str, ...] = ()
    source: Source = "operator"
    least_evidence: float = 0.9
    longest_age_seconds: float = 0.0
    state: str = ""
    word: str = ""
    least_tests: int = 4
    terminal: str = ""
    failovers: bool = False
    lacking: LocalText = field(default_factory=LocalText)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target of the plan. It is met when all its criteria are."""

    id: str
    name: LocalText
    clause: Clause
    indicator: LocalText
    unit: str
    deadline: date | None
    deadline_source: Source
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The targets of one plan.

    Attributes:
        register_id: SHA-256 of the file.
    """

    plan: LocalText
    targets: Mapping[str, Target]
    register_id: str


NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "availability": ("equipment",),
    "available_seconds": ("equipment",),
    "count": ("equipment",),
    "coverage": ("terminal", "longest_age"),
    "drill_age": ("equipment", "longest_age"),
    "drill_count": ("sites", "at_least", "longest_age"),
    "mean": ("equipment", "readings"),
    "percentile": ("equipment", "readings"),
    "share_of_checks": ("checks", "state", "word"),
    "share_of_sites": ("equipment", "sites"),
    "tests": ("equipment", "checks", "state", "word"),
    "documents": ("lacking",),
}
"""Keys without which a rule has nothing to judge."""


def load_register(path: Path, *, kinds: Mapping[str, ProbeKind[Any]]) -> Register:
    """Read a register.

    Args:
        kinds: the probe kinds; what one of them merely shows is evidence of nothing.

    Raises:
        ConfigError: with everything that is wrong, as ``file:line:column``.
    """
    text, document = read_document(path)
    shape = validate(document, (), RegisterShape, document.root)
    targets: dict[str, Target] = {}
    judged = frozenset(name for name, kind in kinds.items() if not kind.shown_only)
    if shape is not None:
        for number, value in enumerate(shape.targets):
            _add(document, number, value, judged, targets)
    if shape is None or document.problems:
        raise ConfigError(document.problems)
    return Register(plan=_text(shape.plan), targets=targets, register_id=hashlib.sha256(text.encode()).hexdigest())


def register_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the file, for editors."""
    shapes: list[type[BaseModel]] = [RegisterShape, TargetShape, CriterionShape]
    _keys, made = models_json_schema([(shape, "validation") for shape in shapes])
    definitions: dict[str, Any] = made["$defs"]
    file = definitions.pop("RegisterShape")
    file["properties"]["targets"]["items"] = {"$ref": "#/$defs/TargetShape"}
    definitions["TargetShape"]["properties"]["criteria"]["items"] = {"$ref": "#/$defs/CriterionShape"}
    definitions["CriterionShape"]["properties"]["equipment"]["items"] = {"enum": list(EQUIPMENT_CHECKS)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netmon register of targets",
        **{key: value for key, value in file.items() if key != "title"},
        "$defs": definitions,
    }


def _add(document: Document, number: int, value: Any, kinds: frozenset[str], targets: dict[str, Target]) -> None:
    path = ("targets", number)
    shape = validate(document, path, TargetShape, value)
    given = shape.criteria if shape else value.get("criteria") if isinstance(value, dict) else None
    criteria: dict[str, Criterion] = {}
    for index, item in enumerate(given if isinstance(given, list) else ()):
        criterion = _criterion(document, (*path, "criteria", index), item, kinds)
        if criterion is not None and criterion.id in criteria:
            what = _("two criteria of this target have the id {name}").format(name=shown(criterion.id))
            document.report((*path, "criteria", index, "id"), what, write=_("an id that no other one has"))
        elif criterion is not None:
            criteria[criterion.id] = criterion
    if shape is None:
        return
    if shape.id in targets:
        what = _("two targets have the id {name}").format(name=shown(shape.id))
        document.report((*path, "id"), what, write=_("an id that no other one has"))
        return
    targets[shape.id] = Target(
        id=shape.id,
        name=_text(shape.name),
        clause=Clause(shape.clause.chapter, shape.clause.section, _text(shape.clause.says)),
        indicator=_text(shape.indicator),
        unit=shape.unit,
        deadline=shape.deadline,
        deadline_source=shape.deadline_source,
        criteria=tuple(criteria.values()),
    )


def _criterion(document: Document, path: tuple[str | int, ...], value: Any, kinds: frozenset[str]) -> Criterion | None:
    shape = validate(document, path, CriterionShape, value)
    if shape is None:
        return None
    for key in NEEDS[shape.rule]:
        if getattr(shape, key) in (None, [], "", TextShape()):
            document.report(path, _("the rule {rule} needs the key {key}").format(rule=shape.rule, key=key))
    for key, words, known in (("equipment", shape.equipment, EQUIPMENT_CHECKS), ("checks", shape.checks, kinds)):
        for index, word in enumerate(words):
            if word not in known:
                document.report(
                    (*path, key, index), _("{value} is not possible here").format(value=shown(word)),
                    nearest=nearest(word, known), write=_("one of {keys}").format(keys=", ".join(sorted(known))),
                )  # fmt: skip
    if shape.rule != "drill_count" and shape.at_least is not None and shape.at_least > 1:
        what = _("{value} is no share").format(value=shown(shape.at_least))
        document.report((*path, "at_least"), what, write=_("a number such as 0.05, or 5%"))
    for index, key in enumerate(shape.readings):
        if not split_key(key)[0].endswith("_ratio"):
            what = _("{value} is no reading that is a share").format(value=shown(key))
            document.report((*path, "readings", index), what, write=_("a key such as loss_ratio[near]"))
    return Criterion(
        id=shape.id,
        name=_text(shape.name),
        rule=shape.rule,
        equipment=tuple(shape.equipment),
        sites=frozenset(shape.sites),
        checks=frozenset(shape.checks),
        at_least=shape.at_least,
        at_most=shape.at_most,
        readings=tuple(shape.readings),
        source=shape.source,
        least_evidence=shape.least_evidence,
        longest_age_seconds=shape.longest_age or 0.0,
        state=shape.state,
        word=shape.word,
        least_tests=shape.least_tests,
        terminal=shape.terminal,
        failovers=shape.failovers,
        lacking=_text(shape.lacking),
    )


def _text(shape: TextShape) -> LocalText:
    return LocalText(zh=shape.zh, en=shape.en)
