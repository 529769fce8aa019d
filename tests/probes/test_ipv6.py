"""Kind ipv6: stage by stage, against real servers on both loopback addresses and in a network of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from probes.base import Endpoint, Failure, Family, ProbeResult, StateClass
from probes.ipv6 import Ipv6Params, Stage, probe_ipv6
from tests.lab import need
from tests.lab.servers import (
    FakeNames,
    Serve,
    Tls,
    full_backlog,
    http_server,
    service_wires,
    stall,
    tcp_server,
    unused_port,
)
from tests.lab.vantage import probe_all

V4, V6 = "127.0.0.1", "::1"
PHASES = ("connect_seconds", "first_byte_seconds", "transfer_seconds")


@pytest.fixture(autouse=True)
def _loopback() -> None:
    need.ipv6_loopback()


def answer(status: int = 200, body: bytes = b"hello") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


async def probe(
    v4_port: int, v6_port: int, *, v4: str = V4, v6: str = V6, names: FakeNames | None = None, timeout: float = 5.0,
    **params: Any,
) -> ProbeResult:  # fmt: skip
    ends = {
        "v4": Endpoint(host=v4, family=Family.IPV4, port=v4_port),
        "v6": Endpoint(host=v6, family=Family.IPV6, port=v6_port),
    }
    wires = service_wires(v4, v6, names=names)
    return await probe_ipv6(ends, Ipv6Params(**params), wires=wires, timeout=timeout)


async def between(v4: bytes | Serve, v6: bytes | Serve, /, **options: Any) -> ProbeResult:
    """The result for an application that gives these answers over IPv4 and IPv6."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(http_server([v4] * 9, address=V4))
        second = await stack.enter_async_context(http_server([v6] * 9, address=V6))
        return await probe(first.port, second.port, **options)


def stage(result: ProbeResult) -> Stage:
    found = result.states["stage"]
    assert found.meaning is (StateClass.OK if found.word == Stage.DUAL_STACK else StateClass.DEGRADED)
    return Stage(found.word)


async def test_the_same_over_both_families() -> None:
    result = await between(answer(), answer())

    assert (result.failure, result.detail, stage(result)) == (None, "", Stage.DUAL_STACK)
    for family in ("ipv4", "ipv6"):
        assert all(result.readings[f"{phase}[{family}]"] >= 0 for phase in PHASES)
        assert result.readings[f"addresses[{family}]"] == 1
        assert result.readings[f"failed_addresses[{family}]"] == 0
        assert result.readings[f"status_code[{family}]"] == 200
        assert result.readings[f"body_bytes[{family}]"] == 5
    assert result.facts["ipv6_addresses"] == V6
    assert any(step.text.startswith("IPv6: ::1: connected") for step in result.steps)


async def test_one_name_is_looked_up_in_each_family() -> None:
    names = FakeNames(app_example="127.0.0.1 ::1")
    result = await between(answer(), answer(), v4="app.example", v6="app.example", names=names)

    assert (result.failure, stage(result)) == (None, Stage.DUAL_STACK)
    assert result.facts == {"ipv4_addresses": V4, "ipv6_addresses": V6}


@pytest.mark.parametrize(
    "addresses", ["127.0.0.1", "127.0.0.1 ::ffff:127.0.0.1", "127.0.0.1 ::", "127.0.0.1 fe80::1", "127.0.0.1 ff02::1"]
)
async def test_without_a_usable_aaaa_record_it_is_not_ready_and_not_down(addresses: str) -> None:
    names = FakeNames(app_example=addresses)
    result = await between(answer(), answer(), v4="app.example", v6="app.example", names=names)

    assert (result.failure, stage(result)) == (None, Stage.NONE)
    assert result.detail == "IPv4 only: the application has no IPv6 address"
    assert result.readings["addresses[ipv6]"] == 0
    assert "connect_seconds[ipv6]" not in result.readings
    assert result.readings["status_code[ipv4]"] == 200


