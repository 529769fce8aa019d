"""What a running netmon keeps of surveys, and how it moves with the states of stations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netmon.coverage.board import CoverageBoard, station_works
from netmon.coverage.load import to_plain
from netmon.impact import Effective, EffectiveStatus
from netmon.model import Status
from tests.lab.checks import check
from tests.lab.counties import CountyOfSeed, survey_board


async def test_a_survey_is_read_when_it_comes_in_and_once(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []
    survey = CountyOfSeed(3).survey(0.5)
    answers = [(0, json.dumps([to_plain(survey)]), ""), (3, "", "surveys are damaged"), (0, '[{"survey": 1}]', "")]

    async def run(*arguments: str) -> tuple[int, str, str]:
        asked.append(arguments)
        return answers[len(asked) - 1]

    board = CoverageBoard(tmp_path, run=run)
    await board.refresh()
    assert not asked
    manifest = tmp_path / "surveys" / "manifest.jsonl"
    manifest.parent.mkdir()
    manifest.write_text("one\n")
    await board.refresh()
    await board.refresh()
    assert asked == [("coverage", "tiles", "--data", str(tmp_path))]
    assert board.surveys["vehicle"].tiles == survey.tiles
    for text, fault in (("two\n", "surveys are damaged"), ("three\n", "'")):
        manifest.write_text(text)
        await board.refresh()
        assert fault in board.fault
        assert board.surveys["vehicle"].tiles == survey.tiles


def effective(status: EffectiveStatus, raw: Status | None) -> Effective:
    return Effective(check_id="hill/base/radio", raw=raw, status=status)


@pytest.mark.parametrize(
    ("state", "works"),
    [
        (effective(EffectiveStatus.UP, Status.UP), True),
        (effective(EffectiveStatus.DEGRADED, Status.DEGRADED), True),
        (effective(EffectiveStatus.DOWN, Status.DOWN), False),
        (effective(EffectiveStatus.UNREACHABLE, Status.DOWN), None),
        (effective(EffectiveStatus.UNKNOWN, None), None),
        # Agreed work: what was measured counts, for it serves nobody.
        (effective(EffectiveStatus.MAINTENANCE, Status.DOWN), False),
        (effective(EffectiveStatus.MAINTENANCE, Status.DEGRADED), True),
        (effective(EffectiveStatus.MAINTENANCE, None), None),
    ],
)
def test_whether_a_station_works(state: Effective, works: bool | None) -> None:
    assert station_works([check("hill/base/radio")], {"hill/base/radio": state}) == {"hill/base": works}


def test_what_an_outage_costs_by_area() -> None:
    board = survey_board()
    surveyed = board.surveys["vehicle"]
    states: dict[str, bool | None] = dict.fromkeys(surveyed.stations, True)
    assert board.cost(surveyed.stations, states) == []
    worst = surveyed.stations[0]
    down = {**states, worst: False}
    for now, without in board.cost([worst], down):
        assert now.area
        assert (now.available.low, now.available.high) < (without.low, without.high)
    nothing = {**states, **dict.fromkeys(surveyed.stations, False)}
    found = board.cost(surveyed.stations, nothing)
    assert {now.area for now, _without in found} == set(surveyed.areas)
    assert all(now.available.high == 0 for now, _without in found)
    losses = [without.low - now.available.low for now, without in found]
    assert losses == sorted(losses, reverse=True)
