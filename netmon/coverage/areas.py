"""Areas and places from GeoJSON (RFC 7946): the townships' polygons, and points that have to be covered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netmon.config.errors import ConfigError, Problem, shown
from netmon.config.shape import ID
from netmon.coverage.datum import wgs84_from_gcj02
from netmon.coverage.tiles import Polygon
from netmon.i18n import _
from netmon.model import LocalText

__all__ = ["Area", "Spot", "read_areas"]

LEAST_CORNERS: Final = 4
"""Of a ring, the first one again at its end included."""
LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A township, or whatever coverage is asked for.

    Attributes:
        id: a site of the inventory, where there is one.
        resolution: of its tiles, where they are not the usual ones.
    """

    id: str
    name: LocalText
    polygons: Sequence[Polygon]
    resolution: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place that has to be covered, such as a village: WGS 84 degrees."""

    id: str
    name: LocalText
    latitude: float
    longitude: float


def read_areas(text: str, file: str, *, gcj02: bool) -> tuple[tuple[Area, ...], tuple[Spot, ...]]:
    """The areas and places of a FeatureCollection.

    Args:
        gcj02: its coordinates are those of a Chinese map.

    Raises:
        ConfigError: with everything that is wrong.
    """
    reader = _Reader(file, gcj02=gcj02)
    try:
        data = json.loads(text)
    except ValueError as error:
        line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
        raise ConfigError([Problem(file, line, column, _("this is no JSON: {error}").format(error=error))]) from error
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list) or not features:
        reader.report(0, _("this is no GeoJSON FeatureCollection with features"))
    for number, feature in enumerate(features if isinstance(features, list) else (), 1):
        reader.take(number, feature)
    if reader.problems:
        raise ConfigError(reader.problems)
    return tuple(reader.areas.values()), tuple(reader.spots.values())


class _Reader:
    def __init__(self, file: str, *, gcj02: bool) -> None:
        self.problems: list[Problem] = []
        self.areas: dict[str, Area] = {}
        self.spots: dict[str, Spot] = {}
        self._file = file
        self._gcj02 = gcj02

    def report(self, number: int, what: str, write: str = "") -> None:
        if number:
            what = _("feature {number}: {what}").format(number=number, what=what)
        self.problems.append(Problem(self._file, 1, 1, what, write=write))

    def take(self, number: int, feature: Any) -> None:
        """Add what a feature says, or report what is wrong with it."""
        properties = _mapping(feature, "properties")
        geometry = _mapping(feature, "geometry")
        name, resolution = properties.get("id"), properties.get("resolution")
        if not isinstance(name, str) or not ID.fullmatch(name):
            what = _("{value} is no id").format(value=shown(name))
            self.report(number, what, _("properties with an id of lower-case letters, digits and '-'"))
            return
        if name in self.areas or name in self.spots:
            self.report(number, _("two features have the id {name}").format(name=shown(name)))
            return
        if resolution is not None and type(resolution) is not int:
            self.report(number, _("{value} is no resolution").format(value=shown(resolution)), _("a whole number"))
            return
        called = LocalText(zh=_name(properties, "zh"), en=_name(properties, "en"))
        kind, coordinates = geometry.get("type"), geometry.get("coordinates")
        try:
            if kind == "Point":
                latitude, longitude = self._place(coordinates)
                self.spots[name] = Spot(id=name, name=called, latitude=latitude, longitude=longitude)
            elif kind in ("Polygon", "MultiPolygon"):
                parts = [coordinates] if kind == "Polygon" else list(coordinates or ())
                polygons = [list(self._rings(part)) for part in parts]
                self.areas[name] = Area(id=name, name=called, polygons=polygons, resolution=resolution)
            else:
                what = _("{value} is no area and no place").format(value=shown(kind))
                self.report(number, what, _("a Polygon, a MultiPolygon or a Point"))
        except (TypeError, ValueError, IndexError):
            self.report(number, _("the coordinates are none"), _("pairs of longitude and latitude; rings end as begun"))

    def _rings(self, part: Any) -> Iterator[list[tuple[float, float]]]:
        if not part:
            raise ValueError("a polygon without a ring")
        for ring in part:
            if len(ring) < LEAST_CORNERS or ring[0] != ring[-1]:
                raise ValueError("a ring that is open, or has no area")
            yield [self._place(place) for place in ring[:-1]]

    def _place(self, place: Any) -> tuple[float, float]:
        longitude, latitude = float(place[0]), float(place[1])
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise ValueError("no place on earth")
        return wgs84_from_gcj02(latitude, longitude) if self._gcj02 else (latitude, longitude)


def _mapping(feature: Any, key: str) -> Mapping[str, Any]:
    found = feature.get(key) if isinstance(feature, dict) else None
    return found if isinstance(found, dict) else {}


def _name(properties: Mapping[str, Any], language: str) -> str:
    text = str(properties.get(f"name_{language}") or "")
    return " ".join(text.split())[:LONGEST_NAME]
