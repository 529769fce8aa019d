"""Proportions of tiles: how many must be tested, and what a test proves. Pure.

Sizes by TIA TSB-88 (a tested tile passes or fails; tiles needed Z² p q / e², at least 100). Its Z is one-sided and is
computed here: a published table has 2.236 for a confidence of 99 %, where the inverse normal gives 2.326.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Final

__all__ = [
    "LEAST_TILES",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "passes_needed",
    "tiles_needed",
    "wilson_lower",
    "z_one_sided",
]

LEAST_TILES: Final = 100
"""TSB-88: however coarse the error that is allowed, so many tiles."""
BISECTIONS: Final = 60
"""Halves the interval to less than the last digit of a double."""
MOST_TERMS: Final = 100_000
TINY: Final = 1e-300


def z_one_sided(confidence: float) -> float:
    """The standard normal deviate that is not exceeded with this probability."""
    if not 0 < confidence < 1:
        raise ValueError(f"no confidence: {confidence}")
    return NormalDist().inv_cdf(confidence)


def tiles_needed(expected: float, error: float, confidence: float) -> int:
    """How many tiles have to be tested to know a proportion to within an error (TIA TSB-88).

    Args:
        expected: the proportion that is expected to pass, such as 0.9.
        error: how far the finding may be off, such as 0.03.
        confidence: one-sided, such as 0.95.

    Raises:
        ValueError: any of them is not strictly between 0 and 1.
    """
    if not (0 < expected < 1 and 0 < error < 1):
        raise ValueError(f"no proportion with an error: {expected}, {error}")
    z = z_one_sided(confidence)
    return max(LEAST_TILES, math.ceil(z * z * expected * (1 - expected) / (error * error)))


def passes_needed(total: int, at_least: float, confidence: float) -> int | None:
    """How many of ``total`` have to pass to prove ``at_least`` by Clopper and Pearson; ``None`` if all were too few."""
    low, high = 0, total + 1
    while low < high:
        middle = (low + high) // 2
        if clopper_pearson_lower(middle, total, confidence) >= at_least:
            high = middle
        else:
            low = middle + 1
            if low > total:
                return None
    return low


def wilson_lower(passed: int, total: int, confidence: float) -> float:
    """The one-sided lower score bound (E. B. Wilson, JASA 22 (1927), 209-212): shown, never what a verdict rests on."""
    _require(passed, total, confidence)
    z = z_one_sided(confidence)
    share, weight = passed / total, z * z / total
    middle = share + weight / 2
    return max(0.0, (middle - z * math.sqrt((share * (1 - share) + weight / 4) / total)) / (1 + weight))


@lru_cache(maxsize=4096)
def clopper_pearson_lower(passed: int, total: int, confidence: float) -> float:
    """The one-sided lower bound of a proportion of which ``passed`` of ``total`` were seen.

    The proportion p at which so many or more passes have the probability 1 - confidence (C. J. Clopper and
    E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26
    (1934), 404-413).

    Raises:
        ValueError: not 0 <= passed <= total, total of 0, or a confidence outside (0, 1).
    """
    _require(passed, total, confidence)
    if passed == 0:
        return 0.0
    low, high = 0.0, passed / total
    for _step in range(BISECTIONS):
        middle = (low + high) / 2
        if _at_least(passed, total, middle) < 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def clopper_pearson_upper(passed: int, total: int, confidence: float) -> float:
    """The one-sided upper bound; see :func:`clopper_pearson_lower`."""
    _require(passed, total, confidence)
    return 1 - clopper_pearson_lower(total - passed, total, confidence)


def _at_least(passed: int, total: int, p: float) -> float:
    """Probability of ``passed`` or more of ``total`` with the probability ``p`` of each.

    It is the regularised incomplete beta function I_p(passed, total - passed + 1) (NIST DLMF 8.17.5), here by its
    continued fraction (8.17.22), on the side of 8.17.4 on which that converges fast.
    """
    if p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    a, b = float(passed), float(total - passed + 1)
    scale = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(p) + b * math.log1p(-p))
    if p < (a + 1) / (a + b + 2):
        return scale * _fraction(a, b, p) / a
    return 1 - scale * _fraction(b, a, 1 - p) / b


def _fraction(a: float, b: float, x: float) -> float:
    """1 / (1 + d1 / (1 + d2 / ...)) of DLMF 8.17.22, from the front by Lentz's method with Thompson and Barnett's."""
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > TINY else TINY)
    found = d
    for m in range(1, MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > TINY else TINY)
            c = 1 + term / c
            c = c if abs(c) > TINY else TINY
            step = c * d
            found *= step
        if abs(step - 1) < 1e-15:
            return found
    raise ArithmeticError(f"the incomplete beta function does not converge: {a}, {b}, {x}")


def _require(passed: int, total: int, confidence: float) -> None:
    if not (0 <= passed <= total and total > 0 and 0 < confidence < 1):
        raise ValueError(f"no proportion with a confidence: {passed} of {total}, {confidence}")
