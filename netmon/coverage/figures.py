"""Tiles -> figures: surveyed coverage with its bound, and what of it is available at a time. Pure.

The denominator of every figure is the planned tiles of an area. A tile that was not tested is never covered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from netmon.coverage.confidence import clopper_pearson_lower, passes_needed, wilson_lower
from netmon.coverage.definition import Definition, Terminal
from netmon.coverage.tally import UNKNOWN_STATION, Tile
from netmon.coverage.tiles import centre

__all__ = [
    "AreaFigures", "Available", "Plan", "Sole", "Span", "Surveyed", "TileState", "over_time", "planner", "sole_service",
    "tile_state",
]  # fmt: skip

Groups = Mapping[tuple[frozenset[str], frozenset[str]], int]
"""How many covered tiles have these stations: certain, possible."""
Works = Mapping[str, bool | None]
"""Whether stations work; ``None`` or absent: nobody knows."""


class TileState(StrEnum):
    """What a survey and the states of stations say of a tile."""

    AVAILABLE = "available"
    """Covered, and a station that is measured there works."""
    PERHAPS = "perhaps"
    """Covered; whether a station that works serves it now is not known."""
    LOST = "lost"
    """Covered by the survey, and no station that may serve it works."""
    GAP = "gap"
    """Not covered by the survey."""
    UNTESTED = "untested"


def tile_state(tile: Tile | None, works: Works) -> TileState:
    """How a tile is while stations are like this."""
    if tile is None or tile.covered is None:
        return TileState.UNTESTED
    if not tile.covered:
        return TileState.GAP
    if any(works.get(station) is True for station in tile.certain):
        return TileState.AVAILABLE
    return TileState.PERHAPS if any(works.get(name) is not False for name in tile.possible) else TileState.LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """How many tiles are covered at one moment: at the least and at the most, as far as overlap and states are known.

    Attributes:
        low: by stations that work for certain and are measured in the tile.
        high: by those that may work and may serve it.
    """

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class AreaFigures:
    """An area in one survey.

    Attributes:
        planned: tiles that were to be tested: the denominator.
        tested, covered: of those.
        groups: the covered ones by their stations.
    """

    area: str
    planned: int
    tested: int
    covered: int
    groups: Groups

    @property
    def ratio(self) -> float | None:
        """Covered of planned."""
        return self.covered / self.planned if self.planned else None

    def lower_bound(self, confidence: float) -> float | None:
        """What is proven of it (Clopper and Pearson, one-sided): the verdict rests on it."""
        return clopper_pearson_lower(self.covered, self.planned, confidence) if self.planned else None

    def wilson_bound(self, confidence: float) -> float | None:
        """The score bound, which is shown beside it."""
        return wilson_lower(self.covered, self.planned, confidence) if self.planned else None

    def available(self, works: Works) -> Available:
        """Tiles that are covered while stations are like this."""
        low = high = 0
        for (certain, possible), tiles in self.groups.items():
            low += tiles * any(works.get(station) is True for station in certain)
            high += tiles * any(works.get(station) is not False for station in possible)
        return Available(low=low, high=high)


@dataclass(frozen=True, kw_only=True)
class Surveyed:
    """One survey of one class of terminals.

    Attributes:
        at_ns: of its last sample, UTC nanoseconds since the epoch.
        tiles: what is known of the tiles that were driven through.
    """

    survey: str
    at_ns: int
    terminal: Terminal
    definition: Definition
    tiles: Mapping[int, Tile]

    @cached_property
    def areas(self) -> Mapping[str, AreaFigures]:
        """The figures of each area."""
        return {area_id: self._area(area_id, tiles) for area_id, tiles in self.definition.planned.items()}

    @cached_property
    def whole(self) -> AreaFigures | None:
        """All areas as one; ``None`` where a tile is not as likely to be tested here as there, or as large."""
        if self.definition.draw or any(area.resolution for area in self.definition.areas):
            return None
        return self._area("", [tile for tiles in self.definition.planned.values() for tile in tiles])

    @cached_property
    def stations(self) -> tuple[str, ...]:
        """All stations that serve, or may serve, a covered tile."""
        names = {name for area in self.areas.values() for _certain, possible in area.groups for name in possible}
        return tuple(sorted(names - {UNKNOWN_STATION}))

    def spots(self) -> dict[str, bool | None]:
        """Whether each place is covered; ``None`` if its tile was not tested."""
        found: dict[str, bool | None] = {}
        for spot in self.definition.spots:
            tile = self.tiles.get(self.definition.tile_at(spot.latitude, spot.longitude) or 0)
            found[spot.id] = None if tile is None else tile.covered
        return found

    def _area(self, area_id: str, planned: Sequence[int]) -> AreaFigures:
        known = [tile for number in planned if (tile := self.tiles.get(number)) and tile.covered is not None]
        groups = Counter((tile.certain, tile.possible) for tile in known if tile.covered)
        return AreaFigures(
            area=area_id, planned=len(planned), tested=len(known), covered=sum(groups.values()), groups=groups
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a station worked, did not (``False``), or nobody knows (``None``); the end exclusive."""

    from_ns: int
    until_ns: int
    works: bool | None


