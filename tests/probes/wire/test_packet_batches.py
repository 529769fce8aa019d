"""Batches of packets over real sockets on loopback."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import socket
import struct
from collections.abc import Iterator

import pytest

from probes.wire.packet_batches import NAME_ROOM, Inbox, Outbox
from tests.lab import need

NAMES = {
    socket.AF_INET: ("127.0.0.1", struct.Struct("=HH4s8x")),
    socket.AF_INET6: ("::1", struct.Struct("=HHI16sI")),
}


def name_of(sock: socket.socket) -> bytes:
    host, port = sock.getsockname()[:2]
    packed = socket.inet_pton(sock.family, host)
    middle = (packed,) if sock.family == socket.AF_INET else (0, packed, 0)
    return NAMES[sock.family][1].pack(sock.family, socket.htons(port), *middle)


@contextlib.contextmanager
def sockets(family: int = socket.AF_INET) -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.socket(family, socket.SOCK_DGRAM) as one, socket.socket(family, socket.SOCK_DGRAM) as other:
        for sock in (one, other):
            sock.bind((NAMES[family][0], 0))
        yield one, other


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_what_one_batch_sends_another_receives(family: socket.AddressFamily) -> None:
    """Each packet with its own head, the common tail, its source, and its control messages."""
    if family == socket.AF_INET6:
        need.ipv6_loopback()
    with sockets(family) as (sender, receiver):
        if family == socket.AF_INET:
            receiver.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
        name = name_of(receiver)
        outbox = Outbox(4, name_size=len(name), head_size=2)
        tail = ctypes.create_string_buffer(b"tail", 4)
        outbox.fill([name] * 3, [b"h%d" % n for n in range(3)], [tail] * 3)
        assert outbox.send(sender, 3) == 3

        inbox = Inbox(4, data_room=16, control_room=64)
        assert inbox.receive(receiver) == 3
        for n in range(3):
            packet = inbox.packet(n)
            assert packet.data == b"h%dtail" % n
            assert packet.name == name_of(sender)
            if family == socket.AF_INET:
                assert packet.control == [(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("@i", 64))]
            start = n * inbox.stride
            assert bytes(inbox.slots[start : start + NAME_ROOM]).rstrip(b"\0") == packet.name.rstrip(b"\0")
        with pytest.raises(BlockingIOError):
            inbox.receive(receiver)


def test_nothing_of_an_earlier_batch_is_left() -> None:
    """A shorter packet in the same slot does not show the end of the longer one before it."""
    with sockets() as (sender, receiver):
        inbox = Inbox(1, data_room=16, control_room=16)
        for sent in (b"a long packet", b"short"):
            sender.sendto(sent, receiver.getsockname())
            assert inbox.receive(receiver) == 1
            assert inbox.packet(0).data == sent
            assert bytes(inbox.slots[NAME_ROOM : NAME_ROOM + 16]) == sent.ljust(16, b"\0")


def test_a_longer_packet_is_cut() -> None:
    """And so is a control message for which there is no room."""
    with sockets() as (sender, receiver):
        receiver.setsockopt(socket.IPPROTO_IP, 12, 1)
        sender.sendto(b"x" * 100, receiver.getsockname())
        inbox = Inbox(1, data_room=8, control_room=8)
        assert inbox.receive(receiver) == 1
        assert inbox.packet(0).data == b"x" * 8
        assert inbox.packet(0).control == []


def test_a_refused_packet_ends_the_batch_and_is_told_when_it_is_the_first() -> None:
    """sendmmsg(2): the number sent before it; the error only when it is asked to begin with that packet."""
    with sockets() as (sender, receiver):
        good = name_of(receiver)
        broadcast = NAMES[socket.AF_INET][1].pack(socket.AF_INET, socket.htons(9), b"\xff" * 4)
        outbox = Outbox(3, name_size=len(good), head_size=1)
        tail = ctypes.create_string_buffer(b"", 0)
        outbox.fill([good, broadcast, good], [b"x"] * 3, [tail] * 3)
        assert outbox.send(sender, 3) == 1
        outbox.fill([broadcast], [b"x"], [tail])
        with pytest.raises(OSError, match="denied") as caught:
            outbox.send(sender, 1)
        assert caught.value.errno == errno.EACCES
