"""Everything that a report says, as plain values for JSON: all formats are made of this, and of nothing else.

Names that people wrote are in both languages, as they wrote them; sentences are in both languages, too.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, Final

from netmon import __version__
from netmon.archive import Reader
from netmon.archive.manifest import DAY_NS
from netmon.config import Config
from netmon.i18n import LANGUAGES, use_language
from netmon.impact import EffectiveStatus
from netmon.model import LOCAL, LocalText
from netmon.report.period import Period
from netmon.targets.documents import Entry, read_entries
from netmon.targets.evidence import ArchiveEvidence, Slice, seconds
from netmon.targets.register import Register
from netmon.targets.standing import Part, Standing, standings
from netmon.targets.words import figure_of, sentence, verdict_word
from netmon.words import equipment_kind_word, printable, site_kind_word
from probes.base import ProbeKind

__all__ = ["SCHEMA", "collect"]

SCHEMA: Final = 1
EVENTS: Final = ("clock_step", "archive_expired", "start", "stop", "reload", "reload_refused")
MOST_EVENTS: Final = 5_000
Texts = dict[str, str]


def collect(
    reader: Reader,
    register: Register,
    kinds: Mapping[str, ProbeKind[Any]],
    period: Period,
    *,
    issued: date,
    until_ns: int,
    advance: Callable[[int, int], None] = lambda _done, _of: None,
) -> dict[str, Any]:
    """What is known of a period.

    Args:
        issued: the day that stands on the report.
        until_ns: up to when anything can be known: a period that goes on is looked at so far.
        advance: told how many of how many parts are done.

    Raises:
        ArchiveError: the archive cannot be read.
        ConfigError: a configuration of the past is none for this netmon.
    """
    entries = read_entries(reader)
    parts = [part for part in period.parts() if part.since_ns < until_ns]
    made = []
    for number, part in enumerate(parts):
        evidence = ArchiveEvidence(reader, kinds=kinds, since_ns=part.since_ns, until_ns=min(part.until_ns, until_ns))
        made.append((part, evidence, standings(register, evidence, entries)))
        advance(number + 1, len(parts) + 1)
    last = made[-1][1].versions[-1].config if made and made[-1][1].versions else None
    names = _Names([version.config for _part, evidence, _found in made for version in evidence.versions])
    end_ns = min(period.until_ns, until_ns)
    facts = {
        "schema": SCHEMA,
        "netmon": __version__,
        "issued": issued.isoformat(),
        "period": {"name": period.name, "first": period.first.isoformat(), "last": period.last.isoformat(),
                   "known_until": _moment(end_ns), "complete": end_ns >= period.until_ns},
        "organisation": _texts(LocalText() if last is None else last.organisation),
        "sample": bool(last is not None and last.sample),
        "plan": _texts(register.plan),
        "register": register.register_id,
        "years": [_part(part, evidence, found, names) for part, evidence, found in made],
        "sites": _sites(last),
        "checks": _checks(made[-1][1] if made else None, names),
        "configurations": [
            {"id": each.config_id, "since": _moment(each.since_ns)}
            for each in reader.configurations()
            if each.since_ns < end_ns and (each.until_ns is None or each.until_ns > period.since_ns)
        ],
        "maintenance": _windows(made, period),
        "events": _events(reader, period.since_ns, end_ns),
        "entries": [
            _entry(entry, names, register) for entry in entries if period.since_ns <= entry.at_ns < end_ns
        ],
        "files": _files(reader, period.since_ns, end_ns),
        "damaged": sorted(reader.damaged),
    }  # fmt: skip
    advance(len(parts) + 1, len(parts) + 1)
    return facts


class _Names:
    """What people call sites and equipment: the newest inventory that knows them decides."""

    def __init__(self, configs: Iterable[Config]) -> None:
        self._names: dict[str, LocalText] = {}
        self._site: dict[str, str] = {}
        for config in configs:
            self._names |= {site.id: site.name for site in config.sites.values()}
            for asset in config.assets.values():
                self._names[asset.id] = asset.name
                self._site[asset.id] = asset.site

    def of(self, name: str) -> Texts:
        """A site, or equipment with its site in front."""
        own = _texts(self._names.get(name, LocalText()), name)
        site = self._site.get(name)
        if site is None:
            return own
        before = _texts(self._names.get(site, LocalText()), site)
        return {language: f"{before[language]} · {own[language]}" for language in own}


def _part(part: Period, evidence: ArchiveEvidence, found: Sequence[Standing], names: _Names) -> dict[str, Any]:
    return {
        "name": part.name,
        "known_since": _moment(evidence.versions[0].since_ns) if evidence.versions else None,
        "known_until": _moment(evidence.until_ns),
        "targets": [_target(standing, names) for standing in found],
    }


def _target(standing: Standing, names: _Names) -> dict[str, Any]:
    target = standing.target
    return {
        "id": target.id,
        "name": _texts(target.name, target.id),
        "chapter": target.clause.chapter,
        "section": target.clause.section,
        "says": _texts(target.clause.says),
        "indicator": _texts(target.indicator),
        "deadline": None if target.deadline is None else target.deadline.isoformat(),
        "deadline_source": target.deadline_source,
        "verdict": standing.verdict,
        "verdict_text": _in_both(lambda: verdict_word(standing.verdict)),
        "parts": [_finding(part, names) for part in standing.parts],
    }


def _finding(part: Part, names: _Names) -> dict[str, Any]:
    finding, criterion = part.finding, part.criterion
    return {
        "criterion": criterion.id,
        "name": _texts(criterion.name, criterion.id),
        "rule": criterion.rule,
        "at_least": criterion.at_least,
        "at_most": criterion.at_most,
        "source": criterion.source,
        "subject": part.subject,
        "subject_name": names.of(part.subject) if part.subject else _texts(LocalText()),
        "verdict": finding.verdict,
        "verdict_text": _in_both(lambda: verdict_word(finding.verdict)),
        "why": finding.why,
        "why_text": _in_both(lambda: sentence(part)),
        "value": finding.value,
        "low": None if finding.range is None else finding.range.low,
        "high": None if finding.range is None else finding.range.high,
        "figure_text": _in_both(lambda: figure_of(part)),
        "evidence_ratio": finding.evidence_ratio,
        "figures": dict(sorted(finding.figures.items())),
    }


def _sites(config: Config | None) -> list[dict[str, Any]]:
    if config is None:
        return []
    return [
        {
            "id": site.id,
            "name": _texts(site.name, site.id),
            "kind": _in_both(lambda kind=site.kind: site_kind_word(kind)),  # type: ignore[misc]
            "equipment": [
                {
                    "id": asset.id,
                    "name": _texts(asset.name, asset.id),
                    "kind": _in_both(lambda kind=asset.kind: equipment_kind_word(kind)),  # type: ignore[misc]
                    "model": printable(asset.model),
                    "commissioned": None if asset.commissioned is None else asset.commissioned.isoformat(),
                    "retired": None if asset.retired is None else asset.retired.isoformat(),
                }
                for asset in config.assets.values()
                if asset.site == site.id
            ],
        }
        for site in config.sites.values()
    ]


def _checks(evidence: ArchiveEvidence | None, names: _Names) -> list[dict[str, Any]]:
    """How much is known of each check: the quality of the data."""
    if evidence is None:
        return []
    intervals: dict[str, float] = {}
    owners: dict[str, str] = {}
    for version in evidence.versions:
        for check in version.config.checks.values():
            intervals[check.id] = check.interval_seconds
            owners[check.id] = check.asset
    found = []
    for check_id, line in sorted(evidence.timelines().items()):
        time = seconds([line])
        gaps = [part for part in line if part.status is EffectiveStatus.UNKNOWN]
        expected = sum(asdict(time).values())
        unknown = time.unknown + time.maintenance_unknown
        found.append({
            "id": check_id,
            "equipment": names.of(owners.get(check_id, "")),
            "interval_seconds": intervals.get(check_id),
            **{f"{name}_seconds": round(value, 3) for name, value in asdict(time).items()},
            "known_ratio": None if not expected else round((expected - unknown) / expected, 9),
            "gaps": len(gaps),
            "longest_gap_seconds": round(max(map(_length, gaps), default=0.0), 3),
        })  # fmt: skip
    return found


def _length(part: Slice) -> float:
    return (part.until_ns - part.from_ns) / 1e9


def _windows(made: Sequence[tuple[Period, ArchiveEvidence, Any]], period: Period) -> list[dict[str, Any]]:
    found = {}
    for _part, evidence, _standings in made:
        for window in evidence.windows:
            if window.from_ns < min(period.until_ns, evidence.until_ns) and window.until_ns > period.since_ns:
                row = {
                    "id": window.id, "since": _moment(window.from_ns), "until": _moment(window.until_ns),
                    "entered": _moment(window.entered_ns), "reason": printable(window.reason),
                }  # fmt: skip
                found[window.id, window.from_ns] = row
    return [row for _key, row in sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))]


def _events(reader: Reader, since_ns: int, until_ns: int) -> dict[str, Any]:
    """What happened to netmon itself: how often, and each step of the clock."""
    counts = dict.fromkeys(EVENTS, 0)
    steps: list[dict[str, Any]] = []
    for kind in EVENTS:
        for event in reader.events(kind, since_ns=since_ns, until_ns=until_ns - 1):
            counts[kind] += 1
            if kind == "clock_step" and len(steps) < MOST_EVENTS:
                steps.append(
                    {"at": _moment(event.at_ns), "step_seconds": int(str(event.detail.get("step_ns", 0))) / 1e9}
                )
    return {"counts": counts, "clock_steps": steps}


def _entry(entry: Entry, names: _Names, register: Register) -> dict[str, Any]:
    target = register.targets.get(entry.target)
    return {
        "id": entry.id,
        "target": entry.target,
        "target_name": _texts(LocalText() if target is None else target.name, entry.target),
        "criterion": entry.criterion,
        "subject": entry.subject,
        "subject_name": names.of(entry.subject) if entry.subject else _texts(LocalText()),
        "kind": entry.kind,
        "at": _moment(entry.at_ns),
        "entered": _moment(entry.entered_ns),
        "author": printable(entry.author),
        "value": entry.value,
        "passed": entry.passed,
        "note": printable(entry.note),
        "file": printable(entry.file),
        "sha256": entry.sha256,
    }


def _files(reader: Reader, since_ns: int, until_ns: int) -> list[dict[str, Any]]:
    """The archive's files of closed days that the period touches; a day is UTC, so they reach beyond it."""
    first, last = since_ns // DAY_NS, (until_ns - 1) // DAY_NS
    return [
        {"name": file.name, "sha256": file.sha256, "rows": file.rows}
        for file in reader.files()
        if first <= file.day <= last
    ]


def _texts(text: LocalText, otherwise: str = "") -> Texts:
    return {language: printable(text.in_language(language) or otherwise) for language in LANGUAGES}


def _in_both(words: Callable[[], str]) -> Texts:
    def said(language: str) -> str:
        use_language(language)
        return words()

    return {language: contextvars.copy_context().run(said, language) for language in LANGUAGES}


def _moment(at_ns: int) -> str:
    """ISO 8601 in Asia/Shanghai, to the second."""
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).astimezone(LOCAL).isoformat()
