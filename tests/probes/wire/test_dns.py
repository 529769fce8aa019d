"""Questions to a real name server on loopback: transports, forged replies, floods, rubbish, and each failure."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.base import Failure, Family, NetworkFailure
from probes.wire import dns as wire
from probes.wire.dns import DnsReply, DnsWire
from tests.lab import need
from tests.lab.servers import LOOPBACK, dns_server, full_backlog, tcp_server, unused_port, zone
from tests.lab.soak import damaged, scale

Message = dns.message.Message


async def ask(port: int, name: str = "www.example", *, family: Family = Family.IPV4, **changes: Any) -> DnsReply:
    options: dict[str, Any] = {"record_type": "A", "transport": "udp", "recursion": True, "timeout": 5.0} | changes
    return await DnsWire().ask(LOOPBACK[family], port, family=family, name=name, **options)


async def failure(port: int, name: str = "www.example", **options: Any) -> NetworkFailure:
    with pytest.raises(NetworkFailure) as caught:
        await ask(port, name, **options)
    return caught.value


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_good_answer(family: Family, transport: str) -> None:
    if family is Family.IPV6:
        need.ipv6_loopback()
    async with dns_server(address=LOOPBACK[family]) as server:
        reply = await ask(server.port, family=family, transport=transport)

    assert reply.answers == ("192.0.2.1", "192.0.2.2")
    assert reply.ttl_min_seconds == 300
    assert reply.soa_serial is None
    assert reply.transport == transport
    assert 0 < reply.lookup_seconds < 5
    assert server.transports == [transport]


@pytest.mark.parametrize("recursion", [True, False])
async def test_recursion_is_asked_for_or_not(recursion: bool) -> None:
    async with dns_server() as server:
        await ask(server.port, recursion=recursion)

    assert bool(server.questions[0].flags & dns.flags.RD) is recursion


async def test_the_chain_of_aliases_is_followed() -> None:
    async with dns_server() as server:
        assert (await ask(server.port, "alias.example")).answers == ("192.0.2.1", "192.0.2.2")


async def test_the_serial_of_a_zone() -> None:
    async with dns_server() as server:
        assert (await ask(server.port, "example", record_type="SOA")).soa_serial == 2026112400


async def test_a_truncated_reply_is_asked_for_again_over_tcp() -> None:
    def cut(question: Message) -> Iterable[bytes]:
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.TC
        yield reply.to_wire()

    async with dns_server(cut) as server:
        reply = await ask(server.port)

    assert reply.answers == ("192.0.2.1", "192.0.2.2")
    assert reply.transport == "udp, then tcp"
    assert server.transports == ["udp", "tcp"]


def forged(question: Message) -> Iterable[bytes]:
    """Another id, another question, the question itself, rubbish: all from the right address."""
    other = zone(question)
    other.id = (question.id + 1) % 65536
    yield other.to_wire()
    stranger = dns.message.make_query("other.example", "A", id=question.id)
    yield dns.message.make_response(stranger).to_wire()
    yield question.to_wire()
    yield b"\xff" * 40


async def test_forged_replies_are_ignored_while_the_right_one_may_come() -> None:
    async with dns_server(lambda question: [*forged(question), zone(question).to_wire()]) as server:
        reply = await ask(server.port)

    assert reply.answers == ("192.0.2.1", "192.0.2.2")


async def test_forged_replies_alone_are_a_bad_reply_at_the_deadline() -> None:
    async with dns_server(forged) as server:
        start = time.monotonic()
        failed = await failure(server.port, timeout=0.3)

    assert failed.failure is Failure.BAD_REPLY
    assert "(4 came)" in failed.detail
    assert 0.3 <= time.monotonic() - start < 1.0


FLOOD = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", 0))
    print(sock.getsockname()[1], flush=True)
    data, asker = sock.recvfrom(4096)
    while True:
        try:
            sock.sendto(data, asker)
        except ConnectionRefusedError:
            pass
"""


