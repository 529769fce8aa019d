"""The link emulator: packets against scapy, decisions by themselves, and real programs over a real device."""

from __future__ import annotations

import json
import sys
from ipaddress import ip_address
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.demo.link import Behaviour, Fate
from netmon.demo.link.line import Host, Line
from netmon.demo.link.packets import Packet, checksum, echo_reply, error_answer, parse, too_big_answer
from tests.lab import need
from tests.lab.linked import FAR, run_linked

SECOND_NS = 1_000_000_000
PAIRS = {4: ("10.77.0.1", "10.77.0.9"), 6: ("fd00:77::1", "fd00:77::9")}


def request(version: int, payload: bytes = b"x" * 56, *, identifier: int = 7, sequence: int = 3) -> Packet:
    """An echo request as scapy makes it."""
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
    from scapy.packet import Raw

    source, destination = PAIRS[version]
    if version == 4:
        made = IP(src=source, dst=destination, flags="DF") / ICMP(id=identifier, seq=sequence) / Raw(payload)
    else:
        made = IPv6(src=source, dst=destination) / ICMPv6EchoRequest(id=identifier, seq=sequence, data=payload)
    packet = parse(bytes(made))
    assert packet is not None
    return packet


def rebuilt(version: int, data: bytes) -> bytes:
    """The packet with the checksums that scapy computes."""
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.inet6 import IPv6

    packet = IP(data) if version == 4 else IPv6(data)
    if version == 4:
        del packet.chksum, packet[ICMP].chksum
    else:
        packet.payload.cksum = None
    return bytes(packet)


@given(st.sampled_from([4, 6]), st.binary(max_size=300), st.integers(0, 65535), st.integers(0, 65535))
def test_answers_are_what_scapy_would_send(version: int, payload: bytes, identifier: int, sequence: int) -> None:
    """Addresses, identifier, sequence number, payload and both checksums."""
    asked = request(version, payload, identifier=identifier, sequence=sequence)
    assert (asked.is_echo_request, asked.identifier, asked.sequence) == (True, identifier, sequence)
    reply = echo_reply(asked)
    assert rebuilt(version, reply) == reply
    again = parse(reply)
    assert again is not None
    assert (again.source, again.destination) == (asked.destination, asked.source)
    assert reply.endswith(payload)
    for answer in (
        error_answer(asked, "prohibited", asked.destination),
        too_big_answer(asked, 1280, asked.destination),
    ):
        assert rebuilt(version, answer) == answer
        assert asked.data[:28] in answer


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_none(data: bytes) -> None:
    """The kernel sends more than what we ask for."""
    packet = parse(data)
    assert packet is None or packet.data == data


@given(st.binary(min_size=2, max_size=100).filter(lambda data: len(data) % 2 == 0))
def test_data_with_its_checksum_sums_to_zero(data: bytes) -> None:
    """RFC 1071: what a receiver verifies."""
    assert checksum(data + checksum(data).to_bytes(2, "big")) == 0


def line(**faults: float) -> Line:
    return Line(Behaviour(**faults), Random(1))  # type: ignore[arg-type]  # every fault of these tests is a number


def test_packets_go_one_after_another_at_the_rate_and_too_many_are_dropped() -> None:
    """1,250 bytes at 1 Mbit/s take 10 ms; the queue holds 100 ms."""
    slow = line(rate_bits_per_second=1e6, delay_seconds=0.02)
    decided = [slow.carry(1250, 0) for _ in range(13)]
    assert [due[0] for fate, due in decided if fate is Fate.PASSED] == [(10 * n + 20) * 1_000_000 for n in range(1, 12)]
    assert [fate for fate, _due in decided[11:]] == [Fate.QUEUE_FULL] * 2


@given(st.floats(0, 1), st.floats(0, 2), st.floats(0, 1))
def test_nothing_comes_before_its_delay(loss: float, delay: float, jitter: float) -> None:
    """And nothing more than the delay and the jitter later, without further faults."""
    link = line(loss_ratio=loss, delay_seconds=delay, jitter_seconds=jitter)
    for now_ns in range(0, 20 * SECOND_NS, SECOND_NS):
        fate, due = link.carry(100, now_ns)
        assert fate in {Fate.PASSED, Fate.LOST}
        for moment in due:
            assert now_ns + delay * 1e9 - 1 <= moment <= now_ns + (delay + jitter) * 1e9 + 1


