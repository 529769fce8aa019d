"""Kind iperf3: TCP over a shaped line and on loopback, its layers, its limits, and that it judges nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from netmon.model import Status
from netmon.runner import Clock, Runner
from probes import KINDS
from probes.base import Endpoint, Failure, Family, MonitorFault, ProbeResult, Scheduling
from probes.iperf3 import Iperf3Params, probe_iperf3
from probes.wire.iperf import IperfWire
from probes.wire.names import Names
from probes.wire.snmp import SnmpAuth, SnmpWire
from tests.lab.checks import check
from tests.lab.iperf import iperf_server
from tests.lab.near import others_send
from tests.lab.shaped import ShapedTask, run_shaped


@pytest.fixture
async def wires() -> AsyncIterator[Any]:
    snmp = SnmpWire({"default": SnmpAuth(community="public")})
    yield SimpleNamespace(names=Names(), iperf=IperfWire(), snmp=snmp)
    await snmp.aclose()


async def probe(wires: Any, port: int, *, timeout: float = 10, near: int | None = None, **fields: Any) -> ProbeResult:
    ends = {"server": Endpoint(host="127.0.0.1", family=Family.IPV4, port=port)}
    if near is not None:
        ends["near"] = Endpoint(host="127.0.0.1", family=Family.IPV4, port=near)
        fields |= {"near_auth": "default", "near_interface": "wan"}
    quick = {"seconds": 1, "highest_bits_per_second": 8e6, "directions": "to_site"}
    params = Iperf3Params.model_validate({**quick, **fields})
    return await probe_iperf3(ends, params, wires=wires, timeout=timeout)


async def test_both_directions_and_no_faster_than_allowed(wires: Any) -> None:
    with iperf_server() as port:
        result = await probe(wires, port, directions="both")

    readings = result.readings
    assert result.failure is None
    assert result.states == {}
    for direction in ("to_site", "from_site"):
        payload = readings[f"tcp_bits_per_second[{direction}]"]
        assert 4e6 < payload < 12e6
        assert readings[f"tcp_normalised_bits_per_second[{direction}]"] > payload
        assert readings[f"retransmitted_segments_count[{direction}]"] == 0
    assert 1e6 < readings["test_bytes"] < 6e6
    assert result.facts["version"].startswith("iperf 3")


async def test_a_limit_of_the_server_is_no_fault_of_the_line(wires: Any) -> None:
    """It closes the connection (3.12) or says so (later)."""
    with iperf_server("--server-bitrate-limit", "1M") as port:
        assert await status(wires, port) is Status.UNKNOWN


async def status(wires: Any, port: int) -> Status:
    runner = Runner(kinds=KINDS, wires=wires, emit=lambda _: None, missed=lambda _: None, clock=Clock())
    mine = replace(
        check("a/line/iperf3", kind="iperf3", params=Iperf3Params(seconds=1)),
        endpoints={"server": Endpoint(host="127.0.0.1", family=Family.IPV4, port=port)},
    )
    return (await runner.run_once(mine, 0)).status


async def test_nobody_there_is_unknown(wires: Any) -> None:
    """A program at the other end that does not run is no fault of the line."""
    assert (await probe(wires, 1)).failure is Failure.REFUSED
    assert await status(wires, 1) is Status.UNKNOWN


async def test_without_the_program_it_says_what_to_install(
    wires: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MonitorFault, match="apt-get install iperf3"):
        await probe(wires, 5201)


async def test_what_was_ended_counts_as_all_that_it_may_have_sent(wires: Any) -> None:
    with iperf_server() as port:
        result = await probe(wires, port, seconds=20, timeout=1.2)

    assert result.failure is Failure.TIMEOUT
    assert 0.7 * 8e6 / 8 < result.readings["test_bytes"] <= 8e6 / 8 * 20


@pytest.mark.parametrize("directions", ["to_site", "from_site"])
async def test_it_ends_when_others_need_the_line(wires: Any, directions: str) -> None:
    with iperf_server() as port:
        async with others_send(30e6) as near:
            begun = time.monotonic()
            result = await probe(wires, port, near=near, seconds=9, timeout=15, directions=directions)
            took = time.monotonic() - begun
        again = await probe(wires, port)

    assert result.facts[f"undecided[{directions}]"].startswith("others sent ")
    assert f"tcp_bits_per_second[{directions}]" not in result.readings
    assert result.readings[f"others_bits_per_second[{directions}]"] > 15e6
    assert took < 6
    assert again.failure is None  # the server is free again


async def test_what_others_sent_stands_beside_the_figure(wires: Any) -> None:
    with iperf_server() as port:
        async with others_send(3e6) as near:
            result = await probe(wires, port, near=near, seconds=4, highest_bits_per_second=1e6, timeout=15)

    assert "tcp_bits_per_second[to_site]" in result.readings
    # This router counts nothing of ours, which is taken off all the same: 3 less 1.
    assert 0.5e6 < result.readings["others_bits_per_second[to_site]"] < 3e6


def test_the_router_is_given_whole() -> None:
    with pytest.raises(ValidationError, match="belong together"):
        Iperf3Params(near_auth="default")


def test_it_waits_its_turn_and_is_never_judged() -> None:
    kind = KINDS["iperf3"]

    assert (kind.scheduling, kind.hearsay, kind.shown_only) == (Scheduling.EXCLUSIVE, True, True)
    assert kind.states == {}
    assert not {reading.name for reading in kind.readings} & {
        reading.name for reading in KINDS["capacity"].readings
    } - {"test_bytes", "others_bits_per_second"}


def test_over_a_shaped_line() -> None:
    """A line of exactly 20 Mbit/s of frames: TCP shows less, and about 20 at the line's layer."""
    params = {"seconds": 2, "directions": "from_site"}
    found = run_shaped(ShapedTask(rate=20e6, kind="iperf3", ipv6=True, params=params))

    payload = found["readings"]["tcp_bits_per_second[from_site]"]
    normalised = found["readings"]["tcp_normalised_bits_per_second[from_site]"]
    assert normalised / payload == pytest.approx(1514 / 1428, rel=1e-6)
    assert 15e6 < payload < 20e6 / (1514 / 1428) * 1.01
    assert found["failure"] is None
