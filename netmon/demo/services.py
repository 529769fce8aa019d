"""The demo's services: TCP, web and name servers that can be made to fail as real ones do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

__all__ = ["NameServer", "TcpService", "WebService"]

ANSWER_LIMIT_SECONDS = 10.0


class TcpService:
    """Greets whoever connects, and closes the connection.

    Attributes:
        greeting: what it says; nothing while it is empty.
        tls: how connections are secured, if they are.
    """

    def __init__(self, greeting: bytes = b"") -> None:
        self.greeting = greeting
        self.tls: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._hosts: tuple[str, ...] = ()
        self._port = 0

    async def start(self, *hosts: str, port: int = 0) -> int:
        """Listen at one port (0: a free one, for one host only) of each address; returns the port."""
        self._server = await asyncio.start_server(self._accept, hosts, port, ssl=self.tls)
        self._hosts, self._port = hosts, int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def resume(self) -> None:
        """Listen again where it listened before."""
        await self.start(*self._hosts, port=self._port)

    async def stop(self) -> None:
        """Refuse further connections, break off those that are open."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._open):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def serve(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say what there is to say to one client."""
        writer.write(self.greeting)
        await writer.drain()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
                async with asyncio.timeout(ANSWER_LIMIT_SECONDS):
                    await self.serve(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class WebService(TcpService):
    """Answers every request with the same page, over TLS if it is given a certificate.

    Attributes:
        status, body: the answer.
    """

    def __init__(self, body: str, *, certificate: Path | None = None) -> None:
        super().__init__()
        self.status = 200
        self.body = body
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.present(certificate)

    def present(self, certificate: Path) -> None:
        """Show another certificate (a file with key and certificate) to those who connect from now on."""
        if self.tls is None:
            raise ValueError("a service without TLS shows no certificate")
        self.tls.load_cert_chain(certificate)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request (RFC 9112), one a connection."""
        await reader.readuntil(b"\r\n\r\n")
        body = self.body.encode()
        head = (
            f"HTTP/1.1 {self.status} SIMULATION\r\nServer: SIMULATION\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()


class NameServer(TcpService):
    """Answers for one zone over UDP and TCP (RFC 1035).

    Attributes:
        records: the zone.
        rcode: what it says instead of an answer; ``None`` while it is well.
        silent: swallow every question.
    """

    def __init__(self, records: Sequence[dns.rrset.RRset]) -> None:
        super().__init__()
        self.records = records
        self.rcode: dns.rcode.Rcode | None = None
        self.silent = False
        self._transports: list[asyncio.DatagramTransport] = []

    async def start(self, *hosts: str, port: int = 0) -> int:
        """Listen at one port for both transports."""
        port = await super().start(*hosts, port=port)
        loop = asyncio.get_running_loop()
        for host in hosts:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(host, port))
            self._transports.append(transport)
        return port

    async def stop(self) -> None:
        """Close both."""
        for transport in self._transports:
            transport.close()
        self._transports.clear()
        await super().stop()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question over TCP (RFC 1035 4.2.2)."""
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        reply = self.respond(await reader.readexactly(length))
        if reply is None:
            await reader.read()  # until the client gives up
            return
        writer.write(struct.pack("!H", len(reply)) + reply)
        await writer.drain()

    def respond(self, data: bytes) -> bytes | None:
        """The answer to one message, or ``None`` for none."""
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return None
        if self.silent or not query.question:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        asked = query.question[0]
        same_name = [rrset for rrset in self.records if rrset.name == asked.name]
        if self.rcode is not None:
            reply.set_rcode(self.rcode)
        elif not same_name:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        else:
            reply.answer += [rrset for rrset in same_name if rrset.rdtype == asked.rdtype]
        return reply.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        reply = self._server.respond(data)
        if reply is not None:
            self._transport.sendto(reply, addr)
