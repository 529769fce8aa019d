"""What became of each packet."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Fate", "PacketRecord"]


class Fate(StrEnum):
    """What the emulator decided for a packet."""

    PASSED = "passed"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    LATE = "late"
    WRONG_ID = "wrong_id"
    LOST = "lost"
    QUEUE_FULL = "queue_full"
    DOWN = "down"
    TOO_BIG = "too_big"
    ERROR = "error"
    HOP_LIMIT = "hop_limit"
    NO_HOST = "no_host"
    """Nobody has this address."""


@dataclass(slots=True)
class PacketRecord:
    """One packet that came to the emulator.

    Attributes:
        address: the destination.
        identifier, sequence: of an echo request; 0 for other packets.
        arrived_ns: CLOCK_MONOTONIC, when it was read from the device.
        due_ns: when copies or answers were to be written.
        written_ns: when they were written; fewer than ``due_ns`` while some are under way.
        dscp: the differentiated services code point with which it came.
    """

    address: str
    identifier: int
    sequence: int
    length: int
    arrived_ns: int
    fate: Fate
    due_ns: list[int] = field(default_factory=list)
    written_ns: list[int] = field(default_factory=list)
    dscp: int = 0

    def as_plain(self) -> list[Any]:
        """As JSON types; :meth:`of` reads it back."""
        return [
            self.address, self.identifier, self.sequence, self.length, self.arrived_ns, self.fate.value, self.due_ns,
            self.written_ns, self.dscp,
        ]  # fmt: skip

    @classmethod
    def of(cls, plain: list[Any]) -> PacketRecord:
        """Read back :meth:`as_plain`."""
        address, identifier, sequence, length, arrived_ns, fate, due_ns, written_ns, dscp = plain
        return cls(address, identifier, sequence, length, arrived_ns, Fate(fate), due_ns, written_ns, dscp)
