"""The HTTP server as a task among the others of this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

__all__ = ["serve"]

GRACE_SECONDS = 3


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the application, which has more to stop than this server."""
        yield


async def serve(
    app: ASGIApp, *, sockets: Sequence[socket.socket], stop: asyncio.Event, tls: ssl.SSLContext | None = None
) -> None:
    """Serve on sockets that are bound already, until ``stop`` is set or this task is cancelled.

    Requests under way get a few seconds to end. The sockets are closed.

    Args:
        tls: speak TLS, and nothing but TLS.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        lifespan="off",
        limit_concurrency=100,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        ssl_context_factory=(lambda _config, _default: tls) if tls is not None else None,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="none",
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=list(sockets)))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving
