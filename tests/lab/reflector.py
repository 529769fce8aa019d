"""A reflector on loopback, in a thread, and the simplest test against it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from probes.wire.capacity_message import Snapshot
from probes.wire.capacity_reflector import Counts, Limits, serve

__all__ = ["KEY", "QUICK", "RATE", "Steady", "reflector"]

KEY = b"a key for tests that is long"
QUICK: dict[str, object] = {
    "target_bits_per_second": 5e6,
    "tolerance_ratio": 0.05,
    "sustain_seconds": 0.4,
    "late_after_seconds": 0.5,
}
"""Parameters of a verification that takes a second or two a direction."""


RATE = 4e6
"""Of :class:`Steady`, bits per second."""


class Steady:
    """A conductor that sends at one rate for some time.

    Attributes:
        taken: what it was told.
    """

    def __init__(self, now: float, seconds: float = 0.5) -> None:
        self.until = now + seconds
        self.done = False
        self.taken: list[Snapshot] = []

    def rate(self, now: float) -> float:
        """Always the same."""
        self.done = now > self.until
        return RATE

    def take(self, snapshot: Snapshot, now: float) -> None:
        """Keep it."""
        self.taken.append(snapshot)


class _Running:
    port = 0
    counts = Counts()


@contextmanager
def reflector(limits: Limits | None = None, *, key: bytes = KEY, address: str = "127.0.0.1") -> Iterator[_Running]:
    """Run one; ``port`` says where, and ``counts`` afterwards what came."""
    running, ready, stop = _Running(), threading.Event(), threading.Event()

    def work() -> None:
        def listening(names: list[tuple[str, int]]) -> None:
            running.port = names[0][1]
            ready.set()

        running.counts = serve([(address, 0)], key, limits or Limits(), stopped=stop.is_set, ready=listening)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(10)
        yield running
    finally:
        stop.set()
        thread.join()
