"""``profile: auto``: a device is read by the profile that fits it, for as long as it is that device."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from netmon.config import ConfigError, load
from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.devices import hytera_repeater, system, tait_base_station, ups
from netmon.model import Check, Status
from netmon.verdict import judge
from probes import KINDS, profiles
from probes.base import Failure, ProbeResult
from probes.wire import Wires
from tests.lab.checks import check as made_check
from tests.lab.profiles import known_profile
from tests.lab.servers import host
from tests.lab.snmp_wires import open_wires

STRANGER = "1.3.6.1.4.1.99999.7"
UPTIME = "1.3.6.1.2.1.1.3.0"
OWN = """
title: Stranger
source: made up
identify: {{object_ids: ["{root}"]}}
modules:
  m:
    readings:
      - {{name: supply_voltage_volts, oid: {root}.1.0, scale: 0.1, en: a, zh: b, limits: {{degraded_below: {limit}}}}}
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    profiles.use({})


class Device:
    """An agent at one address, behind which there may be one device or another."""

    def __init__(self) -> None:
        self.agent = SnmpAgent({})
        self.port = 0

    def become(self, tree: Mapping[str, Value]) -> None:
        for oid in tuple(self.agent.values):
            del self.agent.values[oid]
        self.agent.values.update(tree)
        self.agent.values[UPTIME] = Value(Syntax.TIMETICKS, 1_000_000)

    async def ask(self, wires: Wires, kind: str = "base_station", seconds: float = 5, **fields: Any) -> ProbeResult:
        self.agent.requests.clear()
        given = {"profile": "auto", "auth": "default", **({"count": 1} if kind == "base_station" else {}), **fields}
        params = KINDS[kind].params.model_validate(given)
        return await KINDS[kind].probe(host(self.port), params, wires=wires, timeout=seconds)

    @property
    def asked(self) -> int:
        return self.agent.requests.total()


@pytest.fixture
async def device() -> AsyncIterator[Device]:
    made = Device()
    _host, made.port = await made.agent.start()
    yield made
    made.agent.close()


@pytest.fixture
async def wires() -> AsyncIterator[Wires]:
    async with open_wires() as made:
        yield made


def profile_of(result: ProbeResult) -> str | None:
    assert result.failure is None, result.detail
    return result.facts.get("profile")


async def test_a_device_is_read_by_what_it_is_and_asked_what_it_is_once(device: Device, wires: Wires) -> None:
    device.become(hytera_repeater("r"))
    first = await device.ask(wires)
    cost = device.asked
    second = await device.ask(wires)

    assert profile_of(first) == profile_of(second) == "hytera-repeater"
    assert first.readings["supply_voltage_volts"] == 13.6
    assert first.states["service_state"].word == "in_service"
    assert second.readings.keys() == first.readings.keys()
    assert device.asked < cost


async def test_another_device_at_the_same_address_is_another_device(device: Device, wires: Wires) -> None:
    device.become(hytera_repeater("r"))
    assert profile_of(await device.ask(wires)) == "hytera-repeater"
    device.become(tait_base_station("b"))
    result = await device.ask(wires)

    assert profile_of(result) == "tait-tb9300"
    assert result.readings["supply_voltage_volts"] == 28.0


async def test_it_is_looked_at_again_when_its_agent_starts_anew(device: Device, wires: Wires) -> None:
    device.become(ups("u"))
    await device.ask(wires, "power")
    await device.ask(wires, "power")
    usual = device.asked
    device.agent.values[UPTIME] = Value(Syntax.TIMETICKS, 100)
    assert profile_of(await device.ask(wires, "power")) == "ups"
    assert device.asked > usual
    assert profile_of(await device.ask(wires, "power")) == "ups"
    assert device.asked == usual


