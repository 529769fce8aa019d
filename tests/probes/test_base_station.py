"""Kind base_station: ping and SNMP are told apart, and only silence on both is a failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from netmon.config.defaults import CHECK_DEFAULTS
from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.devices import hytera_repeater, tait_base_station
from netmon.model import Status
from netmon.verdict import judge
from probes.base import Failure, ProbeResult, StateClass, split_key
from probes.base_station import KIND, BaseStationParams, probe_base_station
from probes.wire.snmp import SnmpAuth
from tests.lab import snmp as lab
from tests.lab.checks import check
from tests.lab.servers import unused_port
from tests.lab.snmp_wires import endpoint, open_wires

PING = {"count": 2, "gap_seconds": 0.01}


async def probe(port: int, *, pings: bool = True, timeout: float = 5, **fields: object) -> ProbeResult:
    params = BaseStationParams.model_validate({**PING, **fields})
    async with open_wires(pings=pings) as wires:
        return await probe_base_station({"host": endpoint(port)}, params, wires=wires, timeout=timeout)


@pytest.fixture
async def station():
    agent = SnmpAgent(hytera_repeater("hill"))
    _, port = await agent.start()
    yield agent, port
    agent.close()
    assert set(agent.requests) <= {"GetRequestPDU"}


async def test_a_healthy_station(station) -> None:
    _, port = station

    result = await probe(port)

    assert result.failure is None
    assert result.detail == ""
    assert result.readings["icmp_up"] == result.readings["snmp_up"] == 1
    assert result.readings["received"] == 2
    assert 0 < result.readings["rtt_median_seconds"] < 0.5
    assert result.readings["supply_voltage_volts"] == 13.6
    assert result.readings["rssi_dbm[1]"] == -96
    assert "rssi_dbm[2]" not in result.readings
    assert result.states["vswr_alarm"].meaning is StateClass.OK
    assert len(result.samples["rtt_seconds"]) == 2


async def test_tait_by_its_own_profile() -> None:
    agent = SnmpAgent(tait_base_station("hill"))
    agent.values["1.3.6.1.4.1.3570.2.2.2.1.3.1.9.0"] = Value(Syntax.INTEGER, 2)
    _, port = await agent.start()

    result = await probe(port, profile="tait-tb9300")
    agent.close()

    assert result.readings["vswr_ratio"] == 1.2
    assert result.states["summary_major_alarm"].meaning is StateClass.FAULT
    assert result.states["summary_minor_alarm"].meaning is StateClass.OK


async def test_ping_answers_and_snmp_does_not(station) -> None:
    agent, port = station
    agent.silent = True

    result = await probe(port, timeout=0.6)

    assert result.failure is None
    assert result.readings["icmp_up"] == 1
    assert result.readings["snmp_up"] == 0
    assert result.detail.startswith("ping answers, SNMP does not")


async def test_snmp_answers_and_ping_does_not(station) -> None:
    _, port = station

    result = await probe(port, pings=False)

    assert result.failure is None
    assert result.readings["icmp_up"] == 0
    assert result.readings["loss_ratio"] == 1
    assert result.readings["snmp_up"] == 1
    assert result.detail.startswith("SNMP answers, ping does not")


async def test_neither_answers(station) -> None:
    agent, port = station
    agent.silent = True

    result = await probe(port, pings=False, timeout=0.5)

    assert result.failure is Failure.TIMEOUT
    assert result.readings["icmp_up"] == result.readings["snmp_up"] == 0


RIGHT = SnmpAuth(version="3", user=lab.USER, auth_password=lab.AUTH_PASSWORD, privacy_password=lab.PRIVACY_PASSWORD)
WRONG = {
    "authentication key": (replace(RIGHT, auth_password="wrong-password"), "wrong authentication password"),
    "user": (replace(RIGHT, user="stranger"), "does not know the user"),
}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real agent that asks for authentication and privacy."""
    with lab.snmpd(tmp_path_factory.mktemp("snmpd")) as port:
        yield port


async def with_credentials(port: int, auth: SnmpAuth, *, pings: bool, seconds: float = 5) -> ProbeResult:
    async with open_wires(pings=pings, auths={"default": auth}) as wires:
        params = BaseStationParams.model_validate({**PING, "profile": "host-system"})
        return await probe_base_station({"host": endpoint(port)}, params, wires=wires, timeout=seconds)


def judged(result: ProbeResult) -> Status:
    thresholds = CHECK_DEFAULTS["base_station"].thresholds
    made = check(kind="base_station", thresholds=thresholds)
    return judge(made, result, result.readings, required=frozenset()).status


async def test_the_right_credentials_are_let_in(secured: int) -> None:
    result = await with_credentials(secured, RIGHT, pings=True)
    assert (result.failure, judged(result)) == (None, Status.UP)
    assert result.facts["system_description"]


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("pings", [True, False])
async def test_refused_credentials_do_not_make_a_station_down(secured: int, what: str, pings: bool) -> None:
    """That it answers ping is known, and of its health nothing; without a ping nothing is known at all."""
    auth, words = WRONG[what]
    result = await with_credentials(secured, auth, pings=pings)

    assert result.failure is (None if pings else Failure.AUTHENTICATION)
    assert judged(result) is (Status.DEGRADED if pings else Status.UNKNOWN)
    assert result.readings["snmp_up"] == 0
    assert words in result.detail


async def test_a_wrong_privacy_key_meets_silence_and_the_sentence_says_so(secured: int) -> None:
    """RFC 3414 has a report for it, and net-snmp sends none: only ping tells this from a station that is down."""
    auth = replace(RIGHT, privacy_password="wrong-password")
    result = await with_credentials(secured, auth, pings=True, seconds=1)
    assert (result.failure, judged(result)) == (None, Status.DEGRADED)
    assert "when the privacy password is wrong" in result.detail


async def test_nobody_there_is_down_whatever_the_credentials() -> None:
    result = await with_credentials(unused_port(), RIGHT, pings=False, seconds=0.5)
    assert judged(result) is Status.DOWN


async def test_everything_that_must_be_there_is_there(station) -> None:
    agent, port = station
    agent.silent = True
    result = await probe(port, timeout=0.6)

    promised = {reading.name for reading in KIND.readings if not reading.optional}

    assert result.failure is None
    assert promised <= {split_key(key)[0] for key in result.readings}


async def test_only_declared_names_are_reported(station) -> None:
    _, port = station
    result = await probe(port)

    assert {split_key(key)[0] for key in result.readings} <= {reading.name for reading in KIND.readings}
    assert set(result.states) <= set(KIND.states)
