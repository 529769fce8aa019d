"""The contract at the head of probes/base.py, over every kind; a new kind that is not listed fails here, too."""

from __future__ import annotations

import asyncio
import inspect
import os
import pkgutil
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import probes
from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.devices import hytera_repeater, radio_terminal, router, satellite_modem, ups
from probes import KINDS
from probes.base import Endpoint, Failure, Family, Params, ProbeKind, ProbeResult, indexed, split_key
from probes.wire import Wires
from probes.wire.capacity import CapacityWire
from probes.wire.capacity_reflector import Limits
from probes.wire.dns import DnsWire
from probes.wire.http import HttpWire
from probes.wire.icmp import IcmpWire
from probes.wire.iperf import IperfWire
from probes.wire.names import Names
from probes.wire.snmp import SnmpAuth, SnmpWire
from probes.wire.tcp import TcpWire
from tests.lab import need
from tests.lab.black_hole import TIMEOUT_SECONDS, probe_all
from tests.lab.iperf import iperf_server
from tests.lab.profiles import terminal_profile
from tests.lab.reflector import KEY, QUICK, reflector
from tests.lab.servers import LOOPBACK, dns_server, http_server, tcp_server

ROOT = Path(probes.__file__).parent.parent
MARGIN_SECONDS = 1.0  # for a busy machine, and for libraries that are loaded at first use

# Base units with which the name of a reading ends: SI where there is one, and what the trade measures in.
UNITS = frozenset(
    {
        "seconds", "ratio", "bytes", "bits_per_second", "bytes_per_second", "per_second", "hertz", "volts", "amperes",
        "ampere_hours", "watts", "celsius", "dbm", "db", "count", "number",
    }
)  # fmt: skip
# Plain counts, codes and answers to a yes-or-no question, which have no unit.
UNITLESS = frozenset(
    {
        "sent", "received", "duplicates", "reordered", "discarded", "reply_hop_limit", "answers", "redirects",
        "rejected_values", "status_code", "soa_serial", "icmp_up", "snmp_up", "module_success", "interface_found",
        "hub_up", "addresses", "failed_addresses", "implausible_counters", "on_battery", "transmitting", "r_factor",
        "mos_cqe", "line_available",
    }
)  # fmt: skip

every_kind = pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in KINDS.items()])
every_asking_kind = pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=name) for name, kind in KINDS.items() if not kind.by_hand]
)


def ends_in_a_unit(name: str) -> bool:
    return name in UNITLESS or any(name.endswith(f"_{unit}") for unit in UNITS)


def declared(kind: ProbeKind[Any]) -> frozenset[str]:
    return frozenset(reading.name for reading in kind.readings)


def assert_lawful(kind: ProbeKind[Any], result: ProbeResult) -> None:
    names = {split_key(key)[0] for key in result.readings}
    if not kind.open_ended:
        assert names <= declared(kind)
    assert all(isinstance(value, float) for value in result.readings.values())
    assert {split_key(key)[0] for key in result.counters} <= {counter.name for counter in kind.counters}
    assert result.steps
    assert [step.at_seconds for step in result.steps] == sorted(step.at_seconds for step in result.steps)
    if result.failure is None:
        assert names >= {reading.name for reading in kind.readings if not reading.optional}
    else:
        assert result.detail
        assert "\n" not in result.detail


# What a kind declares


def test_every_module_of_a_kind_is_in_the_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules(probes.__path__) if not module.ispkg} - {"base"}

    assert modules == set(KINDS)


@every_kind
def test_the_signature(kind: ProbeKind[Any]) -> None:
    assert inspect.iscoroutinefunction(kind.probe)
    assert list(inspect.signature(kind.probe).parameters) == ["endpoints", "params", "wires", "timeout"]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.name)
    assert KINDS[kind.name] is kind
    assert kind.help.endswith(".")
    assert bool(kind.roles) is not kind.by_hand


@every_kind
def test_names_end_in_base_units(kind: ProbeKind[Any]) -> None:
    names = [*declared(kind), *(counter.rate for counter in kind.counters)]

    assert [name for name in names if not ends_in_a_unit(name)] == []
    assert len(declared(kind)) == len(kind.readings)
    assert all(reading.help.strip() for reading in kind.readings)


@every_kind
def test_every_parameter_has_a_default_and_a_description(kind: ProbeKind[Any]) -> None:
    fields = kind.params.model_fields

    assert issubclass(kind.params, Params)
    assert [name for name, field in fields.items() if field.is_required()] == []
    assert [name for name, field in fields.items() if not field.description] == []
    assert kind.params() == kind.params.model_validate(kind.params().model_dump())


