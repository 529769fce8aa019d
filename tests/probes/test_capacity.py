"""Kind capacity: both directions against a real reflector, layers, others' traffic, and what is not decided."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from probes.base import Endpoint, Failure, Family, ProbeResult, StateClass
from probes.capacity import CapacityParams, probe_capacity
from probes.wire.capacity import CapacityWire
from probes.wire.capacity_reflector import Limits
from probes.wire.names import Names
from probes.wire.snmp import SnmpAuth, SnmpWire
from tests.lab.near import others_send
from tests.lab.reflector import KEY, QUICK, reflector
from tests.lab.shaped import ShapedTask, run_shaped
from tests.lab.soak import scale

pytestmark = pytest.mark.alone  # it measures capacity

LIMITS = Limits(tests_an_hour=100)


class Wires:
    """What the kind uses."""

    def __init__(self) -> None:
        self.names = Names()
        self.capacity = CapacityWire({"default": KEY})
        self.snmp = SnmpWire({"default": SnmpAuth(community="public")})


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    found = Wires()
    yield found
    await found.snmp.aclose()


async def probe(wires: Wires, port: int, near: int | None = None, *, timeout: float = 10, **fields: Any) -> ProbeResult:
    ends = {"reflector": Endpoint(host="127.0.0.1", family=Family.IPV4, port=port)}
    if near is not None:
        ends["near"] = Endpoint(host="127.0.0.1", family=Family.IPV4, port=near)
    params = CapacityParams.model_validate({**QUICK, **fields})
    return await probe_capacity(ends, params, wires=wires, timeout=timeout)  # type: ignore[arg-type]


async def test_both_directions_at_every_layer(wires: Wires) -> None:
    with reflector(LIMITS) as there:
        result = await probe(wires, there.port)

    readings = result.readings
    assert result.failure is None
    for direction in ("to_site", "from_site"):
        assert result.states[f"bandwidth[{direction}]"].word == "reached"
        carried = readings[f"carried_bits_per_second[{direction}]"]
        assert carried == pytest.approx(5e6, rel=0.03)
        assert readings[f"ip_bits_per_second[{direction}]"] == pytest.approx(carried * 1250 / 1264)
        assert readings[f"payload_bits_per_second[{direction}]"] == pytest.approx(carried * 1222 / 1264)
        assert readings[f"load_loss_ratio[{direction}]"] == 0
    assert readings["capacity_bits_per_second"] == min(
        readings[f"carried_bits_per_second[{direction}]"] for direction in ("to_site", "from_site")
    )
    assert 0 < readings["test_bytes"] < 2e6
    assert result.facts["layer"] == "ethernet"


async def test_a_search_goes_as_far_as_it_may(wires: Wires) -> None:
    with reflector(LIMITS) as there:
        result = await probe(
            wires, there.port, method="search", directions="from_site", highest_bits_per_second=5e6, search_seconds=2
        )

    assert result.readings["carried_bits_per_second[from_site]"] == pytest.approx(5e6, rel=0.05)
    assert result.states["bandwidth[from_site]"].word == "reached"
    assert "carried_bits_per_second[to_site]" not in result.readings


async def test_what_is_ended_has_no_capacity(wires: Wires) -> None:
    with reflector(LIMITS) as there:
        test = asyncio.create_task(probe(wires, there.port))
        await asyncio.sleep(0.8)
        wires.capacity.abort("an emergency was declared")
        result = await test

    assert "capacity_bits_per_second" not in result.readings
    assert result.states["bandwidth[to_site]"].meaning is StateClass.NOT_MONITORED
    assert result.facts["undecided[to_site]"] == "an emergency was declared"
    assert "bandwidth[from_site]" not in result.states
    assert result.readings["test_bytes"] > 0


async def test_a_silent_reflector_is_a_timeout(wires: Wires) -> None:
    with reflector(key=b"the key of somebody else") as there:
        result = await probe(wires, there.port, timeout=0.8)

    assert result.failure is Failure.TIMEOUT
    assert "capacity_bits_per_second" not in result.readings


async def beside(wires: Wires, rate: float, **fields: Any) -> ProbeResult:
    async with others_send(rate) as port:
        with reflector(LIMITS) as there:
            return await probe(
                wires, there.port, port, near_auth="default", near_interface="wan", directions="to_site", **fields
            )


async def test_others_traffic_is_told(wires: Wires) -> None:
    """The counters contain the load itself, which is taken off; this device counts what others send, alone."""
    result = await beside(wires, 3e6, target_bits_per_second=1e5, most_others_ratio=1.0, late_after_seconds=2.0)

    assert result.facts["undecided[to_site]"].startswith("others sent ")
    assert "capacity_bits_per_second" not in result.readings


async def test_a_quiet_line_is_not_let_off(wires: Wires) -> None:
    result = await beside(wires, 1e4, target_bits_per_second=1e6, late_after_seconds=1.5)

    assert result.readings["others_bits_per_second[to_site]"] < 3e5
    assert result.states["bandwidth[to_site]"].word == "reached"


@pytest.mark.parametrize(
    "fields",
    [
        {"near_auth": "x"},
        {"layer": "frames"},
        {"tolerance_ratio": 0},
        {"packet_bytes": 9000},
        {"directions": "up"},
        {"bucket_bytes": 8.6e6},
    ],
)
def test_wrong_parameters_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CapacityParams.model_validate(fields)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("line", "word"),
    [({"rate": 45e6, "ipv6": True}, "below"), ({"rate": 51e6}, "reached")],
    ids=["45 Mbit/s, IPv6", "51 Mbit/s"],
)
def test_over_a_shaped_line(line: dict[str, Any], word: str) -> None:
    """Real queues and the real reflector; bench/capacity.py has many more lines, and counts."""
    for _time in range(scale(1, 10)):
        found = run_shaped(ShapedTask(**line, params={"directions": "to_site"}))

        assert found["states"]["bandwidth[to_site]"] == word, found


@pytest.mark.parametrize("direction", ["to_site", "from_site"])
def test_a_search_says_what_the_emulator_passed_on(direction: str) -> None:
    """By its record of each packet; bench/capacity.py has 216 lines. A busy machine slows the line, and the record."""
    params = {"directions": direction, "method": "search", "highest_bits_per_second": 60e6, "search_seconds": 3}
    found = run_shaped(ShapedTask(rate=20e6, delay=0.01, record=True, params=params))

    assert found["readings"][f"carried_bits_per_second[{direction}]"] == pytest.approx(found["record"], rel=0.02)
