"""The other end of a capacity test: what ``netmon reflector`` runs at a site. It counts load, or sends it.

It answers nobody who has not the key, never with more bytes than it was asked with, and sends load only to an address
that has shown that it receives there (it returned the challenge), at most as fast and as long as the limits allow, and
only while it is asked to go on: 300 ms without a beat end the load.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

from probes.wire.capacity_load import Meter, Pacer, prepare, read_all
from probes.wire.capacity_message import (
    HEADER,
    LOAD_MAGIC,
    NONCE_BYTES,
    Answer,
    Beat,
    Control,
    Kind,
    Refusal,
    Start,
    pack,
    session_id,
    session_key,
    unpack,
)

__all__ = ["Limits", "Reflector", "serve"]

log = logging.getLogger(__name__)

SILENCE_NS: Final = 300_000_000
FORGET_NS: Final = 3_000_000_000
COOKIE_NS: Final = 10_000_000_000
HANDSHAKES_A_SECOND: Final = 20
SOURCES_A_SECOND: Final = 1024
SECOND_NS: Final = 1_000_000_000
HOUR_NS: Final = 3600 * SECOND_NS
SMALLEST_DATAGRAM, LARGEST_DATAGRAM = HEADER.size, 1472
HEADERS: Final = {socket.AF_INET: 28, socket.AF_INET6: 48}
"""Octets of UDP (RFC 768) and IP (RFC 791, RFC 8200) headers."""
LONGEST_SLEEP_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one reflector gives.

    Attributes:
        bits_per_second: of all tests together, IP packets.
        seconds: of one test.
        tests: at once.
        tests_an_hour: of one address.
        allow: addresses that may test; empty for all that have the key.
    """

    bits_per_second: float = 120e6
    seconds: float = 60.0
    tests: int = 1
    tests_an_hour: int = 60
    allow: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass(slots=True)
class _Session:
    """A test under way."""

    peer: Any
    key: bytes
    name: bytes
    start: Start
    bits_per_second: float
    until_ns: int
    beat_ns: int
    meter: Meter
    pacer: Pacer
    counter: int = 0
    overflow_before: int = 0


@dataclass(slots=True)
class Counts:
    """How a reflector is doing, for its log.

    Attributes:
        strangers: datagrams of addresses that may not test, without a valid tag, or too many of one address.
        refused: tests that were refused although the key was right.
        tests: tests that began.
    """

    strangers: int = 0
    refused: int = 0
    tests: int = 0


