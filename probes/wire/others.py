"""What others send over a line while a test loads it, by the counters of the router's interface at our end (IF-MIB)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from probes.base import Endpoint, NetworkFailure
from probes.wire.directions import TO_SITE
from probes.wire.interface import read_interface

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["Others"]

LOOK_SECONDS: Final = 1.0
LOADED_SHARE: Final = 0.5
"""Of the test's fastest second: it loads the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    octets: int
    clock_seconds: float
    own: float


class _Look(NamedTuple):
    seconds: float
    own: float
    others: float


class Others:
    """Ends a test when others need the line, and says what they sent meanwhile.

    Some routers answer from a copy of their counters that is some seconds old. Our own octets and theirs are then not
    of the same moment: only what goes beyond the most that was there before counts as others' traffic, over the time
    since then; and no mean is given.

    Args:
        near: the router, ``None`` if it is not known: then nothing is watched.
        auth: name of its SNMP credentials; nothing is watched without.
        interface: its interface to the line: ifName, ifDescr or ifAlias.
        direction: which way the test's load goes.
        most_bits_per_second: of others' traffic, more than which ends the test.
        own_octets: of Ethernet frames that the test itself has sent over the line so far; ``None`` if not known.
        end: called once at the most, with the reason.
    """

    def __init__(
        self, wires: Wires, near: Endpoint | None, *, auth: str, interface: str, direction: str,
        most_bits_per_second: float, own_octets: Callable[[], float | None], end: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._wires = wires
        self._near = near if auth else None
        self._auth = auth
        self._interface = interface
        self._counter = "out_octets" if direction == TO_SITE else "in_octets"
        self._most = most_bits_per_second
        self._own_octets = own_octets
        self._end = end
        self._address = ""
        self._first: _Sample | None = None
        self._copies = False
        self._looks: list[_Look] = []

    async def begin(self) -> str:
        """Read the counter before the load. Why that is not possible, as a sentence; empty if nothing is wrong."""
        if self._near is None:
            return ""
        try:
            self._address = await self._wires.names.resolve(self._near.host, self._near.family)
        except NetworkFailure as error:
            return error.detail
        self._first = await self._read()
        return "" if self._first is not None else "others' traffic is not known: the router tells no 64-bit counter"

    async def watch(self) -> None:
        """Look once a second until others need the line."""
        first = last = self._first
        if first is None or last is None:
            return
        highest, since = 0.0, first.clock_seconds
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = await self._read()
            if now is None or now.clock_seconds - last.clock_seconds < LOOK_SECONDS / 2:
                continue
            if now.octets == last.octets:
                self._copies = self._copies or now.own > last.own
                continue
            seconds, own = now.clock_seconds - last.clock_seconds, now.own - last.own
            self._looks.append(_Look(seconds, own, now.octets - last.octets - own))
            beyond = now.octets - first.octets - (now.own - first.own)
            rate = 8 * (beyond - highest) / (now.clock_seconds - since)
            # How old the first copy was, nobody knows: what it lacked is not of this time.
            known = not (self._copies and last is first)
            last = now
            if beyond >= highest:
                highest, since = beyond, now.clock_seconds
            if known and rate > self._most:
                self._end(f"others sent {rate / 1e6:.1f} Mbit/s")
                return

    @property
    def mean(self) -> float | None:
        """Bits per second of others' frames while the test loaded the line; ``None`` if that is not known.

        Under load others get less than before; what they sent while it rested says nothing about that.
        """
        most = max((look.own / look.seconds for look in self._looks), default=0.0)
        loaded = [look for look in self._looks if look.own / look.seconds >= LOADED_SHARE * most]
        if self._copies or not loaded:
            return None
        return max(0.0, 8 * sum(look.others for look in loaded) / sum(look.seconds for look in loaded))

    async def _read(self) -> _Sample | None:
        if self._near is None:
            return None
        interface = await read_interface(
            self._wires.snmp, self._address, self._near.port, self._auth, self._interface, timeout=LOOK_SECONDS
        )
        sample, own = interface.counters.get(self._counter), self._own_octets()
        if sample is None or sample.bits == 32 or own is None:
            return None
        return _Sample(octets=sample.value, clock_seconds=sample.clock_seconds, own=own)
