"""Echo requests as bytes: crafted once by scapy, patched for each send; and what ICMP errors mean. Pure."""

from __future__ import annotations

import struct
from typing import Final

from probes.base import Failure, Family

__all__ = ["ECHO", "ECHO_REPLY", "ECHO_REQUEST", "MIN_PAYLOAD_BYTES", "EchoRequest", "checksum_of", "failure_of_icmp"]

ECHO: Final = struct.Struct("!BBHHHQI")
"""Type, code, checksum, identifier, sequence number, then our payload: the process's token and the lap.

The sequence number is the low 16 bits of a packet's serial number and the lap the 32 bits above them, so that a reply
from before the sequence numbers wrapped is never taken for a reply to a newer packet.
"""
MIN_PAYLOAD_BYTES: Final = 12
ECHO_REQUEST: Final = {Family.IPV4: 8, Family.IPV6: 128}
ECHO_REPLY: Final = {Family.IPV4: 0, Family.IPV6: 129}

CHECKSUM_OFFSET = 2
LAP_OFFSET = 16
HEAD = struct.Struct("!HHH")  # checksum, identifier, sequence number

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
    """An echo request of one family and size, whose serial number is patched in for each send.

    Attributes:
        buffer: the ICMP message as it is sent.
    """

    __slots__ = ("_identifier", "_lap", "_sum", "buffer")

    def __init__(self, family: Family, payload_bytes: int, identifier: int, token: int) -> None:
        self._identifier = identifier
        self._lap = 0
        payload = struct.pack("!QI", token, 0).ljust(payload_bytes, b"\xa5")
        self.buffer = bytearray(_craft(family, identifier, payload))
        self._sum = _sum_of(self.buffer)

    def number(self, serial: int) -> bytearray:
        """The message with this serial number; valid until the next call."""
        lap = serial >> 16
        if lap != self._lap:
            self._lap = lap
            struct.pack_into("!I", self.buffer, LAP_OFFSET, lap & 0xFFFFFFFF)
            HEAD.pack_into(self.buffer, CHECKSUM_OFFSET, 0, self._identifier, 0)
            self._sum = _sum_of(self.buffer)
        sequence = serial & 0xFFFF
        # RFC 1624: one's complement addition is associative, so the new word is added to the sum of all the others.
        # For IPv6, and for datagram sockets, the kernel writes the checksum itself.
        total = self._sum + sequence
        HEAD.pack_into(
            self.buffer, CHECKSUM_OFFSET, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF, self._identifier, sequence
        )
        return self.buffer


def _craft(family: Family, identifier: int, payload: bytes) -> bytes:
    """The message with sequence number and checksum 0. Importing scapy takes half a second: it is done here."""
    if family is Family.IPV4:
        from scapy.layers.inet import ICMP

        return bytes(ICMP(type=8, id=identifier, seq=0, chksum=0) / payload)
    from scapy.layers.inet6 import ICMPv6EchoRequest

    return bytes(ICMPv6EchoRequest(id=identifier, seq=0, cksum=0, data=payload))
