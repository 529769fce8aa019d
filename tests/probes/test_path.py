"""Kind path: the router's own tables tell which uplink is in use, in every shape that routers have them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.model import Status
from netmon.verdict import judge
from probes.base import Failure, ProbeResult
from probes.path import KIND, PathParams, probe_path
from tests.lab.checks import check
from tests.lab.router import Port, Router
from tests.lab.snmp_wires import endpoint, open_wires

INET, CIDR, OLD = "1.3.6.1.2.1.4.24.7.1", "1.3.6.1.2.1.4.24.4.1", "1.3.6.1.2.1.4.21.1"
INET_COUNT, CIDR_COUNT = "1.3.6.1.2.1.4.24.6.0", "1.3.6.1.2.1.4.24.3.0"
LAN, PRIMARY, BACKUP, THIRD = 1, 3, 4, 5
PORTS = {LAN: "lan", PRIMARY: "wan0", BACKUP: "wan1", THIRD: "wan2"}
PARAMS = {"primary_interface": "wan0", "backup_interfaces": ["wan1", "wan2"]}


def integer(value: int) -> Value:
    return Value(Syntax.INTEGER, value)


def inet(out: int, *, metric: int = 0, kind: int = 4, prefix: str = "1.4.0.0.0.0.0", via: str = "1.4.10.0.0.1") -> dict[
    str, Value
]:  # fmt: skip
    row = f"{prefix}.2.0.0.{via}"
    return {f"{INET}.7.{row}": integer(out), f"{INET}.8.{row}": integer(kind), f"{INET}.12.{row}": integer(metric)}


def cidr(out: int, *, metric: int = 0, via: str = "10.0.0.1") -> dict[str, Value]:
    row = f"0.0.0.0.0.0.0.0.0.{via}"
    return {f"{CIDR}.5.{row}": integer(out), f"{CIDR}.6.{row}": integer(4), f"{CIDR}.11.{row}": integer(metric)}


def old(out: int) -> dict[str, Value]:
    return {f"{OLD}.2.0.0.0.0": integer(out), f"{OLD}.8.0.0.0.0": integer(4), f"{OLD}.3.0.0.0.0": integer(1)}


async def ask(routes: Mapping[str, Value], down: tuple[int, ...] = (), **params: object) -> ProbeResult:
    ports = {n: Port(name=name, oper_status=2 if n in down else 1) for n, name in PORTS.items()}
    agent = SnmpAgent({**Router(ports=ports).values(), **routes})
    _, port = await agent.start()
    try:
        async with open_wires() as wires:
            wanted = PathParams.model_validate(PARAMS | params)
            return await probe_path({"host": endpoint(port)}, wanted, wires=wires, timeout=3)
    finally:
        agent.close()
        assert set(agent.requests) <= {"GetRequestPDU", "GetNextRequestPDU", "GetBulkRequestPDU"}


def status(result: ProbeResult) -> Status:
    return judge(check(kind="path"), result, result.readings, required=frozenset({"snmp_up"}), hearsay=True).status


@pytest.mark.parametrize("table", [inet, cidr, old])
@pytest.mark.parametrize(
    ("out", "word", "means"),
    [
        (PRIMARY, "primary", Status.UP),
        (BACKUP, "backup", Status.DEGRADED),
        (THIRD, "backup", Status.DEGRADED),
        (LAN, "other", Status.DEGRADED),
    ],
)
async def test_the_interface_of_the_default_route_tells(table, out: int, word: str, means: Status) -> None:
    result = await ask(table(out))

    assert result.failure is None, result.detail
    assert result.states["in_use"].word == word
    assert status(result) is means
    assert result.facts["out_interface"] == PORTS[out]
    assert result.readings["agent_uptime_seconds"] == 1000


async def test_the_lowest_metric_is_used() -> None:
    routes = inet(PRIMARY, metric=20) | inet(BACKUP, metric=10, via="1.4.10.0.1.1")
    assert (await ask(routes)).states["in_use"].word == "backup"
    routes = inet(PRIMARY, metric=10) | inet(BACKUP, metric=20, via="1.4.10.0.1.1")
    assert (await ask(routes)).states["in_use"].word == "primary"


async def test_equal_routes_share_the_load() -> None:
    result = await ask(inet(PRIMARY) | inet(BACKUP, via="1.4.10.0.1.1"))

    assert result.states["in_use"].word == "shared"
    assert status(result) is Status.UP
    assert result.facts["out_interface"] == "wan0, wan1"


@pytest.mark.parametrize("kind", [2, 5], ids=["reject", "blackhole"])
async def test_a_route_that_throws_away_is_none(kind: int) -> None:
    result = await ask(inet(PRIMARY, kind=kind) | {INET_COUNT: Value(Syntax.GAUGE32, 7)})

    assert result.states["in_use"].word == "none"
    assert status(result) is Status.DOWN


async def test_a_router_that_tells_no_routes_is_not_one_without_a_route() -> None:
    result = await ask({})

    assert result.failure is Failure.BAD_REPLY
    assert result.states == {}
    assert status(result) is Status.UNKNOWN
    for count in (INET_COUNT, CIDR_COUNT):
        assert (await ask({count: Value(Syntax.GAUGE32, 3)})).states["in_use"].word == "none"


async def test_another_prefix_and_the_other_family() -> None:
    ten = inet(BACKUP, prefix="1.4.10.0.0.0.8")
    six = inet(THIRD, prefix="2.16." + ".".join(["0"] * 16) + ".0", via="2.16." + ".".join(["9"] * 16))
    routes = inet(PRIMARY) | ten | six

    assert (await ask(routes)).states["in_use"].word == "primary"
    assert (await ask(routes, prefix="10.0.0.0/8")).facts["out_interface"] == "wan1"
    assert (await ask(routes, prefix="::/0")).facts["out_interface"] == "wan2"


@pytest.mark.parametrize(
    ("down", "word", "means"),
    [
        ((), "ready", Status.UP),
        ((BACKUP,), "ready", Status.UP),
        ((BACKUP, THIRD), "down", Status.DEGRADED),
    ],
)
async def test_a_reserve_that_is_down_is_no_reserve(down: tuple[int, ...], word: str, means: Status) -> None:
    result = await ask(inet(PRIMARY), down)

    assert result.states["reserve"].word == word
    assert status(result) is means


async def test_on_the_backup_nothing_is_said_of_a_reserve() -> None:
    assert set((await ask(inet(BACKUP))).states) == {"in_use"}


@pytest.mark.parametrize(
    "params", [{"backup_interfaces": ["wan9"]}, {"primary_interface": "wan9"}, {"primary_interface": ""}]
)
async def test_an_interface_that_is_not_there_is_told(params: dict[str, object]) -> None:
    result = await ask(inet(PRIMARY), **params)

    assert result.failure is Failure.BAD_REPLY
    assert "exactly one interface" in result.detail
    assert status(result) is Status.UNKNOWN


async def test_a_silent_router_is_unknown_and_never_the_backup() -> None:
    async with open_wires() as wires:
        result = await probe_path({"host": endpoint(9)}, PathParams(), wires=wires, timeout=0.5)

    assert result.failure in (Failure.TIMEOUT, Failure.REFUSED)
    assert result.readings["snmp_up"] == 0
    assert result.states == {}
    assert status(result) is Status.UNKNOWN


@pytest.mark.parametrize(
    "params",
    [{"prefix": "10.0.0.1/8"}, {"prefix": "all"}, {"primary_interface": "a", "backup_interfaces": ["a"]},
     {"backup_interfaces": ["a", "a"]}],
)  # fmt: skip
def test_parameters_that_cannot_be(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PathParams.model_validate(params)


def test_the_words_are_declared() -> None:
    assert set(KIND.states) == {"in_use", "reserve"}
