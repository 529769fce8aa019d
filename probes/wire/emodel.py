"""The E-model: how good a conversation over a line would be, from its delay and loss (ITU-T G.107, 06/2015). Pure.

Everything that the network does not decide has the default value of the Recommendation (its table of default values):
a telephone with a handset at both ends, in a quiet room. With nothing lost and no delay that is R = 93.2, MOS 4.41.
It is an estimate for planning, of narrow-band speech; nobody has listened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["CODECS", "Codec", "mos", "rating"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A codec as the E-model sees it.

    Attributes:
        impairment: Ie, equipment impairment factor without loss.
        robustness: Bpl, packet-loss robustness factor.
        delay_seconds: of coding, packets and concealment: (N + 1) frames and look-ahead for N frames in a packet (ITU-T
            G.114, annex A).
    """

    impairment: float
    robustness: float
    delay_seconds: float


CODECS: Final[Mapping[str, Codec]] = MappingProxyType(
    {
        # ITU-T G.113, appendix I. G.711: packets of 10 ms, concealment by its appendix I, which holds back 3.75 ms.
        "g711": Codec(impairment=0.0, robustness=25.1, delay_seconds=0.010125 + 0.00375),
        # G.729A with VAD: frames of 10 ms, two in a packet, 5 ms look-ahead.
        "g729a": Codec(impairment=11.0, robustness=19.0, delay_seconds=0.035),
    }
)
"""Codecs for which the ITU-T gives both factors. For the vocoders of digital radio (PDT, DMR) it gives none."""

# The table of default values of G.107: loudness and sidetone ratings, echo, noise, and quantizing distortion.
SLR, RLR, STMR, DS, DR = 8.0, 2.0, 15.0, 3.0, 3.0
LSTR = STMR + DR
TELR, WEPL = 65.0, 110.0
NC, NFOR, PS, PR, QDU = -70.0, -64.0, 35.0, 35.0, 1.0
SENSITIVITY, LEAST_DELAY_MS = 1.0, 100.0
"""sT and mT: the default delay sensitivity, and the delay below which nothing is noticed."""


def _sum_db(*levels: float) -> float:
    """Levels in dB, added as powers."""
    return 10 * math.log10(sum(10 ** (level / 10) for level in levels))


def _noise() -> float:
    """No: all noise at the 0 dBr point, dBm0p (7.2)."""
    olr = SLR + RLR
    nos = PS - SLR - DS - 100 + 0.004 * (PS - olr - DS - 14) ** 2
    pre = PR + 10 * math.log10(1 + 10 ** ((10 - LSTR) / 10))
    nor = RLR - 121 + pre + 0.008 * (pre - 35) ** 2
    return _sum_db(NC, nos, nor, NFOR + RLR)


NO: Final = _noise()
RO: Final = 15 - 1.5 * (SLR + NO)
"""Basic signal-to-noise ratio."""


def _simultaneous(one_way_ms: float) -> float:
    """Is: what comes together with the voice: loudness, sidetone, quantizing (7.3)."""
    x = SLR + RLR + 0.2 * (64 + NO - RLR)
    iolr: float = 20 * ((1 + (x / 8) ** 8) ** (1 / 8) - x / 8)
    stmr = -10 * math.log10(10 ** (-STMR / 10) + math.exp(-one_way_ms / 4) * 10 ** (-TELR / 10))
    ist: float = (
        12 * (1 + ((stmr - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((stmr + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((stmr - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37 - 15 * math.log10(QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    iq = 15 * math.log10(1 + 10 ** ((RO - 100) / 15 + 46 / 8.4 - g / 9) + 10 ** (46 / 30 - g / 40))
    return iolr + ist + iq


def _delayed(one_way_ms: float) -> float:
    """Id: talker echo, listener echo and the delay itself (7.4). The round trip is twice the one-way delay."""
    terv = TELR - 40 * math.log10((1 + one_way_ms / 10) / (1 + one_way_ms / 150)) + 6 * math.exp(-0.3 * one_way_ms**2)
    roe, re = -1.5 * (NO - RLR), 80 + 2.5 * (terv - 14)
    idte = ((roe - re) / 2 + math.sqrt((roe - re) ** 2 / 4 + 100) - 1) * (1 - math.exp(-one_way_ms))
    rle: float = 10.5 * (WEPL + 7) * (2 * one_way_ms + 1) ** -0.25
    idle = (RO - rle) / 2 + math.sqrt((RO - rle) ** 2 / 4 + 169)
    return idte + idle + _too_late(one_way_ms)


def _too_late(one_way_ms: float) -> float:
    """Idd: delay without any echo (7.4)."""
    if one_way_ms <= LEAST_DELAY_MS:
        return 0.0
    x = math.log2(one_way_ms / LEAST_DELAY_MS)
    power = 6 * SENSITIVITY
    found: float = 25 * ((1 + x**power) ** (1 / power) - 3 * (1 + (x / 3) ** power) ** (1 / power) + 2)
    return found


def _equipment(codec: Codec, loss_ratio: float, burst_ratio: float) -> float:
    """Ie-eff: the codec, and what loss does to it (7.5)."""
    percent = 100 * loss_ratio
    if percent <= 0:
        return codec.impairment
    return codec.impairment + (95 - codec.impairment) * percent / (percent / max(burst_ratio, 1.0) + codec.robustness)


def rating(*, delay_seconds: float, loss_ratio: float, burst_ratio: float = 1.0, codec: Codec) -> float:
    """R, the transmission rating factor, 0 or more, at best 93.

    By ITU-T G.109 users are satisfied from 80 on, many are not below 70, and nearly none is below 60.

    Args:
        delay_seconds: from mouth to ear, one way, network, codec and buffer together.
        loss_ratio: packets lost or too late for the buffer, from 0 to 1.
        burst_ratio: BurstR, see :class:`probes.wire.bursts.LossShape`; less than 1 counts as 1.
    """
    one_way_ms = max(1000 * delay_seconds, 0.0)
    found = RO - _simultaneous(one_way_ms) - _delayed(one_way_ms) - _equipment(codec, loss_ratio, burst_ratio)
    return max(found, 0.0)


def mos(rating_factor: float) -> float:
    """The mean opinion score that belongs to R, from 1 to 4.5: MOS-CQE, conversational quality (G.107, annex B)."""
    r = min(max(rating_factor, 0.0), 100.0)
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
