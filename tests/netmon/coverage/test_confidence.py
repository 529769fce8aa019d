"""Bounds against published figures and against the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, binomtest

from netmon.coverage.confidence import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    passes_needed,
    tiles_needed,
    wilson_lower,
    z_one_sided,
)
from tests.lab.soak import scale


@pytest.mark.parametrize(
    ("passed", "total", "confidence", "lower"),
    [
        # None failed: (1 - confidence) ** (1 / n), in closed form.
        (59, 59, 0.95, 0.05 ** (1 / 59)),
        (1, 1, 0.95, 0.05),
        # One passed of n: 1 - confidence ** (1 / n).
        (1, 20, 0.95, 1 - 0.95 ** (1 / 20)),
        # NIST/SEMATECH e-Handbook, 7.2.4.1: 4 of 20 defective, two-sided 90 %: 0.071354 to 0.401029.
        (4, 20, 0.95, 0.071354),
        (0, 10, 0.95, 0.0),
    ],
)
def test_published_figures(passed: int, total: int, confidence: float, lower: float) -> None:
    assert clopper_pearson_lower(passed, total, confidence) == pytest.approx(lower, abs=1e-6)


def test_the_upper_bound_is_the_mirror_image() -> None:
    assert clopper_pearson_upper(4, 20, 0.95) == pytest.approx(0.401029, abs=1e-6)


@given(total=st.integers(1, 400), data=st.data(), confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_at_the_bound_so_many_passes_have_the_probability_that_is_left(
    total: int, data: st.DataObject, confidence: float
) -> None:
    passed = data.draw(st.integers(1, total))
    bound = clopper_pearson_lower(passed, total, confidence)
    tail = math.fsum(math.comb(total, k) * bound**k * (1 - bound) ** (total - k) for k in range(passed, total + 1))
    assert tail == pytest.approx(1 - confidence, rel=1e-6)
    assert bound <= passed / total


@pytest.mark.parametrize(("passed", "total", "confidence"), [(1, 0, 0.9), (3, 2, 0.9), (-1, 2, 0.9), (1, 2, 1.0)])
def test_nonsense_is_refused(passed: int, total: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        clopper_pearson_lower(passed, total, confidence)


@pytest.mark.parametrize(("confidence", "z"), [(0.99, 2.3263478740), (0.95, 1.6448536270), (0.97, 1.8807936082)])
def test_z_is_one_sided_and_computed(confidence: float, z: float) -> None:
    """NIST/SEMATECH e-Handbook, 1.3.6.7.1; not the 2.236 of a published slide."""
    assert z_one_sided(confidence) == pytest.approx(z, abs=1e-9)


@pytest.mark.parametrize(
    ("error", "confidence", "tiles"),
    [(0.02, 0.99, 1218), (0.02, 0.95, 609), (0.03, 0.99, 542), (0.03, 0.95, 271), (0.05, 0.99, 195), (0.05, 0.95, 100)],
)
def test_tiles_of_tsb_88(error: float, confidence: float, tiles: int) -> None:
    """The last would be 98: the floor of 100 holds."""
    assert tiles_needed(0.9, error, confidence) == tiles


def test_tiles_of_the_published_example_with_the_right_z() -> None:
    """Buchanan, APCO 2011: 95 % expected, 2 % error, 99 % confidence gives 594 with 2.236, and 643 with 2.326."""
    assert tiles_needed(0.95, 0.02, 0.99) == 643


@pytest.mark.parametrize(("total", "wilson"), [(100, 95), (200, 187), (400, 370), (600, 553)])
def test_ninety_of_a_hundred_do_not_prove_ninety_percent(total: int, wilson: int) -> None:
    assert wilson_lower(wilson, total, 0.95) >= 0.9 > wilson_lower(wilson - 1, total, 0.95)
    needed = passes_needed(total, 0.9, 0.95)
    assert needed is not None
    assert needed >= wilson > 0.9 * total
    assert clopper_pearson_lower(needed, total, 0.95) >= 0.9 > clopper_pearson_lower(needed - 1, total, 0.95)


def test_too_few_tiles_prove_nothing() -> None:
    """28 of 28: 0.05 ** (1 / 28) is 0.8985."""
    assert passes_needed(28, 0.9, 0.95) is None
    assert passes_needed(29, 0.9, 0.95) == 29


@given(total=st.integers(1, 60_000), data=st.data(), confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_bounds_are_those_of_scipy(total: int, data: st.DataObject, confidence: float) -> None:
    passed = data.draw(st.integers(0, total))
    exact = beta.ppf(1 - confidence, passed, total - passed + 1) if passed else 0.0
    assert clopper_pearson_lower(passed, total, confidence) == pytest.approx(exact, abs=1e-9)
    table = binomtest(passed, total)
    score = table.proportion_ci(2 * confidence - 1, method="wilson").low
    assert wilson_lower(passed, total, confidence) == pytest.approx(score, abs=1e-9)
    assert clopper_pearson_lower(passed, total, confidence) <= passed / total


@pytest.mark.soak
def test_the_bound_is_below_the_truth_in_at_least_so_many_surveys() -> None:
    """Exact coverage by enumeration: every n from 50 to 700, p from 0.5 to 0.99 and all possible outcomes.

    The bounds of all outcomes of some sizes are this program's; of the others they are scipy's, which are the same to
    1e-9 by the test above.
    """
    ps = np.arange(0.5, 0.9901, 0.01)
    ours = set(range(50, 701, scale(130, 1)))
    worst = 1.0
    for total in range(50, 701):
        outcomes = np.arange(total + 1)
        if total in ours:
            bounds = np.array([clopper_pearson_lower(passed, total, 0.95) for passed in range(total + 1)])
        else:
            bounds = np.concatenate([[0.0], beta.ppf(0.05, outcomes[1:], total - outcomes[1:] + 1)])
        # A larger count has a larger bound: those below p are the first ones.
        assert np.all(np.diff(bounds) > 0)
        below = np.searchsorted(bounds, ps, side="right") - 1
        worst = min(worst, float(binom.cdf(below, total, ps).min()))
    assert 0.95 - 1e-9 <= worst < 0.96
