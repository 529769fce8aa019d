"""The shape of ``sites.yaml``: its keys and their types. What they mean together is checked in ``build``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from netmon.config.errors import shown
from netmon.config.units import UnitError, parse_duration, parse_quantity
from netmon.i18n import _
from netmon.model import LOCAL

__all__ = [
    "ID",
    "WEEKDAYS",
    "CheckShape",
    "DefaultsShape",
    "EndpointShape",
    "EquipmentShape",
    "FileShape",
    "KindDefaultsShape",
    "Line",
    "LoadTestsShape",
    "MaintenanceShape",
    "ReflectorKeyShape",
    "RetentionShape",
    "Shape",
    "SiteShape",
    "SnmpAuthShape",
    "TextShape",
    "TrapsShape",
    "wrong",
]

ID = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
MAX_ID_LENGTH = 63
MAX_TEXT_LENGTH = 200
DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|[dhms]))+$"
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHINESE = re.compile(r"[\u3400-\u9fff]")


def wrong(what: str, write: str) -> PydanticCustomError:
    """An error for pydantic that already says what is wrong and what to write."""
    return PydanticCustomError("netmon", "{what}", {"what": what, "write": write})


def _id(value: Any) -> Any:
    if not isinstance(value, str) or not ID.fullmatch(value) or len(value) > MAX_ID_LENGTH:
        write = _("1 to 63 lower-case letters, digits and '-', in quotes if it is a number")
        raise wrong(_("{value} is no id").format(value=shown(value)), write)
    return value


def _line(value: Any) -> Any:
    if isinstance(value, str) and not (value.isprintable() and len(value) <= MAX_TEXT_LENGTH):
        raise wrong(_("the text has line breaks or is too long"), _("one line of at most 200 characters"))
    return value


def _duration(value: Any) -> float:
    try:
        seconds = parse_duration(value)
    except UnitError as error:
        raise wrong(error.what, error.write) from None
    if not 0 < seconds <= 30 * 86400:
        what = _("{value} is not between 0 and 30 days").format(value=shown(value))
        raise wrong(what, _("a duration such as 30s or 5m"))
    return seconds


def _confirm(value: Any) -> float:
    return 0.0 if value is False or value == "off" else _duration(value)


def _date(value: Any) -> date | None:
    if value is None:
        return None
    try:
        if isinstance(value, str) and len(value) == len("2026-01-31"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise wrong(_("{value} is no date").format(value=shown(value)), _("year-month-day, such as 2026-01-31"))


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if len(value) > len("2026-01-31"):
                return moment if moment.tzinfo is not None else moment.replace(tzinfo=LOCAL)
    except ValueError:
        pass
    raise wrong(_("{value} is no moment").format(value=shown(value)), _("day and time, such as 2026-01-31 02:00"))


def _time_of_day(value: Any) -> int:
    if isinstance(value, str) and (found := TIME_OF_DAY.fullmatch(value)):
        return int(found[1]) * 3600 + int(found[2]) * 60
    raise wrong(_("{value} is no time of day").format(value=shown(value)), _("hours and minutes, such as 02:00"))


def _weekdays(value: Any) -> Any:
    if value == "day":
        return list(WEEKDAYS)
    return [value] if isinstance(value, str) else value


def _local_text(value: Any) -> Any:
    if isinstance(value, str):
        return {"zh" if CHINESE.search(value) else "en": value}
    return value


def _endpoint(value: Any) -> Any:
    return {"host": value} if isinstance(value, str) else value


def _check(value: Any) -> Any:
    if value is None:
        return {}
    if isinstance(value, bool) or value in {"on", "off"}:
        return {"enabled": value in (True, "on")}
    return value


DURATION_SCHEMA = {"type": ["string", "number"], "pattern": DURATION_PATTERN, "exclusiveMinimum": 0}

Id = Annotated[
    str,
    BeforeValidator(_id),
    WithJsonSchema({"type": "string", "pattern": f"^{ID.pattern}$", "maxLength": MAX_ID_LENGTH}),
]
Line = Annotated[str, BeforeValidator(_line), WithJsonSchema({"type": "string", "maxLength": MAX_TEXT_LENGTH})]
Duration = Annotated[float, BeforeValidator(_duration), WithJsonSchema(DURATION_SCHEMA)]
SHORTEST_KEPT_SECONDS = 800 * 86_400


def _kept(value: Any) -> float:
    try:
        seconds = parse_duration(value)
    except UnitError as error:
        raise wrong(error.what, error.write) from None
    if seconds < SHORTEST_KEPT_SECONDS:
        what = _("{value} is too short: a yearly figure needs its year and the year before").format(value=shown(value))
        raise wrong(what, _("800d or more"))
    return seconds


Kept = Annotated[float, BeforeValidator(_kept), WithJsonSchema(DURATION_SCHEMA)]


def _quantity(name: str) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        try:
            figure = parse_quantity(value, name)
        except UnitError as error:
            raise wrong(error.what, error.write) from None
        if not 0 < figure <= (1 if name.endswith("_ratio") else math.inf):
            what = _("{value} is too small or too large").format(value=shown(value))
            raise wrong(what, _("a number greater than 0; a share is at most 1"))
        return figure

    return read


Share = Annotated[
    float,
    BeforeValidator(_quantity("share_ratio")),
    WithJsonSchema({"type": ["string", "number"], "examples": ["30%"]}),
]
Bytes = Annotated[
    float, BeforeValidator(_quantity("size_bytes")), WithJsonSchema({"type": ["string", "number"], "examples": ["5G"]})
]
Confirm = Annotated[
    float, BeforeValidator(_confirm), WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"enum": [False, "off"]}]})
]
Day = Annotated[date | None, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]
TimeOfDay = Annotated[
    int, BeforeValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": TIME_OF_DAY.pattern})
]
Weekdays = Annotated[
    list[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]],
    BeforeValidator(_weekdays),
]
FamilyWord = Literal["ipv4", "ipv6"]
Port = Annotated[int, Field(ge=1, le=65535)]


class Shape(BaseModel):
    """Base of all shapes: no key is ignored, no type is guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class TextShape(Shape):
    """A name in Chinese, English or both; plain text counts as the language that it is in."""

    zh: Line = ""
    en: Line = ""


