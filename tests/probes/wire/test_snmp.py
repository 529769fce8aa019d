"""The wire reads from good agents, and keeps what it can from bad ones."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netmon.demo.agent import SnmpAgent, Syntax, Value
from probes.base import Failure, MonitorFault
from probes.wire import snmp_pysnmp
from probes.wire.snmp import SnmpAuth, SnmpReply, SnmpWire
from probes.wire.snmp_message import Request, parse_oid
from tests.lab import need
from tests.lab import snmp as lab
from tests.lab import snmp_hostile as hostile
from tests.lab.servers import unused_port

SYS_DESCR, SYS_OBJECT_ID, SYS_UP_TIME = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.3.0"
MISSING = "1.3.6.1.2.1.1.99.0"
IF_TABLE, IF_X_TABLE = "1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1"
SYSTEM = {
    SYS_DESCR: Value(Syntax.OCTETS, b"a device"),
    SYS_OBJECT_ID: Value(Syntax.OID, "1.3.6.1.4.1.8072"),
    SYS_UP_TIME: Value(Syntax.TIMETICKS, 4711),
}
AUTHS = {"v2": SnmpAuth(community="public"), "v1": SnmpAuth(version="1", community="public")}
LOCAL = "127.0.0.1"

Start = Callable[[SnmpAgent], Any]


@pytest.fixture
async def wire() -> AsyncIterator[SnmpWire]:
    found = SnmpWire(
        {
            "v2": SnmpAuth(community="public"),
            "v1": SnmpAuth(version="1", community="public"),
            "bad": SnmpAuth(community="x"),
        }
    )
    yield found
    await found.aclose()


@pytest.fixture
async def reference() -> AsyncIterator[SnmpWire]:
    """The wire with pysnmp for every version."""
    found = SnmpWire(AUTHS)
    found._udp = snmp_pysnmp.PysnmpEngine()
    yield found
    await found.aclose()


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts agents; at the end none of them may have seen anything but the three requests that read."""
    agents = []

    async def run(agent: SnmpAgent) -> int:
        agents.append(agent)
        return (await agent.start())[1]

    yield run
    for agent in agents:
        agent.close()
        assert set(agent.requests) <= {"GetRequestPDU", "GetNextRequestPDU", "GetBulkRequestPDU", "lost"}


def plain(reply: SnmpReply) -> dict[str, Any]:
    return {".".join(map(str, oid)): value.value for oid, value in reply.values.items()}


# --- good agents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["v1", "v2"])
async def test_get_gives_values_and_tells_what_the_agent_does_not_have(wire: SnmpWire, start: Start, auth: str) -> None:
    port = await start(SnmpAgent(SYSTEM))

    reply = await wire.get(LOCAL, port, auth, [SYS_DESCR, MISSING, SYS_UP_TIME, SYS_OBJECT_ID], timeout=2)

    assert plain(reply) == {SYS_DESCR: b"a device", SYS_UP_TIME: 4711, SYS_OBJECT_ID: "1.3.6.1.4.1.8072"}
    assert reply.absent == {parse_oid(MISSING)}
    assert reply.failure is None


@pytest.mark.parametrize("auth", ["v1", "v2"])
async def test_walk_reads_the_subtrees_and_nothing_beside_them(wire: SnmpWire, start: Start, auth: str) -> None:
    values = {**SYSTEM, **hostile.table(130), "1.3.6.1.2.1.3.1.0": Value(Syntax.INTEGER, 1)}
    port = await start(SnmpAgent(values))

    reply = await wire.walk(LOCAL, port, auth, [f"{IF_TABLE}.1.2", f"{IF_TABLE}.1.10"], timeout=10)

    assert reply.failure is None
    assert plain(reply) == {oid: value.raw() for oid, value in values.items() if oid.startswith(IF_TABLE)}


async def test_counter64_does_not_exist_in_version_1(wire: SnmpWire, start: Start) -> None:
    oid = f"{IF_X_TABLE}.1.6.1"
    port = await start(SnmpAgent({**SYSTEM, oid: Value(Syntax.COUNTER64, 2**64 - 1)}))

    first = await wire.get(LOCAL, port, "v1", [oid, SYS_DESCR], timeout=2)
    second = await wire.get(LOCAL, port, "v2", [oid], timeout=2)

    assert first.absent == {parse_oid(oid)}
    assert plain(first) == {SYS_DESCR: b"a device"}
    assert plain(second) == {oid: 2**64 - 1}


