"""Read a device by a profile: shared by the kinds that have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.base import CounterSample, Endpoint, Failure, NetworkFailure, Reading, State, Trace, indexed
from probes.profiles.decode import SYS_UP_TIME, decode
from probes.profiles.spec import Module, TableSpec
from probes.wire.failures import network
from probes.wire.reachability import Reach
from probes.wire.snmp import SnmpReply
from probes.wire.snmp_message import Oid

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["POLL_READINGS", "Polled", "ask", "look_up", "poll", "reached_or_polled", "scalars"]

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
    counters: Mapping[str, CounterSample] = field(default_factory=dict)
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
        address = await look_up(endpoint, wires, timeout)
    except NetworkFailure as error:
        trace.step(error.detail)
        return Polled(failure=error.failure, detail=error.detail, readings={"snmp_up": 0.0})
    reply = await ask(
        modules, address, endpoint.port, auth, wires=wires, timeout=until - trace.elapsed_seconds, trace=trace
    )
    decoded = decode(modules, reply.values)
    for sentence in decoded.rejected:
        trace.step(f"left out: {sentence}")
    readings = {"snmp_up": 1.0 if reply.values else 0.0}
    for name, module in modules.items():
        success = _success(module, reply)
        if success is not None:
            readings[indexed("module_success", name)] = float(success)
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
        counters=decoded.counters,
        facts=decoded.facts,
    )


async def look_up(endpoint: Endpoint, wires: Wires, timeout: float) -> str:
    """The device's address. Raises :class:`NetworkFailure`."""
    async with network(f"looking up {endpoint.host}", timeout, on_timeout=Failure.NAME_SERVER):
        return await wires.names.resolve(endpoint.host, endpoint.family)


async def ask(
    modules: Mapping[str, Module],
    address: str,
    port: int | None,
    auth: str,
    *,
    wires: Wires,
    timeout: float,
    trace: Trace,
) -> SnmpReply:
    """What the device answers to the objects and tables of ``modules``, as it is."""
    until = trace.elapsed_seconds + timeout
    oids = scalars(modules)
    trace.step(f"asking {address} for {len(oids)} objects")
    reply = await wires.snmp.get(address, port, auth, oids, timeout=timeout)
    trace.step(f"{len(reply.values)} objects answered, {len(reply.absent)} not supported. {reply.detail}".strip())
    if reply.values and (tables := [table for module in modules.values() for table in module.tables]):
        reply = await _walk(tables, reply, wires, address, port, auth, until - trace.elapsed_seconds)
        trace.step(f"{len(reply.values)} objects with those of {len(tables)} tables. {reply.detail}".strip())
    return reply


def scalars(modules: Mapping[str, Module]) -> list[Oid]:
    """The object instances of these modules, with the device's clock where there are counters."""
    oids = [item.number for module in modules.values() for item in module.objects]
    if any(table.counters for module in modules.values() for table in module.tables):
        oids.append(SYS_UP_TIME)
    return list(dict.fromkeys(oids))


async def _walk(
    tables: Sequence[TableSpec],
    reply: SnmpReply,
    wires: Wires,
    address: str,
    port: int | None,
    auth: str,
    timeout: float,
) -> SnmpReply:
    """The tables' columns, added to what was answered before. A table that is longer than its limit is no failure."""
    columns = [column for table in tables for column in table.columns]
    most = sum((table.limit + 1) * len(table.columns) for table in tables)
    found = await wires.snmp.walk(address, port, auth, columns, timeout=timeout, max_rows=most)
    failure, detail = (None, "") if len(found.values) >= most else (found.failure, found.detail)
    return SnmpReply(
        values={**reply.values, **found.values},
        absent=reply.absent,
        failure=reply.failure or failure,
        detail=reply.detail or detail,
    )


def _success(module: Module, reply: SnmpReply) -> bool | None:
    """Whether all of a module was answered; ``None`` if the device has nothing of it."""
    wanted = {item.number for item in module.objects}
    roots = {column for table in module.tables for column in table.columns}
    lengths = {len(root) for root in roots}
    rows = bool(roots) and any(oid[:length] in roots for oid in reply.values for length in lengths)
    if wanted <= reply.absent and not rows:
        return None if reply.failure is None or not roots else False
    return wanted <= reply.absent | reply.values.keys() and (not roots or reply.failure is None)


def reached_or_polled(reached: Reach, polled: Polled) -> tuple[Failure | None, str]:
    """A failure, with its sentence, only if a device answers neither ping nor SNMP; else what is not well.

    Refused credentials without a ping leave it open whether the device works: that is the failure then. So does a
    device that answers and that no profile can read.
    """
    if polled.failure is Failure.UNKNOWN_DEVICE:
        return polled.failure, polled.detail
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
