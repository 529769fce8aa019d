"""Pings of addresses that the kernel answers: counts, kernel stamps, families, a stepped clock; the pure parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.base import Failure, Family, MonitorFault
from probes.wire import icmp, icmp_socket
from probes.wire.echo import Echo, readings_of, reordered
from probes.wire.icmp import IcmpWire
from probes.wire.icmp_layout import destination
from probes.wire.icmp_messages import ErrorMessage
from probes.wire.icmp_packets import ECHO, EchoRequest, checksum_of
from probes.wire.packet_batches import Received
from tests.lab import need
from tests.lab.soak import damaged, scale

SHORT = st.integers(0, 2**16 - 1)


@pytest.fixture
async def wire() -> AsyncIterator[IcmpWire]:
    made = IcmpWire()
    yield made
    await made.aclose()


async def ping(wire: IcmpWire, address: str, family: Family = Family.IPV4, **options: object) -> list[Echo]:
    settings: dict[str, object] = {"count": 5, "gap_seconds": 0.005, "timeout": 2.0, **options}
    return await wire.ping(address, family=family, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"payload_bytes": 1400}, {"dscp": 46}, {"dont_fragment": True}])
async def test_every_packet_is_answered_once_and_in_order(wire: IcmpWire, options: dict[str, object]) -> None:
    """Loopback loses, doubles and reorders nothing."""
    echoes = await ping(wire, "127.0.0.1", **options)
    assert [echo.arrival for echo in echoes] == [0, 1, 2, 3, 4]
    assert all(echo.received and echo.duplicates == 0 and echo.error is None for echo in echoes)
    assert all(echo.rtt_seconds is not None and 0 < echo.rtt_seconds < 1 for echo in echoes)
    assert {echo.reply_hop_limit for echo in echoes} == {64}


async def test_ipv6_has_a_socket_of_its_own(wire: IcmpWire) -> None:
    """The same, in the other family."""
    need.ipv6_loopback()
    echoes = await ping(wire, "::1", Family.IPV6, dscp=46)
    assert all(echo.received for echo in echoes)


async def test_a_blocked_event_loop_does_not_show_up_as_delay(wire: IcmpWire) -> None:
    """Round trips are differences of kernel stamps; user-space stamps would read 20 ms here."""
    await ping(wire, "127.0.0.1", count=1)
    running = asyncio.create_task(ping(wire, "127.0.0.1", count=20))
    while not running.done():
        time.sleep(0.02)  # noqa: ASYNC251  (the point of the test)
        await asyncio.sleep(0)
    values = sorted(echo.rtt_seconds or 1 for echo in await running)
    assert values[len(values) // 2] < 0.002


async def test_a_thousand_targets_share_one_socket(wire: IcmpWire) -> None:
    """Each answer is given to its own call."""
    calls = [ping(wire, f"127.7.{n // 250}.{n % 250 + 1}", count=3, timeout=5.0) for n in range(1000)]
    results = await asyncio.gather(*calls)
    assert all(echo.received and not echo.duplicates for echoes in results for echo in echoes)
    assert (wire.ignored, wire.late) == (0, 0)


async def test_a_call_does_not_wait_for_another_ones_next_packet(wire: IcmpWire) -> None:
    """However long the other one pauses between two packets."""
    slow = asyncio.create_task(ping(wire, "127.0.0.1", count=2, gap_seconds=60.0, timeout=600.0))
    await asyncio.sleep(0.1)
    echoes = await ping(wire, "127.0.0.2", count=1, timeout=1.0)
    assert echoes[0].received
    slow.cancel()


async def test_where_the_kernel_gives_no_send_stamps_packets_have_their_own_send_times(
    wire: IcmpWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are sent one by one, and nobody waits for stamps for ever."""
    monkeypatch.setattr(icmp_socket, "STAMP_FLAGS", icmp_socket.STAMP_FLAGS & ~icmp_socket.TX_SOFTWARE)
    monkeypatch.setattr(icmp, "STAMPS_AWAITED", 10)
    calls = [ping(wire, f"127.0.0.{n}", count=10) for n in range(1, 11)]
    results = await asyncio.gather(*calls)
    channel = wire._channels[Family.IPV4]
    assert len(channel._stamped) <= 10
    assert all(echo.received and 0 < (echo.rtt_seconds or 0) < 0.1 for echoes in results for echo in echoes)


async def test_a_stepped_clock_discards_the_sample() -> None:
    """Kernel stamps are wall-clock time: a step in between makes their difference meaningless."""
    shift = [0]

    def realtime_ns() -> int:
        shift[0] += 10_000_000  # the clock is stepped all the time
        return time.time_ns() + shift[0]

    wire = IcmpWire(realtime_ns=realtime_ns)
    echoes = await ping(wire, "127.0.0.1")
    await wire.aclose()
    assert all(echo.received and echo.discarded and echo.rtt_seconds is None for echo in echoes)


