"""The store at the other end: what it takes and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Answer", "Outcome", "Store"]


class Outcome(StrEnum):
    """What became of a batch."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store said.

    Attributes:
        text: why not; empty when it was taken.
        wait_seconds: how long the store asks to be left alone.
        anew: the batch went over a new connection, which the store's side ended: perhaps it was restarted.
    """

    outcome: Outcome
    text: str = ""
    wait_seconds: float = 0.0
    anew: bool = False


class Store(Protocol):
    """Takes lines."""

    def write(self, lines: bytes) -> Answer:
        """Write them; nothing is raised."""

    def close(self) -> None:
        """Hang up."""
