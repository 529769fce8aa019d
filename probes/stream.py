"""Kind ``stream``: a few packets a second, all the time: loss second by second, its shape, and what voice makes of it.

ICMP echo, so that any far end will do. What is lost or late may have been so on either way: for voice, which goes one
way, all of it is counted, and the delay is half of the round trip. So the estimate of voice errs to the worse side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from probes.base import Draft, Endpoint, Failure, NetworkFailure, Params, ProbeKind, ProbeResult, Reading
from probes.wire.bursts import loss_shape
from probes.wire.echo import (
    ECHO_READINGS,
    LAST_ANSWERS_SECONDS,
    Echo,
    failure_of,
    readings_of,
    sending_seconds,
)
from probes.wire.emodel import CODECS, mos, rating
from probes.wire.failures import network

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "SECONDS", "StreamParams", "probe_stream"]

FAR: Final = "far"
LOOKUP_SECONDS: Final = 0.1
"""A lookup that takes no longer is made up for by packets that are closer together; a longer one costs a second."""
SECONDS: Final = "second_loss_ratio"
"""The sample that :func:`netmon.derive.availability` reads: the loss of each whole second, one after another."""


class StreamParams(Params):
    """Parameters of a stream."""

    packets_per_second: int = Field(default=20, ge=1, le=100, description="packets sent each second")
    payload_bytes: int = Field(default=160, ge=12, le=8972, description="bytes after the ICMP header")
    dscp: int = Field(default=0, ge=0, le=63, description="differentiated services code point (RFC 2474); voice: 46")
    codec: Literal["g711", "g729a"] = Field(default="g711", description="codec of the voice that is estimated")
    jitter_buffer_seconds: float = Field(
        default=0.06, ge=0, le=2, description="what the receiver's buffer holds back; later packets are lost to voice"
    )


async def probe_stream(
    endpoints: Mapping[str, Endpoint], params: StreamParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Send for all of the timeout but what the last answers need; in whole seconds, where there is one.

    Raises:
        MonitorFault: this machine could not send, or lost answers itself.
    """
    draft, far = Draft(timeout), endpoints[FAR]
    try:
        async with network(f"looking up {far.host}", timeout, on_timeout=Failure.NAME_SERVER):
            address = await wires.names.resolve(far.host, far.family)
    except NetworkFailure as error:
        return draft.finish(error)
    left = draft.seconds_left
    seconds = sending_seconds(left)
    whole = math.floor(seconds + LOOKUP_SECONDS)
    count = whole * params.packets_per_second or max(1, math.floor(seconds * params.packets_per_second))
    draft.trace.step(f"sending {count} packets to {address}, DSCP {params.dscp}")
    answered = await wires.icmp.ping(
        address, family=far.family, count=count, gap_seconds=1 / params.packets_per_second,
        payload_bytes=params.payload_bytes, dscp=params.dscp, timeout=left,
    )  # fmt: skip
    # The first packets could be waited for much longer than the last ones: all have the same time.
    echoes = [echo if (echo.rtt_seconds or 0.0) <= LAST_ANSWERS_SECONDS else Echo() for echo in answered]
    failure, detail = failure_of(echoes)
    draft.readings |= readings_of(echoes) | shape_of(echoes, params) | voice_of(echoes, params)
    # Packets that were not sent are the last ones; a second of which one is missing was not measured.
    losses = second_losses(echoes, params.packets_per_second)
    draft.readings["measured_seconds"] = float(len(losses))
    draft.trace.step(f"{draft.readings['received']:.0f} of {len(echoes)} packets answered")
    return ProbeResult(
        failure=failure, detail=detail, readings=draft.readings, samples={SECONDS: losses}, steps=draft.trace.steps
    )


def second_losses(echoes: Sequence[Echo], packets_per_second: int) -> tuple[float, ...]:
    """The share of lost packets of each second, by the time at which they were due to be sent; whole seconds only."""
    blocks = range(0, len(echoes) - packets_per_second + 1, packets_per_second)
    return tuple(
        sum(not echo.received for echo in echoes[begin : begin + packets_per_second]) / packets_per_second
        for begin in blocks
    )


