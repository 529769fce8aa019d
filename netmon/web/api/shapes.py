"""What is asked and answered, as pydantic models: the description of the interface is made from them."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from netmon.impact import EffectiveStatus
from netmon.model import Status

__all__ = [
    "CheckQuery",
    "CheckShape",
    "Equipment",
    "EventQuery",
    "EventShape",
    "Fault",
    "History",
    "HistoryQuery",
    "Name",
    "NoQuery",
    "Point",
    "Shape",
    "SiteShape",
    "Summary",
]

MAX_NS: Final = 2**63 - 1
EVENTS_AT_MOST: Final = 1000


class Shape(BaseModel):
    """Base of everything that is answered or asked."""

    model_config = ConfigDict(extra="forbid")


class Name(Shape):
    """A name in both languages; one may be empty."""

    zh: str
    en: str


class Equipment(Shape):
    """Equipment of one kind."""

    kind: str
    required: int
    present: int
    serviceable: int = Field(description="present and known to work or to be ready")
    unknown: int = Field(description="present, and not known to work nor to be broken")


class Summary(Shape):
    """The county at a glance."""

    as_of: str = Field(description="ISO 8601, UTC")
    organisation: Name
    sample: bool
    status: EffectiveStatus = Field(description="the worst of all checks")
    counts: dict[EffectiveStatus, int]
    equipment: list[Equipment]
    emergency: bool
    not_ready: str = Field(description="why netmon does not do its work; empty when it does")
    config_fault: str = Field(description="why the inventory on disk is not the one in force; empty when it is")


class SiteShape(Shape):
    """One site."""

    id: str
    kind: str
    name: Name
    status: EffectiveStatus = Field(description="the worst of its checks; unknown where there are none")
    counts: dict[EffectiveStatus, int]
    equipment: list[Equipment]


class CheckShape(Shape):
    """One check as it is now."""

    id: str
    site: str
    asset: str
    kind: str
    status: EffectiveStatus
    raw: Status | None = Field(description="of the current observation; null if there is none")
    cause: str = Field(description="the asset to blame if unreachable, the window in maintenance, or empty")
    under_test: bool = Field(description="a test loads its line, or did when this was measured")
    since: str | None = Field(description="since when the raw status holds; ISO 8601, UTC")
    last_run: str | None
    interval_seconds: float
    readings: dict[str, float | None] = Field(description="base units in the names; null is no number")
    reasons: list[str] = Field(description="codes and subjects, not sentences")


class Point(Shape):
    """One run of a check."""

    at: str
    status: Status
    values: list[float | None] = Field(description="in the order of the readings that were asked for")


class History(Shape):
    """Runs of a check in order of time."""

    check: str
    readings: list[str]
    points: list[Point]


class EventShape(Shape):
    """Something that happened."""

    at: str
    check: str | None
    status: Status | None = Field(description="what the check's status became; null for other events")
    what: str = Field(description="change, missed, or the kind of an event of netmon itself")


class Fault(Shape):
    """Why there is no answer."""

    error: str


class NoQuery(Shape):
    """No parameters."""


class CheckQuery(Shape):
    """Which checks."""

    site: str = Field(default="", max_length=63)
    status: Literal["", "up", "standby", "maintenance", "degraded", "unknown", "unreachable", "down"] = ""


class HistoryQuery(Shape):
    """Which time and readings."""

    hours: float = Field(default=24, gt=0, le=24 * 31)
    readings: str = Field(default="", max_length=1000, description="separated by commas", pattern=r"^[\w.\[\]/: ,-]*$")


class EventQuery(Shape):
    """Which events."""

    site: str = Field(default="", max_length=63)
    what: Literal["", "changes", "missed", "netmon"] = ""
    before_ns: int | None = Field(default=None, ge=0, le=MAX_NS)
    limit: int = Field(default=100, ge=1, le=EVENTS_AT_MOST)
