"""How each target stands at the end of a period: register and evidence -> verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from netmon.config import Config
from netmon.coverage.load import Surveys
from netmon.failover import Failover
from netmon.impact import EffectiveStatus
from netmon.model import LOCAL, Asset, Check, Site, midnight_ns
from netmon.targets import rules
from netmon.targets.coverage import survey_evidence
from netmon.targets.documents import Entry
from netmon.targets.evidence import SECOND_NS, WORKS, Evidence, Means, Slice, best_known, seconds, within
from netmon.targets.register import Criterion, Register, Target
from netmon.targets.rules import CountEvidence, DrillEvidence, ScheduledTest, ShareEvidence
from netmon.targets.verdict import BEST_FIRST, Finding, Range, Verdict, Why, worst

__all__ = ["Part", "Standing", "monthly", "standings", "year"]


@dataclass(frozen=True, slots=True)
class Part:
    """One criterion's verdict of one subject.

    Attributes:
        subject: id of a site or of equipment; empty for the whole county.
    """

    criterion: Criterion
    subject: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Standing:
    """A target's verdict and what it is made of, the worst part first."""

    target: Target
    verdict: Verdict
    parts: tuple[Part, ...]


def year(number: int) -> tuple[int, int]:
    """Begin and end of a year in Asia/Shanghai, UTC nanoseconds since the epoch."""
    return midnight_ns(date(number, 1, 1)), midnight_ns(date(number + 1, 1, 1))


def standings(
    register: Register, evidence: Evidence, entries: Sequence[Entry] = (), failovers: Sequence[Failover] = ()
) -> tuple[Standing, ...]:
    """How each target stands, in the register's order."""
    judge = _Judge(register, evidence, entries, failovers)
    return tuple(judge.standing(target) for target in register.targets.values())


def monthly(register: Register, evidence: Evidence) -> Iterator[tuple[int, int, Target, Part]]:
    """Begin and end of each month in Asia/Shanghai, and the percentiles of this month alone, one for each subject."""
    judge = _Judge(register, evidence)
    criteria = [(one, each) for one in register.targets.values() for each in one.criteria if each.rule == "percentile"]
    for since_ns, until_ns in _months(evidence.since_ns, evidence.until_ns):
        for target, criterion in criteria:
            for subject, finding in judge.percentiles(criterion, since_ns, until_ns):
                yield since_ns, until_ns, target, Part(criterion, subject, finding)


def _months(since_ns: int, until_ns: int) -> Iterator[tuple[int, int]]:
    while since_ns < until_ns:
        first = datetime.fromtimestamp(since_ns / 1e9, LOCAL).date().replace(day=1)
        end_ns = min(midnight_ns((first + timedelta(days=31)).replace(day=1)), until_ns)
        yield since_ns, end_ns
        since_ns = end_ns