LocalTextField = Annotated[TextShape, BeforeValidator(_local_text)]


class PlaceShape(Shape):
    """Where something stands."""

    latitude: float | None = Field(default=None, ge=-90, le=90, description="WGS 84 degrees north.")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="WGS 84 degrees east.")
    elevation_m: float | None = Field(default=None, ge=-500, le=9000, description="Metres above sea level.")
    address: Line = Field(default="", description="In words.")


class EndpointShape(Shape):
    """One end of a check: a host, or a host with its address family and port."""

    host: Line = Field(description="An address or a name.")
    family: FamilyWord | None = Field(
        default=None, description="A literal's own family; a name is looked up in ipv4 unless ipv6 is written."
    )
    port: Port | None = None


EndpointField = Annotated[EndpointShape, BeforeValidator(_endpoint)]
Endpoints = dict[str, EndpointField]


class DefaultsShape(Shape):
    """What holds for every check of one probe kind, unless the check says otherwise."""

    interval: Duration | None = Field(default=None, description="From one probe to the next.")
    timeout: Duration | None = Field(default=None, description="A probe ends after this time; less than the interval.")
    confirm: Confirm | None = Field(
        default=None, description="Wait before the probe is repeated after a first failure; off: it is not repeated."
    )
    vantage: Id | None = Field(default=None, description="The netmon process that runs it.")
    params: dict[str, Any] = Field(default_factory=dict, description="The probe kind's own parameters.")
    thresholds: dict[str, Any] = Field(default_factory=dict, description="Limits for each reading.")


class KindDefaultsShape(DefaultsShape):
    """Defaults of one probe kind, and over them those for single models of equipment."""

    models: dict[str, DefaultsShape] = Field(
        default_factory=dict, description="By the beginning of the equipment's `model`; the longest that fits holds."
    )


class CheckShape(DefaultsShape):
    """A change to a default check, or a further check."""

    enabled: bool = Field(default=True, description="`ping: off` is short for `ping: {enabled: false}`.")
    kind: str | None = Field(default=None, description="The probe kind; a default check has one already.")
    address: EndpointField | None = Field(default=None, description="Short for the endpoint `host`.")
    endpoints: Endpoints = Field(default_factory=dict)


class EquipmentShape(Shape):
    """A piece of equipment."""

    id: Id
    kind: str
    name: LocalTextField = TextShape()
    model: Line = ""
    commissioned: Day = Field(default=None, description="First day in service.")
    retired: Day = Field(default=None, description="First day out of service.")
    parent: str | None = Field(default=None, description="What it hangs on: equipment of this site, or site/equipment.")
    backup_of: str | None = Field(default=None, description="The uplink of this site that this one stands in for.")
    place: PlaceShape | None = None
    contact: Line = Field(default="", description="Who helps: carrier, circuit number, telephone. Told in mails.")
    normally_off: bool | None = None
    address: EndpointField | None = Field(default=None, description="Short for the endpoint `host`.")
    endpoints: Endpoints = Field(default_factory=dict)
    checks: dict[str, Any] = Field(default_factory=dict)


