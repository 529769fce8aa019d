"""The ASGI application: pages, metrics, and the few actions. No parameter names a host to probe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from netmon.config import ConfigError
from netmon.web.alerts import AlertPages
from netmon.web.api import Api
from netmon.web.audit import AuditPage
from netmon.web.auth.access import Access
from netmon.web.auth.guard import Guard
from netmon.web.auth.outermost import Outermost
from netmon.web.auth.pages import AuthPages, error_page
from netmon.web.auth.visit import visit_of
from netmon.web.coverage import CoveragePages
from netmon.web.evidence import EvidencePages
from netmon.web.needs import NEEDS
from netmon.web.pages import Pages
from netmon.web.probing import Probing
from netmon.web.render import Renderer
from netmon.web.reports import ReportPages
from netmon.web.stations import StationsPage
from netmon.web.targets import TargetsPage
from netmon.web.upkeep import UpkeepPages
from netmon.web.view import View

__all__ = ["create_app"]

EXPOSITION_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
STATIC: Final = {"style.css": "text/css", "board.js": "text/javascript"}
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    # Not no-referrer: a browser then says "null" for the origin of our own forms, which is what a foreign one has.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def create_app(view: View, *, notice: str = "", access: Access | None = None) -> ASGIApp:
    """The application. What a request needs is in :data:`netmon.web.needs.NEEDS`.

    Args:
        notice: message id of a banner on every page, such as that this is a simulation.
        access: who gets in; without it everybody may look, under any host name: for tests.
    """
    door = access or Access(any_host=True)
    pages, auth = _Pages(view, door), AuthPages(door)
    renderer = Renderer(view, notice)
    board, upkeep, probing = Pages(view, renderer), UpkeepPages(view, renderer, door), Probing(view, door)
    stations = StationsPage(view, renderer, door)
    evidence, alerts = EvidencePages(view, renderer, door), AlertPages(view, renderer, door)
    reports = ReportPages(view, renderer, door)
    coverage = CoveragePages(view, renderer)
    routes = [
        Route("/", board.county),
        Route("/sites/{site}", board.site),
        Route("/checks/{check:path}", board.check),
        Route("/events", board.events),
        Route("/search", board.search),
        Route("/targets", TargetsPage(view, renderer).show),
        Route("/stations", stations.show),
        Route("/stations/roll-call", stations.call_roll, methods=["POST"]),
        Route("/coverage", coverage.show),
        Route("/coverage/areas/{area}", coverage.area),
        Route("/coverage/tiles/{tile}", coverage.tile),
        Route("/alerts", alerts.show),
        Route("/alerts/acknowledge", alerts.acknowledge, methods=["POST"]),
        Route("/alerts/{alert}", alerts.one),
        Route("/silences", alerts.silence, methods=["POST"]),
        Route("/silences/end", alerts.end_silence, methods=["POST"]),
        Route("/evidence", evidence.show),
        Route("/evidence", evidence.add, methods=["POST"]),
        Route("/evidence/withdraw", evidence.take_back, methods=["POST"]),
        Route("/reports", reports.show),
        Route("/reports", reports.order, methods=["POST"]),
        Route("/reports/{report}", reports.one),
        Route("/reports/{report}/{file}", reports.file),
        Route("/handover", reports.handover),
        Route("/maintenance", upkeep.show),
        Route("/maintenance", upkeep.announce, methods=["POST"]),
        Route("/maintenance/end", upkeep.end_window, methods=["POST"]),
        Route("/emergency", upkeep.declare, methods=["POST"]),
        Route("/emergency/end", upkeep.end_emergency, methods=["POST"]),
        Route("/probe", probing.run),
        *Api(view).routes(),
        Route("/static/{file}", pages.static),
        Route("/metrics", pages.metrics),
        Route("/-/healthy", pages.healthy),
        Route("/-/ready", pages.ready),
        Route("/-/reload", pages.reload, methods=["POST"]),
        Route("/login", auth.form),
        Route("/login", auth.log_in, methods=["POST"]),
        Route("/logout", auth.log_out, methods=["POST"]),
        Route("/audit", AuditPage(renderer, door).show),
    ]
    inner = Starlette(routes=routes, exception_handlers={HTTPException: _refuse})
    return Outermost(Guard(inner, routes, NEEDS, door, error_page), door, HEADERS)


def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return error_page(request, error)


class _Pages:
    def __init__(self, view: View, access: Access) -> None:
        self._view = view
        self._access = access
        folder = files("netmon.web") / "static"
        self._files = {name: (folder / name).read_text(encoding="utf-8") for name in STATIC}

    async def static(self, request: Request) -> Response:
        name = request.path_params["file"]
        if name not in STATIC:
            raise HTTPException(404)
        return Response(self._files[name], media_type=STATIC[name])

    async def metrics(self, _request: Request) -> Response:
        return StreamingResponse(self._exposition(), media_type=EXPOSITION_TYPE)

    async def healthy(self, _request: Request) -> Response:
        return PlainTextResponse("netmon is alive.\n")

    async def ready(self, _request: Request) -> Response:
        reason = self._view.not_ready()
        if reason:
            return PlainTextResponse(f"netmon is not ready: {reason}\n", status_code=503)
        return PlainTextResponse("netmon is ready.\n")

    async def reload(self, request: Request) -> Response:
        try:
            await self._view.reload()
        except ConfigError as error:
            self._access.note(visit_of(request), "reload", "inventory", "refused")
            return PlainTextResponse(f"netmon goes on with the inventory before:\n{error}\n", status_code=422)
        self._access.note(visit_of(request), "reload", "inventory", "done")
        return PlainTextResponse("netmon has reloaded its inventory.\n")

    async def _exposition(self) -> AsyncIterator[bytes]:
        # What hangs on what takes its time in a large county: probes go on meanwhile.
        effective = await asyncio.to_thread(self._view.effective)
        for chunk in self._view.exposition(effective):
            yield chunk
            # Probes go on between two chunks.
            await asyncio.sleep(0)
