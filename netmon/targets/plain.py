"""How targets stand, as plain values for JSON and back: one process computes it, another one shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from netmon.targets.register import Register
from netmon.targets.standing import Part, Standing
from netmon.targets.trend import Trend
from netmon.targets.verdict import Finding, Range, Verdict, Why

__all__ = ["Report", "from_plain", "to_plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How the targets of a register stand at the end of a period.

    Attributes:
        year: in Asia/Shanghai.
        since_ns, until_ns: the period, UTC nanoseconds since the epoch, the end exclusive.
        begun_ns: from when on something was monitored in it; ``None`` if nothing was.
        damaged: files of the archive that could not be read: what they held counts as unknown.
        trends: how targets stood before, by id.
    """

    year: int
    since_ns: int
    until_ns: int
    begun_ns: int | None
    standings: tuple[Standing, ...]
    damaged: tuple[str, ...] = ()
    trends: Mapping[str, Trend] = field(default_factory=dict)


def to_plain(report: Report) -> dict[str, Any]:
    """Values that JSON can hold."""
    return {
        "year": report.year,
        "since_ns": report.since_ns,
        "until_ns": report.until_ns,
        "begun_ns": report.begun_ns,
        "damaged": list(report.damaged),
        "trends": {target: asdict(trend) for target, trend in report.trends.items()},
        "targets": [
            {
                "id": standing.target.id,
                "verdict": standing.verdict,
                "parts": [
                    {"criterion": part.criterion.id, "subject": part.subject, **_finding(part.finding)}
                    for part in standing.parts
                ],
            }
            for standing in report.standings
        ],
    }


def from_plain(register: Register, plain: Mapping[str, Any]) -> Report:
    """What :func:`to_plain` wrote, of the same register.

    Raises:
        KeyError, ValueError, TypeError: it is not of this register.
    """
    return Report(
        year=plain["year"],
        since_ns=plain["since_ns"],
        until_ns=plain["until_ns"],
        begun_ns=plain["begun_ns"],
        damaged=tuple(plain["damaged"]),
        trends={
            target: Trend(**{**trend, "verdict": Verdict(trend["verdict"])})
            for target, trend in plain["trends"].items()
        },
        standings=tuple(_standing(register, item) for item in plain["targets"]),
    )


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict,
        "why": finding.why,
        "value": finding.value,
        "range": None if finding.range is None else asdict(finding.range),
        "evidence_ratio": finding.evidence_ratio,
        "figures": dict(finding.figures),
    }


def _standing(register: Register, plain: Mapping[str, Any]) -> Standing:
    target = register.targets[plain["id"]]
    criteria = {criterion.id: criterion for criterion in target.criteria}
    parts: Sequence[Part] = [
        Part(
            criterion=criteria[item["criterion"]],
            subject=item["subject"],
            finding=Finding(
                verdict=Verdict(item["verdict"]),
                why=Why(item["why"]),
                value=item["value"],
                range=None if item["range"] is None else Range(**item["range"]),
                evidence_ratio=item["evidence_ratio"],
                figures=item["figures"],
            ),
        )
        for item in plain["parts"]
    ]
    return Standing(target, Verdict(plain["verdict"]), tuple(parts))
