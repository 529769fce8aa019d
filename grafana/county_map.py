"""``python -m grafana.county_map SITES.YAML``: the map's base layer (GeoJSON, RFC 7946), made from an inventory.

It holds what is known without a map of the land: a grid of degrees around the sites, and the lines between sites whose
equipment hangs on each other. Who has an approved map of the county puts that file in its place (docs/grafana.md).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import probes
from netmon.config import Config, ConfigError, load
from netmon.model import Place

__all__ = ["county_map"]

GRID_DEGREES: Final = 0.1
MARGIN_DEGREES: Final = 0.1
DIGITS: Final = 4


def county_map(config: Config) -> dict[str, Any]:
    """The base layer as a FeatureCollection; ``what`` of each feature says which kind of line it is.

    Raises:
        ValueError: no site of the inventory has a place.
    """
    points = {site.id: point for site in config.sites.values() if (point := _point(site.place)) is not None}
    if not points:
        raise ValueError("no site of the inventory has a place: give latitude and longitude")
    lines = [_line("grid", ends) for ends in _grid(points.values())]
    lines += [
        _line("link", (points[one], points[other])) for one, other in _joined(config) if {one, other} <= points.keys()
    ]
    return {"type": "FeatureCollection", "features": lines}


Point = tuple[float, float]
"""Longitude and latitude, degrees, in the order of RFC 7946."""


def _point(place: Place) -> Point | None:
    if place.longitude is None or place.latitude is None:
        return None
    return place.longitude, place.latitude


def _grid(points: Iterable[Point]) -> list[tuple[Point, Point]]:
    """Meridians and parallels around the points."""
    (west, east), (south, north) = (
        (
            math.floor((min(values) - MARGIN_DEGREES) / GRID_DEGREES),
            math.ceil((max(values) + MARGIN_DEGREES) / GRID_DEGREES),
        )
        for values in zip(*points, strict=True)
    )

    def corner(x: int, y: int) -> Point:
        return x * GRID_DEGREES, y * GRID_DEGREES

    meridians = [(corner(x, south), corner(x, north)) for x in range(west, east + 1)]
    return meridians + [(corner(west, y), corner(east, y)) for y in range(south, north + 1)]


def _joined(config: Config) -> list[tuple[str, str]]:
    """Sites of which one's equipment hangs on the other's, each pair once."""
    parents: Mapping[str, str] = {asset.id: asset.parent for asset in config.assets.values() if asset.parent}
    pairs = {
        (config.assets[asset].site, config.assets[parent].site) for asset, parent in parents.items()
    }  # fmt: skip
    return sorted({(one, other) if one < other else (other, one) for one, other in pairs if one != other})


def _line(what: str, ends: tuple[Point, Point]) -> dict[str, Any]:
    coordinates = [[round(number, DIGITS) for number in end] for end in ends]
    return {
        "type": "Feature",
        "properties": {"what": what},
        "geometry": {"type": "LineString", "coordinates": coordinates},
    }


def main() -> int:
    """Print the base layer."""
    parser = argparse.ArgumentParser(prog="python -m grafana.county_map", description=__doc__)
    parser.add_argument("inventory", type=Path)
    try:
        made = county_map(load(parser.parse_args().inventory, kinds=probes.KINDS))
    except (ConfigError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    features = ",\n".join(json.dumps(feature) for feature in made["features"])
    sys.stdout.write(f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n')
    return 0


if __name__ == "__main__":
    sys.exit(main())
