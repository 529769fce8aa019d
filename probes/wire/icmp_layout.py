"""How the packets of a batch lie in memory, as patterns for ``struct``: what icmp_messages takes apart, in one go."""

from __future__ import annotations

import functools
import socket
import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from probes.base import Family
from probes.wire.icmp_packets import ECHO, ECHO_REPLY, TOKEN_BYTES
from probes.wire.icmp_socket import ADDRESS_FAMILIES, RECEIVE_ERROR, SOCKET_ERROR, STAMPS, TIMESTAMPING
from probes.wire.packet_batches import CONTROL_HEAD, NAME_ROOM, Inbox

__all__ = ["NAMES", "Destination", "Layout", "destination", "source_of"]

NAMES: Final = {Family.IPV4: struct.Struct("=H2x4s8x"), Family.IPV6: struct.Struct("=H2xI16sI")}
"""struct sockaddr_in and sockaddr_in6; an echo has no port."""
SOURCES: Final = {Family.IPV4: slice(4, 8), Family.IPV6: slice(8, 24)}
HOP_LIMITS: Final = {
    Family.IPV4: (socket.IPPROTO_IP, socket.IP_TTL),
    Family.IPV6: (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT),
}
PLAIN_IP_HEADER: Final = b"\x45"
"""Version 4, five words: no options."""
STAMP_BYTES: Final = 3 * STAMPS.size
"""struct scm_timestamping: three times, of which software gives the first."""
ERROR_BYTES: Final = {Family.IPV4: SOCKET_ERROR.size + 16, Family.IPV6: SOCKET_ERROR.size + 28}
DATA_ROOM: Final = 96
"""The longest IP header, an ICMP header and our token; of an error, what it quotes of the packet."""
CONTROL_ROOM: Final = 192


class Destination(NamedTuple):
    """Where packets go.

    Attributes:
        address: as the module ``socket`` takes it.
        name: the same as the kernel takes it.
        source: the part of it by which the source of an answer is compared.
    """

    address: tuple[Any, ...]
    name: bytes
    source: bytes


def destination(family: Family, host: str) -> Destination:
    """The destination that a literal address names, with ``%interface`` for IPv6 where it is link-local.

    Raises:
        OSError: it is no literal address of this family.
    """
    # The number of an interface may change, an address without one does not.
    return _destination(family, host) if "%" in host else _known_destination(family, host)


def _destination(family: Family, host: str) -> Destination:
    found = socket.getaddrinfo(
        host, 0, family=ADDRESS_FAMILIES[family], type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
    )
    address: tuple[Any, ...] = found[0][4]
    packed = socket.inet_pton(ADDRESS_FAMILIES[family], address[0].partition("%")[0])
    if family is Family.IPV4:
        return Destination(address, NAMES[family].pack(socket.AF_INET, packed), packed)
    _host, _port, flow, scope = address
    return Destination(address, NAMES[family].pack(socket.AF_INET6, flow, packed, scope), packed)


_known_destination = functools.lru_cache(maxsize=65536)(_destination)


def source_of(family: Family, name: bytes) -> bytes:
    """The address in a socket address that the kernel wrote; empty if there is none."""
    return name[SOURCES[family]]


def _head(level: int, kind: int, data_bytes: int) -> bytes:
    return CONTROL_HEAD.pack(CONTROL_HEAD.size + data_bytes, level, kind)


class Layout:
    """The patterns for one kind of socket, and what stands at the places that tell the usual form from any other.

    Attributes:
        header: how an answer begins: the IPv4 header's first byte where there is one, else nothing.
        reply: the ICMP type of an answer.
        stamp: the head of the control message with the time stamp.
        hop_limit: that of the one with the hop limit.
        error: that of the one that says what an entry of the error queue is about.
    """

    def __init__(self, family: Family, *, has_ip_header: bool) -> None:
        self.header = PLAIN_IP_HEADER if has_ip_header else b""
        self.reply = ECHO_REPLY[family]
        self.stamp = _head(socket.SOL_SOCKET, TIMESTAMPING, STAMP_BYTES)
        self.hop_limit = _head(*HOP_LIMITS[family], 4)
        self.error = _head(*RECEIVE_ERROR[family], ERROR_BYTES[family])
        source = SOURCES[family]
        name = f"{source.start}x{source.stop - source.start}s{NAME_ROOM - source.stop}x"
        header = "1s19x" if has_ip_header else "0s"
        room = DATA_ROOM - 20 * has_ip_header - ECHO.size
        head, stamp = f"{CONTROL_HEAD.size}s", f"qq{STAMP_BYTES - STAMPS.size}x"
        answer = f"={name}{header}B7x{TOKEN_BYTES}sIH{room}x{head}{stamp}{head}i"
        error = f"={NAME_ROOM + DATA_ROOM}x{head}{stamp}{head}4xB7xI"
        self._answer, self._error = _filled(answer), _filled(error)

    @staticmethod
    def inbox(capacity: int) -> Inbox:
        """An inbox of this layout."""
        return Inbox(capacity, data_room=DATA_ROOM, control_room=CONTROL_ROOM)

    def answers(self, inbox: Inbox, count: int) -> Iterator[tuple[Any, ...]]:
        """Of each packet: source, header, type, token, call, place, stamp's head, seconds, ns, hop limit's head, it."""
        return self._answer.iter_unpack(inbox.slots[: count * inbox.stride])

    def errors(self, inbox: Inbox, count: int) -> Iterator[tuple[Any, ...]]:
        """Of each entry of the error queue: stamp's head, seconds, nanoseconds, error's head, origin, stamp id."""
        return self._error.iter_unpack(inbox.slots[: count * inbox.stride])


def _filled(pattern: str) -> struct.Struct:
    """The pattern, made as long as a slot."""
    return struct.Struct(f"{pattern}{NAME_ROOM + DATA_ROOM + CONTROL_ROOM - struct.calcsize(pattern)}x")
