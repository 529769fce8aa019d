"""Tiles of the country: cells of H3. The one door to that library.

A tile is a whole number; a coarser resolution has larger tiles. Hexagons at 43 degrees north are some 15 % smaller
than the average that H3 publishes and that the rule below uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import h3.api.basic_int as h3

__all__ = [
    "Polygon", "bounds", "centre", "near", "outline", "resolutions", "tile_at", "tiles_in", "union",
]  # fmt: skip

SPEED_OF_LIGHT: Final = 299_792_458.0
WAVELENGTHS: Final = 100
WIDEST_M: Final = 2000.0
FINEST: Final = 15
Polygon = Sequence[Sequence[tuple[float, float]]]
"""Rings of (latitude, longitude) in WGS 84 degrees: the outer one, then holes."""


def resolutions(frequency_hertz: float) -> tuple[int, ...]:
    """The resolutions that TIA TSB-88 allows: a side of 100 wavelengths at the least, less than 2 km across."""
    shortest = WAVELENGTHS * SPEED_OF_LIGHT / frequency_hertz
    sides = {number: h3.average_hexagon_edge_length(number, unit="m") for number in range(FINEST + 1)}
    return tuple(number for number, side in sides.items() if side >= shortest and side * 3**0.5 < WIDEST_M)


def tile_at(latitude: float, longitude: float, resolution: int) -> int:
    """The tile of a place."""
    return int(h3.latlng_to_cell(latitude, longitude, resolution))


def tiles_in(polygons: Iterable[Polygon], resolution: int) -> set[int]:
    """The tiles whose centres lie within polygons: areas that touch do not share any."""
    found: set[int] = set()
    for outer, *holes in polygons:
        found.update(h3.h3shape_to_cells(h3.LatLngPoly(outer, *holes), resolution))
    return found


def near(tile: int, rings: int) -> set[int]:
    """The tiles around one, at most so many away, without itself."""
    return set(h3.grid_disk(tile, rings)) - {tile}


def centre(tile: int) -> tuple[float, float]:
    """Latitude and longitude."""
    latitude, longitude = h3.cell_to_latlng(tile)
    return latitude, longitude


def outline(tile: int) -> tuple[tuple[float, float], ...]:
    """Corners: latitudes and longitudes."""
    return tuple(h3.cell_to_boundary(tile))


def bounds(tile: int) -> tuple[float, float, float, float]:
    """South, north, west, east."""
    latitudes, longitudes = zip(*outline(tile), strict=True)
    return min(latitudes), max(latitudes), min(longitudes), max(longitudes)


def union(tiles: Iterable[int]) -> list[Polygon]:
    """The outline of many tiles of one resolution as few polygons."""
    chosen = list(tiles)
    if not chosen:
        return []
    shape = h3.cells_to_h3shape(chosen, tight=False)
    return [[tuple(polygon.outer), *map(tuple, polygon.holes)] for polygon in shape]
