"""Load packets: sending them at a pace, and counting those that come. Shared by both ends of a capacity test."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import time
from typing import Any, Final

from probes.wire.capacity_message import HEADER, LOAD_MAGIC, Snapshot

__all__ = ["BUFFER_BYTES", "READ_BYTES", "Arrival", "Meter", "Pacer", "prepare", "read_all"]

# linux/udp.h, linux/in.h, linux/in6.h, asm-generic/socket.h; Python's socket module does not have all of them.
UDP_SEGMENT: Final = 103
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IPV6_MTU_DISCOVER = 10, 2, 23
SO_RCVBUFFORCE, SO_TIMESTAMPNS, SO_RXQ_OVFL = 33, 35, 40
TIMESPEC: Final = struct.Struct("@qq")
NO_SEGMENTATION: Final = frozenset({errno.EIO, errno.EINVAL, errno.EOPNOTSUPP})
FULL: Final = frozenset({errno.EAGAIN, errno.ENOBUFS})

BUFFER_BYTES: Final = 4 << 20
READ_BYTES: Final = 2048
READS_AT_ONCE: Final = 512
TICK_NS: Final = 1_000_000
"""So much time's packets go out together: waking up costs more than sending."""
BURST_NS: Final = 10_000_000
"""A sender that was late catches up with so much time's packets at the most: a test must not become a burst."""
MOST_LATE_US: Final = 2**32 - 1
STALL_NS: Final = 25_000_000
AT_ONCE: Final = 40
WINDOW: Final = 1 << 16
"""Sequence numbers that are remembered to know duplicates: 6 s at 100 Mbit/s."""

Arrival = tuple[bytes, int, Any]
"""A datagram, when it came by the monotonic clock (ns), and from where."""