async def test_an_agent_without_getbulk_is_remembered(wire: SnmpWire, start: Start) -> None:
    agent = SnmpAgent(hostile.table(4))
    agent.bulk = False
    port = await start(agent)

    first = await wire.walk(LOCAL, port, "v2", [IF_TABLE], timeout=0.9)
    bulks = agent.requests["GetBulkRequestPDU"]
    second = await wire.walk(LOCAL, port, "v2", [IF_TABLE], timeout=0.9)

    assert first.failure is None
    assert len(first.values) == 8
    assert second.values == first.values
    assert agent.requests["GetBulkRequestPDU"] == bulks > 0


async def test_getbulk_answered_with_an_error_falls_back_to_getnext(wire: SnmpWire, start: Start) -> None:
    agent = hostile.NoBulkErrorAgent(hostile.table(4))
    port = await start(agent)

    reply = await wire.walk(LOCAL, port, "v2", [IF_TABLE], timeout=2)

    assert reply.failure is None
    assert len(reply.values) == 8
    assert agent.requests["GetBulkRequestPDU"] == 1


async def test_a_thousand_agents_share_one_socket(wire: SnmpWire, start: Start) -> None:
    agent = SnmpAgent(SYSTEM)
    port = await start(agent)

    replies = await asyncio.gather(*(wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=20) for _ in range(300)))

    assert {tuple(plain(reply).values()) for reply in replies} == {(b"a device",)}
    assert len(wire._udp._sockets) == 1  # type: ignore[attr-defined]  # of the engine for communities


# --- bad networks and bad agents --------------------------------------------------------------------------------------


async def test_silence_is_a_timeout_that_names_the_other_reason(wire: SnmpWire, start: Start) -> None:
    agent = SnmpAgent(SYSTEM)
    port = await start(agent)

    began = time.monotonic()
    reply = await wire.get(LOCAL, port, "bad", [SYS_DESCR], timeout=0.4)

    assert reply.failure is Failure.TIMEOUT
    assert "community is wrong" in reply.detail
    assert 0.35 < time.monotonic() - began < 2
    assert agent.requests["GetRequestPDU"] == 3


async def test_nothing_listens(wire: SnmpWire) -> None:
    reply = await wire.get(LOCAL, unused_port(), "v2", [SYS_DESCR], timeout=5)

    assert reply.failure is Failure.REFUSED


async def test_a_refusal_by_one_agent_does_not_touch_the_others(wire: SnmpWire, start: Start) -> None:
    port = await start(SnmpAgent(SYSTEM))

    replies = await asyncio.gather(
        *(wire.get(LOCAL, port if n % 2 else unused_port(), "v2", [SYS_DESCR], timeout=5) for n in range(40))
    )

    assert [reply.failure for reply in replies] == [Failure.REFUSED, None] * 20


async def test_a_lost_request_is_sent_again(wire: SnmpWire, start: Start) -> None:
    agent = hostile.LossyAgent(SYSTEM)
    agent.losses = 2
    port = await start(agent)

    reply = await wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=0.6)

    assert plain(reply) == {SYS_DESCR: b"a device"}


async def test_a_late_second_answer_is_nothing_odd(wire: SnmpWire, start: Start) -> None:
    """Slow agents answer retransmissions too, long after the request was answered: that is silence, no bad reply."""
    port = await start(hostile.LateAgent(SYSTEM))
    assert (await wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=2.0)).failure is None

    reply = await wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=0.3)

    assert reply.failure is Failure.TIMEOUT


async def test_slow_drip_ends_with_the_deadline_and_keeps_what_came(wire: SnmpWire, start: Start) -> None:
    agent = hostile.SlowAgent(hostile.table(1000))
    agent.delay = 0.15
    port = await start(agent)

    began = time.monotonic()
    reply = await wire.walk(LOCAL, port, "v2", [IF_TABLE], timeout=1.5)

    # All 2,000 values would take 6 s on an idle machine.
    assert reply.failure is Failure.TIMEOUT
    assert 50 <= len(reply.values) < 2000
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (lambda answer: answer[:-3], "truncated"),
        (lambda answer: b"\x30\x82\xff\xff" + answer[4:], "truncated"),
        (lambda answer: b"\x30\x84\xff\xff\xff\xff", "truncated"),
        (lambda answer: b"\x30\x80" + answer[2:], "bad length"),
        (lambda answer: answer[:1], "truncated"),
        (lambda answer: bytes(65000), "tag 0x00 where 0x30 belongs"),
        (lambda answer: answer.replace(b"\xa2", b"\xa0", 1), "tag 0xa0 where 0xa2 belongs"),
        (lambda answer: answer.replace(b"\x04\x08a device", b"\x1f\x08a device"), "unknown tag 0x1f"),
    ],
)
async def test_what_is_no_response_is_told_as_such(wire: SnmpWire, start: Start, octets: Any, words: str) -> None:
    port = await start(hostile.OctetsAgent(SYSTEM, octets))

    reply = await wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=0.4)

    assert reply.failure is Failure.BAD_REPLY
    assert words in reply.detail
    assert not reply.values


