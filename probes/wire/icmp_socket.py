"""One ICMP socket: how it is opened, and what it says beside the packets (time stamps, hop limits, errors).

Linux only. The constants below are from the kernel's headers (asm-generic/socket.h, linux/in.h, linux/in6.h,
linux/net_tstamp.h, linux/errqueue.h, linux/filter.h); the Python module ``socket`` does not have them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import secrets
import socket
import struct
from typing import Final

from probes.base import Family, MonitorFault
from probes.wire.icmp_packets import ECHO_REPLY

__all__ = [
    "RECEIVE_ERROR",
    "SOCKET_ERROR",
    "STAMPS",
    "TIMESTAMPING",
    "OpenSocket",
    "cut_control",
    "forbid_fragments",
    "open_socket",
    "overflows",
    "restart_stamp_ids",
]

TIMESTAMPING: Final = 37
TX_SOFTWARE, RX_SOFTWARE, SOFTWARE, OPT_ID, OPT_TSONLY = 1 << 1, 1 << 3, 1 << 4, 1 << 7, 1 << 11
STAMP_FLAGS = TX_SOFTWARE | RX_SOFTWARE | SOFTWARE | OPT_TSONLY
STAMPS: Final = struct.Struct("@ll")
"""The first timespec of a time stamp message: seconds and nanoseconds of CLOCK_REALTIME, by software."""
SOCKET_ERROR: Final = struct.Struct("@IBBBBII")
"""struct sock_extended_err: errno, origin, type, code, padding, info, data; the offender's address follows."""
RECEIVE_ERROR: Final = {Family.IPV4: (socket.IPPROTO_IP, 11), Family.IPV6: (socket.IPPROTO_IPV6, 25)}

ATTACH_FILTER, MEMINFO, MEMINFO_DROPS, RCVBUFFORCE = 26, 55, 8, 33
IP_RECVTTL, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IPV6_DONTFRAG = 12, 10, 23, 62
PMTUDISC_WANT, PMTUDISC_PROBE, PMTUDISC_OMIT = 1, 3, 5
TYPE_FILTER: Final = {Family.IPV4: (255, 1), Family.IPV6: (socket.IPPROTO_ICMPV6, 1)}
"""SOL_RAW, ICMP_FILTER (linux/icmp.h); ICMPV6_FILTER (linux/icmpv6.h)."""
RECEIVE_BUFFER_BYTES = 4 << 20

ADDRESS_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
PROTOCOLS = {Family.IPV4: socket.IPPROTO_ICMP, Family.IPV6: socket.IPPROTO_ICMPV6}
NO_RIGHT = """\
cannot open an ICMP socket: this process has no capability CAP_NET_RAW, and its group is outside \
net.ipv4.ping_group_range. Run: sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"\
"""


class OpenSocket:
    """A non-blocking ICMP socket with everything switched on.

    Attributes:
        sock: the socket.
        identifier: the identifier that its requests carry and by which its replies are told.
        has_ip_header: what it receives begins with the IPv4 header (raw IPv4 sockets only).
    """

    __slots__ = ("has_ip_header", "identifier", "sock")

    def __init__(self, sock: socket.socket, identifier: int, *, has_ip_header: bool) -> None:
        self.sock = sock
        self.identifier = identifier
        self.has_ip_header = has_ip_header


def open_socket(family: Family) -> OpenSocket:
    """A datagram socket where ping_group_range allows it, else a raw one.

    Raises:
        MonitorFault: neither is allowed, or the machine does not have this address family.
    """
    kind = socket.SOCK_DGRAM
    try:
        sock = _socket(family, kind)
    except PermissionError:
        kind = socket.SOCK_RAW
        try:
            sock = _socket(family, kind)
        except PermissionError as error:
            raise MonitorFault(NO_RIGHT) from error
    try:
        sock.setblocking(False)
        if kind == socket.SOCK_DGRAM:
            # Binding to port 0 makes the kernel choose an identifier; it then writes it into each request.
            sock.bind(("", 0))
            identifier = sock.getsockname()[1]
        else:
            identifier = secrets.randbelow(0xFFFF) + 1
            _filter_replies(sock, family, identifier)
        _set_options(sock, family)
    except BaseException:
        sock.close()
        raise
    return OpenSocket(sock, identifier, has_ip_header=kind == socket.SOCK_RAW and family is Family.IPV4)


