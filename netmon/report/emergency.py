"""One emergency, for the review afterwards: what worked, what failed, and what happened when. As plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

from netmon import __version__
from netmon.archive import Reader
from netmon.config import Config
from netmon.i18n import _, _n
from netmon.impact import EffectiveStatus
from netmon.model import Asset, Emergency, LocalText
from netmon.report.course import OUTAGES, Course, Span
from netmon.report.period import PeriodError
from netmon.report.quality import changes, check_quality, events_of, files_of, gaps_of, work_of
from netmon.report.shapes import SCHEMA, EmergencyFacts, Fared, Happened
from netmon.report.texts import Names, in_both, iso, texts
from netmon.targets.evidence import ArchiveEvidence
from netmon.upkeep import EVENT_KINDS, Declared
from netmon.words import effective_word, equipment_kind_word, event_word, printable
from probes.base import ProbeKind

__all__ = ["RESULTS", "collect_emergency"]

LEAD_NS: Final = 7_200 * 1_000_000_000
"""What happened before an emergency was declared is what it was declared for."""
OWN_EVENTS: Final = ("start", "stop", "reload", "reload_refused", "clock_step", "rows_lost")
RESULTS: Final[Mapping[str, str]] = {
    "failed": _n("was down itself"),
    "cut_off": _n("was cut off"),
    "unknown": _n("not known"),
    "partly_unknown": _n("worked as far as is known"),
    "worked": _n("worked all the time"),
    "stowed": _n("was stowed"),
}
"""The worst first."""
BUCKETS: Final = {
    EffectiveStatus.UP: "good", EffectiveStatus.DEGRADED: "good", EffectiveStatus.DOWN: "bad",
    EffectiveStatus.UNREACHABLE: "cut_off", EffectiveStatus.UNKNOWN: "unknown", EffectiveStatus.STANDBY: "stowed",
}  # fmt: skip


def collect_emergency(
    reader: Reader, kinds: Mapping[str, ProbeKind[Any]], name: str, *, issued: date, until_ns: int
) -> EmergencyFacts:
    """What is known of an emergency.

    Args:
        name: its id, or ``last``.
        until_ns: up to when anything can be known: one that lasts is looked at so far.

    Raises:
        ArchiveError: the archive cannot be read.
        ConfigError: a configuration of the past is none for this netmon.
        PeriodError: there is no such emergency.
    """
    emergency = _find(reader, name, until_ns)
    end_ns = until_ns if emergency.until_ns is None else min(emergency.until_ns, until_ns)
    evidence = ArchiveEvidence(reader, kinds=kinds, since_ns=emergency.from_ns - LEAD_NS, until_ns=end_ns)
    if not evidence.versions:
        raise PeriodError(_("nothing was monitored then"))
    config = evidence.versions[-1].config
    names = Names([version.config for version in evidence.versions])
    course = Course(evidence, config)
    checks = {check.id for version in evidence.versions for check in version.config.checks.values()}
    gaps, more_gaps = gaps_of(reader, evidence, names, checks)
    return {
        "schema": SCHEMA,
        "kind": "emergency",
        "netmon": __version__,
        "name": emergency.id,
        "issued": issued.isoformat(),
        "organisation": texts(config.organisation),
        "sample": config.sample,
        "emergency": {
            "id": emergency.id, "reason": printable(emergency.reason), "author": printable(emergency.author),
            "ended_by": printable(emergency.ended_by), "since": iso(emergency.from_ns),
            "until": None if emergency.until_ns is None or emergency.until_ns > until_ns else iso(emergency.until_ns),
        },
        "lead_seconds": LEAD_NS / 1e9,
        "known_until": iso(end_ns),
        "equipment": _fared(course, config, names, emergency.from_ns, end_ns),
        "timeline": _timeline(reader, evidence, course, names, emergency),
        "checks": check_quality(reader, evidence, names, checks),
        "gaps": gaps,
        "gaps_not_listed": more_gaps,
        "configurations": changes(evidence.versions),
        "maintenance": work_of(evidence.windows, evidence.since_ns, end_ns),
        "events": events_of(reader, evidence.since_ns, end_ns),
        "files": files_of(reader, evidence.since_ns, end_ns),
        "damaged": sorted(reader.damaged),
    }  # fmt: skip


def _find(reader: Reader, name: str, until_ns: int) -> Emergency:
    declared = Declared()
    for kind in EVENT_KINDS:
        for event in reader.events(kind):
            declared.take(event)
    found = {each.id: each for each in declared.emergencies.values() if each.from_ns < until_ns}
    if name == "last" and found:
        return max(found.values(), key=lambda each: each.from_ns)
    if name not in found:
        what = _("no emergency {name} in the archive; there are {known}")
        raise PeriodError(what.format(name=printable(name), known=", ".join(sorted(found)[-10:]) or _("none")))
    return found[name]


def _fared(course: Course, config: Config, names: Names, since_ns: int, until_ns: int) -> list[Fared]:
    """Each piece of equipment that was checked, the worst first."""
    rows = [
        _one(config.assets[asset], course.between(asset, since_ns, until_ns), names, until_ns)
        for asset in course.spans
    ]  # fmt: skip
    order = list(RESULTS)
    return sorted(rows, key=lambda row: (order.index(row["result"]), -row["bad_seconds"], -row["cut_off_seconds"]))


def _one(asset: Asset, spans: Sequence[Span], names: Names, until_ns: int) -> Fared:
    seconds = dict.fromkeys(("good", "bad", "cut_off", "unknown", "stowed"), 0.0)
    for span in spans:
        seconds[BUCKETS[span.status]] += (span.until_ns - span.from_ns) / 1e9
    outages = _joined([span for span in spans if span.status in OUTAGES])
    result = _result(seconds)
    last = spans[-1].status if spans and spans[-1].until_ns == until_ns else EffectiveStatus.UNKNOWN
    return {
        "id": asset.id,
        "name": names.of(asset.id),
        "kind": in_both(lambda: equipment_kind_word(asset.kind)),
        "result": result,
        "result_text": in_both(lambda: _(RESULTS[result])),
        "good_seconds": round(seconds["good"], 3),
        "bad_seconds": round(seconds["bad"], 3),
        "cut_off_seconds": round(seconds["cut_off"], 3),
        "unknown_seconds": round(seconds["unknown"], 3),
        "stowed_seconds": round(seconds["stowed"], 3),
        "outages": len(outages),
        "longest_outage_seconds": round(max((until - since for since, until in outages), default=0) / 1e9, 3),
        "first_outage": iso(outages[0][0]) if outages else None,
        "at_end": in_both(lambda: effective_word(last.value)),
    }


def _result(seconds: Mapping[str, float]) -> str:
    if seconds["bad"]:
        return "failed"
    if seconds["cut_off"]:
        return "cut_off"
    if seconds["unknown"]:
        return "partly_unknown" if seconds["good"] else "unknown"
    if seconds["good"]:
        return "worked"
    return "stowed" if seconds["stowed"] else "unknown"


def _joined(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Down and cut off right after each other are one outage."""
    found: list[tuple[int, int]] = []
    for span in spans:
        if found and found[-1][1] == span.from_ns:
            found[-1] = (found[-1][0], span.until_ns)
        else:
            found.append((span.from_ns, span.until_ns))
    return found


