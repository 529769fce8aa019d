"""The sequential test over lines in simulated time: its decisions are right, and it does little harm."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.wire.capacity_message import Snapshot
from probes.wire.capacity_verify import Outcome, Verify, VerifyPlan
from tests.lab.line_model import PACKET_BITS, LineModel, conduct
from tests.lab.soak import generator, scale

TARGET = 50e6
MIB = 8.0 * 2**20
GOOD: list[dict[str, Any]] = [{"rate": 50e6}, {"rate": 51e6}, {"rate": 100e6}, {"rate": 100e6, "loss": 0.005}]
BAD: list[dict[str, Any]] = [
    {"rate": 20e6},
    {"rate": 45e6},
    {"rate": 49e6},
    {"rate": 49e6, "burst_bits": 2 * MIB / 8},
    {"rate": 20e6, "burst_bits": 8 * MIB},
    {"rate": 20e6, "burst_bits": 8 * MIB, "queue_seconds": 0.002},
    {"rate": 100e6, "slower": (5.5, 30e6)},
    {"rate": 50e6, "slower": (5.5, 30e6)},
]


def verify(seed: float = 1, delay: float = 0.005, **line: Any) -> tuple[Verify, float, int]:
    test = Verify(VerifyPlan(target_bits_per_second=TARGET), PACKET_BITS, 100.0, round_trip=2 * delay)
    seconds, sent = conduct(test, LineModel(delay=delay, random=Random(seed), **line), begin=100.0)
    return test, seconds, sent


@pytest.mark.soak
@pytest.mark.parametrize("delay", [0.0005, 0.02, 0.3], ids=lambda delay: f"{delay * 2e3:g}ms")
@pytest.mark.parametrize(
    ("line", "outcome"),
    [(line, Outcome.REACHED) for line in GOOD] + [(line, Outcome.BELOW) for line in BAD],
    ids=lambda value: value if isinstance(value, str) else " ".join(f"{key} {it}" for key, it in value.items()),
)
def test_the_decision_is_right(line: dict[str, Any], outcome: Outcome, delay: float) -> None:
    chance = generator()
    for _time in range(scale(1, 30)):
        test, seconds, _sent = verify(chance.random(), delay, **line, jitter=0.002)

        assert test.outcome is outcome
        assert seconds < 15


@pytest.mark.parametrize("seed", range(10))
def test_a_verification_costs_less_than_a_quarter_of_a_full_test(seed: int) -> None:
    """Ten seconds of iperf3 over 50 Mbit/s were 60.3 MB of frames (docs/performance.md)."""
    test, _seconds, sent = verify(seed, rate=TARGET, delay=0.0005, jitter=0.002)

    assert test.outcome is Outcome.REACHED
    assert sent * PACKET_BITS / 8 < 60.3e6 / 4 * 0.98


def test_a_slow_line_is_let_off_soon() -> None:
    test, seconds, sent = verify(rate=20e6)

    assert seconds < test.plan.quiet_seconds + test.plan.late_after_seconds + 1
    assert sent * PACKET_BITS / 8 < 3e6


def test_a_slow_line_has_the_rate_that_it_has() -> None:
    """Whatever its bucket let through before, but for the moment in which it ran dry."""
    test, _seconds, _sent = verify(rate=20e6, burst_bits=8 * MIB)

    assert test.carried_bits_per_second == pytest.approx(20e6, rel=0.35)


def test_the_load_pauses_when_the_delay_rises() -> None:
    test, _seconds, _sent = verify(rate=30e6, queue_seconds=2.0)

    assert test.pauses >= 1
    assert test.rise_seconds < 0.1  # 20 ms, and what comes in until the next report


def test_a_pause_on_the_way_is_no_slow_line() -> None:
    class Stalling(LineModel):
        def carry(self, now: float) -> float | None:
            came = super().carry(now)
            return None if 107.5 < now < 107.6 else came

    test = Verify(VerifyPlan(target_bits_per_second=TARGET), PACKET_BITS, 100.0)
    conduct(test, Stalling(rate=60e6), begin=100.0)

    assert test.outcome is not Outcome.BELOW


class Cut(LineModel):
    """Carries nothing from half a second into the load on."""

    until = 1e9

    def carry(self, now: float) -> float | None:
        came = super().carry(now)
        return None if 107.0 < now < self.until else came


def test_a_line_that_is_cut_is_not_flooded() -> None:
    test = Verify(VerifyPlan(target_bits_per_second=TARGET), PACKET_BITS, 100.0)
    _seconds, sent = conduct(test, Cut(rate=60e6), begin=100.0)

    assert test.outcome is Outcome.UNDECIDED
    assert sent * PACKET_BITS / 8 < 12e6


def test_a_long_gap_does_not_decide_by_itself() -> None:
    line = Cut(rate=60e6)
    line.until = 107.6
    test = Verify(VerifyPlan(target_bits_per_second=TARGET), PACKET_BITS, 100.0)
    conduct(test, line, begin=100.0)

    assert test.outcome is not Outcome.BELOW


def test_without_anything_that_comes_it_ends_undecided() -> None:
    test, seconds, _sent = verify(rate=50e6, loss=1.0)

    assert (test.outcome, test.carried_bits_per_second) == (Outcome.UNDECIDED, None)
    assert seconds < 5


def test_a_sender_that_cannot_keep_up_does_not_blame_the_line() -> None:
    """It offers 40 Mbit/s, of which all comes: that says nothing about 50."""
    test = Verify(VerifyPlan(target_bits_per_second=TARGET), PACKET_BITS, 0.0)
    gap_ns = round(1e9 * PACKET_BITS / 40e6)
    for beat in range(400):
        test.rate(beat * 0.05)
        count = beat * 200
        at = count * gap_ns
        snapshot = Snapshot(packets=count, marked_packets=count, marked_highest=count - 1, arrived_ns=at, sent_ns=at)
        test.take(snapshot, beat * 0.05)

    assert test.done
    assert test.outcome is Outcome.UNDECIDED


def test_what_our_own_machine_dropped_does_not_blame_the_line() -> None:
    test = Verify(VerifyPlan(target_bits_per_second=TARGET), PACKET_BITS, 0.0)
    for beat in range(400):
        test.rate(beat * 0.05)
        at = beat * 50_000_000
        snapshot = Snapshot(
            packets=beat * 100,
            marked_packets=beat * 100,
            marked_highest=beat * 250,
            arrived_ns=at,
            sent_ns=at,
            overflow=beat * 150,
        )
        test.take(snapshot, beat * 0.05)

    assert test.outcome is Outcome.UNDECIDED
    assert test.disturbed


@settings(max_examples=25, deadline=None)
@given(rate=st.floats(1e6, 48.5e6), loss=st.floats(0, 0.01), seed=st.integers(0, 9999), queue=st.floats(0.001, 0.3))
def test_a_line_that_lacks_three_per_cent_never_reaches(rate: float, loss: float, seed: int, queue: float) -> None:
    test, _seconds, _sent = verify(seed, rate=rate, loss=loss, queue_seconds=queue)

    assert test.outcome is not Outcome.REACHED
