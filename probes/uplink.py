"""Kind ``uplink``: the line between a site and its superior: loss, delay, delay variation, traffic, errors, state.

Both ends may be asked: the near end is ours, the far end is the site's. Every reading carries its end as index.
Traffic comes from the interface counters of IF-MIB at each end; an end without SNMP credentials has none, and says so
by the absence of ``snmp_up[end]``. Rates are derived from two probes, so the first has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from probes.base import (
    CounterSample,
    Endpoint,
    Failure,
    NetworkFailure,
    ProbeKind,
    ProbeResult,
    Reading,
    State,
    Trace,
    indexed,
)
from probes.wire.echo import ECHO_READINGS
from probes.wire.failures import network
from probes.wire.interface import INTERFACE_COUNTERS, Interface, read_interface
from probes.wire.reachability import EchoParams, Reach, reach
from probes.wire.together import together

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "UplinkParams", "probe_uplink"]

NEAR, FAR = "near", "far"


class UplinkParams(EchoParams):
    """How to ping, where the counters of each end are, and what the contract says."""

    near_auth: str = Field(default="", description="SNMP credentials of the near end; empty: it has no SNMP")
    near_interface: str = Field(default="", description="its interface to the line: ifName, ifDescr or ifAlias")
    near_speed_bits_per_second: float | None = Field(
        default=None, gt=0, description="the speed of its interface, where the device does not know it"
    )
    far_auth: str = Field(default="", description="SNMP credentials of the far end; empty: it has no SNMP")
    far_interface: str = Field(default="", description="its interface to the line: ifName, ifDescr or ifAlias")
    far_speed_bits_per_second: float | None = Field(
        default=None, gt=0, description="the speed of its interface, where the device does not know it"
    )
    provisioned_bits_per_second: float | None = Field(
        default=None, gt=0, description="the speed that the contract promises, in each direction"
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        for end in (NEAR, FAR):
            auth, interface = getattr(self, f"{end}_auth"), getattr(self, f"{end}_interface")
            if bool(auth) != bool(interface):
                raise ValueError(f"{end}_auth and {end}_interface belong together: give both or neither")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What one end gave; ``interface`` is ``None`` where there is no SNMP."""

    role: str
    reached: Reach
    interface: Interface | None

    @property
    def answers(self) -> bool:
        return self.reached.failure is None or (self.interface is not None and self.interface.answered)


