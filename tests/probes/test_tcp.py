"""Kind tcp, against real servers on loopback."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.base import Failure, Family, ProbeResult
from probes.tcp import TcpParams, probe_tcp
from tests.lab import need
from tests.lab.servers import (
    LOOPBACK,
    FakeNames,
    Tls,
    break_off,
    drip,
    full_backlog,
    host,
    say,
    service_wires,
    stall,
    tcp_server,
    unused_port,
)
from tests.lab.soak import scale


async def probe(port: int, *, name: str = "127.0.0.1", timeout: float = 5.0, **params: Any) -> ProbeResult:
    wires = service_wires(names=FakeNames(device_example="127.0.0.1"))
    return await probe_tcp(host(port, name), TcpParams(**params), wires=wires, timeout=timeout)


@pytest.mark.parametrize("family", list(Family))
async def test_an_open_port(family: Family) -> None:
    if family is Family.IPV6:
        need.ipv6_loopback()
    async with tcp_server(stall, address=LOOPBACK[family]) as port:
        result = await probe_tcp(host(port, LOOPBACK[family], family), TcpParams(), wires=service_wires(), timeout=5)

    assert result.failure is None
    assert set(result.readings) == {"connect_seconds"}
    assert [step.text.split()[0] for step in result.steps] == ["resolved", "connected"]


async def test_the_endpoints_port_wins_over_the_parameter() -> None:
    async with tcp_server(stall) as port:
        params = TcpParams(port=unused_port())
        assert (await probe_tcp(host(port), params, wires=service_wires(), timeout=5)).failure is None


async def test_a_greeting_that_comes_in_pieces_is_recognised() -> None:
    async with tcp_server(drip(b"SSH-2.0-OpenSSH_9.2\r\n", gap_seconds=0.005)) as port:
        result = await probe(port, expect="SSH-2.0-")

    assert result.failure is None
    assert 0 <= result.readings["first_byte_seconds"] < 1
    assert result.facts["banner"].startswith("'SSH-2.0-")


async def test_what_is_sent_is_answered() -> None:
    async with tcp_server(say(b"+PONG\r\n", after=b"PING\r\n")) as port:
        assert (await probe(port, send="PING\r\n", expect="+PONG")).failure is None


@pytest.mark.parametrize("tls", [False, True])
async def test_a_wrong_greeting_is_a_bad_reply(tmp_path: Path, tls: bool) -> None:
    authority = Tls(tmp_path)
    server = authority.server("device.example") if tls else None
    async with tcp_server(say(b"HTTP/1.1 400\x1b[31m\r\n"), tls=server) as port:
        result = await probe(port, name="device.example", expect="SSH-2.0", tls=tls, ca_file=authority.ca_file)

    assert result.failure is Failure.BAD_REPLY
    assert "SSH-2.0" in result.detail
    assert "HTTP/1.1" in result.detail
    assert "\x1b" not in result.detail + result.facts["banner"]
    assert result.steps[-1].text == result.detail


async def test_an_end_before_the_greeting_is_told_apart() -> None:
    async with tcp_server(say(b"SSH")) as port:
        early = await probe(port, expect="SSH-2.0")
    async with tcp_server(break_off) as port:
        rude = await probe(port, send="x", expect="SSH-2.0")

    assert early.failure is rude.failure is Failure.RESET
    assert "after 3 bytes" in early.detail
    assert "connect_seconds" in early.readings


async def test_nobody_there_and_nobody_answering() -> None:
    start = time.monotonic()
    refused = await probe(unused_port())
    with full_backlog() as port:
        dead = await probe(port, timeout=0.3)
    async with tcp_server(stall) as port:
        silent = await probe(port, timeout=0.3, expect="SSH")
        silent_tls = await probe(port, timeout=0.3, tls=True)
    took = time.monotonic() - start

    assert refused.failure is Failure.REFUSED
    assert dead.failure is silent.failure is silent_tls.failure is Failure.TIMEOUT
    assert dead.readings == {}
    assert set(silent.readings) == set(silent_tls.readings) == {"connect_seconds"}
    assert took < 2.0


async def test_a_literal_of_the_other_family_is_never_used() -> None:
    result = await probe(80, name="::1")

    assert result.failure is Failure.NAME_NOT_FOUND


@pytest.mark.parametrize("expired", [False, True])
async def test_the_certificate_is_reported_also_when_it_has_expired(tmp_path: Path, expired: bool) -> None:
    authority = Tls(tmp_path)
    async with tcp_server(stall, tls=authority.server("device.example", expired=expired)) as port:
        result = await probe(port, tls=True, server_name="device.example", ca_file=authority.ca_file)

    assert result.failure is (Failure.TLS if expired else None)
    assert ("tls_seconds" in result.readings) is not expired
    assert ("expired" in result.detail) is expired
    left = result.readings["certificate_remaining_seconds"]
    assert left == pytest.approx((-1 if expired else 30) * 86400, abs=60)
    assert "trustme" in result.facts["certificate_issuer"]


@pytest.mark.soak
@settings(max_examples=scale(60, 5_000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.binary(max_size=100))
async def test_no_bytes_break_the_probe(answer: bytes) -> None:
    async with tcp_server(say(answer)) as port:
        result = await probe(port, expect="SSH-2.0", timeout=2)

    assert result.failure in ({None} if answer.startswith(b"SSH-2.0") else {Failure.BAD_REPLY, Failure.RESET})
