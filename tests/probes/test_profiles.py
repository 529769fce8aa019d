"""The shipped profiles are sound, and read from recordings of real devices what their MIBs say."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.demo import devices
from netmon.demo.agent import SnmpAgent
from probes.base import Failure, State, StateClass, Trace, split_key
from probes.profiles import declared_readings, declared_states, load, parse, shipped, vocabulary
from probes.profiles.decode import Decoded, decode, text_of
from probes.profiles.identify import Identity, identify
from probes.profiles.poll import POLL_READINGS, Polled, poll
from probes.profiles.spec import FactSpec, ReadingSpec, Spec, StateSpec
from probes.profiles.walk_file import read_walk
from probes.wire.snmp import SnmpAuth
from probes.wire.snmp_message import Oid, Syntax, Value, parse_oid
from tests.lab import need
from tests.lab import snmp as lab
from tests.lab.snmp_wires import endpoint, open_wires

# --- golden readings from recordings ----------------------------------------------------------------------------------

HYTERA, TAIT, UHP = "hytera-rd625-rdac", "tait-tb9300", "uhp-vsat-modem"
ELTEK, HUAWEI, MEINBERG = "eltek-smartpacks-rectifier", "huawei-smu11b-rectifier", "meinberg-ltos6-gnss"
EATON, PHOENIXTEC, VYATTA = "ssd-eaton-93e-ups", "ssd-phoenixtec-ups", "ssd-vyatta-router"
AR169, OPENWRT, MIKROTIK = "huawei-ar169-router", "openwrt-router", "mikrotik-rb750gr3-router"
FITTING = {
    HYTERA: "hytera-repeater", TAIT: "tait-tb9300", UHP: "uhp-vsat", ELTEK: "eltek-smartpack", HUAWEI: "huawei-smu",
    MEINBERG: "meinberg-lantime", EATON: "ups", PHOENIXTEC: "ups", VYATTA: "router",
}  # fmt: skip
UNKNOWN = (
    "4rf-aprisa-radio", "adva-osa5412-gnss", "apc-smt750x-ups", "cambium-pmp450m", "cisco-d9854-satrx",
    "cisco-ir809-lte", "gemds-orbit-radio", "huawei-rtn905-microwave", "icr-lr77-lte-router", "ict-mps-dcpower",
    "mikrotik-ltapmini-lte", "mimosa-b5c", "orolia-securesync-gnss", "protelevision-dvbt-tx", "rajant-me4-mesh",
    "rs-sx800-uhf-tx", "siklu-eh1200", "ssd-emerson-ups", "ssd-liebert-pex-cooling", "ssd-ubiquiti-m5",
    "terra-sdi410c-satrx", "ubiquiti-litebeam5ac", "westmountain-rigrunner-dc",
)  # fmt: skip
ALTERED = {
    "tait-broken": (
        TAIT,
        {
            "1.3.6.1.4.1.3570.2.2.2.1.2.3.2.2.0": "2|35",
            "1.3.6.1.4.1.3570.2.2.2.1.2.2.4.1.0": "2|900000",
            "1.3.6.1.4.1.3570.2.2.2.1.2.3.2.1.0": None,
            "1.3.6.1.4.1.3570.2.2.2.1.1.1.1.4.0": "2|1",
            "1.3.6.1.4.1.3570.2.2.2.1.3.4.10.0": "2|2",
            "1.3.6.1.4.1.3570.2.2.2.1.3.1.8.0": "2|2",
            "1.3.6.1.4.1.3570.2.2.2.1.3.7.1.0": "2|9",
        },
    ),
    "huawei-no-mains": (
        HUAWEI,
        {
            "1.3.6.1.4.1.2011.6.164.1.5.2.1.1.99.1": "2|2",
            "1.3.6.1.4.1.2011.6.164.1.5.2.1.1.4.1": "66|0",
            "1.3.6.1.4.1.2011.6.164.1.4.2.3.0": "2|3",
            "1.3.6.1.4.1.2011.6.164.1.4.2.1.0": "2|-36",
            "1.3.6.1.4.1.2011.6.164.1.3.2.2.1.99.28676": "2|2",
        },
    ),
    "eltek-amperes": (
        ELTEK,
        {
            "1.3.6.1.4.1.12148.10.2.15.0": "2|0",
            "1.3.6.1.4.1.12148.10.2.16.0": "2|1",
            "1.3.6.1.4.1.12148.10.2.17.0": "2|1",
            "1.3.6.1.4.1.12148.10.5.6.1.2.6": "2|6",
        },
    ),
    "eltek-unsaid": (ELTEK, {"1.3.6.1.4.1.12148.10.2.15.0": None}),
}


@pytest.fixture(scope="module")
def recorded() -> Iterator[int]:
    devices = (*FITTING, AR169, OPENWRT, MIKROTIK, *UNKNOWN)
    # Software and processes of a Linux host: no profile reads them, and to index them takes the simulator long.
    bulky = ("1.3.6.1.2.1.25.", "1.3.6.1.4.1.8072.")
    with lab.snmpsim(devices, ALTERED, without=bulky) as port:
        yield port


async def read(port: int, profile: str, auth: SnmpAuth) -> Polled:
    async with open_wires(auths={"a": auth}) as wires:
        return await poll(
            load(profile).modules, endpoint=endpoint(port), auth="a", wires=wires, timeout=30, trace=Trace()
        )


def measured(polled: Polled) -> dict[str, float]:
    """What the device measured, without what netmon says about the asking."""
    ours = {reading.name for reading in POLL_READINGS}
    return {key: value for key, value in polled.readings.items() if split_key(key)[0] not in ours}


def not_well(polled: Polled) -> dict[str, str]:
    bad = (StateClass.DEGRADED, StateClass.FAULT)
    return {name: state.word for name, state in polled.states.items() if state.meaning in bad}


async def fits(port: int, device: str, version: Any = "2c") -> Identity:
    async with open_wires(auths={"a": SnmpAuth(version=version, community=device)}) as wires:
        return await identify("127.0.0.1", port, "a", wires=wires, timeout=20)


@pytest.mark.parametrize("device", FITTING)
@pytest.mark.parametrize("version", ["1", "2c"])
async def test_a_device_is_known_by_what_it_says(recorded: int, device: str, version: Any) -> None:
    assert (await fits(recorded, device, version)).profiles == (FITTING[device],)


async def test_a_device_without_a_profile_is_unknown(recorded: int) -> None:
    """No profile, so no readings; and none of the profiles that one might choose by mistake crashes on it."""
    for device in UNKNOWN:
        identity = await fits(recorded, device)
        assert (identity.profiles, identity.failure) == ((), None), device
        assert identity.object_id, device
        for profile in ("tait-tb9300", "huawei-smu", "router"):
            polled = await read(recorded, profile, SnmpAuth(community=device))
            assert polled.failure in (None, Failure.BAD_REPLY), (device, polled.detail)
            assert "vswr_ratio" not in polled.readings


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_hytera_repeater_as_it_was_captured(recorded: int, version: Any) -> None:
    found = await read(recorded, "hytera-repeater", SnmpAuth(version=version, community=HYTERA))

    # 9a995941 and 78461842 on the wire. It was not transmitting: VSWR and RSSI have no reading, power is 0.
    assert measured(found) == {
        "supply_voltage_volts": 13.6,
        "pa_temperature_celsius": pytest.approx(38.06882, abs=1e-5),
        "tx_forward_power_watts": 0.0,
        "tx_reflected_power_watts": 0.0,
    }
    assert found.facts["firmware"] == "A8.05.07.001"
    assert found.facts["model_number"] == "RD625-00000000-001000-V1-0-A"
    assert found.facts["channel_name"] == "DIGITAL"
    assert found.readings["rejected_values"] == 0
    words = {name: (state.word, state.meaning) for name, state in found.states.items()}
    assert words == {
        **{
            f"{name}_alarm": ("normal", StateClass.OK)
            for name in ("supply_voltage", "temperature", "vswr", "tx_pll", "rx_pll", "battery_voltage")
        },
        "fan_alarm": ("not_supported", StateClass.NOT_MONITORED),
        "forward_power_alarm": ("undefined", StateClass.NOT_MONITORED),
        "reflected_power_alarm": ("undefined", StateClass.NOT_MONITORED),
    }


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_tait_base_station_as_it_was_recorded(recorded: int, version: Any) -> None:
    found = await read(recorded, "tait-tb9300", SnmpAuth(version=version, community=TAIT))

    assert measured(found) == {
        "agent_uptime_seconds": 1228402.86,
        "channel_number": 1.0,
        "configured_power_watts": 25.0,
        "tx_frequency_hertz": 466_687_500.0,
        "rx_frequency_hertz": 456_687_500.0,
        "receiver_level_dbm": -88.88,
        "rssi_dbm[1]": -127.75,
        "rssi_dbm[2]": -127.68,
        "reciter_temperature_celsius": 42.0,
        "tx_forward_power_watts": 25.0,
        "vswr_ratio": 1.1,
        "supply_current_amperes": 5.93,
        "supply_voltage_volts": 28.07,
    }
    assert found.readings["rejected_values"] == 0
    assert found.facts["firmware"] == "dmr-3.05.00.0007"
    assert found.states["run_mode"].word == "online"
    assert found.states["control_protocol"].word == "dmr_aligned"
    assert found.states["summary_major_alarm"] == found.states["vswr_alarm"]
    # Disabled (3) and unavailable (0) are not cleared (1).
    assert found.states["ntp_sync_alarm"].meaning is StateClass.NOT_MONITORED
    assert found.states["cartesian_loop_alarm"].meaning is StateClass.NOT_MONITORED
    assert {state.meaning for state in found.states.values()} == {StateClass.OK, StateClass.NOT_MONITORED}


GOLDEN: dict[str, dict[str, float]] = {
    UHP: {
        "agent_uptime_seconds": 600158.9,
        "cpu_load_ratio": 0.14,
        # Tenths of -1 dB and -1 dBm by the MIB, which other programs overlook; demodulator 2 is off.
        "carrier_to_noise_db[1]": 13.5,
        "receiver_level_dbm": -11.9,
        "tx_level_dbm": -25.9,
    },
    HUAWEI: {
        "agent_uptime_seconds": 90412.4,
        "battery_current_amperes": 0.0,
        "battery_runtime_seconds": 240 * 60,
        "battery_string_capacity_ampere_hours[Battery String1]": 18.0,
        "battery_string_charge_ratio[Battery String1]": 1.0,
        "battery_string_current_amperes[Battery String1]": 0.0,
        # One decimal by the MIB: 53.5 V and 3.4 A are the 179 W that it tells too; 34 A would be 1.8 kW.
        "dc_current_amperes": 3.4,
        "dc_power_watts": 179.0,
        "dc_voltage_volts": 53.5,
        "disconnect_voltage_volts[BLVD]": 43.2,
        # Phases B and C say 2147483647: it has one phase.
        "mains_voltage_a_volts[1]": 231.2,
        "rectifier_current_amperes[Rectifier1]": 1.8,
        "rectifier_current_amperes[Rectifier2]": 1.3,
        "rectifier_voltage_volts[Rectifier1]": 53.4,
        "rectifier_voltage_volts[Rectifier2]": 53.5,
    },
    ELTEK: {
        "agent_uptime_seconds": 19134912.7,
        "battery_capacity_ampere_hours": 101.0,
        "battery_current_amperes": 0.1,
        "battery_health_ratio": 1.0,
        "battery_runtime_seconds": 1082 * 60,
        "battery_temperature_celsius": 21.0,
        "battery_voltage_volts": 54.39,
        "dc_current_amperes": 5.6,
        "failed_phases_count": 0.0,
        **{f"mains_voltage_volts[{phase}]": volts for phase, volts in ((1, 221.0), (2, 221.0), (3, 225.0))},
        **{
            f"rectifier_current_amperes[{number}]": amperes
            for number, amperes in enumerate((2.8, 2.9, 12.1, 12.3, 12.4, 10.7), 1)
        },
        **{
            f"rectifier_input_volts[{number}]": volts
            for number, volts in enumerate((221.0, 221.0, 224.0, 226.0, 229.0, 225.0), 1)
        },
    },
    MEINBERG: {"agent_uptime_seconds": 238601.71, "satellites_count[1]": 5.0},
    EATON: {
        "active_alarms_count": 0.0,
        "agent_uptime_seconds": 674237.32,
        # 1092 minutes are 65535 s, unknown, divided by 60: there is no runtime.
        "battery_charge_ratio": 1.0,
        "battery_current_amperes": 0.0,
        "battery_temperature_celsius": 25.0,
        "battery_voltage_volts": 521.0,
        "input_frequency_hertz[1]": 50.0,
        "on_battery_seconds": 0.0,
        "output_frequency_hertz": 49.0,
        **{f"input_voltage_volts[{line}]": volts for line, volts in ((1, 227.0), (2, 227.0), (3, 233.0))},
        **{f"output_load_ratio[{line}]": share for line, share in ((1, 0.21), (2, 0.16), (3, 0.12))},
        **{f"output_power_watts[{line}]": watts for line, watts in ((1, 5100.0), (2, 3600.0), (3, 2700.0))},
        **{f"output_voltage_volts[{line}]": 220.0 for line in (1, 2, 3)},
    },
    PHOENIXTEC: {
        "active_alarms_count": 0.0,
        "agent_uptime_seconds": 216585.42,
        "battery_charge_ratio": 1.0,
        "battery_current_amperes": 0.0,
        "battery_temperature_celsius": 31.0,
        "battery_voltage_volts": 41.0,
        "input_frequency_hertz[1]": 50.0,
        # It has one line and fills two others with zeros.
        "input_voltage_volts[1]": 238.0,
        "on_battery_seconds": 0.0,
        "output_frequency_hertz": 50.0,
        "output_load_ratio[1]": 0.0,
        "output_power_watts[1]": 0.0,
        "output_voltage_volts[1]": 231.0,
    },
}


@pytest.mark.parametrize("device", GOLDEN)
@pytest.mark.parametrize("version", ["1", "2c"])
async def test_golden_readings(recorded: int, device: str, version: Any) -> None:
    """What the MIB makes of the recording, and nothing else; nothing of it is unwell."""
    found = await read(recorded, FITTING[device], SnmpAuth(version=version, community=device))

    expected = dict(GOLDEN[device])
    if device == ELTEK:
        # Its agent's clock is recorded as a plain number, which it is not.
        expected.pop("agent_uptime_seconds")
    assert measured(found) == pytest.approx(expected)
    assert found.readings["rejected_values"] == 0
    assert not_well(found) == {}
    assert found.failure is None


@pytest.mark.parametrize(
    ("device", "ports", "up", "counters"),
    [(AR169, 9, 8, 36), (VYATTA, 4, 3, 16), (OPENWRT, 18, 15, 0), (MIKROTIK, 14, 11, 56)],
)
@pytest.mark.parametrize("version", ["1", "2c"])
async def test_routers_by_the_standard_mibs(
    recorded: int, device: str, ports: int, up: int, counters: int, version: Any
) -> None:
    found = await read(recorded, "router", SnmpAuth(version=version, community=device))

    states = [state.word for key, state in found.states.items() if split_key(key)[0] == "port_status"]
    assert (len(states), states.count("up")) == (ports, up)
    if version == "2c":  # version 1 has no 64-bit counters
        assert len(found.counters) == counters
    assert not_well(found) == {}


async def test_altered_values_are_judged_right(recorded: int) -> None:
    """Out of range, not supported, another state, and a number that the MIB does not know."""
    found = await read(recorded, "tait-tb9300", SnmpAuth(community="tait-broken"))

    assert found.readings["vswr_ratio"] == 3.5
    assert "receiver_level_dbm" not in found.readings  # 9000 dBm
    assert "tx_forward_power_watts" not in found.readings  # not supported is not 0
    assert found.readings["rejected_values"] == 1
    assert not_well(found) == {
        "dmr_fallback_status": "active", "vswr_alarm": "raised", "summary_minor_alarm": "raised"
    }  # fmt: skip
    assert found.states["fan1_alarm"] == State("value_9", StateClass.NOT_MONITORED)


async def test_a_rectifier_without_mains(recorded: int) -> None:
    found = await read(recorded, "huawei-smu", SnmpAuth(community="huawei-no-mains"))

    assert found.readings["mains_voltage_a_volts[1]"] == 0
    assert found.readings["battery_current_amperes"] == -3.6
    assert not_well(found) == {
        "mains_state[1]": "ac_off", "battery_charge_state": "discharge", "rectifier_state[Rectifier2]": "fault"
    }  # fmt: skip


async def test_the_device_says_in_which_unit_it_counts(recorded: int) -> None:
    found = await read(recorded, "eltek-smartpack", SnmpAuth(community="eltek-amperes"))
    assert found.readings["dc_current_amperes"] == 56
    # 21 degrees Fahrenheit. Percent are not what this reading holds; rectifier 6 is not there any more.
    assert found.readings["battery_temperature_celsius"] == pytest.approx((21 - 32) / 1.8)
    assert "battery_capacity_ampere_hours" not in found.readings
    assert "rectifier_current_amperes[6]" not in found.readings
    assert "rectifier_status[6]" not in found.states

    found = await read(recorded, "eltek-smartpack", SnmpAuth(community="eltek-unsaid"))
    assert "dc_current_amperes" not in found.readings
    assert found.readings["battery_voltage_volts"] == 54.39


# --- every object of every recording, altered -------------------------------------------------------------------------

ALTERABLE = {**FITTING, AR169: "router", OPENWRT: "router", MIKROTIK: "router"}
ROWS = 3
"""Rows of a table that are altered: the others are decoded by the same code."""


def instances(profile: str, values: dict[Oid, Value]) -> Iterator[tuple[Spec, Oid]]:
    """Each object of a profile that the device has, with where it is."""
    for module in load(profile).modules.values():
        yield from ((spec, spec.number) for spec in module.objects if spec.number in values)
        for table in module.tables:
            for spec in (*table.states, *table.readings):
                at = sorted(oid for oid in values if oid[: len(spec.number)] == spec.number)
                yield from ((spec, oid) for oid in at[:ROWS])


def raw(spec: ReadingSpec, number: float) -> Value:
    """A number as the object's type writes it."""
    if spec.type == "float32_le":
        return octets(struct.pack("<f", number))
    if spec.type == "text":
        return octets(str(number).encode())
    return Value(Syntax.INTEGER, round(number))


