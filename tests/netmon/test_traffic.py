"""Traffic from end to end: a real agent over UDP whose device restarts, counts anew and breaks between two polls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from netmon.config.defaults import CHECK_DEFAULTS
from netmon.demo.agent import SnmpAgent
from netmon.model import Observation, Status
from netmon.runner import Clock, Runner
from netmon.words import reason_sentence
from probes.uplink import KIND, UplinkParams
from tests.lab.checks import check
from tests.lab.router import Port, Router
from tests.lab.snmp_wires import endpoint, open_wires

TRAFFIC = 1_000_000
"""Octets a second, as long as nothing else is said."""
RATE = "in_bytes_per_second[far]"


class Polled:
    """A line polled each minute of a clock that the test owns."""

    def __init__(self, wires: Any, agent: SnmpAgent, port: int) -> None:
        self.router = Router(ports={3: Port(name="wan"), 4: Port(name="lan", in_octets=10**13)})
        self.now_ns = 0
        self._agent = agent
        self.params = UplinkParams(count=1, far_auth="default", far_interface="wan", provisioned_bits_per_second=50e6)
        self._check = replace(
            check("site/line/uplink"),
            kind="uplink",
            thresholds=CHECK_DEFAULTS["uplink"].thresholds,
            endpoints={end: endpoint(port) for end in ("near", "far")},
            params=self.params,
        )  # fmt: skip
        self.runner = Runner(
            kinds={"uplink": KIND}, wires=wires, emit=lambda _: None, missed=lambda _: None,
            clock=Clock(wall_ns=lambda: self.now_ns),
        )  # fmt: skip

    @property
    def wan(self) -> Port:
        return next(port for port in self.router.ports.values() if port.name == "wan")

    async def minute(self, traffic: int = TRAFFIC) -> Observation:
        """A minute goes by, then the line is asked."""
        self.now_ns += 60 * 10**9
        self.router.uptime += 60
        self.wan.in_octets += traffic * 60
        return await self.poll()

    async def poll(self) -> Observation:
        self.router.update(self._agent)
        return await self.runner.run_once(self._check, self.now_ns)

    def change(self, **fields: Any) -> None:
        """Somebody edited the check in the inventory."""
        self._check = replace(self._check, **fields)
        self.runner.keep([self._check])

    def restart_netmon(self, last: Observation) -> None:
        """As if it had been started anew and read its archive."""
        self.runner.seed(self._check, last)


@pytest.fixture
async def line() -> AsyncIterator[Polled]:
    agent = Router().agent()
    _, port = await agent.start()
    async with open_wires(pings=True) as wires:
        yield Polled(wires, agent, port)
    agent.close()


async def test_no_spike_whatever_the_device_does(line: Polled) -> None:
    assert RATE not in (await line.minute()).derived
    assert (await line.minute()).derived[RATE] == TRAFFIC

    line.router.ports = {7: line.router.ports[3], 3: line.router.ports[4]}  # a card was added
    assert RATE not in (await line.minute()).derived
    assert (await line.minute()).derived[RATE] == TRAFFIC

    line.router.uptime, line.wan.in_octets = 5.0, 17  # it was started again
    assert RATE not in (await line.minute()).derived
    assert (await line.minute()).derived[RATE] == TRAFFIC

    line.wan.in_octets, line.router.discontinuity = 10**12, 100.0  # somebody cleared the counters, and it says so
    assert RATE not in (await line.minute()).derived
    assert (await line.minute()).derived[RATE] == TRAFFIC

    line.wan.in_octets = 3  # somebody cleared the counters, and it does not say so
    assert RATE not in (await line.minute()).derived
    assert (await line.minute()).derived[RATE] == TRAFFIC

    line.wan.in_octets += 2**40  # a broken driver
    broken = await line.minute()
    assert RATE not in broken.derived
    assert broken.status is Status.DEGRADED
    assert reason_sentence(broken.reasons[0]) == (
        "counters went faster than the interface's speed allows (1), and no rate was made of them: "
        "they or the speed are wrong [far end]"
    )
    after = await line.minute()
    assert (after.derived[RATE], after.status) == (TRAFFIC, Status.UP)


async def test_a_32_bit_counter_wraps_without_a_spike(line: Polled) -> None:
    line.wan.wide = False
    line.router.ports[3].in_octets = 2**32 - 90 * TRAFFIC
    # It has but ifDescr, and no ifCounterDiscontinuityTime: nobody vouches for the counter.
    line.change(params=line.params.model_copy(update={"far_interface": "Ethernet 3"}))

    rates = [(await line.minute()).derived.get(RATE) for _ in range(4)]

    assert rates == [None, None, TRAFFIC, TRAFFIC]


async def test_a_device_that_was_away_for_an_hour_and_counted_on(line: Polled) -> None:
    """It restarted, and its clock has passed that of the sample before: only netmon's clock knows of the hour."""
    await line.minute()
    last = await line.minute()
    line.now_ns += 3600 * 10**9
    line.restart_netmon(last)
    line.wan.in_octets += 10**8

    assert RATE not in (await line.minute()).derived


async def test_a_cable_that_negotiates_less_is_told_until_it_is_mended(line: Polled) -> None:
    line.wan.speed_bits_per_second = 1_000_000_000
    assert (await line.minute()).status is Status.UP

    line.wan.speed_bits_per_second = 100_000_000
    slower = await line.minute()
    line.restart_netmon(slower)
    still = await line.minute()

    for observation in (slower, still):
        assert observation.status is Status.DEGRADED
        assert [reason_sentence(reason) for reason in observation.reasons] == [
            "the interface runs at 10 % of the fastest speed it had: look at cable and port [far end]"
        ]
    line.wan.speed_bits_per_second = 1_000_000_000
    assert (await line.minute()).status is Status.UP


async def test_a_slower_port_that_is_meant_is_taken_over_with_the_inventory(line: Polled) -> None:
    line.wan.speed_bits_per_second = 1_000_000_000
    await line.minute()
    line.wan.speed_bits_per_second = 100_000_000
    assert (await line.minute()).status is Status.DEGRADED

    line.change(timeout_seconds=4.0)

    assert (await line.minute()).status is Status.UP


async def test_an_interface_below_the_provisioned_bandwidth_is_told(line: Polled) -> None:
    line.wan.speed_bits_per_second = 10_000_000

    found = await line.minute(traffic=100_000)

    assert "the interface's speed is 20 % of the provisioned bandwidth [far end]" in map(reason_sentence, found.reasons)
