"""Bursts and gaps against the words of RFC 3611, taken one by one; the burst ratio against a known process."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.bursts import GMIN, loss_shape


def lost(text: str) -> list[bool]:
    """``x`` is a lost packet."""
    return [letter == "x" for letter in text]


def by_definition(flags: list[bool]) -> list[bool]:
    """Of each packet, whether it lies in a burst: between two losses with fewer than Gmin received in a row."""
    inside = [False] * len(flags)
    for first in range(len(flags)):
        for last in range(first + 1, len(flags)):
            if flags[first] and flags[last] and "." * GMIN not in "".join(".x"[one] for one in flags[first:last]):
                inside[first : last + 1] = [True] * (last + 1 - first)
    return inside


@given(st.lists(st.sampled_from([False] * 6 + [True]), min_size=1, max_size=90))
def test_bursts_are_those_of_the_definition(flags: list[bool]) -> None:
    inside = by_definition(flags)
    shape = loss_shape(flags)
    burst = [one for one, where in zip(flags, inside, strict=True) if where]
    gap = [one for one, where in zip(flags, inside, strict=True) if not where]
    bursts = "".join("xo"[not one] for one in inside).split("o")
    assert shape.burst_loss_ratio == pytest.approx(sum(burst) / len(burst) if burst else 0)
    assert shape.gap_loss_ratio == pytest.approx(sum(gap) / len(gap) if gap else 0)
    longest = max(len(row) for row in "".join("xo"[not one] for one in flags).split("o"))
    assert shape.longest_packets == longest
    # Two bursts never touch: they would be one.
    count = sum(map(bool, bursts))
    assert shape.burst_packets == pytest.approx(len(burst) / count if count else 0)


@pytest.mark.parametrize(
    ("text", "burst", "gap", "burst_packets", "gap_packets", "longest"),
    [
        ("." * 40, 0, 0, 0, 40, 0),
        ("." * 20 + "x" + "." * 19, 0, 1 / 40, 0, 40, 1),  # one loss alone belongs to the gap
        ("." * 16 + "xx..x" + "." * 19, 3 / 5, 0, 5, 17.5, 2),
        ("x" + "." * 15 + "x", 2 / 17, 0, 17, 0, 1),
        ("x" + "." * 16 + "x", 0, 2 / 18, 0, 18, 1),  # 16 received in a row end a burst
        ("xx" + "." * 16 + "xx", 1, 0, 2, 16, 2),
        ("xxx", 1, 0, 3, 0, 3),
    ],
)
def test_examples(text: str, burst: float, gap: float, burst_packets: float, gap_packets: float, longest: int) -> None:
    shape = loss_shape(lost(text))
    assert (shape.burst_loss_ratio, shape.gap_loss_ratio) == pytest.approx((burst, gap))
    assert (shape.burst_packets, shape.gap_packets, shape.longest_packets) == (burst_packets, gap_packets, longest)


def test_random_loss_has_the_burst_ratio_1_and_a_markov_chain_its_own() -> None:
    """BurstR of a two-state chain is 1 / (p + q), ITU-T G.107; p and q are its transition probabilities."""
    generator = random.Random(3)
    assert loss_shape([generator.random() < 0.1 for _ in range(200_000)]).burst_ratio == pytest.approx(1, abs=0.02)
    p, q, state = 0.02, 0.3, False
    chain = []
    for _ in range(200_000):
        state = generator.random() >= q if state else generator.random() < p
        chain.append(state)
    assert loss_shape(chain).burst_ratio == pytest.approx(1 / (p + q), rel=0.03)


@pytest.mark.parametrize("text", ["....", "xxxx"])
def test_where_there_is_nothing_to_compare_the_burst_ratio_is_1(text: str) -> None:
    assert loss_shape(lost(text)).burst_ratio == 1.0
