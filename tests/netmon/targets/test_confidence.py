"""Bounds against published figures and against the definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.targets.confidence import clopper_pearson_lower, clopper_pearson_upper


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
