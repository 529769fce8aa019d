"""`netmon coverage` beside an archive: what an outage costs, what was available, what is still to test."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from netmon.archive import Journal, SurveyFiles
from netmon.cli import app
from netmon.demo.radio import Drive
from netmon.model import Status
from tests.lab.counties import CountyOfSeed
from tests.lab.observations import SECOND_NS, ignore, ping

COUNTY = CountyOfSeed(3)
DOWN = "hill-0/base"


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A survey, and two hours in which one station was down for the second one."""
    now_ns = time.time_ns()
    tiles = [tile for planned in COUNTY.definition.planned.values() for tile in planned[:100]]
    samples = Drive(attempts=6, neighbours=1.0).samples(
        COUNTY.country, tiles, at_ns=now_ns - 10 * 86_400 * SECOND_NS, seed=1
    )
    source = tmp_path / "drive.csv"
    source.write_text("x")
    stored = SurveyFiles(tmp_path).add(
        samples, COUNTY.definition.text, survey="spring", source=source, source_sha256="0" * 64, imported="now"
    )
    assert stored is not None
    checks = "{base-station: false, ping: {kind: ping}}"
    sites = "".join(
        f"  - {{id: {name.partition('/')[0]}, kind: radio_site, equipment: "
        f"[{{id: base, kind: base_station, address: 192.0.2.{n}, checks: {checks}}}]}}\n"
        for n, name in enumerate(COUNTY.stations, 1)
    )
    text = f"defaults: {{ping: {{interval: 60s, timeout: 5s}}}}\nsites:\n{sites}"
    begin_ns = now_ns - 7200 * SECOND_NS
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        journal.record_config("v1", text, begin_ns)
        for minute in range(120):
            for name in COUNTY.stations:
                at_ns = begin_ns + minute * 60 * SECOND_NS
                status = Status.DOWN if name == DOWN and minute >= 60 else Status.UP
                made = ping(minute, f"{name}/ping")
                journal.append(replace(made, started_ns=at_ns, scheduled_ns=at_ns, status=status, config_id="v1"))
    return tmp_path


def netmon(data: Path, *words: str, language: str = "en") -> Result:
    arguments = ["--lang", language, "coverage", *words, "--data", str(data)]
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)


def plain(data: Path, *words: str) -> Any:
    done = netmon(data, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def whole(areas: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (area for area in areas if not area["area"])
    return found


async def test_what_an_outage_costs_and_what_it_did_cost(data: Path) -> None:
    surveyed = whole(plain(data, "show")[0]["areas"])
    untested = surveyed["planned"] - surveyed["tested"]
    assert untested > 0
    assert surveyed["covered"] <= surveyed["tested"]
    then = whole(plain(data, "whatif", "--down", DOWN)[0]["areas"])
    assert then["available_low"] < surveyed["covered"]
    assert then["available_high"] <= surveyed["covered"]
    past = whole(plain(data, "available", "--since", "2h"))
    # Down for half of the time; of the last two minutes or so little is known.
    least = (surveyed["covered"] + then["available_low"]) / 2
    assert past["available_low"] == pytest.approx(least, rel=0.03)
    assert past["available_low"] <= past["available_high"] <= surveyed["covered"]
    long_ago = whole(plain(data, "available", "--since", "30d"))
    assert long_ago["available_low"] < 0.01 * surveyed["covered"]


async def test_as_tables_in_chinese(data: Path) -> None:
    for words, told in (
        (("show",), "置信下限（95%）"), (("whatif", "--down", DOWN), "届时可用覆盖"), (("rank",), DOWN),
        (("plan",), "尚需测试"), (("available", "--since", "2h"), "该时段可用覆盖"),
    ):  # fmt: skip
        done = netmon(data, *words, language="zh")
        assert done.exit_code == 0, done.output
        assert told in done.output
        assert "车载台：接收电平中值不低于 -85 dBm；占区域内全部网格的比例；路测 spring" in done.output


async def test_the_tiles_that_are_still_to_test_go_into_a_navigation_device(data: Path) -> None:
    target = data / "todo.gpx"
    areas = [area for area in plain(data, "show")[0]["areas"] if area["area"]]
    # What the better area can still prove if all that is untested is good, and has not proven yet.
    best = max(areas, key=lambda area: area["covered"])
    share = best["lower_bound_ratio"] + 0.02
    plans = plain(data, "plan", "--at-least", f"{share:.6f}", "--gpx", str(target))["vehicle"]
    assert next(plan["more"] for plan in plans if plan["area"] == best["area"]) > 0
    points = ET.parse(target).getroot().findall("{*}wpt")
    wanted = [place for plan in plans if plan["more"] for place in plan["where"]]
    assert len(points) == len(wanted)
    harder = plain(data, "plan", "--at-least", "99.9%")["vehicle"]
    assert all(plan["needed"] is None for plan in harder)


async def test_the_target_is_judged_by_the_archive_alone(data: Path) -> None:
    register = Path(__file__).parents[3] / "config" / "targets.yaml"
    arguments = ["--lang", "en", "targets", "--register", str(register), "--data", str(data), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    (target,) = (each for each in json.loads(done.output)["targets"] if each["id"] == "radio-coverage")
    assert {part["subject"] for part in target["parts"]} == {"", "area-0", "area-1"}
    surveyed = whole(plain(data, "show")[0]["areas"])
    (part,) = (part for part in target["parts"] if not part["subject"])
    assert part["figures"]["passed_tiles"] == surveyed["covered"]
    assert part["figures"]["planned_tiles"] == surveyed["planned"]


async def test_wrong_usage_is_told(data: Path) -> None:
    for words, told in (
        (("whatif", "--down", "hill-0/bas"), "did you mean hill-0/base?"),
        (("show", "--terminal", "walkie"), "no survey of walkie"),
        (("plan", "--at-least", "200%"), "write a share between 0 and 1"),
        (("plan", "--at-least", "much"), "--at-least"),
        (("available", "--since", "long"), "--since"),
    ):
        done = netmon(data, *words)
        assert done.exit_code == 2
        assert told in done.output


def test_without_a_survey_it_is_said_what_to_do(tmp_path: Path) -> None:
    done = netmon(tmp_path, "show")
    assert (done.exit_code, "There is no survey yet" in done.output) == (1, True)
    assert netmon(tmp_path, "tiles").stdout == "[]\n"


async def test_a_damaged_survey_is_told(data: Path) -> None:
    next((data / "surveys").glob("*.parquet")).write_bytes(b"nothing")
    done = netmon(data, "show")
    assert done.exit_code == 3
    assert "is damaged" in done.output
