"""The shape of a report's json: what other programs may rely on. A field is never removed or given another meaning
without a new number in ``schema``."""

from __future__ import annotations

from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

__all__ = [
    "SCHEMA",
    "CheckQuality",
    "Common",
    "Complete",
    "Configuration",
    "Declaration",
    "EmergencyFacts",
    "Equipment",
    "Events",
    "Facts",
    "Fared",
    "FileFacts",
    "FoundPart",
    "Gap",
    "Happened",
    "LeftOut",
    "Manifest",
    "Manual",
    "PeriodFacts",
    "SiteFacts",
    "TargetFacts",
    "Texts",
    "Work",
    "YearFacts",
]

SCHEMA: Final = 2


class Texts(TypedDict):
    """The same in both languages."""

    zh: str
    en: str


class PeriodFacts(TypedDict):
    """Which days, both inclusive, Asia/Shanghai; up to when anything was known, and whether all of it was over."""

    name: str
    first: str
    last: str
    known_until: str
    complete: bool


class FoundPart(TypedDict):
    """One criterion's verdict of one subject.

    ``value`` is the figure, ``low`` and ``high`` the least and the most that it can be: unknown counted bad and good,
    agreed work counted and left out. ``by_hand``: it rests on what people entered.
    """

    criterion: str
    name: Texts
    rule: str
    at_least: float | None
    at_most: float | None
    longest_age_seconds: float
    source: str
    subject: str
    subject_name: Texts
    verdict: str
    verdict_text: Texts
    why: str
    why_text: Texts
    value: float | None
    low: float | None
    high: float | None
    figure_text: Texts
    evidence_ratio: float | None
    figures: dict[str, float]
    by_hand: bool


class TargetFacts(TypedDict):
    """One target: its clause, its verdict, and its parts, the worst first."""

    id: str
    name: Texts
    chapter: int
    section: int
    says: Texts
    indicator: Texts
    deadline: str | None
    deadline_source: str
    verdict: str
    verdict_text: Texts
    by_hand: bool
    parts: list[FoundPart]


class YearFacts(TypedDict):
    """One part of the period: a year of a plan, or the whole period. ``known_since``: the start of monitoring in it."""

    name: str
    known_since: str | None
    known_until: str
    targets: list[TargetFacts]


class Equipment(TypedDict):
    """A piece of equipment of the newest inventory."""

    id: str
    name: Texts
    kind: Texts
    model: str
    commissioned: str | None
    retired: str | None


class Complete(TypedDict):
    """Equipment of one kind at a site at the end of what is known: 应配, 实配, 完好, and of how much nobody knows."""

    kind: Texts
    required: int
    present: int
    serviceable: int
    unknown: int


class SiteFacts(TypedDict):
    """A site of the newest inventory."""

    id: str
    name: Texts
    kind: Texts
    equipment: list[Equipment]
    complete: list[Complete]


class CheckQuality(TypedDict):
    """How much is known of a check, over the last part of the period.

    Seconds add up to the time in which it was expected. ``expected_runs`` by the interval of each moment; ``runs`` that
    took place on schedule; ``missed_runs`` that are recorded as missed, by reason.
    """

    id: str
    equipment: Texts
    interval_seconds: float
    expected_runs: int
    runs: int
    missed_runs: dict[str, int]
    good_seconds: float
    bad_seconds: float
    unknown_seconds: float
    maintenance_good_seconds: float
    maintenance_bad_seconds: float
    maintenance_unknown_seconds: float
    standby_seconds: float
    cut_off_seconds: float
    known_ratio: float | None
    gaps: int
    longest_gap_seconds: float


class Gap(TypedDict):
    """A time in which nothing was known of a check although it was expected. ``restart``: netmon started within it."""

    check: str
    equipment: Texts
    since: str
    until: str
    seconds: float
    restart: bool


class LeftOut(TypedDict):
    """Something that counts for no figure: what, how much, and why."""

    what: str
    what_text: Texts
    seconds: float | None
    count: int | None
    why_text: Texts


class Configuration(TypedDict):
    """An inventory came into force; how many checks it added, took away and changed."""

    id: str
    since: str
    added: int
    removed: int
    changed: int


class Work(TypedDict):
    """Work that was announced."""

    id: str
    since: str
    until: str
    entered: str
    reason: str
    sites: list[str]
    equipment: list[str]


