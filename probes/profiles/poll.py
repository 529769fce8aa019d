"""Read a device by a profile: shared by the kinds that have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.base import Endpoint, Failure, NetworkFailure, Reading, State, Trace, indexed
from probes.profiles import Module
from probes.profiles.decode import decode
from probes.wire.failures import network
from probes.wire.reachability import Reach

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["POLL_READINGS", "Polled", "poll", "reached_or_polled"]

POLL_READINGS = (
    Reading(name="snmp_up", help="1 if the agent answered with at least one of the objects asked for, else 0."),
    Reading(
        name="module_success",
        help="1 if every object of this group was answered, 0 if some were not; absent if the device has none of them.",
        optional=True,
        index="module",
    ),
    Reading(
        name="rejected_values",
        help="Objects whose value cannot be what the MIB says (wrong type, out of range) and was therefore left out.",
        optional=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a device said. ``failure`` is about the whole; what came before it is here all the same."""

    failure: Failure | None
    detail: str
    readings: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


async def poll(
    modules: Mapping[str, Module],
    *,
    endpoint: Endpoint,
    auth: str,
    wires: Wires,
    timeout: float,
    trace: Trace,
) -> Polled:
    """Ask for every object of ``modules``, in few requests, and make readings of what came."""
    until = trace.elapsed_seconds + timeout
    try:
        async with network(f"looking up {endpoint.host}", timeout, on_timeout=Failure.NAME_SERVER):
            address = await wires.names.resolve(endpoint.host, endpoint.family)
    except NetworkFailure as error:
        trace.step(error.detail)
        return Polled(failure=error.failure, detail=error.detail, readings={"snmp_up": 0.0})
    oids = [item.number for module in modules.values() for item in module.objects]
    trace.step(f"asking {address} for {len(oids)} objects")
    reply = await wires.snmp.get(address, endpoint.port, auth, oids, timeout=until - trace.elapsed_seconds)
    trace.step(f"{len(reply.values)} objects answered, {len(reply.absent)} not supported. {reply.detail}".strip())
    decoded = decode(modules, reply.values)
    for sentence in decoded.rejected:
        trace.step(f"left out: {sentence}")
    readings = {"snmp_up": 1.0 if reply.values else 0.0}
    for name, module in modules.items():
        wanted = {item.number for item in module.objects}
        if not wanted <= reply.absent:
            answered = wanted <= reply.absent | reply.values.keys()
            readings[indexed("module_success", name)] = float(answered)
    if reply.values:
        readings["rejected_values"] = float(len(decoded.rejected))
    failure, detail = reply.failure, reply.detail
    if failure is None and not reply.values:
        failure, detail = Failure.BAD_REPLY, "the agent has none of these objects: is it another kind of device?"
    return Polled(
        failure=failure,
        detail=detail,
        readings={**readings, **decoded.readings},
        states=decoded.states,
        facts=decoded.facts,
    )


def reached_or_polled(reached: Reach, polled: Polled) -> tuple[Failure | None, str]:
    """A failure, with its sentence, only if a device answers neither ping nor SNMP; else what is not well.

    Refused credentials without a ping leave it open whether the device works: that is the failure then.
    """
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