@every_kind
def test_it_has_a_page_and_tests(kind: ProbeKind[Any]) -> None:
    folder = ROOT / "docs" / "kinds"
    page = (folder / f"{kind.name}.md").read_text(encoding="utf-8")

    assert page.startswith(f"# Kind `{kind.name}`\n")
    assert (ROOT / "tests" / "probes" / f"test_{kind.name}.py").is_file()
    # A page may leave to the page of another kind what it takes over from it.
    text = "".join(
        [page, *((folder / link).read_text(encoding="utf-8") for link in re.findall(r"\((\w+\.md)\)", page))]
    )
    promised = [reading.name for reading in kind.readings if not reading.optional]
    assert [name for name in promised if f"`{name}" not in text] == []


# What a kind does where nobody answers


@pytest.fixture(scope="module")
def nowhere() -> list[dict[str, Any]]:
    """One run of a network namespace for all tests that look at it."""
    return probe_all()


def at(nowhere: list[dict[str, Any]], kind: ProbeKind[Any], place: str) -> list[dict[str, Any]]:
    found = [one for one in nowhere if one["kind"] == kind.name and one["place"] == place]
    assert {one["family"] for one in found} == set(Family)
    for one in found:
        assert one["took_seconds"] < TIMEOUT_SECONDS + MARGIN_SECONDS
    return found


@every_asking_kind
@pytest.mark.parametrize(
    ("place", "failure"),
    [
        ("black hole", Failure.TIMEOUT),
        ("no route", Failure.NO_ROUTE),
        ("unknown name", Failure.NAME_NOT_FOUND),
    ],
)
def test_a_state_of_the_network_is_data(
    nowhere: list[dict[str, Any]], kind: ProbeKind[Any], place: str, failure: Failure
) -> None:
    for one in at(nowhere, kind, place):
        assert "exception" not in one
        assert one["failure"] == failure
        assert one["detail"]
        assert one["steps"]
        assert kind.open_ended or {split_key(key)[0] for key in one["readings"]} <= declared(kind)


@every_asking_kind
def test_our_own_prohibition_is_never_a_timeout_of_the_site(
    nowhere: list[dict[str, Any]], kind: ProbeKind[Any]
) -> None:
    """TCP and UDP cannot tell it from a router's; the ICMP socket can, and then it is the monitor's fault."""
    for one in at(nowhere, kind, "prohibited"):
        assert one.get("failure") == Failure.PROHIBITED or one["exception"].startswith("MonitorFault(")


# What a kind does with good and with mute devices

Ends = Mapping[str, Endpoint]


