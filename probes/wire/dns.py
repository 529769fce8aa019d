"""Questions to one name server, over UDP (with TCP after a truncated reply) or TCP (RFC 1035, RFC 7766).

dnspython makes and reads the messages. The sockets are our own: dnspython's deadlines follow the wall clock, which may
step, and its UDP sockets are not connected, so that an ICMP error would go unseen.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from probes.base import Failure, Family, NetworkFailure
from probes.wire.failures import network, shown
from probes.wire.tcp import TcpConnection, TcpWire, open_socket

if TYPE_CHECKING:
    import dns.message

__all__ = ["RECORD_TYPES", "DnsReply", "DnsWire", "RecordType"]

RecordType = Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"]
RECORD_TYPES: tuple[RecordType, ...] = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")

# Avoids fragments on every IPv6 path (DNS Flag Day 2020, RFC 9715).
EDNS_PAYLOAD_BYTES = 1232
DATAGRAM_BYTES = 65535
# linux/in.h, linux/in6.h: every ICMP error is reported, also "no route"; without it only "port unreachable" is.
RECEIVE_ERRORS = {Family.IPV4: (socket.IPPROTO_IP, 11), Family.IPV6: (socket.IPPROTO_IPV6, 25)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsReply:
    """A name server's answer.

    Attributes:
        answers: the records of the wanted type at the end of the CNAME chain, in presentation form (RFC 1035 5.1).
        ttl_min_seconds: the smallest TTL along the chain.
        soa_serial: the serial of the first SOA record, where one was asked for.
        lookup_seconds: from the question sent to the reply, over all transports used.
        transport: ``udp``, ``tcp``, or ``udp, then tcp`` if the UDP reply was truncated.
    """

    answers: tuple[str, ...]
    ttl_min_seconds: float
    soa_serial: int | None
    lookup_seconds: float
    transport: str


class DnsWire:
    """Asks name servers. It keeps nothing, so there is nothing to close."""

    def __init__(self) -> None:
        import dns.message  # noqa: F401 (loading it takes long: here, and not within the first lookup)

        self._tcp = TcpWire()

    async def ask(
        self,
        address: str,
        port: int,
        *,
        family: Family,
        name: str,
        record_type: RecordType,
        transport: Literal["udp", "tcp"],
        recursion: bool,
        timeout: float,
    ) -> DnsReply:
        """Ask one server one question, once.

        Replies that do not belong to the question are ignored, as they may come from someone else; if nothing better
        comes until the deadline, the failure is BAD_REPLY instead of TIMEOUT.

        Raises:
            NetworkFailure: TIMEOUT, REFUSED, NO_ROUTE, PROHIBITED, RESET, NAME_NOT_FOUND (no such name, or no record of
                this type), ERROR_STATUS (another rcode), BAD_REPLY.
        """
        import dns.flags
        import dns.message

        question = dns.message.make_query(
            name, record_type, use_edns=0, payload=EDNS_PAYLOAD_BYTES, flags=dns.flags.RD if recursion else 0
        )
        start = time.monotonic()
        used: str = transport
        reply = None
        if transport == "udp":
            reply = await self._over_udp(question, address, port, family, timeout)
            if reply is None:
                used = "udp, then tcp"
        if reply is None:
            reply = await self._over_tcp(question, address, port, family, timeout - (time.monotonic() - start))
        return _read(reply, record_type, lookup_seconds=time.monotonic() - start, transport=used)

    async def _over_udp(
        self, question: dns.message.QueryMessage, address: str, port: int, family: Family, timeout: float
    ) -> dns.message.QueryMessage | None:
        """The reply, or ``None`` if it was truncated."""
        import dns.flags

        loop = asyncio.get_running_loop()
        strays = 0
        first_stray = ""
        sock, sockaddr = open_socket(address, port, family, socket.SOCK_DGRAM)
        with sock:
            try:
                async with network(f"DNS reply of {address} port {port}", timeout):
                    sock.setsockopt(*RECEIVE_ERRORS[family], 1)
                    sock.connect(sockaddr)
                    await loop.sock_sendall(sock, question.to_wire())
                    while True:
                        data = await loop.sock_recv(sock, DATAGRAM_BYTES)
                        try:
                            reply = _parse(question, data)
                        except ValueError as error:
                            strays += 1
                            first_stray = first_stray or str(error)
                            # sock_recv does not wait while there is input: a flood would never let the deadline in.
                            await asyncio.sleep(0)
                        else:
                            return None if reply.flags & dns.flags.TC else reply
            except NetworkFailure as failure:
                if failure.failure is Failure.TIMEOUT and strays:
                    raise NetworkFailure(
                        Failure.BAD_REPLY, f"no reply of {address} fits the question ({strays} came): {first_stray}"
                    ) from failure
                raise

    async def _over_tcp(
        self, question: dns.message.QueryMessage, address: str, port: int, family: Family, timeout: float
    ) -> dns.message.QueryMessage:
        start = time.monotonic()
        wire = question.to_wire()
        with await self._tcp.connect(address, port, family=family, timeout=timeout) as connection:
            left = timeout - (time.monotonic() - start)
            async with network(f"DNS reply of {address} port {port} over TCP", left):
                # Length and message in one segment (RFC 7766 8).
                await connection.send(struct.pack("!H", len(wire)) + wire, timeout=left)
                (length,) = struct.unpack("!H", await _exactly(connection, 2, left))
                data = await _exactly(connection, length, left)
        try:
            return _parse(question, data)
        except ValueError as error:
            raise NetworkFailure(
                Failure.BAD_REPLY, f"the reply of {address} does not fit the question: {error}"
            ) from error


async def _exactly(connection: TcpConnection, size: int, timeout: float) -> bytes:
    data = b""
    while len(data) < size:
        more = await connection.receive(timeout=timeout, limit=size - len(data))
        if not more:
            raise NetworkFailure(Failure.RESET, "the name server closed the connection before its reply was complete")
        data += more
    return data


def _parse(question: dns.message.QueryMessage, data: bytes) -> dns.message.QueryMessage:
    """The reply in ``data``.

    Raises:
        ValueError: malformed, or no reply to this question; the message says which.
    """
    import dns.exception
    import dns.message

    try:
        reply = dns.message.from_wire(data)
    except dns.exception.DNSException as error:
        raise ValueError(f"malformed message of {len(data)} bytes ({type(error).__name__})") from error
    if not isinstance(reply, dns.message.QueryMessage) or not question.is_response(reply):
        raise ValueError("another id" if reply.id != question.id else "another question, or no reply at all")
    return reply


def _read(
    reply: dns.message.QueryMessage, record_type: RecordType, *, lookup_seconds: float, transport: str
) -> DnsReply:
    import dns.exception
    import dns.rcode

    rcode = reply.rcode()
    if rcode == dns.rcode.NXDOMAIN:
        raise NetworkFailure(Failure.NAME_NOT_FOUND, "the name does not exist (NXDOMAIN)")
    if rcode != dns.rcode.NOERROR:
        raise NetworkFailure(Failure.ERROR_STATUS, f"the name server answered {dns.rcode.to_text(rcode)}")
    try:
        found = reply.resolve_chaining()
    except dns.exception.DNSException as error:
        raise NetworkFailure(Failure.BAD_REPLY, f"the answer makes no sense: {shown(str(error))}") from error
    if not found.answer:
        raise NetworkFailure(Failure.NAME_NOT_FOUND, f"the answer holds no {record_type} record for the name")
    return DnsReply(
        answers=tuple(sorted(record.to_text() for record in found.answer)),
        ttl_min_seconds=float(found.minimum_ttl),
        soa_serial=found.answer[0].serial if record_type == "SOA" else None,
        lookup_seconds=lookup_seconds,
        transport=transport,
    )