class _Judge:
    def __init__(
        self, register: Register, evidence: Evidence, entries: Sequence[Entry] = (), failovers: Sequence[Failover] = ()
    ) -> None:
        self._evidence = evidence
        self._entries = entries
        self._failovers = failovers
        self._timelines = evidence.timelines()
        self._sites: dict[str, Site] = {}
        self._assets: dict[str, Asset] = {}
        self._checks: dict[str, dict[str, str]] = {}
        self._hearsay: dict[str, Check] = {}
        # Tests that load a line, and checks that say how it is used: what they say is no matter of seconds.
        self._tested: dict[str, dict[str, str]] = {}
        for version in evidence.versions:
            config = version.config
            self._sites |= config.sites
            self._assets |= config.assets
            for check in config.checks.values():
                if check.hearsay:
                    self._hearsay[check.id] = check
                known = self._tested if check.exclusive or check.aside else self._checks
                known.setdefault(check.asset, {})[check.id] = check.kind
        criteria = [criterion for target in register.targets.values() for criterion in target.criteria]
        self._percentile_readings = tuple(
            dict.fromkeys(reading for each in criteria if each.rule == "percentile" for reading in each.readings)
        )
        self._made: tuple[Mapping[str, Sequence[Slice]], Mapping[tuple[str, str], Means]] | None = None
        last = evidence.versions[-1] if evidence.versions else None
        self._last = last.config if last is not None and last.until_ns == evidence.until_ns else None
        first = evidence.versions[0] if evidence.versions else None
        self._first = first.config if first is not None and first.since_ns == evidence.since_ns else None

    def standing(self, target: Target) -> Standing:
        parts = [part for criterion in target.criteria for part in self._parts(target, criterion)]
        parts.sort(key=lambda part: -BEST_FIRST.index(part.finding.verdict))
        return Standing(target, worst(part.finding.verdict for part in parts), tuple(parts))

    def _parts(self, target: Target, criterion: Criterion) -> list[Part]:
        found = [Part(criterion, subject, finding) for subject, finding in self._findings(target, criterion)]
        return found or [Part(criterion, "", Finding(verdict=Verdict.CANNOT_BE_JUDGED, why=Why.NO_SUBJECT))]

    def _findings(self, target: Target, criterion: Criterion) -> Iterator[tuple[str, Finding]]:
        match criterion.rule:
            case "availability":
                yield from self._availability(criterion)
            case "available_seconds":
                yield from self._available_seconds(criterion)
            case "count":
                yield from self._count(criterion)
            case "coverage":
                yield from self._coverage(target, criterion)
            case "drill_age" | "drill_count":
                yield from self._drills(target, criterion)
            case "share_of_checks":
                yield "", rules.rising_share(self._share_of_checks(target, criterion))
            case "share_of_sites":
                yield "", rules.rising_share(self._share_of_sites(target, criterion))
            case "mean":
                yield from self._means(criterion)
            case "percentile":
                yield from self.percentiles(criterion, self._evidence.since_ns, self._evidence.until_ns)
            case "tests":
                yield from self._tests(target, criterion)
            case "documents":
                yield "", self._by_documents(target, criterion)

    def _availability(self, criterion: Criterion) -> Iterator[tuple[str, Finding]]:
        for asset in self._chosen(self._assets.values(), criterion):
            lines, called_seconds = self._lines(asset.id, criterion)
            if not any(lines):
                if self._last is not None and asset.id in self._last.assets and not self._checks.get(asset.id):
                    yield asset.id, Finding(verdict=Verdict.NOT_IMPLEMENTED, why=Why.NO_PROBE)
                continue
            found = rules.share_of_time(
                seconds(lines), at_least=criterion.at_least, least_evidence=criterion.least_evidence
            )
            if called_seconds:
                found = replace(found, figures={**found.figures, "roll_call_seconds": called_seconds})
            yield asset.id, found

    def _available_seconds(self, criterion: Criterion) -> Iterator[tuple[str, Finding]]:
        """Of each piece of equipment that has streams, by the worst of them: each is a class of packets of its own."""
        lines = {
            asset.id: {
                name: line
                for name, kind in self._checks.get(asset.id, {}).items()
                if kind == "stream" and (line := self._timelines.get(name))
            }
            for asset in self._chosen(self._assets.values(), criterion)
        }
        times = self._evidence.available_time({name: line for found in lines.values() for name, line in found.items()})
        for asset_id, found in lines.items():
            findings = [
                rules.share_of_time(
                    times[name], at_least=criterion.at_least, least_evidence=criterion.least_evidence
                )
                for name in found
            ]  # fmt: skip
            if findings:
                yield asset_id, max(findings, key=lambda each: (BEST_FIRST.index(each.verdict), -(each.value or 0.0)))

    def _means(self, criterion: Criterion) -> Iterator[tuple[str, Finding]]:
        lines = {
            asset.id: {name: line for name in self._checked(asset.id, criterion) if (line := self._timelines.get(name))}
            for asset in self._chosen(self._assets.values(), criterion)
        }
        every = {name: line for found in lines.values() for name, line in found.items()}
        samples = self._evidence.samples(every, criterion.readings)
        for asset_id, found in lines.items():
            findings = [
                rules.mean_of_ratio(
                    due=one.due, count=one.count, total=one.total, at_most=criterion.at_most,
                    least_evidence=criterion.least_evidence,
                )
                for reading in criterion.readings
                for name in found
                for one in (samples[reading, name],)
            ]  # fmt: skip
            if findings:
                yield asset_id, max(findings, key=lambda each: (BEST_FIRST.index(each.verdict), each.value or 0.0))

    def percentiles(self, criterion: Criterion, since_ns: int, until_ns: int) -> Iterator[tuple[str, Finding]]:
        """Of each piece of equipment within a time, by that reading of which most is known."""
        lines = {
            asset.id: {
                name: within(self._timelines[name], since_ns, until_ns)
                for name in self._checked(asset.id, criterion)
                if name in self._timelines
            }
            for asset in self._chosen(self._assets.values(), criterion)
        }
        every = {name: line for found in lines.values() for name, line in found.items() if line}
        means = self._means_of(every)
        for asset_id, found in lines.items():
            # The readings tell of the same traffic, such as both ends of a line: one stands in for the other.
            known = [means[reading, name] for name in found if name in every for reading in criterion.readings]
            if known:
                best = max(known, key=lambda each: len(each.values) / max(1, each.due))
                yield (
                    asset_id,
                    rules.percentile_of_means(
                        due=best.due, means=best.values, at_most=criterion.at_most,
                        least_evidence=criterion.least_evidence,
                    ),
                )  # fmt: skip

    def _means_of(self, lines: Mapping[str, Sequence[Slice]]) -> Mapping[tuple[str, str], Means]:
        """All that percentiles are made of at once: each file is gone through once, and not for every criterion."""
        if self._made is None or self._made[0] != lines:
            self._made = lines, self._evidence.means(lines, self._percentile_readings)
        return self._made[1]

    def _tests(self, target: Target, criterion: Criterion) -> Iterator[tuple[str, Finding]]:
        for asset in self._chosen(self._assets.values(), criterion):
            lines = {
                check_id: self._timelines.get(check_id, ())
                for check_id, kind in self._tested.get(asset.id, {}).items()
                if not criterion.checks or kind in criterion.checks
            }
            if any(lines.values()):
                for made in self._evidence.tests(lines, criterion.state, criterion.word).values():
                    yield asset.id, self._by_tests(made, criterion)
            elif self._last is not None and asset.id in self._last.assets:
                yield asset.id, self._by_documents(target, criterion)

    @staticmethod
    def _by_tests(made: Sequence[ScheduledTest], criterion: Criterion) -> Finding:
        if criterion.at_least is None:
            return Finding(verdict=Verdict.CANNOT_BE_JUDGED, why=Why.NO_THRESHOLD)
        return rules.share_of_tests(
            made, at_least=criterion.at_least, least_evidence=criterion.least_evidence,
            least_tests=criterion.least_tests,
        )  # fmt: skip

    def _count(self, criterion: Criterion) -> Iterator[tuple[str, Finding]]:
        if self._last is None:
            return
        # A whole second: a nanosecond before midnight is midnight in a float.
        day = datetime.fromtimestamp(self._evidence.until_ns // SECOND_NS - 1, LOCAL).date()
        present = [asset for asset in self._chosen(self._last.assets.values(), criterion) if asset.in_service(day)]
        for site in self._last.sites.values():
            if criterion.sites and site.kind not in criterion.sites:
                continue
            for kind in criterion.equipment:
                here = [asset for asset in present if asset.site == site.id and asset.kind == kind]
                required = site.required.get(kind)
                if required is None and not here:
                    continue
                works = Counter(self._works(asset.id) for asset in here)
                yield (
                    site.id,
                    rules.count_complete(
                        CountEvidence(
                            required=required, present=len(here), serviceable=works[True], unknown=works[None]
                        )
                    ),
                )

    def _coverage(self, target: Target, criterion: Criterion) -> Iterator[tuple[str, Finding]]:
        surveys = self._surveys.get(criterion.terminal)
        if surveys is None:
            # Of the years before netmon somebody may have entered a figure.
            entered = self._entry(target, criterion, self._evidence.since_ns, self._evidence.until_ns) is not None
            without = Finding(verdict=Verdict.NOT_ENOUGH_DATA, why=Why.NO_SURVEY)
            yield "", self._by_documents(target, criterion) if entered else without
            return
        for area, found in survey_evidence(surveys, until_ns=self._evidence.until_ns):
            yield (
                area,
                rules.coverage_proven(
                    found, at_least=criterion.at_least, confidence=surveys.last.definition.confidence,
                    longest_age_seconds=criterion.longest_age_seconds,
                ),
            )  # fmt: skip

    @cached_property
    def _surveys(self) -> Mapping[str, Surveys]:
        return self._evidence.surveys()

    def _drills(self, target: Target, criterion: Criterion) -> Iterator[tuple[str, Finding]]:
        if self._last is None:
            return
        if criterion.rule == "drill_age":
            subjects = [asset.id for asset in self._chosen(self._last.assets.values(), criterion)]
        else:
            subjects = [site.id for site in self._last.sites.values() if site.kind in criterion.sites]
        for subject in subjects:
            drills = [
                entry
                for entry in self._entries
                if entry.kind == "drill" and (entry.target, entry.subject) == (target.id, subject)
                and entry.at_ns < self._evidence.until_ns
            ]  # fmt: skip
            # A failover of which too little is known is neither a passed drill nor a failed one.
            seen = [
                failover
                for failover in (self._failovers if criterion.failovers else ())
                if failover.site == subject and failover.noticed_ns < self._evidence.until_ns
            ]
            seen_ages = tuple(self._age(failover.noticed_ns) for failover in seen if failover.passed)
            made = DrillEvidence(
                passed_ages_seconds=(*(self._age(entry.at_ns) for entry in drills if entry.passed), *seen_ages),
                failed=sum(not entry.passed for entry in drills) + sum(each.passed is False for each in seen),
                seen_ages_seconds=seen_ages,
            )
            if criterion.rule == "drill_age":
                yield subject, rules.drilled_recently(made, longest_age_seconds=criterion.longest_age_seconds)
            else:
                yield (
                    subject,
                    rules.drilled_times(
                        made, at_least=round(criterion.at_least or 0), period_seconds=criterion.longest_age_seconds
                    ),
                )

    def _age(self, at_ns: int) -> float:
        return (self._evidence.until_ns - at_ns) / SECOND_NS

    def _share_of_checks(self, target: Target, criterion: Criterion) -> ShareEvidence:
        checks = [] if self._last is None else [c for c in self._last.checks.values() if c.kind in criterion.checks]
        words = Counter(
            None if (word := self._evidence.word(check.id, criterion.state)) is None else word == criterion.word
            for check in checks
        )
        return ShareEvidence(
            reached=words[True], unknown=words[None], whole=len(checks), previous=self._before(target, criterion)
        )

    def _share_of_sites(self, target: Target, criterion: Criterion) -> ShareEvidence:
        reached, whole = self._equipped(criterion, self._last, self._evidence.until_ns - SECOND_NS)
        previous = self._before(target, criterion)
        if previous is None:
            had, of = self._equipped(criterion, self._first, self._evidence.since_ns)
            previous = Range(had / of, had / of) if of else None
        return ShareEvidence(reached=reached, unknown=0, whole=whole, previous=previous)

    @staticmethod
    def _equipped(criterion: Criterion, config: Config | None, at_ns: int) -> tuple[int, int]:
        """Sites that have the equipment, and all that should."""
        if config is None:
            return 0, 0
        day = datetime.fromtimestamp(at_ns / 1e9, LOCAL).date()
        sites = [site.id for site in config.sites.values() if site.kind in criterion.sites]
        having = {
            asset.site
            for asset in config.assets.values()
            if asset.kind in criterion.equipment and asset.in_service(day)
        }
        return sum(site in having for site in sites), len(sites)

    def _by_documents(self, target: Target, criterion: Criterion) -> Finding:
        entry = self._entry(target, criterion, self._evidence.since_ns, self._evidence.until_ns)
        if entry is None:
            return Finding(verdict=Verdict.NOT_IMPLEMENTED, why=Why.NO_PROBE)
        passed = entry.passed
        if entry.kind == "figure":
            if criterion.at_least is None or entry.value is None:
                return Finding(verdict=Verdict.CANNOT_BE_JUDGED, why=Why.NO_THRESHOLD, value=entry.value)
            passed = entry.value >= criterion.at_least
        verdict = Verdict.MET_BY_DOCUMENTS if passed else Verdict.NOT_MET
        return Finding(verdict=verdict, why=Why.DOCUMENTS, value=entry.value)

    def _before(self, target: Target, criterion: Criterion) -> Range | None:
        """The figure of the year before, which somebody entered."""
        begin = datetime.fromtimestamp(self._evidence.since_ns / 1e9, LOCAL)
        before_ns, _end_ns = year(begin.year - 1)
        entry = self._entry(target, criterion, before_ns, self._evidence.since_ns)
        return None if entry is None or entry.value is None else Range(entry.value, entry.value)

    def _entry(self, target: Target, criterion: Criterion, since_ns: int, until_ns: int) -> Entry | None:
        """The newest figure or document for a criterion, about a moment within these times."""
        fitting = [
            entry
            for entry in self._entries
            if entry.kind != "drill" and entry.target == target.id and entry.criterion in ("", criterion.id)
            and since_ns <= entry.at_ns < until_ns
        ]  # fmt: skip
        return max(fitting, key=lambda entry: entry.at_ns, default=None)

    def _chosen(self, assets: Iterable[Asset], criterion: Criterion) -> list[Asset]:
        return [
            asset
            for asset in assets
            if asset.kind in criterion.equipment
            and (not criterion.sites or self._sites[asset.site].kind in criterion.sites)
        ]

    def _lines(self, asset_id: str, criterion: Criterion | None = None) -> tuple[list[Sequence[Slice]], float]:
        """What is known of equipment, and for how many seconds by roll calls alone.

        While it is asked itself, that decides: what others say of it neither adds to it nor takes from it.
        """
        own: list[Sequence[Slice]] = []
        told: list[Sequence[Slice]] = []
        called: list[Sequence[Slice]] = []
        for name in self._checked(asset_id, criterion):
            check = self._hearsay.get(name)
            (own if check is None else called if check.by_hand else told).append(self._timelines.get(name, ()))
        if not told and not called:
            return own, 0.0
        line, seconds_called = best_known(own, told, called)
        return [*own, line], seconds_called

    def _checked(self, asset_id: str, criterion: Criterion | None) -> list[str]:
        """Ids of the checks of equipment that count for a criterion."""
        return [
            check_id
            for check_id, kind in self._checks.get(asset_id, {}).items()
            if criterion is None or not criterion.checks or kind in criterion.checks
        ]

    def _works(self, asset_id: str) -> bool | None:
        """Whether equipment works at the end of the period; ``None`` if that is not known."""
        lines, _called = self._lines(asset_id)
        last = [line[-1].status for line in lines if line and line[-1].until_ns == self._evidence.until_ns]
        if EffectiveStatus.DOWN in last:
            return False
        return True if last and set(last) <= WORKS else None
