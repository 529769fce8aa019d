"""The HTTP server as a task among the others of this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator, Sequence

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["serve"]

GRACE_SECONDS = 3
HEAD_SECONDS = 15.0


class _Impatient(H11Protocol):
    """Closes a connection on which no whole request head arrives in time: few of them would take all places."""

    _head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A client has come."""
        super().connection_made(transport)
        self._head_due = self.loop.call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """A client has sent something."""
        super().data_received(data)
        # Without a part of a head, uvicorn's own limit for idle connections counts.
        waiting = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not waiting:
            self._give_time()
        elif self._head_due is None:
            self._head_due = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """A client has gone."""
        self._give_time()
        super().connection_lost(exc)

    def _give_time(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None


class _Local(_Impatient):
    """On a Unix socket: the client's address is the number of its user, as the kernel says (unix(7), SO_PEERCRED)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A process of this machine has come."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        _pid, user, _group = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        self.client = (str(user), 0)


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
        sockets: all Unix sockets, or none.
        tls: speak TLS, and nothing but TLS.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        http=_Local if all(sock.family == socket.AF_UNIX for sock in sockets) else _Impatient,
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