def over_time(
    areas: Mapping[str, AreaFigures], spans: Mapping[str, Sequence[Span]], *, since_ns: int, until_ns: int
) -> dict[str, Available]:
    """Covered tiles of each area, weighted by time. Where a station has no span, nobody knows whether it worked."""
    turns: dict[int, dict[str, bool | None]] = {since_ns: {}}
    for station, line in spans.items():
        for span in line:
            begin, end = max(span.from_ns, since_ns), min(span.until_ns, until_ns)
            if begin < end:
                # What ends here may begin anew in the next span, which then comes later and wins.
                turns.setdefault(end, {}).setdefault(station, None)
                turns.setdefault(begin, {})[station] = span.works
    moments = [*sorted(moment for moment in turns if moment < until_ns), until_ns]
    works: dict[str, bool | None] = {}
    sums = {name: [0.0, 0.0] for name in areas}
    for begin, end in pairwise(moments):
        works |= turns[begin]
        for name, area in areas.items():
            now = area.available(works)
            sums[name][0] += now.low * (end - begin)
            sums[name][1] += now.high * (end - begin)
    whole = until_ns - since_ns
    return {name: Available(low=low / whole, high=high / whole) for name, (low, high) in sums.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sole:
    """Tiles that are covered by one station only: what its outage costs while all others work.

    Attributes:
        least: no other is known to serve them, not even by samples around.
        most: no other is known to serve them by samples of their own.
    """

    station: str
    least: int
    most: int


def sole_service(surveyed: Surveyed, area: AreaFigures | None = None) -> tuple[Sole, ...]:
    """The stations by the tiles that only they serve, the most important first."""
    areas = [area] if area is not None else surveyed.areas.values()
    found = []
    for station in surveyed.stations:
        groups = [(*names, tiles) for each in areas for names, tiles in each.groups.items() if station in names[1]]
        found.append(
            Sole(
                station=station,
                least=sum(tiles for _certain, possible, tiles in groups if possible == {station}),
                most=sum(tiles for certain, _possible, tiles in groups if certain <= {station}),
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.most, -each.least, each.station)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an area stands on the way to a proof.

    Attributes:
        needed: covered tiles that prove the share; ``None`` if the area has too few tiles for any proof.
        more: tiles that are still to be tested, all of them good, at the least; 0 when it is proven; ``None`` if it
            cannot be proven any more: too many tiles have failed, or there are too few.
        where: the tiles that were not tested, latitude and longitude of their centres.
    """

    figures: AreaFigures
    needed: int | None
    more: int | None
    where: tuple[tuple[float, float], ...]


def planner(surveyed: Surveyed, *, at_least: float) -> tuple[Plan, ...]:
    """For each area how many more tiles have to be tested, and which there are."""
    confidence = surveyed.definition.confidence
    plans = []
    for area_id, tiles in surveyed.definition.planned.items():
        figures = surveyed.areas[area_id]
        needed = passes_needed(figures.planned, at_least, confidence) if figures.planned else None
        more = None
        if needed is not None and figures.planned - (figures.tested - figures.covered) >= needed:
            more = max(0, needed - figures.covered)
        plans.append(Plan(figures=figures, needed=needed, more=more, where=_untested(tiles, surveyed.tiles)))
    return tuple(plans)


def _untested(planned: Iterable[int], tiles: Mapping[int, Tile]) -> tuple[tuple[float, float], ...]:
    return tuple(centre(tile) for tile in planned if tile not in tiles or tiles[tile].covered is None)
