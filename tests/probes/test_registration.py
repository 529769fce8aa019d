"""Kind registration: a terminal of ours proves that a station serves, and never that it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.devices import radio_terminal
from netmon.model import Status
from netmon.verdict import judge
from probes.base import Failure, ProbeResult, State, StateClass
from probes.registration import KIND, RegistrationParams, probe_registration
from tests.lab.checks import check
from tests.lab.profiles import terminal_profile
from tests.lab.servers import host
from tests.lab.snmp_wires import open_wires

ROOT = "1.3.6.1.4.1.99999.350"


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    with terminal_profile():
        yield


@pytest.fixture
async def terminal() -> AsyncIterator[tuple[SnmpAgent, int]]:
    agent = SnmpAgent(radio_terminal("gateway"))
    _host, port = await agent.start()
    yield agent, port
    agent.close()


async def ask(port: int, *, site: str | int = 12, profile: str = "terminal", seconds: float = 5) -> ProbeResult:
    params = RegistrationParams(profile=profile, site=site)
    async with open_wires() as wires:
        return await probe_registration(host(port), params, wires=wires, timeout=seconds)


def status(result: ProbeResult) -> Status:
    return judge(check(kind="registration"), result, result.readings, required=frozenset(), hearsay=KIND.hearsay).status


async def test_a_registered_terminal_proves_that_the_station_serves(terminal: tuple[SnmpAgent, int]) -> None:
    result = await ask(terminal[1])

    assert (result.failure, status(result)) == (None, Status.UP)
    assert result.states == {
        "service_state": State("in_service", StateClass.OK), "registration": State("here", StateClass.OK)
    }  # fmt: skip
    assert result.facts == {"serving_site": "12"}
    # The level is the station's at the terminal; what the terminal says of itself is no matter of the station.
    assert result.readings == {"snmp_up": 1.0, "rejected_values": 0.0, "terminal_level_dbm": -87.0}


@pytest.mark.parametrize(
    ("oid", "value", "word", "words"),
    [
        ("2.0", Value(Syntax.OCTETS, b"13"), "elsewhere", "registered with 13, not with 12"),
        ("2.0", Value(Syntax.OCTETS, b"1"), "elsewhere", "registered with 1, not with 12"),
        ("1.0", Value(Syntax.INTEGER, 0), "nowhere", "not registered with any station"),
        ("1.0", Value(Syntax.INTEGER, 2), "nowhere", "not registered with any station"),
        ("1.0", Value(Syntax.INTEGER, 7), "nowhere", "not registered with any station"),
    ],
)
async def test_one_that_moved_or_lost_the_network_says_nothing_of_the_station(
    terminal: tuple[SnmpAgent, int], oid: str, value: Value, word: str, words: str
) -> None:
    agent, port = terminal
    agent.values[f"{ROOT}.{oid}"] = value
    result = await ask(port)

    assert (result.failure, status(result)) == (Failure.NOT_SEEN, Status.UNKNOWN)
    assert words in result.detail
    assert result.states == {"registration": State(word, StateClass.NOT_MONITORED)}
    assert "terminal_level_dbm" not in result.readings


@pytest.mark.parametrize("oid", ["1.0", "2.0"])
async def test_a_terminal_that_does_not_tell_is_not_believed(terminal: tuple[SnmpAgent, int], oid: str) -> None:
    agent, port = terminal
    del agent.values[f"{ROOT}.{oid}"]
    result = await ask(port)

    assert (result.failure, status(result)) == (Failure.BAD_REPLY, Status.UNKNOWN)
    assert result.states == {}


async def test_an_empty_site_is_no_station(terminal: tuple[SnmpAgent, int]) -> None:
    agent, port = terminal
    agent.values[f"{ROOT}.2.0"] = Value(Syntax.OCTETS, b"")
    assert status(await ask(port, site="")) is Status.UNKNOWN


async def test_a_profile_that_knows_no_registration_proves_nothing(terminal: tuple[SnmpAgent, int]) -> None:
    assert status(await ask(terminal[1], profile="host-system")) is Status.UNKNOWN


async def test_a_dead_terminal_is_no_dead_station(terminal: tuple[SnmpAgent, int]) -> None:
    agent, port = terminal
    agent.silent = True
    result = await ask(port, seconds=0.3)

    assert (result.failure, status(result)) == (Failure.TIMEOUT, Status.UNKNOWN)
    assert result.states == {}
