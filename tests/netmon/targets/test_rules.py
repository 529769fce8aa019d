"""Rules: figures by hand, and two properties: outage never helps, and nothing becomes met by taking evidence away."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netmon.targets import rules
from netmon.targets.rules import (
    CountEvidence,
    DrillEvidence,
    ScheduledTest,
    ShareEvidence,
    SurveyEvidence,
    TimeEvidence,
    mean_of_ratio,
)
from netmon.targets.verdict import BEST_FIRST, Finding, Range, Verdict, Why

NOT_WORSE = {
    # From the best to the worst, as far as more outage is concerned: a gap in the data is no outage.
    Verdict.MET: 2,
    Verdict.NOT_ENOUGH_DATA: 1,
    Verdict.NOT_MET: 0,
}
lengths = st.floats(0, 1e6, allow_nan=False).map(round).map(float)
times = st.builds(
    TimeEvidence, good=lengths, bad=lengths, unknown=lengths, maintenance_good=lengths, maintenance_bad=lengths,
    maintenance_unknown=lengths,
)  # fmt: skip
shares = st.floats(0.5, 1.0)


def by_time(evidence: TimeEvidence, at_least: float | None = 0.9, least: float = 0.9) -> Finding:
    return rules.share_of_time(evidence, at_least=at_least, least_evidence=least)


@pytest.mark.parametrize(
    ("evidence", "verdict", "why"),
    [
        (TimeEvidence(good=95, bad=5), Verdict.MET, Why.REACHED),
        (TimeEvidence(good=90, bad=10), Verdict.MET, Why.REACHED),
        (TimeEvidence(good=89, bad=11), Verdict.NOT_MET, Why.MISSED),
        (TimeEvidence(good=92, bad=3, unknown=5), Verdict.MET, Why.REACHED),
        (TimeEvidence(good=88, bad=3, unknown=9), Verdict.NOT_ENOUGH_DATA, Why.UNKNOWN_COULD_HIDE_A_MISS),
        (TimeEvidence(good=50, unknown=50), Verdict.NOT_ENOUGH_DATA, Why.TOO_MUCH_UNKNOWN),
        (TimeEvidence(bad=20, unknown=80), Verdict.NOT_MET, Why.MISSED_WHATEVER_IS_UNKNOWN),
        (TimeEvidence(unknown=100), Verdict.NOT_ENOUGH_DATA, Why.NOTHING_KNOWN),
        (TimeEvidence(), Verdict.NOT_ENOUGH_DATA, Why.NOTHING_DUE),
        (TimeEvidence(maintenance_bad=9), Verdict.NOT_ENOUGH_DATA, Why.NOTHING_DUE),
        (TimeEvidence(good=95, bad=5, maintenance_bad=900), Verdict.MET, Why.REACHED),
    ],
)
def test_share_of_time(evidence: TimeEvidence, verdict: Verdict, why: Why) -> None:
    found = by_time(evidence)
    assert (found.verdict, found.why) == (verdict, why)


def test_a_share_without_a_figure_to_reach_is_shown_and_not_judged() -> None:
    found = by_time(TimeEvidence(good=1), at_least=None)
    assert (found.verdict, found.why, found.value) == (Verdict.CANNOT_BE_JUDGED, Why.NO_THRESHOLD, 1.0)


def test_the_range_counts_unknown_both_ways_and_maintenance_in_and_out() -> None:
    found = by_time(TimeEvidence(good=60, bad=20, unknown=20, maintenance_bad=100))
    assert found.value == 0.75
    assert found.range == Range(0.3, 0.8)
    assert found.evidence_ratio == 0.8
    assert found.figures["maintenance_seconds"] == 100


@given(times, shares, shares, lengths, st.sampled_from(["good", "unknown"]))
def test_more_outage_never_improves_a_share_of_time(
    evidence: TimeEvidence, at_least: float, least: float, more: float, source: str
) -> None:
    more = min(more, getattr(evidence, source))
    worse = replace(evidence, **{source: getattr(evidence, source) - more, "bad": evidence.bad + more})
    assume(more)
    before, after = by_time(evidence, at_least, least).verdict, by_time(worse, at_least, least).verdict
    assert NOT_WORSE[after] <= NOT_WORSE[before] or (before, after) == (Verdict.NOT_MET, Verdict.NOT_MET)


@given(times, shares, shares, lengths, st.sampled_from(["good", "bad"]))
def test_lost_evidence_never_makes_a_share_of_time_met(
    evidence: TimeEvidence, at_least: float, least: float, lost: float, source: str
) -> None:
    lost = min(lost, getattr(evidence, source))
    poorer = replace(evidence, **{source: getattr(evidence, source) - lost, "unknown": evidence.unknown + lost})
    if by_time(evidence, at_least, least).verdict is not Verdict.MET:
        assert by_time(poorer, at_least, least).verdict is not Verdict.MET


@given(times, shares, shares)
def test_the_range_holds_the_figure(evidence: TimeEvidence, at_least: float, least: float) -> None:
    found = by_time(evidence, at_least, least)
    if found.value is not None and found.range is not None:
        assert 0 <= found.range.low <= found.range.high <= 1
        outside = evidence.good + evidence.bad + evidence.unknown
        assert found.range.low <= evidence.good / outside + 1e-12
        assert found.value <= found.range.high + 1e-12


def by_tests(tests: list[ScheduledTest]) -> Finding:
    return rules.share_of_tests(tests, at_least=0.95, least_evidence=0.9, least_tests=3)


PASS, FAIL, NONE = ScheduledTest(True), ScheduledTest(False), ScheduledTest(None)
RETESTED = ScheduledTest(False, retest_passed=True)


@pytest.mark.parametrize(
    ("tests", "verdict", "why"),
    [
        ([], Verdict.NOT_ENOUGH_DATA, Why.NOTHING_DUE),
        ([NONE] * 4, Verdict.NOT_ENOUGH_DATA, Why.NOTHING_KNOWN),
        ([PASS], Verdict.NOT_ENOUGH_DATA, Why.TOO_FEW_TESTS),
        ([PASS] * 4, Verdict.MET, Why.REACHED),
        ([PASS] * 3 + [NONE], Verdict.NOT_ENOUGH_DATA, Why.TOO_FEW_TESTS),
        ([PASS] * 3 + [FAIL], Verdict.NOT_MET, Why.FAILED_TESTS),
        ([PASS] * 3 + [RETESTED], Verdict.MET, Why.ONE_FAILED_CONFIRMED_GOOD),
        ([PASS] * 9 + [RETESTED] * 2, Verdict.NOT_MET, Why.FAILED_TESTS),
        ([PASS] * 19 + [FAIL], Verdict.MET, Why.REACHED),
        ([PASS] * 18 + [FAIL] * 2, Verdict.NOT_MET, Why.MISSED),
        ([PASS] * 18 + [NONE] * 2, Verdict.NOT_ENOUGH_DATA, Why.UNKNOWN_COULD_HIDE_A_MISS),
    ],
)
def test_share_of_tests(tests: list[ScheduledTest], verdict: Verdict, why: Why) -> None:
    found = by_tests(tests)
    assert (found.verdict, found.why) == (verdict, why)


lots = st.lists(st.sampled_from([PASS, FAIL, NONE, RETESTED]), max_size=40)


@given(lots, st.data())
def test_a_failure_more_never_improves_a_share_of_tests(tests: list[ScheduledTest], data: st.DataObject) -> None:
    assume(tests)
    place = data.draw(st.integers(0, len(tests) - 1))
    assume(tests[place] is PASS or tests[place] is RETESTED)
    worse = [*tests[:place], FAIL, *tests[place + 1 :]]
    assert NOT_WORSE[by_tests(worse).verdict] <= NOT_WORSE[by_tests(tests).verdict]


@given(lots, st.data())
def test_a_test_that_is_lost_never_makes_a_share_of_tests_met(tests: list[ScheduledTest], data: st.DataObject) -> None:
    assume(tests)
    place = data.draw(st.integers(0, len(tests) - 1))
    poorer = [*tests[:place], NONE, *tests[place + 1 :]]
    if by_tests(tests).verdict is not Verdict.MET:
        assert by_tests(poorer).verdict is not Verdict.MET


@pytest.mark.parametrize(
    ("required", "present", "serviceable", "unknown", "verdict", "why"),
    [
        (None, 1, 1, 0, Verdict.CANNOT_BE_JUDGED, Why.NO_THRESHOLD),
        (1, 1, 1, 0, Verdict.MET, Why.REACHED),
        (2, 1, 1, 0, Verdict.NOT_MET, Why.TOO_FEW_PRESENT),
        (2, 2, 1, 0, Verdict.NOT_MET, Why.TOO_FEW_SERVICEABLE),
        (2, 3, 1, 1, Verdict.NOT_ENOUGH_DATA, Why.UNKNOWN_COULD_HIDE_A_MISS),
        (2, 3, 2, 1, Verdict.MET, Why.REACHED),
        (0, 0, 0, 0, Verdict.MET, Why.REACHED),
    ],
)
def test_counts(
    required: int | None, present: int, serviceable: int, unknown: int, verdict: Verdict, why: Why
) -> None:  # fmt: skip
    evidence = CountEvidence(required=required, present=present, serviceable=serviceable, unknown=unknown)
    found = rules.count_complete(evidence)
    assert (found.verdict, found.why) == (verdict, why)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_equipment_that_breaks_or_falls_silent_never_helps(required: int, good: int, bad: int, unknown: int) -> None:
    def verdict(good: int, bad: int, unknown: int) -> Verdict:
        evidence = CountEvidence(required=required, present=good + bad + unknown, serviceable=good, unknown=unknown)
        return rules.count_complete(evidence).verdict

    before = verdict(good, bad, unknown)
    if good:
        assert NOT_WORSE[verdict(good - 1, bad + 1, unknown)] <= NOT_WORSE[before]
        if before is not Verdict.MET:
            assert verdict(good - 1, bad, unknown + 1) is not Verdict.MET
    if bad and before is not Verdict.MET:
        assert verdict(good, bad - 1, unknown + 1) is not Verdict.MET


def survey(passed: int, planned: int, measured: int, **more: float) -> Finding:
    evidence = SurveyEvidence(
        passed_tiles=passed, planned_tiles=planned, measured_tiles=measured, age_seconds=more.pop("age", 0.0), **more
    )
    return rules.coverage_proven(evidence, at_least=0.9, confidence=0.95, longest_age_seconds=100)


@pytest.mark.parametrize(
    ("found", "verdict", "why"),
    [
        (survey(95, 100, 100), Verdict.NOT_ENOUGH_DATA, Why.NOT_PROVEN),
        (survey(96, 100, 100), Verdict.MET, Why.REACHED),
        (survey(96, 100, 100, age=101), Verdict.NOT_ENOUGH_DATA, Why.SURVEY_TOO_OLD),
        (survey(89, 100, 100), Verdict.NOT_MET, Why.MISSED),
        (survey(96, 120, 100), Verdict.NOT_ENOUGH_DATA, Why.NOT_PROVEN),
        (survey(96, 100, 100, previous_ratio=0.97), Verdict.NOT_MET, Why.LOWER_THAN_BEFORE),
        (
            rules.coverage_proven(None, at_least=0.9, confidence=0.95, longest_age_seconds=1),
            Verdict.NOT_ENOUGH_DATA,
            Why.NO_SURVEY,
        ),
    ],
)
def test_coverage(found: Finding, verdict: Verdict, why: Why) -> None:
    assert (found.verdict, found.why) == (verdict, why)


def test_no_drill_is_a_finding_and_no_gap() -> None:
    never = rules.drilled_recently(DrillEvidence(), longest_age_seconds=30)
    assert (never.verdict, never.why) == (Verdict.NOT_MET, Why.NEVER_DRILLED)
    fresh = rules.drilled_recently(DrillEvidence(passed_ages_seconds=(40, 30)), longest_age_seconds=30)
    assert (fresh.verdict, fresh.value) == (Verdict.MET, 30)
    old = rules.drilled_recently(DrillEvidence(passed_ages_seconds=(31,)), longest_age_seconds=30)
    assert (old.verdict, old.why) == (Verdict.NOT_MET, Why.DRILL_OVERDUE)
    times = rules.drilled_times(DrillEvidence(passed_ages_seconds=(1, 99)), at_least=2, period_seconds=50)
    assert (times.verdict, times.value) == (Verdict.NOT_MET, 1)


@pytest.mark.parametrize(
    ("evidence", "verdict", "why"),
    [
        (ShareEvidence(reached=0, unknown=0, whole=0), Verdict.CANNOT_BE_JUDGED, Why.NO_SUBJECT),
        (ShareEvidence(reached=4, unknown=0, whole=4), Verdict.MET, Why.REACHED),
        (ShareEvidence(reached=2, unknown=0, whole=4), Verdict.NOT_ENOUGH_DATA, Why.NO_EARLIER_FIGURE),
        (ShareEvidence(reached=2, unknown=0, whole=4, previous=Range(0.25, 0.25)), Verdict.MET, Why.REACHED),
        (ShareEvidence(reached=1, unknown=0, whole=4, previous=Range(0.25, 0.25)), Verdict.NOT_MET, Why.NOT_RISING),
        (
            ShareEvidence(reached=1, unknown=1, whole=4, previous=Range(0.25, 0.25)),
            Verdict.NOT_ENOUGH_DATA,
            Why.UNKNOWN_COULD_HIDE_A_MISS,
        ),
    ],
)
def test_a_share_rises_until_it_is_whole(evidence: ShareEvidence, verdict: Verdict, why: Why) -> None:
    found = rules.rising_share(evidence)
    assert (found.verdict, found.why) == (verdict, why)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.none() | st.floats(0, 1), st.booleans())
def test_members_that_fall_back_never_help(
    reached: int, missed: int, unknown: int, before: float | None, lost: bool
) -> None:
    assume(reached)

    def verdict(reached: int, unknown: int) -> Verdict:
        previous = None if before is None else Range(before, before)
        whole = reached_all + missed + unknown_all
        return rules.rising_share(
            ShareEvidence(reached=reached, unknown=unknown, whole=whole, previous=previous)
        ).verdict

    reached_all, unknown_all = reached, unknown
    first = verdict(reached, unknown)
    second = verdict(reached - 1, unknown + lost)
    if first is not Verdict.MET:
        assert second is not Verdict.MET
    if not lost:
        assert NOT_WORSE[second] <= NOT_WORSE[first]


@given(due=st.integers(0, 2_000), data=st.data(), at_most=st.none() | st.floats(0, 1), least=st.floats(0, 1))
def test_a_mean_gets_no_better_by_loss_or_by_missing_values(
    due: int, data: st.DataObject, at_most: float | None, least: float
) -> None:
    values = data.draw(st.lists(st.floats(0, 1), max_size=min(due, 30)))

    def found(count: int, total: float) -> Finding:
        return mean_of_ratio(due=due, count=count, total=total, at_most=at_most, least_evidence=least)

    whole = found(len(values), sum(values))
    if whole.value is not None and whole.range is not None:
        assert whole.range.low - 1e-9 <= whole.value <= whole.range.high + 1e-9
    for place in range(len(values)):
        rest = values[:place] + values[place + 1 :]
        if found(len(rest), sum(rest)).verdict is Verdict.MET:
            # What was taken away counts as lost: with it the mean was no worse.
            assert whole.verdict is Verdict.MET
        worse = [*rest, 1.0]
        assert BEST_FIRST.index(found(len(worse), sum(worse)).verdict) >= BEST_FIRST.index(whole.verdict)


@pytest.mark.parametrize(
    ("due", "count", "total", "verdict"),
    [
        (1000, 1000, 1.0, Verdict.MET),
        (1000, 1000, 1.001, Verdict.NOT_MET),
        (1000, 999, 0.0, Verdict.MET),
        (1000, 998, 0.0, Verdict.NOT_ENOUGH_DATA),
        (1000, 950, 50.0, Verdict.NOT_MET),
        (1000, 0, 0.0, Verdict.NOT_ENOUGH_DATA),
        (0, 0, 0.0, Verdict.NOT_ENOUGH_DATA),
    ],
)
def test_mean_loss_by_hand(due: int, count: int, total: float, verdict: Verdict) -> None:
    assert mean_of_ratio(due=due, count=count, total=total, at_most=0.001, least_evidence=0.9).verdict is verdict


def by_percentile(due: int, means: list[float], at_most: float | None = 0.7, least: float = 0.9) -> Finding:
    return rules.percentile_of_means(due=due, means=means, at_most=at_most, least_evidence=least)


def test_the_95th_percentile_by_hand() -> None:
    """Of 100 five minutes the five highest do not count."""
    found = by_percentile(100, [0.9] * 5 + [0.5] + [0.1] * 94)
    assert (found.value, found.verdict, found.evidence_ratio) == (0.5, Verdict.MET, 1.0)
    assert found.range == Range(0.5, 0.5)
    assert by_percentile(100, [0.9] * 6 + [0.1] * 94).value == 0.9
    assert by_percentile(20, [0.9] + [0.1] * 19).value == 0.1
    assert by_percentile(19, [0.9] + [0.1] * 18).value == 0.9


@pytest.mark.parametrize(
    ("due", "means", "at_most", "value", "verdict", "why"),
    [
        (100, [0.1] * 95, 0.7, 0.1, Verdict.MET, Why.REACHED),
        # What is missing is no zero: six missing of 100 could all be a full line.
        (100, [0.1] * 94, 0.7, 0.1, Verdict.NOT_ENOUGH_DATA, Why.UNKNOWN_COULD_HIDE_A_MISS),
        (100, [0.1] * 80, 0.7, None, Verdict.NOT_ENOUGH_DATA, Why.TOO_MUCH_UNKNOWN),
        (100, [0.8] * 80, 0.7, None, Verdict.NOT_MET, Why.MISSED_WHATEVER_IS_UNKNOWN),
        (100, [0.8] * 95, 0.7, 0.8, Verdict.NOT_MET, Why.MISSED),
        (100, [0.1] * 100, None, 0.1, Verdict.CANNOT_BE_JUDGED, Why.NO_THRESHOLD),
        (100, [0.1] * 10, None, None, Verdict.CANNOT_BE_JUDGED, Why.NO_THRESHOLD),
        (100, [], 0.7, None, Verdict.NOT_ENOUGH_DATA, Why.NOTHING_KNOWN),
        (0, [], 0.7, None, Verdict.NOT_ENOUGH_DATA, Why.NOTHING_DUE),
    ],
)
def test_percentiles_are_judged(
    due: int, means: list[float], at_most: float | None, value: float | None, verdict: Verdict, why: Why
) -> None:
    found = by_percentile(due, means, at_most)
    assert (found.value, found.verdict, found.why) == (value, verdict, why)


@given(
    due=st.integers(0, 300), means=st.lists(st.floats(0, 3), max_size=40), at_most=st.none() | st.floats(0, 1.5),
    least=st.floats(0, 1), place=st.integers(0, 39),
)  # fmt: skip
def test_a_percentile_gets_no_better_by_traffic_or_by_missing_values(
    due: int, means: list[float], at_most: float | None, least: float, place: int
) -> None:
    assume(len(means) <= due)
    whole = by_percentile(due, means, at_most, least)
    if whole.value is not None and whole.range is not None:
        assert whole.range.low <= whole.value <= whole.range.high
    if place < len(means):
        rest = means[:place] + means[place + 1 :]
        if by_percentile(due, rest, at_most, least).verdict is Verdict.MET:
            assert whole.verdict is Verdict.MET
        worse = by_percentile(due, [*rest, max(means[place], 1.4)], at_most, least)
        assert BEST_FIRST.index(worse.verdict) >= BEST_FIRST.index(whole.verdict)
