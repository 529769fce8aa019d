"""Stands before every page: who asks, may they, and was it their own page that asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netmon.i18n import _n
from netmon.web.auth.access import Access, WaitError
from netmon.web.auth.requests import is_local, made_elsewhere, parse_basic, parse_form
from netmon.web.auth.roles import ANYONE, Role
from netmon.web.auth.visit import CSRF_FIELD, Visit, cookie_name

__all__ = ["OPEN", "Guard", "Need", "RefusedError", "missing_needs"]

OPEN: Final = "open"
"""Everybody may, without logging in."""

Need = Role | str
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
MAX_BODY_BYTES: Final = 64 * 1024
BODY_SECONDS: Final = 10.0
BASIC_CHALLENGE: Final = 'Basic realm="netmon", charset="UTF-8"'
# No browser knows this scheme, so none asks for a password in a window of its own.
FORM_CHALLENGE: Final = 'Form realm="netmon"'


class RefusedError(Exception):
    """The request goes no further.

    Attributes:
        reason: message id of a sentence for the person who asked.
    """

    def __init__(self, status: HTTPStatus, reason: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})


def missing_needs(routes: Sequence[BaseRoute], needs: Mapping[str, Need]) -> list[str]:
    """The routes that do not say what they need, as ``METHOD path``; a mount would hide its routes, so it is one."""
    missing = []
    for route in routes:
        if not isinstance(route, Route):
            missing.append(repr(route))
            continue
        missing += [key for method in _methods(route) if (key := f"{method} {route.path}") not in needs]
    return missing


def _methods(route: Route) -> set[str]:
    return (route.methods or set()) - {"HEAD"}


class Guard:
    """Lets through what the table of needs allows; whatever is not in it needs a viewer and meets the router's 404.

    Args:
        needs: by ``METHOD path`` (HEAD counts as GET): a role, or :data:`OPEN`.
        refuse: makes the page for a refusal.

    Raises:
        ValueError: a route is not in ``needs``.
    """

    def __init__(
        self,
        app: ASGIApp,
        routes: Sequence[BaseRoute],
        needs: Mapping[str, Need],
        access: Access,
        refuse: Callable[[Request, RefusedError], Response],
    ) -> None:
        if missing := missing_needs(routes, needs):
            raise ValueError(f"these routes do not say what they need: {', '.join(missing)}")
        self._app = app
        self._routes = routes
        self._needs = needs
        self._access = access
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            visit, receive = await self._admit(request)
        except RefusedError as refused:
            await self._refuse(request, refused)(scope, receive, send)
            return
        visit.attach(scope)
        await self._app(scope, receive, send)

    async def _admit(self, request: Request) -> tuple[Visit, Receive]:
        if not self._access.has_room():
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "1"})
        need, matched = self._need(request.scope)
        visit = Visit(user=None, source=_source(request))
        if need != OPEN:
            visit = await self._identify(request, visit)
            if visit.user is None:
                raise self._ask_to_log_in(request)
            if not visit.may(Role(need)):
                if visit.name:
                    self._access.note(visit, "not allowed", f"{request.method} {request.url.path}", "refused")
                raise RefusedError(HTTPStatus.FORBIDDEN, _n("Your role does not allow this."))
        if request.method in SAFE_METHODS or not matched:
            return visit, request.receive
        return await self._admit_change(request, visit, need)

    async def _admit_change(self, request: Request, visit: Visit, need: Need) -> tuple[Visit, Receive]:
        if made_elsewhere(request.headers, request.scope["scheme"]):
            raise RefusedError(HTTPStatus.FORBIDDEN, _n("Another site's page has sent this request."))
        if visit.user is ANYONE:
            raise RefusedError(HTTPStatus.FORBIDDEN, _n("Without users nobody can act here: see --web-config."))
        body = await self._body(request)
        form = parse_form(request.headers.get("content-type", ""), body)
        if visit.csrf_token:
            given = request.headers.get("x-csrf-token") or form.get(CSRF_FIELD, "")
            found = self._access.sessions.find(request.cookies[cookie_name(request.scope)], self._access.config.users)
            if found is None or not found[1].has_token(given):
                raise RefusedError(HTTPStatus.FORBIDDEN, _n("The form is too old: load the page again."))
        elif need != OPEN and "cookie" in request.headers and "x-netmon-request" not in request.headers:
            # A browser adds a remembered password by itself; a page elsewhere cannot add this header.
            raise RefusedError(HTTPStatus.FORBIDDEN, _n("The header X-Netmon-Request is missing."))
        visit = Visit(user=visit.user, source=visit.source, csrf_token=visit.csrf_token, form=form)
        return visit, _replay(body, request.receive)

    def _need(self, scope: Scope) -> tuple[Need, bool]:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        for route in self._routes:
            if isinstance(route, Route) and route.matches(scope)[0] == Match.FULL:
                return self._needs[f"{method} {route.path}"], True
        return Role.VIEWER, False

    async def _identify(self, request: Request, visit: Visit) -> Visit:
        config = self._access.config
        if not config.users:
            if not (config.protected or self._access.any_host or is_local(request.headers.get("host", ""))):
                # A page elsewhere whose name was made to point here (DNS rebinding) sends its own name.
                raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, _n("This address is not one of this server."))
            return Visit(user=ANYONE, source=visit.source)
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return await self._by_password(request, authorization, visit)
        token = request.cookies.get(cookie_name(request.scope), "")
        found = self._access.sessions.find(token, config.users, seen="x-netmon-refresh" not in request.headers)
        if found is None:
            return visit
        user, session = found
        return Visit(user=user, source=visit.source, csrf_token=session.csrf_token)

    async def _by_password(self, request: Request, authorization: str, visit: Visit) -> Visit:
        given = parse_basic(authorization)
        if given is None:
            raise self._ask_to_log_in(request)
        try:
            user = await self._access.basic(visit.source, *given)
        except WaitError as error:
            headers = {"Retry-After": str(math.ceil(error.seconds))}
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, headers=headers) from None
        if user is None:
            raise self._ask_to_log_in(request)
        return Visit(user=user, source=visit.source)

    def _ask_to_log_in(self, request: Request) -> RefusedError:
        if "authorization" not in request.headers:
            if request.method in SAFE_METHODS and "text/html" in request.headers.get("accept", ""):
                here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                root = request.scope.get("root_path", "")
                return RefusedError(
                    HTTPStatus.SEE_OTHER, headers={"Location": f"{root}/login?next={quote(here, safe='/')}"}
                )
            if "sec-fetch-mode" in request.headers:
                return RefusedError(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": FORM_CHALLENGE})
        return RefusedError(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": BASIC_CHALLENGE})

    async def _body(self, request: Request) -> bytes:
        too_large = RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise too_large
        except TimeoutError:
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT) from None
        return bytes(body)


def _source(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _replay(body: bytes, rest: Receive) -> Receive:
    """A ``receive`` that gives the body, which was read already, and then what comes after it."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return await rest()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