async def probe_uplink(
    endpoints: Mapping[str, Endpoint], params: UplinkParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ping both ends and read their interfaces, all within ``timeout``. The line fails if the far end is silent.

    Raises:
        MonitorFault: this machine could not send.
    """
    trace = Trace()
    near, far = await together(
        _end(NEAR, endpoints[NEAR], params, wires=wires, timeout=timeout, trace=trace),
        _end(FAR, endpoints[FAR], params, wires=wires, timeout=timeout, trace=trace),
    )
    readings: dict[str, float] = {}
    if params.provisioned_bits_per_second is not None:
        readings["provisioned_bits_per_second"] = params.provisioned_bits_per_second
    samples: dict[str, tuple[float, ...]] = {}
    states: dict[str, State] = {}
    counters: dict[str, CounterSample] = {}
    for end in (near, far):
        readings |= end.reached.readings
        samples.update(end.reached.samples)
        if end.interface is not None:
            readings |= _interface_readings(end.role, end.interface, params.provisioned_bits_per_second)
            states |= {indexed(name, end.role): state for name, state in end.interface.states.items()}
            counters |= {indexed(name, end.role): sample for name, sample in end.interface.counters.items()}
    failure, detail = _judge(near, far)
    return ProbeResult(
        failure=failure,
        detail=detail,
        readings=readings,
        samples=samples,
        states=states,
        counters=counters,
        steps=trace.steps,
    )


async def _end(
    role: str, endpoint: Endpoint, params: UplinkParams, *, wires: Wires, timeout: float, trace: Trace
) -> _End:
    ping = reach(replace(endpoint, port=None), params, wires=wires, timeout=timeout, trace=trace, index=role)
    if not getattr(params, f"{role}_auth"):
        return _End(role=role, reached=await ping, interface=None)
    reached, interface = await together(
        ping, _read(endpoint, params, wires=wires, timeout=timeout, trace=trace, role=role)
    )
    return _End(role=role, reached=reached, interface=interface)


async def _read(
    endpoint: Endpoint, params: UplinkParams, *, wires: Wires, timeout: float, trace: Trace, role: str
) -> Interface:
    auth, name, speed = (getattr(params, f"{role}_{key}") for key in ("auth", "interface", "speed_bits_per_second"))
    try:
        async with network(f"looking up {endpoint.host}", timeout, on_timeout=Failure.NAME_SERVER):
            address = await wires.names.resolve(endpoint.host, endpoint.family)
    except NetworkFailure as error:
        return Interface(failure=error.failure, detail=error.detail, answered=False)
    left = timeout - trace.elapsed_seconds
    interface = await read_interface(wires.snmp, address, endpoint.port, auth, name, speed=speed, timeout=left)
    trace.step(f"{role} end, interface {name!r}: {interface.detail or 'read'}")
    return interface


def _interface_readings(role: str, interface: Interface, provisioned: float | None) -> dict[str, float]:
    readings = {
        "snmp_up": float(interface.answered),
        "interface_found": float(interface.found),
        **interface.readings,
    }
    speed = interface.readings.get("interface_speed_bits_per_second")
    known = [each for each in (provisioned, speed) if each]
    if known:
        readings["line_capacity_bits_per_second"] = min(known)
    if provisioned and speed:
        readings["provisioned_speed_ratio"] = speed / provisioned
    return {indexed(name, role): value for name, value in readings.items()}


def _judge(near: _End, far: _End) -> tuple[Failure | None, str]:
    if not far.answers:
        # Where the near end is silent too, the line may be innocent: the sentence says so, the dependencies decide.
        also = "" if near.answers else "; the near end does not answer either"
        return far.reached.failure, f"far end: {far.reached.detail}{also}"
    troubles = [
        f"{end.role} end: {trouble.detail}"
        for end in (near, far)
        for trouble in (end.reached, end.interface)
        if trouble is not None and trouble.failure is not None
    ]
    return None, "; ".join(troubles)


def _at_end(reading: Reading) -> Reading:
    return replace(reading, index="end")


KIND = ProbeKind(
    name="uplink",
    help="A site's uplink, seen at both ends: loss, delay, delay variation, traffic, errors, interface state.",
    params=UplinkParams,
    probe=probe_uplink,
    roles=(NEAR, FAR),
    readings=(
        *(_at_end(reading) for reading in ECHO_READINGS),
        Reading(
            name="provisioned_bits_per_second",
            help="What the contract promises in each direction, as the inventory says; not a measurement.",
            optional=True,
        ),
        Reading(
            name="snmp_up",
            help="1 if the end's agent answered, else 0; absent if the end has no SNMP.",
            optional=True,
            index="end",
        ),
        Reading(
            name="interface_found",
            help="1 if the end has exactly one interface of the given name and it was read, else 0.",
            optional=True,
            index="end",
        ),
        Reading(
            name="interface_speed_bits_per_second",
            help="The interface's nominal speed (ifSpeed, ifHighSpeed, RFC 2863): its line rate, not the contract's.",
            optional=True,
            index="end",
        ),
        Reading(
            name="line_capacity_bits_per_second",
            help="What utilisation is a share of: the provisioned or the interface's speed, whichever is less.",
            optional=True,
            index="end",
        ),
        Reading(
            name="provisioned_speed_ratio",
            help="The interface's speed by the provisioned one: below 1 the line cannot carry what it should.",
            optional=True,
            index="end",
        ),
        Reading(
            name="fastest_speed_bits_per_second",
            help="The fastest speed that the interface had since this entry of the inventory was changed last.",
            optional=True,
            index="end",
        ),
        Reading(
            name="negotiated_speed_ratio",
            help="The interface's speed by its fastest one: below 1 it negotiated less than it did before.",
            optional=True,
            index="end",
        ),
        Reading(
            name="implausible_counters",
            help="Counters that went faster than the interface's speed allows, so that no rate is made of them.",
            optional=True,
            index="end",
        ),
        Reading(
            name="agent_uptime_seconds",
            help="Time since the management part of the device was started (sysUpTime; starts again after 497 days).",
            optional=True,
            index="end",
        ),
        Reading(
            name="interface_unchanged_seconds",
            help="Time since the interface entered its present state (sysUpTime minus ifLastChange).",
            optional=True,
            index="end",
        ),
    ),
    counters=INTERFACE_COUNTERS,
    states={
        "interface_oper_status": "Whether the interface passes packets (ifOperStatus).",
        "interface_admin_status": "Whether the administrator switched it on (ifAdminStatus).",
    },
)