def _timeline(
    reader: Reader, evidence: ArchiveEvidence, course: Course, names: Names, emergency: Emergency
) -> list[Happened]:
    rows = [*_own(reader, evidence, emergency)]
    rows += [(span.from_ns, _outage(span, evidence, names)) for span in course.outages()]
    return [row for _at, row in sorted(rows, key=lambda each: each[0])]


def _outage(span: Span, evidence: ArchiveEvidence, names: Names) -> Happened:
    return {
        "at": iso(span.from_ns),
        "until": None if span.until_ns >= evidence.until_ns else iso(span.until_ns),
        "before": span.from_ns <= evidence.since_ns,
        "what": span.status.value,
        "what_text": in_both(lambda: effective_word(span.status.value)),
        "subject": span.asset, "subject_name": names.of(span.asset),
        "cause": span.cause, "cause_name": names.of(span.cause) if span.cause else texts(LocalText()),
        "agreed": span.agreed,
    }  # fmt: skip


def _own(reader: Reader, evidence: ArchiveEvidence, emergency: Emergency) -> Iterator[tuple[int, Happened]]:
    """What was declared, and what happened to netmon itself."""
    moments = [(emergency.from_ns, "emergency")]
    if emergency.until_ns is not None and emergency.until_ns <= evidence.until_ns:
        moments.append((emergency.until_ns, "emergency_ended"))
    for kind in OWN_EVENTS:
        found = reader.events(kind, since_ns=evidence.since_ns, until_ns=evidence.until_ns)
        moments += [(event.at_ns, kind) for event in found]
    for at_ns, kind in moments:
        yield at_ns, {
            "at": iso(at_ns), "until": None, "before": False, "what": kind,
            "what_text": in_both(partial(event_word, kind)),
            "subject": "", "subject_name": texts(LocalText()), "cause": "", "cause_name": texts(LocalText()),
            "agreed": False,
        }  # fmt: skip
