"""From two snapshots of a receiver to what the line carried between them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from probes.wire.capacity_message import Snapshot

__all__ = ["Interval", "between"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A sub-interval of a test (RFC 9097 6.2), from one packet's arrival to another's.

    Both are packets that were held up less than their neighbours, so that a sender or receiver which is some
    milliseconds late here and there does not show as a line whose rate changes.

    Attributes:
        seconds: by the receiver's clock.
        bits_per_second: what came, at the layer that the caller counts.
        on_time_bits_per_second: the same, had the sender been on time: what an empty line would have carried then. A
            line whose queue stands carries what it can, whether or not the sender is late.
        offered_bits_per_second: what was sent, by the sender's own times in the packets.
        lost: packets of these that did not come.
        packets: packets that came.
        delay_seconds: the least one-way delay, with an unknown constant (RFC 3393: differences alone mean something).
        disturbed: the receiving machine dropped packets itself: nothing here says anything about the line.
    """

    seconds: float
    bits_per_second: float
    on_time_bits_per_second: float
    offered_bits_per_second: float
    lost: int
    packets: int
    delay_seconds: float
    disturbed: bool


def between(before: Snapshot, after: Snapshot, packet_bits: int) -> Interval | None:
    """What happened between two snapshots; ``None`` if nothing came, or too little to have a rate."""
    packets, sent = after.marked_packets - before.marked_packets, after.marked_highest - before.marked_highest
    seconds, sent_seconds = (after.arrived_ns - before.arrived_ns) / 1e9, (after.sent_ns - before.sent_ns) / 1e9
    if before.marked_highest < 0 or packets <= 0 or seconds <= 0 or sent_seconds <= 0:
        return None
    on_time = seconds - (after.late_ns - before.late_ns) / 1e9
    return Interval(
        seconds=seconds,
        bits_per_second=packets * packet_bits / seconds,
        on_time_bits_per_second=packets * packet_bits / (on_time if on_time > 0 else seconds),
        offered_bits_per_second=sent * packet_bits / sent_seconds,
        lost=max(0, sent - packets),
        packets=packets,
        delay_seconds=(after.arrived_ns - after.sent_ns - after.late_ns) / 1e9,
        disturbed=after.overflow > before.overflow,
    )
