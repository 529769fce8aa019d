"""The ASGI application: pages, metrics, and the few actions. No parameter names a host to probe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextvars import copy_context
from importlib.resources import files
from typing import Final, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from netmon import __version__
from netmon.config import ConfigError
from netmon.i18n import _, current_language, use_language
from netmon.model import Asset, Check, Observation, Site
from netmon.runner import Clock
from netmon.web.auth.access import Access
from netmon.web.auth.audit import AuditPage
from netmon.web.auth.guard import Guard
from netmon.web.auth.outermost import Outermost
from netmon.web.auth.pages import AuthPages, error_page
from netmon.web.auth.visit import visit_of
from netmon.web.language import preferred
from netmon.web.needs import NEEDS
from netmon.web.table import rows

__all__ = ["Inventory", "View", "create_app"]

EXPOSITION_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
REFRESH_SECONDS: Final = 10
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Inventory(Protocol):
    """What the page needs of a configuration."""

    @property
    def sample(self) -> bool:
        """It describes no real network."""

    @property
    def sites(self) -> Mapping[str, Site]:
        """By id."""

    @property
    def assets(self) -> Mapping[str, Asset]:
        """By id."""


class View(Protocol):
    """What the pages show of a running netmon; asked anew at each request, so a reload needs no new application."""

    @property
    def config(self) -> Inventory:
        """The inventory in force."""

    @property
    def checks(self) -> Iterable[Check]:
        """The checks that this process runs."""

    @property
    def latest(self) -> Mapping[str, Observation]:
        """The last durable observation by check."""

    @property
    def clock(self) -> Clock:
        """The application's clocks."""

    def exposition(self) -> Iterator[bytes]:
        """All metrics as text, in chunks."""

    def not_ready(self) -> str:
        """Why netmon does not do its work (yet), in one sentence; empty when it does."""

    async def reload(self) -> None:
        """Read the inventory again; raises ConfigError and keeps the one before if it has mistakes."""


def create_app(view: View, *, notice: str = "", access: Access | None = None) -> ASGIApp:
    """The application. What a request needs is in :data:`netmon.web.needs.NEEDS`.

    Args:
        notice: message id of a line above the table, such as that this is a simulation.
        access: who gets in; without it everybody may look, under any host name: for tests.
    """
    door = access or Access(any_host=True)
    pages, auth = _Pages(view, notice, door), AuthPages(door)
    routes = [
        Route("/", pages.table),
        Route("/style.css", pages.style),
        Route("/metrics", pages.metrics),
        Route("/-/healthy", pages.healthy),
        Route("/-/ready", pages.ready),
        Route("/-/reload", pages.reload, methods=["POST"]),
        Route("/login", auth.form),
        Route("/login", auth.log_in, methods=["POST"]),
        Route("/logout", auth.log_out, methods=["POST"]),
        Route("/audit", AuditPage(door).show),
    ]
    inner = Starlette(routes=routes, exception_handlers={HTTPException: _refuse})
    return Outermost(Guard(inner, routes, NEEDS, door, error_page), door, HEADERS)


def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return error_page(request, error)


class _Pages:
    def __init__(self, view: View, notice: str, access: Access) -> None:
        self._view = view
        self._notice = notice
        self._access = access
        # Device strings reach the page: everything is escaped, whatever the template's name.
        templates = Environment(loader=PackageLoader("netmon.web", "."), autoescape=True, undefined=StrictUndefined)
        self._template = templates.get_template("table.html")
        self._style = files("netmon.web").joinpath("style.css").read_text(encoding="utf-8")

    async def table(self, request: Request) -> Response:
        language = preferred(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))
        # A context of its own: the language is this request's.
        text = copy_context().run(self._table, language)
        return HTMLResponse(text, headers={"Content-Language": language, "Vary": "Accept-Language"})

    async def style(self, _request: Request) -> Response:
        return Response(self._style, media_type="text/css")

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

    def _table(self, language: str) -> str:
        use_language(language)
        view = self._view
        return self._template.render(
            language=current_language(),
            notice=_(self._notice) or (_("SAMPLE: no real network") if view.config.sample else ""),
            refresh_seconds=REFRESH_SECONDS,
            sites=rows(view.config.sites, view.config.assets, view.checks, view.latest, view.clock.wall_ns()),
            version=__version__,
            # Here and not in the template: the catalogues are made from Python.
            words={
                "metrics": _("metrics"),
                "readiness": _("readiness"),
                "equipment": _("equipment"),
                "check": _("check"),
                "status": _("status"),
                "last_run": _("last run"),
                "why": _("why"),
                "no_checks": _("no checks"),
            },
        )

    async def _exposition(self) -> AsyncIterator[bytes]:
        for chunk in self._view.exposition():
            yield chunk
            # Probes go on between two chunks.
            await asyncio.sleep(0)
