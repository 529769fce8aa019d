"""Logging in and out, and the pages that say why something was refused."""

from __future__ import annotations

import math
from contextvars import copy_context
from http import HTTPStatus
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from netmon.i18n import _, _n, current_language, use_language
from netmon.web.auth.access import Access, WaitError
from netmon.web.auth.guard import RefusedError
from netmon.web.auth.requests import path_within
from netmon.web.auth.sessions import LIFETIMES
from netmon.web.auth.visit import Visit, cookie_name, visit_of
from netmon.web.language import preferred

__all__ = ["AuthPages", "error_page"]

TITLES: Final = {
    401: _n("Log-in needed"),
    403: _n("Not allowed"),
    404: _n("Not found"),
    405: _n("Not possible here"),
    408: _n("Too slow"),
    413: _n("Too large"),
    421: _n("Wrong address"),
    429: _n("Too many attempts"),
}
TEXTS: Final = {
    401: _n("Name or password is wrong, or missing."),
    404: _n("There is no such page."),
    429: _n("Try again in {seconds} s."),
}

_template = Environment(
    loader=PackageLoader("netmon.web.auth", "."), autoescape=True, undefined=StrictUndefined
).get_template("plain.html")


def error_page(request: Request, error: RefusedError | HTTPException) -> Response:
    """A refusal as a page for a browser and as a line for a program, in the reader's language."""
    status = int(error.status if isinstance(error, RefusedError) else error.status_code)
    headers = dict(error.headers or {})
    if status == HTTPStatus.SEE_OTHER:
        return Response(status_code=status, headers=headers)
    reason = error.reason if isinstance(error, RefusedError) else ""
    return _in_language(request, status, headers, reason or TEXTS.get(status, ""), TITLES.get(status, ""))


def _in_language(
    request: Request, status: int, headers: dict[str, str], text: str, title: str, login: dict[str, str] | None = None
) -> Response:
    language = preferred(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))

    def render() -> Response:
        use_language(language)
        words = _(title) or HTTPStatus(status).phrase
        sentence = _(text).format(seconds=headers.get("Retry-After", "1"))
        if login is None and "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(f"{words}. {sentence}".strip() + "\n", status_code=status, headers=headers)
        fields: dict[str, Any] = {"name_word": _("user name"), "password_word": _("password"), **(login or {})}
        page = _template.render(
            language=current_language(),
            title=words,
            text=sentence,
            root=request.scope.get("root_path", ""),
            login=fields if login is not None else None,
            home_word=_("to the first page"),
        )
        return HTMLResponse(page, status_code=status, headers=headers)

    response = copy_context().run(render)
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept, Accept-Language"
    return response


class AuthPages:
    """``/login`` and ``/logout``."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def form(self, request: Request) -> Response:
        """The log-in form; where nobody can log in, the first page."""
        if not self._access.config.users:
            return _go(request, "/")
        return self._form(request, 200, request.query_params.get("next", "/"), "")

    async def log_in(self, request: Request) -> Response:
        """Begin a session."""
        visit = visit_of(request)
        name, password = visit.form.get("name", ""), visit.form.get("password", "")
        wanted = visit.form.get("next", "/")
        try:
            user = await self._access.log_in(visit.source, name, password)
        except WaitError as error:
            headers = {"Retry-After": str(math.ceil(error.seconds))}
            return self._form(request, 429, wanted, name, headers)
        if user is None:
            self._access.failed(visit.source, name, "form")
            return self._form(request, 401, wanted, name, {"WWW-Authenticate": 'Form realm="netmon"'})
        # Whatever session the browser had is over: nobody goes on with one that another person knows.
        self._access.sessions.end(request.cookies.get(cookie_name(request.scope), ""))
        token = self._access.sessions.begin(user)
        self._access.note(Visit(user=user, source=visit.source), "log in", "form", "done")
        response = _go(request, path_within(wanted))
        _idle, absolute = LIFETIMES[user.role]
        self._set_cookie(request, response, token, int(absolute))
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        visit = visit_of(request)
        self._access.sessions.end(request.cookies.get(cookie_name(request.scope), ""))
        self._access.note(visit, "log out", "", "done")
        response = _go(request, "/login")
        self._set_cookie(request, response, "", 0)
        return response

    def _form(
        self, request: Request, status: int, wanted: str, name: str, headers: dict[str, str] | None = None
    ) -> Response:
        login = {"next": path_within(wanted), "name": name}
        text = TEXTS[status] if status != HTTPStatus.OK else ""
        return _in_language(request, status, headers or {}, text, _n("Log in"), login)

    def _set_cookie(self, request: Request, response: Response, token: str, seconds: int) -> None:
        # Lax and not strict: a link in a mail shall show the page to somebody who is logged in. Nothing that changes
        # anything is a GET.
        response.set_cookie(
            cookie_name(request.scope), token, max_age=seconds, path="/", secure=request.scope["scheme"] == "https",
            httponly=True, samesite="lax",
        )  # fmt: skip


def _go(request: Request, path: str) -> Response:
    return RedirectResponse(request.scope.get("root_path", "") + path, status_code=303)
