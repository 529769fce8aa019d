"""The near end of a capacity test: asks a reflector for a session, sends load or has it sent, and reports what came.

A test runs in a thread of its own: its pace must not wait for whatever else netmon does.
"""

from __future__ import annotations

import asyncio
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from probes.base import Failure, Family, MonitorFault, NetworkFailure
from probes.wire.capacity_load import Meter, Pacer, prepare, read_all
from probes.wire.capacity_message import (
    NONCE_BYTES,
    Answer,
    Beat,
    Control,
    Kind,
    Refusal,
    Snapshot,
    Start,
    pack,
    session_id,
    session_key,
    unpack,
)
from probes.wire.failures import failure_of
from probes.wire.tcp import open_socket

__all__ = ["CapacityRun", "CapacityWire", "Conductor", "Stop"]

BEAT_NS: Final = 25_000_000
LOOK_NS: Final = 10_000_000
ASK_AGAIN_SECONDS: Final = (0.3, 0.5, 0.8, 1.2, 2.0)
LOST_SECONDS: Final = 2.0
"""Without any report for so long (beside the round trip), the test is over: nobody watches what the load does."""
SPARE_SECONDS: Final = 1.0
SECOND_NS: Final = 1_000_000_000

REFUSALS: Final = {
    Refusal.BUSY: "another test is under way there",
    Refusal.TOO_FAST: "it allows {limit} bit/s of IP packets at most",
    Refusal.TOO_LONG: "it allows {limit} ms at most",
    Refusal.TOO_MANY: "it allows {limit} tests an hour",
}


class Conductor(Protocol):
    """Says how fast to send, given what came (:class:`Verify`, :class:`Search`)."""

    @property
    def done(self) -> bool:
        """The test is over."""

    def rate(self, now: float) -> float:
        """Bits per second to send now, at the layer of its packets."""

    def take(self, snapshot: Snapshot, now: float) -> None:
        """Take what the receiver has seen."""


class Stop:
    """Ends a test from another thread, and says how far it is.

    Attributes:
        reason: why it has to end, in a sentence; empty while it does not.
        packets: load packets at our end so far.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.packets = 0
        self._event = threading.Event()

    def set(self, reason: str) -> None:
        """End the test; the first reason stays."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the test has to end."""
        return self._event.is_set()


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRun:
    """What one direction's test did.

    Attributes:
        packets_sent: load packets, whichever end sent them.
        stalled: how often the sender was kept from its pace by its own machine.
        overflow: packets that the receiving machine dropped itself.
        round_trip_seconds: of the handshake.
        stopped: why it ended before its time; empty if it did not.
    """

    packets_sent: int
    stalled: int
    overflow: int
    round_trip_seconds: float
    stopped: str


