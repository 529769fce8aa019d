"""One call of a ping, from its first packet to what became of each; and when the packets of all calls are due."""

from __future__ import annotations

import asyncio
import heapq
import math
import operator
from array import array
from typing import Final

from probes.wire.echo import Echo, EchoError
from probes.wire.icmp_layout import Destination
from probes.wire.icmp_packets import EchoRequest

__all__ = ["ARRIVAL", "COLUMNS", "HOPS", "RECEIVED", "SENT", "STAMP", "Call", "Timetable"]

STAMP_TOLERANCE_NS = 1_000_000
RTT_LIMIT_NS: Final = 3600 * 10**9
SLOTS_PER_SECOND: Final = 1000
SENT, STAMP, RECEIVED, HOPS, ARRIVAL = range(5)
COLUMNS: Final = 5


class Call:
    """One call, with a row for each packet: with objects for each, fetching them would cost more than the work.

    Attributes:
        number: by which its packets are told from those of other calls.
        first_sequence: the sequence number of its first packet; the others follow.
        due: when its next packet is to be sent, by the loop's clock.
        until: when it ends, by the same clock.
        plain: its packets differ from others' in nothing that needs a system call of their own.
        batched: it is plain, and the kernel gives its packets send stamps.
        numbered: how many of its packets were given away to be sent.
        answered: how many were answered.
        waiting: how many are neither answered nor refused.
        rows: for each packet :data:`COLUMNS` numbers: when this process sent it, when the kernel did, when the first
            answer came (CLOCK_REALTIME in ns, 0 for never), that answer's hop limit (-1 for not told), and its place
            among the first answers.
        stepped: packets under way while the clock was set.
        duplicates: further answers, by packet.
        errors: the first ICMP error, by packet.
    """

    __slots__ = (
        "address", "answered", "batched", "control", "count", "dont_fragment", "due", "duplicates", "errors", "fault",
        "first_sequence", "future", "gap", "name", "number", "numbered", "overflows", "plain", "request", "rows",
        "source", "stepped", "until", "waiting",
    )  # fmt: skip

    def __init__(
        self, number: int, first_sequence: int, to: Destination, request: EchoRequest,
        control: list[tuple[int, int, bytes]], *, due: float, count: int, gap: float, dont_fragment: bool,
        future: asyncio.Future[list[Echo]], overflowed: int,
    ) -> None:  # fmt: skip
        self.number = number
        self.first_sequence = first_sequence
        self.address, self.name, self.source = to
        self.request = request
        self.control = control
        self.due = due
        self.count = count
        self.gap = gap
        self.dont_fragment = dont_fragment
        self.plain = not (control or dont_fragment)
        self.batched = False
        self.future = future
        self.overflows = overflowed
        self.until = math.inf
        self.fault = ""
        self.numbered = 0
        self.answered = 0
        self.waiting = count
        self.rows = array("q", bytes(8 * COLUMNS * count))
        self.stepped: set[int] = set()
        self.duplicates: dict[int, int] = {}
        self.errors: dict[int, EchoError] = {}

    def clock_set(self) -> None:
        """The round trips of packets under way will mean nothing."""
        rows = self.rows
        for place in range(self.numbered):
            if rows[COLUMNS * place + SENT] and not rows[COLUMNS * place + RECEIVED]:
                self.stepped.add(place)

    def longest_ns(self) -> int:
        """The longest round trip so far, by the send times of this process; 0 without an answer."""
        taken: list[int] = list(map(operator.sub, self.rows[RECEIVED::COLUMNS], self.rows[SENT::COLUMNS]))
        return max(0, *taken)

    def echoes(self) -> list[Echo]:
        """What became of each packet that was sent."""
        # One constructor in between would cost as much as the rest: a thousand targets make many of them a second.
        make = tuple.__new__
        stepped, duplicates, errors = self.stepped, self.duplicates, self.errors
        result = []
        cells = iter(self.rows)
        packets = zip(cells, cells, cells, cells, cells, strict=True)
        for place, (sent, stamp, received, hops, arrival) in enumerate(packets):
            if not sent:
                continue
            error = errors.get(place) if errors else None
            if not received:
                result.append(Echo(error=error))
                continue
            taken = received - (stamp if sent - STAMP_TOLERANCE_NS <= stamp <= received else sent)
            usable = 0 <= taken < RTT_LIMIT_NS and place not in stepped
            result.append(
                make(
                    Echo,
                    (
                        taken * 1e-9 if usable else None,
                        True,
                        not usable,
                        arrival,
                        duplicates.get(place, 0) if duplicates else 0,
                        hops if hops >= 0 else None,
                        error,
                    ),
                )
            )
        return result


class Timetable:
    """The calls that have packets to send, by the millisecond in which the next one is due.

    Checks start together, so many calls share a slot, and a packet costs one step whatever the number of calls.
    """

    def __init__(self) -> None:
        self._slots: dict[int, list[Call]] = {}
        self._order: list[int] = []

    def add(self, call: Call) -> None:
        """Enter the call's next packet."""
        slot = int(call.due * SLOTS_PER_SECOND)
        calls = self._slots.get(slot)
        if calls is None:
            self._slots[slot] = [call]
            heapq.heappush(self._order, slot)
        else:
            calls.append(call)

    @property
    def next_at(self) -> float:
        """When the next packet is due; infinity if there is none."""
        return self._order[0] / SLOTS_PER_SECOND if self._order else math.inf

    def take(self, now: float, most: int) -> list[Call]:
        """At most ``most`` calls of the first slot, if it is due; each is to be entered again for its next packet."""
        if not self._order or self.next_at > now:
            return []
        slot = self._order[0]
        calls = self._slots[slot]
        if len(calls) > most:
            self._slots[slot] = calls[most:]
            return calls[:most]
        heapq.heappop(self._order)
        return self._slots.pop(slot)