def beyond(spec: ReadingSpec) -> Iterator[Value]:
    """Raw values whose reading lies outside of what is possible."""
    if spec.valid is None:
        return
    scale = abs(spec.scale) if not spec.scales else 0.01
    for bound in spec.valid:
        far = (abs(bound) * 2 + 100) / scale
        for number in (far, -far):
            scales = [spec.scale] if not spec.scales else [0.01, 1.0]
            if all(not spec.valid[0] <= number * each <= spec.valid[1] for each in scales):
                yield raw(spec, number)


@pytest.mark.parametrize("device", ALTERABLE)
def test_whatever_is_altered_is_judged_right(device: str) -> None:
    """Not supported: absent. Out of range or of another type: left out and told. An unknown number: not monitored. No
    altered object changes what another one says, but those that the profile lets depend on it."""
    profile = load(ALTERABLE[device])
    text = (need.recordings() / device / "recording.snmprec").read_text(encoding="latin-1")
    columns = [column for module in profile.modules.values() for table in module.tables for column in table.columns]
    known = {spec.number for spec in profile.everything} | {parse_oid("1.3.6.1.2.1.1.3.0")}
    lengths = {len(column) for column in columns}
    values = {
        oid: value
        for oid, value in read_walk(text).items()
        if oid in known or any(oid[:length] in columns for length in lengths)
    }
    before = decode(profile.modules, values)

    def altered(oid: Oid, value: Value | None) -> Decoded:
        return decode(
            profile.modules, {**values, oid: value} if value else {k: v for k, v in values.items() if k != oid}
        )

    count = 0
    for spec, oid in instances(ALTERABLE[device], values):
        without = altered(oid, None)
        if isinstance(spec, FactSpec):
            assert spec.name not in without.facts
            continue
        mine = {key for key in {**before.readings, **before.states} if split_key(key)[0] == spec.name}
        gone = {key for key in mine if key not in {**without.readings, **without.states}}
        assert not without.rejected or without.rejected == before.rejected, (spec.name, without.rejected)
        assert len(gone) <= 1, (spec.name, gone)
        if not gone:
            continue  # it says nothing in this recording either
        (key,) = gone
        count += 1
        wrong = altered(oid, Value(Syntax.OID, "1.3"))
        assert key not in {**wrong.readings, **wrong.states}
        assert any(spec.name in sentence for sentence in wrong.rejected), (spec.name, wrong.rejected)
        if isinstance(spec, StateSpec):
            strange = altered(oid, Value(Syntax.INTEGER, 987654)).states[key]
            assert strange == State("value_987654", StateClass.NOT_MONITORED)
            for number, word in spec.words.items():
                assert altered(oid, Value(Syntax.INTEGER, number)).states.get(key) in (
                    State(word.word, word.meaning), None
                )  # fmt: skip
        if isinstance(spec, ReadingSpec):
            for value in beyond(spec):
                far = altered(oid, value)
                assert key not in far.readings, (spec.name, value)
                assert any(spec.name in sentence for sentence in far.rejected), (spec.name, value)
            for number in spec.no_reading:
                nothing = altered(oid, raw(spec, number))
                assert key not in nothing.readings
                assert nothing.rejected == before.rejected
    assert count >= 2


