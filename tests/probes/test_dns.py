"""Kind dns, against a real name server on loopback."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from probes.base import Failure, Family, ProbeResult
from probes.dns import DnsParams, probe_dns
from tests.lab.servers import dns_server, host, service_wires, unused_port


async def probe(port: int, **params: Any) -> ProbeResult:
    return await probe_dns(host(port), DnsParams(**params), wires=service_wires(), timeout=3)


async def test_a_good_answer() -> None:
    async with dns_server() as server:
        result = await probe(server.port, name="www.example", record_type="A")

    assert result.failure is None
    assert result.readings["answers"] == 2
    assert result.readings["ttl_min_seconds"] == 300
    assert 0 < result.readings["lookup_seconds"] < 3
    assert "soa_serial" not in result.readings
    assert "192.0.2.1, 192.0.2.2" in result.steps[-1].text


@pytest.mark.parametrize(
    ("name", "record_type", "expected"),
    [
        ("www.example", "A", ("192.0.2.2", "192.0.2.1")),
        ("www.example", "AAAA", ("2001:DB8:0::1",)),
        ("example", "NS", ("NS2.example", "ns1.example.")),
        ("text.example", "TXT", ("Simulation 1",)),
        ("example", "SOA", ("ns1.example admin.example 2026112400 7200 900 1209600 300",)),
        ("www.example", "A", ()),
    ],
)
async def test_the_expected_records_in_any_order_and_spelling(
    name: str, record_type: str, expected: tuple[str, ...]
) -> None:
    async with dns_server() as server:
        result = await probe(server.port, name=name, record_type=record_type, expected=expected)

    assert result.failure is None


@pytest.mark.parametrize(
    ("expected", "missing", "surplus"),
    [
        (("192.0.2.1",), "'none'", "'192.0.2.2'"),
        (("192.0.2.1", "192.0.2.2", "192.0.2.3"), "'192.0.2.3'", "'none'"),
    ],
)
async def test_a_record_too_few_or_too_many(expected: tuple[str, ...], missing: str, surplus: str) -> None:
    async with dns_server() as server:
        result = await probe(server.port, name="www.example", record_type="A", expected=expected)

    assert result.failure is Failure.BAD_REPLY
    assert f"missing {missing}, unexpected {surplus}" in result.detail
    assert result.readings["answers"] == 2


async def test_the_serial_of_a_zone() -> None:
    async with dns_server() as server:
        result = await probe(server.port, name="example", record_type="SOA")

    assert result.readings["soa_serial"] == 2026112400


async def test_failures_of_the_wire_become_results() -> None:
    async with dns_server() as server:
        unknown = await probe(server.port, name="nothing.example", record_type="A")
    refused = await probe(unused_port())

    assert unknown.failure is Failure.NAME_NOT_FOUND
    assert refused.failure is Failure.REFUSED
    assert refused.readings == {}
    assert refused.steps[-1].text == refused.detail


async def test_the_family_of_the_name_server_is_forced() -> None:
    result = await probe_dns(host(53, "127.0.0.1", Family.IPV6), DnsParams(), wires=service_wires(), timeout=3)

    assert result.failure is Failure.NAME_NOT_FOUND


@pytest.mark.parametrize(
    "params",
    [
        {"record_type": "A", "expected": ["2001:db8::1"]},
        {"record_type": "AAAA", "expected": ["www.example"]},
        {"record_type": "ANY"},
        {"name": "two..dots"},
        {"name": "white space"},
        {"name": "x" * 64},
        {"name": ""},
        {"transport": "https"},
    ],
)
def test_parameters_that_cannot_be_right_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DnsParams(**params)
