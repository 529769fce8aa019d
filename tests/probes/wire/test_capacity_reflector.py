"""The reflector answers nobody without the key, nothing twice, never with more than it was asked with."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from probes.wire.capacity_message import (
    CONTROL_BYTES,
    HEADER,
    LOAD_MAGIC,
    Answer,
    Beat,
    Kind,
    Refusal,
    Snapshot,
    Start,
    pack,
    session_id,
    session_key,
    unpack,
)
from probes.wire.capacity_reflector import FORGET_NS, SILENCE_NS, Limits, Reflector
from tests.lab.reflector import KEY
from tests.lab.soak import damaged, scale

PEER = ("192.0.2.7", 4000)
OTHER = ("192.0.2.8", 4000)
SECOND = 10**9
NOW = 1000 * SECOND
NONCE = b"n" * 16
GAP = 1_000_000


class Socket:
    """Takes what the reflector sends."""

    family = socket.AF_INET

    def __init__(self) -> None:
        self.answers: list[tuple[bytes, Any]] = []
        self.load: list[tuple[int, Any]] = []

    def sendto(self, data: bytes, peer: Any) -> None:
        self.answers.append((data, peer))

    def sendmsg(self, buffers: list[Any], _notes: Any, _flags: int, peer: Any) -> None:
        self.load.append((sum(len(buffer) for buffer in buffers), peer))


class Desk:
    """A reflector, and what a client says to it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.sock = Socket()
        self.reflector = Reflector(self.sock, KEY, limits or Limits())  # type: ignore[arg-type]
        self.counter = 0

    def say(self, data: bytes, peer: Any = PEER, now: int = NOW) -> bytes | None:
        """What is answered."""
        before = len(self.sock.answers)
        self.reflector.receive(data, peer, now, now)
        answers = self.sock.answers[before:]
        assert len(answers) <= 1
        for answer, to in answers:
            assert to == peer
            assert len(answer) <= len(data)
        return answers[0][0] if answers else None

    def control(
        self, kind: Kind, body: bytes = b"", *, who: bytes = NONCE, key: bytes = KEY, **more: Any
    ) -> bytes | None:
        self.counter += 1
        return self.say(pack(kind, who, self.counter, body, key), **more)

    def challenge(self, **more: Any) -> bytes:
        data = self.control(Kind.HELLO, **more)
        message = unpack(data or b"")
        assert message is not None
        assert message.kind is Kind.CHALLENGE
        assert message.valid(KEY)
        return message.body[:16]

    def start(self, *, nonce: bytes = NONCE, **changes: Any) -> tuple[Refusal | None, bytes]:
        """The answer to a START, and the session's key."""
        more = {key: changes.pop(key) for key in ("peer", "now") if key in changes}
        challenge = self.challenge(who=nonce, **more)
        start = replace(Start(challenge, False, 1222, GAP, 20_000), **changes)
        data = self.control(Kind.START, start.body(), who=nonce, **more)
        message = unpack(data or b"")
        answer = None if message is None else Answer.of(message.body).refusal
        return answer, session_key(KEY, nonce, challenge)

    def beat(self, key: bytes, gap: int = 0, *, now: int = NOW) -> Snapshot | None:
        data = self.control(Kind.BEAT, Beat(gap).body(), who=session_id(key), key=key, now=now)
        message = unpack(data or b"")
        return None if message is None else Snapshot.of(message.body)


def test_who_has_the_key_gets_a_session() -> None:
    desk = Desk()
    answer, key = desk.start()
    load = HEADER.pack(LOAD_MAGIC, 0, session_id(key), 0, 5)
    desk.say(load)
    report = desk.beat(key)

    assert answer is Refusal.NONE
    assert report is not None
    assert report.packets == 1
    assert desk.reflector.counts.strangers == 0


def test_strangers_get_nothing() -> None:
    desk = Desk()
    data = [
        b"", b"x" * CONTROL_BYTES, pack(Kind.HELLO, NONCE, 1, b"", b"another key that is long"),
        HEADER.pack(LOAD_MAGIC, 0, b"s" * 16, 0, 0), pack(Kind.CHALLENGE, NONCE, 1, b"", KEY),
        pack(Kind.BEAT, b"s" * 16, 1, Beat(GAP).body(), KEY),
    ]  # fmt: skip

    assert [desk.say(each) for each in data] == [None] * len(data)
    assert desk.reflector.counts.strangers == len(data)
    assert not desk.reflector.busy


def test_an_address_that_may_not_test_gets_nothing() -> None:
    desk = Desk(Limits(allow=(ip_network("192.0.2.7/32"),)))

    assert desk.control(Kind.HELLO, peer=OTHER) is None
    assert desk.control(Kind.HELLO, peer=("2001:db8::1", 4000, 0, 0)) is None
    assert desk.control(Kind.HELLO, peer=PEER) is not None


def test_a_challenge_is_for_one_address_and_a_short_time() -> None:
    desk = Desk()
    start = Start(desk.challenge(), True, 1222, GAP, 20_000)

    assert desk.control(Kind.START, start.body(), peer=OTHER) is None
    assert desk.control(Kind.START, start.body(), who=b"m" * 16) is None
    assert desk.control(Kind.START, start.body(), now=NOW + 30 * SECOND) is None
    assert not desk.reflector.busy
    assert desk.control(Kind.START, start.body()) is not None