# --- the demo's devices are complete by the same profiles -------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "build"),
    [
        ("hytera-repeater", devices.hytera_repeater),
        ("tait-tb9300", devices.tait_base_station),
        ("ups", devices.ups),
        ("uhp-vsat", devices.satellite_modem),
    ],
)
async def test_simulated_devices_are_in_order(profile: str, build: Any) -> None:
    agent = SnmpAgent(build("simulated"))
    _, port = await agent.start()

    found = await read(port, profile, SnmpAuth(community="public"))
    agent.close()

    assert found.readings["rejected_values"] == 0
    assert found.readings["agent_uptime_seconds"] > 0
    assert len(measured(found)) >= 5
    bad = {name for name, state in found.states.items() if state.meaning in (StateClass.DEGRADED, StateClass.FAULT)}
    assert bad == set()


# --- decoding ---------------------------------------------------------------------------------------------------------

BASE = "1.3.6.1.4.1.40297.1.2"


def hytera(objects: dict[str, Value]) -> Decoded:
    return decode(
        load("hytera-repeater").modules, {parse_oid(f"{BASE}{oid}.0"): value for oid, value in objects.items()}
    )


def octets(value: bytes) -> Value:
    return Value(Syntax.OCTETS, value)


@pytest.mark.soak
@given(st.floats(1.0, 80.0, width=32))
def test_a_little_endian_single_is_read(volts: float) -> None:
    found = hytera({".1.2.1": octets(struct.pack("<f", volts))})

    assert found.readings["supply_voltage_volts"] == pytest.approx(volts, rel=1e-6)


