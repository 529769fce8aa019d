"""How late this process gets its turn: a simulated device that answers late for that reason has no fault."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final

__all__ = ["Pulse"]

TICK_SECONDS: Final = 0.1
KEPT_TICKS: Final = 1000


class Pulse:
    """Sleeps again and again, and remembers by how much each sleep was too long."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[int, int]] = deque(maxlen=KEPT_TICKS)
        self._begun_ns = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._begun_ns = time.time_ns()
            await asyncio.sleep(TICK_SECONDS)
            self._ticks.append((self._begun_ns, time.time_ns()))

    def late_seconds(self, from_ns: int, until_ns: int) -> float:
        """How long the process waited for its turn, in all, between two moments (nanoseconds since the epoch)."""
        ticks = [*self._ticks, *([(self._begun_ns, time.time_ns())] if self._begun_ns else [])]
        return sum(
            max(0.0, (ended_ns - begun_ns) / 1e9 - TICK_SECONDS)
            for begun_ns, ended_ns in ticks
            if begun_ns <= until_ns and ended_ns >= from_ns
        )
