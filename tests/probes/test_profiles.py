"""The shipped profiles are sound, and read from recordings of real devices what their MIBs say."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from netmon.demo import devices
from netmon.demo.agent import SnmpAgent
from probes.base import StateClass
from probes.profiles import Profile, declared_readings, declared_states, load, names, parse
from probes.profiles.decode import Decoded, decode, text_of
from probes.wire.snmp import SnmpAuth, SnmpWire
from probes.wire.snmp_message import Oid, Syntax, Value, parse_oid
from tests.lab import snmp as lab

# --- golden readings from recordings ----------------------------------------------------------------------------------

HYTERA, TAIT = "hytera-rd625-rdac", "tait-tb9300"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with lab.snmpsim(tmp_path_factory.mktemp("snmpsim"), (HYTERA, TAIT)) as port:
        yield port


async def read(port: int, profile: str, auth: SnmpAuth) -> Decoded:
    wire = SnmpWire({"a": auth})
    modules = load(profile).modules
    oids = [item.number for module in modules.values() for item in module.objects]
    reply = await wire.get("127.0.0.1", port, "a", oids, timeout=30)
    await wire.aclose()
    assert reply.failure is None
    return decode(modules, reply.values)


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_hytera_repeater_as_it_was_captured(recorded: int, version: Any) -> None:
    found = await read(recorded, "hytera-repeater", SnmpAuth(version=version, community=HYTERA))

    # 9a995941 and 78461842 on the wire. It was not transmitting: VSWR and RSSI have no reading, power is 0.
    assert found.readings == {
        "supply_voltage_volts": 13.6,
        "pa_temperature_celsius": pytest.approx(38.06882, abs=1e-5),
        "tx_forward_power_watts": 0.0,
        "tx_reflected_power_watts": 0.0,
    }
    assert found.facts["firmware"] == "A8.05.07.001"
    assert found.facts["model_number"] == "RD625-00000000-001000-V1-0-A"
    assert found.facts["channel_name"] == "DIGITAL"
    assert found.rejected == []
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

    assert found.readings == {
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
    assert found.rejected == []
    assert found.facts["firmware"] == "dmr-3.05.00.0007"
    assert found.states["run_mode"].word == "online"
    assert found.states["control_protocol"].word == "dmr_aligned"
    assert found.states["summary_major_alarm"] == found.states["vswr_alarm"]
    # Disabled (3) and unavailable (0) are not cleared (1).
    assert found.states["ntp_sync_alarm"].meaning is StateClass.NOT_MONITORED
    assert found.states["cartesian_loop_alarm"].meaning is StateClass.NOT_MONITORED
    assert {state.meaning for state in found.states.values()} == {StateClass.OK, StateClass.NOT_MONITORED}


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

    assert found.rejected == []
    assert found.readings["agent_uptime_seconds"] > 0
    assert len(found.readings) >= 5
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
@given(profile=st.sampled_from(names()), data=st.data())
def test_whatever_a_device_says_can_be_decoded(profile: str, data: st.DataObject) -> None:
    modules = load(profile).modules
    oids: list[Oid] = [item.number for module in modules.values() for item in module.objects]
    values = {oid: data.draw(VALUES) for oid in data.draw(st.lists(st.sampled_from(oids), max_size=12))}

    found = decode(modules, values)

    for key, value in found.readings.items():
        spec = specs(load(profile))[key]
        assert spec.valid is None or spec.valid[0] <= value <= spec.valid[1]


# --- the files --------------------------------------------------------------------------------------------------------


def specs(profile: Profile) -> dict[str, Any]:
    return {
        spec.name if spec.index is None else f"{spec.name}[{spec.index}]": spec
        for module in profile.modules.values()
        for spec in module.readings
    }


def test_every_name_means_one_thing_in_all_profiles() -> None:
    indexed: dict[str, set[bool]] = {}
    for name in names():
        for spec in specs(load(name)).values():
            indexed.setdefault(spec.name, set()).add(spec.index is not None)

    assert {name for name, kinds in indexed.items() if len(kinds) > 1} == set()
    assert {reading.name for reading in declared_readings()} == set(indexed)


@pytest.mark.parametrize("name", names())
def test_every_object_says_what_it_is(name: str) -> None:
    for module in load(name).modules.values():
        for item in module.objects:
            assert item.help.endswith("."), item.name
            assert item.number[-1] == 0 or "3.1." in item.oid or "4.1." in item.oid, item.oid


def test_states_are_declared() -> None:
    assert "summary_major_alarm" in declared_states()


GOOD = """
title: A device
source: its MIB
base: "1.3.6.1.4.1.1"
modules:
  one:
    readings:
      - {name: supply_voltage_volts, oid: .1.0, help: Volts.}
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
        (
            "help: Volts.}",
            "help: Volts.}\n      - {name: other_volts, oid: .1.0}",
            "its OID or its name is there twice",
        ),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        parse("bad", GOOD.replace(old, new))


def test_an_unknown_profile_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no profile 'motorola': one of .*hytera-repeater"):
        load("motorola")


def test_profiles_are_found_beside_the_module() -> None:
    folder = Path(load.__wrapped__.__code__.co_filename).parent  # the cached function's own file

    assert set(names()) == {path.stem for path in folder.glob("*.yaml")}
