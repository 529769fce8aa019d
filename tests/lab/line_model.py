"""A line in simulated time: a token bucket with a queue, delay and loss, and a capacity test's conductor over it.

What the conductor is told passes through the real meter, packet by packet; only clock and network are played.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from random import Random

from probes.wire.capacity import Conductor
from probes.wire.capacity_load import Meter
from probes.wire.capacity_message import HEADER, LOAD_MAGIC

__all__ = ["PACKET_BITS", "LineModel", "conduct"]

SESSION = b"s" * 16
PACKET_BITS = 8 * 1264
TICK = 0.001
BEAT = 0.025
LIMIT_SECONDS = 60.0


@dataclass(kw_only=True)
class LineModel:
    """One direction of a line.

    Attributes:
        rate: bits per second of the bucket, at the layer of ``PACKET_BITS``.
        peak: bits per second while the bucket lasts.
        burst_bits: what the bucket holds.
        queue_seconds: what would wait longer is dropped.
        slower: from so many seconds after the first packet, so fast.
        delay: one way; the other way takes as long.
        jitter: greatest further delay of a packet, which never overtakes another.
        loss: ratio of packets that are lost for no reason.
        others: bits per second of others' traffic, which goes first.
    """

    rate: float
    peak: float = 1e9
    burst_bits: float = 256_000.0
    queue_seconds: float = 0.05
    slower: tuple[float, float] | None = None
    delay: float = 0.005
    jitter: float = 0.0
    loss: float = 0.0
    others: float = 0.0
    random: Random = field(default_factory=lambda: Random(1))
    _tokens: float = -1.0
    _at: float = 0.0
    _free: float = 0.0
    _last: float = 0.0
    _first: float | None = None

    def carry(self, now: float) -> float | None:
        """When a packet that is sent now comes; ``None`` if it is lost."""
        if self._first is None:
            self._first, self._at, self._tokens = now, now, self.burst_bits
        rate = self.rate
        if self.slower is not None and now - self._first >= self.slower[0]:
            rate = min(rate, self.slower[1])
        rate -= self.others
        self._tokens = min(self.burst_bits, self._tokens + (now - self._at) * rate)
        self._at = now
        ready = max(now, self._free)
        if self._tokens - PACKET_BITS < 0:
            ready = max(ready, now + (PACKET_BITS - self._tokens) / rate)
        if ready - now > self.queue_seconds:
            return None
        self._tokens -= PACKET_BITS
        self._free = ready + PACKET_BITS / self.peak
        if self.random.random() < self.loss:
            return None
        self._last = max(self._last, self._free + self.delay + self.random.random() * self.jitter)
        return self._last


def conduct(conductor: Conductor, line: LineModel, *, begin: float = 0.0) -> tuple[float, int]:
    """Run a conductor to its end: when it ended, and how many packets it sent."""
    meter, arrivals, reports = Meter(SESSION), [], []
    now, due, beat, sent = begin, begin, begin, 0
    while not conductor.done and now - begin < LIMIT_SECONDS:
        rate = conductor.rate(now)
        while rate and due <= now:
            came = line.carry(now)
            if came is not None:
                packet = HEADER.pack(LOAD_MAGIC, round((now - due) * 1e6), SESSION, sent, round(due * 1e9))
                heapq.heappush(arrivals, (came, sent, packet))
            sent += 1
            due += PACKET_BITS / rate
        if not rate:
            due = now
        while arrivals and arrivals[0][0] <= now:
            came, _number, packet = heapq.heappop(arrivals)
            meter.take(packet, round(came * 1e9))
        if now >= beat:
            beat = now + BEAT
            reports.append((now + line.delay, meter.snapshot()))
        while reports and reports[0][0] <= now:
            conductor.take(reports.pop(0)[1], now)
        now += TICK
    return now - begin, sent
