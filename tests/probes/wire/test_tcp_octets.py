"""The kernel's own count of what TCP connections moved, against real connections on loopback."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from probes.base import Family
from probes.wire.tcp_octets import tcp_octets
from tests.lab import need

FAMILIES = [(Family.IPV4, "127.0.0.1", 20 + 32 + 14), (Family.IPV6, "::1", 40 + 32 + 14)]


@contextmanager
def connected(family: Family, address: str) -> Iterator[tuple[socket.socket, socket.socket, int]]:
    """Our end, the other one, and the port there."""
    if family is Family.IPV6:
        need.ipv6_loopback()
    domain = socket.AF_INET6 if family is Family.IPV6 else socket.AF_INET
    with socket.socket(domain) as server:
        server.bind((address, 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection((address, port)) as ours:
            theirs, _peer = server.accept()
            with theirs:
                yield ours, theirs, port


def move(sender: socket.socket, receiver: socket.socket, octets: int) -> None:
    sender.sendall(bytes(octets))
    while octets:
        octets -= len(receiver.recv(octets))


@pytest.mark.parametrize(("family", "address", "header"), FAMILIES)
def test_what_was_moved_in_each_direction(family: Family, address: str, header: int) -> None:
    with connected(family, address) as (ours, theirs, port):
        move(ours, theirs, 300_000)
        move(theirs, ours, 70_000)
        up, down = (tcp_octets(address, port, family, down=down) for down in (False, True))

    assert up is not None
    assert down is not None
    for found, payload in ((up, 300_000), (down, 70_000)):
        segments = (found - payload) / header
        assert segments == int(segments)
        assert 1 <= segments < 30


def test_other_connections_do_not_count() -> None:
    with connected(Family.IPV4, "127.0.0.1") as (ours, theirs, port), connected(Family.IPV4, "127.0.0.1") as other:
        move(other[0], other[1], 500_000)
        move(ours, theirs, 10)
        found = tcp_octets("127.0.0.1", port, Family.IPV4, down=False)
        elsewhere = tcp_octets("127.0.0.2", port, Family.IPV4, down=False)

    assert found is not None
    assert found < 1_000
    assert elsewhere == 0


def test_without_the_kernels_word_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused:
        def __init__(self, *_words: object) -> None:
            raise OSError(errno.EPROTONOSUPPORT, "no such protocol")

    monkeypatch.setattr("probes.wire.tcp_octets.socket.socket", Refused)

    assert tcp_octets("127.0.0.1", 1, Family.IPV4, down=False) is None
