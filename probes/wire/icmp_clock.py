"""Notices when the wall clock is stepped: kernel time stamps are wall-clock time, and a step corrupts a difference."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["StepWatch"]

TOLERANCE_NS = 100_000
CLOSE_NS = 20_000
"""Two clock reads no further apart than this were not interrupted between."""


class StepWatch:
    """Compares the wall clock with the monotonic clock.

    Both are slewed alike (clock_gettime(2)), so their difference changes only when the wall clock is stepped.

    Attributes:
        epoch: grows by one at each step. Two wall-clock stamps may be subtracted only within one epoch.
    """

    __slots__ = ("_monotonic_ns", "_offset_ns", "_realtime_ns", "epoch")

    def __init__(self, realtime_ns: Callable[[], int], monotonic_ns: Callable[[], int]) -> None:
        self._realtime_ns = realtime_ns
        self._monotonic_ns = monotonic_ns
        self.epoch = 0
        self._offset_ns = self._measure()

    def check(self) -> int:
        """The epoch now."""
        drift = self._realtime_ns() - self._monotonic_ns() - self._offset_ns
        if not -TOLERANCE_NS < drift < TOLERANCE_NS:
            # It may only be that the process lost the processor between the two reads.
            offset = self._measure()
            if abs(offset - self._offset_ns) >= TOLERANCE_NS:
                self._offset_ns = offset
                self.epoch += 1
        return self.epoch

    def _measure(self) -> int:
        """The offset by the closest of several pairs of reads."""
        best, closest = 0, -1
        for _ in range(10):
            before = self._monotonic_ns()
            wall = self._realtime_ns()
            apart = self._monotonic_ns() - before
            if closest < 0 or apart < closest:
                best, closest = wall - before - apart // 2, apart
            if apart < CLOSE_NS:
                break
        return best