@dataclass(slots=True)
class Reflector:
    """One socket's state: takes datagrams, gives answers, sends load. It reads no clock.

    Attributes:
        counts: what came.
    """

    sock: socket.socket
    key: bytes
    limits: Limits
    counts: Counts = field(default_factory=Counts)
    _sessions: dict[bytes, _Session] = field(default_factory=dict)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _used: dict[bytes, int] = field(default_factory=dict)
    _history: dict[str, list[int]] = field(default_factory=dict)
    _second: int = 0
    _handshakes: dict[str, int] = field(default_factory=dict)
    _overflow: int = 0

    def receive(self, data: bytes, peer: Any, arrived_ns: int, now_ns: int) -> None:
        """Take one datagram."""
        if data[:4] == LOAD_MAGIC:
            session = self._sessions.get(data[8:24])
            if session is None or session.peer != peer or not session.meter.take(data, arrived_ns):
                self.counts.strangers += 1
            return
        message = unpack(data)
        answer = None
        if message is not None and self._allowed(peer):
            match message.kind:
                case Kind.BEAT:
                    answer = self._beat(message, peer, now_ns)
                case Kind.STOP:
                    answer = self._stop(message, peer)
                case Kind.HELLO | Kind.START if self._may_shake(peer[0], now_ns) and message.valid(self.key):
                    answer = (self._hello if message.kind is Kind.HELLO else self._start)(message, peer, now_ns)
        if answer is None:
            self.counts.strangers += 1
        elif answer:
            try:
                self.sock.sendto(answer, peer)
            except OSError as error:
                log.debug("an answer could not be sent: %s", error.strerror)

    def send(self, now_ns: int) -> int:
        """Send the load that is due, forget tests that are over; when to call again (ns)."""
        due_ns = now_ns + round(LONGEST_SLEEP_SECONDS * SECOND_NS)
        for name, session in tuple(self._sessions.items()):
            if now_ns > session.until_ns or now_ns - session.beat_ns > FORGET_NS:
                self._end(name, "its time is over" if now_ns > session.until_ns else "nobody asks any more")
                continue
            if now_ns - session.beat_ns > SILENCE_NS:
                session.pacer.set_gap(0, now_ns)
            try:
                session.pacer.send(now_ns)
            except OSError as error:
                self._end(name, error.strerror or str(error))
                continue
            due_ns = min(due_ns, session.pacer.due_ns(now_ns))
        return due_ns

    def dropped(self, overflow: int) -> None:
        """The kernel has dropped so many datagrams since the socket was opened."""
        self._overflow = overflow
        for session in self._sessions.values():
            session.meter.overflow = overflow - session.overflow_before

    @property
    def busy(self) -> bool:
        """Whether a test is under way."""
        return bool(self._sessions)

    def _allowed(self, peer: Any) -> bool:
        if not self.limits.allow:
            return True
        address = ip_address(str(peer[0]).partition("%")[0])
        return any(address in network for network in self.limits.allow if network.version == address.version)

    def _may_shake(self, source: str, now_ns: int) -> bool:
        """So that a flood costs a comparison and no hash."""
        if now_ns // SECOND_NS != self._second:
            self._second = now_ns // SECOND_NS
            self._handshakes.clear()
        count = self._handshakes.get(source, 0)
        if count >= HANDSHAKES_A_SECOND or (not count and len(self._handshakes) >= SOURCES_A_SECOND):
            return False
        self._handshakes[source] = count + 1
        return True

    def _cookie(self, nonce: bytes, peer: Any, window: int) -> bytes:
        text = f"{peer[0]} {peer[1]} {window} ".encode() + nonce
        return hmac.digest(self._secret, text, hashlib.sha256)[:NONCE_BYTES]

    def _hello(self, message: Control, peer: Any, now_ns: int) -> bytes:
        # Nothing is remembered of whoever has not returned this.
        cookie = self._cookie(message.who, peer, now_ns // COOKIE_NS)
        return pack(Kind.CHALLENGE, message.who, message.counter, cookie, self.key)

    def _start(self, message: Control, peer: Any, now_ns: int) -> bytes | None:
        start = Start.of(message.body)
        window = now_ns // COOKIE_NS
        fresh = any(
            hmac.compare_digest(start.challenge, self._cookie(message.who, peer, each)) for each in (window, window - 1)
        )
        if not fresh:
            return None
        key = session_key(self.key, message.who, start.challenge)
        name = session_id(key)
        if name in self._sessions:  # our answer was lost
            return self._answer(message, Answer(Refusal.NONE))
        self._used = {nonce: until for nonce, until in self._used.items() if until > now_ns}
        if message.who in self._used or not SMALLEST_DATAGRAM <= start.datagram_bytes <= LARGEST_DATAGRAM:
            return None
        answer, rate = self._admit(start, str(peer[0]), now_ns)
        if answer.refusal is not Refusal.NONE:
            self.counts.refused += 1
            log.info("a test of %s is refused: %s", peer[0], answer.refusal.name.lower())
            return self._answer(message, answer)
        self._used[message.who] = now_ns + 3 * COOKIE_NS
        self._history[str(peer[0])].append(now_ns)
        self.counts.tests += 1
        meter = Meter(name)
        self._sessions[name] = _Session(
            peer=peer, key=key, name=name, start=start, bits_per_second=rate,
            until_ns=now_ns + start.milliseconds * 1_000_000, beat_ns=now_ns, meter=meter,
            pacer=Pacer(self.sock, name, start.datagram_bytes, to=peer), overflow_before=self._overflow,
        )  # fmt: skip
        direction = "to it" if start.down else "from it"
        log.info("a test of %s begins: load %s, at most %.1f Mbit/s", peer[0], direction, rate / 1e6)
        return self._answer(message, answer)

    def _answer(self, message: Control, answer: Answer) -> bytes:
        return pack(Kind.ANSWER, message.who, message.counter, answer.body(), self.key)

    def _admit(self, start: Start, source: str, now_ns: int) -> tuple[Answer, float]:
        """Whether there is room for a test, and its rate in bits per second of IP packets."""
        limits = self.limits
        size = start.datagram_bytes + HEADERS[socket.AddressFamily(self.sock.family)]
        rate = size * 8 * SECOND_NS / max(start.gap_ns, 1)
        recent = [at for at in self._history.get(source, ()) if now_ns - at < HOUR_NS]
        if source in self._history or len(self._history) < SOURCES_A_SECOND:
            self._history[source] = recent
        if rate > limits.bits_per_second:
            return Answer(Refusal.TOO_FAST, round(limits.bits_per_second)), rate
        if start.milliseconds > limits.seconds * 1000:
            return Answer(Refusal.TOO_LONG, round(limits.seconds * 1000)), rate
        if len(recent) >= limits.tests_an_hour or source not in self._history:
            return Answer(Refusal.TOO_MANY, limits.tests_an_hour), rate
        used = sum(session.bits_per_second for session in self._sessions.values())
        if len(self._sessions) >= limits.tests or used + rate > limits.bits_per_second:
            return Answer(Refusal.BUSY), rate
        return Answer(Refusal.NONE), rate

    def _of(self, message: Control, peer: Any) -> _Session | None:
        """The session that a message belongs to, if it is genuine and not one that came already."""
        session = self._sessions.get(message.who)
        if session is None or session.peer != peer or message.counter <= session.counter:
            return None
        if not message.valid(session.key):
            return None
        session.counter = message.counter
        return session

    def _beat(self, message: Control, peer: Any, now_ns: int) -> bytes | None:
        session = self._of(message, peer)
        if session is None:
            return None
        session.beat_ns = now_ns
        gap_ns = Beat.of(message.body).gap_ns
        if session.start.down:
            session.pacer.set_gap(max(gap_ns, session.start.gap_ns) if gap_ns else 0, now_ns)
        report = session.meter.snapshot(sent_packets=session.pacer.sent, stalled=session.pacer.stalled)
        return pack(Kind.REPORT, session.name, message.counter, report.body(), session.key)

    def _stop(self, message: Control, peer: Any) -> bytes:
        session = self._of(message, peer)
        if session is not None:
            self._end(session.name, "done")
        return b""  # it is sent several times, as it may be lost

    def _end(self, name: bytes, why: str) -> None:
        session = self._sessions.pop(name)
        log.info(
            "the test of %s ends (%s): %d packets sent, %d received", session.peer[0], why, session.pacer.sent,
            session.meter.packets,
        )  # fmt: skip


def serve(
    addresses: Sequence[tuple[str, int]], key: bytes, limits: Limits, *, stopped: Callable[[], bool],
    ready: Callable[[list[Any]], None] = lambda _: None,
) -> Counts:  # fmt: skip
    """Answer until ``stopped`` says so.

    Args:
        addresses: literal addresses and ports to listen on; port 0 for any.
        ready: called with the sockets' own addresses once they listen.

    Raises:
        OSError: an address cannot be listened on.
    """
    counts = Counts()
    reflectors: list[Reflector] = []
    try:
        for host, port in addresses:
            family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)[0]
            sock = socket.socket(family, socket.SOCK_DGRAM)
            reflectors.append(Reflector(sock, key, limits, counts))
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            prepare(sock)
            sock.bind(where)
        ready([reflector.sock.getsockname() for reflector in reflectors])
        while not stopped():
            _serve_once(reflectors)
    finally:
        for reflector in reflectors:
            reflector.sock.close()
    return counts


def _serve_once(reflectors: Sequence[Reflector]) -> None:
    now_ns = time.monotonic_ns()
    due_ns = min(reflector.send(now_ns) for reflector in reflectors)
    wait = max(0.0, (due_ns - time.monotonic_ns()) / SECOND_NS)
    readable, _, _ = select.select([reflector.sock for reflector in reflectors], [], [], wait)
    for reflector in reflectors:
        if reflector.sock in readable:
            try:
                arrivals, overflow = read_all(reflector.sock)
            except OSError:  # an ICMP error for an answer of ours: whoever asked is gone
                continue
            now_ns = time.monotonic_ns()
            for data, arrived_ns, peer in arrivals:
                reflector.receive(data, peer, arrived_ns, now_ns)
            if overflow:
                reflector.dropped(overflow)
