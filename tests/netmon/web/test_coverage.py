"""The pages of radio coverage: figures, map, tiles and their samples."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from netmon.archive import Sample, SurveyFiles
from netmon.coverage.figures import TileState, tile_state
from netmon.coverage.tiles import centre
from netmon.model import Asset, LocalText, Place, Site
from netmon.web import create_app
from netmon.web.coverage_map import picture_of
from tests.lab.counties import CountyOfSeed, survey_board
from tests.lab.pages import FakeNetmon, Inventory

BOARD = survey_board()
SURVEYED = BOARD.surveys["vehicle"]


def netmon(folder: Path = Path("nowhere"), **fields: Any) -> FakeNetmon:
    sites = {
        name.partition("/")[0]: Site(
            id=name.partition("/")[0], kind="radio_site", name=LocalText(zh="<b>山</b>", en="<b>hill</b>"),
            place=Place(latitude=42.83, longitude=130.4),
        )
        for name in SURVEYED.stations
    }  # fmt: skip
    assets = {
        name: Asset(id=name, site=name.partition("/")[0], kind="base_station", name=LocalText(en="base"))
        for name in SURVEYED.stations
    }
    return FakeNetmon(config=Inventory(sites=sites, assets=assets), checks=(), coverage=BOARD, folder=folder, **fields)


async def page(path: str, made: FakeNetmon | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(app=create_app(made or netmon()))
    async with httpx.AsyncClient(transport=transport, base_url="http://netmon") as client:
        return await client.get(path)


async def test_each_area_stands_there_with_its_basis_and_both_figures() -> None:
    text = (await page("/coverage?lang=en")).text
    assert "vehicle: median of at least -85 dBm; share of all tiles of the area; survey made-up" in text
    for area, figures in SURVEYED.areas.items():
        untested = figures.planned - figures.tested
        assert f"{figures.covered} of {figures.planned}, {untested} not tested" in text
        assert f"/coverage/areas/{area}" in text
    assert "<b>hill</b>" not in text
    assert "and is not measured" in text
    chinese = (await page("/coverage?lang=zh")).text
    assert "并非实测" in chinese
    assert "区域0" in chinese


async def test_nothing_is_known_of_the_stations_so_nothing_is_available_for_certain() -> None:
    """No check says that any of them works."""
    text = (await page("/coverage?lang=en")).text
    figures = next(iter(SURVEYED.areas.values()))
    share = f"{int(figures.covered / figures.planned * 1000) / 10:.1f} %"
    assert f"0.0 % to {share}" in text


class Tags(HTMLParser):
    """Tags that end where they should."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.paths = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "link", "input", "br", "rect"):
            self.open.append(tag)
        self.paths += tag == "path" and any(name == "class" and value in set(TileState) for name, value in attrs)

    def handle_startendtag(self, _tag: str, attrs: Any) -> None:
        self.paths += any(name == "class" and value in set(TileState) for name, value in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_an_area_s_map_has_each_tile_once_and_each_leads_to_its_samples() -> None:
    text = (await page("/coverage/areas/area-0?lang=en")).text
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    links = set(re.findall(r"/coverage/tiles/([0-9a-f]+)\?terminal=vehicle", text))
    assert links == {f"{tile:x}" for tile in SURVEYED.definition.planned["area-0"]}
    found = re.search(r"<svg viewBox.*?</svg>", text, re.DOTALL)
    assert found is not None
    svg = ET.fromstring(found[0])
    picture = picture_of([SURVEYED.definition.areas[0]], SURVEYED.definition.planned["area-0"])
    for each in svg.iter("path"):
        for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", each.get("d") or ""):
            assert 0 <= float(x) <= picture.width
            assert 0 <= float(y) <= picture.height
    shown = sum(text.count(f'<path class="{state.value}"') for state in TileState if state is not TileState.UNTESTED)
    states = [tile_state(SURVEYED.tiles.get(tile), {}) for tile in SURVEYED.definition.planned["area-0"]]
    assert shown == sum(state is not TileState.UNTESTED for state in states)


async def test_the_whole_map_is_small() -> None:
    """Tiles that are alike are one path."""
    answer = await page("/coverage?lang=en")
    assert len(answer.content) < 60_000


async def test_a_tile_shows_every_attempt(tmp_path: Path) -> None:
    county = CountyOfSeed(3)
    tile = county.definition.planned["area-0"][40]
    nothing = Sample(2, 10**18, *centre(tile), "vehicle", "", True, None, None, None, False)
    samples = [nothing] + [
        nothing._replace(station="hill-0/base", signal_dbm=-80.0 - number, heard=True) for number in range(5)
    ]
    other = Sample(9, 10**18, 42.81, 130.31, "vehicle", "hill-0/base", True, -50.0, None, None, True)
    source = tmp_path / "drive.csv"
    source.write_text("x")
    SurveyFiles(tmp_path).add(
        [*samples, other], county.definition.text, survey="made-up", source=source, source_sha256="0" * 64,
        imported="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    text = (await page(f"/coverage/tiles/{tile:x}?lang=en", netmon(tmp_path))).text
    assert "nothing heard" in text
    assert text.count(" dBm</td>") == 5
    assert "-50.0 dBm</td>" not in text
    damaged = next((tmp_path / "surveys").glob("*.parquet"))
    damaged.write_bytes(b"no Parquet")
    answer = await page(f"/coverage/tiles/{tile:x}?lang=en", netmon(tmp_path))
    assert answer.status_code == 200
    assert "cannot be read" in answer.text


@pytest.mark.parametrize(
    "path", ["/coverage/areas/nowhere", "/coverage/tiles/xyz", "/coverage/tiles/0", f"/coverage/tiles/{'f' * 40}"]
)
async def test_what_is_not_there_is_not_found(path: str) -> None:
    assert (await page(path)).status_code == 404


async def test_without_a_survey_the_page_says_so_and_what_to_do() -> None:
    text = (await page("/coverage?lang=en", FakeNetmon())).text
    assert "There is no survey yet: netmon coverage import" in text


async def test_a_fault_is_told() -> None:
    board = survey_board()
    board.fault = "<i>damaged</i>"
    text = (await page("/coverage?lang=en", replace(netmon(), coverage=board))).text
    assert "The surveys could not be read: &lt;i&gt;damaged" in text
