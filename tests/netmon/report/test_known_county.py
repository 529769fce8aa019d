"""A county whose truth is known, through the command and every format: each figure is the truth."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from netmon.cli import app
from tests.lab.known_archive import write_archive
from tests.lab.known_county import LOST, STATIONS, TICK_SECONDS, County, Truth, first_tick
from tests.lab.paper import text_of
from tests.lab.soak import SEED, scale
from tests.netmon.report.test_report import flip
from tests.netmon.targets.test_standing import availability, county_config

pytestmark = pytest.mark.soak
FIRST = 2022  # three years that are over
YEARS = scale(1, 3)
WORDS = {
    "zh": {"met": "达标", "not_met": "不达标", "not_enough_data": "数据不足"},
    "en": {"met": "met", "not_met": "not met", "not_enough_data": "not enough data"},
}


@pytest.fixture(scope="module")
def county() -> County:
    return County(SEED, FIRST, YEARS)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("known")


@pytest.fixture
async def made(place: Path, county: County) -> Path:
    """The folder of the report of all years."""
    out = place / "report"
    if not out.exists():
        availability(place)
        await write_archive(place / "data", county, county_config())
        assert run(place, "--year", f"{FIRST}-{FIRST + YEARS - 1}" if YEARS > 1 else f"{FIRST}", "--out", str(out)) == 0
    return out


def run(place: Path, *more: str) -> int:
    done = CliRunner().invoke(
        app,
        [
            "report",
            "--data",
            str(place / "data"),
            "--register",
            str(place / "targets.yaml"),
            "--issued",
            "2030-01-01",
            *more,
        ],
    )
    return done.exit_code


def facts_of(out: Path) -> dict[str, Any]:
    (path,) = out.glob("netmon-*.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def share(truth: Truth) -> Fraction | None:
    known = truth.good + truth.bad
    return Fraction(truth.good, known) if known else None


def told(truth: Truth) -> str:
    """The figure as people read it: in percent, rounded down to thousandths."""
    value = share(truth)
    if value is None:
        return ""
    words = [f"{int(each * 100_000) / 1000:g} %" for each in (value, truth.low, truth.high)]
    return words[0] if truth.low == truth.high else f"{words[0]} ({words[1]} - {words[2]})"


def flat(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def test_json_holds_the_truth(made: Path, county: County) -> None:
    facts = facts_of(made)
    for year in facts["years"]:
        ((target,), number) = year["targets"], int(year["name"])
        parts = {part["subject"].partition("/")[2]: part for part in target["parts"]}
        assert set(parts) == set(STATIONS)
        for name, part in parts.items():
            truth = county.truth(name, number)
            value = share(truth)
            assert part["verdict"] == truth.verdict, name
            assert (part["value"], part["low"], part["high"]) == (
                None if value is None else pytest.approx(float(value), abs=1e-12),
                pytest.approx(float(truth.low), abs=1e-12), pytest.approx(float(truth.high), abs=1e-12),
            ), name  # fmt: skip
            assert part["figure_text"]["zh"] == part["figure_text"]["en"] == told(truth)
    last = FIRST + YEARS - 1
    begin, end = first_tick(last), first_tick(last + 1)
    for check in facts["checks"]:
        name = check["id"].split("/")[1]
        truth = county.truth(name, last)
        seconds = [check[f"{word}_seconds"] for word in ("good", "bad", "unknown")]
        agreed = [check[f"maintenance_{word}_seconds"] for word in ("good", "bad", "unknown")]
        assert seconds == [truth.good, truth.bad, truth.unknown], name
        assert agreed == [truth.agreed[word] for word in ("good", "bad", "unknown")], name
        here = county.ticks[name][begin - county.begin : end - county.begin]
        assert check["expected_runs"] == end - begin
        assert check["runs"] == sum(word != LOST for word in here)
    dark = [gap for gap in facts["gaps"] if gap["check"] == "hill/dark/ping"]
    assert [gap["seconds"] for gap in dark] == [(end - begin) * TICK_SECONDS]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_tables_and_pages_hold_the_truth(made: Path, county: County, language: str) -> None:
    facts = facts_of(made)
    name = f"netmon-{facts['name']}"
    with (made / f"{name}.targets.{language}.csv").open(encoding="utf-8-sig", newline="") as file:
        _header, *lines = csv.reader(file)
    book = load_workbook(made / f"{name}.{language}.xlsx")
    cells = list(book.worksheets[2].iter_rows(min_row=2, values_only=True))
    text = flat(text_of(made / f"{name}.{language}.pdf"))
    assert len(lines) == len(cells) == YEARS * len(STATIONS)
    for line, row in zip(lines, cells, strict=True):
        station, year = line[5].partition("/")[2], int(line[0])
        truth = county.truth(station, year)
        value = share(truth)
        numbers = [None if value is None else float(value), float(truth.low), float(truth.high)]
        assert [float(cell) if cell else None for cell in line[8:11]] == pytest.approx(numbers, abs=1e-12)
        assert list(row[8:11]) == pytest.approx(numbers, abs=1e-12)
        word = WORDS[language][truth.verdict]
        assert (line[7], row[7], line[15], row[15] or "") == (word, word, told(truth), told(truth))
        if year == FIRST + YEARS - 1:
            assert flat(f"hill/{station}{word}{told(truth)}") in text, station
    with (made / f"{name}.quality.{language}.csv").open(encoding="utf-8-sig", newline="") as file:
        _header, *quality = csv.reader(file)
    seconds = {row[0]: row[7:10] for row in book.worksheets[6].iter_rows(min_row=2, values_only=True)}
    for line in quality:
        truth = county.truth(line[0].split("/")[1], FIRST + YEARS - 1)
        assert [float(cell) for cell in line[7:10]] == list(seconds[line[0]]) == [truth.good, truth.bad, truth.unknown]


def test_one_changed_octet_of_evidence_names_its_file_and_the_target(made: Path, place: Path) -> None:
    file = place / "data" / "days" / facts_of(made)["files"][40]["name"]
    verify = ["report", "verify", str(made), "--data", str(place / "data"), "--register", str(place / "targets.yaml")]
    with flip(file):
        done = CliRunner().invoke(app, verify)
    assert done.exit_code == 1
    said = done.output.replace("\n", "")
    assert f"{file.parent.name}/{file.name}" in said
    assert f"{FIRST}: target sites stands on a file that is not what it was" in said
