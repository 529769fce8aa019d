"""``coverage.yaml``: what counts as covered, where, and how surely it must be known. YAML -> :class:`Definition`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.json_schema import models_json_schema

from netmon.config import ConfigError, Problem, read_document
from netmon.config.errors import shown
from netmon.config.shape import Id, LocalTextField, Shape, wrong
from netmon.config.units import UnitError, parse_quantity
from netmon.config.validate import validate
from netmon.config.yaml_positions import Document
from netmon.config.yaml_reader import read
from netmon.coverage.areas import Area, Spot, read_areas
from netmon.coverage.confidence import tiles_needed
from netmon.coverage.tiles import resolutions, tile_at, tiles_in
from netmon.i18n import _
from netmon.model import LocalText

__all__ = ["Definition", "Terminal", "definition_schema", "load_definition", "recall_definition"]

RESOLUTION: Final = 8
EXPECTED: Final = 0.9
"""The share for which the number of tiles to draw is worked out: the plan's."""


def _ratio(value: Any) -> float:
    try:
        found = parse_quantity(value, "coverage_ratio")
    except UnitError as error:
        raise wrong(error.what, error.write) from None
    if not 0 < found < 1:
        raise wrong(_("{value} is not between 0 and 1").format(value=shown(value)), _("a share such as 0.05, or 5%"))
    return found


Ratio = Annotated[float, BeforeValidator(_ratio), WithJsonSchema({"type": ["string", "number"], "examples": ["95%"]})]


class TerminalShape(Shape):
    """A class of terminals, and what it needs to work."""

    id: Id
    name: LocalTextField
    least_dbm: float | None = Field(default=None, ge=-150, le=0, description="Received power at its antenna.")
    most_ber: Ratio | None = Field(default=None, description="Bit errors.")
    least_quality: float | None = Field(default=None, description="Of voice, such as DAQ 3.4.")


class DefinitionShape(Shape):
    """The whole file."""

    areas: str = Field(description="GeoJSON of the townships, beside this file.")
    areas_datum: Literal["wgs84", "gcj02"] = Field(description="Of the areas' coordinates: gcj02 on Chinese maps.")
    frequency_mhz: float = Field(default=350.0, gt=1, le=6000)
    resolution: int = Field(default=RESOLUTION, description="H3 resolution of the tiles.")
    confidence: Ratio = Field(default=0.95, description="One-sided, of bounds and sizes.")
    error: Ratio = Field(default=0.05, description="How far a figure may be off, for sizes.")
    least_samples: int = Field(default=5, ge=1, le=1000, description="Fewer attempts in a tile say nothing of it.")
    neighbours: int = Field(default=2, ge=0, le=5, description="Rings of tiles whose samples tell of overlap.")
    draw: str = Field(default="", max_length=60, description="Any word: draw tiles at random by it; empty: all tiles.")
    terminals: list[Any] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A class of terminals. A tile is covered where each of its medians that is asked for is good enough.

    Attributes:
        least_dbm, most_ber, least_quality: ``None`` if it does not matter.
    """

    id: str
    name: LocalText
    least_dbm: float | None = None
    most_ber: float | None = None
    least_quality: float | None = None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a survey is judged by.

    Attributes:
        text: everything, as the archive keeps it; :func:`recall_definition` reads it.
        frequency_hertz: of the network.
        error: how far a figure may be off, for sizes.
        least_samples: attempts without which a tile counts as not tested.
        neighbours: rings of tiles whose samples tell of overlap.
        draw: a word by which the tiles to test are drawn; empty for all tiles.
    """

    text: str
    areas: tuple[Area, ...]
    spots: tuple[Spot, ...]
    terminals: Mapping[str, Terminal]
    frequency_hertz: float
    resolution: int
    confidence: float
    error: float
    least_samples: int
    neighbours: int
    draw: str

    @cached_property
    def tiles(self) -> Mapping[int, str]:
        """All tiles, each with its area. One that lies in two areas is the first one's."""
        found: dict[int, str] = {}
        for area in self.areas:
            for tile in sorted(tiles_in(area.polygons, area.resolution or self.resolution)):
                found.setdefault(tile, area.id)
        return found

    @cached_property
    def planned(self) -> Mapping[str, tuple[int, ...]]:
        """For each area the tiles that are to be tested: its denominator. All, or the first of a random order."""
        found: dict[str, list[int]] = {area.id: [] for area in self.areas}
        for tile, area_id in self.tiles.items():
            found[area_id].append(tile)
        if self.draw:
            enough = tiles_needed(EXPECTED, self.error, self.confidence)
            found = {area_id: sorted(tiles, key=self._order)[:enough] for area_id, tiles in found.items()}
        return {area_id: tuple(tiles) for area_id, tiles in found.items()}

    @cached_property
    def area_of(self) -> Mapping[int, str]:
        """The area of each tile that is to be tested."""
        return {tile: area_id for area_id, tiles in self.planned.items() for tile in tiles}

    def tile_at(self, latitude: float, longitude: float) -> int | None:
        """The tile of a place; ``None`` outside of all areas."""
        for resolution in self._resolutions:
            tile = tile_at(latitude, longitude, resolution)
            if tile in self.tiles:
                return tile
        return None

    @cached_property
    def _resolutions(self) -> tuple[int, ...]:
        return tuple(sorted({area.resolution or self.resolution for area in self.areas}, reverse=True))

    def _order(self, tile: int) -> bytes:
        return hashlib.sha256(f"{self.draw} {tile:x}".encode()).digest()


