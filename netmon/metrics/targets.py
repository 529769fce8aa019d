"""How the plan's targets stand, criterion by criterion, with the figures that they are judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, Protocol

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from netmon.targets.plain import Report
from netmon.targets.register import Criterion
from netmon.targets.standing import Part, Standing
from netmon.targets.verdict import Verdict, worst

__all__ = ["UNITS", "TargetFamilies", "Targets"]

UNITS: Final = {"count": "pieces", "drill_age": "seconds", "drill_count": "drills"}
"""Of a rule's figure; all others judge shares."""
FIGURES: Final = {
    "ratio": "What is judged: share, of the worst subject.",
    "pieces": "What is judged: pieces of equipment that work, all sites together.",
    "seconds": "What is judged: age, of the worst subject.",
    "drills": "What is judged: number of drills, of the worst subject.",
}
REQUIRED: Final = "What the figure is judged by; absent where nobody set it."
SMALLER_IS_BETTER: Final = frozenset({"mean", "percentile", "drill_age"})
KEY: Final = ("target", "criterion")


class Targets(Protocol):
    """What is known of the plan's targets."""

    @property
    def report(self) -> Report | None:
        """How they stand."""


class TargetFamilies:
    """Collects the last report at each scrape; nothing before there is one."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def collect(self) -> Iterator[Metric]:
        """The families."""
        report = self._targets.report
        if report is None:
            return
        info = _family("target_info", "A target of the plan; join on target.", "target", "name_zh", "name_en")
        verdicts = _family(
            "target_verdict", "The verdict of a target of the plan, this year so far: 1 for the one that holds.",
            "target", "verdict",
        )  # fmt: skip
        for standing in report.standings:
            target = standing.target
            info.add_metric([target.id, *map(target.name.in_language, ("zh", "en"))], 1.0)
            _add_verdict(verdicts, [target.id], standing.verdict)
        yield info
        yield verdicts
        yield from _criteria(report.standings)
        yield _objectives(report.standings)
        yield from _percentiles(report.standings)
        yield GaugeMetricFamily(
            "netmon_targets_evaluated_timestamp_seconds", "When the targets were evaluated last.",
            value=report.until_ns / 1e9,
        )  # fmt: skip


def _criteria(standings: Sequence[Standing]) -> Iterator[Metric]:
    info = _family(
        "criterion_info", "A criterion of a target; join on target and criterion.", *KEY, "name_zh", "name_en", "rule"
    )
    verdicts = _family(
        "criterion_verdict", "The verdict of a criterion, the worst of its subjects: 1 for it.", *KEY, "verdict"
    )
    subjects = _family("criterion_subjects", "Sites or pieces of equipment that a criterion is about.", *KEY)
    evidence = _family(
        "criterion_evidence_ratio",
        "Share of what should be known that is known, of the subject of which least is.",
        *KEY,
    )
    figures = {unit: _family(f"criterion_figure_{unit}", text, *KEY) for unit, text in FIGURES.items()}
    required = {unit: _family(f"criterion_required_{unit}", REQUIRED, *KEY, "bound") for unit in FIGURES}
    for standing in standings:
        for criterion, parts in _by_criterion(standing):
            labels = [standing.target.id, criterion.id]
            info.add_metric([*labels, *map(criterion.name.in_language, ("zh", "en")), criterion.rule], 1.0)
            _add_verdict(verdicts, labels, worst(part.finding.verdict for part in parts))
            subjects.add_metric(labels, float(sum(part.subject != "" for part in parts)))
            known = [part.finding.evidence_ratio for part in parts if part.finding.evidence_ratio is not None]
            if known:
                evidence.add_metric(labels, min(known))
            unit = UNITS.get(criterion.rule, "ratio")
            if (figure := _figure(criterion, parts)) is not None:
                figures[unit].add_metric(labels, figure)
            if (limit := _limit(criterion, parts)) is not None:
                bound = "at_most" if criterion.rule in SMALLER_IS_BETTER else "at_least"
                required[unit].add_metric([*labels, bound], limit)
    yield from (info, verdicts, subjects, evidence, *figures.values(), *required.values())


def _objectives(standings: Sequence[Standing]) -> Metric:
    family = _family(
        "objective_ratio", "The share of time that a target of the plan asks of a piece of equipment to work.",
        *KEY, "asset",
    )  # fmt: skip
    for standing in standings:
        for part in standing.parts:
            if part.criterion.rule == "availability" and part.criterion.at_least is not None and part.subject:
                family.add_metric([standing.target.id, part.criterion.id, part.subject], part.criterion.at_least)
    return family


def _percentiles(standings: Sequence[Standing]) -> Iterator[Metric]:
    figures = _family(
        "percentile_ratio",
        "The percentile of a share, this year so far, of a piece of equipment; absent below the least evidence.",
        *KEY, "asset",
    )  # fmt: skip
    evidence = _family(
        "percentile_evidence_ratio", "Share of the five minutes of a percentile that is known.", *KEY, "asset"
    )
    for standing in standings:
        for part in standing.parts:
            if part.criterion.rule == "percentile" and part.subject:
                labels = [standing.target.id, part.criterion.id, part.subject]
                if part.finding.value is not None:
                    figures.add_metric(labels, part.finding.value)
                if part.finding.evidence_ratio is not None:
                    evidence.add_metric(labels, part.finding.evidence_ratio)
    yield from (figures, evidence)


def _by_criterion(standing: Standing) -> Iterator[tuple[Criterion, list[Part]]]:
    """Parts by criterion, in the register's order."""
    order = [criterion.id for criterion in standing.target.criteria]
    parts = sorted(standing.parts, key=lambda part: order.index(part.criterion.id))
    for _id, group in groupby(parts, key=lambda part: part.criterion.id):
        found = list(group)
        yield found[0].criterion, found


def _figure(criterion: Criterion, parts: Sequence[Part]) -> float | None:
    if criterion.rule == "count":
        return _added(parts, "serviceable")
    values = [part.finding.value for part in parts if part.finding.value is not None]
    worst_of = max if criterion.rule in SMALLER_IS_BETTER else min
    return worst_of(values) if values else None


def _limit(criterion: Criterion, parts: Sequence[Part]) -> float | None:
    if criterion.rule == "count":
        return _added(parts, "required")
    if criterion.rule == "drill_age":
        return criterion.longest_age_seconds
    return criterion.at_most if criterion.rule in ("mean", "percentile") else criterion.at_least


def _added(parts: Sequence[Part], figure: str) -> float | None:
    values = [part.finding.figures[figure] for part in parts if figure in part.finding.figures]
    return float(sum(values)) if values else None


def _add_verdict(family: GaugeMetricFamily, labels: Sequence[str], holds: Verdict) -> None:
    for verdict in Verdict:
        family.add_metric([*labels, verdict], float(verdict is holds))


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"netmon_{name}", text, labels=labels)
