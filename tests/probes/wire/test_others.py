"""Others' traffic beside a test's own, by a router's counters that are exact, or a copy of some seconds ago."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from probes.base import CounterSample, Endpoint, Failure, Family, NetworkFailure
from probes.wire import others as module
from probes.wire.others import Others

NEAR = Endpoint(host="192.0.2.1", family=Family.IPV4)


class World:
    """A router's counter, our own octets, and time that passes as fast as it is slept away.

    Attributes:
        own_rate, others_rate: bits per second at each moment.
        copy: the router copies its counters so often, seconds; 0 for never.
    """

    def __init__(self, own_rate: Any, others_rate: Any, *, copy: float = 0.0, age: float = 0.0) -> None:
        self.now = 0.0
        self.own = 0.0
        self.octets = 1_000.0
        self.bits: int = 64
        self.ended: list[str] = []
        self._own_rate, self._others_rate = own_rate, others_rate
        self._copy, self._copied, self._copied_at = copy, 1_000.0, 0.0
        self._next = copy - age
        self._real_sleep = asyncio.sleep

    async def sleep(self, seconds: float) -> None:
        for _step in range(round(seconds * 100)):
            own, others = self._own_rate(self.now) / 800, self._others_rate(self.now) / 800
            self.own += own
            self.octets += own + others
            self.now += 0.01
            if self._copy and self.now >= self._next:
                self._copied, self._next = self.octets, self._next + self._copy
        await self._real_sleep(0)

    async def read_interface(self, *_words: Any, **_options: Any) -> Any:
        octets = round(self._copied if self._copy else self.octets)
        sample = CounterSample(value=octets, bits=self.bits, clock_seconds=self.now)  # type: ignore[arg-type]
        return SimpleNamespace(counters={"out_octets": sample})

    async def resolve(self, *_words: Any) -> str:
        return "192.0.2.1"


async def watched(world: World, monkeypatch: pytest.MonkeyPatch, *, seconds: float = 10, most: float = 15e6) -> Others:
    wires: Any = SimpleNamespace(names=world, snmp=None)
    others = Others(
        wires, NEAR, auth="a", interface="wan", direction="to_site", most_bits_per_second=most,
        own_octets=lambda: world.own, end=world.ended.append,
    )  # fmt: skip
    monkeypatch.setattr(module, "read_interface", world.read_interface)
    assert await others.begin() == ""
    monkeypatch.setattr(module.asyncio, "sleep", world.sleep)
    task = asyncio.create_task(others.watch())
    while not task.done() and world.now < seconds:
        await world._real_sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return others


def constant(rate: float) -> Any:
    return lambda _now: rate


async def test_our_own_load_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(constant(50e6), constant(4e6))
    others = await watched(world, monkeypatch)

    assert world.ended == []
    assert others.mean == pytest.approx(4e6, rel=1e-3)


async def test_traffic_that_appears_ends_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(constant(50e6), lambda now: 20e6 if now > 4 else 1e6)
    await watched(world, monkeypatch)

    assert world.ended in (["others sent 19.8 Mbit/s"], ["others sent 20.0 Mbit/s"])
    assert world.now < 6.1


async def test_others_count_while_the_line_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the load they had 10 Mbit/s, under it 3: only that was carried beside the load."""
    world = World(lambda now: 50e6 if now > 5 else 1e5, lambda now: 3e6 if now > 5 else 10e6)
    others = await watched(world, monkeypatch)

    assert others.mean == pytest.approx(3e6, rel=0.02)


@pytest.mark.parametrize("copy", [3.0, 5.0])
@pytest.mark.parametrize("age", [0.0, 1.5, 2.9])
async def test_a_copy_of_the_counters_ends_nothing_by_itself(
    copy: float, age: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test ends after 50 Mbit/s of its own for three seconds come at once, if they are taken for others'."""
    world = World(lambda now: 50e6 if now > 2 else 0.0, constant(2e6), copy=copy, age=age)
    others = await watched(world, monkeypatch, seconds=20)

    assert world.ended == []
    assert others.mean is None


@pytest.mark.parametrize("age", [0.0, 1.5, 2.9])
async def test_traffic_ends_the_test_behind_a_copy_too(age: float, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(constant(20e6), lambda now: 30e6 if now > 8 else 1e6, copy=3.0, age=age)
    await watched(world, monkeypatch, seconds=30)

    assert len(world.ended) == 1
    assert 8 < world.now < 15


async def test_a_counter_of_32_bits_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(constant(1e6), constant(90e6))
    world.bits = 32
    monkeypatch.setattr(module, "read_interface", world.read_interface)
    wires: Any = SimpleNamespace(names=world, snmp=None)
    others = Others(
        wires, NEAR, auth="a", interface="wan", direction="to_site", most_bits_per_second=1e6,
        own_octets=lambda: 0.0, end=world.ended.append,
    )  # fmt: skip

    assert "64-bit" in await others.begin()
    await others.watch()
    assert (others.mean, world.ended) == (None, [])


async def test_a_router_without_an_address_is_told() -> None:
    class Lost:
        async def resolve(self, *_words: Any) -> str:
            raise NetworkFailure(Failure.NAME_SERVER, "looking up router: no answer")

    wires: Any = SimpleNamespace(names=Lost(), snmp=None)
    others = Others(
        wires, NEAR, auth="a", interface="wan", direction="to_site", most_bits_per_second=1e6,
        own_octets=lambda: 0.0, end=lambda _reason: None,
    )  # fmt: skip

    assert await others.begin() == "looking up router: no answer"
    await others.watch()
    assert others.mean is None
