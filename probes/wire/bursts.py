"""The shape of packet loss: bursts and gaps, and how much losses cling together. Pure; for echoes and for RTP alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

__all__ = ["GMIN", "LossShape", "loss_shape"]

GMIN: Final = 16
"""So many packets received in a row end a burst: the value that RFC 3611, section 4.7.2, recommends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossShape:
    """How the losses of a stream lie.

    Attributes:
        burst_loss_ratio: share of the packets within bursts that were lost ("burst density"); 0 without bursts.
        gap_loss_ratio: share of the packets outside of bursts that were lost ("gap density"); 0 without gaps.
        burst_packets: mean length of a burst, lost and received packets together; 0 without bursts.
        gap_packets: mean length of a gap; 0 without gaps.
        burst_ratio: mean length of a row of lost packets by the one that random loss of the same share would have
            (BurstR of ITU-T G.107): 1 is random, more is bursty. 1 where nothing or everything was lost.
        longest_packets: the longest row of lost packets.
    """

    burst_loss_ratio: float
    gap_loss_ratio: float
    burst_packets: float
    gap_packets: float
    burst_ratio: float
    longest_packets: int


def loss_shape(lost: Sequence[bool]) -> LossShape:
    """The shape of one stream, by RFC 3611, section 4.7.2.

    A burst begins and ends with a lost packet, has at least two of them, and fewer than :data:`GMIN` received packets
    between any two that follow each other. All else are gaps. The stream is taken to lie between received packets.

    Args:
        lost: of each packet in order of sending, whether it was lost; at least one.
    """
    places = [place for place, gone in enumerate(lost) if gone]
    edges = [0, *(n for n, (one, other) in enumerate(pairwise(places), 1) if other - one > GMIN), len(places)]
    bursts = [(places[begin], places[end - 1] + 1, end - begin) for begin, end in pairwise(edges) if end - begin > 1]
    in_bursts = sum(end - begin for begin, end, _lost in bursts)
    lost_in_bursts = sum(count for _begin, _end, count in bursts)
    in_gaps = len(lost) - in_bursts
    between = [0, *(place for begin, end, _lost in bursts for place in (begin, end)), len(lost)]
    gaps = sum(end > begin for begin, end in zip(between[::2], between[1::2], strict=True))
    rows = [sum(1 for _ in row) for gone, row in groupby(lost) if gone]
    random = bool(places) and len(places) < len(lost)
    return LossShape(
        burst_loss_ratio=lost_in_bursts / in_bursts if in_bursts else 0.0,
        gap_loss_ratio=(len(places) - lost_in_bursts) / in_gaps if in_gaps else 0.0,
        burst_packets=in_bursts / len(bursts) if bursts else 0.0,
        gap_packets=in_gaps / gaps if gaps else 0.0,
        burst_ratio=len(places) / len(rows) * (1 - len(places) / len(lost)) if random else 1.0,
        longest_packets=max(rows, default=0),
    )
