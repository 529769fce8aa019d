"""The demo's coverage survey: made-up townships, hills and a drive test, whose truth the generator knows."""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from netmon.archive import Sample
from netmon.config import Config
from netmon.coverage.definition import Definition, load_definition
from netmon.coverage.mapping import load_survey_map
from netmon.coverage.survey import Imported, import_survey
from netmon.coverage.tiles import centre, tiles_in, union
from netmon.demo.radio import Country, Drive, Tower
from netmon.model import LOCAL

__all__ = ["MAP", "SETTINGS", "Survey", "areas_geojson"]

SEED: Final = 350
AGE_NS: Final = 60 * 86_400 * 1_000_000_000
"""How long ago the demo's survey was."""
DRIVEN: Final = 0.97
"""The share of tiles that the drive test reached."""
EIRP_DBM: Final = 22.0
BLOCK: Final = 7
"""H3 resolution of the pieces of which the made-up townships consist."""
DRIVE: Final = Drive(attempts=5, neighbours=0.95, loss_db={"vehicle": 0.0, "portable": 10.0})
TOWNSHIPS: Final[Mapping[str, tuple[str, str, float, float, float]]] = {
    "jinghe": ("靖和街道", "Jinghe subdistrict", 42.868, 130.352, 2.5),
    "xinan": ("新安街道", "Xin'an subdistrict", 42.872, 130.390, 2.5),
    "henan": ("河南街道", "Henan subdistrict", 42.838, 130.362, 3.0),
    "jinhai": ("近海街道", "Jinhai subdistrict", 42.840, 130.420, 3.0),
    "chunhua": ("春化镇", "Chunhua town", 43.110, 130.760, 6.5),
    "jingxin": ("敬信镇", "Jingxin town", 42.700, 130.520, 6.0),
    "banshi": ("板石镇", "Banshi town", 42.770, 130.440, 4.5),
    "yingan": ("英安镇", "Ying'an town", 42.915, 130.290, 5.0),
    "machuanzi": ("马川子乡", "Machuanzi township", 42.890, 130.465, 4.0),
    "yangpao": ("杨泡满族乡", "Yangpao Manchu township", 42.990, 130.610, 5.5),
    "sanjiazi": ("三家子满族乡", "Sanjiazi Manchu township", 42.790, 130.310, 4.5),
    "mijiang": ("密江乡", "Mijiang township", 42.970, 130.190, 5.0),
    "hadamen": ("哈达门乡", "Hadamen township", 42.980, 130.430, 5.5),
}
"""Names are Hunchun's; where they lie and how large they are (km) is made up."""
SETTINGS: Final = """\
# yaml-language-server: $schema=coverage.schema.json
#
# SAMPLE / 示例: areas and criteria are made up. 区域边界与判定电平均为虚构，请按实际修改。Keys: docs/coverage.md.
areas: areas.geojson
areas_datum: wgs84               # 中国地图的坐标写 gcj02 / coordinates of a Chinese map: gcj02
frequency_mhz: 350
resolution: 8                    # H3 网格；边长约 450 m / tiles with a side of about 450 m
terminals:
  - {id: vehicle, name: {zh: 车载台, en: vehicle-mounted}, least_dbm: -105}
  - {id: portable, name: {zh: 手持台, en: portable}, least_dbm: -105}
"""
MAP: Final = """\
datum: wgs84
columns: {time: time, latitude: lat, longitude: lon, signal: rssi, station: station, terminal: terminal, role: role}
values: {neighbour: [neighbour], nothing_heard: [NoService]}
"""
HEADS: Final = ("time", "lat", "lon", "terminal", "rssi", "station", "role")


