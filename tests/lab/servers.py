"""Small real servers on loopback that answer, stall, break off and send rubbish, over TCP, TLS, HTTP and DNS."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import trustme

from probes.base import Endpoint, Failure, Family, NetworkFailure
from probes.wire import Wires
from probes.wire.dns import DnsWire
from probes.wire.http import HttpWire
from probes.wire.names import Names
from probes.wire.tcp import TcpWire

__all__ = [
    "LOOPBACK",
    "DnsServer",
    "FakeNames",
    "HttpServer",
    "Tls",
    "break_off",
    "dns_server",
    "drip",
    "full_backlog",
    "host",
    "http_server",
    "say",
    "service_wires",
    "stall",
    "tcp_server",
    "unused_port",
    "zone",
]

LOOPBACK = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def tcp_server(
    serve: Serve, *, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port of a server that runs ``serve`` for each connection, and closes the connection after it."""
    running: set[asyncio.Task[None]] = set()
    over = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        running.add(task)
        try:
            # A connection may be accepted just before the end, and handled after it.
            if not over.is_set():
                await serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            running.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    # A test breaks connections on purpose; what asyncio says about a handshake that failed is not the test's concern.
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    server = await asyncio.start_server(handle, address, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()
        loop.set_exception_handler(None)


def say(data: bytes, *, after: bytes = b"") -> Serve:
    """Wait for ``after``, then send ``data``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after:
            await reader.readuntil(after)
        writer.write(data)
        await writer.drain()

    return serve


def drip(data: bytes, *, gap_seconds: float, after: bytes = b"") -> Serve:
    """Send ``data`` byte by byte."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after:
            await reader.readuntil(after)
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(gap_seconds)

    return serve


async def stall(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept, and never say anything."""
    await asyncio.Event().wait()


async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wait for the first byte, then reset the connection."""
    await reader.read(1)
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def full_backlog(address: str = "127.0.0.1") -> Iterator[int]:
    """The port of a server that accepts nobody: the kernel drops every further SYN, as a dead host would."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(family))
        server.bind((address, 0))
        server.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket(family))
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def unused_port(address: str = "127.0.0.1") -> int:
    """A port on which nothing listens, neither TCP nor UDP, and which the kernel gives to nobody who asks for any.

    Those of processes that run tests side by side are apart.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in _PORTS:
        with socket.socket(family) as stream, socket.socket(family, socket.SOCK_DGRAM) as datagrams:
            try:
                stream.bind((address, port))
                datagrams.bind((address, port))
            except OSError:
                continue
            return port
    raise AssertionError  # a cycle has no end


def _ports() -> Iterator[int]:
    """For ever, those of this worker of pytest-xdist, below the kernel's own (net.ipv4.ip_local_port_range)."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    ports = range(16_000 + 2_000 * worker, 18_000 + 2_000 * worker)
    start = random.SystemRandom().randrange(len(ports))
    return itertools.cycle([*ports[start:], *ports[:start]])


_PORTS = _ports()


class Tls:
    """A certificate authority and what it issues.

    Attributes:
        ca_file: its certificate in PEM, for a probe's ``ca_file``.
    """

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """What a server with a certificate for ``names`` uses; valid for 30 days, or expired yesterday."""
        end = datetime.now(UTC) + timedelta(days=-1 if expired else 30)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, not_before=end - timedelta(days=60), not_after=end).configure_cert(context)
        return context


@dataclass
class HttpServer:
    """What the HTTP server received.

    Attributes:
        requests: every request's head, in order of arrival.
    """

    port: int = 0
    requests: list[bytes] = field(default_factory=list)


@contextlib.asynccontextmanager
async def http_server(
    responses: Iterable[bytes | Serve] | Callable[[bytes], bytes],
    *,
    address: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[HttpServer]:
    """A server that gives the responses in turn, one a connection, or what a function of the request's head gives."""
    books = HttpServer()
    turn = None if callable(responses) else iter(responses)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        books.requests.append(head)
        response = next(turn) if turn is not None else cast("Callable[[bytes], bytes]", responses)(head)
        await (say(response) if isinstance(response, bytes) else response)(reader, writer)

    async with tcp_server(serve, address=address, tls=tls) as books.port:
        yield books


@dataclass
class DnsServer:
    """What the name server received.

    Attributes:
        transports: ``udp`` or ``tcp`` for each question, in order of arrival.
    """

    port: int = 0
    questions: list[dns.message.Message] = field(default_factory=list)
    transports: list[str] = field(default_factory=list)


def zone(question: dns.message.Message) -> dns.message.Message:
    """What a well-behaved server of the zone ``example.`` answers."""
    records = (
        ("example.", "NS", "ns1.example.", "ns2.example."),
        ("example.", "SOA", "ns1.example. admin.example. 2026112400 7200 900 1209600 300"),
        ("www.example.", "A", "192.0.2.1", "192.0.2.2"),
        ("www.example.", "AAAA", "2001:db8::1"),
        ("alias.example.", "CNAME", "www.example."),
        ("text.example.", "TXT", '"Simulation 1"'),
    )
    reply = dns.message.make_response(question)
    name = question.question[0].name
    sets = [dns.rrset.from_text(owner, 300, "IN", kind, *texts) for owner, kind, *texts in records]
    known = {one.name for one in sets}
    if name not in known:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    for alias in [one for one in sets if one.name == name and one.rdtype == dns.rdatatype.CNAME]:
        reply.answer.append(alias)
        name = alias[0].target
    reply.answer += [one for one in sets if one.name == name and one.rdtype == question.question[0].rdtype]
    return reply


@contextlib.asynccontextmanager
async def dns_server(
    answer: Callable[[dns.message.Message], Iterable[bytes]] = lambda question: [zone(question).to_wire()],
    *,
    over_tcp: Callable[[dns.message.Message], bytes] = lambda question: zone(question).to_wire(),
    address: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[DnsServer]:
    """A name server on one port for UDP and TCP.

    Args:
        answer: the datagrams to send for a question over UDP, in order.
        over_tcp: the message to send over TCP.
    """
    books = DnsServer()

    class Datagrams(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.DatagramTransport", transport)

        def datagram_received(self, data: bytes, addr: object) -> None:
            books.transports.append("udp")
            books.questions.append(dns.message.from_wire(data))
            for datagram in answer(books.questions[-1]):
                self.transport.sendto(datagram, addr)  # type: ignore[arg-type]  # asyncio types it too narrowly

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        books.transports.append("tcp")
        books.questions.append(dns.message.from_wire(await reader.readexactly(length)))
        data = over_tcp(books.questions[-1])
        writer.write(struct.pack("!H", len(data)) + data)
        await writer.drain()

    loop = asyncio.get_running_loop()
    async with tcp_server(serve, address=address, port=port) as books.port:
        transport, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=(address, books.port))
        try:
            yield books
        finally:
            transport.close()
            await asyncio.sleep(0)


class FakeNames(Names):
    """Resolves the names given to it, each with its addresses separated by blanks, and literals; asks nobody."""

    def __init__(self, **addresses: str) -> None:
        self._addresses = {name.replace("_", "."): text.split() for name, text in addresses.items()}

    async def resolve_all(self, host: str, family: Family) -> tuple[str, ...]:
        """The addresses given for the name."""
        if host not in self._addresses:
            return await super().resolve_all(host, family)
        found = tuple(one for one in self._addresses[host] if (":" in one) == (family is Family.IPV6))
        if not found:
            raise NetworkFailure(Failure.NAME_NOT_FOUND, f"{host} has no {family} address")
        return found


def service_wires(*allowed_hosts: str, names: Names | None = None) -> Wires:
    """The wires that these kinds use."""
    return cast(
        "Wires",
        SimpleNamespace(
            names=names or Names(),
            tcp=TcpWire(),
            dns=DnsWire(),
            http=HttpWire(allowed_hosts=frozenset(allowed_hosts)),
        ),
    )


def host(port: int, name: str = "127.0.0.1", family: Family = Family.IPV4) -> dict[str, Endpoint]:
    """The one endpoint of these kinds."""
    return {"host": Endpoint(host=name, family=family, port=port)}