@pytest.mark.parametrize(
    ("broken", "failure", "expected"),
    [
        (b"", Failure.RESET, Stage.REACHABLE),
        (stall, Failure.TIMEOUT, Stage.REACHABLE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nthe rest is lost", Failure.RESET, Stage.REACHABLE),
        (b"SSH-2.0-x\r\n\r\n", Failure.BAD_REPLY, Stage.REACHABLE),
        (answer(404), Failure.ERROR_STATUS, Stage.HTTP),
        (answer(503), Failure.ERROR_STATUS, Stage.HTTP),
    ],
)
async def test_an_ipv6_service_that_does_not_work_fails(
    broken: bytes | Serve, failure: Failure, expected: Stage
) -> None:
    """Users with IPv6 meet it first; that IPv4 works does not help them."""
    result = await between(answer(), broken, timeout=0.8)

    assert (result.failure, stage(result)) == (failure, expected)
    assert result.detail.startswith("IPv6: ")
    assert result.readings["failed_addresses[ipv6]"] == 1
    assert result.readings["failed_addresses[ipv4]"] == 0
    assert result.readings["connect_seconds[ipv6]"] > 0


async def test_nothing_listens_on_ipv6() -> None:
    async with http_server([answer()]) as server:
        result = await probe(server.port, unused_port(V6))

    assert (result.failure, stage(result)) == (Failure.REFUSED, Stage.AAAA)


async def test_ipv6_swallows_every_packet() -> None:
    async with http_server([answer()]) as server:
        with full_backlog(V6) as port:
            result = await probe(server.port, port, timeout=0.6)

    assert (result.failure, stage(result)) == (Failure.TIMEOUT, Stage.AAAA)
    assert result.readings["status_code[ipv4]"] == 200


@pytest.mark.parametrize(("expected", "failure"), [((), None), ((200,), Failure.ERROR_STATUS)])
async def test_another_status_over_ipv6_is_not_the_same_service(
    expected: tuple[int, ...], failure: Failure | None
) -> None:
    result = await between(answer(200), answer(302), expected_status=expected)

    assert (result.failure, stage(result)) == (failure, Stage.HTTP)
    assert ("IPv4 gives status 200, IPv6 302" in result.detail) is (failure is None)


@pytest.mark.parametrize("v6", [answer(), answer(500)])
async def test_ipv4_that_fails_is_the_failure(v6: bytes) -> None:
    result = await between(answer(500), v6)

    assert (result.failure, stage(result)) == (Failure.ERROR_STATUS, Stage.HTTP)
    assert result.detail.startswith("IPv4: the service answered with status 500")


async def test_both_families_fail_and_both_are_told() -> None:
    result = await probe(unused_port(V4), unused_port(V6))

    assert (result.failure, stage(result)) == (Failure.REFUSED, Stage.AAAA)
    assert "IPv4: TCP connection" in result.detail
    assert "; IPv6: TCP connection" in result.detail


async def test_every_address_is_asked_and_one_that_serves_keeps_it_up() -> None:
    names = FakeNames(app_example="127.0.0.2 127.0.0.1 127.0.0.3 ::1")
    result = await between(answer(), answer(), v4="app.example", v6="app.example", names=names)

    assert (result.failure, stage(result)) == (None, Stage.DUAL_STACK)
    assert result.readings["addresses[ipv4]"] == 3
    assert result.readings["failed_addresses[ipv4]"] == 2
    assert result.readings["status_code[ipv4]"] == 200
    assert "IPv4 works, but not at 127.0.0.2" in result.detail
    assert "127.0.0.3" in result.detail


async def test_no_more_than_eight_addresses_are_asked() -> None:
    names = FakeNames(app_example=" ".join([*(f"127.0.0.{number}" for number in range(1, 12)), "::1"]))
    result = await between(answer(), answer(), v4="app.example", v6="app.example", names=names)

    assert result.readings["addresses[ipv4]"] == 8
    assert any("the last 3 are left out" in step.text for step in result.steps)


async def test_https_with_the_phases_of_tls(tmp_path: Path) -> None:
    tls = Tls(tmp_path)
    context = tls.server("app.example")
    async with http_server([answer()], tls=context) as v4, http_server([answer()], address=V6, tls=context) as v6:
        result = await probe(v4.port, v6.port, scheme="https", server_name="app.example", ca_file=tls.ca_file)

    assert (result.failure, stage(result)) == (None, Stage.DUAL_STACK)
    assert result.readings["tls_seconds[ipv6]"] > 0
    assert result.readings["certificate_remaining_seconds[ipv6]"] == pytest.approx(30 * 86400, abs=60)
    assert result.facts["ipv6_certificate_issuer"]


@pytest.mark.parametrize(
    ("name", "expired", "words"), [("other.example", False, "wrong name"), ("app.example", True, "expired")]
)
async def test_a_certificate_that_is_wrong_over_ipv6(tmp_path: Path, name: str, expired: bool, words: str) -> None:
    tls = Tls(tmp_path)
    good, wrong = tls.server("app.example"), tls.server(name, expired=expired)
    async with http_server([answer()], tls=good) as v4, http_server([answer()], address=V6, tls=wrong) as v6:
        result = await probe(v4.port, v6.port, scheme="https", server_name="app.example", ca_file=tls.ca_file)

    assert (result.failure, stage(result)) == (Failure.TLS, Stage.REACHABLE)
    assert words in result.detail
    assert "certificate_remaining_seconds[ipv6]" in result.readings


async def test_tls_and_then_nothing(tmp_path: Path) -> None:
    tls = Tls(tmp_path)
    context = tls.server("app.example")
    async with http_server([answer()], tls=context) as v4, tcp_server(stall, address=V6, tls=context) as v6:
        result = await probe(v4.port, v6, scheme="https", server_name="app.example", ca_file=tls.ca_file, timeout=1.5)

    assert (result.failure, stage(result)) == (Failure.TIMEOUT, Stage.TLS)


# In a network of its own


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[dict[str, Any]]:
    """One run of a network namespace for all tests that look at it."""
    return probe_all()


@pytest.mark.parametrize(
    ("place", "words"), [("no route", "no ipv6 route to"), ("link-local only", "no ipv6 address to reach")]
)
def test_a_monitor_without_ipv6_blames_no_application(elsewhere: dict[str, Any], place: str, words: str) -> None:
    assert elsewhere[place]["exception"].startswith("MonitorFault(")
    assert words in elsewhere[place]["exception"]


def test_ipv4_that_fails_is_told_also_by_a_monitor_without_ipv6(elsewhere: dict[str, Any]) -> None:
    found = elsewhere["no route, IPv4 refused"]

    assert found["failure"] == Failure.REFUSED
    assert found["stage"] is None
    assert "IPv6 was not judged: this machine has no ipv6 route" in found["detail"]


@pytest.mark.parametrize(
    ("place", "failure"),
    [
        ("black hole", Failure.TIMEOUT),
        ("router without a route", Failure.NO_ROUTE),
        ("router prohibits", Failure.PROHIBITED),
    ],
)
def test_what_the_network_says_is_the_networks(elsewhere: dict[str, Any], place: str, failure: Failure) -> None:
    """The same word, network unreachable, as when this machine itself had no route."""
    assert elsewhere[place]["failure"] == failure
    assert elsewhere[place]["stage"] == Stage.AAAA


def test_one_of_two_ipv6_addresses_is_dead(elsewhere: dict[str, Any]) -> None:
    """Not ready, for some users wait; not down, for it serves."""
    found = elsewhere["one address dead"]

    assert found["failure"] is None
    assert found["stage"] == Stage.AAAA
    assert found["readings"]["failed_addresses[ipv6]"] == 1
    assert found["readings"]["status_code[ipv6]"] == 200
    assert "IPv6 works, but not at fd99::dead" in found["detail"]
