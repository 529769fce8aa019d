"""How much does a line carry? It is filled, and kept just full, in the manner of RFC 9097. Pure.

The rate doubles until packets queue or are lost, and then follows what arrives: 3 % above it while the queue is short,
below it while the queue is long. What arrives in each second of a filled line is its IP-layer capacity in that second;
the greatest is the Maximum IP-Layer Capacity (RFC 9097 6.3). A token bucket makes the first seconds faster than the
rest, so the mean of the last half is given beside it, and is what can be relied on.
"""

from __future__ import annotations

import math
from collections import deque

from probes.wire.capacity_interval import between
from probes.wire.capacity_message import Snapshot

__all__ = ["Search"]

FIRST_SHARE = 0.02
"""Of the highest rate: where the search begins."""
STEP_SECONDS = 0.12
FULL_SECONDS = 0.02
LONG_SECONDS = 0.04
FULL_LOSS, FULL_LOST = 0.1, 10
ABOVE, BELOW = 1.03, 0.93
RECENT_SECONDS = 0.25
SECOND = 1.0
SILENT_SECONDS = 4.0
DEAF_SECONDS = 0.3
"""If nothing comes for so long, the load is taken back: it fills a line that carries nothing."""


class Search:
    """One direction's search: told what the receiver sees, it says how fast to send.

    Attributes:
        done: no more load is needed.
        filled: the line was filled; otherwise it carries the highest rate that was allowed, and perhaps more.
        seconds_bits_per_second: what was carried in each second once it was filled.
        marks_ns: when these seconds began and ended, by the receiver's clock: one more than there are seconds.
        rise_seconds: the greatest rise of the delay that was seen.
        lost, packets: of the load.
        disturbed: samples in which the receiving machine dropped packets itself.

    Args:
        highest: bits per second that are never exceeded.
        seconds: for how long the filled line is watched.
        now: seconds of any clock that is given to the other methods, too.
        round_trip: seconds.
    """

    def __init__(
        self, highest: float, packet_bits: int, now: float, *, seconds: float = 6.0, round_trip: float = 0.0
    ) -> None:
        self.done = self.filled = False
        self.seconds_bits_per_second: list[float] = []
        self.marks_ns: list[int] = []
        self.rise_seconds = 0.0
        self.lost = self.packets = self.disturbed = 0
        self._highest = highest
        self._bits = packet_bits
        self._seconds = seconds
        self._round_trip = round_trip
        self._began = self._stepped = self._heard = now
        self._measuring: float | None = None
        self._rate = highest * FIRST_SHARE
        self._last: Snapshot | None = None
        self._mark: Snapshot | None = None
        self._recent: deque[Snapshot] = deque()
        self._base = math.inf

    @property
    def maximum_bits_per_second(self) -> float | None:
        """The greatest second."""
        return max(self.seconds_bits_per_second, default=None)

    @property
    def sustained_bits_per_second(self) -> float | None:
        """The mean of the last half of the seconds."""
        last = self.seconds_bits_per_second[len(self.seconds_bits_per_second) // 2 :]
        return sum(last) / len(last) if last else None

    def rate(self, now: float) -> float:
        """Bits per second to send now."""
        begun = self._measuring
        if begun is not None and now - begun >= self._seconds + self._round_trip + STEP_SECONDS:
            self.done = True
        if self._last is None and now - self._began > SILENT_SECONDS + self._round_trip:
            self.done = True
        return 0.0 if self.done else self._rate

    def take(self, snapshot: Snapshot, now: float) -> None:
        """Take what the receiver has seen."""
        before = self._last
        interval = None if before is None else between(before, snapshot, self._bits)
        if interval is None:
            if snapshot.packets and (before is None or before.marked_highest < 0):
                self._last = snapshot
            if now - self._heard > DEAF_SECONDS + self._round_trip:
                self._rate = self._highest * FIRST_SHARE
            return
        self._heard = now
        self._last = snapshot
        self._base = min(self._base, interval.delay_seconds)
        rise = interval.delay_seconds - self._base
        self.rise_seconds = max(self.rise_seconds, rise)
        self.lost += interval.lost
        self.packets += interval.packets
        self.disturbed += interval.disturbed
        self._recent.append(snapshot)
        while (self._recent[-1].arrived_ns - self._recent[0].arrived_ns) / 1e9 > RECENT_SECONDS:
            self._recent.popleft()
        if self._measuring is None:
            self._ramp(rise, now)
        else:
            self._follow(rise)
            self._count(snapshot)

    def _ramp(self, rise: float, now: float) -> None:
        recent = between(self._recent[0], self._recent[-1], self._bits)
        # One packet of a few that was lost by chance is no full line.
        lossy = recent is not None and recent.lost >= max(FULL_LOST, FULL_LOSS * (recent.lost + recent.packets))
        full = rise > FULL_SECONDS or lossy
        if not full and now - self._stepped < STEP_SECONDS + self._round_trip:
            return
        self._stepped = now
        if full or self._rate >= self._highest:
            self.filled = full
            self._measuring = now
            self._recent.clear()
        else:
            self._rate = min(self._highest, self._rate * 2)

    def _follow(self, rise: float) -> None:
        if len(self._recent) < 2:
            return
        recent = between(self._recent[0], self._recent[-1], self._bits)
        if recent is None:
            return
        full = rise > FULL_SECONDS or recent.lost > recent.packets * (ABOVE - 1) / 2
        self.filled = self.filled or full
        factor = BELOW if rise > LONG_SECONDS else 1.0 if rise > FULL_SECONDS else ABOVE
        # While nothing shows that the line is full, what came was less only because less was sent.
        least = self._highest * FIRST_SHARE if full else self._rate
        self._rate = min(self._highest, max(recent.bits_per_second * factor, least))

    def _count(self, snapshot: Snapshot) -> None:
        if self._mark is None:
            self._mark = snapshot
            self.marks_ns.append(snapshot.arrived_ns)
        elif (snapshot.arrived_ns - self._mark.arrived_ns) / 1e9 >= SECOND:
            second = between(self._mark, snapshot, self._bits)
            if second is not None:
                self.seconds_bits_per_second.append(second.bits_per_second)
                self.marks_ns.append(snapshot.arrived_ns)
                self._mark = snapshot
