"""Everything that a report of the targets says, as plain values for JSON: all formats are made of this, and of nothing
else.

Names that people wrote are in both languages, as they wrote them; sentences are in both languages, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from netmon import __version__
from netmon.archive import Reader
from netmon.config import Config
from netmon.failover import Failover, Outcome, result_text
from netmon.i18n import _, current_language
from netmon.impact import Effective, EffectiveStatus
from netmon.model import LOCAL, LocalText, Window
from netmon.report.period import Period, PeriodError
from netmon.report.quality import changes, check_quality, events_of, files_of, gaps_of, left_out, work_of
from netmon.report.shapes import (
    SCHEMA,
    Equipment,
    Facts,
    FoundPart,
    Manual,
    MonthFacts,
    SiteFacts,
    Switched,
    TargetFacts,
    YearFacts,
)
from netmon.report.texts import Names, in_both, iso, texts
from netmon.summary import complete
from netmon.targets.documents import Entry
from netmon.targets.evaluation import Evaluation, evaluate
from netmon.targets.evidence import SECOND_NS, ArchiveEvidence, Slice
from netmon.targets.register import Register
from netmon.targets.standing import Part, Standing, monthly
from netmon.targets.verdict import Why, worst
from netmon.targets.words import figure_of, sentence, verdict_word
from netmon.words import equipment_kind_word, printable, site_kind_word
from probes.base import ProbeKind

__all__ = ["collect"]

BY_HAND = frozenset({"documents", "drill_age", "drill_count"})


def collect(
    reader: Reader,
    register: Register,
    kinds: Mapping[str, ProbeKind[Any]],
    period: Period,
    *,
    issued: date,
    until_ns: int,
    site: str = "",
    advance: Callable[[int, int], None] = lambda _done, _of: None,
) -> Facts:
    """What is known of a period.

    Args:
        issued: the day that stands on the report.
        until_ns: up to when anything can be known: a period that goes on is looked at so far.
        site: id of the site that it is about; empty for the whole county.
        advance: told how many of how many parts are done.

    Raises:
        ArchiveError: the archive cannot be read.
        ConfigError: a configuration of the past is none for this netmon.
        PeriodError: the inventory of that time has no such site.
    """
    parts = [part for part in period.parts() if part.since_ns < until_ns]
    made: list[tuple[Period, Evaluation]] = []
    for number, part in enumerate(parts):
        end_ns = min(part.until_ns, until_ns)
        made.append((part, evaluate(reader, register, kinds=kinds, since_ns=part.since_ns, until_ns=end_ns)))
        advance(number, len(parts) + 1)
    versions = [version for _part, found in made for version in found.evidence.versions]
    names = Names([version.config for version in versions])
    about = _About(site, [version.config for version in versions], names)
    last = made[-1][1]
    config = last.evidence.versions[-1].config if last.evidence.versions else None
    end_ns = min(period.until_ns, until_ns)
    sites = [each for each in _sites(config, last.evidence) if site in ("", each["id"])]
    checks = check_quality(reader, last.evidence, names, about.checks)
    gaps, more_gaps = gaps_of(reader, last.evidence, names, about.checks)
    facts: Facts = {
        "schema": SCHEMA,
        "kind": "targets",
        "netmon": __version__,
        "name": f"{period.name}.{site}" if site else period.name,
        "issued": issued.isoformat(),
        "period": {
            "name": period.name, "first": period.first.isoformat(), "last": period.last.isoformat(),
            "known_until": iso(end_ns), "complete": end_ns >= period.until_ns,
        },
        "site": about.facts(sites),
        "organisation": texts(LocalText() if config is None else config.organisation),
        "sample": bool(config is not None and config.sample),
        "plan": texts(register.plan),
        "register": register.register_id,
        "years": [_year(part, found, names, about) for part, found in made],
        "months": [row for _part, found in made for row in _months(found, register, names, about)],
        "sites": sites,
        "checks": checks,
        "gaps": gaps,
        "gaps_not_listed": more_gaps,
        "left_out": left_out(reader, last.evidence, checks, made[-1][0].until_ns),
        "configurations": changes(versions),
        "maintenance": work_of(
            filter(about.has_work, (each for _part, found in made for each in found.evidence.windows)),
            period.since_ns, end_ns,
        ),
        "events": events_of(reader, period.since_ns, end_ns),
        "entries": [
            _entry(entry, names, register)
            for entry in last.entries
            if period.since_ns <= entry.at_ns < end_ns and (not entry.subject or about.has(entry.subject))
        ],
        "failovers": [
            _failover(failover, names)
            for failover in last.failovers
            if period.since_ns <= failover.noticed_ns < end_ns and about.has(failover.primary)
        ],
        "files": files_of(reader, period.since_ns, end_ns),
        "damaged": sorted(reader.damaged),
    }  # fmt: skip
    advance(len(parts) + 1, len(parts) + 1)
    return facts


class _About:
    """What a report is about: everything, or one site.

    Attributes:
        checks: ids of the checks.
    """

    def __init__(self, site: str, configs: Sequence[Config], names: Names) -> None:
        self._site = site
        self._names = names
        known = sorted({name for config in configs for name in config.sites})
        if site and site not in known:
            what = _("no site {name} in the inventories of this period; there are {known}")
            raise PeriodError(what.format(name=printable(site), known=", ".join(known) or _("none")))
        self.checks: Collection[str] = {
            check.id for config in configs for check in config.checks.values() if site in ("", check.site)
        }

    def has(self, subject: str) -> bool:
        """Whether a verdict's subject is of it. What is said of the whole county is not said of a site."""
        return not self._site or (bool(subject) and self._names.site_of(subject) == self._site)

    def has_work(self, window: Window) -> bool:
        """Whether work touches it; work on nothing in particular touches all."""
        subjects = window.sites | window.assets
        return not self._site or not subjects or any(self.has(name) for name in subjects)

    def facts(self, sites: Sequence[SiteFacts]) -> SiteFacts | None:
        """The site; one that the newest inventory does not have any more by its name alone."""
        if not self._site:
            return None
        nothing: SiteFacts = {
            "id": self._site, "name": self._names.of(self._site), "kind": texts(LocalText()), "equipment": [],
            "complete": [],
        }  # fmt: skip
        return sites[0] if sites else nothing


