"""The full search over lines in simulated time."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from probes.wire.capacity_search import Search
from tests.lab.line_model import PACKET_BITS, LineModel, conduct


def search(highest: float = 120e6, delay: float = 0.005, **line: Any) -> Search:
    test = Search(highest, PACKET_BITS, 50.0, seconds=4.0, round_trip=2 * delay)
    conduct(test, LineModel(delay=delay, **{"random": Random(3), **line}), begin=50.0)
    assert test.done
    return test


@pytest.mark.parametrize("rate", [20e6, 50e6, 100e6])
@pytest.mark.parametrize(("delay", "loss"), [(0.0005, 0.0), (0.3, 0.0), (0.01, 0.01), (0.3, 0.01)])
@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_rate(rate: float, delay: float, loss: float, seed: int) -> None:
    """Packets that are lost after the bottleneck are not carried: the capacity is that of what arrives."""
    test = search(rate=rate, delay=delay, loss=loss, random=Random(seed))

    assert test.filled
    assert test.sustained_bits_per_second == pytest.approx(rate * (1 - loss), rel=0.01)


def test_a_bucket_shows_as_a_fast_second() -> None:
    test = search(rate=20e6, burst_bits=8e6 * 8)

    assert test.maximum_bits_per_second is not None
    assert test.maximum_bits_per_second > 50e6
    assert test.sustained_bits_per_second == pytest.approx(20e6, rel=0.02)


def test_a_line_that_is_never_full_carries_what_was_allowed() -> None:
    test = search(highest=30e6, rate=100e6)

    assert not test.filled
    assert test.sustained_bits_per_second == pytest.approx(30e6, rel=0.01)


def test_the_queue_stays_short() -> None:
    test = search(rate=50e6, queue_seconds=1.0)

    assert test.sustained_bits_per_second == pytest.approx(50e6, rel=0.01)
    assert test.rise_seconds < 0.6


def test_without_anything_that_comes_it_ends() -> None:
    test = search(rate=50e6, loss=1.0)

    assert test.sustained_bits_per_second is None
