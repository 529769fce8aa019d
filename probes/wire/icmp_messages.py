"""What comes with and beside a packet, as values: kernel time stamps, hop limits, ICMP errors. Pure."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from typing import Final, NamedTuple

from probes.base import Failure, Family
from probes.wire.icmp_packets import failure_of_icmp
from probes.wire.icmp_socket import RECEIVE_ERROR, SOCKET_ERROR, STAMPS, TIMESTAMPING

__all__ = ["ORIGIN_TIMESTAMPING", "ErrorMessage", "local_failure", "parse_control", "parse_error"]

Control = Iterable[tuple[int, int, bytes]]

# linux/errqueue.h
ORIGIN_ICMP, ORIGIN_ICMP6, ORIGIN_TIMESTAMPING = 2, 3, 4
# struct sockaddr_in and sockaddr_in6: where the address is, after the sock_extended_err.
OFFENDER: Final = {Family.IPV4: (socket.AF_INET, 4, 4), Family.IPV6: (socket.AF_INET6, 8, 16)}
HOP_LIMITS: Final = frozenset({(socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)})


class ErrorMessage(NamedTuple):
    """One entry of a socket's error queue: either the stamp of a packet sent, or an ICMP error about one.

    Attributes:
        stamp_id: which packet the stamp is for, counted from 0 since stamp ids were last restarted.
        stamp_ns: when it was given to the device, CLOCK_REALTIME.
        failure: what the ICMP error means; ``None`` if it says nothing about reaching the host.
        router: who sent it.
        mtu_bytes: the next hop's MTU, where the error carries one.
    """

    stamp_id: int | None = None
    stamp_ns: int = 0
    failure: Failure | None = None
    router: str = ""
    mtu_bytes: int | None = None


def parse_control(control: Control) -> tuple[int, int | None]:
    """The kernel's receive stamp in nanoseconds (0 if there is none) and the hop limit of a packet received."""
    stamp_ns, hop_limit = 0, None
    for level, kind, data in control:
        if kind == TIMESTAMPING and level == socket.SOL_SOCKET:
            seconds, nanoseconds = STAMPS.unpack_from(data)
            stamp_ns = seconds * 1_000_000_000 + nanoseconds
        elif (level, kind) in HOP_LIMITS:
            hop_limit = int.from_bytes(data[:4], "little")
    return stamp_ns, hop_limit


def parse_error(family: Family, control: Control) -> ErrorMessage | None:
    """An entry of the error queue; ``None`` for what is neither a stamp nor an ICMP error."""
    stamp_ns = 0
    error: bytes | None = None
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == TIMESTAMPING:
            seconds, nanoseconds = STAMPS.unpack_from(data)
            stamp_ns = seconds * 1_000_000_000 + nanoseconds
        elif (level, kind) == RECEIVE_ERROR[family]:
            error = data
    if error is None:
        return None
    _errno, origin, kind, code, _padding, info, value = SOCKET_ERROR.unpack_from(error)
    if origin == ORIGIN_TIMESTAMPING:
        return ErrorMessage(stamp_id=value, stamp_ns=stamp_ns)
    if origin not in (ORIGIN_ICMP, ORIGIN_ICMP6):
        return None
    failure = failure_of_icmp(family, kind, code)
    return ErrorMessage(
        failure=failure,
        router=_offender(family, error[SOCKET_ERROR.size :]),
        mtu_bytes=info if failure is Failure.TOO_BIG and info else None,
    )


def _offender(family: Family, data: bytes) -> str:
    address_family, start, size = OFFENDER[family]
    if len(data) < start + size or int.from_bytes(data[:2], "little") != address_family:
        return ""
    return socket.inet_ntop(address_family, data[start : start + size])


def local_failure(error: OSError) -> Failure | None:
    """What it means that this machine would not send; ``None`` for its own firewall and other faults of its own."""
    match error.errno:
        case errno.ENETUNREACH | errno.EHOSTUNREACH | errno.ENETDOWN | errno.EHOSTDOWN:
            return Failure.NO_ROUTE
        case errno.EMSGSIZE:
            return Failure.TOO_BIG
        case _:
            return None