def _months(found: Evaluation, register: Register, names: Names, about: _About) -> list[MonthFacts]:
    """The percentiles of each month: with the year's they show when a line was busy."""
    return [
        {
            "first": datetime.fromtimestamp(since_ns / 1e9, LOCAL).date().isoformat(),
            "last": _last_day(until_ns).isoformat(),
            "target": target.id,
            "criterion": part.criterion.id,
            "name": texts(part.criterion.name, part.criterion.id),
            "subject": part.subject,
            "subject_name": names.of(part.subject),
            "value": part.finding.value,
            "low": None if part.finding.range is None else part.finding.range.low,
            "high": None if part.finding.range is None else part.finding.range.high,
            "evidence_ratio": part.finding.evidence_ratio,
            "due_intervals": round(part.finding.figures.get("due_intervals", 0)),
            "known_intervals": round(part.finding.figures.get("known_intervals", 0)),
        }
        for since_ns, until_ns, target, part in monthly(register, found.evidence)
        if about.has(part.subject)
    ]


def _last_day(until_ns: int) -> date:
    """The day of the last second before a moment: a nanosecond before midnight is midnight in a float."""
    return datetime.fromtimestamp(until_ns // SECOND_NS - 1, LOCAL).date()


def _year(part: Period, found: Evaluation, names: Names, about: _About) -> YearFacts:
    return {
        "name": part.name,
        "known_since": None if found.begun_ns is None else iso(found.begun_ns),
        "known_until": iso(found.evidence.until_ns),
        "targets": [
            target for standing in found.standings if (target := _target(standing, names, about)) is not None
        ],
    }  # fmt: skip


def _target(standing: Standing, names: Names, about: _About) -> TargetFacts | None:
    """A target; ``None`` if it says nothing of what the report is about."""
    target = standing.target
    parts = [part for part in standing.parts if about.has(part.subject)]
    if not parts:
        return None
    verdict = worst(part.finding.verdict for part in parts)
    return {
        "id": target.id,
        "name": texts(target.name, target.id),
        "chapter": target.clause.chapter,
        "section": target.clause.section,
        "says": texts(target.clause.says),
        "indicator": texts(target.indicator),
        "deadline": None if target.deadline is None else target.deadline.isoformat(),
        "deadline_source": target.deadline_source,
        "verdict": verdict,
        "verdict_text": in_both(lambda: verdict_word(verdict)),
        "by_hand": any(_by_hand(part) for part in parts),
        "parts": [_part(part, names) for part in parts],
    }


def _by_hand(part: Part) -> bool:
    if part.criterion.rule not in BY_HAND or part.finding.why in (Why.NO_PROBE, Why.NO_SUBJECT, Why.NEVER_DRILLED):
        return False
    figures = part.finding.figures
    return not figures.get("seen_drills", 0) >= figures.get("at_least", 1)


def _part(part: Part, names: Names) -> FoundPart:
    finding, criterion = part.finding, part.criterion
    return {
        "criterion": criterion.id,
        "name": texts(criterion.name, criterion.id),
        "rule": criterion.rule,
        "at_least": criterion.at_least,
        "at_most": criterion.at_most,
        "longest_age_seconds": criterion.longest_age_seconds,
        "source": criterion.source,
        "subject": part.subject,
        "subject_name": names.of(part.subject) if part.subject else texts(LocalText()),
        "verdict": finding.verdict,
        "verdict_text": in_both(lambda: verdict_word(finding.verdict)),
        "why": finding.why,
        "why_text": in_both(lambda: sentence(part)),
        "value": finding.value,
        "low": None if finding.range is None else finding.range.low,
        "high": None if finding.range is None else finding.range.high,
        "figure_text": in_both(lambda: figure_of(part)),
        "evidence_ratio": finding.evidence_ratio,
        "figures": dict(sorted(finding.figures.items())),
        "by_hand": _by_hand(part),
    }


def _sites(config: Config | None, evidence: ArchiveEvidence) -> list[SiteFacts]:
    """The sites of the inventory that is in force at the end, with their equipment."""
    if config is None:
        return []
    lines, end_ns = evidence.timelines(), evidence.until_ns
    effective = {
        check_id: Effective(check_id=check_id, raw=None, status=_last(lines.get(check_id, ()), end_ns))
        for check_id in config.checks
    }
    today = _last_day(end_ns)
    return [
        {
            "id": site.id,
            "name": texts(site.name, site.id),
            "kind": in_both(partial(site_kind_word, site.kind)),
            "equipment": _equipment(config, site.id),
            "complete": [
                {
                    "kind": in_both(partial(equipment_kind_word, each.kind)),
                    "required": each.required, "present": each.present, "serviceable": each.serviceable,
                    "unknown": each.unknown,
                }
                for each in complete([site], config.assets.values(), config.checks, effective, today)
            ],
        }
        for site in config.sites.values()
    ]  # fmt: skip


def _last(line: Sequence[Slice], end_ns: int) -> EffectiveStatus:
    return line[-1].status if line and line[-1].until_ns == end_ns else EffectiveStatus.UNKNOWN


def _equipment(config: Config, site: str) -> list[Equipment]:
    """A site's equipment."""
    return [
        {
            "id": asset.id,
            "name": texts(asset.name, asset.id),
            "kind": in_both(partial(equipment_kind_word, asset.kind)),
            "model": printable(asset.model),
            "commissioned": None if asset.commissioned is None else asset.commissioned.isoformat(),
            "retired": None if asset.retired is None else asset.retired.isoformat(),
        }
        for asset in config.assets.values()
        if asset.site == site
    ]


def _failover(failover: Failover, names: Names) -> Switched:
    low, high = failover.gap or (None, None)

    def called(check_id: str) -> str:
        name = names.of(check_id.rpartition("/")[0])
        return name["zh"] if current_language() == "zh" else name["en"]

    return {
        "id": failover.id,
        "site": failover.site,
        "site_name": names.of(failover.site),
        "uplink": failover.primary,
        "uplink_name": names.of(failover.primary),
        "lost": iso(failover.lost_ns),
        "noticed": iso(failover.noticed_ns),
        "until": None if failover.ended_ns is None else iso(failover.ended_ns),
        "taken_over": failover.taken_over,
        "gap_low_seconds": low,
        "gap_high_seconds": high,
        "passed": failover.passed,
        "result_text": in_both(lambda: result_text(failover, called)),
        "announced": failover.window,
        "worked": list(failover.of(Outcome.WORKED)),
        "failed": list(failover.of(Outcome.FAILED)),
        "unclear": list(failover.of(Outcome.UNCLEAR)),
        "down_before": list(failover.of(Outcome.DOWN_BEFORE)),
    }


def _entry(entry: Entry, names: Names, register: Register) -> Manual:
    target = register.targets.get(entry.target)
    return {
        "id": entry.id,
        "target": entry.target,
        "target_name": texts(LocalText() if target is None else target.name, entry.target),
        "criterion": entry.criterion,
        "subject": entry.subject,
        "subject_name": names.of(entry.subject) if entry.subject else texts(LocalText()),
        "kind": entry.kind,
        "at": iso(entry.at_ns),
        "entered": iso(entry.entered_ns),
        "author": printable(entry.author),
        "value": entry.value,
        "passed": entry.passed,
        "note": printable(entry.note),
        "file": printable(entry.file),
        "sha256": entry.sha256,
    }
