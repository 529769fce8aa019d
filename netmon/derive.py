"""What follows from this run and the ones before: rates of counters, ages, speeds, available time. Pure.

A rate is given only where the two samples belong together beyond doubt. A restart, a re-indexed table, a discontinuity,
a clock that stands still or a counter that outran its line give no rate for that one interval: a short gap, never a
spike and never a negative rate. It knows the device's clock and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from netmon.model import Observation
from probes.base import EMPTY, CounterReading, CounterSample, ProbeResult, indexed, split_key
from probes.stream import SECONDS

__all__ = ["Availability", "Carried", "availability", "follow", "negotiated_speed", "rates", "transmission_age"]

CLOCK_WRAP_SECONDS = 2**32 / 100
"""sysUpTime counts hundredths of a second in 32 bits: it starts again after 497 days (RFC 3418)."""

LONGEST_GAP_OVER_CLOCK_WRAP = 3600.0
"""Seconds. A clock that went back has wrapped only if that makes the interval this short; else the device restarted."""

LONGEST_GAP_32_BIT = 600.0
"""Seconds, where nobody knows how fast a counter can go. At 50 Mbit/s a 32-bit counter of octets wraps every 687 s:
over a longer gap it may have done so unseen."""

COPIED_SECONDS = 30.0
"""Agents answer from copies of the hardware's counters that are some seconds old, and no standard says how old: so much
longer than the interval the traffic may have been under way that a step of a counter contains."""

CLOCKS_DIFFER_SECONDS, CLOCKS_DIFFER_RATIO = 15.0, 0.1
"""The device's clock and ours may differ by both together over an interval: its crystal is cheap, and an answer may
take some seconds. By more, it was started again, or one of the clocks was set."""

LARGEST_WRAPPED_STEP_32_BIT = 2**31
"""A step of more than half the range cannot be told from several wraps."""

BITS_PER_OCTET = 8

SEVERE_LOSS_RATIO = 0.5
"""A second is severely errored if more than this share of its packets was lost (ITU-T Y.1563)."""

IN_A_ROW = 10
"""So many seconds in a row, severely errored or not, begin unavailable or available time (ITU-T Y.1563)."""

LONGEST_UNSEEN_SECONDS = 10.0
"""A shorter gap cannot hold ten seconds in a row of its own: what was known before it is still known after it."""


def rates(
    previous: Mapping[str, CounterSample],
    current: Mapping[str, CounterSample],
    specs: Iterable[CounterReading],
    readings: Mapping[str, float] = EMPTY,
    *,
    elapsed_seconds: float | None = None,
) -> Mapping[str, float]:
    """Rates per second of the device's clock, and shares of a capacity where a spec declares one.

    ``implausible_counters`` is how many of the counters whose limit is known went faster than their line can carry.

    Args:
        previous: samples of the probe before, by key (``name`` or ``name[index]``).
        current: samples of this probe.
        specs: which counters make which readings.
        readings: what this probe measured, for the capacities.
        elapsed_seconds: from the probe before to this one, by the monitor's clock; ``None`` where it is not known.
    """
    derived: dict[str, float] = {}
    by_name = {spec.name: spec for spec in specs}
    for key, sample in current.items():
        name, index = split_key(key)
        spec, before = by_name.get(name), previous.get(key)
        if spec is None or before is None:
            continue
        limits = [each.most_per_second for each in (before, sample) if each.most_per_second is not None]
        limit = max(limits, default=None)
        interval = _interval_seconds(before, sample, limit, elapsed_seconds)
        step = None if interval is None else _step(before, sample)
        if interval is None or step is None:
            continue
        if limit is not None:
            too_fast = step > limit * (interval + COPIED_SECONDS)
            name = _key("implausible_counters", index)
            derived[name] = derived.get(name, 0.0) + too_fast
            if too_fast:
                continue
        rate = step / interval
        derived[_key(spec.rate, index)] = rate
        capacity = readings.get(_key(spec.capacity, index), 0.0)
        if spec.share and capacity > 0:
            derived[_key(spec.share, index)] = rate * BITS_PER_OCTET / capacity
    return derived


def transmission_age(
    readings: Mapping[str, float], last_ns: int | None, now_ns: int
) -> tuple[float | None, int | None]:
    """How old what a transmitter measures of its antenna is, and when it was last seen transmitting.

    Args:
        readings: what this probe measured; ``transmitting`` is 1 or 0, or absent where the device does not tell.
        last_ns: when it was last seen transmitting, UTC nanoseconds; ``None`` if never.
        now_ns: when this probe began.

    Returns:
        Seconds, ``None`` where nothing is known; and the new ``last_ns``.
    """
    now = readings.get("transmitting")
    if now is None:
        return None, last_ns
    if now or last_ns is None:
        return (0.0, now_ns) if now else (None, None)
    return max(0.0, (now_ns - last_ns) / 1e9), last_ns


def negotiated_speed(
    readings: Mapping[str, float], fastest: Mapping[str, float]
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Whether an interface is as fast as it was: a damaged cable or a changed port shows in what was negotiated.

    Args:
        readings: what this probe measured; ``interface_speed_bits_per_second[end]`` is absent where nobody knows it.
        fastest: the fastest speed of each end so far.

    Returns:
        ``fastest_speed_bits_per_second[end]`` of each end that was ever known, ``negotiated_speed_ratio[end]`` (speed
        by fastest speed, 1 at most) of each that is known now; and the new ``fastest``.
    """
    now = {
        index: value
        for key, value in readings.items()
        for name, index in (split_key(key),)
        if name == "interface_speed_bits_per_second" and index is not None
    }
    if not now and not fastest:
        return EMPTY, fastest
    best = {**fastest, **{end: max(value, fastest.get(end, 0.0)) for end, value in now.items()}}
    derived = {indexed("fastest_speed_bits_per_second", end): value for end, value in best.items()}
    derived |= {indexed("negotiated_speed_ratio", end): value / best[end] for end, value in now.items()}
    return derived, best


