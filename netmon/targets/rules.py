"""The rules that turn evidence into verdicts. Pure: no clock, no file, no inventory.

Two properties hold for each of them, and hypothesis tests them: more outage never improves a verdict, and taking
evidence away never turns anything into ``MET``. Hence "met" needs the figure to be reached even if everything that is
unknown were bad: otherwise who deletes the bad days would have met the target. "Not met" needs the figure to be missed
by what is known, if enough is known, or however good the unknown were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from netmon.coverage.confidence import clopper_pearson_lower
from netmon.targets.verdict import Finding, Range, Verdict, Why

__all__ = [
    "CountEvidence",
    "DrillEvidence",
    "ScheduledTest",
    "ShareEvidence",
    "SurveyEvidence",
    "TimeEvidence",
    "count_complete",
    "coverage_proven",
    "drilled_recently",
    "drilled_times",
    "mean_of_ratio",
    "percentile",
    "percentile_of_means",
    "rising_share",
    "share_of_tests",
    "share_of_time",
]

SHARE_OF_MEANS = 0.95
"""Of means, in the percentile by which utilisation is judged."""
MEANS_DECIMALS = 6
"""Means are kept in single precision: more digits are of its rounding."""
MANY_TESTS = 20
"""From so many tests on a share is judged; below, each failure counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeEvidence:
    """Seconds of a period in which something had to work, agreed maintenance apart.

    Attributes:
        good, bad, unknown: outside maintenance.
        maintenance_good, maintenance_bad, maintenance_unknown: within windows that were announced before they began.
    """

    good: float = 0.0
    bad: float = 0.0
    unknown: float = 0.0
    maintenance_good: float = 0.0
    maintenance_bad: float = 0.0
    maintenance_unknown: float = 0.0


def share_of_time(evidence: TimeEvidence, *, at_least: float | None, least_evidence: float) -> Finding:
    """Availability: good seconds of those that are known, maintenance left out of both.

    Args:
        at_least: the share that has to be reached; ``None`` if nobody set it.
        least_evidence: the share of seconds that must be known before what is known can count as missed.
    """
    outside = evidence.good + evidence.bad + evidence.unknown
    maintenance = evidence.maintenance_good + evidence.maintenance_bad + evidence.maintenance_unknown
    if outside <= 0:
        return Finding(
            verdict=Verdict.NOT_ENOUGH_DATA, why=Why.NOTHING_DUE, figures={"maintenance_seconds": maintenance}
        )
    known = evidence.good + evidence.bad
    value = evidence.good / known if known > 0 else None
    pessimistic, optimistic = evidence.good / outside, (evidence.good + evidence.unknown) / outside
    whole = outside + maintenance
    good = evidence.good + evidence.maintenance_good
    found = Finding(
        verdict=Verdict.NOT_ENOUGH_DATA,
        why=Why.NOTHING_KNOWN,
        value=value,
        range=Range(
            min(pessimistic, good / whole),
            max(optimistic, (good + evidence.unknown + evidence.maintenance_unknown) / whole),
        ),
        evidence_ratio=known / outside,
        figures={
            "expected_seconds": outside,
            "good_seconds": evidence.good,
            "bad_seconds": evidence.bad,
            "unknown_seconds": evidence.unknown,
            "maintenance_seconds": maintenance,
        },
    )
    return _judge(found, pessimistic, optimistic, at_least, least_evidence, value)


