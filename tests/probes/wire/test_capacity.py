"""The near end of capacity tests against a real reflector on loopback, and against what is none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import Any

import pytest

from probes.base import Failure, Family, MonitorFault, NetworkFailure
from probes.wire.capacity import CapacityRun, CapacityWire, Conductor, Stop
from probes.wire.capacity_reflector import Limits
from tests.lab import need
from tests.lab.reflector import KEY, RATE, Steady, reflector

pytestmark = pytest.mark.alone  # it measures capacity

BITS = 8 * 1000


async def run(port: int, made: list[Steady] | None = None, **changes: Any) -> CapacityRun:
    seconds = changes.pop("load_seconds", 0.5)
    wire: CapacityWire = changes.pop("wire", None) or CapacityWire(
        {"default": KEY, "wrong": b"another key that is long"}
    )

    def conductor(now: float, _round_trip: float) -> Conductor:
        steady = Steady(now, seconds)
        if made is not None:
            made.append(steady)
        return steady

    options: dict[str, Any] = {
        "family": Family.IPV4, "key": "default", "down": False, "datagram_bytes": 972, "packet_bits": BITS,
        "highest": 5e6, "seconds": 5.0, "conductor": conductor, "stop": Stop(), "timeout": 2.0,
    }  # fmt: skip
    return await wire.run(changes.pop("address", "127.0.0.1"), port, **{**options, **changes})


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("family", Family)
async def test_load_comes_through_in_both_directions(down: bool, family: Family) -> None:
    address = "127.0.0.1"
    if family is Family.IPV6:
        need.ipv6_loopback()
        address = "::1"
    made: list[Steady] = []
    with reflector(address=address) as there:
        found = await run(there.port, made, down=down, family=family, address=address)

    last = made[0].taken[-1]
    assert found.stopped == ""
    assert 0 < found.round_trip_seconds < 0.5
    assert last.packets > 0.5 * 0.5 * RATE / BITS
    assert last.packets == last.highest + 1
    assert found.packets_sent >= last.packets
    assert (there.counts.tests, there.counts.refused) == (1, 0)


class _Slow(asyncio.DatagramProtocol):
    """Passes datagrams on between a client and a reflector, each so much later."""

    def __init__(self, port: int, seconds: float) -> None:
        self._far, self._seconds = ("127.0.0.1", port), seconds
        self.asked = 0
        self._near: Any = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if addr != self._far:
            self._near = addr
            self.asked += 1
        to = self._near if addr == self._far else self._far
        asyncio.get_running_loop().call_later(self._seconds, self._transport.sendto, data, to)


async def test_an_answer_to_an_earlier_question_tells_the_round_trip() -> None:
    """Over a satellite the question is asked again before its answer can be there."""
    with reflector() as there:
        transport, _slow = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Slow(there.port, 0.25), local_addr=("127.0.0.1", 0)
        )
        with contextlib.closing(transport):
            found = await run(transport.get_extra_info("sockname")[1], timeout=5.0)

    assert found.stopped == ""
    assert found.round_trip_seconds == pytest.approx(0.5, abs=0.1)


class _Restless(Steady):
    """Changes the rate each time that it is told something."""

    def rate(self, now: float) -> float:
        return super().rate(now) * (1 + len(self.taken) % 2 / 10)


async def test_a_rate_that_changes_all_the_time_does_not_fill_the_line_with_reports() -> None:
    """At 450 a second they had taken 2 % of a line of 45 Mbit/s, which the load then did not get."""
    with reflector() as there:
        transport, relay = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Slow(there.port, 0.0), local_addr=("127.0.0.1", 0)
        )
        wire = CapacityWire({"default": KEY})
        with contextlib.closing(transport):
            await wire.run(
                "127.0.0.1", transport.get_extra_info("sockname")[1], family=Family.IPV4, key="default", down=True,
                datagram_bytes=972, packet_bits=BITS, highest=5e6, seconds=5.0, stop=Stop(), timeout=2.0,
                conductor=lambda now, _round_trip: _Restless(now, 1.0),
            )  # fmt: skip

    assert 30 <= relay.asked <= 50


async def test_a_wrong_key_gets_no_answer() -> None:
    with reflector() as there, pytest.raises(NetworkFailure) as caught:
        await run(there.port, key="wrong", timeout=0.5)

    assert caught.value.failure is Failure.TIMEOUT
    assert "its key is another one" in caught.value.detail
    assert there.counts.strangers >= 1


async def test_an_unknown_key_is_our_own_fault() -> None:
    with pytest.raises(MonitorFault, match="no reflector key is called 'none'"):
        await run(1, key="none")


async def test_nobody_there_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(NetworkFailure) as caught:
        await run(port)

    assert caught.value.failure is Failure.REFUSED


async def test_a_busy_reflector_is_nobodys_fault() -> None:
    with reflector() as there:
        first = asyncio.create_task(run(there.port, load_seconds=0.8))
        await asyncio.sleep(0.3)
        with pytest.raises(MonitorFault, match="another test is under way"):
            await run(there.port)
        assert (await first).stopped == ""


async def test_a_test_can_be_ended_and_gives_what_it_has() -> None:
    wire, made = CapacityWire({"default": KEY}), []
    with reflector() as there:
        test = asyncio.create_task(run(there.port, made, wire=wire, load_seconds=5.0))
        await asyncio.sleep(0.4)
        begun = time.monotonic()
        wire.abort("an emergency was declared")
        found = await test

    assert time.monotonic() - begun < 0.3
    assert found.stopped == "an emergency was declared"
    assert made[0].taken[-1].packets > 0


async def test_a_cancelled_test_ends_its_load() -> None:
    made: list[Steady] = []
    with reflector() as there:
        test = asyncio.create_task(run(there.port, made, load_seconds=5.0))
        await asyncio.sleep(0.3)
        test.cancel()
        with pytest.raises(asyncio.CancelledError):
            await test
        count = len(made[0].taken)
        await asyncio.sleep(0.2)

    assert len(made[0].taken) == count


async def test_without_time_it_ends() -> None:
    with reflector() as there:
        found = await run(there.port, seconds=0.3, load_seconds=5.0)

    assert found.stopped == "the time was not enough"


async def test_a_reflector_that_falls_silent_ends_the_test() -> None:
    with reflector() as there:
        test = asyncio.create_task(run(there.port, load_seconds=8.0, seconds=9.0))
        await asyncio.sleep(0.3)
    # It is gone: the kernel answers with ICMP, or nobody does.
    begun = time.monotonic()
    try:
        stopped = (await test).stopped
    except NetworkFailure as error:
        stopped = error.failure.value
    assert stopped in {"the reflector fell silent", "refused"}
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(bits_per_second=1e6), "it allows 1000000 bit/s"),
        (Limits(seconds=1.0), "it allows 1000 ms"),
        (Limits(tests_an_hour=0), "it allows 0 tests an hour"),
    ],
)
async def test_a_refusal_says_what_is_allowed(limits: Limits, words: str) -> None:
    with reflector(limits) as there, pytest.raises(MonitorFault, match=words):
        await run(there.port)
    assert there.counts.refused == 1