class SiteShape(Shape):
    """A place or a vehicle whose communications are watched."""

    id: Id
    kind: Literal["battalion", "fire_station", "township", "radio_site", "vehicle"]
    name: LocalTextField = TextShape()
    place: PlaceShape = PlaceShape()
    contact: Line = Field(default="", description="Who is there: telephone, call sign. Told in mails.")
    required: dict[str, Annotated[int, Field(ge=0, le=10000)]] = Field(
        default_factory=dict, description="How many of each kind of equipment the site must have (应配)."
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Defaults for each probe kind at this site, over those of the whole file."
    )
    equipment: list[Any] = Field(default_factory=list)


class MaintenanceShape(Shape):
    """Work that is announced: once, with `start` and `end`, or again and again, with `every`, `at` and `length`."""

    id: Id
    sites: list[str] = Field(default_factory=list, description="Sites that are worked on.")
    equipment: list[str] = Field(
        default_factory=list, description="Equipment that is worked on, as site/equipment; with no sites either: all."
    )
    reason: Line = ""
    start: Moment | None = Field(default=None, description="Asia/Shanghai where no offset is written.")
    end: Moment | None = None
    every: Weekdays = Field(default_factory=list, description="A day of the week, a list of them, or `day`.")
    at: TimeOfDay | None = Field(default=None, description="When it begins, Asia/Shanghai.")
    length: Duration | None = Field(default=None, description="At most a day.")


class RetentionShape(Shape):
    """How long the archive keeps what; what is not given is kept for ever."""

    observations: Kept | None = Field(default=None, description="Observations, by whole days: at least 800d.")
    missed_runs: Kept | None = Field(default=None, description="Runs that did not take place: at least 800d.")


class ProtectedShape(Shape):
    """A time in which no test loads a line, again and again."""

    every: Weekdays = Field(default_factory=list, description="A day of the week, a list of them, or `day`.")
    at: TimeOfDay = Field(description="When it begins, Asia/Shanghai.")
    length: Duration = Field(description="At most a day.")


class LoadTestsShape(Shape):
    """When tests that load a line may run."""

    slip: Duration = Field(default=21_600.0, description="How long after it is due a test may begin.")
    busy_above: Share = Field(default=0.3, description="A line of which more than this share is used is not tested.")
    month_bytes: Bytes = Field(default=5e9, description="What tests may send over one line in a month: 5G.")
    protected: list[ProtectedShape] = Field(default_factory=list, description="Times in which nothing is tested.")


class SnmpAuthShape(Shape):
    """How to log in to devices by SNMP. Secrets stand in files or environment variables, never here."""

    version: Literal["1", "2c", "3"]
    community_file: str | None = None
    community_env: str | None = None
    user: Line = ""
    auth_protocol: str | None = None
    auth_password_file: str | None = None
    auth_password_env: str | None = None
    privacy_protocol: str | None = None
    privacy_password_file: str | None = None
    privacy_password_env: str | None = None


class ReflectorKeyShape(Shape):
    """The key that netmon shares with the reflectors of capacity tests; it stands elsewhere, never here."""

    key_file: str | None = None
    key_env: str | None = None


class TrapsShape(Shape):
    """Where SNMP notifications are received: docs/traps.md."""

    listen: Line = Field(description="host:port, such as 0.0.0.0:162; [::]:162 takes both families.")


class FileShape(Shape):
    """The whole file."""

    sample: bool = Field(default=False, description="The inventory is an example, not a real network.")
    organisation: LocalTextField = TextShape()
    snmp_auths: dict[str, Any] = Field(default_factory=dict)
    reflector_keys: dict[str, Any] = Field(
        default_factory=dict, description="Keys shared with reflectors of capacity tests: docs/kinds/capacity.md."
    )
    defaults: dict[str, Any] = Field(default_factory=dict, description="Defaults for each probe kind.")
    maintenance: list[Any] = Field(default_factory=list, description="Work that is announced: docs/maintenance.md.")
    retention: RetentionShape = RetentionShape()
    load_tests: LoadTestsShape = Field(default=LoadTestsShape(), description="docs/kinds/capacity.md")
    traps: TrapsShape | None = Field(default=None, description="Without it no SNMP notification is received.")
    sites: list[Any]
