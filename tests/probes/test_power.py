"""Kind power: what it runs on, and how long that lasts, from whatever the device tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.devices import ups
from probes.base import Failure, ProbeResult, State, StateClass
from probes.power import PowerParams, autonomy, probe_power, source
from probes.profiles import load
from tests.lab.snmp_wires import endpoint, open_wires

UPS = "1.3.6.1.2.1.33.1"
BATTERY = State("battery", StateClass.DEGRADED)


def integer(value: int) -> Value:
    return Value(Syntax.INTEGER, value)


async def probe(changes: dict[str, Value | None], **params: object) -> ProbeResult:
    agent = SnmpAgent(ups("site"))
    for oid, value in changes.items():
        if value is None:
            del agent.values[UPS + oid]
        else:
            agent.values[UPS + oid] = value
    _, port = await agent.start()
    try:
        async with open_wires() as wires:
            made = PowerParams.model_validate(params)
            return await probe_power({"host": endpoint(port)}, made, wires=wires, timeout=5)
    finally:
        agent.close()


async def test_on_mains_there_is_no_time_left_to_tell() -> None:
    result = await probe({})

    assert result.failure is None
    assert result.readings["on_battery"] == 0
    assert result.states["power_source"] == State("mains", StateClass.OK)
    assert "autonomy_seconds" not in result.readings


async def test_on_battery_the_devices_own_estimate_counts() -> None:
    result = await probe({".4.1.0": integer(5), ".2.3.0": integer(95)}, battery_ampere_hours=100)

    assert result.readings["on_battery"] == 1
    assert result.states["power_source"] == BATTERY
    assert result.readings["autonomy_seconds"] == 95 * 60
    assert result.states["autonomy_basis"].word == "device"


async def test_without_one_it_is_capacity_and_current() -> None:
    """65535 minutes means unknown: then 100 Ah, three quarters full, at 5 A, of which 0.8 is used: 12 hours."""
    changes = {".4.1.0": integer(5), ".2.3.0": integer(65535), ".2.4.0": integer(75), ".2.6.0": integer(-50)}
    result = await probe({**changes}, battery_ampere_hours=100)
    assert result.readings["autonomy_seconds"] == pytest.approx(12 * 3600)
    assert result.states["autonomy_basis"].word == "capacity"

    assert "autonomy_seconds" not in (await probe({**changes})).readings
    assert "autonomy_seconds" not in (await probe({**changes, ".2.6.0": integer(0)}, battery_ampere_hours=100)).readings


async def test_a_device_that_does_not_tell_its_source_is_not_on_mains() -> None:
    result = await probe({".4.1.0": None})

    assert "on_battery" not in result.readings
    assert "power_source" not in result.states


async def test_silence_is_a_failure() -> None:
    agent = SnmpAgent(ups("site"))
    agent.silent = True
    _, port = await agent.start()
    async with open_wires() as wires:
        result = await probe_power({"host": endpoint(port)}, PowerParams(), wires=wires, timeout=0.5)
    agent.close()
    assert result.failure is Failure.TIMEOUT


def test_rectifiers_say_it_in_their_own_way() -> None:
    assert source(load("huawei-smu"), {"battery_charge_state": State("discharge", StateClass.DEGRADED)})[0] == {
        "on_battery": 1.0
    }
    assert source(load("eltek-smartpack"), {"mains_failure_status": State("normal", StateClass.OK)})[0] == {
        "on_battery": 0.0
    }


def test_strings_are_added_up() -> None:
    readings = {
        "battery_string_capacity_ampere_hours[a]": 50.0,
        "battery_string_capacity_ampere_hours[b]": 30.0,
        "battery_current_amperes": -8.0,
    }
    found, _ = autonomy(readings, PowerParams(usable_ratio=0.5))
    assert found["autonomy_seconds"] == pytest.approx(5 * 3600)


@given(
    readings=st.dictionaries(
        st.sampled_from(
            [
                "battery_runtime_seconds", "battery_current_amperes", "dc_current_amperes", "battery_charge_ratio",
                "battery_capacity_ampere_hours", "battery_string_charge_ratio[a]",
            ]
        ),
        st.floats(0, 1e4),
    ),
    rated=st.none() | st.floats(1, 1e4),
)  # fmt: skip
def test_a_time_is_never_negative_and_never_without_its_basis(readings: dict[str, float], rated: float | None) -> None:
    found, basis = autonomy(readings, PowerParams(battery_ampere_hours=rated))

    assert found.keys() in (set(), {"autonomy_seconds"})
    assert bool(found) == bool(basis)
    assert all(value >= 0 for value in found.values())
