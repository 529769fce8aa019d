"""Does an endpoint answer, and how well: name, echoes, statistics. Shared by every kind that starts with a ping."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field

from probes.base import EMPTY, Endpoint, Failure, NetworkFailure, Params, Trace, indexed
from probes.wire.echo import failure_of, readings_of, rtts
from probes.wire.names import family_of_literal

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["EchoParams", "Reach", "reach"]


class EchoParams(Params):
    """How to ping. A kind that pings inherits these keys."""

    count: int = Field(default=10, ge=1, le=1000, description="echo requests in one probe")
    gap_seconds: float = Field(default=0.1, ge=0.002, le=10, description="time between two requests")
    payload_bytes: int = Field(default=56, ge=12, le=8972, description="bytes after the ICMP header")
    dscp: int = Field(default=0, ge=0, le=63, description="differentiated services code point (RFC 2474)")
    dont_fragment: bool = Field(default=False, description="forbid fragmentation on the way, and report the MTU")
    hop_limit: int | None = Field(default=None, ge=1, le=255, description="TTL or hop limit; empty: the system's own")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The outcome of :func:`reach`.

    Attributes:
        failure: why nothing came back; ``None`` as soon as one packet was answered.
        detail: one sentence for a person.
        address: the address that was pinged; empty if the name did not resolve.
        readings: see :data:`probes.wire.echo.ECHO_READINGS`; empty if nothing was sent.
        samples: ``rtt_seconds``, in order of sending.
    """

    failure: Failure | None
    detail: str
    address: str = ""
    readings: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    samples: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: EMPTY)


async def reach(
    endpoint: Endpoint,
    options: EchoParams,
    *,
    wires: Wires,
    timeout: float,
    trace: Trace,
    index: str | None = None,
) -> Reach:
    """Resolve the endpoint's host in its family, ping it, and make readings.

    Args:
        timeout: seconds for all of it.
        index: where given, every key becomes ``name[index]`` (an uplink's ``near`` and ``far``).

    Raises:
        MonitorFault: this machine could not send, or lost answers itself.
    """
    until = trace.elapsed_seconds + timeout
    try:
        if family_of_literal(endpoint.host) is endpoint.family:
            address = endpoint.host
        else:
            async with asyncio.timeout(timeout):
                address = await wires.names.resolve(endpoint.host, endpoint.family)
    except NetworkFailure as error:
        trace.step(error.detail)
        return Reach(failure=error.failure, detail=error.detail)
    except TimeoutError:
        detail = f"the resolver had no answer for {endpoint.host} within {timeout:g} s"
        trace.step(detail)
        return Reach(failure=Failure.NAME_SERVER, detail=detail)
    trace.step(f"pinging {address}")
    echoes = await wires.icmp.ping(
        address,
        family=endpoint.family,
        count=options.count,
        gap_seconds=options.gap_seconds,
        payload_bytes=options.payload_bytes,
        dscp=options.dscp,
        dont_fragment=options.dont_fragment,
        hop_limit=options.hop_limit,
        timeout=until - trace.elapsed_seconds,
    )
    failure, detail = failure_of(echoes)
    readings = readings_of(echoes)
    samples = {"rtt_seconds": rtts(echoes)}
    trace.step(f"{readings['received']:.0f} of {readings['sent']:.0f} packets answered")
    if index is not None:
        readings = {indexed(name, index): value for name, value in readings.items()}
        samples = {indexed(name, index): values for name, values in samples.items()}
    return Reach(failure=failure, detail=detail, address=address, readings=readings, samples=samples)