async def test_closing_fails_what_is_under_way_as_our_own_fault() -> None:
    """The target is not blamed."""
    wire = IcmpWire()
    call = asyncio.create_task(ping(wire, "127.0.0.1", count=100, gap_seconds=0.1, timeout=20.0))
    await asyncio.sleep(0.05)
    await wire.aclose()
    with pytest.raises(MonitorFault):
        await call


@pytest.mark.parametrize("quoted_bytes", [8, ECHO.size])
async def test_an_error_finds_its_packet_although_sequence_numbers_began_anew(
    wire: IcmpWire, quoted_bytes: int
) -> None:
    """RFC 792 promises eight bytes of the packet: only its sequence number tells which one it was."""
    assert all(echo.received for echo in await ping(wire, "127.0.0.1"))
    channel = wire._channels[Family.IPV4]
    channel._sequence = icmp.SEQUENCES - 2
    call = asyncio.create_task(ping(wire, "127.0.0.1", gap_seconds=0.2))
    await asyncio.sleep(0.05)
    (found,) = channel._calls.values()
    found.numbered = found.count  # as if they had been sent
    packet = found.request.head(2, found.number, 4)
    channel._take_error(ErrorMessage(failure=Failure.NO_ROUTE), packet[:quoted_bytes], found.source)
    assert found.errors.keys() == {4}
    call.cancel()


@pytest.mark.soak
async def test_no_packet_breaks_the_reply_table(wire: IcmpWire) -> None:
    """Whatever comes is ignored, late, a duplicate or the answer; it never raises, and never counts for two."""
    call = asyncio.create_task(ping(wire, "127.0.0.1", count=2, gap_seconds=60.0, timeout=7200.0))
    await asyncio.sleep(0)
    channel = wire._channels[Family.IPV4]
    (under_way,) = channel._calls.values()
    for _turn in range(1000):
        if under_way.answered:
            break
        await asyncio.sleep(0.01)
    header = bytes([0x45]) + bytes(19) if channel._has_ip_header else b""
    _kind, *fields = ECHO.unpack(under_way.request.head(under_way.first_sequence, under_way.number, 0))
    right = ECHO.pack(0, *fields)
    originals = [header + right, header + ECHO.pack(0, *fields[:4], bytes(6), *fields[5:]), header + bytes(ECHO.size)]
    _address, name, source = destination(Family.IPV4, "127.0.0.1")
    count = scale(5_000, 5_000_000)
    for packet in damaged(originals, count):
        channel._take_packet(Received(name, bytes(packet), []))
    assert channel.ignored + channel.late + under_way.duplicates[0] == count
    assert under_way.duplicates[0] > 0
    assert under_way.answered == 1

    for quoted in damaged([right, right[:8]], count):
        channel._take_error(ErrorMessage(failure=Failure.NO_ROUTE), quoted, source)
    assert channel.ignored + channel.late < 2 * count
    assert under_way.errors[0] is not None
    call.cancel()


@pytest.mark.soak
@given(
    marks=st.lists(st.tuples(SHORT, st.integers(0, 2**32 - 1), SHORT), max_size=5),
    size=st.integers(12, 200),
    token=st.binary(min_size=6, max_size=6),
)
def test_a_marked_packet_has_the_right_checksum(marks: list[tuple[int, int, int]], size: int, token: bytes) -> None:
    """RFC 1071: the sum over a right message, its checksum included, is 0. IPv6's is the kernel's."""
    request = EchoRequest(Family.IPV4, size, identifier=0x1234, token=token)
    for sequence, call, place in marks:
        packet = request.head(sequence, call, place) + bytes(request.tail)
        assert checksum_of(packet) == 0
        assert packet[4:8] == 0x1234.to_bytes(2, "big") + sequence.to_bytes(2, "big")


@pytest.mark.soak
@given(st.permutations(range(8)))
def test_reordering_is_that_of_rfc_4737(order: list[int]) -> None:
    """A packet is reordered if one that was sent later arrived before it."""
    arrivals = {packet: place for place, packet in enumerate(order)}
    echoes = [Echo(0.1, True, arrival=arrivals[n]) for n in range(8)]
    expected = sum(any(arrivals[m] < arrivals[n] for m in range(n + 1, 8)) for n in range(8))
    assert reordered(echoes) == expected
    assert readings_of(echoes)["reordered"] == expected


@pytest.mark.soak
@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_loss_is_the_share_of_packets_without_an_answer(answered: list[bool]) -> None:
    """And without any answer there is no round trip."""
    readings = readings_of([Echo(0.1, True, arrival=0) if got else Echo() for got in answered])
    assert readings["loss_ratio"] == pytest.approx(answered.count(False) / len(answered))
    assert ("rtt_median_seconds" in readings) == any(answered)