async def test_a_wrong_request_id_is_not_taken(wire: SnmpWire, start: Start) -> None:
    agent = hostile.WrongRequestIdAgent(SYSTEM)
    port = await start(agent)

    wrong = await wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=0.3)
    agent.also_right = True
    right = await wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=1)

    assert wrong.failure is Failure.BAD_REPLY
    assert "request-id" in wrong.detail
    assert plain(right) == {SYS_DESCR: b"a device"}


async def test_an_answer_from_elsewhere_is_not_taken(wire: SnmpWire, start: Start) -> None:
    port = await start(hostile.ElsewhereAgent(SYSTEM))

    reply = await wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=0.3)

    assert reply.failure is Failure.BAD_REPLY
    assert f"port {port} was asked, but" in reply.detail
    assert not reply.values


@pytest.mark.parametrize("index", [True, False])
async def test_an_error_about_one_object_leaves_the_others(wire: SnmpWire, start: Start, index: bool) -> None:
    agent = hostile.ErrorAgent(SYSTEM)
    agent.bad, agent.index = SYS_OBJECT_ID, index
    port = await start(agent)

    reply = await wire.get(LOCAL, port, "v2", list(SYSTEM), timeout=2)

    assert plain(reply) == {SYS_DESCR: b"a device", SYS_UP_TIME: 4711}
    assert reply.failure is Failure.ERROR_STATUS
    assert "genErr" in reply.detail
    assert SYS_OBJECT_ID in reply.detail


async def test_no_access_is_a_matter_of_credentials(wire: SnmpWire, start: Start) -> None:
    agent = hostile.ErrorAgent(SYSTEM)
    agent.bad, agent.status = SYS_DESCR, 16
    port = await start(agent)

    reply = await wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=2)

    assert reply.failure is Failure.AUTHENTICATION


@pytest.mark.parametrize("most", [1, 2, 3, 7])
async def test_too_big_is_asked_in_smaller_parts(wire: SnmpWire, start: Start, most: int) -> None:
    agent = hostile.SmallAgent({**SYSTEM, **hostile.table(12)})
    agent.most = most
    port = await start(agent)

    got = await wire.get(LOCAL, port, "v2", [*SYSTEM, MISSING], timeout=5)
    walked = await wire.walk(LOCAL, port, "v2", [IF_TABLE], timeout=5)

    assert got.failure is None
    assert len(got.values) == 3
    assert walked.failure is None
    assert len(walked.values) == 24


@pytest.mark.parametrize("auth", ["v1", "v2"])
@pytest.mark.parametrize("kind", [hostile.LoopingAgent, hostile.DecreasingAgent])
async def test_a_walk_that_is_led_in_circles_ends(wire: SnmpWire, start: Start, kind: Any, auth: str) -> None:
    agent = kind(hostile.table(5))
    port = await start(agent)

    reply = await wire.walk(LOCAL, port, auth, [IF_TABLE], timeout=5)

    assert reply.failure is Failure.BAD_REPLY
    assert "do not increase" in reply.detail
    assert sum(agent.requests.values()) < 10


async def test_an_endless_subtree_is_cut(wire: SnmpWire, start: Start) -> None:
    port = await start(hostile.EndlessAgent(SYSTEM))

    reply = await wire.walk(LOCAL, port, "v2", [IF_TABLE], timeout=10, max_rows=120)

    assert reply.failure is Failure.BAD_REPLY
    assert "too many" in reply.detail
    assert len(reply.values) == 120


async def test_an_empty_answer_in_a_walk_ends_it(wire: SnmpWire, start: Start) -> None:
    def empty(answer: bytes) -> bytes:
        return hostile.edit(answer, lambda pdu: hostile.v2c.apiPDU.set_varbinds(pdu, []))

    port = await start(hostile.OctetsAgent(SYSTEM, empty))

    reply = await wire.walk(LOCAL, port, "v2", [IF_TABLE], timeout=2)

    assert reply.failure is Failure.BAD_REPLY