def _socket(family: Family, kind: socket.SocketKind) -> socket.socket:
    try:
        return socket.socket(ADDRESS_FAMILIES[family], kind, PROTOCOLS[family])
    except PermissionError:
        raise
    except OSError as error:
        raise MonitorFault(f"cannot open an ICMP socket for {family}: {error.strerror}") from error


def _set_options(sock: socket.socket, family: Family) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    level, option = RECEIVE_ERROR[family]
    sock.setsockopt(level, option, 1)
    if family is Family.IPV4:
        sock.setsockopt(level, IP_RECVTTL, 1)
    else:
        sock.setsockopt(level, socket.IPV6_RECVHOPLIMIT, 1)
    forbid_fragments(sock, family, forbid=False)
    restart_stamp_ids(sock)


def restart_stamp_ids(sock: socket.socket) -> None:
    """Switch kernel time stamps on; the next packet that is sent gets stamp id 0."""
    # The kernel restarts the ids when OPT_ID goes from off to on.
    sock.setsockopt(socket.SOL_SOCKET, TIMESTAMPING, STAMP_FLAGS)
    sock.setsockopt(socket.SOL_SOCKET, TIMESTAMPING, STAMP_FLAGS | OPT_ID)


def forbid_fragments(sock: socket.socket, family: Family, *, forbid: bool) -> None:
    """Whether the packets that follow may be fragmented, and may exceed the path MTU known so far."""
    if family is Family.IPV4:
        # OMIT and not DONT: with DONT a datagram socket is not told about "fragmentation needed".
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE if forbid else PMTUDISC_OMIT)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE if forbid else PMTUDISC_WANT)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, int(forbid))


def cut_control(family: Family, dscp: int, hop_limit: int | None) -> list[tuple[int, int, bytes]]:
    """The control messages that give one packet its DSCP and hop limit; empty for the system's own values."""
    messages = []
    if dscp:
        option = (
            (socket.IPPROTO_IP, socket.IP_TOS) if family is Family.IPV4 else (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
        )
        messages.append((*option, struct.pack("@i", dscp << 2)))
    if hop_limit is not None:
        option = (
            (socket.IPPROTO_IP, socket.IP_TTL) if family is Family.IPV4 else (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)
        )
        messages.append((*option, struct.pack("@i", hop_limit)))
    return messages


def overflows(sock: socket.socket) -> int:
    """Packets that the kernel has thrown away so far because this socket's receive buffer was full."""
    memory = sock.getsockopt(socket.SOL_SOCKET, MEMINFO, 4 * (MEMINFO_DROPS + 1))
    return int(struct.unpack_from("@I", memory, 4 * MEMINFO_DROPS)[0]) if len(memory) > 4 * MEMINFO_DROPS else 0


def _filter_replies(sock: socket.socket, family: Family, identifier: int) -> None:
    """Let only echo replies with our identifier through: a raw socket is given everybody's ICMP."""
    # By type first, which the kernel does before it makes a copy (raw(7), RFC 3542 3.2); a set bit keeps a type out.
    reply = ECHO_REPLY[family]
    words = [0xFFFFFFFF] * (1 if family is Family.IPV4 else 8)
    words[reply // 32] &= ~(1 << reply % 32)
    sock.setsockopt(*TYPE_FILTER[family], struct.pack(f"@{len(words)}I", *words))
    # Classic BPF. An IPv4 socket's packet begins with the IP header, whose length "ldxb 4*([0]&0xf)" loads into X;
    # an IPv6 socket's begins with the ICMPv6 message, so X stays 0.
    length = (0xB1, 0, 0, 0) if family is Family.IPV4 else (0x01, 0, 0, 0)
    program = (
        length,
        (0x48, 0, 0, 4),  # ldh [x + 4]: identifier
        (0x15, 0, 1, identifier),
        (0x06, 0, 0, 0xFFFFFFFF),  # accept all of it
        (0x06, 0, 0, 0),  # drop
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("@HBBI", *line) for line in program))
    sock.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code)))
    # What arrived between opening and filtering.
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.recv(1, socket.MSG_DONTWAIT)


OWN_FAULTS: Final = frozenset({errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN})
"""Send errors that say that this machine is out of buffers: try again, never count as loss."""