def mean_of_ratio(*, due: int, count: int, total: float, at_most: float | None, least_evidence: float) -> Finding:
    """The mean of a share that is the better the smaller it is, such as packet loss, over the runs that were due.

    Args:
        due: how many values there should be.
        count, total: how many there are, each from 0 to 1, and their sum.
        at_most: what it may be; ``None`` if nobody set it.
        least_evidence: the share of values that must be known before what is known can count as missed.
    """
    if due <= 0:
        return Finding(verdict=Verdict.NOT_ENOUGH_DATA, why=Why.NOTHING_DUE)
    missing = due - count
    low, high = total / due, (total + missing) / due
    found = Finding(
        verdict=Verdict.NOT_ENOUGH_DATA,
        why=Why.NOTHING_KNOWN,
        value=total / count if count else None,
        range=Range(low, high),
        evidence_ratio=count / due,
        figures={"due_samples": due, "samples": count},
    )
    limit = None if at_most is None else -at_most
    return _judge(found, -high, -low, limit, least_evidence, None if found.value is None else -found.value)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all values does not exceed (RFC 2330, 11.3: by the empirical distribution).

    Args:
        values: in ascending order, at least one.
    """
    return values[max(0, math.ceil(share * len(values) - 1e-9) - 1)]


def percentile_of_means(*, due: int, means: Sequence[float], at_most: float | None, least_evidence: float) -> Finding:
    """The 95th percentile of a share that is the better the smaller it is, such as utilisation, over means of five
    minutes, as traffic is billed by it: the highest twentieth does not count.

    A mean that is not known is no zero: it counts as the least and as the most there can be. Where less than
    ``least_evidence`` of them are known there is no figure.

    Args:
        due: how many means there should be.
        means: those that are known, in any order.
        at_most: what the percentile may be; ``None`` if nobody set it.
    """
    if due <= 0:
        return Finding(verdict=Verdict.NOT_ENOUGH_DATA, why=Why.NOTHING_DUE)
    known = sorted(round(mean, MEANS_DECIMALS) for mean in means)
    missing = max(0, due - len(known))
    rank = math.ceil(SHARE_OF_MEANS * (len(known) + missing) - 1e-9)
    low = known[rank - missing - 1] if rank > missing else 0.0
    pessimistic = known[rank - 1] if rank <= len(known) else math.inf
    evidence = len(known) / due
    value = percentile(known, SHARE_OF_MEANS) if known and evidence >= least_evidence else None
    found = Finding(
        verdict=Verdict.NOT_ENOUGH_DATA,
        why=Why.TOO_MUCH_UNKNOWN if known else Why.NOTHING_KNOWN,
        value=value,
        range=Range(low, max(1.0, known[-1] if known else 0.0) if pessimistic == math.inf else pessimistic),
        evidence_ratio=min(1.0, evidence),
        figures={"due_intervals": due, "known_intervals": len(known)},
    )
    limit = None if at_most is None else -at_most
    return _judge(found, -pessimistic, -low, limit, least_evidence, None if value is None else -value)


@dataclass(frozen=True, slots=True)
class ScheduledTest:
    """One test that was due.

    Attributes:
        passed: ``None`` if it did not take place or gave no valid figure.
        retest_passed: what the retest after a failure said; ``None`` if there was none.
    """

    passed: bool | None
    retest_passed: bool | None = None


def share_of_tests(
    tests: Sequence[ScheduledTest], *, at_least: float, least_evidence: float, least_tests: int
) -> Finding:
    """Tests that were due, one of each period: on-demand tests are shown and not judged, since who chooses the moment
    chooses the result.

    From 20 due tests on, ``at_least`` of all must have passed. Below, at most one may have failed, and a retest must
    have found the line good.

    Args:
        at_least: share of tests, for 20 or more.
        least_evidence: valid tests of due tests before failures among them can count as missed.
        least_tests: valid tests without which nothing is said.
    """
    due = len(tests)
    valid = [test for test in tests if test.passed is not None]
    failed = [test for test in valid if not test.passed]
    missing = due - len(valid)
    figures = {"due_tests": due, "valid_tests": len(valid), "failed_tests": len(failed)}
    value = 1 - len(failed) / len(valid) if valid else None
    if due == 0 or value is None:
        why = Why.NOTHING_DUE if due == 0 else Why.NOTHING_KNOWN
        return Finding(verdict=Verdict.NOT_ENOUGH_DATA, why=why, figures=figures)
    passed = len(valid) - len(failed)
    found = Finding(
        verdict=Verdict.NOT_ENOUGH_DATA,
        why=Why.TOO_FEW_TESTS,
        value=value,
        range=Range(passed / due, (passed + missing) / due),
        evidence_ratio=len(valid) / due,
        figures=figures,
    )
    if due >= MANY_TESTS:
        return _judge(found, passed / due, (passed + missing) / due, at_least, least_evidence, value)
    confirmed_good = len(failed) == 1 and failed[0].retest_passed is True
    if failed and not confirmed_good:
        return _with(found, Verdict.NOT_MET, Why.FAILED_TESTS)
    if missing or len(valid) < least_tests:
        return found
    return _with(found, Verdict.MET, Why.ONE_FAILED_CONFIRMED_GOOD if failed else Why.REACHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountEvidence:
    """Equipment of one kind at one site: 应配, 实配, 完好.

    Attributes:
        required: how many it must have; ``None`` if nobody said.
        present: commissioned and not retired.
        serviceable: of those present, known to work (or to be ready).
        unknown: of those present, not known to work and not known to be broken.
    """

    required: int | None
    present: int
    serviceable: int
    unknown: int


def count_complete(evidence: CountEvidence) -> Finding:
    """As many as required are there, and as many as required work."""
    if evidence.required is None:
        return Finding(verdict=Verdict.CANNOT_BE_JUDGED, why=Why.NO_THRESHOLD)
    required, serviceable, unknown = evidence.required, evidence.serviceable, evidence.unknown
    known = evidence.present - unknown
    found = Finding(
        verdict=Verdict.NOT_ENOUGH_DATA,
        why=Why.UNKNOWN_COULD_HIDE_A_MISS,
        value=float(serviceable),
        range=Range(serviceable, serviceable + unknown),
        evidence_ratio=known / evidence.present if evidence.present else None,
        figures={
            "required": required, "present": evidence.present, "serviceable": serviceable, "unknown": unknown,
        },
    )  # fmt: skip
    if evidence.present < required:
        return _with(found, Verdict.NOT_MET, Why.TOO_FEW_PRESENT)
    if serviceable >= required:
        return _with(found, Verdict.MET, Why.REACHED)
    if serviceable + unknown < required:
        return _with(found, Verdict.NOT_MET, Why.TOO_FEW_SERVICEABLE)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyEvidence:
    """The latest coverage survey.

    Attributes:
        passed_tiles: tiles that were served.
        planned_tiles: all tiles of the area, those that were not reached included.
        measured_tiles: those of them that were measured.
        age_seconds: at the moment for which the verdict is.
        previous_ratio: what the survey before has proven; ``None`` for a first survey.
    """

    passed_tiles: int
    planned_tiles: int
    measured_tiles: int
    age_seconds: float
    previous_ratio: float | None = None


def coverage_proven(
    evidence: SurveyEvidence | None, *, at_least: float | None, confidence: float, longest_age_seconds: float
) -> Finding:
    """The lower confidence bound of the share of tiles reaches the figure, and the share what was proven before.

    Tiles that were not measured count as not served: a bound needs them, and who leaves out the bad ones proves
    nothing.
    """
    if evidence is None or evidence.planned_tiles == 0:
        return Finding(verdict=Verdict.NOT_ENOUGH_DATA, why=Why.NO_SURVEY)
    passed, planned, measured = evidence.passed_tiles, evidence.planned_tiles, evidence.measured_tiles
    missing = planned - measured
    bound = clopper_pearson_lower(passed, planned, confidence)
    value = passed / measured if measured else None
    figures = {
        "passed_tiles": passed, "planned_tiles": planned, "measured_tiles": measured, "lower_bound_ratio": bound,
        "confidence_ratio": confidence, "age_seconds": evidence.age_seconds,
    }  # fmt: skip
    if evidence.previous_ratio is not None:
        figures["previous_ratio"] = evidence.previous_ratio
    found = Finding(
        verdict=Verdict.NOT_ENOUGH_DATA,
        why=Why.NOT_PROVEN,
        value=value,
        range=Range(passed / planned, (passed + missing) / planned),
        evidence_ratio=measured / planned,
        figures=figures,
    )
    if at_least is None:
        return _with(found, Verdict.CANNOT_BE_JUDGED, Why.NO_THRESHOLD)
    if evidence.age_seconds > longest_age_seconds:
        return _with(found, Verdict.NOT_ENOUGH_DATA, Why.SURVEY_TOO_OLD)
    least = max(at_least, evidence.previous_ratio or 0.0)
    if (passed + missing) / planned < least:
        lower = evidence.previous_ratio is not None and (passed + missing) / planned >= at_least
        return _with(found, Verdict.NOT_MET, Why.LOWER_THAN_BEFORE if lower else Why.MISSED)
    if bound >= at_least and passed / planned >= least:
        return _with(found, Verdict.MET, Why.REACHED)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillEvidence:
    """Drills of one piece of equipment.

    Attributes:
        passed_ages_seconds: how long before the moment of the verdict each passed drill was.
        failed: drills that did not pass, in the period.
        seen_ages_seconds: those of the passed ones that netmon itself saw.
    """

    passed_ages_seconds: tuple[float, ...] = ()
    failed: int = 0
    seen_ages_seconds: tuple[float, ...] = ()


def drilled_recently(evidence: DrillEvidence, *, longest_age_seconds: float) -> Finding:
    """The last passed drill is not too long ago. No drill is a finding, not a gap in the data."""
    if not evidence.passed_ages_seconds:
        return Finding(verdict=Verdict.NOT_MET, why=Why.NEVER_DRILLED, figures={"failed_drills": evidence.failed})
    age = min(evidence.passed_ages_seconds)
    recent = age <= longest_age_seconds
    return Finding(
        verdict=Verdict.MET if recent else Verdict.NOT_MET,
        why=Why.REACHED if recent else Why.DRILL_OVERDUE,
        value=age,
        figures={"longest_age_seconds": longest_age_seconds, "failed_drills": evidence.failed},
    )


def drilled_times(evidence: DrillEvidence, *, at_least: int, period_seconds: float) -> Finding:
    """So many drills passed within the period that ends at the moment of the verdict."""
    passed = sum(age <= period_seconds for age in evidence.passed_ages_seconds)
    enough = passed >= at_least
    return Finding(
        verdict=Verdict.MET if enough else Verdict.NOT_MET,
        why=Why.REACHED if enough else Why.TOO_FEW_DRILLS,
        value=float(passed),
        figures={
            "failed_drills": evidence.failed,
            "seen_drills": sum(age <= period_seconds for age in evidence.seen_ages_seconds),
            "at_least": at_least,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareEvidence:
    """How many of a whole have come so far, now and in the year before.

    Attributes:
        reached, unknown, whole: members now.
        previous: the share a year ago as a range; ``None`` where nobody knows it.
    """

    reached: int
    unknown: int
    whole: int
    previous: Range | None = None


def rising_share(evidence: ShareEvidence) -> Finding:
    """The share is not lower than in the year before, and higher while it is below 1."""
    if evidence.whole == 0:
        return Finding(verdict=Verdict.CANNOT_BE_JUDGED, why=Why.NO_SUBJECT)
    now = Range(evidence.reached / evidence.whole, (evidence.reached + evidence.unknown) / evidence.whole)
    known = evidence.whole - evidence.unknown
    figures: dict[str, float] = {
        "reached": evidence.reached, "unknown": evidence.unknown, "whole": evidence.whole,
    }  # fmt: skip
    before = evidence.previous
    if before is not None:
        figures |= {"previous_low_ratio": before.low, "previous_high_ratio": before.high}
    found = Finding(
        verdict=Verdict.NOT_ENOUGH_DATA,
        why=Why.UNKNOWN_COULD_HIDE_A_MISS,
        value=evidence.reached / known if known else None,
        range=now,
        evidence_ratio=known / evidence.whole,
        figures=figures,
    )
    if now.low == 1:
        return _with(found, Verdict.MET, Why.REACHED)
    if before is None:
        return _with(found, Verdict.NOT_ENOUGH_DATA, Why.NO_EARLIER_FIGURE)
    if now.low > before.high:
        return _with(found, Verdict.MET, Why.REACHED)
    if now.high < 1 and now.high <= before.low:
        return _with(found, Verdict.NOT_MET, Why.NOT_RISING)
    return found


def _judge(
    found: Finding,
    pessimistic: float,
    optimistic: float,
    at_least: float | None,
    least_evidence: float,
    value: float | None,
) -> Finding:
    """A figure that must reach another one, given what it is with everything unknown counted bad, and good."""
    if at_least is None:
        return _with(found, Verdict.CANNOT_BE_JUDGED, Why.NO_THRESHOLD)
    if pessimistic >= at_least:
        return _with(found, Verdict.MET, Why.REACHED)
    if optimistic < at_least:
        missed = found.evidence_ratio is not None and found.evidence_ratio >= least_evidence
        return _with(found, Verdict.NOT_MET, Why.MISSED if missed else Why.MISSED_WHATEVER_IS_UNKNOWN)
    if value is None:
        return found
    if found.evidence_ratio is None or found.evidence_ratio < least_evidence:
        return _with(found, Verdict.NOT_ENOUGH_DATA, Why.TOO_MUCH_UNKNOWN)
    if value < at_least:
        return _with(found, Verdict.NOT_MET, Why.MISSED)
    return _with(found, Verdict.NOT_ENOUGH_DATA, Why.UNKNOWN_COULD_HIDE_A_MISS)


def _with(found: Finding, verdict: Verdict, why: Why) -> Finding:
    return replace(found, verdict=verdict, why=why)
