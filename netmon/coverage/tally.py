"""Samples -> tiles: the median of all attempts in each, and which base stations are known to serve it. Pure.

TIA TSB-88 takes the median of a tile's subsamples. Attempts at which nothing was heard take part as the worst there
is; a later attempt never takes the place of one that failed.

A terminal logs mostly the station that serves it, so what else would serve a tile is known only in part. Hence two
sets: stations whose own samples in the tile are enough and good enough, and, besides, those heard well enough by fewer
samples here, or in tiles around. A survey in which only serving stations were logged says nothing of overlap: then any
station of the survey may serve any tile besides.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from netmon.archive import Sample
from netmon.coverage.definition import Definition, Terminal
from netmon.coverage.tiles import near

__all__ = ["UNKNOWN_STATION", "Tile", "tally"]

UNKNOWN_STATION: Final = "?"
"""Served the tile, and nobody wrote down which one it was."""
NONE: Final[frozenset[str]] = frozenset()
WORST_BER, WORST_QUALITY = 1.0, 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """What a survey says of a tile.

    Attributes:
        attempts: how many there were.
        covered: ``None`` if there were too few, or what the criterion asks for was not measured: not tested.
        median_dbm: of all attempts; ``None`` if it was not measured, or mostly nothing was heard.
        certain: stations that serve it by enough samples of their own.
        possible: these, and those of which less is known.
    """

    attempts: int
    covered: bool | None
    median_dbm: float | None
    certain: frozenset[str]
    possible: frozenset[str]


def tally(samples: Iterable[Sample], definition: Definition) -> dict[str, dict[int, Tile]]:
    """What the samples of a survey say, by class of terminals and tile. Samples outside of all areas say nothing."""
    gathered: dict[tuple[str, int], _Gathered] = {}
    overlap: set[str] = set()
    for sample in samples:
        tile = definition.tile_at(sample.latitude, sample.longitude)
        if tile is not None and sample.terminal in definition.terminals:
            key = (sample.terminal, tile)
            if (here := gathered.get(key)) is None:
                here = gathered[key] = _Gathered()
            here.take(sample)
            if not sample.serving:
                overlap.add(sample.terminal)
    found: dict[str, dict[int, Tile]] = {terminal: {} for terminal in definition.terminals}
    for (name, number), here in gathered.items():
        found[name][number] = here.tile(definition.terminals[name], definition.least_samples)
    return {name: _spread(tiles, definition.neighbours if name in overlap else None) for name, tiles in found.items()}


def _spread(tiles: Mapping[int, Tile], rings: int | None) -> dict[int, Tile]:
    """What was heard well enough in tiles around (``None``: anywhere) may serve a tile that is covered, too."""
    heard = {number: tile.possible - {UNKNOWN_STATION} for number, tile in tiles.items()}
    everywhere = frozenset[str]().union(*heard.values())
    spread = {}
    for number, tile in tiles.items():
        if tile.covered:
            around = [everywhere] if rings is None else [heard.get(other, NONE) for other in near(number, rings)]
            tile = replace(tile, possible=tile.possible.union(*around))
        spread[number] = tile
    return spread


class _Values:
    """Figures of some samples; where nothing was heard, the worst."""

    __slots__ = ("ber", "dbm", "quality")

    def __init__(self) -> None:
        self.dbm, self.ber, self.quality = array("d"), array("d"), array("d")

    def take(self, sample: Sample) -> None:
        if not sample.heard:
            self.nothing(1)
            return
        if sample.signal_dbm is not None:
            self.dbm.append(sample.signal_dbm)
        if sample.ber_ratio is not None:
            self.ber.append(sample.ber_ratio)
        if sample.quality is not None:
            self.quality.append(sample.quality)

    def nothing(self, times: int) -> None:
        """So many attempts at which nothing was heard."""
        self.dbm.extend([-math.inf] * times)
        self.ber.extend([WORST_BER] * times)
        self.quality.extend([WORST_QUALITY] * times)

    def good(self, terminal: Terminal, least: int) -> bool | None:
        """Whether each median that the criterion asks for is good enough; ``None`` if one is not known."""
        good = True
        for values, limit, sign in (
            (self.dbm, terminal.least_dbm, 1), (self.ber, terminal.most_ber, -1),
            (self.quality, terminal.least_quality, 1),
        ):  # fmt: skip
            if limit is not None:
                if len(values) < least:
                    return None
                good = good and sign * median(values) >= sign * limit
        return good


class _Gathered:
    """The samples of one tile and class of terminals."""

    __slots__ = ("attempts", "nothing", "stations", "values")

    def __init__(self) -> None:
        self.attempts = 0
        self.nothing = 0
        self.values = _Values()
        self.stations: dict[str, _Values] = {}

    def take(self, sample: Sample) -> None:
        if sample.serving:
            self.attempts += 1
            self.values.take(sample)
            self.nothing += not sample.heard
        if sample.heard:
            self.stations.setdefault(sample.station or UNKNOWN_STATION, _Values()).take(sample)

    def tile(self, terminal: Terminal, least: int) -> Tile:
        certain, possible = set(), set()
        for station, values in self.stations.items():
            # Where nothing was heard, this one was not heard either.
            values.nothing(self.nothing)
            if values.good(terminal, 1):
                possible.add(station)
                if values.good(terminal, least) and station != UNKNOWN_STATION:
                    certain.add(station)
        middle = median(self.values.dbm) if self.values.dbm else -math.inf
        covered = self.values.good(terminal, least)
        return Tile(
            attempts=self.attempts,
            covered=covered,
            median_dbm=middle if math.isfinite(middle) else None,
            certain=frozenset(certain) if covered else frozenset(),
            possible=frozenset(possible),
        )
