"""Kind ``ping``: a host answers ICMP echo requests, how fast, how steadily, and how many of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from probes.base import Endpoint, ProbeKind, ProbeResult, Trace
from probes.wire.echo import ECHO_READINGS
from probes.wire.reachability import EchoParams, reach

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "PingParams", "probe_ping"]


class PingParams(EchoParams):
    """Parameters of a ping."""


async def probe_ping(
    endpoints: Mapping[str, Endpoint], params: PingParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ping the host. Lost packets are a reading; only when none is answered does the probe fail.

    Raises:
        MonitorFault: this machine could not send, or lost answers itself.
    """
    trace = Trace()
    found = await reach(endpoints["host"], params, wires=wires, timeout=timeout, trace=trace)
    return ProbeResult(
        failure=found.failure,
        detail=found.detail,
        readings=found.readings,
        samples=found.samples,
        steps=trace.steps,
    )


KIND = ProbeKind(
    name="ping",
    help="Reachability, loss, round trip and delay variation by ICMP echo.",
    params=PingParams,
    probe=probe_ping,
    readings=ECHO_READINGS,
)
