"""The demo's services: what netmon's own probes do not ask of them."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.rcode
import dns.rrset
import pytest

from netmon.demo.certificates import Authority
from netmon.demo.services import NameServer, TcpService, WebService

HOST = "127.0.0.1"
Start = Callable[[TcpService], Awaitable[int]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    services: list[TcpService] = []

    async def begin(service: TcpService) -> int:
        services.append(service)
        return await service.start(HOST)

    yield begin
    for service in services:
        await service.stop()


async def test_a_stopped_service_refuses_and_comes_back_at_the_same_port(start: Start) -> None:
    """Also while a client is connected that never says a word."""
    service = WebService("page")
    port = await start(service)
    reader, writer = await asyncio.open_connection(HOST, port)
    await service.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, port)
    assert await reader.read() == b""
    writer.close()
    await service.resume()
    _reader, writer = await asyncio.open_connection(HOST, port)
    writer.close()


async def test_certificates_are_good_for_their_name_and_time(start: Start, tmp_path: Path) -> None:
    """OpenSSL decides: the right one is taken, the expired one and one for another name are not."""
    authority = Authority(tmp_path)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    service = WebService("page", certificate=authority.issue("a.example", timedelta(days=5)))
    port = await start(service)

    async def shake(name: str) -> None:
        _reader, writer = await asyncio.open_connection(HOST, port, ssl=context, server_hostname=name)
        writer.close()
        await writer.wait_closed()

    await shake("a.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await shake("b.example")
    service.present(authority.issue("a.example", timedelta(days=-1)))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await shake("a.example")


async def test_the_name_server_answers_its_zone_over_both_transports(start: Start) -> None:
    """Asked by dnspython's client; what it does not have it says does not exist; rubbish is dropped."""
    server = NameServer([dns.rrset.from_text("a.example.", 60, "IN", "A", "192.0.2.1")])
    port = await start(server)
    question = dns.message.make_query("a.example.", "A")
    for ask in (dns.asyncquery.udp, dns.asyncquery.tcp):
        reply = await ask(question, HOST, timeout=20, port=port)
        assert [str(rrset[0]) for rrset in reply.answer] == ["192.0.2.1"]
    absent = await dns.asyncquery.udp(dns.message.make_query("b.example.", "A"), HOST, timeout=20, port=port)
    assert absent.rcode() == dns.rcode.NXDOMAIN
    empty = await dns.asyncquery.udp(dns.message.make_query("a.example.", "AAAA"), HOST, timeout=20, port=port)
    assert (empty.rcode(), empty.answer) == (dns.rcode.NOERROR, [])
    assert server.respond(b"\0" * 5) is None
    assert server.respond(dns.message.Message().to_wire()) is None
    _reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(struct.pack("!H", 9))  # half a question
    writer.close()
