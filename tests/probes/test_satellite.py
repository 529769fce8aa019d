"""Kind satellite: the modem by its profile, and round trips against the speed of light."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.devices import satellite_modem
from probes.base import Endpoint, Failure, ProbeResult, StateClass
from probes.satellite import SatelliteParams, probe_satellite, round_trip_seconds, view
from probes.wire.echo import Echo
from tests.lab.slow_link import probe_over
from tests.lab.snmp_wires import endpoint, open_wires

PING = {"count": 3, "gap_seconds": 0.01}
HUNCHUN = {"latitude": 42.87, "longitude": 130.36}
NOWHERE = Endpoint(host="127.0.0.2", family=endpoint().family)
"""Where :class:`SlowIcmp` lets the hub stand."""


class SlowIcmp:
    """Echoes as a satellite link gives them: on loopback none takes half a second."""

    def __init__(self, terminal: Sequence[float | None], hub: Sequence[float | None] = ()) -> None:
        self._rtts = {"127.0.0.1": terminal, NOWHERE.host: hub}

    async def ping(self, address: str, **_: Any) -> list[Echo]:
        """One echo for each round trip; ``None`` was not answered."""
        return [Echo(rtt_seconds=rtt, received=rtt is not None) for rtt in self._rtts[address]]

    async def aclose(self) -> None:
        """Nothing is open."""


async def over(
    terminal: Sequence[float | None], *, hub: Sequence[float | None] = (), port: int | None = None, **fields: object
) -> ProbeResult:
    """The result over a link with these round trips."""
    ends = {"host": endpoint(port)} | ({"hub": NOWHERE} if hub else {})
    params = SatelliteParams.model_validate({**PING, **fields})
    async with open_wires(icmp=SlowIcmp(terminal, hub)) as wires:
        return await probe_satellite(ends, params, wires=wires, timeout=1.0)


@pytest.fixture
async def modem() -> AsyncIterator[tuple[SnmpAgent, int]]:
    agent = SnmpAgent(satellite_modem("portable"))
    _, port = await agent.start()
    yield agent, port
    agent.close()
    assert set(agent.requests) <= {"GetRequestPDU"}


# The speed of light


@pytest.mark.parametrize(
    ("satellite", "elevation", "milliseconds"),
    [(92.2, 27.5, 518.2), (105.5, 34.5, 510.0), (110.5, 36.6, 507.7), (115.5, 38.3, 505.9), (134.0, 40.4, 503.7)],
)
def test_geometry_from_hunchun(satellite: float, elevation: float, milliseconds: float) -> None:
    """Both ends in Hunchun; figures that were worked out by hand."""
    seen = view(**HUNCHUN, satellite_longitude=satellite)

    assert seen.elevation_degrees == pytest.approx(elevation, abs=0.05)
    assert round_trip_seconds(seen.range_meters, seen.range_meters) * 1e3 == pytest.approx(milliseconds, abs=0.05)


def test_the_shortest_and_the_longest_way() -> None:
    below, edge = view(0, 100, 100), view(0, 100 + 81.3, 100)

    assert below == pytest.approx((35_786_000, 90))
    assert round_trip_seconds(below.range_meters, below.range_meters) == pytest.approx(0.4775, abs=5e-5)
    assert edge.elevation_degrees == pytest.approx(0, abs=0.05)
    assert round_trip_seconds(edge.range_meters, edge.range_meters) == pytest.approx(0.5561, abs=5e-5)


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), satellite=st.floats(-180, 180))
def test_no_visible_satellite_is_nearer_or_farther_than_these(
    latitude: float, longitude: float, satellite: float
) -> None:
    seen = view(latitude, longitude, satellite)

    assert seen.range_meters >= 35_785_999
    assert (seen.range_meters <= 41_680_000) == (seen.elevation_degrees >= -0.01)


@pytest.mark.parametrize(
    ("places", "milliseconds"),
    [
        ({}, 477.5),
        ({"satellite_longitude": 92.2}, 477.5),
        (HUNCHUN, 477.5),
        ({**HUNCHUN, "satellite_longitude": 92.2}, 497.8),
        ({**HUNCHUN, "satellite_longitude": 92.2, "hub_latitude": 42.87, "hub_longitude": 130.36}, 518.2),
    ],
)
def test_an_unknown_place_never_makes_the_floor_higher(places: dict[str, float], milliseconds: float) -> None:
    assert SatelliteParams(**places).rtt_floor_seconds * 1e3 == pytest.approx(milliseconds, abs=0.06)


@pytest.mark.parametrize(
    ("places", "station"),
    [
        ({**HUNCHUN, "satellite_longitude": -92.2}, "terminal"),
        ({"satellite_longitude": 110.5, "hub_latitude": 50, "hub_longitude": 8}, "hub"),
    ],
)
def test_a_satellite_below_the_horizon_is_a_mistake_of_the_inventory(places: dict[str, float], station: str) -> None:
    with pytest.raises(ValidationError, match=f"below the horizon of the {station}"):
        SatelliteParams(**places)


# The way of the packets


@pytest.mark.parametrize(
    ("shortest", "path", "meaning"),
    [
        (0.030, "terrestrial", StateClass.DEGRADED),
        (0.4905, "terrestrial", StateClass.DEGRADED),
        (0.4935, "satellite", StateClass.OK),
        (0.620, "satellite", StateClass.OK),
        (0.855, "satellite", StateClass.OK),
        (0.860, "delayed", StateClass.DEGRADED),
        (1.240, "delayed", StateClass.DEGRADED),
    ],
)
async def test_the_shortest_round_trip_tells_the_way(shortest: float, path: str, meaning: StateClass) -> None:
    result = await over([shortest + 0.4, shortest, None], **HUNCHUN, satellite_longitude=110.5)

    assert result.failure is None
    assert result.readings["rtt_floor_seconds"] == pytest.approx(0.4926, abs=1e-4)
    assert result.readings["rtt_over_floor_seconds"] == pytest.approx(shortest - 0.4926, abs=1e-4)
    assert (result.states["path"].word, result.states["path"].meaning) == (path, meaning)
    assert (path == "terrestrial") is ("impossible" in result.detail)
    assert (path == "delayed") is ("twice" in result.detail)


async def test_one_round_trip_below_the_floor_is_enough() -> None:
    """A way that changes during the probe did not lead over the satellite all the time."""
    result = await over([0.6, 0.05, 0.6])

    assert result.states["path"].word == "terrestrial"


async def test_loopback_is_no_satellite() -> None:
    async with open_wires() as wires:
        params = SatelliteParams.model_validate(PING)
        result = await probe_satellite({"host": endpoint()}, params, wires=wires, timeout=2)

    assert result.failure is None
    assert result.states["path"].word == "terrestrial"
    assert "snmp_up" not in result.readings
    assert "hub_up" not in result.readings
    assert len(result.samples["rtt_seconds"]) == 3


def test_over_real_links_with_real_packets() -> None:
    """A satellite, a leak into the mobile network, two hops, and a terminal that is off."""
    found = probe_over([0.560, 0.030, 1.120, None])

    assert [one["path"] for one in found] == ["satellite", "terrestrial", "delayed", None]
    assert [one["failure"] for one in found] == [None, None, None, Failure.TIMEOUT]
    assert found[0]["rtt_min_seconds"] >= 0.560
    assert found[1]["rtt_min_seconds"] >= 0.030


@pytest.mark.parametrize(
    ("terminal", "hub", "words"),
    [
        ([0.6], [0.05], ""),
        ([0.6], [None], "the hub does not answer: none of 1"),
        ([None], [0.05], "none of 1 packets answered; the hub answers"),
        ([None], [None], "the hub does not answer either"),
    ],
)
async def test_the_hub(terminal: list[float | None], hub: list[float | None], words: str) -> None:
    result = await over(terminal, hub=hub)

    assert result.failure is (Failure.TIMEOUT if terminal == [None] else None)
    assert result.readings["hub_up"] == (hub != [None])
    assert result.readings.get("hub_rtt_min_seconds") == hub[0]
    assert words in result.detail
    assert "path" not in result.states or result.states["path"].word == "satellite"


# The modem


async def test_a_modem_in_operation(modem: tuple[SnmpAgent, int]) -> None:
    _, port = modem

    result = await over([0.6], port=port, auth="default")

    assert result.failure is None
    assert result.detail == ""
    assert result.readings["icmp_up"] == result.readings["snmp_up"] == 1
    assert result.readings["carrier_to_noise_db[1]"] == 13.5
    assert result.readings["receiver_level_dbm"] == -12
    assert result.readings["tx_level_dbm"] == -26
    assert result.states["station_state"].word == "operation"
    assert result.states["path"].meaning is StateClass.OK


async def test_a_modem_without_lock(modem: tuple[SnmpAgent, int]) -> None:
    """It gives a figure all the same: 0.1 dB, which its MIB declares to be none."""
    agent, port = modem
    agent.values["1.3.6.1.4.1.8000.22.2.1.0"] = Value(Syntax.INTEGER, 1)
    agent.values["1.3.6.1.4.1.8000.22.5.5.1.0"] = Value(Syntax.INTEGER, 8)

    result = await over([None], port=port, auth="default")

    assert result.failure is None
    assert "carrier_to_noise_db[1]" not in result.readings
    assert result.states["station_state"].meaning is StateClass.FAULT
    assert "path" not in result.states


async def test_neither_ping_nor_modem_answers(modem: tuple[SnmpAgent, int]) -> None:
    agent, port = modem
    agent.silent = True

    result = await over([None], port=port, auth="default")

    assert result.failure is Failure.TIMEOUT
    assert result.readings["icmp_up"] == result.readings["snmp_up"] == 0