@pytest.mark.parametrize(("text", "volts"), [(b"13.8", 13.8), (b"13.80", 13.8), (b" 9.5", 9.5), (b"12\0\0", 12.0)])
def test_ascii_is_read_where_it_is_ascii(text: bytes, volts: float) -> None:
    assert hytera({".1.2.1": octets(text)}).readings == {"supply_voltage_volts": volts}


@pytest.mark.parametrize(
    "value",
    [
        octets(b""),
        octets(b"\x9a\x99\x59"),
        octets(b"abcd"),
        octets(struct.pack("<f", float("nan"))),
        octets(struct.pack("<f", float("inf"))),
        octets(struct.pack("<f", -13.6)),
        octets(struct.pack(">f", 13.6)),
        Value(Syntax.INTEGER, 13),
        Value(Syntax.OID, "1.3"),
    ],
)
def test_what_cannot_be_a_voltage_is_left_out_and_told(value: Value) -> None:
    found = hytera({".1.2.1": value})

    assert found.readings == {}
    assert len(found.rejected) == 1
    assert "supply_voltage_volts" in found.rejected[0]


def test_no_reading_is_neither_zero_nor_wrong() -> None:
    found = hytera({".1.2.9": Value(Syntax.INTEGER, -200), ".1.2.4": octets(bytes(4))})

    assert found.readings == {}
    assert found.rejected == []