def shape_of(echoes: Sequence[Echo], params: StreamParams) -> dict[str, float]:
    """How the losses lie (:func:`probes.wire.bursts.loss_shape`)."""
    shape = loss_shape([not echo.received for echo in echoes])
    return {
        "burst_loss_ratio": shape.burst_loss_ratio,
        "gap_loss_ratio": shape.gap_loss_ratio,
        "burst_mean_seconds": shape.burst_packets / params.packets_per_second,
        "gap_mean_seconds": shape.gap_packets / params.packets_per_second,
        "burst_ratio": shape.burst_ratio,
        "longest_loss_seconds": shape.longest_packets / params.packets_per_second,
    }


def voice_of(echoes: Sequence[Echo], params: StreamParams) -> dict[str, float]:
    """What voice over this line would be like; nothing if no round trip is known.

    A packet that comes later than the fastest one by more than the buffer holds back is lost to voice.
    """
    known = [echo.rtt_seconds for echo in echoes if echo.rtt_seconds is not None]
    if not known:
        return {}
    fastest = min(known)
    latest = fastest + params.jitter_buffer_seconds
    lost = [not echo.received or (echo.rtt_seconds is not None and echo.rtt_seconds > latest) for echo in echoes]
    codec = CODECS[params.codec]
    delay = fastest / 2 + params.jitter_buffer_seconds + codec.delay_seconds
    loss = sum(lost) / len(lost)
    r = rating(delay_seconds=delay, loss_ratio=loss, burst_ratio=loss_shape(lost).burst_ratio, codec=codec)
    return {"voice_delay_seconds": delay, "voice_loss_ratio": loss, "r_factor": r, "mos_cqe": mos(r)}


KIND = ProbeKind(
    name="stream",
    help="A low-rate stream over a line: loss by the second and its shape, delay variation, voice quality.",
    params=StreamParams,
    probe=probe_stream,
    roles=(FAR,),
    continuous=True,
    readings=(
        *ECHO_READINGS,
        Reading(name="measured_seconds", help="Whole seconds that were measured in this run."),
        Reading(name="burst_loss_ratio", help="Share of packets lost within bursts (burst density, RFC 3611, 4.7.2)."),
        Reading(name="gap_loss_ratio", help="Share of packets lost outside of bursts (gap density, RFC 3611, 4.7.2)."),
        Reading(name="burst_mean_seconds", help="Mean duration of a burst of losses (RFC 3611, 4.7.2); 0 for none."),
        Reading(name="gap_mean_seconds", help="Mean time between bursts of losses (RFC 3611, 4.7.2)."),
        Reading(
            name="burst_ratio",
            help="Mean row of lost packets by that of random loss (BurstR, ITU-T G.107): 1 is random, more is bursty.",
        ),
        Reading(name="longest_loss_seconds", help="How long at most every packet in a row was lost."),
        Reading(
            name="voice_delay_seconds",
            help="Mouth to ear, one way: half of the shortest round trip, the jitter buffer and the codec.",
            optional=True,
        ),
        Reading(
            name="voice_loss_ratio",
            help="Share of packets lost, or too late for the jitter buffer; both ways together.",
            optional=True,
        ),
        Reading(
            name="r_factor",
            help="Transmission rating factor R of the E-model (ITU-T G.107), from voice_delay and voice_loss.",
            optional=True,
        ),
        Reading(
            name="mos_cqe",
            help="Mean opinion score that belongs to R, 1 to 4.5 (MOS-CQE, ITU-T G.107, annex B).",
            optional=True,
        ),
        Reading(
            name="available_seconds",
            help="Seconds that turned out in this run to be available time; some may be of the run before.",
            optional=True,
        ),
        Reading(
            name="unavailable_seconds",
            help="Seconds that turned out to be unavailable time: ten or more severely errored ones in a row.",
            optional=True,
        ),
        Reading(
            name="severely_errored_seconds",
            help="Seconds of available time in which more than half of the packets were lost.",
            optional=True,
        ),
        Reading(
            name="undecided_seconds",
            help="Seconds at the end of this run of which the next one decides what they are.",
            optional=True,
        ),
        Reading(
            name="line_available",
            help="1 if the last second decided on was available time, 0 if not; absent while that is not known.",
            optional=True,
        ),
    ),
)