async def test_unknown_credentials_are_our_own_fault(wire: SnmpWire) -> None:
    with pytest.raises(MonitorFault, match="no SNMP credentials 'nobody'"):
        await wire.get(LOCAL, 1, "nobody", [SYS_DESCR], timeout=1)


async def test_closing_ends_what_waits(start: Start) -> None:
    agent = SnmpAgent(SYSTEM)
    agent.silent = True
    port = await start(agent)
    wire = SnmpWire({"v2": SnmpAuth(community="public")})

    task = asyncio.create_task(wire.get(LOCAL, port, "v2", [SYS_DESCR], timeout=30))
    await asyncio.sleep(0.05)
    await wire.aclose()

    with pytest.raises(asyncio.CancelledError):
        await task


# --- the two engines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["v1", "v2"])
async def test_both_engines_read_the_same_from_our_agent(
    wire: SnmpWire, reference: SnmpWire, start: Start, auth: str
) -> None:
    port = await start(
        SnmpAgent({**SYSTEM, **hostile.table(20), f"{IF_X_TABLE}.1.6.1": Value(Syntax.COUNTER64, 2**64 - 1)})
    )

    for ask in (
        lambda wire: wire.get(LOCAL, port, auth, [*SYSTEM, MISSING, f"{IF_X_TABLE}.1.6.1"], timeout=5),
        lambda wire: wire.walk(LOCAL, port, auth, ["1.3.6.1.2.1"], timeout=5),
    ):
        assert await ask(wire) == await ask(reference)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    users = (f"noprivacy SHA {lab.AUTH_PASSWORD}",)
    with lab.snmpd(tmp_path_factory.mktemp("snmpd"), users=users) as port:
        yield port


GOOD = SnmpAuth(version="3", user=lab.USER, auth_password=lab.AUTH_PASSWORD, privacy_password=lab.PRIVACY_PASSWORD)


@pytest.fixture
async def real_wire() -> AsyncIterator[SnmpWire]:
    change = dataclasses.replace
    found = SnmpWire(
        {
            "v1": SnmpAuth(version="1", community=lab.COMMUNITY),
            "v2": SnmpAuth(community=lab.COMMUNITY),
            "v3": GOOD,
            "user": change(GOOD, user="stranger"),
            "key": change(GOOD, auth_password="wrong-password"),
            "protocol": change(GOOD, auth_protocol="SHA-512"),
            "level": change(GOOD, privacy_password=""),
            "sha1": SnmpAuth(version="3", user="noprivacy", auth_protocol="SHA", auth_password=lab.AUTH_PASSWORD),
        }
    )
    yield found
    await found.aclose()


async def test_all_versions_read_the_same_from_snmpd(real: int, real_wire: SnmpWire) -> None:
    columns = [f"{IF_TABLE}.1.2", f"{IF_TABLE}.1.3", f"{IF_TABLE}.1.5", f"{IF_X_TABLE}.1.1"]

    replies = {auth: await real_wire.walk(LOCAL, real, auth, columns, timeout=10) for auth in ("v1", "v2", "v3")}

    assert {reply.failure for reply in replies.values()} == {None}
    assert replies["v1"].values == replies["v2"].values == replies["v3"].values
    assert b"lo" in plain(replies["v3"]).values()


async def test_a_third_implementation_reads_the_same_from_snmpd(real: int, real_wire: SnmpWire) -> None:
    """gufo-snmp is fast and shares no code with either engine; it has no types and drops error-status."""
    from gufo.snmp.aio import SnmpSession

    session = SnmpSession(LOCAL, real, community=lab.COMMUNITY, timeout=5)
    theirs = {oid: value async for oid, value in session.getbulk(f"{IF_TABLE}.1.2")}

    ours = await real_wire.walk(LOCAL, real, "v2", [f"{IF_TABLE}.1.2"], timeout=5)

    assert plain(ours) == theirs
    assert theirs


async def test_sha_without_privacy(real: int, real_wire: SnmpWire) -> None:
    reply = await real_wire.get(LOCAL, real, "sha1", [SYS_DESCR, MISSING], timeout=10)

    assert reply.failure is None
    assert b"Linux" in reply.values[parse_oid(SYS_DESCR)].value  # type: ignore[operator]  # octets
    assert reply.absent == {parse_oid(MISSING)}


