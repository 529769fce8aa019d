"""Made-up counties whose coverage is known, and surveys of them: does what netmon says hold the truth?

`python -m tests.lab.counties 25` makes the table of docs/coverage.md.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

from netmon.coverage.board import CoverageBoard
from netmon.coverage.confidence import clopper_pearson_lower, clopper_pearson_upper
from netmon.coverage.definition import Definition, recall_definition
from netmon.coverage.figures import Surveyed
from netmon.coverage.tally import tally
from netmon.demo.radio import Country, Drive, TileTruth, Tower

LEVEL = -85
SOUTH, WEST, HIGH, WIDE = 42.80, 130.30, 0.07, 0.10
CONFIDENCE = 0.95


def definition_text(*, areas: int = 2, settings: str = "") -> str:
    """Areas side by side, rectangles of some 8 km, as the archive keeps them."""
    features = []
    for number in range(areas):
        west, east, south, north = WEST + number * WIDE, WEST + (number + 1) * WIDE, SOUTH, SOUTH + HIGH
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        features.append(
            {
                "type": "Feature",
                "properties": {"id": f"area-{number}", "name_zh": f"区域{number}", "name_en": f"Area {number}"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    text = (
        f"areas: areas.geojson\nareas_datum: wgs84\n{settings}"
        f"terminals:\n  - {{id: vehicle, name: {{zh: 车载台, en: vehicle}}, least_dbm: {LEVEL}}}\n"
    )
    return json.dumps({"settings": text, "areas": json.dumps({"type": "FeatureCollection", "features": features})})


@dataclass(frozen=True, slots=True)
class Held:
    """Whether a figure held the truth, and how far it was off if it did not.

    Attributes:
        range: the counted range, from the least to the most.
        bounds: the same, each end with its one-sided confidence bound.
    """

    range: bool
    bounds: bool
    width: float
    miss: float


class CountyOfSeed:
    """Hills and four stations of a seed."""

    def __init__(self, seed: int, *, settings: str = "") -> None:
        chance = random.Random(seed)
        self.seed = seed
        self.definition: Definition = recall_definition(definition_text(settings=settings), "county")
        self.stations = [f"hill-{number}/base" for number in range(4)]
        towers = [
            Tower(
                station=name, latitude=SOUTH - HIGH / 2 + chance.random() * 2 * HIGH,
                longitude=WEST + chance.random() * 2 * WIDE, height_m=60, eirp_dbm=chance.uniform(33, 43),
            )
            for name in self.stations
        ]  # fmt: skip
        self.country = Country(towers, seed=seed)
        self.reached = 1.0 if seed % 2 else chance.uniform(0.6, 1.0)

    @cached_property
    def truths(self) -> dict[int, TileTruth]:
        return {tile: self.country.truth(tile) for tiles in self.definition.planned.values() for tile in tiles}

    def truth(self, area: str, down: str = "") -> float:
        """The share of an area's tiles that is covered while all stations but one work."""
        alive = [name for name in self.stations if name != down]
        tiles = self.definition.planned[area]
        return sum(self.truths[tile].covered(LEVEL, alive) for tile in tiles) / len(tiles)

    def survey(self, neighbours: float, *, attempts: int = 8) -> Surveyed:
        """A drive through a part of the tiles."""
        chance = random.Random(self.seed + 1)
        tiles = [tile for each in self.definition.planned.values() for tile in each if chance.random() < self.reached]
        drive = Drive(attempts=attempts, neighbours=neighbours)
        found = tally(drive.samples(self.country, tiles, at_ns=10**18, seed=self.seed), self.definition)
        return Surveyed(
            survey="made-up", at_ns=10**18, terminal=self.definition.terminals["vehicle"],
            definition=self.definition, tiles=found["vehicle"],
        )  # fmt: skip

    def surveyed(self, survey: Surveyed) -> Iterator[Held]:
        """Does the surveyed figure hold the truth in each area?"""
        for area, figures in survey.areas.items():
            untested = figures.planned - figures.tested
            yield _held(figures.covered, figures.covered + untested, figures.planned, self.truth(area))

    def available(self, survey: Surveyed) -> Iterator[Held]:
        """Does the available figure, in each area, with each station down?"""
        for area, figures in survey.areas.items():
            untested = figures.planned - figures.tested
            for down in self.stations:
                now = figures.available({name: name != down for name in self.stations})
                yield _held(round(now.low), round(now.high) + untested, figures.planned, self.truth(area, down))


def survey_board(seed: int = 3) -> CoverageBoard:
    """What a running netmon keeps of a county's survey."""

    async def nothing(*_arguments: str) -> tuple[int, str, str]:
        return 1, "", "there is no other process here"

    board = CoverageBoard(Path("nowhere"), run=nothing)
    board.surveys = {"vehicle": CountyOfSeed(seed).survey(0.5)}
    return board


def _held(low: int, high: int, planned: int, truth: float) -> Held:
    least = clopper_pearson_lower(low, planned, CONFIDENCE)
    most = clopper_pearson_upper(high, planned, CONFIDENCE)
    return Held(
        range=low / planned <= truth <= high / planned,
        bounds=least <= truth <= most,
        width=(high - low) / planned,
        miss=max(0.0, low / planned - truth, truth - high / planned),
    )


def table(counties: int) -> str:
    """What held and what did not, by how many of the other stations that it heard a terminal logged."""
    text = StringIO()
    text.write("| neighbours logged | figure | counted range holds | with bounds | worst miss | mean width |\n")
    text.write("|---|---|---|---|---|---|\n")
    made = [CountyOfSeed(seed) for seed in range(counties)]
    for neighbours in (0.0, 0.02, 0.1, 0.3, 1.0):
        found: dict[str, list[Held]] = {"surveyed": [], "one station down": []}
        for county in made:
            survey = county.survey(neighbours)
            found["surveyed"] += county.surveyed(survey)
            found["one station down"] += county.available(survey)
        for name, held in found.items():
            ranges, bounds = sum(each.range for each in held), sum(each.bounds for each in held)
            worst, width = max(each.miss for each in held), sum(each.width for each in held) / len(held)
            text.write(
                f"| {neighbours:.0%} | {name} | {ranges} of {len(held)} | {bounds} | {worst:.1%} | {width:.1%} |\n"
            )
    return text.getvalue()


if __name__ == "__main__":
    sys.stdout.write(table(int(sys.argv[1])))
