"""Kind uplink: both ends, counters of the right interface however it is numbered, rates through derive."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from netmon import derive
from netmon.demo.agent import SnmpAgent
from probes.base import Failure, ProbeResult, StateClass, split_key
from probes.uplink import KIND, UplinkParams, probe_uplink
from tests.lab.router import Port, Router
from tests.lab.snmp_wires import endpoint, open_wires

PING = {"count": 2, "gap_seconds": 0.01}
BOTH = {"near_auth": "default", "near_interface": "wan", "far_auth": "default", "far_interface": "wan"}


class Line:
    """Two routers, joined by loopback."""

    def __init__(self) -> None:
        self.routers = {end: Router(ports={1: Port(name="lan"), 3: Port(name="wan", alias="to site")}) for end in ENDS}
        self.agents: dict[str, SnmpAgent] = {}
        self.ports: dict[str, int] = {}

    async def start(self) -> None:
        for end, router in self.routers.items():
            self.agents[end] = router.agent()
            _, self.ports[end] = await self.agents[end].start()

    async def probe(self, *, pings: bool = True, timeout: float = 5, **fields: object) -> ProbeResult:
        for end, router in self.routers.items():
            router.update(self.agents[end])
        params = UplinkParams.model_validate({**PING, **BOTH, **fields})
        ends = {end: endpoint(port) for end, port in self.ports.items()}
        async with open_wires(pings=pings) as wires:
            return await probe_uplink(ends, params, wires=wires, timeout=timeout)


ENDS = ("near", "far")


@pytest.fixture
async def line():
    found = Line()
    await found.start()
    yield found
    for agent in found.agents.values():
        agent.close()
        assert set(agent.requests) <= {"GetRequestPDU", "GetNextRequestPDU", "GetBulkRequestPDU"}


def rates(before: ProbeResult, now: ProbeResult) -> Any:
    return derive.rates(before.counters, now.counters, KIND.counters, now.readings)


async def test_both_ends_are_read(line: Line) -> None:
    line.routers["far"].ports[3].speed_bits_per_second = 10_000_000_000

    result = await line.probe(provisioned_bits_per_second=50e6)

    assert result.failure is None
    assert result.detail == ""
    for end in ENDS:
        assert result.readings[f"loss_ratio[{end}]"] == 0
        assert result.readings[f"snmp_up[{end}]"] == result.readings[f"interface_found[{end}]"] == 1
        assert result.readings[f"agent_uptime_seconds[{end}]"] == 1000
        assert result.readings[f"interface_unchanged_seconds[{end}]"] == 900
        assert result.readings[f"line_capacity_bits_per_second[{end}]"] == 50e6
        assert len(result.samples[f"rtt_seconds[{end}]"]) == 2
        assert result.states[f"interface_oper_status[{end}]"].word == "up"
    assert result.readings["provisioned_bits_per_second"] == 50e6
    assert result.readings["interface_speed_bits_per_second[near]"] == 100e6
    assert result.readings["interface_speed_bits_per_second[far]"] == 10e9
    sample = result.counters["in_octets[far]"]
    assert (sample.bits, sample.clock_seconds, sample.discontinuity_seconds) == (64, 1000, 0)
    assert sample.instance == "3:wan"


async def test_rates_and_utilisation_of_two_probes(line: Line) -> None:
    before = await line.probe(provisioned_bits_per_second=50e6)
    far = line.routers["far"]
    far.uptime += 10
    far.ports[3].in_octets += 31_250_000
    far.ports[3].out_octets += 6_250_000
    far.ports[3].errors += 20

    now = await line.probe(provisioned_bits_per_second=50e6)

    found = rates(before, now)
    assert found["in_bytes_per_second[far]"] == 3_125_000
    assert found["in_utilisation_ratio[far]"] == 0.5
    assert found["out_utilisation_ratio[far]"] == 0.1
    assert found["in_errors_per_second[far]"] == 2
    # The near router's clock stood still: no rate, not zero.
    assert "in_bytes_per_second[near]" not in found


async def test_without_a_contract_the_share_is_of_the_interface(line: Line) -> None:
    before = await line.probe()
    line.routers["far"].uptime += 10
    line.routers["far"].ports[3].in_octets += 12_500_000

    assert rates(before, await line.probe())["in_utilisation_ratio[far]"] == 0.1


async def test_an_interface_slower_than_the_contract_is_what_utilisation_is_a_share_of(line: Line) -> None:
    line.routers["far"].ports[3].speed_bits_per_second = 10_000_000

    result = await line.probe(provisioned_bits_per_second=50e6)

    assert result.readings["line_capacity_bits_per_second[far]"] == 10e6
    assert result.readings["provisioned_speed_ratio[far]"] == 0.2
    assert result.readings["provisioned_speed_ratio[near]"] == 2


async def test_no_counter_outruns_ethernet(line: Line) -> None:
    far = line.routers["far"]
    before = await line.probe()
    far.uptime += 60
    far.ports[3].in_octets += 2**32  # a driver that put a 64-bit counter together wrongly
    far.ports[3].out_octets += 60
    now = await line.probe()

    found = rates(before, now)
    assert "in_bytes_per_second[far]" not in found
    assert found["out_bytes_per_second[far]"] == 1
    assert found["implausible_counters[far]"] == 1
    assert before.counters["in_errors[far]"].most_per_second == 100e6 / 672


async def test_what_a_tunnel_says_of_its_speed_is_no_limit(line: Line) -> None:
    far = line.routers["far"]
    far.ports[3].type, far.ports[3].speed_bits_per_second = 131, 9_000
    before = await line.probe(provisioned_bits_per_second=50e6)
    far.uptime += 60
    far.ports[3].in_octets += 60_000_000
    now = await line.probe(provisioned_bits_per_second=50e6)

    assert rates(before, now)["in_bytes_per_second[far]"] == 1e6
    assert "implausible_counters[far]" not in rates(before, now)


async def test_the_inventory_may_know_the_speed_better_than_the_device(line: Line) -> None:
    far = line.routers["far"]
    far.ports[3].speed_bits_per_second = 10_000_000  # what a virtual port says
    given = {"far_speed_bits_per_second": 1e9}
    before = await line.probe(**given)
    far.uptime += 60
    far.ports[3].in_octets += 600_000_000
    now = await line.probe(**given)

    assert now.readings["interface_speed_bits_per_second[far]"] == 1e9
    assert rates(before, now)["in_utilisation_ratio[far]"] == 0.08
    assert rates(before, now)["implausible_counters[far]"] == 0


async def test_a_re_indexed_table_is_followed_and_not_subtracted(line: Line) -> None:
    far = line.routers["far"]
    far.ports[3].in_octets, far.ports[1].in_octets = 5_000, 10**12
    before = await line.probe()
    far.ports = {1: far.ports[3], 3: far.ports[1]}
    far.uptime += 10
    moved = await line.probe()
    far.uptime += 10
    far.ports[1].in_octets += 100
    after = await line.probe()

    assert moved.counters["in_octets[far]"].value == 5_000
    assert moved.counters["in_octets[far]"].instance == "1:wan"
    assert "in_bytes_per_second[far]" not in rates(before, moved)
    assert rates(moved, after)["in_bytes_per_second[far]"] == 10


async def test_a_restart_gives_no_rate(line: Line) -> None:
    far = line.routers["far"]
    far.ports[3].in_octets = 10**12
    before = await line.probe()
    far.uptime, far.ports[3].in_octets = 30, 50
    now = await line.probe()

    assert "in_bytes_per_second[far]" not in rates(before, now)


async def test_an_agent_without_the_extension_has_32_bits(line: Line) -> None:
    far = line.routers["far"]
    far.ports = {3: Port(name="wan", wide=False, in_octets=2**32 + 7)}

    result = await line.probe(far_interface="Ethernet 3")

    sample = result.counters["in_octets[far]"]
    assert (sample.bits, sample.value, sample.discontinuity_seconds) == (32, 7, None)


@pytest.mark.parametrize("name", ["wan", "Ethernet 3", "to site"])
async def test_an_interface_has_three_names(line: Line, name: str) -> None:
    result = await line.probe(far_interface=name)

    assert result.counters["in_octets[far]"].instance == f"3:{name}"


@pytest.mark.parametrize(
    ("name", "words"), [("wam", "no interface is called 'wam'"), ("twin", "2 interfaces are called")]
)
async def test_an_interface_that_is_not_there_or_not_one(line: Line, name: str, words: str) -> None:
    line.routers["far"].ports |= {7: Port(name="twin"), 8: Port(name="twin")}

    result = await line.probe(far_interface=name)

    assert result.failure is None
    assert result.readings["snmp_up[far]"] == 1
    assert result.readings["interface_found[far]"] == 0
    assert words in result.detail
    assert "in_octets[far]" not in result.counters
    assert "in_octets[near]" in result.counters


async def test_numbers_that_change_between_search_and_reading_are_not_taken(line: Line) -> None:
    router, agent = line.routers["far"], line.agents["far"]
    answer = agent.respond

    def renumber(data: bytes) -> bytes | None:
        reply = answer(data)
        if agent.requests["GetBulkRequestPDU"]:
            router.ports = {1: Port(name="wan"), 3: Port(name="lan", in_octets=10**12)}
            router.update(agent)
        return reply

    agent.respond = renumber  # type: ignore[method-assign]  # the device changes between two requests

    result = await line.probe()

    assert "numbered anew" in result.detail
    assert "in_octets[far]" not in result.counters


async def test_an_end_without_snmp_is_absent_not_down(line: Line) -> None:
    result = await line.probe(near_auth="", near_interface="")

    assert result.failure is None
    assert "snmp_up[near]" not in result.readings
    assert result.readings["loss_ratio[near]"] == 0
    assert sum(line.agents["near"].requests.values()) == 0


async def test_an_interface_that_is_down_is_a_state(line: Line) -> None:
    line.routers["far"].ports[3].oper_status = 7

    result = await line.probe()

    assert result.states["interface_oper_status[far]"].word == "lower_layer_down"
    assert result.states["interface_oper_status[far]"].meaning is StateClass.FAULT


async def test_the_line_fails_when_the_far_end_is_silent(line: Line) -> None:
    line.agents["far"].silent = True

    result = await line.probe(pings=False, timeout=0.8)

    assert result.failure is Failure.TIMEOUT
    assert result.detail.startswith("far end:")
    assert result.readings["snmp_up[far]"] == 0
    assert result.readings["snmp_up[near]"] == 1
    assert "in_octets[near]" in result.counters


async def test_snmp_alone_shows_that_the_line_works(line: Line) -> None:
    result = await line.probe(pings=False)

    assert result.failure is None
    assert result.readings["loss_ratio[far]"] == 1
    assert "far end:" in result.detail


@pytest.mark.parametrize(
    "fields", [{"far_auth": "x"}, {"near_interface": "wan"}, {"provisioned_bits_per_second": 0}, {"speed": 5}]
)
def test_wrong_parameters_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        UplinkParams.model_validate(fields)


async def test_only_declared_names_are_reported(line: Line) -> None:
    result = await line.probe(provisioned_bits_per_second=50e6)

    assert {split_key(key)[0] for key in result.readings} <= {reading.name for reading in KIND.readings}
    assert {split_key(key)[0] for key in result.counters} == {counter.name for counter in KIND.counters}
    assert {split_key(key)[0] for key in result.states} == set(KIND.states)