@pytest.mark.parametrize(("model", "supported"), [("RD960", False), ("rd960-X", False), ("RD985", True), ("", True)])
def test_what_the_vendor_calls_invalid_for_a_model_is_absent(model: str, supported: bool) -> None:
    found = hytera({".1.2.2": octets(struct.pack("<f", 38.0)), ".4.1": octets(model.encode("utf-16-le"))})

    assert ("pa_temperature_celsius" in found.readings) is supported


def test_slot_2_means_nothing_on_an_analogue_channel() -> None:
    level = Value(Syntax.INTEGER, -90)
    digital = hytera({".1.2.10": level, ".4.8": Value(Syntax.INTEGER, 0)})
    analogue = hytera({".1.2.10": level, ".4.8": Value(Syntax.INTEGER, 1)})

    assert digital.readings == {"rssi_dbm[2]": -90.0}
    assert analogue.readings == {}


def test_a_number_that_the_mib_does_not_know_is_never_taken_for_good() -> None:
    state = hytera({".1.1.6": Value(Syntax.INTEGER, 7)}).states["vswr_alarm"]

    assert state.word == "value_7"
    assert state.meaning is StateClass.NOT_MONITORED


def test_a_state_of_the_wrong_type_is_told() -> None:
    found = hytera({".1.1.6": octets(b"\0")})

    assert found.states == {}
    assert found.rejected == ["vswr_alarm: 0x00 is no number"]


