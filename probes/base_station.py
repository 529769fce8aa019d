"""Kind ``base_station``: a 350 MHz base station or repeater answers, and what it says about itself.

ICMP and SNMP are asked at the same time and told apart: a station that answers ping and not SNMP is reachable and its
health is not known; one that answers SNMP and not ping stands behind a filter. It fails only when neither answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from probes.base import Endpoint, Failure, NetworkFailure, ProbeKind, ProbeResult, Reading, Trace
from probes.profiles import ProfileName, declared_readings, declared_states, load
from probes.profiles.poll import POLL_READINGS, Polled, poll
from probes.wire.echo import ECHO_READINGS
from probes.wire.failures import network
from probes.wire.reachability import EchoParams, Reach, reach
from probes.wire.together import together

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "BaseStationParams", "probe_base_station"]


class BaseStationParams(EchoParams):
    """How to ping, which credentials to use, and which vendor profile to read."""

    auth: str = Field(default="default", description="name of the SNMP credentials in the inventory")
    profile: ProfileName = Field(default="hytera-repeater", description="the vendor profile to read")


async def probe_base_station(
    endpoints: Mapping[str, Endpoint], params: BaseStationParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ping the station and read its profile, both within ``timeout``.

    Raises:
        MonitorFault: this machine could not send.
    """
    trace = Trace()
    host = endpoints["host"]
    reached, polled = await together(
        reach(replace(host, port=None), params, wires=wires, timeout=timeout, trace=trace),
        _poll(host, params, wires=wires, timeout=timeout, trace=trace),
    )
    failure, detail = _judge(reached, polled)
    icmp_up = float(reached.failure is None)
    return ProbeResult(
        failure=failure,
        detail=detail,
        readings={"icmp_up": icmp_up, **reached.readings, **polled.readings},
        samples=reached.samples,
        states=polled.states,
        facts=polled.facts,
        steps=trace.steps,
    )


async def _poll(host: Endpoint, params: BaseStationParams, *, wires: Wires, timeout: float, trace: Trace) -> Polled:
    try:
        async with network(f"looking up {host.host}", timeout, on_timeout=Failure.NAME_SERVER):
            address = await wires.names.resolve(host.host, host.family)
    except NetworkFailure as error:
        return Polled(failure=error.failure, detail=error.detail, readings={"snmp_up": 0.0})
    return await poll(
        load(params.profile).modules,
        address=address,
        port=host.port,
        auth=params.auth,
        wires=wires,
        timeout=timeout - trace.elapsed_seconds,
        trace=trace,
    )


def _judge(reached: Reach, polled: Polled) -> tuple[Failure | None, str]:
    """A failure if nothing answered. Refused credentials without a ping leave it open whether the station works."""
    snmp_up = bool(polled.readings.get("snmp_up"))
    if reached.failure is not None and not snmp_up:
        if polled.failure is Failure.AUTHENTICATION:
            return polled.failure, polled.detail
        return reached.failure, f"{reached.detail}; {polled.detail}"
    if reached.failure is not None:
        return None, f"SNMP answers, ping does not: {reached.detail}"
    if not snmp_up:
        return None, f"ping answers, SNMP does not: {polled.detail}"
    return None, polled.detail


KIND = ProbeKind(
    name="base_station",
    help="A base station or repeater: reachability, and its own measurements and alarms by a vendor profile.",
    params=BaseStationParams,
    probe=probe_base_station,
    readings=(
        Reading(name="icmp_up", help="1 if at least one echo request was answered, else 0."),
        *ECHO_READINGS,
        *POLL_READINGS,
        *declared_readings(),
    ),
    states=declared_states(),
)
