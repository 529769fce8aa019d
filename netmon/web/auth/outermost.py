"""Around everything: whose word is taken for the client's address, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from netmon.web.auth.access import Access

__all__ = ["Outermost"]

HSTS: Final = "max-age=31536000"


class Outermost:
    """Adds headers to every answer, those of errors included; believes X-Forwarded headers of trusted proxies only.

    Args:
        headers: netmon's own; the web configuration may replace or blank them.
    """

    def __init__(self, app: ASGIApp, access: Access, headers: Mapping[str, str]) -> None:
        self._app = app
        self._access = access
        self._headers = headers
        self._proxied: tuple[tuple[str, ...], ASGIApp] = ((), self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        trusted = self._access.config.trusted_proxies
        if trusted != self._proxied[0]:
            proxied: ASGIApp = ProxyHeadersMiddleware(self._answer, trusted_hosts=list(trusted))  # type: ignore[assignment, arg-type] # uvicorn has its own names for the same ASGI types
            self._proxied = (trusted, proxied if trusted else self._answer)
        await self._proxied[1](scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._of(scope).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _of(self, scope: Scope) -> dict[str, str]:
        hsts = {"Strict-Transport-Security": HSTS} if scope["scheme"] == "https" else {}
        headers = {**self._headers, **hsts, **self._access.config.headers}
        return {name: value for name, value in headers.items() if value}