def test_texts_are_cut_at_their_end_and_cleaned() -> None:
    assert text_of("消防\0rest".encode("utf-16-le"), "utf-16-le") == "消防"
    assert text_of(b"<b>\x1b[31m\n x\xff") == "<b> [31m  x�"
    assert len(text_of(b"x" * 1000)) == 128


VALUES = st.one_of(
    st.builds(Value, st.sampled_from([Syntax.INTEGER, Syntax.COUNTER64]), st.integers(-(2**63), 2**64)),
    st.builds(Value, st.sampled_from([Syntax.OCTETS, Syntax.OPAQUE]), st.binary(max_size=40)),
    st.builds(Value, st.sampled_from([Syntax.OID, Syntax.ADDRESS]), st.text(max_size=20)),
)


@pytest.mark.soak
@given(profile=st.sampled_from(shipped()), data=st.data())
def test_whatever_a_device_says_can_be_decoded(profile: str, data: st.DataObject) -> None:
    """Objects and rows of tables alike; what is read is within its range."""
    modules = load(profile).modules
    oids: list[Oid] = [item.number for module in modules.values() for item in module.objects]
    columns = [column for module in modules.values() for table in module.tables for column in table.columns]
    rows = st.builds(
        lambda column, row: (*column, *row),
        st.sampled_from(columns or oids),
        st.lists(st.integers(0, 3), max_size=3).map(tuple),
    )
    asked = data.draw(st.lists(st.one_of(st.sampled_from(oids), rows), max_size=20))
    values = {oid: data.draw(VALUES) for oid in asked}

    found = decode(modules, values)

    ranges = {spec.name: spec.valid for spec in load(profile).everything if isinstance(spec, ReadingSpec)}
    for key, value in found.readings.items():
        valid = ranges[split_key(key)[0]]
        assert valid is None or valid[0] <= value <= valid[1]


