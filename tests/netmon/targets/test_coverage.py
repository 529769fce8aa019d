"""Surveys and station states as evidence: what the register's coverage target says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import probes
from netmon.coverage.definition import recall_definition
from netmon.coverage.figures import Span, Surveyed
from netmon.coverage.load import Surveys
from netmon.coverage.tally import Tile
from netmon.impact import EffectiveStatus
from netmon.targets.coverage import station_spans
from netmon.targets.evidence import SECOND_NS, Slice
from netmon.targets.register import load_register
from netmon.targets.standing import Standing, standings, year
from netmon.targets.verdict import Verdict, Why
from netmon.targets.words import figure_of
from tests.lab.counties import definition_text
from tests.netmon.targets.test_standing import Made

REGISTER = load_register(Path(__file__).parents[3] / "config" / "targets.yaml", kinds=probes.KINDS)
DEFINITION = recall_definition(definition_text(), "county")
SINCE_NS, UNTIL_NS = year(2026)
DAY_NS = 86_400 * SECOND_NS
PLANNED = sum(map(len, DEFINITION.planned.values()))


def surveyed(failed: int, *, untested: int = 0, age_days: float = 30) -> Surveyed:
    """The first tiles of each area failed, the next ones were not tested."""
    tiles = {}
    for planned in DEFINITION.planned.values():
        for number, tile in enumerate(planned):
            covered = None if failed <= number < failed + untested else number >= failed
            tiles[tile] = Tile(attempts=5, covered=covered, median_dbm=-80.0, certain=frozenset(), possible=frozenset())
    return Surveyed(
        survey="made", at_ns=round(UNTIL_NS - age_days * DAY_NS), terminal=DEFINITION.terminals["vehicle"],
        definition=DEFINITION, tiles=tiles,
    )  # fmt: skip


def judged(last: Surveyed | None, before: Surveyed | None = None) -> Standing:
    surveys = {} if last is None else {"vehicle": Surveys(last, before)}
    evidence = Made([], {}, since_ns=SINCE_NS, until_ns=UNTIL_NS, surveys=surveys)
    return next(each for each in standings(REGISTER, evidence) if each.target.id == "radio-coverage")


@pytest.mark.parametrize(
    ("last", "before", "verdict", "why"),
    [
        (surveyed(0), None, Verdict.MET, Why.REACHED),
        (None, None, Verdict.NOT_ENOUGH_DATA, Why.NO_SURVEY),
        # 10 of some 90 failed: over the line or under it, a survey of this size does not tell.
        (surveyed(7), None, Verdict.NOT_ENOUGH_DATA, Why.NOT_PROVEN),
        (surveyed(30), None, Verdict.NOT_MET, Why.MISSED),
        (surveyed(0, untested=30), None, Verdict.NOT_ENOUGH_DATA, Why.NOT_PROVEN),
        (surveyed(0, age_days=731), None, Verdict.NOT_ENOUGH_DATA, Why.SURVEY_TOO_OLD),
        (surveyed(1), surveyed(0, age_days=400), Verdict.MET, Why.REACHED),
        (surveyed(5), surveyed(0, age_days=400), Verdict.NOT_MET, Why.LOWER_THAN_BEFORE),
    ],
)  # fmt: skip
def test_the_coverage_target(last: Surveyed | None, before: Surveyed | None, verdict: Verdict, why: Why) -> None:
    found = judged(last, before)
    assert (found.verdict, found.parts[0].finding.why) == (verdict, why)


def test_each_township_is_judged_and_all_together() -> None:
    found = judged(surveyed(7))
    assert {part.subject for part in found.parts} == {"", "area-0", "area-1"}
    (whole,) = (part for part in found.parts if not part.subject)
    assert whole.finding.figures["planned_tiles"] == PLANNED
    assert "%" in figure_of(whole)


def test_a_station_works_while_its_checks_say_so() -> None:
    def line(*parts: tuple[int, int, EffectiveStatus]) -> list[Slice]:
        return [Slice(begin, end, status, maintenance=False) for begin, end, status in parts]

    up, down, unknown = EffectiveStatus.UP, EffectiveStatus.DOWN, EffectiveStatus.UNREACHABLE
    timelines = {
        "a/radio": line((0, 50, up), (50, 60, down), (60, 90, EffectiveStatus.DEGRADED), (90, 100, unknown)),
        "a/ping": line((10, 80, up)),
    }
    assert station_spans({"a": ["a/radio", "a/ping"], "b": []}, timelines) == {
        "a": [Span(0, 50, True), Span(50, 60, False), Span(60, 90, True), Span(90, 100, None)],
        "b": [],
    }


def test_the_survey_before_counts_by_what_it_has_proven() -> None:
    """The same country twice: chance alone makes no verdict worse."""
    assert judged(surveyed(1), replace(surveyed(1, age_days=400), survey="before")).verdict is Verdict.MET
