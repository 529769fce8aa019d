"""What becomes of a packet: decided from a behaviour, the time and a generator of random numbers; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from random import Random

from netmon.demo.link import packets
from netmon.demo.link.behaviour import Behaviour
from netmon.demo.link.packets import Packet
from netmon.demo.link.record import Fate

__all__ = ["Answer", "Host", "Line"]

SECOND_NS = 1_000_000_000
DUPLICATE_AFTER_NS = 100_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What to write, and when (nanoseconds of the emulator's clock)."""

    due_ns: int
    data: bytes


@dataclass(slots=True)
class Line:
    """One direction of a link: delays, drops and repeats whatever is sent over it."""

    behaviour: Behaviour
    random: Random
    free_ns: int = 0  # when the rate lets the next packet begin

    def carry(self, size: int, now_ns: int) -> tuple[Fate, tuple[int, ...]]:
        """When copies of a packet of ``size`` bytes come out at the other end; none if it is lost."""
        behaviour, random = self.behaviour, self.random
        if behaviour.down:
            return Fate.DOWN, ()
        if random.random() < behaviour.loss_ratio:
            return Fate.LOST, ()
        begin_ns = now_ns
        if behaviour.rate_bits_per_second is not None:
            begin_ns = max(now_ns, self.free_ns)
            if begin_ns - now_ns > behaviour.queue_seconds * SECOND_NS:
                return Fate.QUEUE_FULL, ()
            begin_ns += round(size * 8 / behaviour.rate_bits_per_second * SECOND_NS)
            self.free_ns = begin_ns
        seconds = behaviour.delay_seconds + random.random() * behaviour.jitter_seconds
        fate = Fate.PASSED
        if random.random() < behaviour.late_ratio:
            fate, seconds = Fate.LATE, seconds + behaviour.late_seconds
        elif random.random() < behaviour.reorder_ratio:
            fate, seconds = Fate.REORDERED, seconds + behaviour.reorder_seconds
        due_ns = begin_ns + round(seconds * SECOND_NS)
        if fate is Fate.PASSED and random.random() < behaviour.duplicate_ratio:
            return Fate.DUPLICATED, (due_ns, due_ns + DUPLICATE_AFTER_NS)
        return fate, (due_ns,)

    def refuses(self, packet: Packet, router: bytes) -> tuple[Fate, bytes] | None:
        """The message that this packet gets instead of passing, if any; empty if it is dropped without a word."""
        behaviour = self.behaviour
        if packet.dscp == behaviour.lost_dscp:
            return Fate.LOST, b""
        if packet.hop_limit <= behaviour.hops:
            return Fate.HOP_LIMIT, packets.hop_limit_answer(packet, router)
        if behaviour.mtu is not None and len(packet.data) > behaviour.mtu:
            told = behaviour.mtu_is_told and not packet.may_fragment
            return Fate.TOO_BIG, packets.too_big_answer(packet, behaviour.mtu, router) if told else b""
        if behaviour.error is not None:
            return Fate.ERROR, packets.error_answer(packet, behaviour.error, router)
        return None


@dataclass(slots=True)
class Host:
    """An emulated host that answers echo requests over its own line.

    Its services, if it has any, listen at another address of the same machine. Seen from there, the packets come from
    the host itself, so that the answers come back to it, and from here to the client.
    """

    line: Line
    client: bytes = b""
    routers: dict[int, bytes] = field(default_factory=dict)  # by IP version: who sends errors; the host itself if none

    def receive(self, packet: Packet, now_ns: int) -> tuple[Fate, tuple[Answer, ...]]:
        """What is answered, and when. The line's behaviour is that of the round trip."""
        line = self.line
        if line.behaviour.down:
            return Fate.DOWN, ()
        services = ip_address(line.behaviour.services).packed if line.behaviour.services else b""
        has_ports = packet.protocol in packets.WITH_PORTS
        if has_ports and packet.source == services:
            data = packets.readdressed(packet, packet.destination, self.client)
            return (Fate.PASSED, (Answer(now_ns, data),)) if self.client else (Fate.NO_HOST, ())
        refusal = line.refuses(packet, self.routers.get(packet.version, packet.destination))
        if refusal is None and has_ports and services:
            self.client = packet.source
            fate, due = line.carry(len(packet.data), now_ns)
            data = packets.readdressed(packet, packet.destination, services)
            return fate, tuple(Answer(moment, data) for moment in due)
        if refusal is None and not packet.is_echo_request:
            if not has_ports:
                return Fate.NO_HOST, ()
            refusal = Fate.ERROR, packets.error_answer(packet, "port_unreachable", packet.destination)
        fate, due = line.carry(len(packet.data), now_ns)
        if refusal is not None:
            fate, data = refusal if due else (fate, b"")
            return fate, (Answer(due[0], data),) if data else ()
        if not due:
            return fate, ()
        if line.random.random() < line.behaviour.wrong_id_ratio:
            return Fate.WRONG_ID, (Answer(due[0], packets.echo_reply(packet, wrong_identifier=True)),)
        data = packets.echo_reply(packet)
        return fate, tuple(Answer(moment, data) for moment in due)