# --- the files --------------------------------------------------------------------------------------------------------


def objects() -> Iterator[tuple[str, Spec, bool]]:
    """Every object of every shipped profile with the profile's name, and whether there are several of it."""
    for name in shipped():
        for module in load(name).modules.values():
            for spec in module.objects:
                yield name, spec, spec.index is not None
            for table in module.tables:
                for spec in table.objects:
                    yield name, spec, True


def test_every_name_means_one_thing_in_all_profiles() -> None:
    """A dashboard or a limit for ``vswr_ratio`` fits every vendor's."""
    several: dict[str, set[bool]] = {}
    named: dict[str, set[tuple[str, str]]] = {}
    for _name, spec, indexed in objects():
        several.setdefault(spec.name, set()).add(indexed)
        if spec.en:
            named.setdefault(spec.name, set()).add((spec.en, spec.zh))

    assert {name for name, kinds in several.items() if len(kinds) > 1} == set()
    assert {name: words for name, words in named.items() if len(words) > 1} == {}
    readings = {spec.name for _name, spec, _indexed in objects() if isinstance(spec, ReadingSpec)}
    assert {reading.name for reading in declared_readings()} == readings


def test_every_object_says_what_it_is_and_every_word_is_there_in_chinese() -> None:
    for name, spec, _indexed in objects():
        assert spec.help.endswith("."), (name, spec.name)
        if isinstance(spec, StateSpec):
            assert [word.word for word in spec.words.values() if not word.zh] == [], (name, spec.name)
        if isinstance(spec, ReadingSpec | StateSpec):
            assert spec.name in vocabulary().names


