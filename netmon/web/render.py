"""Templates: one environment, one language a request, the same frame around every page."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from netmon import __version__
from netmon.i18n import LANGUAGES, _, current_language, use_language
from netmon.model import LOCAL
from netmon.web.auth.roles import Role
from netmon.web.auth.visit import visit_of
from netmon.web.language import preferred
from netmon.web.view import View
from netmon.words import printable

__all__ = ["LANGUAGE_COOKIE", "Renderer", "language_of"]

REFRESH_SECONDS: Final = 10
LANGUAGE_COOKIE: Final = "lang"
FRESH_SECONDS: Final = 1.0
COOKIE_SECONDS: Final = 400 * 86_400


def language_of(request: Request) -> str:
    """What the address asks for, or what was chosen before, or what the browser prefers."""
    wanted = request.query_params.get("lang", "")
    if wanted not in LANGUAGES:
        wanted = request.cookies.get(LANGUAGE_COOKIE, "")
    return preferred(wanted, request.headers.get("accept-language", ""))


class Renderer:
    """Makes pages.

    Args:
        notice: message id of a banner on every page, such as that this is a simulation.
    """

    def __init__(self, view: View, notice: str) -> None:
        self._view = view
        self._notice = notice
        self._shared: dict[tuple[str, str, str], tuple[float, Markup]] = {}
        self._sharing = asyncio.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="pages")
        # Device strings reach the pages: everything is escaped, whatever the template's name.
        self._environment = Environment(
            loader=PackageLoader("netmon.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._environment.globals["_"] = _

    async def shared(self, request: Request, template: str, content: Callable[[], dict[str, Any]]) -> Markup:
        """A piece of a page that is the same for everybody: made once a second for each language.

        Args:
            content: as of :meth:`page`.
        """
        language, root = language_of(request), request.scope.get("root_path", "")
        key = (template, language, root)
        async with self._sharing:
            made_at, made = self._shared.get(key, (-math.inf, Markup()))
            now = self._view.clock.monotonic()
            if now - made_at < FRESH_SECONDS:
                return made

            def gather() -> dict[str, Any]:
                use_language(language)
                return {"root": root, "language": language} | content()

            text = await self._render(template, copy_context(), gather)
            # Made by a template that escapes.
            made = Markup(text)  # noqa: S704
            self._shared[key] = (now, made)
            return made

    async def page(
        self, request: Request, template: str, content: Callable[[], dict[str, Any]], *, status: int = 200
    ) -> Response:
        """The page of a template.

        Args:
            content: makes what the template shows; called in the request's language.
        """
        language = language_of(request)

        def gather() -> dict[str, Any]:
            use_language(language)
            return self._frame(request) | content()

        text = await self._render(template, copy_context(), gather)
        response = HTMLResponse(text, status_code=status)
        response.headers["Content-Language"] = language
        response.headers["Vary"] = "Accept-Language, Cookie"
        if request.query_params.get("lang", "") in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, language, max_age=COOKIE_SECONDS, path="/", samesite="lax", httponly=True,
                secure=request.scope["scheme"] == "https",
            )  # fmt: skip
        return response

    async def _render(self, template: str, context: Context, gather: Callable[[], dict[str, Any]]) -> str:
        """In a context of its own: the language is this request's."""
        shown = context.run(gather)
        # Most of the time goes into the template: in a thread, so that many viewers do not hold up the probes.
        render = partial(self._environment.get_template(template).render, shown)
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, render)

    def _frame(self, request: Request) -> dict[str, Any]:
        visit = visit_of(request)
        now = datetime.fromtimestamp(self._view.clock.wall_ns() / 1e9, LOCAL)
        kept = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
        return {
            "root": request.scope.get("root_path", ""),
            "language": current_language(),
            "language_links": {code: urlencode([*kept, ("lang", code)]) for code in LANGUAGES},
            "organisation": printable(self._view.config.organisation.in_language(current_language())),
            "refresh_seconds": REFRESH_SECONDS,
            "banners": self._banners(),
            "now": now.strftime("%Y-%m-%d %H:%M:%S"),
            "zone": _("Beijing time"),
            "version": __version__,
            "user": visit.name,
            "sees_audit": visit.may(Role.ADMIN),
            "csrf_token": visit.csrf_token,
            "query": "",
            "here": "",
            "wall": "wall" in request.query_params,
        }

    def _banners(self) -> list[dict[str, str]]:
        view = self._view
        banners = []
        if emergency := view.upkeep.emergency:
            text = _("An emergency is declared: no test that loads a link is run.")
            banners.append({"kind": "down", "text": f"{text} {printable(emergency.reason)}"})
        if reason := view.not_ready():
            banners.append(
                {"kind": "down", "text": _("netmon does not work as it should: {reason}").format(reason=reason)}
            )
        if view.config_fault:
            text = _("The inventory on disk has mistakes; the one before is in force:")
            banners.append({"kind": "degraded", "text": f"{text}\n{view.config_fault}"})
        if self._notice:
            banners.append({"kind": "note", "text": _(self._notice)})
        elif view.config.sample:
            banners.append({"kind": "note", "text": _("SAMPLE: no real network")})
        return banners