class ClockStep(TypedDict):
    """The clock was set."""

    at: str
    step_seconds: float


class Events(TypedDict):
    """What happened to netmon itself: how often, and each step of the clock (at most 5,000)."""

    counts: dict[str, int]
    clock_steps: list[ClockStep]


class Manual(TypedDict):
    """Something that a person entered."""

    id: str
    target: str
    target_name: Texts
    criterion: str
    subject: str
    subject_name: Texts
    kind: Literal["figure", "document", "drill"]
    at: str
    entered: str
    author: str
    value: float | None
    passed: bool
    note: str
    file: str
    sha256: str


class Switched(TypedDict):
    """An uplink was lost, and a backup took over (or not); a drill if it passed or failed, else not judged.

    ``gap_low_seconds``, ``gap_high_seconds``: how long the service that was away longest did not answer, at least and
    at most. ``until``: when the primary was in use again. ``announced``: id of the work that it was part of.
    ``worked``, ``failed``, ``unclear``, ``down_before``: checks behind the uplink.
    """

    id: str
    site: str
    site_name: Texts
    uplink: str
    uplink_name: Texts
    lost: str
    noticed: str
    until: str | None
    taken_over: bool
    gap_low_seconds: float | None
    gap_high_seconds: float | None
    passed: bool | None
    result_text: Texts
    announced: str
    worked: list[str]
    failed: list[str]
    unclear: list[str]
    down_before: list[str]


class FileFacts(TypedDict):
    """A file of the archive that the figures stand on."""

    name: str
    sha256: str
    rows: int


class Manifest(TypedDict):
    """What a report is made of: SHA-256 of each of its files and of each file of evidence, register, inventories."""

    schema: int
    netmon: str
    name: str
    issued: str
    register: str
    configurations: list[str]
    files: dict[str, str]
    evidence: dict[str, str]


class Common(TypedDict):
    """What every report says. Moments are ISO 8601 in Asia/Shanghai; shares are 0 to 1; spans are seconds."""

    schema: int
    netmon: str
    name: str
    issued: str
    organisation: Texts
    sample: bool
    checks: list[CheckQuality]
    gaps: list[Gap]
    gaps_not_listed: int
    configurations: list[Configuration]
    maintenance: list[Work]
    events: Events
    files: list[FileFacts]
    damaged: list[str]


class Facts(Common):
    """How the targets stood in a period. ``failovers`` is missing in reports that were made before they were known."""

    kind: Literal["targets"]
    period: PeriodFacts
    site: SiteFacts | None
    plan: Texts
    register: str
    years: list[YearFacts]
    sites: list[SiteFacts]
    left_out: list[LeftOut]
    entries: list[Manual]
    failovers: NotRequired[list[Switched]]


class Declaration(TypedDict):
    """An emergency. ``until`` is ``None`` while it lasts."""

    id: str
    reason: str
    author: str
    ended_by: str
    since: str
    until: str | None


class Fared(TypedDict):
    """How a piece of equipment fared while an emergency lasted.

    ``result``: ``failed`` (its own fault for some of the time), ``cut_off`` (by something else, for some of it),
    ``partly_unknown`` or ``unknown``, ``worked`` (all of it), ``stowed``. Seconds of the emergency.
    """

    id: str
    name: Texts
    kind: Texts
    result: str
    result_text: Texts
    good_seconds: float
    bad_seconds: float
    cut_off_seconds: float
    unknown_seconds: float
    stowed_seconds: float
    outages: int
    longest_outage_seconds: float
    first_outage: str | None
    at_end: Texts


class Happened(TypedDict):
    """Something of the timeline. ``cause``: equipment on which the subject hangs and that did not work.

    ``before``: it was so already when the timeline begins. ``until`` is ``None`` for a moment, and for what lasted at
    the end.
    """

    at: str
    until: str | None
    before: bool
    what: str
    what_text: Texts
    subject: str
    subject_name: Texts
    cause: str
    cause_name: Texts
    agreed: bool


class EmergencyFacts(Common):
    """What worked and what failed in one emergency; the timeline begins ``lead_seconds`` before it was declared."""

    kind: Literal["emergency"]
    emergency: Declaration
    lead_seconds: float
    known_until: str
    equipment: list[Fared]
    timeline: list[Happened]
