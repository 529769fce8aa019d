"""Exact confidence bounds of a proportion."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["clopper_pearson_lower", "clopper_pearson_upper"]

BISECTIONS = 60
"""Halves the interval to less than the last digit of a double."""


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
    return _solve(lambda p: _at_least(passed, total, p) < 1 - confidence)


def clopper_pearson_upper(passed: int, total: int, confidence: float) -> float:
    """The one-sided upper bound; see :func:`clopper_pearson_lower`."""
    _require(passed, total, confidence)
    return 1 - clopper_pearson_lower(total - passed, total, confidence)


def _solve(too_low: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _step in range(BISECTIONS):
        middle = (low + high) / 2
        if too_low(middle):
            low = middle
        else:
            high = middle
    return low


def _at_least(passed: int, total: int, p: float) -> float:
    """Probability of ``passed`` or more of ``total`` with the probability ``p`` of each."""
    if p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    log_p, log_q = math.log(p), math.log1p(-p)
    log_total = math.lgamma(total + 1)
    return math.fsum(
        math.exp(log_total - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * log_p + (total - k) * log_q)
        for k in range(passed, total + 1)
    )


def _require(passed: int, total: int, confidence: float) -> None:
    if not (0 <= passed <= total and total > 0 and 0 < confidence < 1):
        raise ValueError(f"no proportion with a confidence: {passed} of {total}, {confidence}")
