"""TCP connections with timed phases, plain or with TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from probes.base import Failure, Family, MonitorFault, NetworkFailure
from probes.wire.failures import network
from probes.wire.tls import Certificate, TlsContexts, parse_certificate, unverified_context

__all__ = ["TcpConnection", "TcpWire", "open_socket"]

FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
CHUNK_BYTES = 16384

T = TypeVar("T")
SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


def open_socket(
    address: str, port: int, family: Family, kind: socket.SocketKind
) -> tuple[socket.socket, SocketAddress]:
    """A non-blocking socket and the address to connect it to; an IPv6 zone (``fe80::1%eth0``) is understood.

    Raises:
        MonitorFault: this machine has no such family, or ``address`` is no literal of it.
    """
    try:
        *_, sockaddr = socket.getaddrinfo(address, port, FAMILIES[family], kind, flags=socket.AI_NUMERICHOST)[0]
        sock = socket.socket(FAMILIES[family], kind)
    except socket.gaierror as error:
        raise MonitorFault(f"{address} is no {family} address that this machine can use: {error.strerror}") from error
    except OSError as error:
        raise MonitorFault(f"cannot open an {family} socket: {error.strerror}") from error
    sock.setblocking(False)
    return sock, sockaddr


class TcpConnection:
    """An open connection; a plain context manager, since closing never waits.

    Attributes:
        connect_seconds: from the SYN sent to the handshake completed.
        certificate: the server's, after the TLS handshake.
        address, port, family: the other end.
    """

    def __init__(self, sock: socket.socket, *, address: str, port: int, family: Family, connect_seconds: float) -> None:
        self.address = address
        self.port = port
        self.family = family
        self.connect_seconds = connect_seconds
        self.certificate: Certificate | None = None
        self._sock = sock
        self._peer = f"{address} port {port}"
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    async def handshake(self, context: ssl.SSLContext, server_name: str, *, timeout: float) -> float:
        """Do the TLS handshake with the given settings, and return its duration; see :meth:`TcpWire.start_tls`.

        Raises:
            NetworkFailure: TLS, RESET, TIMEOUT.
        """
        start = time.monotonic()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        async with network(f"TLS handshake with {self._peer}", timeout):
            await self._pump(self._tls.do_handshake)
        seconds = time.monotonic() - start
        self.certificate = parse_certificate(self._tls.getpeercert(binary_form=True) or b"")
        return seconds

    async def send(self, data: bytes, *, timeout: float) -> None:
        """Send all of ``data``.

        Raises:
            NetworkFailure: RESET, TIMEOUT.
        """
        async with network(f"sending to {self._peer}", timeout):
            if self._tls is None:
                await asyncio.get_running_loop().sock_sendall(self._sock, data)
            else:
                tls = self._tls
                await self._pump(lambda: tls.write(data))

    async def receive(self, *, timeout: float, limit: int = CHUNK_BYTES) -> bytes:
        """What came next, at most ``limit`` bytes; empty after an orderly end.

        Raises:
            NetworkFailure: RESET, TIMEOUT, TLS.
        """
        async with network(f"reply of {self._peer}", timeout):
            if self._tls is None:
                return await asyncio.get_running_loop().sock_recv(self._sock, limit)
            tls = self._tls
            try:
                return await self._pump(lambda: tls.read(limit))
            except ssl.SSLZeroReturnError:
                return b""

    async def _pump(self, operation: Callable[[], T]) -> T:
        """Run an operation of the TLS object, moving its records between it and the socket."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                await self._flush()
                # sock_recv does not wait while there is input: without this an endless stream of empty TLS records
                # would never let the deadline in.
                await asyncio.sleep(0)
                received = await loop.sock_recv(self._sock, CHUNK_BYTES)
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                # The alert tells the server's log why; a server that hung up meanwhile must not hide the reason.
                with suppress(OSError):
                    await self._flush()
                raise
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await asyncio.get_running_loop().sock_sendall(self._sock, self._outgoing.read())


class TcpWire:
    """Opens TCP connections. It keeps nothing but TLS settings, so there is nothing to close."""

    def __init__(self) -> None:
        self._contexts = TlsContexts()

    async def connect(self, address: str, port: int, *, family: Family, timeout: float) -> TcpConnection:
        """Connect to a literal address.

        Raises:
            NetworkFailure: TIMEOUT, REFUSED, RESET, NO_ROUTE, PROHIBITED.
            MonitorFault: this machine cannot use the family.
        """
        sock, sockaddr = open_socket(address, port, family, socket.SOCK_STREAM)
        start = time.monotonic()
        try:
            async with network(f"TCP connection to {address} port {port}", timeout):
                await asyncio.get_running_loop().sock_connect(sock, sockaddr)
        except BaseException:
            sock.close()
            raise
        return TcpConnection(sock, address=address, port=port, family=family, connect_seconds=time.monotonic() - start)

    async def start_tls(
        self, connection: TcpConnection, server_name: str, *, ca_file: Path | None, timeout: float
    ) -> float:
        """Do the TLS handshake, check the certificate against ``server_name``, which is also sent (SNI).

        Returns: the duration in seconds.


        ``connection.certificate`` is set also when the certificate is refused, where there is time to look at it.

        Raises:
            NetworkFailure: TLS with the reason, RESET, TIMEOUT.
            MonitorFault: ``ca_file`` cannot be used.
        """
        start = time.monotonic()
        try:
            return await connection.handshake(self._contexts.get(ca_file), server_name, timeout=timeout)
        except NetworkFailure as failure:
            if failure.failure is Failure.TLS:
                connection.certificate = await self.presented_certificate(
                    connection.address,
                    connection.port,
                    server_name,
                    family=connection.family,
                    timeout=timeout - (time.monotonic() - start),
                )
            raise

    async def presented_certificate(
        self, address: str, port: int, server_name: str, *, family: Family, timeout: float
    ) -> Certificate | None:
        """The certificate that a server presents, valid or not, or ``None`` if it cannot be had.

        For the report after a refused certificate: one more handshake, over which nothing is sent.
        """
        start = time.monotonic()
        try:
            with await self.connect(address, port, family=family, timeout=timeout) as connection:
                left = timeout - (time.monotonic() - start)
                await connection.handshake(unverified_context(), server_name, timeout=left)
                return connection.certificate
        except NetworkFailure:
            return None