def prepare(sock: socket.socket) -> None:
    """Set up a UDP socket: no fragments, a large buffer, the kernel's time of each arrival and its count of drops."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    except PermissionError:  # up to net.core.rmem_max; what does not fit is counted
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    sock.setblocking(False)


def read_all(sock: socket.socket) -> tuple[list[Arrival], int]:
    """Everything that waits in a socket, up to a limit; and how many packets the kernel has dropped since its opening.

    The second figure is 0 if it did not say.

    Raises:
        OSError: an ICMP error came for what was sent.
    """
    # The kernel's stamps are of the wall clock, which may be set: they are translated at once.
    ahead = time.time_ns() - time.monotonic_ns()
    arrivals: list[Arrival] = []
    overflow = 0
    while len(arrivals) < READS_AT_ONCE:
        try:
            data, notes, _flags, address = sock.recvmsg(READ_BYTES, 64)
        except BlockingIOError:
            break
        came = 0
        for _level, kind, value in notes:
            if kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = TIMESPEC.unpack(value)
                came = seconds * 1_000_000_000 + nanoseconds - ahead
            elif kind == SO_RXQ_OVFL:
                overflow = int.from_bytes(value, sys.byteorder)
        arrivals.append((data, came or time.monotonic_ns(), address))
    return arrivals, overflow


class Meter:
    """Counts the load packets of one session.

    Attributes:
        packets: different load packets so far.
        highest: the highest sequence number, -1 before the first.
        overflow: packets that this machine dropped since its socket was opened.
    """

    def __init__(self, session: bytes) -> None:
        self.packets = 0
        self.highest = -1
        self.overflow = 0
        self._session = session
        self._seen = bytearray(WINDOW)
        self._late = self._duplicates = 0
        self._mark = (0, -1, 0, 0, 0)
        self._fresh = True
        self._least_ns = 0

    def take(self, data: bytes, arrived_ns: int) -> bool:
        """Count a datagram if it is a load packet of this session."""
        if len(data) < HEADER.size or data[:4] != LOAD_MAGIC:
            return False
        _magic, late_us, session, number, sent_ns = HEADER.unpack_from(data)
        if session != self._session:
            return False
        ahead = number - self.highest
        if ahead > WINDOW // 2:
            return False  # no pace makes such a jump: it is not what our sender sent
        if ahead <= 0:
            if -ahead >= WINDOW or self._seen[number % WINDOW]:
                self._duplicates += 1
                return True
            self._late += 1
            self._seen[number % WINDOW] = 1
            self.packets += 1
            return True
        for skipped in range(self.highest + 1, number):
            self._seen[skipped % WINDOW] = 0
        self.highest = number
        self._seen[number % WINDOW] = 1
        self.packets += 1
        delay_ns = arrived_ns - sent_ns - late_us * 1000
        if self._fresh or delay_ns < self._least_ns:
            self._least_ns = delay_ns
            self._mark = (self.packets, number, arrived_ns, sent_ns, late_us * 1000)
        self._fresh = False
        return True

    def snapshot(self, *, sent_packets: int = 0, stalled: int = 0) -> Snapshot:
        """What was seen so far; the mark is that since the last call, or the last one that there was."""
        self._fresh = True
        packets, highest, arrived_ns, sent_ns, late_ns = self._mark
        return Snapshot(
            packets=self.packets, highest=self.highest, late=self._late, duplicates=self._duplicates,
            overflow=self.overflow, marked_packets=packets, marked_highest=highest, arrived_ns=arrived_ns,
            sent_ns=sent_ns, late_ns=late_ns, sent_packets=sent_packets, stalled=stalled,
        )  # fmt: skip


class Pacer:
    """Sends load packets at a pace: a few at a time, with one call of the kernel (generic segmentation offload).

    Attributes:
        sent: packets that the kernel took.
        stalled: how often this machine kept it from its pace for 25 ms and more, or its own interface was full.
    """

    def __init__(self, sock: socket.socket, session: bytes, datagram_bytes: int, *, to: Any = None) -> None:
        self.sent = 0
        self.stalled = 0
        self._sock = sock
        self._session = session
        self._size = datagram_bytes
        self._to = () if to is None else (to,)
        self._at_once = min(AT_ONCE, 64_000 // datagram_bytes)
        # Random, so that nothing on the way can make it smaller.
        self._buffer = memoryview(bytearray(os.urandom(datagram_bytes * self._at_once)))
        self._segments = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", datagram_bytes))]
        self._gap_ns = 0
        self._due_ns = 0

    def set_gap(self, gap_ns: int, now_ns: int) -> None:
        """Change the time between two packets; 0 stops."""
        if not self._gap_ns:
            self._due_ns = now_ns
        self._gap_ns = gap_ns

    def due_ns(self, now_ns: int) -> int:
        """When to call :meth:`send`."""
        return self._due_ns + max(0, TICK_NS - self._gap_ns) if self._gap_ns else now_ns + 1_000_000_000

    def send(self, now_ns: int) -> None:
        """Send what is due.

        Raises:
            OSError: the network refused it.
        """
        gap_ns = self._gap_ns
        if not gap_ns or now_ns < self._due_ns:
            return
        behind_ns = now_ns - self._due_ns
        if behind_ns > STALL_NS:
            self.stalled += 1
        if behind_ns > BURST_NS:
            self._due_ns = now_ns - max(BURST_NS, gap_ns)
        count = int((now_ns - self._due_ns) // gap_ns) + 1
        while count > 0:
            batch = min(count, self._at_once)
            taken = self._send(batch, gap_ns)
            self.sent += taken
            self._due_ns += gap_ns * batch
            count -= batch
            if taken < batch:
                self.stalled += 1
                return

    def _send(self, count: int, gap_ns: int) -> int:
        size, due_ns = self._size, self._due_ns
        behind_us = (time.monotonic_ns() - due_ns) // 1000
        step_us = gap_ns / 1000
        for place in range(count):
            HEADER.pack_into(
                self._buffer, place * size, LOAD_MAGIC, min(max(0, int(behind_us - place * step_us)), MOST_LATE_US),
                self._session, self.sent + place, due_ns + place * gap_ns,
            )  # fmt: skip
        if self._segments and count > 1:
            try:
                self._sock.sendmsg([self._buffer[: count * size]], self._segments, 0, *self._to)
            except OSError as error:
                if error.errno in FULL:
                    return 0
                if error.errno not in NO_SEGMENTATION:
                    raise
                self._segments = []  # this kernel or interface cannot: one by one, then
            else:
                return count
        for place in range(count):
            try:
                self._sock.sendmsg([self._buffer[place * size : (place + 1) * size]], (), 0, *self._to)
            except OSError as error:
                if error.errno in FULL:
                    return place
                raise
        return count
