"""Means of readings over each five minutes of a day: what percentiles are made of, since percentiles do not add up."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["SLOTS", "SLOT_NS", "DayMeans"]

SLOT_NS: Final = 300 * 1_000_000_000
SLOTS: Final = 288
"""Of a day; each begins at a multiple of five minutes since the epoch, as the days of files do."""


@dataclass(slots=True)
class DayMeans:
    """One reading of one check over a day (UTC).

    Attributes:
        counts: how many values each five minutes have.
        means: their means, single precision; not a number where there is no value.
    """

    counts: array[int] = field(default_factory=lambda: array("H", bytes(2 * SLOTS)))
    means: array[float] = field(default_factory=lambda: array("f", [math.nan]) * SLOTS)

    def add(self, slot: int, count: int, mean: float) -> None:
        """Take in the mean of some values of five minutes."""
        before = self.counts[slot]
        after = min(before + count, 0xFFFF)
        if count:
            self.means[slot] = (before * self.means[slot] + count * mean) / (before + count) if before else mean
            self.counts[slot] = after

    def join(self, other: DayMeans) -> None:
        """Take in what else there is of this day."""
        for slot, count in enumerate(other.counts):
            if count:
                self.add(slot, count, other.means[slot])

    def known(self, first: int, end: int, least: int) -> Iterable[float]:
        """The means of these five minutes that have at least so many values."""
        counts, means = self.counts[first:end], self.means[first:end]
        if min(counts, default=least) >= least:
            return means
        return [mean for mean, count in zip(means, counts, strict=True) if count >= least]
