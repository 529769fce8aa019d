"""What became of one echo request, and the statistics of several: pure, shared by every kind that pings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from probes.base import Failure, Reading

__all__ = [
    "ECHO_READINGS",
    "LAST_ANSWERS_SECONDS",
    "Echo",
    "EchoError",
    "failure_of",
    "readings_of",
    "reordered",
    "rtts",
    "sending_seconds",
]

SHARE_FOR_SENDING = 0.8
LAST_ANSWERS_SECONDS = 2.0
"""Of a long timeout so much is left for the last answers, instead of what remains of that share."""


def sending_seconds(timeout: float) -> float:
    """Within how many seconds the packets of a call with this timeout have to be sent."""
    return max(SHARE_FOR_SENDING * timeout, timeout - LAST_ANSWERS_SECONDS)


class EchoError(NamedTuple):
    """An ICMP error about one packet, or this machine's own refusal to route it.

    Attributes:
        failure: what it means.
        router: who said so; empty if it was this machine's routing.
        mtu_bytes: the next hop's MTU, where the error carries one (ICMP 3/4, ICMPv6 2).
    """

    failure: Failure
    router: str
    mtu_bytes: int | None = None


class Echo(NamedTuple):
    """What became of one echo request that was sent. A tuple: a thousand targets make many of them a second.

    Attributes:
        rtt_seconds: the round trip; ``None`` if no reply came in time, or if it came and was discarded.
        received: a reply came in time.
        discarded: a reply came, but the clock was stepped in between, so that its time means nothing.
        arrival: its place among the first replies of this call, from 0; ``None`` without a reply.
        duplicates: further replies to the same packet.
        reply_hop_limit: TTL or hop limit of the reply as it arrived.
        error: the first ICMP error about this packet.
    """

    rtt_seconds: float | None = None
    received: bool = False
    discarded: bool = False
    arrival: int | None = None
    duplicates: int = 0
    reply_hop_limit: int | None = None
    error: EchoError | None = None


ECHO_READINGS = (
    Reading(name="sent", help="Echo requests sent in this probe."),
    Reading(name="received", help="Echo requests that were answered in time, each counted once."),
    Reading(name="loss_ratio", help="Share of sent requests without an answer in time (round trip, RFC 6673)."),
    Reading(name="rtt_min_seconds", help="Shortest round trip (RFC 2681), from kernel time stamps.", optional=True),
    Reading(name="rtt_median_seconds", help="Median round trip (RFC 2681).", optional=True),
    Reading(name="rtt_max_seconds", help="Longest round trip (RFC 2681).", optional=True),
    Reading(
        name="pdv_p95_seconds",
        help="Packet delay variation: 95th percentile (nearest rank) of round trip minus the shortest (RFC 5481, 4.2).",
        optional=True,
    ),
    Reading(
        name="ipdv_mean_abs_seconds",
        help="Inter-packet delay variation: mean absolute difference of consecutive round trips (RFC 3393).",
        optional=True,
    ),
    Reading(name="duplicates", help="Further replies to a request that had already been answered."),
    Reading(name="reordered", help="Answers that arrived after the answer to a later request (RFC 4737, 3.3)."),
    Reading(name="discarded", help="Answers whose round trip was thrown away because the clock was stepped."),
    Reading(name="reply_hop_limit", help="TTL or hop limit of the last answer as it arrived.", optional=True),
    Reading(
        name="path_mtu_bytes",
        help="Smallest next-hop MTU that a router reported (RFC 1191, RFC 8201).",
        optional=True,
    ),
)
"""The readings that :func:`readings_of` makes."""


def rtts(echoes: Sequence[Echo]) -> tuple[float, ...]:
    """The round trips in order of sending, in seconds; one entry for each answer that was not discarded."""
    return tuple([echo.rtt_seconds for echo in echoes if echo.rtt_seconds is not None])


def reordered(echoes: Sequence[Echo]) -> int:
    """Replies that arrived later than a reply to a request that was sent later (RFC 4737, section 3.3).

    First replies only: a duplicate is never counted as reordered.
    """
    arrivals = sorted((echo.arrival, index) for index, echo in enumerate(echoes) if echo.arrival is not None)
    count, highest = 0, -1
    for _, index in arrivals:
        if index < highest:
            count += 1
        else:
            highest = index
    return count


def readings_of(echoes: Sequence[Echo]) -> dict[str, float]:
    """The readings of one call, in base units; those without a value are absent. ``echoes`` must not be empty."""
    received = duplicates = discarded = steps = 0
    in_order, highest, steps_sum = True, -1, 0.0
    hop_limit: int | None = None
    before: float | None = None
    values: list[float] = []
    mtus: list[int] = []
    for rtt, got, unusable, arrival, doubles, hops, error in echoes:
        if got:
            received += 1
            duplicates += doubles
            discarded += unusable
            hop_limit = hops
            # In order of sending, arrivals only rise; the exact count is needed only where one does not.
            if arrival is not None:
                in_order = in_order and arrival > highest
                highest = arrival
        if rtt is not None:
            values.append(rtt)
            if before is not None:
                steps += 1
                steps_sum += abs(rtt - before)
        before = rtt
        if error is not None and error.mtu_bytes:
            mtus.append(error.mtu_bytes)
    sent = len(echoes)
    readings = {
        "sent": float(sent),
        "received": float(received),
        "loss_ratio": (sent - received) / sent,
        "duplicates": float(duplicates),
        "reordered": 0.0 if in_order else float(reordered(echoes)),
        "discarded": float(discarded),
    }
    if values:
        values.sort()
        readings["rtt_min_seconds"] = values[0]
        readings["rtt_median_seconds"] = median(values)
        readings["rtt_max_seconds"] = values[-1]
        if len(values) > 1:
            readings["pdv_p95_seconds"] = values[math.ceil(0.95 * len(values)) - 1] - values[0]
    if steps:
        readings["ipdv_mean_abs_seconds"] = steps_sum / steps
    if hop_limit is not None:
        readings["reply_hop_limit"] = float(hop_limit)
    if mtus:
        readings["path_mtu_bytes"] = float(min(mtus))
    return readings


def failure_of(echoes: Sequence[Echo]) -> tuple[Failure | None, str]:
    """Why nothing came back, and a sentence; ``(None, ...)`` as soon as one packet was answered.

    The ICMP error told most often (the first told, where several are equal), or TIMEOUT where none was told.
    """
    sent = len(echoes)
    received = len([echo for echo in echoes if echo.received])
    if received:
        return None, "" if received == sent else f"{received} of {sent} packets answered"
    errors = Counter(echo.error for echo in echoes if echo.error is not None)
    if not errors:
        return Failure.TIMEOUT, f"none of {sent} packets answered"
    told = Counter(echo.error.failure for echo in echoes if echo.error is not None)
    failure = told.most_common(1)[0][0]
    error = next(error for error, _ in errors.most_common() if error.failure is failure)
    mtu = f", MTU {error.mtu_bytes} bytes" if error.mtu_bytes else ""
    return failure, f"{failure.value} from {error.router or 'this machine'}{mtu} ({told[failure]} of {sent} packets)"
