"""Does a line carry a target? A short load a little above it, and a sequential test that stops when it is sure. Pure.

Each sub-interval gives a sample x of what the line carried. With the threshold m = target * (1 - tolerance), the log
likelihood ratio of "the line carries the target" against "it lacks twice the tolerance" is, for normal samples of
standard deviation s, ``(x - m) * 2 * tolerance * target / s^2`` (A. Wald, Sequential Analysis, 1947, 3.3). Samples are
cut off at one s, and longer where delays jitter, so that it takes several to decide, and a pause somewhere on the way
is not a slow line, however long.
"Below" is decided by the cumulative sum of what speaks against the line since it last spoke for it (E. S. Page,
Biometrika 41 (1954), 100-115), so that a line that is fast at first and slow afterwards is below, whatever went before.
"Reached" needs, at the end of the plan, enough for it and little against it, and the target as the mean of it all.

The plan: a quiet beginning for the delay of an empty line; a touch of load, from which on a line that is fast for some
seconds only counts them; quiet again; and ``late_after_seconds`` after the touch, when those are over, load until as
much has come through above ``FLOOR_SHARE`` of the target as ``sustain_seconds`` of load on time would bring, which
empties a token bucket of b bits over a rate r if b < sustain_seconds * (load - r). What a slow sender did not send, it
has to send later: time alone proves nothing. Whenever the delay has risen by ``rise_seconds``, the load pauses until
the queue is empty: what then comes out of the queue still shows how fast the line is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from probes.wire.capacity_interval import Interval, between
from probes.wire.capacity_message import Snapshot

__all__ = ["Outcome", "Verify", "VerifyPlan"]

QUIET_PACKETS_A_SECOND = 10
"""What is sent between loads, to see the delay of the empty line."""
QUIET_PACKETS = 4
SILENT_SECONDS = 3.0
CUT_OFF = 1.0
SAMPLE_SECONDS = 0.05
STANDING_SECONDS = 0.005
"""A least delay so much above that of the empty line: packets queue, so what comes out is all that the line carries."""
DEAF_SECONDS = 0.15
"""If nothing comes for so long, the load pauses as well: it fills a line that carries nothing."""
MOST_DEAF = 2
MOST_WEIGHT = 2.0
JITTER_SHARE = 0.2
LONGEST_SAMPLE_SECONDS = 0.4
SLOW_SHARE = 0.9
SUSPICION = 0.5
FLOOR_SHARE = 0.4
"""Of the target: the rate over which the bucket lies that a verification is sure to empty."""
MOST_SECONDS = 2.0
"""So much longer than on time may a load last, with a sender that is kept from its pace or a line under suspicion."""
MORE_LOAD_SECONDS = 0.1
MOST_MORE = 3
MOST_PAUSES = 20
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 1.0
TAIL_SECONDS = 0.2


class Outcome(StrEnum):
    """What a test found out."""

    REACHED = "reached"
    BELOW = "below"
    UNDECIDED = "undecided"


class _Phase(StrEnum):
    QUIET = "quiet"
    TOUCH = "touch"
    HOLD = "hold"
    LOAD = "load"
    PAUSE = "pause"
    TAIL = "tail"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPlan:
    """How a target is verified.

    Attributes:
        target_bits_per_second: at the layer at which the packets are counted.
        tolerance: share of the target for the error of measurement.
        confidence: of either decision.
        margin: by which share of the target the load lies above it.
        touch_seconds, late_after_seconds, sustain_seconds: see the module.
        rise_seconds: of the delay, at which the load pauses.
    """

    target_bits_per_second: float
    tolerance: float = 0.01
    confidence: float = 0.99
    margin: float = 0.005
    quiet_seconds: float = 0.5
    touch_seconds: float = 0.02
    late_after_seconds: float = 6.0
    sustain_seconds: float = 2.25
    rise_seconds: float = 0.02

    @property
    def threshold(self) -> float:
        """What has to be carried, bits per second."""
        return self.target_bits_per_second * (1 - self.tolerance)

    @property
    def load(self) -> float:
        """What is sent, bits per second."""
        return self.target_bits_per_second * (1 + self.margin)

    def emptying_seconds(self, bucket_bits: float) -> float:
        """How long the load has to last to empty a bucket over ``FLOOR_SHARE`` of the target."""
        return bucket_bits / (self.load - FLOOR_SHARE * self.target_bits_per_second)

    @property
    def gentle(self) -> float:
        """What is sent once the line was filled: just enough to prove the target, so that no queue grows on it."""
        return self.threshold * (1 + self.margin / 2)


class Verify:
    """One direction's test: told what the receiver sees, it says how fast to send.

    Attributes:
        outcome: as far as it is known.
        rise_seconds: the greatest rise of the delay that was seen.
        pauses: how often the load paused for it.
        lost, packets: of the load.
        disturbed: samples that say nothing, the receiving machine having dropped packets.

    Args:
        now: seconds of any clock that is given to the other methods, too.
        round_trip: seconds, for how long something may still be under way.
    """

    def __init__(self, plan: VerifyPlan, packet_bits: int, now: float, *, round_trip: float = 0.0) -> None:
        self.plan = plan
        self.outcome = Outcome.UNDECIDED
        self.rise_seconds = 0.0
        self.pauses = self.lost = self.packets = self.disturbed = 0
        self._bits = packet_bits
        self._round_trip = round_trip
        self._phase = _Phase.QUIET
        self._since = self._heard = now
        self._touched = self._load_since = 0.0
        self._excess = self._judged = 0.0
        self._sustained = False
        self._until = 0.0
        self._more = self._deaf = 0
        self._rate = plan.load
        self._last: Snapshot | None = None
        self._base = math.inf
        self._delays: tuple[float, ...] = ()
        self._jitter = 0.0
        self._open: Snapshot | None = None
        self._open_standing = False
        self._for = self._against = 0.0
        self._sum_bits = self._sum_seconds = 0.0
        self._against_bits = self._against_seconds = 0.0
        self._bound = math.log(plan.confidence / (1 - plan.confidence))

    @property
    def done(self) -> bool:
        """Whether no more load is needed."""
        return self._phase is _Phase.DONE

    @property
    def carried_bits_per_second(self) -> float | None:
        """What the line carried: under the load, or, where it is below, since it became slow; ``None`` if unknown."""
        bits, seconds = self._sum_bits, self._sum_seconds
        if self.outcome is Outcome.BELOW:
            bits, seconds = self._against_bits, self._against_seconds
        return bits / seconds if seconds else None

    def rate(self, now: float) -> float:
        """Bits per second to send now."""
        self._go_on(now)
        match self._phase:
            case _Phase.TOUCH | _Phase.LOAD:
                return self._rate
            case _Phase.QUIET | _Phase.HOLD | _Phase.TAIL:
                return QUIET_PACKETS_A_SECOND * self._bits
            case _:
                return 0.0

    def take(self, snapshot: Snapshot, now: float) -> None:
        """Take what the receiver has seen."""
        before, self._last = self._last, snapshot
        interval = None if before is None else between(before, snapshot, self._bits)
        if interval is None:
            if before is not None and before.marked_highest >= 0:
                self._last = before  # nothing came: the interval goes on
            if self._phase is _Phase.LOAD and now - self._heard > DEAF_SECONDS + self._round_trip:
                self._deaf += 1
                self._pause(LONGEST_PAUSE_SECONDS, now)
                if self._deaf > MOST_DEAF:
                    self._finish()
            return
        self._heard = now
        self._base = min(self._base, interval.delay_seconds)
        rise = interval.delay_seconds - self._base
        self._note_jitter(interval.delay_seconds, rise)
        if self._phase is not _Phase.QUIET:
            self._sample(snapshot, rise)
            floor = FLOOR_SHARE * self.plan.target_bits_per_second
            self._excess = max(0.0, self._excess + (interval.bits_per_second - floor) * interval.seconds)
        if rise >= self.plan.rise_seconds and self._phase is _Phase.LOAD:
            self._pause(rise, now)

    def _note_jitter(self, delay: float, rise: float) -> None:
        """How much delays differ from a straight line, on average; what a queue does to them is no jitter."""
        self._delays = (*self._delays[-2:], delay) if rise < self.plan.rise_seconds / 2 else ()
        if len(self._delays) == 3:
            first, second, third = self._delays
            off = abs(first - 2 * second + third) / math.sqrt(6)
            self._jitter += JITTER_SHARE * (off - self._jitter)

    def _sample(self, snapshot: Snapshot, rise: float) -> None:
        """Close a sample once it is so long that the jitter of its ends does not matter."""
        standing = rise > STANDING_SECONDS
        interval = self._window(snapshot)
        if self._open is None:
            self._open, self._open_standing = snapshot, standing
        elif interval is not None and interval.seconds >= min(
            self._jitter / self.plan.tolerance, LONGEST_SAMPLE_SECONDS
        ):
            self._judge(interval, filled=self._open_standing and standing, rise=rise)
            self._open, self._open_standing = snapshot, standing

    def _window(self, snapshot: Snapshot | None) -> Interval | None:
        """The sample so far."""
        return between(self._open, snapshot, self._bits) if self._open is not None and snapshot is not None else None

    @property
    def _suspicious(self) -> bool:
        """Something speaks against the line, or begins to."""
        interval = self._window(self._last)
        slow = interval is not None and interval.bits_per_second < SLOW_SHARE * self.plan.threshold
        return self._against > SUSPICION or slow

    def _judge(self, interval: Interval, *, filled: bool, rise: float) -> None:
        """Let one sample speak for the line or against it."""
        plan = self.plan
        if interval.offered_bits_per_second < plan.threshold and not filled:
            return  # it could not have carried more than it was given
        if interval.disturbed:
            self.disturbed += 1
            return
        self.rise_seconds = max(self.rise_seconds, rise)
        self.lost += interval.lost
        self.packets += interval.packets
        sigma = 1.5 * plan.tolerance * plan.target_bits_per_second
        rate = interval.bits_per_second if filled else interval.on_time_bits_per_second
        sample = (rate - plan.threshold) / sigma
        weight = min(MOST_WEIGHT, interval.seconds / SAMPLE_SECONDS)
        ratio = max(-CUT_OFF, min(CUT_OFF, sample)) * 2 * plan.tolerance * plan.target_bits_per_second / sigma * weight
        bits = rate * interval.seconds
        self._judged += interval.seconds
        self._sum_bits += bits
        self._sum_seconds += interval.seconds
        self._for += ratio
        self._against = max(0.0, self._against - ratio)
        if self._against:
            self._against_bits += bits
            self._against_seconds += interval.seconds
        else:
            self._against_bits = self._against_seconds = 0.0
        if self._against >= self._bound:
            self.outcome = Outcome.BELOW
            self._phase = _Phase.DONE

    def _pause(self, rise: float, now: float) -> None:
        self.pauses += 1
        if self.pauses > MOST_PAUSES:
            self._finish()
            return
        if self._for > 0 and not self._against:
            self._rate = self.plan.gentle
        pause = min(max(rise + self._round_trip, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._to(_Phase.PAUSE, now)
        self._until = now + pause

    def _go_on(self, now: float) -> None:
        """Change the phase if it is time to."""
        plan = self.plan
        match self._phase:
            case _Phase.QUIET:
                seen = self._last is not None and self._last.packets >= QUIET_PACKETS
                if seen and now - self._since >= plan.quiet_seconds:
                    self._touched = now
                    self._to(_Phase.TOUCH, now)
                elif now - self._since > SILENT_SECONDS + plan.quiet_seconds:
                    self._finish()
            case _Phase.TOUCH:
                if now >= self._touched + plan.touch_seconds:
                    self._to(_Phase.HOLD, now)
            case _Phase.HOLD:
                if now >= self._touched + plan.late_after_seconds:
                    self._load(now)
            case _Phase.PAUSE:
                if now >= self._until:
                    self._heard = now
                    self._to(_Phase.LOAD, now)
            case _Phase.LOAD:
                self._end_load(now)
            case _Phase.TAIL:
                if now - self._since >= TAIL_SECONDS + self._round_trip:
                    self._conclude(now)

    def _load(self, now: float) -> None:
        self._excess = self._judged = 0.0
        self._load_since = self._heard = now
        self._open = None
        self._to(_Phase.LOAD, now)

    def _end_load(self, now: float) -> None:
        plan = self.plan
        if self._more:
            wanted = MORE_LOAD_SECONDS
            enough = self._judged >= wanted - SAMPLE_SECONDS
        else:
            wanted = plan.sustain_seconds
            enough = self._excess >= wanted * (plan.load - FLOOR_SHARE * plan.target_bits_per_second)
            self._sustained = self._sustained or enough
        # While something speaks against the line, it is not let off.
        if (enough and not self._suspicious) or now - self._load_since > wanted + MOST_SECONDS + self._round_trip:
            self._to(_Phase.TAIL, now)

    def _conclude(self, now: float) -> None:
        carried = self.carried_bits_per_second or 0.0
        proven = self._sustained and carried >= self.plan.threshold
        if proven and self._for >= self._bound and self._against < self._bound / 2:
            self.outcome = Outcome.REACHED
            self._finish()
        elif self._more < MOST_MORE:
            self._more += 1
            self._load(now)
        else:
            self._finish()

    def _to(self, phase: _Phase, now: float) -> None:
        self._phase, self._since = phase, now

    def _finish(self) -> None:
        self._phase = _Phase.DONE