async def test_an_unknown_device_has_no_readings_until_somebody_knows_it(device: Device, wires: Wires) -> None:
    device.become({**system("Stranger 7", STRANGER, "x"), f"{STRANGER}.1.0": Value(Syntax.INTEGER, 120)})
    for kind in ("base_station", "power", "snmp"):
        result = await device.ask(wires, kind)
        assert result.failure is Failure.UNKNOWN_DEVICE
        assert "Stranger 7" in result.detail
        assert STRANGER in result.detail
        assert result.states == {}
        assert {"icmp_up", "snmp_up"} >= {key for key in result.readings if key.endswith("_up")}
        assert not any(key.startswith(("agent_uptime", "supply", "module_success")) for key in result.readings)
        found = judge(made_check(kind=kind), result, result.readings, required=frozenset())
        assert found.status is Status.UNKNOWN

    with known_profile("stranger", OWN.format(root=STRANGER, limit=1)):
        result = await device.ask(wires, "snmp")
        assert (profile_of(result), result.readings["supply_voltage_volts"]) == ("stranger", 12.0)
    assert (await device.ask(wires, "snmp")).failure is Failure.UNKNOWN_DEVICE


async def test_of_several_that_fit_a_person_chooses(device: Device, wires: Wires) -> None:
    device.become(system("Stranger 7", STRANGER, "x"))
    with (
        known_profile("one", OWN.format(root=STRANGER, limit=1)),
        known_profile("two", OWN.format(root=STRANGER, limit=1)),
    ):
        result = await device.ask(wires)
    assert result.failure is Failure.UNKNOWN_DEVICE
    assert "one and two fit" in result.detail


async def test_a_device_that_is_silent_is_as_silent_as_ever(device: Device, wires: Wires) -> None:
    device.become(ups("u"))
    device.agent.silent = True
    assert (await device.ask(wires, "power", 0.3)).failure is Failure.TIMEOUT
    device.agent.silent = False
    assert profile_of(await device.ask(wires, "power")) == "ups"
    device.agent.silent = True
    assert (await device.ask(wires, "power", 0.3)).failure is Failure.TIMEOUT


# --- limits -----------------------------------------------------------------------------------------------------------

INVENTORY = """\
snmp_auths: {{default: {{version: 2c, community_env: X}}}}
sites:
  - id: hill
    kind: radio_site
    equipment:
      - id: r
        kind: base_station
        address: 192.0.2.1
        checks: {{base-station: {{params: {{profile: {profile}}}{more}}}}}
"""


def one(tmp_path: Path, profile: str = "auto", more: str = "") -> Check:
    path = tmp_path / "sites.yaml"
    path.write_text(INVENTORY.format(profile=profile, more=more))
    (made,) = load(path, kinds=KINDS, environ={"X": "y"}).checks.values()
    return made


def status(check: Check, volts: float, profile: str) -> Status:
    result = ProbeResult(readings={"supply_voltage_volts": volts}, facts={"profile": profile})
    return judge(check, result, result.readings, required=frozenset()).status


def test_the_vendor_s_limits_are_those_of_the_profile_that_fits(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "low.yaml").write_text(OWN.format(root=f"{STRANGER}.1", limit=11))
    (folder / "high.yaml").write_text(OWN.format(root=f"{STRANGER}.2", limit=24))
    check = one(tmp_path)

    assert (status(check, 13.6, "low"), status(check, 13.6, "high")) == (Status.UP, Status.DEGRADED)
    assert status(check, 10, "hytera-repeater") is Status.UP
    # What the inventory says stands over all of them.
    strict = one(tmp_path, more=", thresholds: {supply_voltage_volts: {degraded_below: 14}}")
    assert status(strict, 13.6, "low") is status(strict, 13.6, "hytera-repeater") is Status.DEGRADED
    assert check.fingerprint != one(tmp_path, "hytera-repeater").fingerprint


def test_a_mistake_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        one(tmp_path, more=", thresholds: {suply_voltage_volts: {degraded_below: 14}}")
    assert len(raised.value.problems) == 1


def test_auto_is_no_name_for_a_profile(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "auto.yaml").write_text(OWN.format(root=STRANGER, limit=1))
    with pytest.raises(ConfigError, match="cannot be the name of a profile"):
        one(tmp_path)
