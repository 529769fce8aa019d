"""``/coverage``: what the last survey says of each township, and what of it is available now; tiles, samples."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from netmon.archive import ArchiveError, Box, Sample, SurveyFiles
from netmon.coverage.board import Now, station_works
from netmon.coverage.figures import Surveyed, TileState, planner, sole_service, tile_state
from netmon.coverage.tiles import bounds, centre
from netmon.coverage.words import area_name, available_words, basis, share_words, terminal_name
from netmon.i18n import _, _n
from netmon.web import board
from netmon.web.coverage_map import Border, Picture, draw_areas, draw_tiles, picture_of
from netmon.web.render import Renderer
from netmon.web.view import View
from netmon.words import moment, printable

__all__ = ["CoveragePages"]

STATE_WORDS: Final[Mapping[TileState, str]] = {
    TileState.AVAILABLE: _n("available now"),
    TileState.PERHAPS: _n("covered by the survey; whether it is now is not known"),
    TileState.LOST: _n("lost now: covered by the survey, and no station that may serve it works"),
    TileState.GAP: _n("not covered by the survey"),
    TileState.UNTESTED: _n("not tested"),
}
MOST_SAMPLES: Final = 500
AT_LEAST: Final = 0.9
"""The share that the plan asks for: what there is still to test is worked out for it."""
Drawn = tuple[
    Surveyed, tuple[bool | None, ...], Picture, list[Border], Mapping[TileState, list[tuple[int, str]]]
]  # fmt: skip
"""A survey and the states of its stations, and the picture that was drawn of them."""
LOOKS: Final = {True: "up", False: "down", None: "unknown"}


class CoveragePages:
    """Shows the last surveys beside the states of the stations."""

    def __init__(self, view: View, renderer: Renderer) -> None:
        self._view = view
        self._renderer = renderer
        self._drawn: dict[tuple[str, str], Drawn] = {}

    async def show(self, request: Request) -> Response:
        """All areas."""
        surveyed = self._chosen(request.query_params.get("terminal", ""))
        return await self._page(request, surveyed, "")

    async def area(self, request: Request) -> Response:
        """One area, its tiles one by one."""
        name = request.path_params["area"]
        surveyed = self._chosen(request.query_params.get("terminal", ""))
        if surveyed is None or not surveyed.definition.planned.get(name):
            raise HTTPException(404)
        return await self._page(request, surveyed, name)

    async def _page(self, request: Request, surveyed: Surveyed | None, area: str) -> Response:
        if surveyed is None:
            return await self._renderer.page(request, "coverage.html", lambda: self._frame(None))
        works = self._works()
        # Thousands of tiles: in a thread, so that probes do not wait for it.
        drawn = await asyncio.to_thread(self._draw, surveyed, works, area)
        content = partial(self._overview, surveyed, works, area, drawn)
        return await self._renderer.page(request, "coverage.html", content)

    async def tile(self, request: Request) -> Response:
        """One tile: every attempt in it."""
        surveyed = self._chosen(request.query_params.get("terminal", ""))
        try:
            number = int(request.path_params["tile"], 16)
        except ValueError:
            raise HTTPException(404) from None
        if surveyed is None or number not in surveyed.definition.tiles:
            raise HTTPException(404)
        samples, fault = await asyncio.to_thread(self._samples, surveyed, number)
        content = partial(self._tile, surveyed, number, samples, fault)
        return await self._renderer.page(request, "tile.html", content)

    def _chosen(self, terminal: str) -> Surveyed | None:
        surveys = self._view.coverage.surveys
        return surveys.get(terminal) or next(iter(surveys.values()), None)

    def _works(self) -> dict[str, bool | None]:
        return station_works(self._view.checks, self._view.effective())

    def _frame(self, surveyed: Surveyed | None) -> dict[str, Any]:
        return {
            "here": "coverage",
            "area": "",
            "fault": printable(self._view.coverage.fault),
            "there": surveyed is not None,
            "basis": "" if surveyed is None else printable(basis(surveyed)),
            "terminal": "" if surveyed is None else surveyed.terminal.id,
            "terminals": [
                {"id": each.terminal.id, "name": printable(terminal_name(each.terminal)), "current": each is surveyed}
                for each in self._view.coverage.surveys.values()
            ],
        }

    def _overview(
        self, surveyed: Surveyed, works: Mapping[str, bool | None], area: str, drawn: Drawn
    ) -> dict[str, Any]:
        rows = [now for now in self._view.coverage.now(works) if now.surveyed is surveyed]
        tiles = surveyed.definition.area_of if not area else surveyed.definition.planned[area]
        counts = Counter(tile_state(surveyed.tiles.get(tile), works) for tile in tiles)
        more = {plan.figures.area: plan.more for plan in planner(surveyed, at_least=AT_LEAST)}
        return self._frame(surveyed) | {
            "area": area,
            "area_name": printable(area_name(surveyed, area)),
            "map": self._map(surveyed, works, drawn),
            "legend": [
                {"state": state.value, "word": _(word), "count": counts[state]} for state, word in STATE_WORDS.items()
            ],
            "rows": [self._row(now, more.get(now.area)) for now in rows if area in ("", now.area)],
            "confidence": f"{surveyed.definition.confidence:.0%}",
            "stations": [] if area else self._stations(surveyed, works),
            "spots": self._spots(surveyed) if not area else [],
        }

    def _row(self, now: Now, more: int | None) -> dict[str, Any]:
        figures, confidence = now.figures, now.surveyed.definition.confidence
        at_best = figures.available(dict.fromkeys(now.surveyed.stations, True))
        lost, unsure = now.available.high < at_best.high, now.available.low < at_best.low
        return {
            "id": now.area,
            "name": printable(area_name(now.surveyed, now.area)),
            "surveyed": share_words(figures.covered, figures.planned),
            "tiles": _("{covered} of {planned}, {untested} not tested").format(
                covered=figures.covered, planned=figures.planned, untested=figures.planned - figures.tested
            ),
            "proven": share_words(figures.lower_bound(confidence) or 0.0, 1),
            "wilson": share_words(figures.wilson_bound(confidence) or 0.0, 1),
            "available": available_words(figures, now.available),
            "look": "down" if lost else "degraded" if unsure else "up",
            "more": "" if not now.area else _("cannot be proven") if more is None else str(more),
        }

    def _stations(self, surveyed: Surveyed, works: Mapping[str, bool | None]) -> list[dict[str, Any]]:
        words = {True: _("works"), False: _("down"), None: _("not known")}
        config = self._view.config
        found = []
        for sole in sole_service(surveyed):
            asset = config.assets.get(sole.station)
            least, most = str(sole.least), str(sole.most)
            found.append({
                "name": sole.station if asset is None else board.asset_name(config, asset),
                "look": LOOKS[works.get(sole.station)],
                "word": words[works.get(sole.station)],
                "tiles": least if least == most else _("{low} to {high}").format(low=least, high=most),
            })  # fmt: skip
        return found

    @staticmethod
    def _spots(surveyed: Surveyed) -> list[dict[str, str]]:
        words = {True: _("covered"), False: _("not covered"), None: _("not tested")}
        names = {spot.id: spot for spot in surveyed.definition.spots}
        return [
            {"name": board.name_of(names[name].name, name), "look": LOOKS[covered], "word": words[covered]}
            for name, covered in surveyed.spots().items()
        ]

    def _draw(self, surveyed: Surveyed, works: Mapping[str, bool | None], area: str) -> Drawn:
        states = tuple(works.get(station) for station in surveyed.stations)
        key = surveyed.terminal.id, area
        kept = self._drawn.get(key)
        if kept is None or kept[0] is not surveyed or kept[1] != states:
            areas = [each for each in surveyed.definition.areas if area in ("", each.id)]
            tiles = surveyed.definition.planned[area] if area else tuple(surveyed.definition.area_of)
            picture = picture_of(areas, tiles)
            layers = draw_tiles(picture, surveyed, tiles, works, single=bool(area))
            kept = self._drawn[key] = (surveyed, states, picture, draw_areas(picture, areas), layers)
        return kept

    def _map(self, surveyed: Surveyed, works: Mapping[str, bool | None], drawn: Drawn) -> dict[str, Any]:
        _surveyed, _states, picture, borders, layers = drawn
        return {
            "width": picture.width,
            "height": picture.height,
            "borders": [
                {"area": each.area, "path": each.path, "x": each.x, "y": each.y, "roomy": each.roomy,
                 "name": printable(area_name(surveyed, each.area))}
                for each in borders
            ],
            "tiles": [
                {"state": state.value, "word": _(STATE_WORDS[state]), "paths": [
                    {"tile": f"{tile:x}" if tile else "", "path": path} for tile, path in paths
                ]}
                for state, paths in layers.items()
            ],
            "stations": self._markers(picture, works),
        }  # fmt: skip

    def _markers(self, picture: Picture, works: Mapping[str, bool | None]) -> list[dict[str, Any]]:
        config = self._view.config
        sites: dict[str, list[bool | None]] = {}
        for asset in config.assets.values():
            if asset.kind == "base_station":
                sites.setdefault(asset.site, []).append(works.get(asset.id))
        found = []
        for name, states in sites.items():
            site = config.sites[name]
            place = site.place
            if place.latitude is None or place.longitude is None:
                continue
            x, y = picture.at(place.latitude, place.longitude)
            if 0 <= x <= picture.width and 0 <= y <= picture.height:
                works_now = False if False in states else None if None in states else True
                found.append({"x": x, "y": y, "look": LOOKS[works_now], "name": board.name_of(site.name, site.id)})
        return found

    def _samples(self, surveyed: Surveyed, number: int) -> tuple[list[Sample], str]:
        files = SurveyFiles(self._view.folder)
        box, tile_level = Box(*bounds(number)), surveyed.definition
        found: list[Sample] = []
        try:
            for file in files.files():
                if file.survey == surveyed.survey:
                    found += [
                        sample
                        for sample in files.samples(file, box)
                        if sample.terminal == surveyed.terminal.id
                        and tile_level.tile_at(sample.latitude, sample.longitude) == number
                    ]
        except ArchiveError as error:
            return [], str(error)
        return found, ""

    def _tile(self, surveyed: Surveyed, number: int, samples: list[Sample], fault: str) -> dict[str, Any]:
        tile, works = surveyed.tiles.get(number), self._works()
        state = tile_state(tile, works)
        latitude, longitude = centre(number)
        config = self._view.config

        def station(name: str) -> str:
            asset = config.assets.get(name)
            return printable(name) if asset is None else board.asset_name(config, asset)

        area = surveyed.definition.tiles[number]
        return self._frame(surveyed) | {
            "area": area,
            "area_name": printable(area_name(surveyed, area)),
            "tile": f"{number:x}",
            "place": f"{latitude:.5f}, {longitude:.5f}",
            "planned": number in surveyed.definition.area_of,
            "state": state.value,
            "word": _(STATE_WORDS[state]),
            "attempts": 0 if tile is None else tile.attempts,
            "median": "-" if tile is None or tile.median_dbm is None else f"{tile.median_dbm:.1f} dBm",
            "certain": [] if tile is None else [station(name) for name in sorted(tile.certain)],
            "possible": [] if tile is None else [station(name) for name in sorted(tile.possible - tile.certain)],
            "samples": [
                {
                    "moment": moment(sample.at_ns),
                    "signal": _("nothing heard") if not sample.heard else "-" if sample.signal_dbm is None
                    else f"{sample.signal_dbm:.1f} dBm",
                    "ber": "" if sample.ber_ratio is None else f"{sample.ber_ratio * 100:.2g} %",
                    "quality": "" if sample.quality is None else f"{sample.quality:g}",
                    "station": station(sample.station) if sample.station else "",
                    "role": _("serving") if sample.serving else _("also heard"),
                }
                for sample in sorted(samples, key=lambda each: each.at_ns)[:MOST_SAMPLES]
            ],
            "more": max(0, len(samples) - MOST_SAMPLES),
            "samples_fault": printable(fault),
        }  # fmt: skip
