"""The frozen nouns that the rest of the application shares."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum

from probes.base import EMPTY, Endpoint, Params, ProbeResult, Scheduling

__all__ = [
    "LOCAL",
    "Asset",
    "Check",
    "Emergency",
    "Heard",
    "LoadTests",
    "LocalText",
    "MaintenancePlan",
    "MissedRun",
    "Observation",
    "Place",
    "Reason",
    "ReasonCode",
    "Retention",
    "RollCall",
    "Site",
    "Status",
    "Threshold",
    "Window",
    "midnight_ns",
]

LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The plan's time zone, in which its years run and people write times; China has had no daylight saving since 1991."""


def midnight_ns(day: date) -> int:
    """When a day begins in :data:`LOCAL`, UTC nanoseconds since the epoch."""
    return round(datetime.combine(day, time(tzinfo=LOCAL)).timestamp()) * 1_000_000_000


class Status(StrEnum):
    """Raw status of one observation, as stored. Effective states (UNREACHABLE, MAINTENANCE) are overlays."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    """We could not tell: a fault of the monitor or no right to ask. Never the site's fault."""
    STANDBY = "standby"
    """Normally off; its readiness is judged by drills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalText:
    """A text that a person wrote in Chinese, English or both."""

    zh: str = ""
    en: str = ""

    def in_language(self, language: str) -> str:
        """The text in ``language`` ("zh" or "en"), or in the other one where it is missing."""
        return (self.zh or self.en) if language.startswith("zh") else (self.en or self.zh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: WGS 84 degrees, metres above sea level, and words."""

    latitude: float | None = None
    longitude: float | None = None
    elevation_m: float | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place or a vehicle whose communications are watched.

    Attributes:
        id: stable, unique in the inventory.
        kind: battalion, fire_station, township, radio_site or vehicle.
        contact: who is there, in the office's own words.
        required: how many of each kind of equipment it must have (应配).
    """

    id: str
    kind: str
    name: LocalText
    place: Place = field(default_factory=Place)
    contact: str = ""
    required: Mapping[str, int] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A piece of equipment. ``id`` is ``site/name``; ``parent`` is the id of the asset that it hangs on.

    ``contact`` is who helps with it, in the office's own words: a carrier, a circuit number, a telephone.
    ``backup_of`` is the id of the uplink that this one stands in for.
    """

    id: str
    site: str
    kind: str
    name: LocalText
    place: Place = field(default_factory=Place)
    commissioned: date | None = None
    retired: date | None = None
    parent: str | None = None
    normally_off: bool = False
    model: str = ""
    contact: str = ""
    backup_of: str | None = None

    def in_service(self, day: date) -> bool:
        """Whether it is commissioned and not yet retired on ``day`` (retired counts from that day on)."""
        return (self.commissioned is None or self.commissioned <= day) and (self.retired is None or day < self.retired)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Limits for one reading. A limit is exclusive: exactly 50 Mbit/s is not below 50 Mbit/s.

    Attributes:
        reading: a reading's name (then it holds for every index) or a full key ``name[index]`` (which then wins).
    """

    reading: str
    degraded_above: float | None = None
    degraded_below: float | None = None
    down_above: float | None = None
    down_below: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to measure, when, from where, and how it is judged.

    Attributes:
        id: ``site/equipment/check``, stable.
        kind: a key of ``probes.KINDS``.
        confirm_seconds: wait before the confirming re-probe after a first failure; ``None`` for no re-probe.
        vantage: the netmon process that runs it.
        normally_off: its equipment is stowed: no answer is STANDBY, while an answer is judged like any other.
        scheduling: beside what it may run (netmon.loading).
        aside: it says how the equipment is used, and nothing about whether it works.
        hearsay: it asks somebody else about the equipment.
        by_profile: with the vendor profile ``auto``, the limits by the profile that the device turns out to need.
        by_hand: people enter what they found, once in an interval and at most ``timeout_seconds`` later.
        continuous: it measures for most of its interval.
    """

    id: str
    site: str
    asset: str
    kind: str
    endpoints: Mapping[str, Endpoint]
    params: Params
    interval_seconds: float
    timeout_seconds: float
    thresholds: tuple[Threshold, ...] = ()
    confirm_seconds: float | None = None
    vantage: str = "main"
    normally_off: bool = False
    scheduling: Scheduling = Scheduling.BACKGROUND
    hearsay: bool = False
    by_hand: bool = False
    continuous: bool = False
    aside: bool = False
    by_profile: Mapping[str, tuple[Threshold, ...]] = field(default_factory=lambda: EMPTY)

    @property
    def exclusive(self) -> bool:
        """It loads the line: it waits for its moment, and says nothing about what works."""
        return self.scheduling is Scheduling.EXCLUSIVE

    @property
    def holds_seconds(self) -> float:
        """How long an observation says something: two intervals and the timeout.

        What people enter once a day says nothing about the day after: one that was left out is a gap.
        """
        return (1 if self.by_hand else 2) * self.interval_seconds + self.timeout_seconds

    @property
    def fingerprint(self) -> str:
        """Changes when, and only when, anything about the check changes."""
        text = repr((self.id, self.kind, sorted(self.endpoints.items()), self.params, self.interval_seconds,
                     self.timeout_seconds, self.thresholds, self.confirm_seconds, self.vantage,
                     self.normally_off, *sorted(self.by_profile.items())))  # fmt: skip
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class ReasonCode(StrEnum):
    """Why a status is what it is. Closed, so that it can be translated."""

    FAILURE = "failure"
    ABOVE = "above"
    BELOW = "below"
    STATE = "state"
    READING_MISSING = "reading_missing"
    MONITOR_FAULT = "monitor_fault"
    NORMALLY_OFF = "normally_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for a status other than UP, with its figures.

    Attributes:
        subject: a reading's key, a state's name or a failure's word.
        value: the figure that was measured, where there is one.
        limit: the limit that it passed, where there is one.
        text: a state's word, or the monitor's fault in a sentence.
    """

    code: ReasonCode
    status: Status
    subject: str
    value: float | None = None
    limit: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The outcome of one run of one check: what was measured, and its raw status. What the archive stores.

    Attributes:
        scheduled_ns: when it was due, UTC nanoseconds since the epoch.
        started_ns: when it began, UTC nanoseconds since the epoch; (check, vantage, started_ns) is unique.
        duration_seconds: by the monotonic clock.
        attempt: 1, or 2 for the confirming re-probe.
        derived: readings that :mod:`netmon.derive` made from counters (rates).
        config_id: which configuration was in force.
    """

    check_id: str
    vantage: str
    scheduled_ns: int
    started_ns: int
    duration_seconds: float
    attempt: int
    status: Status
    reasons: tuple[Reason, ...]
    result: ProbeResult
    derived: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    config_id: str = ""

    @property
    def readings(self) -> Mapping[str, float]:
        """Measured and derived readings together."""
        return {**self.result.readings, **self.derived} if self.derived else self.result.readings


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedRun:
    """A run that was due and did not take place: a visible gap, not silence.

    Attributes:
        reason: ``overlap`` (the run before was still going), ``misfire`` (too late to start), ``coalesced`` (several
            due at once, one was run), ``stopping``, ``not_running`` (when it was due, or could have begun, netmon did
            not run); of tests that wait for their moment, why they could not begin
            (:class:`netmon.loading.Blocked`).
    """

    check_id: str
    vantage: str
    scheduled_ns: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time for which work was announced, in UTC nanoseconds since the epoch.

    Attributes:
        id: unique.
        sites, assets: ids of what is worked on; both empty for everything.
        entered_ns: when it was announced: before that it hides nothing.
        author: who announced it.
    """

    id: str
    from_ns: int
    until_ns: int
    entered_ns: int
    sites: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()
    reason: str = ""
    author: str = ""

    def covers(self, site: str, asset: str, at_ns: int) -> bool:
        """Whether work on this was announced for this moment, before it."""
        if not max(self.from_ns, self.entered_ns) <= at_ns < self.until_ns:
            return False
        return not (self.sites or self.assets) or site in self.sites or asset in self.assets


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenancePlan:
    """Work that the inventory announces: once, or again and again.

    Attributes:
        sites, assets: ids of what is worked on; both empty for everything.
        once: start and end, UTC nanoseconds since the epoch; ``None`` for what recurs.
        weekdays: days on which it begins, Monday 0, in :data:`LOCAL` time.
        at_seconds: when it begins, seconds after that day's midnight.
        length_seconds: how long it lasts.
    """

    id: str
    sites: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()
    reason: str = ""
    once: tuple[int, int] | None = None
    weekdays: frozenset[int] = frozenset()
    at_seconds: int = 0
    length_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTests:
    """When tests that load a line may run.

    Attributes:
        slip_seconds: how long after it is due a test may begin; at most half its interval.
        busy_above_ratio: a line of which more than this share is used is not tested.
        month_bytes: what tests may send over one line in a month.
        protected: times in which nothing is tested.
    """

    slip_seconds: float = 6 * 3600.0
    busy_above_ratio: float = 0.3
    month_bytes: float = 5e9
    protected: tuple[MaintenancePlan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each kind of record is kept, seconds; ``None``: for ever. Events and configurations are never removed.

    Attributes:
        observations: after their UTC day has ended.
        missed_runs: after they were due.
    """

    observations: float | None = None
    missed_runs: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """A time in which people depend on the network: nothing that loads a link is run.

    Attributes:
        from_ns, until_ns: UTC nanoseconds since the epoch; ``until_ns`` is ``None`` while it lasts.
        author, ended_by: who declared it and who said that it is over.
    """

    id: str
    from_ns: int
    until_ns: int | None = None
    reason: str = ""
    author: str = ""
    ended_by: str = ""


class Heard(StrEnum):
    """How a station came through at a roll call (点名)."""

    CLEAR = "clear"
    WEAK = "weak"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCall:
    """What a person heard of a station at a roll call.

    Attributes:
        at_ns: when it was entered, UTC nanoseconds since the epoch.
        author: who entered it.
    """

    asset: str
    heard: Heard
    at_ns: int
    author: str = ""
