"""Echo requests as bytes: crafted once by scapy, numbered for each send; and what ICMP errors mean. Pure."""

from __future__ import annotations

import ctypes
import struct
from typing import Final

from probes.base import Failure, Family
from probes.wire.packet_batches import Tail

__all__ = [
    "ECHO", "ECHO_REPLY", "ECHO_REQUEST", "KEY_OFFSET", "MIN_PAYLOAD_BYTES", "EchoRequest", "checksum_of",
    "failure_of_icmp", "is_ours", "key_of", "load_scapy",
]  # fmt: skip

ECHO: Final = struct.Struct("!BBHHHQI")
"""Type, code, checksum, identifier, sequence number, then our payload: the process's token and the lap.

The sequence number is the low 16 bits of a packet's serial number and the lap the 32 bits above them, so that a reply
from before the sequence numbers wrapped is never taken for a reply to a newer packet.
"""
MIN_PAYLOAD_BYTES: Final = 12
ECHO_REQUEST: Final = {Family.IPV4: 8, Family.IPV6: 128}
ECHO_REPLY: Final = {Family.IPV4: 0, Family.IPV6: 129}

KEY: Final = struct.Struct("!HHQI")
KEY_OFFSET: Final = ECHO.size - KEY.size

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
    """The Internet checksum (RFC 1071) of ``data``."""
    return ~_sum_of(data) & 0xFFFF


def _sum_of(data: bytes | bytearray) -> int:
    """The one's complement sum of the 16-bit words."""
    if len(data) % 2:
        data = bytes(data) + b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class EchoRequest:
    """An echo request of one family and size; its serial number differs from packet to packet.

    Attributes:
        tail: what all packets have in common, after the head that :meth:`head` gives.
    """

    __slots__ = ("_identifier", "_kind", "_sum", "_token", "tail")

    def __init__(self, family: Family, payload_bytes: int, identifier: int, token: int) -> None:
        self._kind = ECHO_REQUEST[family]
        self._identifier = identifier
        self._token = token
        payload = struct.pack("!QI", token, 0).ljust(payload_bytes, b"\xa5")
        message = _craft(family, identifier, payload)
        self._sum = _sum_of(message)
        self.tail: Tail = ctypes.create_string_buffer(message[ECHO.size :], len(message) - ECHO.size)

    def head(self, serial: int) -> bytes:
        """The first bytes of the packet with this serial number, as :data:`ECHO` lays them out."""
        sequence, lap = serial & 0xFFFF, serial >> 16 & 0xFFFFFFFF
        # RFC 1624: one's complement addition is associative, so the new words are added to the sum of all the others.
        # For IPv6, and for datagram sockets, the kernel writes the checksum itself.
        total = self._sum + sequence + (lap & 0xFFFF) + (lap >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~(total + (total >> 16)) & 0xFFFF
        return ECHO.pack(self._kind, 0, checksum, self._identifier, sequence, self._token, lap)


def key_of(identifier: int, serial: int, token: int) -> bytes:
    """The part of a head that the answer repeats, by which it is found again: all after type, code and checksum."""
    return KEY.pack(identifier, serial & 0xFFFF, token, serial >> 16 & 0xFFFFFFFF)


def is_ours(key: bytes, identifier: int, token: int) -> bool:
    """Whether a packet with this key was sent by this process, some time."""
    own_identifier, _sequence, own_token, _lap = KEY.unpack(key)
    return (own_identifier, own_token) == (identifier, token)


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
