"""Tiles, borders and stations as paths of an SVG, from our own polygons, without a map service. Pure.

The projection is equirectangular: degrees of longitude are as wide as they are in the middle of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netmon.coverage.areas import Area
from netmon.coverage.figures import Surveyed, TileState, Works, tile_state
from netmon.coverage.tiles import Polygon, outline, union

__all__ = ["Border", "Picture", "draw_areas", "draw_tiles", "picture_of"]

WIDTH = 1000.0
TALLEST = 1200.0
MARGIN = 12.0
ROOM = 100.0
STATES = tuple(TileState)
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """Where places lie in a picture.

    Attributes:
        width, height: of the picture.
    """

    width: float
    height: float
    west: float
    north: float
    east_scale: float
    north_scale: float

    def at(self, latitude: float, longitude: float) -> Place:
        """A place's x and y."""
        return (
            round(MARGIN + (longitude - self.west) * self.east_scale, 1),
            round(MARGIN + (self.north - latitude) * self.north_scale, 1),
        )

    def path(self, polygons: Iterable[Polygon]) -> str:
        """The outlines of polygons, holes included: fill them by the even-odd rule."""
        parts = []
        for polygon in polygons:
            for ring in polygon:
                points = " ".join(f"{x:g},{y:g}" for x, y in (self.at(*place) for place in ring))
                parts.append(f"M{points}Z")
        return "".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """An area's outline, and where its name goes.

    Attributes:
        roomy: its name has room.
    """

    area: str
    path: str
    x: float
    y: float
    roomy: bool


def picture_of(areas: Iterable[Area], tiles: Iterable[int]) -> Picture:
    """A picture in which these areas and tiles have room."""
    places = [place for area in areas for polygon in area.polygons for place in polygon[0]]
    places += [place for tile in tiles for place in outline(tile)]
    south, north = min(place[0] for place in places), max(place[0] for place in places)
    west, east = min(place[1] for place in places), max(place[1] for place in places)
    squeeze = math.cos(math.radians((south + north) / 2))
    across, up = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    scale = min((WIDTH - 2 * MARGIN) / across, (TALLEST - 2 * MARGIN) / up)
    return Picture(
        width=round(across * scale + 2 * MARGIN), height=round(up * scale + 2 * MARGIN), west=west, north=north,
        east_scale=scale * squeeze, north_scale=scale,
    )  # fmt: skip


def draw_areas(picture: Picture, areas: Iterable[Area]) -> list[Border]:
    """Borders with places for names."""
    found = []
    for area in areas:
        largest = max((polygon[0] for polygon in area.polygons), key=len)
        middle = [sum(part) / len(largest) for part in zip(*largest, strict=True)]
        x, y = picture.at(middle[0], middle[1])
        width = (max(place[1] for place in largest) - min(place[1] for place in largest)) * picture.east_scale
        found.append(Border(area=area.id, path=picture.path(area.polygons), x=x, y=y, roomy=width >= ROOM))
    return found


def draw_tiles(
    picture: Picture, surveyed: Surveyed, tiles: Iterable[int], works: Works, *, single: bool
) -> Mapping[TileState, list[tuple[int, str]]]:
    """Paths of tiles by their state: each tile's (``single``), or those that are alike as one, with the number 0."""
    by_state: dict[TileState, list[int]] = {state: [] for state in STATES}
    for tile in tiles:
        by_state[tile_state(surveyed.tiles.get(tile), works)].append(tile)
    if single:
        return {state: [(tile, picture.path([[outline(tile)]])) for tile in found] for state, found in by_state.items()}
    resolutions = {area.resolution or surveyed.definition.resolution for area in surveyed.definition.areas}
    if len(resolutions) == 1:
        return {state: [(0, picture.path(union(found)))] for state, found in by_state.items() if found}
    return {
        state: [(0, picture.path([[outline(tile)] for tile in found]))] for state, found in by_state.items() if found
    }