def test_the_same_seed_makes_the_same_faults() -> None:
    """A run can be repeated."""
    faults = {"loss_ratio": 0.3, "duplicate_ratio": 0.3, "jitter_seconds": 0.1}
    first, second = line(**faults), line(**faults)
    assert [first.carry(100, n) for n in range(200)] == [second.carry(100, n) for n in range(200)]


def test_a_host_says_why_it_does_not_answer() -> None:
    """Errors go before echo replies; a host that is down says nothing at all."""
    asked = request(4)
    silent = Host(line(down=True))
    assert silent.receive(asked, 0) == (Fate.DOWN, ())
    far = Host(Line(Behaviour(hops=64), Random(1)), routers={4: ip_address("10.77.0.254").packed})
    fate, (answer,) = far.receive(asked, 0)
    assert (fate, answer.data[12:16]) == (Fate.HOP_LIMIT, bytes((10, 77, 0, 254)))


CONNECT = """
import json, socket, sys, time
def connect():
    for attempt in range(10):  # nothing says when the other side listens
        begun = time.monotonic()
        try:
            return begun, socket.create_connection((sys.argv[1], 7), timeout=5)
        except OSError as error:
            print(error, file=sys.stderr)
            time.sleep(0.5)
    sys.exit("no connection")
begun, sock = connect()
with sock:
    connected = time.monotonic() - begun
    data = bytes(int(sys.argv[2]))
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(65536): pass
print(json.dumps({"connected": connected, "took": time.monotonic() - begun}))
"""
SERVE = """
import socket
server = socket.create_server(("::", 7), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    connection, _ = server.accept()
    while connection.recv(65536): pass
    connection.close()
"""


@pytest.mark.alone
@pytest.mark.parametrize("address", FAR)
def test_tcp_goes_over_the_link_with_its_delay_rate_and_loss(address: str) -> None:
    """No faster than the delay and the rate allow, and whole in spite of the loss."""
    need.namespaces()
    size, rate = 250_000, 2e6
    found = run_linked(
        [sys.executable, "-c", CONNECT, address, str(size)], [sys.executable, "-c", SERVE],
        out=Behaviour(delay_seconds=0.05, rate_bits_per_second=rate, loss_ratio=0.005, queue_seconds=0.5),
        back=Behaviour(delay_seconds=0.05),
    )  # fmt: skip
    assert found.near_code == 0, (found.near, found.far, found.records[:10])
    times = json.loads(found.near.splitlines()[-1])
    assert times["connected"] >= 0.1
    assert times["took"] >= size * 8 / rate
    fates = {record.fate for record in found.records}
    assert {Fate.PASSED, Fate.LOST} <= fates


def test_a_link_with_a_small_mtu_says_so_and_path_mtu_discovery_works() -> None:
    """TCP over IPv4 and IPv6 gets through a link that takes no more than 1,300 bytes."""
    need.namespaces()
    for address in FAR:
        found = run_linked(
            [sys.executable, "-c", CONNECT, address, "100000"], [sys.executable, "-c", SERVE],
            out=Behaviour(mtu=1300), back=Behaviour(),
        )  # fmt: skip
        assert found.near_code == 0, (found.near, found.far, found.records[:10])
        assert Fate.TOO_BIG in {record.fate for record in found.records}
        assert max(record.length for record in found.records if record.fate is Fate.PASSED) <= 1300


def test_a_link_that_is_down_carries_nothing() -> None:
    """In the direction that is down."""
    need.namespaces()
    ping = need.program("ping", "iputils-ping")
    found = run_linked(
        [ping, "-c", "1", "-W", "1", FAR[0]], ["sleep", "60"], out=Behaviour(down=True), back=Behaviour()
    )
    assert found.near_code == 1
    assert {record.fate for record in found.records if record.address == FAR[0]} == {Fate.DOWN}