@pytest.mark.parametrize(
    ("auth", "words"),
    [("user", "does not know the user"), ("key", "wrong authentication"), ("protocol", "wrong authentication"),
     ("level", "authorizationError")],
)  # fmt: skip
async def test_refused_credentials_are_told_from_silence(real: int, real_wire: SnmpWire, auth: str, words: str) -> None:
    reply = await real_wire.get(LOCAL, real, auth, [SYS_DESCR], timeout=10)

    assert reply.failure is Failure.AUTHENTICATION
    assert words in reply.detail
    assert lab.AUTH_PASSWORD not in reply.detail


async def test_one_user_name_with_two_passwords(real: int, real_wire: SnmpWire) -> None:
    """Two groups of devices may have given different passwords to users of one name."""
    order = ("key", "v3", "key", "v3")

    replies = [await real_wire.get(LOCAL, real, auth, [SYS_DESCR], timeout=10) for auth in order]

    assert [reply.failure for reply in replies] == [Failure.AUTHENTICATION, None] * 2


async def test_version_3_without_an_agent_is_a_timeout(real_wire: SnmpWire) -> None:
    reply = await real_wire.get(LOCAL, unused_port(), "v3", [SYS_DESCR], timeout=0.5)

    assert reply.failure is Failure.TIMEOUT


async def test_ipv6(tmp_path: Path, real_wire: SnmpWire) -> None:
    need.ipv6_loopback()
    with lab.snmpd(tmp_path, host="::1") as port:
        replies = [await real_wire.get("::1", port, auth, [SYS_OBJECT_ID], timeout=10) for auth in ("v1", "v2", "v3")]

    assert [reply.failure for reply in replies] == [None] * 3
    assert len({tuple(reply.values.items()) for reply in replies}) == 1


async def test_the_reference_engine_lets_no_other_pdu_pass() -> None:
    from pysnmp.proto.api import v2c

    dispatcher = snmp_pysnmp.ReadOnlyDispatcher()
    arguments: list[Any] = [None] * 12
    for pdu in (v2c.SetRequestPDU(), v2c.TrapPDU(), v2c.InformRequestPDU(), v2c.ReportPDU(), v2c.ResponsePDU()):
        arguments[snmp_pysnmp.PDU_ARGUMENT] = pdu
        with pytest.raises(MonitorFault, match="only reads"):
            dispatcher.send_pdu(*arguments)


async def test_the_guard_stands_where_every_pdu_passes(reference: SnmpWire, start: Start) -> None:
    """Ask pysnmp itself, past our own code, to write: nothing may arrive."""
    from pysnmp.entity.rfc3413 import cmdgen
    from pysnmp.proto.api import v2c

    agent = SnmpAgent(SYSTEM)
    port = await start(agent)
    engine: Any = reference._udp
    peers = engine._peers_for(SnmpAuth(community="public"))
    target = peers.target((LOCAL, port), SnmpAuth(community="public"), 1.0)
    bindings = [((1, 3, 6, 1, 2, 1, 1, 5, 0), v2c.OctetString("x"))]

    with pytest.raises(MonitorFault, match="only reads"):
        cmdgen.SetCommandGenerator().send_varbinds(peers.engine, target, None, "", bindings, lambda *_: None)

    await reference.get(LOCAL, port, "v2", [SYS_DESCR], timeout=2)
    assert agent.requests == {"GetRequestPDU": 1}


# --- credentials ------------------------------------------------------------------------------------------------------


def test_secrets_do_not_show() -> None:
    assert lab.AUTH_PASSWORD not in repr(GOOD)
    assert lab.PRIVACY_PASSWORD not in repr(GOOD)
    assert lab.COMMUNITY not in repr(SnmpAuth(community=lab.COMMUNITY))
    assert lab.COMMUNITY not in repr(SnmpWire({"a": SnmpAuth(community=lab.COMMUNITY)}))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"community": "c", "user": "u"},
        {"version": "3"},
        {"version": "3", "user": "u", "community": "c"},
        {"version": "3", "user": "u", "privacy_password": "long-enough"},
        {"version": "3", "user": "u", "auth_password": "short"},
    ],
)
def test_contradictory_credentials_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"SNMP|password"):
        SnmpAuth(**fields)


def test_the_three_requests() -> None:
    assert [kind.name for kind in Request] == ["GET", "GET_NEXT", "GET_BULK"]
