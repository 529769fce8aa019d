"""One HTTP request to real servers on loopback: phases, bounds, and each way in which a server can fail."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.base import Failure, Family, MonitorFault, Trace
from probes.wire.http import Exchange, HttpWire, Target
from tests.lab import need
from tests.lab.servers import (
    LOOPBACK,
    FakeNames,
    Serve,
    Tls,
    break_off,
    drip,
    full_backlog,
    http_server,
    say,
    stall,
    tcp_server,
    unused_port,
)
from tests.lab.soak import scale

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: demo\r\n\r\nhello"
HOSTS = frozenset({"127.0.0.1", "::1", "service.example"})


def target(
    port: int, host: str = "127.0.0.1", *, scheme: Any = "http", server_name: str = "", path: str = "/"
) -> Target:
    return Target(scheme=scheme, host=host, port=port, path=path, server_name=server_name or host)


async def exchange(to: Target, **changes: Any) -> Exchange:
    options: dict[str, Any] = {
        "names": FakeNames(service_example="127.0.0.1"),
        "family": Family.IPV4,
        "method": "GET",
        "ca_file": None,
        "max_body_bytes": 65536,
        "timeout": 5.0,
        "trace": Trace(),
    }
    return await HttpWire(allowed_hosts=HOSTS).exchange(to, **(options | changes))


def failure(found: Exchange) -> Failure | None:
    return found.failure.failure if found.failure else None


@pytest.mark.parametrize("family", list(Family))
async def test_a_plain_request_is_measured_phase_by_phase(family: Family) -> None:
    if family is Family.IPV6:
        need.ipv6_loopback()
    trace = Trace()
    async with http_server([OK], address=LOOPBACK[family]) as server:
        found = await exchange(target(server.port, LOOPBACK[family], path="/a?b=%20c"), family=family, trace=trace)

    assert found.failure is None
    assert (found.status, bytes(found.body), found.server) == (200, b"hello", "demo")
    assert list(found.seconds) == ["resolve", "connect", "first_byte", "transfer"]
    assert all(0 <= seconds < 5 for seconds in found.seconds.values())
    assert len(trace.steps) == 4
    head = server.requests[0].lower()
    name = b"[::1]" if family is Family.IPV6 else b"127.0.0.1"
    assert head.startswith(b"get /a?b=%20c http/1.1\r\n")
    assert b"host: %b:%d\r\n" % (name, server.port) in head
    assert b"accept-encoding: identity\r\n" in head
    assert b"connection: close\r\n" in head
    assert b"cookie" not in head


@pytest.mark.alone
async def test_each_phase_is_told_from_the_others(tmp_path: Path) -> None:
    """A server that waits before its headers, and again within its body."""
    head, body = OK[:-5], OK[-5:]

    async def slow(reader: Any, writer: Any) -> None:
        await asyncio.sleep(0.2)
        writer.write(head)
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(body)
        await writer.drain()

    tls = Tls(tmp_path)
    async with http_server([slow], tls=tls.server("service.example")) as server:
        found = await exchange(target(server.port, "service.example", scheme="https"), ca_file=tls.ca_file)

    assert found.failure is None
    assert found.seconds["first_byte"] == pytest.approx(0.2, abs=0.09)
    assert found.seconds["transfer"] == pytest.approx(0.1, abs=0.09)
    assert found.seconds["connect"] < 0.1
    assert 0 < found.seconds["tls"] < 0.1
    assert found.certificate is not None


async def test_the_certificate_is_checked_against_the_real_name(tmp_path: Path) -> None:
    """The connection goes to an address; SNI, Host header and certificate are for the name."""
    tls = Tls(tmp_path)
    async with http_server(lambda _: OK, tls=tls.server("service.example")) as server:
        good = await exchange(target(server.port, "service.example", scheme="https"), ca_file=tls.ca_file)
        named = await exchange(target(server.port, scheme="https", server_name="service.example"), ca_file=tls.ca_file)
        by_address = await exchange(target(server.port, scheme="https"), ca_file=tls.ca_file)

    assert good.failure is named.failure is None
    assert failure(by_address) is Failure.TLS
    assert all(b"service.example:%d" % server.port in head for head in server.requests)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("expired", "known", "words"),
    [(True, True, "expired"), (False, False, "unknown CA")],
)
async def test_a_refused_certificate_says_why_and_is_reported(
    tmp_path: Path, expired: bool, known: bool, words: str
) -> None:
    tls = Tls(tmp_path)
    async with http_server([], tls=tls.server("service.example", expired=expired)) as server:
        found = await exchange(
            target(server.port, "service.example", scheme="https"), ca_file=tls.ca_file if known else None
        )

    assert failure(found) is Failure.TLS
    assert words in str(found.failure)
    assert found.certificate is not None
    left = found.certificate.readings()["certificate_remaining_seconds"]
    assert left == pytest.approx((-1 if expired else 30) * 86400, abs=60)
    assert server.requests == []


@pytest.mark.parametrize("host", ["127.0.0.2", "other.example", "service.example.evil", "127.1", "2130706433", ""])
async def test_a_host_that_is_not_in_the_inventory_is_not_contacted(host: str) -> None:
    async with http_server([OK]) as server:
        found = await exchange(target(server.port, host))

    assert failure(found) is Failure.NOT_ALLOWED
    assert repr(host) in str(found.failure)
    assert found.seconds == {}
    assert server.requests == []


@pytest.mark.parametrize("host", ["SERVICE.example.", "Service.Example"])
async def test_a_host_of_the_inventory_may_be_spelt_in_other_ways(host: str) -> None:
    names = FakeNames(**{host: "127.0.0.1"})
    async with http_server([OK]) as server:
        assert (await exchange(target(server.port, host), names=names)).failure is None


async def test_the_body_is_read_up_to_its_bound_and_never_decoded() -> None:
    bomb = zlib.compress(bytes(10_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000
    async with http_server([head + bomb, endless, OK]) as server:
        packed = await exchange(target(server.port))
        large = await exchange(target(server.port), max_body_bytes=1000)
        none = await exchange(target(server.port), max_body_bytes=0)

    assert packed.failure is large.failure is none.failure is None
    assert bytes(packed.body) == bomb
    assert len(large.body) == 1000
    assert none.body == b""


async def test_a_body_that_drips_ends_at_the_deadline_with_what_was_read() -> None:
    start = time.monotonic()
    slow = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000, gap_seconds=0.002)
    async with http_server([slow]) as server:
        found = await exchange(target(server.port), timeout=0.6)

    assert failure(found) is Failure.TIMEOUT
    assert found.status == 200
    assert 0 < len(found.body) < 5000
    assert "transfer" in found.seconds
    assert time.monotonic() - start < 1.5


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", Failure.RESET),
        (b"HTTP/1.1 200", Failure.RESET),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", Failure.RESET),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", Failure.RESET),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", Failure.BAD_REPLY),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Failure.BAD_REPLY),
        (b"HTTP/1.1 abc OK\r\n\r\n", Failure.BAD_REPLY),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Failure.BAD_REPLY),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000, Failure.BAD_REPLY),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, Failure.BAD_REPLY),
        (break_off, Failure.RESET),
    ],
)
async def test_what_a_broken_server_says(answer: bytes | Serve, expected: Failure) -> None:
    serve = say(answer) if isinstance(answer, bytes) else answer
    async with tcp_server(serve) as port:
        assert failure(await exchange(target(port))) is expected


async def test_an_endless_run_of_interim_responses_ends_at_the_deadline() -> None:
    async def endless(_reader: Any, writer: Any) -> None:
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
            await writer.drain()

    start = time.monotonic()
    async with http_server([endless]) as server:
        found = await exchange(target(server.port), timeout=0.3)

    assert failure(found) is Failure.TIMEOUT
    assert time.monotonic() - start < 1.5


async def test_nobody_there_and_nobody_answering() -> None:
    refused = await exchange(target(unused_port()))
    start = time.monotonic()
    with full_backlog() as port:
        dead = await exchange(target(port), timeout=0.2)
    async with tcp_server(stall) as port:
        silent = await exchange(target(port), timeout=0.2)
        silent_tls = await exchange(target(port, scheme="https"), timeout=0.2)
    took = time.monotonic() - start

    assert failure(refused) is Failure.REFUSED
    assert failure(dead) is failure(silent) is failure(silent_tls) is Failure.TIMEOUT
    assert "TCP connection" in str(dead.failure)
    assert "response" in str(silent.failure)
    assert "TLS handshake" in str(silent_tls.failure)
    assert took < 2.0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(b"HTTP/1.1 400 Bad\r\n\r\n", Failure.TLS), (b"", Failure.RESET), (break_off, Failure.RESET)],
)
async def test_a_server_that_does_not_speak_tls(answer: bytes | Serve, expected: Failure) -> None:
    serve = say(answer) if isinstance(answer, bytes) else answer
    async with tcp_server(serve) as port:
        assert failure(await exchange(target(port, scheme="https"))) is expected


async def test_an_unusable_ca_file_is_the_monitors_fault(tmp_path: Path) -> None:
    with pytest.raises(MonitorFault, match=r"missing\.pem"):
        await exchange(target(1, scheme="https"), ca_file=tmp_path / "missing.pem")


async def test_no_descriptors_left_is_the_monitors_fault() -> None:
    """Not the site's: it must raise, and never become a failure of the network."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with http_server([OK]) as server:
        await exchange(target(server.port))
        with ExitStack() as stack:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
            stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
            with pytest.raises(OSError, match="Too many open files"):  # noqa: PT012 (the last one is what raises)
                while True:
                    stack.enter_context(socket.socket())
            with pytest.raises(OSError, match="Too many open files"):
                await exchange(target(server.port))


async def test_the_environments_proxies_and_credentials_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    async with http_server([OK]) as server:
        assert (await exchange(target(server.port))).failure is None


@pytest.mark.soak
@settings(max_examples=scale(80, 5_000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answer=st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda status, headers, body: b"HTTP/1.1 " + status + b"\r\n" + headers + b"\r\n\r\n" + body,
            st.sampled_from([b"200 OK", b"101 Switching", b"204 No", b"302 Found", b"999", b"100 Continue"]),
            st.sampled_from([b"Transfer-Encoding: chunked", b"Content-Length: 3", b"Connection: upgrade", b"A:b"])
            | st.binary(max_size=60),
            st.binary(max_size=100),
        ),
    )
)
async def test_no_bytes_break_the_exchange(answer: bytes) -> None:
    async with tcp_server(say(answer)) as port:
        found = await exchange(target(port), timeout=2.0)

    assert failure(found) in {None, Failure.BAD_REPLY, Failure.RESET}
    assert (found.status is not None) or found.failure is not None
