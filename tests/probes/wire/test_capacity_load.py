"""Load packets: counted once, whatever order they come in; sent at their pace, whatever the kernel can do."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.capacity_load import AT_ONCE, Meter, Pacer, prepare, read_all
from probes.wire.capacity_message import HEADER, LOAD_MAGIC
from tests.lab import need

SESSION = b"s" * 16
MILLISECOND = 1_000_000


def load(number: int, sent_ns: int = 0, session: bytes = SESSION, late_us: int = 0) -> bytes:
    return HEADER.pack(LOAD_MAGIC, late_us, session, number, sent_ns) + b"x" * 100


@given(numbers=st.lists(st.integers(0, 300), min_size=1, max_size=200))
def test_each_packet_counts_once(numbers: list[int]) -> None:
    meter = Meter(SESSION)
    for number in numbers:
        assert meter.take(load(number), 1)
    found = meter.snapshot()

    assert found.packets == len(set(numbers))
    assert found.duplicates == len(numbers) - len(set(numbers))
    assert found.highest == max(numbers)


def test_late_packets_are_received() -> None:
    meter = Meter(SESSION)
    for number in (0, 2, 1, 3):
        meter.take(load(number), 1)

    found = meter.snapshot()
    assert (found.packets, found.late, found.duplicates) == (4, 1, 0)


def test_the_mark_is_the_packet_that_was_held_up_least_since_the_last_snapshot() -> None:
    meter = Meter(SESSION)
    meter.take(load(0, sent_ns=100, late_us=1), 1105)
    meter.take(load(1, sent_ns=100), 103)
    meter.take(load(2, sent_ns=100), 109)
    first = meter.snapshot()
    meter.take(load(4, sent_ns=200), 207)
    second = meter.snapshot()

    assert (first.marked_packets, first.marked_highest, first.arrived_ns, first.sent_ns) == (2, 1, 103, 100)
    assert (first.packets, first.highest, first.late_ns) == (3, 2, 0)
    assert (second.marked_packets, second.marked_highest, second.arrived_ns, second.sent_ns) == (4, 4, 207, 200)
    assert meter.snapshot() == second


@pytest.mark.parametrize(
    "data", [b"", b"NML1", load(0, session=b"t" * 16), b"NMC1" + load(0)[4:], load(2**40)], ids=lambda data: len(data)
)
def test_what_is_no_load_of_this_session_counts_for_nothing(data: bytes) -> None:
    meter = Meter(SESSION)

    assert not meter.take(data, 1)
    assert meter.snapshot().packets == 0


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    if request.param == "::1":
        need.ipv6_loopback()
    family = socket.AF_INET6 if request.param == "::1" else socket.AF_INET
    with ExitStack() as stack:
        receiver, sender = (stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(2))
        for sock in (receiver, sender):
            prepare(sock)
        receiver.bind((request.param, 0))
        sender.connect(receiver.getsockname())
        yield receiver, sender


def test_packets_go_out_at_their_pace(pair: tuple[socket.socket, socket.socket]) -> None:
    receiver, sender = pair
    pacer = Pacer(sender, SESSION, 500)
    pacer.set_gap(MILLISECOND, 0)
    for now in range(0, 50 * MILLISECOND, 5 * MILLISECOND):
        pacer.send(now)

    arrivals, overflow = read_all(receiver)
    meter = Meter(SESSION)
    for data, arrived_ns, _peer in arrivals:
        assert len(data) == 500
        assert abs(time.monotonic_ns() - arrived_ns) < 10**9
        assert meter.take(data, arrived_ns)
    found = meter.snapshot()
    assert (pacer.sent, found.packets, overflow) == (46, 46, 0)
    assert HEADER.unpack_from(arrivals[-1][0])[4] == 45 * MILLISECOND  # its turn, whenever it went out
    assert pacer.stalled == 0


def test_a_sender_that_was_late_does_not_make_a_burst(pair: tuple[socket.socket, socket.socket]) -> None:
    _receiver, sender = pair
    pacer = Pacer(sender, SESSION, 100)
    pacer.set_gap(MILLISECOND, 0)
    pacer.send(0)
    pacer.send(1000 * MILLISECOND)

    assert pacer.sent <= 13
    assert pacer.stalled == 1


def test_nothing_is_sent_while_the_pace_is_nought(pair: tuple[socket.socket, socket.socket]) -> None:
    _receiver, sender = pair
    pacer = Pacer(sender, SESSION, 100)
    pacer.send(5)
    pacer.set_gap(MILLISECOND, 10)
    pacer.set_gap(0, 20)
    pacer.send(10**9)

    assert pacer.sent == 0
    assert pacer.due_ns(7) > 7


class Kernel:
    """A socket whose kernel lacks something."""

    def __init__(self, *, segments: bool, room: int = 10**6) -> None:
        self.segments = segments
        self.room = room
        self.numbers: list[int] = []

    def sendmsg(self, buffers: list[Any], notes: Any = (), flags: int = 0, *to: Any) -> None:
        if notes and not self.segments:
            raise OSError(errno.EIO, "no segmentation offload")
        if self.room <= len(self.numbers):
            raise OSError(errno.EAGAIN, "full")
        data = bytes(buffers[0])
        size = int.from_bytes(notes[0][2], "little") if notes else len(data)
        self.numbers += [HEADER.unpack_from(data, at)[3] for at in range(0, len(data), size)]


def test_without_segmentation_offload_they_go_one_by_one() -> None:
    kernel = Kernel(segments=False)
    pacer = Pacer(kernel, SESSION, 100)  # type: ignore[arg-type]
    pacer.set_gap(MILLISECOND // 10, 0)
    pacer.send(9 * MILLISECOND)

    assert kernel.numbers == list(range(91))


def test_many_are_sent_in_parts() -> None:
    kernel = Kernel(segments=True)
    pacer = Pacer(kernel, SESSION, 100)  # type: ignore[arg-type]
    pacer.set_gap(MILLISECOND // 20, 0)
    pacer.send(9 * MILLISECOND)

    assert kernel.numbers == list(range(181))
    assert AT_ONCE < 181


def test_what_the_interface_does_not_take_is_not_sent() -> None:
    """A number that was not sent must not be missing at the other end: it would look like a loss on the line."""
    kernel = Kernel(segments=False, room=3)
    pacer = Pacer(kernel, SESSION, 100)  # type: ignore[arg-type]
    pacer.set_gap(MILLISECOND, 0)
    pacer.send(5 * MILLISECOND)
    kernel.room = 10**6
    pacer.send(7 * MILLISECOND)

    assert kernel.numbers == list(range(len(kernel.numbers)))
    assert pacer.stalled == 1