class CapacityWire:
    """Runs tests against reflectors; the shared keys are known by name."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys
        self._running: set[Stop] = set()

    def abort(self, reason: str) -> None:
        """End every test under way; each gives what it has."""
        for stop in self._running:
            stop.set(reason)

    def use(self, keys: Mapping[str, bytes]) -> None:
        """Take over the keys of a new configuration."""
        self._keys = keys

    async def run(
        self, address: str, port: int, *, family: Family, key: str, down: bool, datagram_bytes: int,
        packet_bits: int, highest: float, seconds: float, conductor: Callable[[float, float], Conductor], stop: Stop,
        timeout: float,
    ) -> CapacityRun:  # fmt: skip
        """One direction's test.

        Args:
            key: name of the shared key.
            down: the reflector sends; otherwise we do.
            packet_bits: of one packet, at the layer at which ``highest`` and the conductor's rates are counted.
            highest: bits per second that are never exceeded.
            seconds: how long at most.
            conductor: makes the conductor, of the monotonic clock's time and the round trip in seconds.
            stop: ends it early.
            timeout: seconds for the handshake.

        Raises:
            NetworkFailure: the reflector does not answer, or the network refused what was sent.
            MonitorFault: there is no such key, this machine cannot send, or the reflector refuses the test.
        """
        secret = self._keys.get(key)
        if secret is None:
            raise MonitorFault(f"no reflector key is called {key!r}: see reflector_keys in the inventory")
        sock, where = open_socket(address, port, family, socket.SOCK_DGRAM)
        client = _Client(sock, secret, down, datagram_bytes, packet_bits, stop)
        doing = f"capacity test with {address} port {port}"

        def work() -> CapacityRun:
            try:
                prepare(sock)
                sock.connect(where)
                client.shake(round(SECOND_NS * packet_bits / highest), seconds, timeout, doing)
                return client.run(conductor, seconds)
            except OSError as error:
                failure = failure_of(error, doing)
                if failure is None:
                    raise
                raise failure from error

        self._running.add(stop)
        running = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.set("cancelled")
            await asyncio.wait([running])
            raise
        finally:
            self._running.discard(stop)
            sock.close()


class _Client:
    """A session as its near end sees it. Everything here runs in one thread."""

    def __init__(
        self, sock: socket.socket, key: bytes, down: bool, datagram_bytes: int, packet_bits: int, stop: Stop
    ) -> None:
        self._sock = sock
        self._key = key
        self._down = down
        self._size = datagram_bytes
        self._bits = packet_bits
        self._stop = stop
        self._nonce = secrets.token_bytes(NONCE_BYTES)
        self._session = b""
        self._session_key = b""
        self._round_trip = 0.0
        self._counter = 0
        self._report = Snapshot()

    def shake(self, gap_ns: int, seconds: float, timeout: float, doing: str) -> None:
        """Prove key and address, and ask for the test."""
        end = time.monotonic() + timeout
        challenge = self._ask(Kind.HELLO, b"", Kind.CHALLENGE, end, doing).body[:NONCE_BYTES]
        start = Start(challenge, self._down, self._size, gap_ns, round((seconds + SPARE_SECONDS) * 1000))
        answer = Answer.of(self._ask(Kind.START, start.body(), Kind.ANSWER, end, doing).body)
        if answer.refusal is not Refusal.NONE:
            raise MonitorFault(f"{doing}: the reflector refuses: {REFUSALS[answer.refusal].format(limit=answer.limit)}")
        self._session_key = session_key(self._key, self._nonce, challenge)
        self._session = session_id(self._session_key)

    def _ask(self, kind: Kind, body: bytes, wanted: Kind, end: float, doing: str) -> Control:
        """One message and its answer; a lost one is sent again."""
        asked: dict[int, float] = {}
        for again in (*ASK_AGAIN_SECONDS, *ASK_AGAIN_SECONDS):
            self._counter += 1
            asked[self._counter] = sent = time.monotonic()
            self._sock.send(pack(kind, self._nonce, self._counter, body, self._key))
            until = min(end, sent + again)
            while (left := until - time.monotonic()) > 0 and not self._stop.is_set:
                if not select.select([self._sock], [], [], min(left, 0.05))[0]:
                    continue
                for data, arrived_ns, _peer in read_all(self._sock)[0]:
                    message = unpack(data)
                    if (
                        message is not None and message.kind is wanted and message.who == self._nonce
                        and message.valid(self._key)
                    ):  # fmt: skip
                        # Over a satellite the answer may be that to the question before the last.
                        if message.counter in asked:
                            self._round_trip = max(0.0, arrived_ns / 1e9 - asked[message.counter])
                        return message
            if time.monotonic() >= end or self._stop.is_set:
                break
        raise NetworkFailure(Failure.TIMEOUT, f"{doing}: no answer (nothing runs there, or its key is another one)")

    def run(self, conduct: Callable[[float, float], Conductor], seconds: float) -> CapacityRun:
        """The test itself."""
        now_ns = time.monotonic_ns()
        conductor = conduct(now_ns / 1e9, self._round_trip)
        meter = Meter(self._session)
        pacer = Pacer(self._sock, self._session, self._size)
        end_ns = now_ns + round(seconds * SECOND_NS)
        heard_ns, beat_ns, stopped, last_gap_ns = now_ns, now_ns, "", -1
        lost_ns = round((LOST_SECONDS + self._round_trip) * SECOND_NS)
        while not conductor.done:
            now_ns = time.monotonic_ns()
            if self._stop.is_set or now_ns > end_ns or now_ns - heard_ns > lost_ns:
                stopped = self._stop.reason or (
                    "the time was not enough" if now_ns > end_ns else "the reflector fell silent"
                )
                break
            beats = now_ns >= beat_ns
            if beats and self._down:
                conductor.take(meter.snapshot(), now_ns / 1e9)
            rate = conductor.rate(now_ns / 1e9)
            gap_ns = round(SECOND_NS * self._bits / rate) if rate else 0
            if not self._down:
                pacer.set_gap(gap_ns, now_ns)
                pacer.send(now_ns)
            # Each is answered by a report, which takes its share of the line: not more of them than it needs.
            if beats or (self._down and gap_ns != last_gap_ns):
                beat_ns, last_gap_ns = now_ns + BEAT_NS, gap_ns
                self._send(Kind.BEAT, Beat(gap_ns if self._down else 0).body())
            # The conductor may want another rate at any moment, not only when there is something to send or to read.
            due_ns = min(beat_ns, now_ns + LOOK_NS if self._down else pacer.due_ns(now_ns))
            wait = max(0.0, (due_ns - time.monotonic_ns()) / SECOND_NS)
            if not select.select([self._sock], [], [], wait)[0]:
                continue
            self._stop.packets = meter.packets if self._down else pacer.sent
            arrivals, overflow = read_all(self._sock)
            meter.overflow = max(meter.overflow, overflow)
            for data, arrived_ns, _peer in arrivals:
                if meter.take(data, arrived_ns):
                    continue
                report = self._read_report(data)
                if report is not None:
                    heard_ns = now_ns
                    if not self._down:
                        conductor.take(report, now_ns / 1e9)
        for _time in range(3):
            self._send(Kind.STOP, b"")
        return CapacityRun(
            packets_sent=max(self._report.sent_packets, meter.highest + 1) if self._down else pacer.sent,
            stalled=self._report.stalled if self._down else pacer.stalled,
            overflow=meter.overflow if self._down else self._report.overflow,
            round_trip_seconds=self._round_trip,
            stopped=stopped,
        )

    def _send(self, kind: Kind, body: bytes) -> None:
        self._counter += 1
        try:
            self._sock.send(pack(kind, self._session, self._counter, body, self._session_key))
        except BlockingIOError:
            return  # our own interface is full; the next one says the same

    def _read_report(self, data: bytes) -> Snapshot | None:
        """A report that is genuine and newer than the one before."""
        message = unpack(data)
        if message is None or message.kind is not Kind.REPORT or message.who != self._session:
            return None
        if not message.valid(self._session_key):
            return None
        report = Snapshot.of(message.body)
        if report.packets < self._report.packets or report.sent_packets < self._report.sent_packets:
            return None
        self._report = report
        return report
