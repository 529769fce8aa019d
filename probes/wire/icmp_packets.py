"""Echo requests as bytes: crafted once by scapy, marked for each send; and what ICMP errors mean. Pure."""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import Final

from probes.base import Failure, Family
from probes.wire.packet_batches import Tail

__all__ = [
    "ECHO", "ECHO_REPLY", "ECHO_REQUEST", "MIN_PAYLOAD_BYTES", "TOKEN_BYTES", "EchoRequest", "checksum_of",
    "failure_of_icmp", "load_scapy",
]  # fmt: skip

ECHO: Final = struct.Struct("=BBHHH6sIH")
"""Type, code, checksum, identifier, sequence number; then our payload: the process's token, the call, the place in it.

Identifier and sequence number go in network byte order: who packs them swaps them. The rest is read by us alone. The
checksum is that of words in this machine's order, and right in either (RFC 1071, section 2).
"""
TOKEN_BYTES: Final = 6
MIN_PAYLOAD_BYTES: Final = 12
ECHO_REQUEST: Final = {Family.IPV4: 8, Family.IPV6: 128}
ECHO_REPLY: Final = {Family.IPV4: 0, Family.IPV6: 129}

# RFC 792, RFC 1122 (3.2.2.1), RFC 1812 (5.2.7.1). Codes 14 and 15 (RFC 1812) are about precedence: a matter of policy.
UNREACHABLE_V4 = {
    2: Failure.REFUSED,
    3: Failure.REFUSED,
    4: Failure.TOO_BIG,
    9: Failure.PROHIBITED,
    10: Failure.PROHIBITED,
    13: Failure.PROHIBITED,
    14: Failure.PROHIBITED,
    15: Failure.PROHIBITED,
}
# RFC 4443, 3.1: codes 5 and 6 are more informative subsets of code 1.
UNREACHABLE_V6 = {
    1: Failure.PROHIBITED,
    4: Failure.REFUSED,
    5: Failure.PROHIBITED,
    6: Failure.PROHIBITED,
}


def failure_of_icmp(family: Family, kind: int, code: int) -> Failure | None:
    """What an ICMP error of this type and code means; ``None`` if it says nothing about reaching the host."""
    if family is Family.IPV4:
        if kind == 3:
            return UNREACHABLE_V4.get(code, Failure.NO_ROUTE)
        # Code 1 is a host that missed a fragment: loss, not a routing loop.
        if kind == 11 and code == 0:
            return Failure.TTL_EXCEEDED
        return Failure.BAD_REPLY if kind == 12 else None
    if kind == 1:
        return UNREACHABLE_V6.get(code, Failure.NO_ROUTE)
    if kind == 2:
        return Failure.TOO_BIG
    if kind == 3 and code == 0:
        return Failure.TTL_EXCEEDED
    return Failure.BAD_REPLY if kind == 4 else None


def checksum_of(data: bytes | bytearray) -> int:
    """The Internet checksum (RFC 1071) of ``data``, in this machine's byte order like the words that it is made of."""
    return ~_sum_of(data) & 0xFFFF


def _sum_of(data: bytes | bytearray) -> int:
    """The one's complement sum of the 16-bit words."""
    if len(data) % 2:
        data = bytes(data) + b"\0"
    total: int = sum(struct.unpack(f"={len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class EchoRequest:
    """An echo request of one family and size; which packet of which call it is differs.

    Attributes:
        tail: what all packets have in common, after the head that :meth:`head` gives.
    """

    __slots__ = ("_identifier", "_kind", "_sum", "_token", "tail")

    def __init__(self, family: Family, payload_bytes: int, identifier: int, token: bytes) -> None:
        self._kind = ECHO_REQUEST[family]
        self._identifier = socket.htons(identifier)
        self._token = token
        message = _craft(family, identifier, token.ljust(payload_bytes, b"\xa5"))
        rest = message[ECHO.size :]
        self._sum = _sum_of(ECHO.pack(self._kind, 0, 0, self._identifier, 0, token, 0, 0) + rest)
        self.tail: Tail = ctypes.create_string_buffer(rest, len(rest))

    def head(self, sequence: int, call: int, place: int) -> bytes:
        """The first bytes of a packet, as :data:`ECHO` lays them out.

        Args:
            sequence: 16 bits.
            call: 32 bits.
            place: which packet of the call, 16 bits.
        """
        # RFC 1624: one's complement addition is associative, so the new words are added to the sum of all the others.
        # For IPv6, and for datagram sockets, the kernel writes the checksum itself.
        swapped = socket.htons(sequence)
        total = self._sum + swapped + (call & 0xFFFF) + (call >> 16) + place
        total = (total & 0xFFFF) + (total >> 16)
        checksum = 0xFFFF - ((total & 0xFFFF) + (total >> 16))
        return ECHO.pack(self._kind, 0, checksum, self._identifier, swapped, self._token, call, place)


def load_scapy() -> None:
    """Import what crafts packets. It takes half a second: not while a probe waits."""
    import scapy.layers.inet
    import scapy.layers.inet6  # noqa: F401


def _craft(family: Family, identifier: int, payload: bytes) -> bytes:
    """The message with sequence number and checksum 0."""
    if family is Family.IPV4:
        from scapy.layers.inet import ICMP

        return bytes(ICMP(type=8, id=identifier, seq=0, chksum=0) / payload)
    from scapy.layers.inet6 import ICMPv6EchoRequest

    return bytes(ICMPv6EchoRequest(id=identifier, seq=0, cksum=0, data=payload))