def test_an_object_is_an_instance_and_a_column_is_not() -> None:
    for name in shipped():
        for module in load(name).modules.values():
            for spec in module.objects:
                assert spec.number[-1] == 0 or spec.index is not None, (name, spec.oid)
            for table in module.tables:
                assert all(spec.number[-1] != 0 for spec in table.objects), name
                assert not any(isinstance(spec, FactSpec) for spec in table.objects)


def test_states_are_declared() -> None:
    assert {"summary_major_alarm", "rectifier_status"} <= declared_states().keys()


GOOD = """
title: A device
source: its MIB
base: "1.3.6.1.4.1.1"
modules:
  one:
    readings:
      - {name: supply_voltage_volts, en: supply, zh: 供电, oid: .1.0, help: Volts.}
"""


def test_the_smallest_profile() -> None:
    module = parse("small", GOOD).modules["one"]

    assert module.readings[0].oid == "1.3.6.1.4.1.1.1.0"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("supply_voltage_volts", "supply_voltage", "must be lower-case words that end with a unit"),
        (".1.0,", ".1.x,", "no numeric OID"),
        ("help: Volts.", "help: Volts., scael: 2", "Extra inputs"),
        ("help: Volts.", "help: Volts., type: float64", "float32_le"),
        ("title: A device\n", "", "title"),
        ("zh: 供电, ", "", "has no short name"),
        ("help: Volts.", "help: Volts., unless: {modle: [X]}", "no fact or state 'modle'"),
        ("title:", "include: [no-such]\ntitle:", "no profile 'no-such' to include"),
        (
            "help: Volts.}",
            "help: Volts.}\n      - {name: other_volts, en: other, zh: 另一, oid: .1.0}",
            "is there twice, or its OID is",
        ),
        (
            "    readings:",
            "    states:\n      - {name: a, en: a, zh: 甲, oid: .2.0, words: alarms}\n    readings:",
            "no set of words 'alarms'",
        ),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse("bad", GOOD.replace(old, new))


def test_an_unknown_profile_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no profile 'motorola': one of .*hytera-repeater"):
        load("motorola")


def test_profiles_are_found_beside_the_module() -> None:
    folder = Path(load.__code__.co_filename).parent

    assert set(shipped()) == {path.stem for path in folder.glob("*.yaml")}
