"""Kind snmp: profile and own objects, partial results, and what a device that is not one says."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.devices import hytera_repeater, ups
from probes.base import Endpoint, Failure, Family, StateClass
from probes.snmp import KIND, SnmpParams, probe_snmp
from tests.lab import snmp_hostile as hostile
from tests.lab.snmp_wires import endpoint, open_wires


async def probe(agent: SnmpAgent, params: SnmpParams, timeout: float = 5):
    _, port = await agent.start()
    try:
        async with open_wires() as wires:
            return await probe_snmp({"host": endpoint(port)}, params, wires=wires, timeout=timeout)
    finally:
        agent.close()
        assert set(agent.requests) <= {"GetRequestPDU", "lost"}


@pytest.mark.parametrize("auth", ["default", "v1"])
async def test_a_profile_gives_readings_states_and_facts(auth: str) -> None:
    result = await probe(SnmpAgent(ups("battery room")), SnmpParams(profile="ups", auth=auth))

    assert result.failure is None
    assert result.readings["snmp_up"] == 1
    assert result.readings["battery_charge_ratio"] == 1.0
    assert result.readings["battery_runtime_seconds"] == 240 * 60
    assert result.readings["battery_voltage_volts"] == 54.5
    assert result.readings["module_success[battery]"] == 1
    assert result.readings["rejected_values"] == 0
    assert result.states["output_source"].word == "normal"
    assert result.facts["system_name"] == "battery room"
    # The simulated UPS has no input lines: absent is absent, not 0.
    assert "module_success[input]" not in result.readings
    assert "input_voltage_volts[1]" not in result.readings


async def test_ones_own_objects_without_a_profile() -> None:
    values = {
        "1.3.6.1.2.1.1.3.0": Value(Syntax.TIMETICKS, 100),
        "1.3.6.1.4.1.99.1.0": Value(Syntax.OCTETS, b"54.1"),
        "1.3.6.1.4.1.99.2.0": Value(Syntax.INTEGER, -684),
    }
    own = [
        {"name": "rectifier_volts", "oid": "1.3.6.1.4.1.99.1.0", "type": "text"},
        {"name": "level_dbm", "oid": ".1.3.6.1.4.1.99.2.0", "scale": 0.1},
    ]

    result = await probe(SnmpAgent(values), SnmpParams.model_validate({"oids": own}))

    assert result.failure is None
    assert result.readings["rectifier_volts"] == 54.1
    assert result.readings["level_dbm"] == -68.4
    assert result.readings["module_success[own]"] == 1


async def test_another_device_than_expected_is_told() -> None:
    result = await probe(SnmpAgent({"1.3.6.1.4.1.99.1.0": Value(Syntax.INTEGER, 1)}), SnmpParams(profile="ups"))

    assert result.failure is Failure.BAD_REPLY
    assert "another kind of device" in result.detail
    assert result.readings == {"snmp_up": 0}


async def test_what_one_module_cannot_say_does_not_take_the_others_away() -> None:
    agent = hostile.ErrorAgent(hytera_repeater("hill"))
    agent.bad = "1.3.6.1.4.1.40297.1.2.1.2.1.0"

    result = await probe(agent, SnmpParams(profile="hytera-repeater"))

    assert result.failure is Failure.ERROR_STATUS
    assert result.readings["snmp_up"] == 1
    assert result.readings["module_success[measurements]"] == 0
    assert result.readings["module_success[alarms]"] == 1
    assert "supply_voltage_volts" not in result.readings
    assert result.readings["pa_temperature_celsius"] == 38.0


async def test_values_that_cannot_be_are_counted_and_told_step_by_step() -> None:
    agent = SnmpAgent(hytera_repeater("hill"))
    agent.values["1.3.6.1.4.1.40297.1.2.1.2.1.0"] = Value(Syntax.OCTETS, b"\xff\xff\xff\xff")

    result = await probe(agent, SnmpParams(profile="hytera-repeater"))

    assert result.readings["rejected_values"] == 1
    assert "supply_voltage_volts" not in result.readings
    assert any("0xffffffff" in step.text for step in result.steps)


async def test_a_raised_alarm_is_a_state_in_the_devices_words() -> None:
    agent = SnmpAgent(hytera_repeater("hill"))
    agent.values["1.3.6.1.4.1.40297.1.2.1.1.6.0"] = Value(Syntax.INTEGER, 1)

    result = await probe(agent, SnmpParams(profile="hytera-repeater"))

    assert result.states["vswr_alarm"].word == "alarm"
    assert result.states["vswr_alarm"].meaning is StateClass.DEGRADED


async def test_silence_is_a_failure_within_the_timeout() -> None:
    agent = SnmpAgent(ups("quiet"))
    agent.silent = True
    began = asyncio.get_running_loop().time()

    result = await probe(agent, SnmpParams(profile="ups"), timeout=0.5)

    assert result.failure is Failure.TIMEOUT
    assert result.readings["snmp_up"] == 0
    assert asyncio.get_running_loop().time() - began < 2


async def test_a_name_that_does_not_resolve() -> None:
    host = Endpoint(host="does-not-exist.invalid", family=Family.IPV4)

    async with open_wires() as wires:
        result = await probe_snmp({"host": host}, SnmpParams(), wires=wires, timeout=5)

    assert result.failure in (Failure.NAME_NOT_FOUND, Failure.NAME_SERVER)


def test_only_declared_readings_are_reported() -> None:
    names = {reading.name for reading in KIND.readings}

    assert {"snmp_up", "module_success", "vswr_ratio", "battery_charge_ratio"} <= names
    assert len(names) == len(KIND.readings)


@pytest.mark.parametrize(
    "fields",
    [
        {"oids": [{"name": "rectifier", "oid": "1.3.6.1"}]},
        {"oids": [{"name": "rectifier_volts", "oid": "sysDescr"}]},
        {"oids": [{"name": "rectifier_volts", "oid": "1.3.6.1", "set": 1}]},
        {"community": "public"},
    ],
)
def test_wrong_parameters_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SnmpParams.model_validate(fields)
