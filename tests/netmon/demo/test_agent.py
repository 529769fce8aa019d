"""The demo's agent answers net-snmp's own tools as an agent should, refuses to be written, and counts what arrives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from netmon.demo.agent import SnmpAgent, Syntax, Value
from tests.lab import need

DESCR, UPTIME, NAME = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.5.0"
COUNTER = "1.3.6.1.2.1.31.1.1.1.6"
VALUES = {
    DESCR: Value(Syntax.OCTETS, b"a device"),
    UPTIME: Value(Syntax.TIMETICKS, lambda: 4711),
    NAME: Value(Syntax.OCTETS, b"name"),
    **{f"{COUNTER}.{row}": Value(Syntax.COUNTER64, 2**40 + row) for row in (1, 2, 10)},
    "1.3.6.1.2.1.90.1.0": Value(Syntax.ADDRESS, "192.0.2.1"),
    "1.3.6.1.2.1.90.2.0": Value(Syntax.OID, "1.3.6.1.4.1"),
    "1.3.6.1.2.1.90.3.0": Value(Syntax.INTEGER, -7),
    "1.3.6.1.2.1.90.4.0": Value(Syntax.GAUGE32, 2**32 - 1),
    "1.3.6.1.2.1.90.5.0": Value(Syntax.COUNTER32, 5),
}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """net-snmp's tools leave files where this points, and say so on the screen if they have to make the folder."""
    (tmp_path / "cert_indexes").mkdir()
    monkeypatch.setenv("SNMP_PERSISTENT_DIR", str(tmp_path))


@pytest.fixture
async def agent() -> AsyncIterator[SnmpAgent]:
    found = SnmpAgent(VALUES)
    yield found
    found.close()


async def tool(agent: SnmpAgent, name: str, *arguments: str, version: str = "2c", community: str = "public") -> str:
    """What a net-snmp tool prints, numbers only; its complaints last."""
    program = need.program(name, "snmp")
    host, port = await agent.start() if agent._transport is None else agent._transport.get_extra_info("sockname")
    process = await asyncio.create_subprocess_exec(
        program, f"-v{version}", "-c", community, "-On", "-Oe", "-t", "1", "-r", "0", f"{host}:{port}", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "MIBS": ""},
    )  # fmt: skip
    output, errors = await process.communicate()
    return (output + errors).decode()


async def test_get_tells_what_is_missing_and_how(agent: SnmpAgent) -> None:
    output = await tool(agent, "snmpget", DESCR, "1.3.6.1.2.1.1.1.7", "1.3.6.1.9.9.0", f"{COUNTER}.10")

    lines = output.splitlines()
    assert lines[0] == f'.{DESCR} = STRING: "a device"'
    assert "No Such Instance" in lines[1]
    assert "No Such Object" in lines[2]
    assert lines[3] == f".{COUNTER}.10 = Counter64: {2**40 + 10}"


@pytest.mark.parametrize("name", ["snmpwalk", "snmpbulkwalk"])
async def test_walks_are_in_order_and_come_to_an_end(agent: SnmpAgent, name: str) -> None:
    output = await tool(agent, name, "1.3.6.1.2.1")

    lines = [line for line in output.splitlines() if "No more variables" not in line]
    assert [line.split(" = ")[0].lstrip(".") for line in lines] == list(VALUES)
    assert lines[-5:] == [
        ".1.3.6.1.2.1.90.1.0 = IpAddress: 192.0.2.1",
        ".1.3.6.1.2.1.90.2.0 = OID: .1.3.6.1.4.1",
        ".1.3.6.1.2.1.90.3.0 = INTEGER: -7",
        ".1.3.6.1.2.1.90.4.0 = Gauge32: 4294967295",
        ".1.3.6.1.2.1.90.5.0 = Counter32: 5",
    ]


async def test_version_1_walks_past_what_it_cannot_express(agent: SnmpAgent) -> None:
    output = await tool(agent, "snmpwalk", "1.3.6.1.2.1", version="1")

    assert "Counter64" not in output
    assert ".1.3.6.1.2.1.90.5.0 = Counter32: 5" in output


async def test_version_1_names_the_object_that_it_does_not_have(agent: SnmpAgent) -> None:
    output = await tool(agent, "snmpget", DESCR, "1.3.6.1.9.9.0", version="1")

    assert "noSuchName" in output
    assert ".1.3.6.1.9.9.0" in output


@pytest.mark.parametrize(("version", "words"), [("1", "noSuchName|readOnly"), ("2c", "notWritable")])
async def test_set_is_refused_and_counted(agent: SnmpAgent, version: str, words: str) -> None:
    output = await tool(agent, "snmpset", NAME, "s", "other", version=version)

    assert any(word in output for word in words.split("|"))
    assert agent.requests["SetRequestPDU"] == 1
    assert agent.values[NAME].raw() == b"name"


async def test_a_wrong_community_is_met_with_silence_and_counted(agent: SnmpAgent) -> None:
    output = await tool(agent, "snmpget", DESCR, community="wrong")

    assert "Timeout" in output
    assert agent.requests["GetRequestPDU"] == 1


async def test_a_silent_agent(agent: SnmpAgent) -> None:
    agent.silent = True

    assert "Timeout" in await tool(agent, "snmpget", DESCR)


async def test_values_change_come_and_go(agent: SnmpAgent) -> None:
    agent.values[DESCR] = Value(Syntax.OCTETS, b"changed")
    agent.values["1.3.6.1.2.1.1.4.0"] = Value(Syntax.OCTETS, b"new")
    del agent.values[NAME]

    output = await tool(agent, "snmpwalk", "1.3.6.1.2.1.1")

    assert [line.split(": ")[1] for line in output.splitlines()] == ['"changed"', "(4711) 0:00:47.11", '"new"']
    assert len(agent.values) == len(VALUES)


async def test_a_long_table_is_answered_in_datagrams_that_fit(agent: SnmpAgent) -> None:
    for row in range(500):
        agent.values[f"1.3.6.1.2.1.80.1.{row}"] = Value(Syntax.OCTETS, b"x" * 60)

    output = await tool(agent, "snmpbulkwalk", "-Cr200", "1.3.6.1.2.1.80")

    assert output.count("STRING") == 500
    assert agent.requests["GetBulkRequestPDU"] > 20


@pytest.mark.parametrize("octets", [b"", b"\0", b"\x30\x82\xff\xff", bytes(range(256))])
def test_what_is_no_message_is_dropped(octets: bytes) -> None:
    assert SnmpAgent(VALUES).respond(octets) is None


async def test_many_agents_in_one_loop() -> None:
    agents = [SnmpAgent({DESCR: Value(Syntax.OCTETS, b"agent %d" % n)}) for n in range(20)]
    for n, found in enumerate(agents):
        await found.start(f"127.0.1.{n + 1}")

    outputs = [await tool(found, "snmpget", DESCR) for found in agents[:3]]

    assert [output.split('"')[1] for output in outputs] == ["agent 0", "agent 1", "agent 2"]
    for found in agents:
        found.close()
