"""Kind ``base_station``: a 350 MHz base station or repeater answers, and what it says about itself.

ICMP and SNMP are asked at the same time and told apart: a station that answers ping and not SNMP is reachable and its
health is not known; one that answers SNMP and not ping stands behind a filter. It fails only when neither answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from probes.base import Endpoint, ProbeKind, ProbeResult, Reading, State, Trace
from probes.profiles import Profile, declared_readings, declared_states
from probes.profiles.auto import poll_by
from probes.profiles.decode import holds
from probes.profiles.poll import POLL_READINGS, reached_or_polled
from probes.profiles.spec import SERVICE_WORDS
from probes.wire.echo import ECHO_READINGS
from probes.wire.reachability import EchoParams, reach
from probes.wire.together import together

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "BaseStationParams", "probe_base_station"]


class BaseStationParams(EchoParams):
    """How to ping, which credentials to use, and which vendor profile to read."""

    auth: str = Field(default="default", description="name of the SNMP credentials in the inventory")
    profile: str = Field(default="hytera-repeater", description="the vendor profile to read, or `auto`")


async def probe_base_station(
    endpoints: Mapping[str, Endpoint], params: BaseStationParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ping the station and read its profile, both within ``timeout``.

    Raises:
        MonitorFault: this machine could not send.
    """
    trace = Trace()
    host = endpoints["host"]
    reached, (profile, polled) = await together(
        reach(replace(host, port=None), params, wires=wires, timeout=timeout, trace=trace),
        poll_by(params.profile, endpoint=host, auth=params.auth, wires=wires, timeout=timeout, trace=trace),
    )
    failure, detail = reached_or_polled(reached, polled)
    icmp_up = float(reached.failure is None)
    return ProbeResult(
        failure=failure,
        detail=detail,
        readings={"icmp_up": icmp_up, **reached.readings, **polled.readings, **transmitting(profile, polled.states)},
        samples=reached.samples,
        states={**service(profile, polled.states), **polled.states},
        facts=polled.facts,
        steps=trace.steps,
    )


def service(profile: Profile, states: Mapping[str, State]) -> dict[str, State]:
    """``service_state``: the first of the profile's rules that holds. Nothing, if the device says too little."""
    for rule in profile.service:
        if holds(rule.when, states):
            return {"service_state": State(rule.word, SERVICE_WORDS[rule.word])}
    return {}


def transmitting(profile: Profile, states: Mapping[str, State]) -> dict[str, float]:
    """``transmitting``, 1 or 0, where the device tells: VSWR and reflected power are as old as the last 1."""
    if profile.transmitting.keys().isdisjoint(states):
        return {}
    return {"transmitting": float(holds(profile.transmitting, states))}


KIND = ProbeKind(
    name="base_station",
    help="A base station or repeater: reachability, and its own measurements and alarms by a vendor profile.",
    params=BaseStationParams,
    probe=probe_base_station,
    readings=(
        Reading(name="icmp_up", help="1 if at least one echo request was answered, else 0."),
        *ECHO_READINGS,
        *POLL_READINGS,
        Reading(
            name="transmitting", help="1 if the transmitter was on at the moment of asking, else 0.", optional=True
        ),
        Reading(
            name="transmission_age_seconds",
            help="Time since it was last seen transmitting; VSWR and reflected power are that old.",
            optional=True,
        ),
        *declared_readings(),
    ),
    states={"service_state": "What the station does for its users, by its own states.", **declared_states()},
    open_ended=True,
)
