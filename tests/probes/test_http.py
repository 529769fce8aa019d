"""Kind http, against real servers on loopback."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from probes.base import Failure, Family, NetworkFailure, ProbeResult
from probes.http import HttpParams, probe_http, redirect
from probes.wire.http import Target
from tests.lab import need
from tests.lab.servers import (
    LOOPBACK,
    FakeNames,
    Tls,
    drip,
    host,
    http_server,
    service_wires,
    stall,
    tcp_server,
    unused_port,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nhello"
PHASES = ("resolve_seconds", "connect_seconds", "first_byte_seconds", "transfer_seconds")


def moved(location: str, status: int = 302) -> bytes:
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    return head.encode()


async def probe(port: int, *, name: str = "127.0.0.1", timeout: float = 5.0, **params: Any) -> ProbeResult:
    wires = service_wires("127.0.0.1", "service.example", names=FakeNames(service_example="127.0.0.1"))
    return await probe_http(host(port, name), HttpParams(**params), wires=wires, timeout=timeout)


@pytest.mark.parametrize("family", list(Family))
async def test_a_good_answer(family: Family) -> None:
    if family is Family.IPV6:
        need.ipv6_loopback()
    address = LOOPBACK[family]
    async with http_server([OK], address=address) as server:
        result = await probe_http(
            host(server.port, address, family), HttpParams(), wires=service_wires(address), timeout=5
        )

    assert result.failure is None
    assert result.readings["status_code"] == 200
    assert result.readings["body_bytes"] == 5
    assert result.readings["redirects"] == 0
    assert sum(result.readings[phase] for phase in PHASES) <= result.readings["total_seconds"]
    assert [step.text.split()[0] for step in result.steps] == ["resolved", "connected", "status", "read"]


async def test_https_with_the_phases_of_tls(tmp_path: Path) -> None:
    tls = Tls(tmp_path)
    async with http_server([OK], tls=tls.server("service.example")) as server:
        result = await probe(server.port, name="service.example", scheme="https", ca_file=tls.ca_file)

    assert result.failure is None
    assert result.readings["tls_seconds"] > 0
    assert result.readings["certificate_remaining_seconds"] == pytest.approx(30 * 86400, abs=60)
    assert result.readings["certificate_expiry_timestamp_seconds"] > 1.6e9


async def test_an_expired_certificate_still_has_its_date(tmp_path: Path) -> None:
    tls = Tls(tmp_path)
    async with http_server([], tls=tls.server("service.example", expired=True)) as server:
        result = await probe(server.port, name="service.example", scheme="https", ca_file=tls.ca_file)

    assert result.failure is Failure.TLS
    assert "expired" in result.detail
    assert result.readings["certificate_remaining_seconds"] == pytest.approx(-86400, abs=60)


@pytest.mark.parametrize(
    ("status", "expected", "failure"),
    [
        (204, (), None),
        (404, (), Failure.ERROR_STATUS),
        (503, (), Failure.ERROR_STATUS),
        (304, (), Failure.ERROR_STATUS),
        (401, (401,), None),
        (200, (401,), Failure.ERROR_STATUS),
    ],
)
async def test_the_status_is_what_was_expected(status: int, expected: tuple[int, ...], failure: Failure | None) -> None:
    answer = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status
    async with http_server([answer]) as server:
        result = await probe(server.port, expected_status=expected)

    assert result.failure is failure
    assert result.readings["status_code"] == status
    assert (str(status) in result.detail) is (failure is not None)


@pytest.mark.parametrize(
    ("wanted", "limit", "failure"),
    [("ell", 65536, None), ("珲春", 65536, None), ("absent", 65536, Failure.BAD_REPLY), ("珲春", 5, Failure.BAD_REPLY)],
)
async def test_the_body_holds_what_was_expected(wanted: str, limit: int, failure: Failure | None) -> None:
    body = "hello 珲春".encode()
    async with http_server([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body]) as server:
        result = await probe(server.port, body_contains=wanted, max_body_bytes=limit)

    assert result.failure is failure


async def test_a_head_request_has_no_body() -> None:
    async with http_server([b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"]) as server:
        result = await probe(server.port, method="HEAD")

    assert result.failure is None
    assert result.readings["body_bytes"] == 0
    assert server.requests[0].startswith(b"HEAD / ")


async def test_redirects_are_followed_within_the_inventory() -> None:
    async with (
        http_server([OK]) as last,
        http_server([moved("/two?x=1"), moved(f"http://service.example:{last.port}/three")]) as first,
    ):
        result = await probe(first.port, path="/one")

    assert result.failure is None
    assert result.readings["redirects"] == 2
    heads = [*first.requests, *last.requests]
    assert [head.split()[1] for head in heads] == [b"/one", b"/two?x=1", b"/three"]
    assert not any(b"cookie" in head.lower() for head in heads)


async def test_a_redirect_from_http_to_https(tmp_path: Path) -> None:
    """By the name that it was asked by, although only its address is in the inventory."""
    tls = Tls(tmp_path)
    async with (
        http_server([OK], tls=tls.server("portal.example")) as secure,
        http_server([moved(f"https://PORTAL.example:{secure.port}/")]) as plain,
    ):
        result = await probe(plain.port, server_name="portal.example", ca_file=tls.ca_file)

    assert result.failure is None
    assert "tls_seconds" in result.readings


@pytest.mark.parametrize("elsewhere", ["127.0.0.2", "evil.example", "service.example@127.0.0.2", "[::1]"])
async def test_a_redirect_out_of_the_inventory_is_not_followed(elsewhere: str) -> None:
    async with http_server(lambda _: OK) as other, http_server([moved(f"http://{elsewhere}:{other.port}/")]) as server:
        result = await probe(server.port)

    assert result.failure is Failure.NOT_ALLOWED
    assert elsewhere.rpartition("@")[2].strip("[]") in result.detail
    assert result.readings["status_code"] == 302
    assert other.requests == []


async def test_endless_redirects_end() -> None:
    count = itertools.count()
    async with http_server(lambda _: moved(f"/{next(count)}")) as server:
        result = await probe(server.port, follow_redirects=4)

    assert result.failure is Failure.BAD_REPLY
    assert "more than 4 redirects" in result.detail
    assert len(server.requests) == 5


async def test_a_redirect_may_be_the_answer_that_was_expected() -> None:
    async with http_server(lambda _: moved("http://evil.example/")) as server:
        expected = await probe(server.port, expected_status=(302,))
        not_followed = await probe(server.port, follow_redirects=0)

    assert expected.failure is None
    assert not_followed.failure is Failure.ERROR_STATUS


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://[", "http://127.0.0.1:99999/", "javascript:1"])
async def test_a_redirect_to_something_else_is_a_bad_reply(location: str) -> None:
    async with http_server([moved(location)]) as server:
        result = await probe(server.port)

    assert result.failure is Failure.BAD_REPLY


async def test_cut_short_it_returns_what_it_has() -> None:
    slow = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000, gap_seconds=0.002)
    async with http_server([slow]) as server:
        dripping = await probe(server.port, timeout=0.6)
    async with tcp_server(stall) as port:
        stalled = await probe(port, timeout=0.3)
    refused = await probe(unused_port())

    assert dripping.failure is stalled.failure is Failure.TIMEOUT
    assert dripping.readings["status_code"] == 200
    assert 0 < dripping.readings["body_bytes"] < 5000
    assert "connect_seconds" in stalled.readings
    assert "status_code" not in stalled.readings
    assert refused.failure is Failure.REFUSED
    assert 0.6 <= dripping.readings["total_seconds"] < 1.5


@pytest.mark.soak
@given(location=st.text(max_size=60) | st.from_regex(r"(https?:)?//[^/]{0,20}/.{0,20}"))
def test_any_location_is_a_target_or_a_bad_reply(location: str) -> None:
    try:
        found = redirect(Target(scheme="http", host="10.0.0.1", port=80, path="/a", server_name="a.example"), location)
    except NetworkFailure:
        return
    assert found.path.startswith("/")
    assert found.path.isascii()
    assert not set(found.path) & set(" \r\n\t")
    assert 0 < found.port < 65536


@pytest.mark.parametrize(
    "params",
    [
        {"path": "no-slash"},
        {"path": "/a b"},
        {"path": "/a\r\nHost: evil"},
        {"server_name": "evil\r\n"},
        {"expected_status": [99]},
        {"follow_redirects": 11},
        {"max_body_bytes": 1 << 30},
        {"verify": False},
        {"method": "POST"},
    ],
)
def test_parameters_that_cannot_be_right_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpParams(**params)