def test_a_start_that_is_played_again_starts_nothing() -> None:
    desk = Desk()
    start = pack(Kind.START, NONCE, 5, Start(desk.challenge(), True, 1222, GAP, 20_000).body(), KEY)
    first = desk.say(start)
    assert desk.say(start) == first  # its answer was lost: the same session
    assert desk.reflector.counts.tests == 1
    (session,) = desk.reflector._sessions
    desk.reflector._end(session, "done")

    assert desk.say(start) is None
    assert not desk.reflector.busy


def test_a_beat_that_is_played_again_changes_nothing() -> None:
    desk = Desk()
    _answer, key = desk.start(down=True)
    fast = pack(Kind.BEAT, session_id(key), 50, Beat(GAP).body(), key)
    assert desk.say(fast) is not None
    desk.counter = 50
    assert desk.beat(key, 0) is not None

    assert desk.say(fast) is None
    desk.reflector.send(NOW + 10_000_000)
    assert desk.sock.load == []


def test_load_goes_only_where_it_is_asked_for_and_at_most_as_fast_as_granted() -> None:
    desk = Desk()
    _answer, key = desk.start(down=True)
    desk.reflector.send(NOW + GAP)
    assert desk.sock.load == []  # nobody asked yet
    desk.beat(key, 1)
    for step in range(101):
        desk.reflector.send(NOW + step * GAP)

    assert {peer for _size, peer in desk.sock.load} == {PEER}
    assert sum(size for size, _peer in desk.sock.load) == 101 * 1222


def test_load_ends_when_nobody_asks_any_more() -> None:
    desk = Desk()
    _answer, key = desk.start(down=True)
    desk.beat(key, GAP)
    for step in range(1000):
        desk.reflector.send(NOW + step * GAP)
    sent = sum(size for size, _peer in desk.sock.load)

    assert sent <= (SILENCE_NS // GAP + 1) * 1222
    desk.reflector.send(NOW + FORGET_NS + 1)
    assert not desk.reflector.busy


def test_a_test_ends_with_its_time() -> None:
    desk = Desk()
    _answer, key = desk.start(milliseconds=500)
    assert desk.beat(key, now=NOW + SECOND // 2) is not None
    desk.reflector.send(NOW + SECOND)

    assert desk.beat(key, now=NOW + SECOND) is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"gap_ns": 10_000}, Refusal.TOO_FAST),
        ({"gap_ns": 0}, Refusal.TOO_FAST),
        ({"milliseconds": 61_000}, Refusal.TOO_LONG),
        ({"datagram_bytes": 10}, None),
        ({"datagram_bytes": 9000}, None),
    ],
)
def test_more_than_the_limits_is_refused(changes: dict[str, int], refusal: Refusal | None) -> None:
    desk = Desk()

    assert desk.start(**changes)[0] is refusal
    assert not desk.reflector.busy


def test_one_test_at_a_time() -> None:
    desk = Desk()
    assert desk.start()[0] is Refusal.NONE

    assert desk.start(nonce=b"m" * 16, peer=OTHER)[0] is Refusal.BUSY


def test_several_tests_share_the_bandwidth() -> None:
    desk = Desk(Limits(tests=3, bits_per_second=25e6))
    answers = [desk.start(nonce=bytes([number]) * 16)[0] for number in range(3)]

    assert answers == [Refusal.NONE, Refusal.NONE, Refusal.BUSY]  # 10 Mbit/s each


def test_an_address_has_so_many_tests_an_hour() -> None:
    desk = Desk(Limits(tests_an_hour=2))
    found = []
    for number in range(4):
        now = NOW + number * 60 * SECOND
        answer, key = desk.start(nonce=bytes([number]) * 16, now=now)
        found.append(answer)
        desk.control(Kind.STOP, who=session_id(key), key=key, now=now)

    assert found == [Refusal.NONE, Refusal.NONE, Refusal.TOO_MANY, Refusal.TOO_MANY]
    assert desk.start(nonce=b"z" * 16, now=NOW + 3700 * SECOND)[0] is Refusal.NONE


def test_a_flood_of_one_address_does_not_keep_another_one_out() -> None:
    desk = Desk()
    answers = [desk.control(Kind.HELLO, peer=OTHER) for _ in range(1000)]

    assert sum(answer is not None for answer in answers) == 20
    assert desk.start()[0] is Refusal.NONE
    assert desk.control(Kind.HELLO, peer=OTHER, now=NOW + SECOND) is not None


def test_a_flood_of_many_addresses_takes_no_memory() -> None:
    desk = Desk()
    for number in range(5000):
        desk.control(Kind.HELLO, peer=(f"10.0.{number // 256}.{number % 256}", 1))

    assert len(desk.reflector._handshakes) <= 1024
    assert desk.reflector._history == {}


@pytest.mark.soak
def test_rubbish_starts_nothing_and_breaks_nothing() -> None:
    desk = Desk(Limits(tests_an_hour=10**6))
    _answer, key = desk.start(down=True)
    start = Start(desk.challenge(who=b"q" * 16), True, 1222, GAP, 20_000)
    genuine = [
        pack(Kind.HELLO, NONCE, 900, b"", KEY), pack(Kind.START, b"q" * 16, 901, start.body(), KEY),
        pack(Kind.BEAT, session_id(key), 902, Beat(GAP).body(), key), HEADER.pack(LOAD_MAGIC, 0, session_id(key), 0, 0),
    ]  # fmt: skip
    for number, data in enumerate(damaged(genuine, scale(3_000, 300_000))):
        if data not in genuine:
            desk.say(data, now=NOW + number * 1000)
            if data[:4] != LOAD_MAGIC:
                assert len(desk.reflector._sessions) == 1

    assert desk.beat(key, now=NOW + SECOND) is not None