@dataclass(frozen=True, slots=True)
class Availability:
    """What is known of a line at the end of a run.

    Attributes:
        until_ns: when its last second ended, UTC nanoseconds since the epoch.
        available: whether the last second decided on was available time; ``None`` if nothing was decided yet.
        undecided: seconds since then, all of them of one kind and fewer than ten.
        severe: whether the last second was severely errored, as are all that are undecided if it was.
    """

    until_ns: int
    available: bool | None = None
    undecided: int = 0
    severe: bool = False

    @classmethod
    def recall(cls, readings: Mapping[str, float], losses: Sequence[float], began_ns: int) -> Availability:
        """What the readings and seconds of an earlier run say, which began at ``began_ns``."""
        available = readings.get("line_available")
        return cls(
            began_ns + round(len(losses) * 1e9),
            None if available is None else bool(available),
            round(readings.get("undecided_seconds", 0.0)),
            bool(losses) and losses[-1] > SEVERE_LOSS_RATIO,
        )


def availability(
    losses: Sequence[float], began_ns: int, before: Availability | None
) -> tuple[Mapping[str, float], Availability]:
    """Available and unavailable time, by the rule of ITU-T Y.1563 for seconds of a stream.

    Ten severely errored seconds in a row begin unavailable time, ten others in a row available time; the ten belong to
    what they begin. So the last seconds of a run may be decided by the next one, which then counts them: each second is
    counted once, or, where a gap comes first, not at all. What was not measured is neither; over a gap of less than ten
    seconds a row goes on, after a longer one nothing is known until ten seconds are alike.

    Args:
        losses: the loss of each second of this run, one after another, from 0 to 1.
        began_ns: when the first of them began, UTC nanoseconds since the epoch.
        before: at the end of the run before.

    Returns:
        Readings of :mod:`probes.stream`, and what is known at the end.
    """
    if before is None or not 0 <= began_ns - before.until_ns < LONGEST_UNSEEN_SECONDS * 1e9:
        before = Availability(began_ns)
    available, undecided, severe_before = before.available, before.undecided, before.severe
    counted = {True: 0, False: 0}
    errored = 0
    for loss in losses:
        severe = loss > SEVERE_LOSS_RATIO
        if available is None and severe is not severe_before:
            undecided = 0
        severe_before = severe
        if available is not None and severe is not available:
            # The time goes on, and what interrupted it belongs to it.
            counted[available] += undecided + 1
            errored += undecided if available else 0
            undecided = 0
            continue
        undecided += 1
        if undecided == IN_A_ROW:
            available = not severe
            counted[available] += undecided
            undecided = 0
    after = Availability(began_ns + round(len(losses) * 1e9), available, undecided, severe_before)
    readings = {
        "available_seconds": float(counted[True]),
        "unavailable_seconds": float(counted[False]),
        "severely_errored_seconds": float(errored),
        "undecided_seconds": float(undecided),
    }
    if available is not None:
        readings["line_available"] = float(available)
    return readings, after


