"""Services behind an emulated host: packets get other addresses and right checksums, and find their way back."""

from __future__ import annotations

from ipaddress import ip_address
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.demo.link import Behaviour, Fate
from netmon.demo.link.line import Host, Line
from netmon.demo.link.packets import Packet, parse, readdressed

CLIENT, HOST, SERVICES = "10.88.255.254", "10.88.0.5", "10.89.0.5"
UDP_SUM = slice(26, 28)
ADDRESSES = {
    4: (st.ip_addresses(v=4), CLIENT, HOST),
    6: (st.ip_addresses(v=6), "fd88::ffff", "fd88::5"),
}


def segment(protocol: str, source: str, destination: str, payload: bytes = b"hello") -> bytes:
    """A TCP or UDP packet as scapy makes it, with its checksums."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.packet import Raw

    ip = IP if ip_address(source).version == 4 else IPv6
    layer = TCP(sport=4000, dport=80, seq=7) if protocol == "tcp" else UDP(sport=4000, dport=53)
    return bytes(ip(src=source, dst=destination) / layer / Raw(payload))


def parsed(data: bytes) -> Packet:
    packet = parse(data)
    assert packet is not None
    return packet


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("version", [4, 6])
@given(data=st.data(), payload=st.binary(max_size=65))
def test_another_address_makes_the_packet_that_scapy_would_send(
    protocol: str, version: int, data: st.DataObject, payload: bytes
) -> None:
    """Byte for byte, checksums included; one of two spellings of the sum zero counts as the other."""
    addresses, client, host = ADDRESSES[version]
    source, destination = (str(data.draw(addresses)) for _ in range(2))
    changed = readdressed(
        parsed(segment(protocol, client, host, payload)), ip_address(source).packed, ip_address(destination).packed
    )
    expected = segment(protocol, source, destination, payload)
    at = (20 if version == 4 else 40) + (16 if protocol == "tcp" else 6)
    sums = {one[at : at + 2] for one in (changed, expected)}
    assert len(sums) == 1 or sums == {b"\0\0", b"\xff\xff"}
    assert changed[:at] + changed[at + 2 :] == expected[:at] + expected[at + 2 :]


def test_a_udp_checksum_never_becomes_the_word_for_none_and_none_stays_none() -> None:
    """RFC 768: zero is sent as all ones, because zero means that there is no checksum."""

    def moved(data: bytes) -> bytes:
        return readdressed(parsed(data), ip_address(HOST).packed, ip_address(SERVICES).packed)

    # What the sum lacks to zero, as the payload, makes it zero.
    lacking = moved(segment("udp", CLIENT, HOST, b"\0\0"))[UDP_SUM]
    assert moved(segment("udp", CLIENT, HOST, lacking))[UDP_SUM] == b"\xff\xff"
    data = bytearray(segment("udp", CLIENT, HOST))
    data[UDP_SUM] = b"\0\0"
    assert moved(bytes(data))[UDP_SUM] == b"\0\0"


def test_a_request_goes_to_the_services_and_the_answer_to_who_asked() -> None:
    """The request over the host's line, the answer at once: the behaviour is that of the round trip."""
    host = Host(Line(Behaviour(delay_seconds=0.5, services=SERVICES), Random(1)))
    fate, answers = host.receive(parsed(segment("tcp", CLIENT, HOST)), 1000)
    assert fate is Fate.PASSED
    assert [(answer.due_ns, answer.data) for answer in answers] == [(500_001_000, segment("tcp", HOST, SERVICES))]
    fate, answers = host.receive(parsed(segment("tcp", SERVICES, HOST)), 2000)
    assert [(answer.due_ns, answer.data) for answer in answers] == [(2000, segment("tcp", HOST, CLIENT))]


def test_services_are_as_unreachable_as_their_host() -> None:
    """Down, lost and refused hold for them; without services the host refuses, and an unasked answer goes nowhere."""
    request, reply = parsed(segment("tcp", CLIENT, HOST)), parsed(segment("tcp", SERVICES, HOST))
    for behaviour, fate in (
        (Behaviour(down=True, services=SERVICES), Fate.DOWN),
        (Behaviour(loss_ratio=1.0, services=SERVICES), Fate.LOST),
        (Behaviour(error="host_unreachable", services=SERVICES), Fate.ERROR),
        (Behaviour(), Fate.ERROR),
    ):
        assert Host(Line(behaviour, Random(1))).receive(request, 0)[0] is fate
    assert Host(Line(Behaviour(down=True, services=SERVICES), Random(1))).receive(reply, 0)[0] is Fate.DOWN
    assert Host(Line(Behaviour(services=SERVICES), Random(1))).receive(reply, 0)[0] is Fate.NO_HOST
