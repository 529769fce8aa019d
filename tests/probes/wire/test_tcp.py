"""TCP and TLS connections to real servers on loopback: what is measured, and each failure told apart."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.base import Failure, Family, MonitorFault, NetworkFailure
from probes.wire.tcp import TcpConnection, TcpWire
from tests.lab import need
from tests.lab.servers import LOOPBACK, Tls, break_off, full_backlog, say, stall, tcp_server, unused_port
from tests.lab.soak import scale


@pytest.fixture(params=list(Family))
def family(request: pytest.FixtureRequest) -> Family:
    if request.param is Family.IPV6:
        need.ipv6_loopback()
    return Family(request.param)


async def connect(port: int, family: Family = Family.IPV4, timeout: float = 5.0) -> TcpConnection:
    return await TcpWire().connect(LOOPBACK[family], port, family=family, timeout=timeout)


async def test_bytes_go_both_ways(family: Family) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readuntil(b"\n")).upper())
        await writer.drain()

    async with tcp_server(echo, address=LOOPBACK[family]) as port:
        with await connect(port, family) as connection:
            await connection.send(b"ready\n", timeout=5)
            received = await connection.receive(timeout=5, limit=3)
            received += await connection.receive(timeout=5)
            end = await connection.receive(timeout=5)

    assert received == b"READY\n"
    assert end == b""
    assert 0 < connection.connect_seconds < 5


async def test_nothing_listens(family: Family) -> None:
    with pytest.raises(NetworkFailure) as caught:
        await connect(unused_port(LOOPBACK[family]), family)

    assert caught.value.failure is Failure.REFUSED


async def test_nobody_answers(family: Family) -> None:
    start = time.monotonic()
    with full_backlog(LOOPBACK[family]) as port, pytest.raises(NetworkFailure) as caught:
        await connect(port, family, timeout=0.3)

    assert caught.value.failure is Failure.TIMEOUT
    assert 0.3 <= time.monotonic() - start < 1.0


async def test_a_silent_server_times_out_and_a_rude_one_is_a_reset() -> None:
    async with tcp_server(stall) as port:
        with await connect(port) as connection, pytest.raises(NetworkFailure) as silent:
            await connection.receive(timeout=0.1)
    async with tcp_server(break_off) as port:
        with await connect(port) as connection:
            await connection.send(b"x", timeout=5)
            with pytest.raises(NetworkFailure) as rude:
                await connection.receive(timeout=5)

    assert silent.value.failure is Failure.TIMEOUT
    assert rude.value.failure is Failure.RESET


async def test_an_address_of_the_other_family_is_the_monitors_fault() -> None:
    with pytest.raises(MonitorFault, match="no ipv6 address"):
        await TcpWire().connect("127.0.0.1", 80, family=Family.IPV6, timeout=1)


async def test_tls_is_measured_and_the_certificate_read(tmp_path: Path, family: Family) -> None:
    tls, wire = Tls(tmp_path), TcpWire()
    server = tls.server("device.example")
    async with tcp_server(say(b"x" * 100_000), address=LOOPBACK[family], tls=server) as port:
        with await connect(port, family) as connection:
            seconds = await wire.start_tls(connection, "device.example", ca_file=tls.ca_file, timeout=5)
            received = b""
            while piece := await connection.receive(timeout=5):
                received += piece

    assert received == b"x" * 100_000
    assert 0 < seconds < 5
    assert connection.certificate is not None
    left = connection.certificate.readings()["certificate_remaining_seconds"]
    assert left == pytest.approx(30 * 86400, abs=60)


async def test_what_is_sent_arrives_through_tls(tmp_path: Path) -> None:
    tls, wire, arrived = Tls(tmp_path), TcpWire(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(200_000) == b"y" * 200_000
        arrived.set()

    async with tcp_server(serve, tls=tls.server("device.example")) as port:
        with await connect(port) as connection:
            await wire.start_tls(connection, "device.example", ca_file=tls.ca_file, timeout=5)
            await connection.send(b"y" * 200_000, timeout=5)
            await asyncio.wait_for(arrived.wait(), 5)


@pytest.mark.parametrize(
    ("name", "expired", "known", "words"),
    [
        ("device.example", True, True, "the certificate has expired"),
        ("other.example", False, True, "wrong name"),
        ("192.0.2.7", False, True, "wrong name"),
        ("device.example", False, False, "unknown CA"),
    ],
)
async def test_a_refused_certificate_says_why_and_is_reported(
    tmp_path: Path, name: str, expired: bool, known: bool, words: str
) -> None:
    tls, wire = Tls(tmp_path), TcpWire()
    async with tcp_server(stall, tls=tls.server("device.example", expired=expired)) as port:
        with await connect(port) as connection, pytest.raises(NetworkFailure) as caught:
            await wire.start_tls(connection, name, ca_file=tls.ca_file if known else None, timeout=5)

    assert caught.value.failure is Failure.TLS
    assert words in caught.value.detail
    assert connection.certificate is not None
    left = connection.certificate.readings()["certificate_remaining_seconds"]
    assert left == pytest.approx((-1 if expired else 30) * 86400, abs=60)


async def test_nothing_is_sent_to_a_server_whose_certificate_was_refused(tmp_path: Path) -> None:
    """The second look at the certificate is a handshake and no more."""
    received: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.put_nowait(await reader.read())

    tls, wire = Tls(tmp_path), TcpWire()
    async with tcp_server(serve, tls=tls.server("device.example", expired=True)) as port:
        with await connect(port) as connection, pytest.raises(NetworkFailure):
            await wire.start_tls(connection, "device.example", ca_file=tls.ca_file, timeout=5)
        assert await asyncio.wait_for(received.get(), 5) == b""


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", Failure.TLS),
        # A fatal alert "protocol_version" (RFC 8446 6), as a server that is too old gives it.
        (b"\x15\x03\x01\x00\x02\x02\x46", Failure.TLS),
        (b"", Failure.RESET),
        (b"\x16\x03\x03\x00\x40cut", Failure.RESET),
    ],
)
async def test_a_server_that_does_not_speak_tls(answer: bytes, failure: Failure) -> None:
    wire = TcpWire()
    async with tcp_server(say(answer)) as port:
        with await connect(port) as connection, pytest.raises(NetworkFailure) as caught:
            await wire.start_tls(connection, "device.example", ca_file=None, timeout=5)

    assert caught.value.failure is failure


async def test_a_handshake_that_stalls_ends_in_time() -> None:
    wire = TcpWire()
    start = time.monotonic()
    async with tcp_server(stall) as port:
        with await connect(port) as connection, pytest.raises(NetworkFailure) as caught:
            await wire.start_tls(connection, "device.example", ca_file=None, timeout=0.2)

    assert caught.value.failure is Failure.TIMEOUT
    assert time.monotonic() - start < 1.0


@pytest.mark.soak
@settings(max_examples=scale(60, 5_000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answer=st.one_of(
        st.binary(max_size=200),
        st.tuples(st.sampled_from([20, 21, 22, 23]), st.binary(max_size=200)).map(
            lambda record: bytes([record[0], 3, 3]) + len(record[1]).to_bytes(2) + record[1]
        ),
    )
)
async def test_no_bytes_break_the_handshake(answer: bytes) -> None:
    wire = TcpWire()
    async with tcp_server(say(answer)) as port:
        with await connect(port) as connection, pytest.raises(NetworkFailure) as caught:
            await wire.start_tls(connection, "device.example", ca_file=None, timeout=2)

    assert caught.value.failure in {Failure.TLS, Failure.RESET, Failure.TIMEOUT}
