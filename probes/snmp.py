"""Kind ``snmp``: a device answers SNMP, and what a profile or the operator's own list of objects reads from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from probes.base import Endpoint, Params, ProbeKind, ProbeResult, Trace
from probes.profiles import Module, ReadingSpec, declared_readings, declared_states
from probes.profiles.auto import poll_by
from probes.profiles.poll import POLL_READINGS
from probes.wire.interface import INTERFACE_COUNTERS

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "SnmpParams", "probe_snmp"]

OWN = "own"
"""The module that the operator's own objects make."""


class SnmpParams(Params):
    """What to read, and which credentials to use."""

    auth: str = Field(default="default", description="name of the SNMP credentials in the inventory")
    profile: str = Field(default="host-system", description="the vendor profile to read, or `auto`")
    oids: tuple[ReadingSpec, ...] = Field(
        default=(), description="further objects, each with the reading that it makes"
    )


async def probe_snmp(
    endpoints: Mapping[str, Endpoint], params: SnmpParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Read one device once. A failure takes nothing away that was answered before it."""
    trace = Trace()
    own = {OWN: Module(readings=params.oids)} if params.oids else {}
    _profile, polled = await poll_by(
        params.profile, endpoint=endpoints["host"], auth=params.auth, wires=wires, timeout=timeout, trace=trace,
        more=own,
    )  # fmt: skip
    return ProbeResult(
        failure=polled.failure,
        detail=polled.detail,
        readings=polled.readings,
        states=polled.states,
        counters=polled.counters,
        facts=polled.facts,
        steps=trace.steps,
    )


KIND = ProbeKind(
    name="snmp",
    help="Reads a device's own measurements and states by SNMP.",
    params=SnmpParams,
    probe=probe_snmp,
    readings=(*POLL_READINGS, *declared_readings()),
    counters=tuple(replace(counter, index="port") for counter in INTERFACE_COUNTERS),
    states=declared_states(),
    open_ended=True,
)