@pytest.fixture
def flooder() -> Iterator[int]:
    """The port of one that answers a question with itself, again and again, from a process of its own."""
    with subprocess.Popen([sys.executable, "-c", FLOOD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


async def test_a_flood_of_forged_replies_cannot_hold_the_deadline_off(flooder: int) -> None:
    """There is always input when the probe looks."""
    start = time.monotonic()
    failed = await failure(flooder, timeout=0.3)
    took = time.monotonic() - start

    assert failed.failure is Failure.BAD_REPLY
    assert took < 1.5


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_nothing_listens(transport: str) -> None:
    assert (await failure(unused_port(), transport=transport)).failure is Failure.REFUSED


async def test_nobody_answers() -> None:
    start = time.monotonic()
    async with dns_server(lambda _: []) as server:
        silent = await failure(server.port, timeout=0.2)
    with full_backlog() as port:
        unreachable = await failure(port, timeout=0.2, transport="tcp")

    assert silent.failure is unreachable.failure is Failure.TIMEOUT
    assert time.monotonic() - start < 1.5


async def test_the_name_or_its_records_do_not_exist() -> None:
    async with dns_server() as server:
        no_name = await failure(server.port, "nothing.example")
        no_record = await failure(server.port, "text.example", record_type="AAAA")

    assert no_name.failure is no_record.failure is Failure.NAME_NOT_FOUND
    assert "NXDOMAIN" in no_name.detail
    assert "AAAA" in no_record.detail


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR, dns.rcode.NOTIMP])
async def test_an_error_of_the_name_server(rcode: dns.rcode.Rcode) -> None:
    def refuse(question: Message) -> Iterable[bytes]:
        reply = dns.message.make_response(question)
        reply.set_rcode(rcode)
        yield reply.to_wire()

    async with dns_server(refuse) as server:
        failed = await failure(server.port)

    assert failed.failure is Failure.ERROR_STATUS
    assert dns.rcode.to_text(rcode) in failed.detail


async def test_a_circle_of_aliases_is_a_bad_reply() -> None:
    def circle(question: Message) -> Iterable[bytes]:
        reply = dns.message.make_response(question)
        reply.answer.append(dns.rrset.from_text("www.example.", 300, "IN", "CNAME", "www2.example."))
        reply.answer.append(dns.rrset.from_text("www2.example.", 300, "IN", "CNAME", "www.example."))
        yield reply.to_wire()

    async with dns_server(circle) as server:
        assert (await failure(server.port)).failure is Failure.BAD_REPLY


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", Failure.RESET),
        (b"\x00", Failure.RESET),
        (b"\x00\x20short", Failure.RESET),
        (b"\x00\x05\xff\xff\xff\xff\xff", Failure.BAD_REPLY),
        (b"\x00\x00", Failure.BAD_REPLY),
    ],
)
async def test_what_a_broken_server_says_over_tcp(answer: bytes, expected: Failure) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        await reader.read(4096)
        writer.write(answer)
        await writer.drain()

    async with tcp_server(serve) as port:
        assert (await failure(port, transport="tcp")).failure is expected


@pytest.mark.soak
def test_no_damage_brings_anything_but_a_failure() -> None:
    """Without sockets, so that there is time for many: every reply is read, refused, or no reply to the question."""
    question = dns.message.make_query("www.example", "A", use_edns=0)
    originals = [
        zone(dns.message.make_query(name, "A")).to_wire() for name in ("www.example", "alias.example", "no.example")
    ]
    read = 0
    for octets in damaged(originals, scale(2_000, 5_000_000)):
        try:
            reply = wire._parse(question, question.id.to_bytes(2) + octets[2:])
            found = wire._read(reply, "A", lookup_seconds=0.1, transport="udp")
        except (ValueError, NetworkFailure):
            continue
        except Exception as error:
            raise AssertionError(octets.hex()) from error
        read += 1
        assert found.answers
    assert read


@pytest.mark.soak
@settings(max_examples=scale(150, 5_000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=120), flags=st.integers(0, 0xFFFF), counts=st.binary(min_size=8, max_size=8))
async def test_no_bytes_break_the_parser(tail: bytes, flags: int, counts: bytes) -> None:
    """The id is the right one, so that what follows is looked at."""

    def rubbish(question: Message) -> bytes:
        return question.id.to_bytes(2) + flags.to_bytes(2) + counts + tail

    async with dns_server(lambda question: [rubbish(question)], over_tcp=rubbish) as server:
        failed = await failure(server.port, timeout=0.02)

    assert failed.failure in {
        Failure.BAD_REPLY, Failure.ERROR_STATUS, Failure.NAME_NOT_FOUND, Failure.TIMEOUT, Failure.RESET
    }  # fmt: skip


@pytest.mark.soak
@settings(max_examples=scale(150, 5_000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(st.integers(2, 80), st.integers(0, 255)), min_size=1, max_size=4))
async def test_a_damaged_reply_is_read_or_refused(damage: list[tuple[int, int]]) -> None:
    def damaged(question: Message) -> bytes:
        data = bytearray(zone(question).to_wire())
        for at, value in damage:
            data[at % len(data)] = value
        return question.id.to_bytes(2) + bytes(data[2:])

    async with dns_server(lambda question: [damaged(question)], over_tcp=damaged) as server:
        try:
            reply = await ask(server.port, timeout=0.02)
        except NetworkFailure:
            return
    assert reply.answers
