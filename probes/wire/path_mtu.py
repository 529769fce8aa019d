"""The largest packet that a path carries: found by packets that arrive, not by what routers say about it.

The search is that of RFC 8899 (datagram packetization layer path MTU discovery) with echo requests that must not be
fragmented: a size is confirmed when its answer comes (5.2, PROBED_SIZE to PLPMTU). A router's "fragmentation needed"
(RFC 1191) or "packet too big" (RFC 8201) is a hint where to look next, and is checked like every other size. So a path
whose routers are silent, or whose messages are filtered away, is measured too: it is a black hole (RFC 2923, 2.1).

Pure: it says what to send next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from probes.base import Family

__all__ = ["HEADER_BYTES", "LEAST_BYTES", "Search"]

HEADER_BYTES: Final = {Family.IPV4: 20 + 8, Family.IPV6: 40 + 8}
"""IP header without options (RFC 791, RFC 8200) and ICMP header (RFC 792, RFC 4443)."""
LEAST_BYTES: Final = {Family.IPV4: 576, Family.IPV6: 1280}
"""What every host must take (RFC 791), and what every IPv6 link must carry (RFC 8200, 5): the base of the search."""


@dataclass(slots=True)
class Search:
    """Ask :attr:`size` for the next packet's size and tell :meth:`passed` or :meth:`lost`, until it is ``None``.

    Args:
        least: bytes of a packet that is known to be small enough.
        largest: bytes of the largest packet that is looked for.

    Attributes:
        good: the largest size of an IP packet that was answered, in bytes; ``None`` before the first.
        silent: packets of some size vanished although smaller ones are answered, and no router said that they are
            too big.
    """

    least: int
    largest: int
    good: int | None = None
    silent: bool = False
    _bad: int | None = None
    _hint: int | None = None

    @property
    def size(self) -> int | None:
        """Bytes of the next packet; ``None``: the search is over."""
        if self.good == self.largest or (self._bad is not None and self._bad <= self.least):
            return None
        if self._bad is None:
            return self.largest
        low = self.least - 1 if self.good is None else self.good
        if self._bad - low <= 1:
            return None
        if self._hint is not None and low < self._hint < self._bad:
            return self._hint
        if self._hint == self.good and self.good is not None:
            return self.good + 1  # the router told the truth if this is too big
        return self.least if self.good is None else (low + self._bad) // 2

    def passed(self, size: int) -> None:
        """A packet of this size was answered."""
        self.good = size if self.good is None else max(self.good, size)

    def lost(self, size: int, *, told_mtu: int | None, told: bool) -> None:
        """Packets of this size were not answered.

        Args:
            told: a router said that they were too big.
            told_mtu: the size that it said would fit; ``None`` if it said none (RFC 1191, 5).
        """
        self._bad = size if self._bad is None else min(self._bad, size)
        self.silent = self.silent or not told
        if told_mtu is not None and told_mtu < size:
            self._hint = told_mtu
