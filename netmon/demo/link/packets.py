"""IP packets as the emulator sees them: what it must know of a packet, and the ICMP answers that it makes.

RFC 791, RFC 792, RFC 1191, RFC 8200, RFC 4443.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netmon.demo.link.behaviour import IcmpError

__all__ = [
    "Packet",
    "checksum",
    "echo_reply",
    "error_answer",
    "hop_limit_answer",
    "parse",
    "readdressed",
    "too_big_answer",
]

ICMP: Final = 1
ICMPV6: Final = 58
TCP: Final = 6
UDP: Final = 17
WITH_PORTS: Final = frozenset({TCP, UDP})
CHECKSUM_AT: Final = {TCP: 16, UDP: 6}
"""Offset of the checksum in the header (RFC 9293, RFC 768)."""
NO_CHECKSUM: Final = b"\0\0"
"""What UDP over IPv4 says if it has none."""
IPV4_HEADER: Final = 20
IPV6_HEADER: Final = 40
DONT_FRAGMENT: Final = 0x4000
REPLY_HOP_LIMIT: Final = 64
ECHO_REQUEST: Final = {4: 8, 6: 128}
ECHO_REPLY: Final = {4: 0, 6: 129}
ERRORS: Final[dict[IcmpError, dict[int, tuple[int, int]]]] = {
    "net_unreachable": {4: (3, 0), 6: (1, 0)},
    "host_unreachable": {4: (3, 1), 6: (1, 3)},
    "port_unreachable": {4: (3, 3), 6: (1, 4)},
    "prohibited": {4: (3, 13), 6: (1, 1)},
}
TOO_BIG: Final = {4: (3, 4), 6: (2, 0)}
TIME_EXCEEDED: Final = {4: (11, 0), 6: (3, 0)}
QUOTED_BYTES: Final = {4: 576 - IPV4_HEADER - 8, 6: 1280 - IPV6_HEADER - 8}


@dataclass(frozen=True, slots=True)
class Packet:
    """What matters of an IP packet.

    Attributes:
        payload: offset of what follows the IP header (IPv6 extension headers are not looked into).
        identifier, sequence: of an echo request.
    """

    data: bytes
    version: int
    source: bytes
    destination: bytes
    protocol: int
    hop_limit: int
    may_fragment: bool
    payload: int
    is_echo_request: bool
    identifier: int = 0
    sequence: int = 0

    @property
    def address(self) -> str:
        """The destination as text."""
        return str(IPv4Address(self.destination) if self.version == 4 else IPv6Address(self.destination))

    @property
    def dscp(self) -> int:
        """The differentiated services code point (RFC 2474)."""
        octet = self.data[1] if self.version == 4 else (self.data[0] & 0x0F) << 4 | self.data[1] >> 4
        return octet >> 2


def parse(data: bytes) -> Packet | None:
    """The packet, or ``None`` for what is no whole IP packet."""
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= IPV4_HEADER:
        payload = (data[0] & 0x0F) * 4
        length, flags = struct.unpack_from("!HxxH", data, 2)
        source, destination = data[12:16], data[16:20]
        protocol, hop_limit, may_fragment = data[9], data[8], not flags & DONT_FRAGMENT
        if flags & 0x3FFF or length != len(data) or payload < IPV4_HEADER:  # a fragment, or not what it says
            return None
    elif version == 6 and len(data) >= IPV6_HEADER:
        payload = IPV6_HEADER
        source, destination = data[8:24], data[24:40]
        protocol, hop_limit, may_fragment = data[6], data[7], False
        if struct.unpack_from("!H", data, 4)[0] + IPV6_HEADER != len(data):
            return None
    else:
        return None
    identifier = sequence = 0
    echo = (
        protocol == (ICMP if version == 4 else ICMPV6)
        and len(data) >= payload + 8
        and data[payload] == ECHO_REQUEST[version]
    )
    if echo:
        identifier, sequence = struct.unpack_from("!HH", data, payload + 4)
    return Packet(
        data, version, source, destination, protocol, hop_limit, may_fragment, payload, echo, identifier, sequence
    )


def echo_reply(request: Packet, *, wrong_identifier: bool = False) -> bytes:
    """The answer to an echo request; with another identifier, it is nobody's."""
    identifier = request.identifier ^ 0xFFFF if wrong_identifier else request.identifier
    rest = struct.pack("!HH", identifier, request.sequence) + request.data[request.payload + 8 :]
    return _icmp(request, request.destination, (ECHO_REPLY[request.version], 0), rest)


def error_answer(packet: Packet, error: IcmpError, router: bytes) -> bytes:
    """A destination unreachable message from ``router`` (a packed address)."""
    return _quote(packet, router, ERRORS[error][packet.version], bytes(4))


def too_big_answer(packet: Packet, mtu: int, router: bytes) -> bytes:
    """The message that says which length would have passed."""
    field = struct.pack("!HH", 0, mtu) if packet.version == 4 else struct.pack("!I", mtu)
    return _quote(packet, router, TOO_BIG[packet.version], field)


def hop_limit_answer(packet: Packet, router: bytes) -> bytes:
    """The message that the packet's hop limit was used up."""
    return _quote(packet, router, TIME_EXCEEDED[packet.version], bytes(4))


def readdressed(packet: Packet, source: bytes, destination: bytes) -> bytes:
    """A TCP or UDP packet with other addresses (packed), its checksums corrected by the difference (RFC 1624)."""
    before, after = packet.source + packet.destination, source + destination
    data = bytearray(packet.data)
    if packet.version == 4:
        data[12:20] = after
        _correct(data, 10, before, after)
    else:
        data[8:40] = after
    at = packet.payload + CHECKSUM_AT[packet.protocol]
    if packet.protocol == TCP:
        _correct(data, at, before, after)
    elif data[at : at + 2] != NO_CHECKSUM:
        _correct(data, at, before, after)
        if data[at : at + 2] == NO_CHECKSUM:
            data[at : at + 2] = b"\xff\xff"  # the same sum, and not the word for none (RFC 768)
    return bytes(data)


def _correct(data: bytearray, at: int, before: bytes, after: bytes) -> None:
    kept = ~int.from_bytes(data[at : at + 2]) & 0xFFFF
    inverted = bytes(byte ^ 0xFF for byte in before)
    data[at : at + 2] = checksum(kept.to_bytes(2) + inverted + after).to_bytes(2)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _quote(packet: Packet, router: bytes, kind: tuple[int, int], field: bytes) -> bytes:
    return _icmp(packet, router, kind, field + packet.data[: QUOTED_BYTES[packet.version]])


def _icmp(answered: Packet, source: bytes, kind: tuple[int, int], rest: bytes) -> bytes:
    body = struct.pack("!BBH", *kind, 0) + rest
    to = answered.source
    if answered.version == 4:
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, IPV4_HEADER + len(body), 0, 0, REPLY_HOP_LIMIT, ICMP, 0, source, to
        )
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body
    pseudo = source + to + struct.pack("!II", len(body), ICMPV6)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    return struct.pack("!IHBB16s16s", 6 << 28, len(body), ICMPV6, REPLY_HOP_LIMIT, source, to) + body