def areas_geojson() -> str:
    """The made-up townships: pieces that belong to the nearest one, if it reaches as far."""
    pieces: dict[str, list[int]] = {name: [] for name in TOWNSHIPS}
    frame = [(42.5, 129.9), (42.5, 131.1), (43.3, 131.1), (43.3, 129.9)]
    for piece in sorted(tiles_in([[frame]], BLOCK)):
        latitude, longitude = centre(piece)

        def away(name: str, here: tuple[float, float] = (latitude, longitude)) -> float:
            _zh, _en, north, east, radius = TOWNSHIPS[name]
            squeeze = math.cos(math.radians(north))
            return math.hypot(here[0] - north, (here[1] - east) * squeeze) * 111.195 / radius

        nearest = min(TOWNSHIPS, key=away)
        if away(nearest) <= 1:
            pieces[nearest].append(piece)
    features = [_feature(name, found) for name, found in pieces.items() if found]
    return json.dumps({"type": "FeatureCollection", "sample": True, "features": features}, ensure_ascii=False) + "\n"


def _feature(name: str, pieces: Collection[int]) -> dict[str, Any]:
    zh, en = TOWNSHIPS[name][:2]
    coordinates = [
        [[[round(longitude, 5), round(latitude, 5)] for latitude, longitude in (*ring, ring[0])] for ring in polygon]
        for polygon in union(pieces)
    ]
    return {
        "type": "Feature",
        "properties": {"id": name, "name_zh": zh, "name_en": en, "sample": True},
        "geometry": {"type": "MultiPolygon", "coordinates": coordinates},
    }


class Survey:
    """A drive test through the townships of a simulated county.

    Attributes:
        definition: what it is judged by.
        country: the towers and hills.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        (folder / "areas.geojson").write_text(areas_geojson(), encoding="utf-8")
        (folder / "coverage.yaml").write_text(SETTINGS, encoding="utf-8")
        (folder / "survey-map.yaml").write_text(MAP, encoding="utf-8")
        self._folder = folder
        self.definition: Definition = load_definition(folder / "coverage.yaml")
        self.country = Country(list(_towers(config)), seed=SEED)

    def drive(self, data: Path, *, now_ns: int) -> Imported:
        """Drive, write the file that a logger would, and import it like any other into the archive in ``data``."""
        chance = random.Random(SEED)  # noqa: S311 (a simulation)
        driven = [tile for tiles in self.definition.planned.values() for tile in tiles if chance.random() < DRIVEN]
        file = self._folder / "survey.csv"
        samples = DRIVE.samples(self.country, driven, at_ns=now_ns - AGE_NS, seed=SEED)
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADS)
            writer.writerows(map(_row, samples))
        stations = [tower.station for tower in self.country.towers]
        mapping = load_survey_map(
            self._folder / "survey-map.yaml", terminals=self.definition.terminals, stations=stations
        )
        return import_survey(
            file, mapping, self.definition, survey="simulated", stations=stations, data=data, now_ns=now_ns
        )

    def truth(self, terminal: str, area: str, working: Iterable[str] | None = None) -> float:
        """The share of an area's tiles that is covered while these stations work; ``None``: all do."""
        level, loss = self.definition.terminals[terminal].least_dbm or 0.0, DRIVE.loss_db[terminal]
        alive = None if working is None else frozenset(working)
        tiles = self.definition.planned[area]
        return sum(self.country.truth(tile, loss_db=loss).covered(level, alive) for tile in tiles) / len(tiles)


def _towers(config: Config) -> Iterable[Tower]:
    for asset in config.assets.values():
        place = config.sites[asset.site].place
        if asset.kind == "base_station" and place.latitude is not None and place.longitude is not None:
            yield Tower(station=asset.id, latitude=place.latitude, longitude=place.longitude, eirp_dbm=EIRP_DBM)


def _row(sample: Sample) -> tuple[object, ...]:
    return (
        datetime.fromtimestamp(sample.at_ns / 1e9, LOCAL).isoformat(sep=" ", timespec="seconds"),
        f"{sample.latitude:.6f}", f"{sample.longitude:.6f}", sample.terminal,
        sample.signal_dbm if sample.heard else "NoService", sample.station,
        "serving" if sample.serving else "neighbour",
    )  # fmt: skip