async def wait_for_the_end(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


class SilentNames(Names):
    """A resolver that never answers."""

    async def resolve_all(self, host: str, family: Family) -> tuple[str, ...]:
        await asyncio.Event().wait()
        raise AssertionError


def ends(kind: str, port: int | None) -> Ends:
    return {role: Endpoint(host="127.0.0.1", family=Family.IPV4, port=port) for role in KINDS[kind].roles}


@asynccontextmanager
async def dual_stack_service() -> AsyncIterator[Ends]:
    need.ipv6_loopback()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with AsyncExitStack() as stack:
        found = {}
        for role, family in KINDS["ipv6"].families.items():
            address = LOOPBACK[family]
            server = await stack.enter_async_context(http_server(lambda _: answer, address=address))
            found[role] = Endpoint(host=address, family=family, port=server.port)
        yield found


def line_end(name: str) -> Mapping[str, Value]:
    """A router whose default route leads over its only interface (RFC 4292)."""
    row = "1.4.0.0.0.0.0.2.0.0.1.4.192.0.2.1"
    return router(name, speed_mbits=100, in_per_second=0, out_per_second=0) | {
        f"1.3.6.1.2.1.4.24.7.1.{column}.{row}": Value(Syntax.INTEGER, value)
        for column, value in ((7, 2), (8, 4), (12, 0))
    }


@asynccontextmanager
async def good_device(kind: str) -> AsyncIterator[tuple[Ends, Mapping[str, object]]]:
    """A device that gives each kind all that it asks for, and the parameters to ask with."""
    if kind == "ipv6":
        async with dual_stack_service() as found:
            yield found, {}
        return
    async with AsyncExitStack() as stack:

        async def port() -> int | None:
            if kind in {"ping", "uplink", "stream", "path_mtu"}:
                return None
            if kind == "capacity":
                return stack.enter_context(reflector(Limits(tests=20, tests_an_hour=1000))).port
            if kind == "iperf3":
                return stack.enter_context(iperf_server())
            if kind == "tcp":
                return await stack.enter_async_context(tcp_server(wait_for_the_end))
            if kind == "dns":
                return (await stack.enter_async_context(dns_server())).port
            if kind == "http":
                answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                return (await stack.enter_async_context(http_server(lambda _: answer))).port
            if kind == "export":
                answer = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nname,x\r\nhere,1\r\n"
                return (await stack.enter_async_context(http_server(lambda _: answer))).port
            if kind in {"snmp", "base_station", "power", "satellite", "registration", "path"}:
                device = {"satellite": satellite_modem, "power": ups, "registration": radio_terminal, "path": line_end}
                agent = SnmpAgent(device.get(kind, hytera_repeater)("contract"))
                stack.callback(agent.close)
                return (await agent.start())[1]
            raise AssertionError(f"add a good device for the new kind {kind}")

        params: dict[str, dict[str, object]] = {
            "ping": {"count": 2, "gap_seconds": 0.01},
            "dns": {"name": "example"},
            "export": {"station": "here"},
            "base_station": {"count": 2, "gap_seconds": 0.01, "profile": "hytera-repeater"},
            "uplink": {"count": 2, "gap_seconds": 0.01},
            "capacity": {**QUICK, "target_bits_per_second": 2e6, "directions": "from_site"},
            "path": {"primary_interface": "wan0"},
            "path_mtu": {"wait_seconds": 0.3},
            "iperf3": {"seconds": 1, "highest_bits_per_second": 1e6, "directions": "from_site"},
            "satellite": {"count": 2, "gap_seconds": 0.01, "auth": "default"},
            "registration": {"profile": "terminal", "site": 12},
        }
        if kind == "registration":
            stack.enter_context(terminal_profile())
        yield ends(kind, await port()), params.get(kind, {})


@asynccontextmanager
async def open_wires(names: Names | None = None) -> AsyncIterator[Wires]:
    wires = Wires(
        names=names or Names(),
        icmp=IcmpWire(),
        snmp=SnmpWire({"default": SnmpAuth(community="public")}),
        tcp=TcpWire(),
        dns=DnsWire(),
        http=HttpWire(allowed_hosts=frozenset(LOOPBACK.values())),
        capacity=CapacityWire({"default": KEY}),
        iperf=IperfWire(),
    )
    try:
        yield wires
    finally:
        await wires.aclose()


@every_asking_kind
async def test_without_a_failure_every_promised_reading_is_there(kind: ProbeKind[Any]) -> None:
    async with open_wires() as wires, good_device(kind.name) as (endpoints, params):
        result = await kind.probe(endpoints, kind.params.model_validate(params), wires=wires, timeout=5.0)

    assert result.failure is None, result.detail
    assert_lawful(kind, result)


@every_asking_kind
async def test_the_other_family_is_never_used(kind: ProbeKind[Any]) -> None:
    """An IPv4 address for a check of IPv6: the device is there, and is not asked."""
    async with open_wires() as wires, good_device(kind.name) as (endpoints, params):
        other = {role: Endpoint(host=end.host, family=Family.IPV6, port=end.port) for role, end in endpoints.items()}
        result = await kind.probe(other, kind.params.model_validate(params), wires=wires, timeout=2.0)

    assert result.failure is Failure.NAME_NOT_FOUND
    assert_lawful(kind, result)


@every_asking_kind
async def test_a_silent_name_server_does_not_hold_a_probe_up(kind: ProbeKind[Any]) -> None:
    start = time.monotonic()
    async with open_wires(SilentNames()) as wires, good_device(kind.name) as (endpoints, params):
        if kind.name == "uplink":  # without credentials it asks for no name but the one that it pings
            params = {**params, "near_auth": "default", "near_interface": "wan"}
        if kind.name not in {"http", "export"}:  # which ask hosts of the inventory only, and for the name of every one
            endpoints = {role: replace(end, host="device.example") for role, end in endpoints.items()}
        result = await kind.probe(endpoints, kind.params.model_validate(params), wires=wires, timeout=0.3)

    assert result.failure is Failure.NAME_SERVER
    assert time.monotonic() - start < 0.3 + MARGIN_SECONDS
    assert_lawful(kind, result)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=name) for name, kind in KINDS.items() if not kind.by_hand and name != "iperf3"]
)  # whose server takes one at a time
async def test_many_at_once_do_not_disturb_each_other(kind: ProbeKind[Any]) -> None:
    async with open_wires() as wires, good_device(kind.name) as (endpoints, params):
        results = await asyncio.gather(
            *(kind.probe(endpoints, kind.params.model_validate(params), wires=wires, timeout=5.0) for _ in range(10))
        )

    assert [result.detail for result in results if result.failure is not None] == []


async def descriptors() -> int:
    await asyncio.sleep(0.05)  # closing takes a turn of the event loop
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (the kernel's own list, nothing to wait for)


@every_asking_kind
async def test_a_cancelled_probe_closes_what_it_opened(kind: ProbeKind[Any]) -> None:
    """The runner cancels at shutdown; an open socket would be a ResourceWarning, and a descriptor that is gone."""

    async with open_wires() as wires, good_device(kind.name) as (endpoints, params):

        async def measure() -> ProbeResult:
            return await kind.probe(endpoints, kind.params.model_validate(params), wires=wires, timeout=5.0)

        await measure()
        before = await descriptors()
        for turns in range(12):
            task = asyncio.create_task(measure())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        after = await descriptors()

    assert after <= before


def test_keys_with_an_index_are_read_back() -> None:
    assert split_key(indexed("rtt_seconds", "far")) == ("rtt_seconds", "far")
