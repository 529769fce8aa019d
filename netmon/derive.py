"""Rates from two samples of a counter. Pure: it knows the device's clock and no other.

A rate is given only where the two samples belong together beyond doubt. A restart, a re-indexed table, a discontinuity
or a clock that stands still give no rate for that one interval: a short gap, never a spike and never a negative rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from probes.base import EMPTY, CounterReading, CounterSample, indexed, split_key

__all__ = ["rates", "transmission_age"]

CLOCK_WRAP_SECONDS = 2**32 / 100
"""sysUpTime counts hundredths of a second in 32 bits: it starts again after 497 days (RFC 3418)."""

LONGEST_GAP_OVER_CLOCK_WRAP = 3600.0
"""Seconds. A clock that went back has wrapped only if that makes the interval this short; else the device restarted."""

LONGEST_GAP_32_BIT = 600.0
"""Seconds. At 50 Mbit/s a 32-bit counter of octets wraps every 687 s: over a longer gap it may have done so unseen."""

LARGEST_WRAPPED_STEP_32_BIT = 2**31
"""A step of more than half the range cannot be told from several wraps."""

BITS_PER_OCTET = 8


def rates(
    previous: Mapping[str, CounterSample],
    current: Mapping[str, CounterSample],
    specs: Iterable[CounterReading],
    readings: Mapping[str, float] = EMPTY,
) -> Mapping[str, float]:
    """Rates per second of the device's clock, and shares of a capacity where a spec declares one.

    Args:
        previous: samples of the probe before, by key (``name`` or ``name[index]``).
        current: samples of this probe.
        specs: which counters make which readings.
        readings: what this probe measured, for the capacities.
    """
    derived: dict[str, float] = {}
    by_name = {spec.name: spec for spec in specs}
    for key, sample in current.items():
        name, index = split_key(key)
        spec, before = by_name.get(name), previous.get(key)
        if spec is None or before is None:
            continue
        rate = _rate(before, sample)
        if rate is None:
            continue
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


def _key(name: str, index: str | None) -> str:
    return name if index is None else indexed(name, index)


def _rate(before: CounterSample, now: CounterSample) -> float | None:
    if (before.bits, before.instance, before.discontinuity_seconds) != (
        now.bits,
        now.instance,
        now.discontinuity_seconds,
    ):
        return None
    elapsed = now.clock_seconds - before.clock_seconds
    clock_wrapped = elapsed < 0
    if clock_wrapped:
        elapsed += CLOCK_WRAP_SECONDS
        if elapsed > LONGEST_GAP_OVER_CLOCK_WRAP:
            return None
    if elapsed <= 0 or (now.bits == 32 and elapsed > LONGEST_GAP_32_BIT):
        return None
    step = now.value - before.value
    if step < 0:
        # Only a device that vouches for the counter (RFC 2863, ifCounterDiscontinuityTime) makes a wrap believable.
        # 64 bits do not wrap within a device's life, and a clock and a counter that both went back are a restart.
        if now.bits == 64 or clock_wrapped or now.discontinuity_seconds is None:
            return None
        step += 2**32
        if step > LARGEST_WRAPPED_STEP_32_BIT:
            return None
    return step / elapsed