@dataclass(frozen=True, slots=True)
class Carried:
    """What the runs of a check leave to the next one.

    Attributes:
        counters: the samples of the last run that had any.
        counted_ns: when that run began.
        transmitted_ns: when a transmitter was last seen transmitting.
        fastest: the fastest speed of each end so far.
        available: what is known of a line that a stream measures.
    """

    counters: Mapping[str, CounterSample] = field(default_factory=lambda: EMPTY)
    counted_ns: int | None = None
    transmitted_ns: int | None = None
    fastest: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    available: Availability | None = None

    @classmethod
    def recall(cls, last: Observation) -> Self:
        """What the archive's last observation says, so that everything goes on over a restart."""
        age = last.readings.get("transmission_age_seconds")
        losses = last.result.samples.get(SECONDS)
        return cls(
            counters=last.result.counters,
            counted_ns=last.started_ns,
            transmitted_ns=None if age is None else last.started_ns - round(age * 1e9),
            fastest={
                index: value
                for key, value in last.derived.items()
                for name, index in (split_key(key),)
                if name == "fastest_speed_bits_per_second" and index is not None
            },
            available=Availability.recall(last.readings, losses, last.started_ns) if losses else None,
        )


def follow(
    before: Carried, result: ProbeResult, specs: Iterable[CounterReading], started_ns: int
) -> tuple[Mapping[str, float], Carried]:
    """The derived readings of a run that began at ``started_ns``, and what it leaves to the next one."""
    readings, counters, losses = result.readings, result.counters, result.samples.get(SECONDS)
    if not (counters or losses or before.fastest or "transmitting" in readings):
        return EMPTY, before  # as of every ping
    derived: dict[str, float] = {}
    counted, counted_ns, available = before.counters, before.counted_ns, before.available
    if counters:
        elapsed = None if counted_ns is None else (started_ns - counted_ns) / 1e9
        derived |= rates(counted, counters, specs, readings, elapsed_seconds=elapsed)
        counted, counted_ns = counters, started_ns
    speeds, fastest = negotiated_speed(readings, before.fastest) if counters or before.fastest else (EMPTY, EMPTY)
    derived |= speeds
    age, transmitted_ns = transmission_age(readings, before.transmitted_ns, started_ns)
    if age is not None:
        derived["transmission_age_seconds"] = age
    if losses:
        seconds, available = availability(losses, started_ns, available)
        derived |= seconds
    return derived, Carried(counted, counted_ns, transmitted_ns, fastest, available)


def _key(name: str, index: str | None) -> str:
    return name if index is None else indexed(name, index)


def _interval_seconds(
    before: CounterSample, now: CounterSample, limit: float | None, elapsed_seconds: float | None
) -> float | None:
    """Seconds between two samples by the device's clock; ``None`` if they do not belong together."""
    if (before.bits, before.instance, before.discontinuity_seconds) != (
        now.bits,
        now.instance,
        now.discontinuity_seconds,
    ):
        return None
    interval = now.clock_seconds - before.clock_seconds
    if interval < 0:
        interval += CLOCK_WRAP_SECONDS
        if interval > LONGEST_GAP_OVER_CLOCK_WRAP:
            return None
    if elapsed_seconds is not None:
        tolerance = CLOCKS_DIFFER_SECONDS + CLOCKS_DIFFER_RATIO * elapsed_seconds
        if abs(interval - elapsed_seconds) > tolerance:
            return None
    longest = LONGEST_GAP_32_BIT if limit is None else 2**32 / limit - COPIED_SECONDS
    if interval <= 0 or (now.bits == 32 and interval > longest):
        return None
    return interval


def _step(before: CounterSample, now: CounterSample) -> int | None:
    """By how much a counter went on; ``None`` if nobody can tell."""
    step = now.value - before.value
    if step >= 0:
        return step
    # Only a device that vouches for the counter (RFC 2863, ifCounterDiscontinuityTime) makes a wrap believable.
    # 64 bits do not wrap within a device's life, and a clock and a counter that both went back are a restart.
    if now.bits == 64 or now.clock_seconds < before.clock_seconds or now.discontinuity_seconds is None:
        return None
    step += 2**32
    return None if step > LARGEST_WRAPPED_STEP_32_BIT else step