def load_definition(path: Path) -> Definition:
    """Read the file and the areas that it names.

    Raises:
        ConfigError: with everything that is wrong.
    """
    text, document = read_document(path)
    shape = _shape(document)
    areas = path.parent / shape.areas
    try:
        geojson = areas.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = _("{path} cannot be read: {error}").format(path=areas, error=error)
        raise ConfigError([document.problem(document.spot(("areas",)), what)]) from error
    return _made(document, shape, text, geojson, str(areas))


def recall_definition(text: str, name: str) -> Definition:
    """What an archive keeps.

    Raises:
        ConfigError: this netmon does not take it any more.
    """
    try:
        kept = json.loads(text)
        settings, geojson = kept["settings"], kept["areas"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError([Problem(name, 1, 1, _("this is no JSON: {error}").format(error=error))]) from error
    document = read(settings, name)
    return _made(document, _shape(document), settings, geojson, name)


def definition_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the file, for editors."""
    _keys, made = models_json_schema([(DefinitionShape, "validation"), (TerminalShape, "validation")])
    definitions: dict[str, Any] = made["$defs"]
    file = definitions.pop("DefinitionShape")
    file["properties"]["terminals"]["items"] = {"$ref": "#/$defs/TerminalShape"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netmon coverage",
        **{key: value for key, value in file.items() if key != "title"},
        "$defs": definitions,
    }


def _shape(document: Document) -> DefinitionShape:
    shape = None if document.broken else validate(document, (), DefinitionShape, document.root)
    if shape is None:
        raise ConfigError(document.problems)
    return shape


def _made(document: Document, shape: DefinitionShape, text: str, geojson: str, file: str) -> Definition:
    terminals: dict[str, Terminal] = {}
    for number, value in enumerate(shape.terminals):
        made = validate(document, ("terminals", number), TerminalShape, value)
        if made is None:
            continue
        if made.least_dbm is None and made.most_ber is None and made.least_quality is None:
            what = _("nothing says when this class of terminals is served")
            document.report(("terminals", number), what, write=_("least_dbm, most_ber or least_quality"))
        if made.id in terminals:
            what = _("two classes of terminals have the id {name}").format(name=shown(made.id))
            document.report(("terminals", number, "id"), what)
        terminals[made.id] = Terminal(
            id=made.id, name=LocalText(zh=made.name.zh, en=made.name.en), least_dbm=made.least_dbm,
            most_ber=made.most_ber, least_quality=made.least_quality,
        )  # fmt: skip
    frequency = shape.frequency_mhz * 1e6
    allowed = resolutions(frequency)
    write = _("one of {keys}: tiles of at least 100 wavelengths, less than 2 km").format(
        keys=", ".join(map(str, allowed))
    )
    if shape.resolution not in allowed:
        document.report(("resolution",), _("{value} is no resolution").format(value=shape.resolution), write=write)
    if document.problems:
        raise ConfigError(document.problems)
    areas, spots = read_areas(geojson, file, gcj02=shape.areas_datum == "gcj02")
    for area in areas:
        if area.resolution is not None and area.resolution not in allowed:
            what = _("{value} is no resolution").format(value=f"{area.id}: {area.resolution}")
            raise ConfigError([Problem(file, 1, 1, what, write=write)])
    return Definition(
        text=json.dumps({"settings": text, "areas": geojson}, ensure_ascii=False),
        areas=areas,
        spots=spots,
        terminals=terminals,
        frequency_hertz=frequency,
        resolution=shape.resolution,
        confidence=shape.confidence,
        error=shape.error,
        least_samples=shape.least_samples,
        neighbours=shape.neighbours,
        draw=shape.draw,
    )
