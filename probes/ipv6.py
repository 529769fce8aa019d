"""Kind ``ipv6``: how far an application has come on its way from IPv4 to both families.

Each family is asked for itself, at the same time and at every address: a client that falls back to IPv4 would hide what
is broken. What is judged is the service as IPv4 gives it; IPv6 must give the same.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from probes.base import (
    Endpoint,
    Failure,
    Family,
    MonitorFault,
    NetworkFailure,
    ProbeKind,
    ProbeResult,
    Reading,
    Scheduling,
    State,
    StateClass,
    Trace,
    indexed,
)
from probes.wire.failures import network
from probes.wire.http import Exchange, ServiceParams
from probes.wire.source import require_source
from probes.wire.tls import CERTIFICATE_READINGS
from probes.wire.together import each, together

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "Ipv6Params", "Stage", "probe_ipv6"]

MAX_ADDRESSES = 8
"""Asked of each family; more than a handful is a content network, which is not what is watched here."""
WORDS = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}


class Stage(StrEnum):
    """How far IPv6 works, each stage after the one before; the lowest of all addresses counts."""

    NONE = "none"
    """The name has no usable AAAA record."""
    AAAA = "aaaa"
    """There is an address, and no TCP connection."""
    REACHABLE = "reachable"
    """There is a TCP connection, and no complete answer (with https: no TLS)."""
    TLS = "tls"
    """The certificate is valid, and there is no complete answer."""
    HTTP = "http"
    """There is an answer, but not the right one, or not the status that IPv4 gives."""
    DUAL_STACK = "dual_stack"
    """The same over both families."""


class Ipv6Params(ServiceParams):
    """What to ask for; the same of both families."""

    expected_status: tuple[Annotated[int, Field(ge=200, le=599)], ...] = Field(
        default=(), max_length=50, description="The status codes that are right; empty: any from 200 to 399."
    )


@dataclass(slots=True, kw_only=True)
class _Side:
    """What one family has, and what each of its addresses answered.

    Attributes:
        failure: why there are no addresses.
        fault: why this machine cannot judge it.
        resolve_seconds: ``None`` if there was no answer.
    """

    endpoint: Endpoint
    addresses: tuple[str, ...] = ()
    exchanges: list[Exchange] = field(default_factory=list)
    troubles: list[NetworkFailure | None] = field(default_factory=list)
    failure: NetworkFailure | None = None
    fault: MonitorFault | None = None
    resolve_seconds: float | None = None

    @property
    def words(self) -> str:
        return WORDS[self.endpoint.family]

    @property
    def broken(self) -> NetworkFailure | None:
        """Why no address of this family serves; ``None`` if one does, or if there is none."""
        if self.failure is not None or not self.troubles or None in self.troubles:
            return self.failure
        return self.troubles[0]

    @property
    def best(self) -> Exchange | None:
        """With the first address that serves, else with the first."""
        return self.exchanges[self.troubles.index(None) if None in self.troubles else 0] if self.exchanges else None


async def probe_ipv6(
    endpoints: Mapping[str, Endpoint], params: Ipv6Params, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ask the application over IPv4 (``v4``) and IPv6 (``v6``), at every address, within ``timeout``.

    Raises:
        MonitorFault: this machine has no IPv6 to judge the application's by, or cannot use ``ca_file``.
    """
    trace = Trace()
    v4, v6 = await together(
        _ask(endpoints["v4"], params, wires=wires, timeout=timeout, trace=trace),
        _ask(endpoints["v6"], params, wires=wires, timeout=timeout, trace=trace),
    )
    # An application that is down over IPv4 is down, whatever this machine knows about IPv6.
    if v6.fault is not None and v4.broken is None:
        raise v6.fault
    readings: dict[str, float] = {}
    facts: dict[str, str] = {}
    for side in (v4, v6):
        readings |= {indexed(name, side.endpoint.family.value): value for name, value in _readings(side).items()}
        facts |= _facts(side)
    stage = _stage(v4, v6, params)
    broken = v4.broken or (None if stage is Stage.NONE else v6.broken)
    return ProbeResult(
        failure=broken.failure if broken else None,
        detail=_detail(v4, v6, stage),
        readings=readings,
        states={} if stage is None else {"stage": State(stage.value, STAGES[stage])},
        facts=facts,
        steps=trace.steps,
    )


STAGES: Mapping[Stage, StateClass] = {
    stage: StateClass.OK if stage is Stage.DUAL_STACK else StateClass.DEGRADED for stage in Stage
}
"""Not being ready is no outage. That IPv6 is offered and broken is told by the failure."""


async def _ask(endpoint: Endpoint, params: Ipv6Params, *, wires: Wires, timeout: float, trace: Trace) -> _Side:
    side = _Side(endpoint=endpoint)
    part = trace.part(side.words)
    begun = trace.elapsed_seconds
    try:
        async with network(f"looking up {endpoint.host}", timeout, on_timeout=Failure.NAME_SERVER):
            found = await wires.names.resolve_all(endpoint.host, endpoint.family)
        side.resolve_seconds = trace.elapsed_seconds - begun
        side.addresses = _usable(found, part)
    except NetworkFailure as failure:
        if failure.failure is Failure.NAME_NOT_FOUND:
            side.resolve_seconds = trace.elapsed_seconds - begun
        side.failure = failure
        part.step(failure.detail)
        return side
    try:
        if endpoint.family is Family.IPV6:
            for address in side.addresses:
                require_source(address, endpoint.family)
    except MonitorFault as fault:
        side.fault = fault
        part.step(str(fault))
        return side
    side.exchanges = await each(
        _exchange(address, endpoint, params, wires=wires, timeout=timeout - trace.elapsed_seconds, trace=part)
        for address in side.addresses
    )
    side.troubles = [_trouble(exchange, params) for exchange in side.exchanges]
    return side


def _usable(found: Sequence[str], trace: Trace) -> tuple[str, ...]:
    """The addresses that a client can use; an AAAA record may hold ones that lead nowhere, or to IPv4.

    Raises:
        NetworkFailure: NAME_NOT_FOUND if there is none.
    """
    usable = []
    for text in found:
        address = ipaddress.ip_address(text)
        mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
        nowhere = isinstance(address, ipaddress.IPv6Address) and address.is_link_local and address.scope_id is None
        if mapped or nowhere or address.is_unspecified or address.is_multicast:
            trace.step(f"{text} is no address that a client can use")
        else:
            usable.append(text)
    if not usable:
        raise NetworkFailure(Failure.NAME_NOT_FOUND, f"no address that a client can use among {', '.join(found)}")
    left_out = len(usable) - MAX_ADDRESSES
    trace.step(f"addresses: {', '.join(usable)}" + (f"; the last {left_out} are left out" if left_out > 0 else ""))
    return tuple(usable[:MAX_ADDRESSES])


async def _exchange(
    address: str, endpoint: Endpoint, params: Ipv6Params, *, wires: Wires, timeout: float, trace: Trace
) -> Exchange:
    part = trace.part(address)
    exchange = await wires.http.exchange(
        params.target(endpoint),
        names=wires.names,
        family=endpoint.family,
        method="GET",
        ca_file=params.ca_file,
        max_body_bytes=params.max_body_bytes,
        timeout=timeout,
        trace=part,
        address=address,
    )
    if exchange.failure is not None:
        part.step(exchange.failure.detail)
    return exchange


def _trouble(exchange: Exchange, params: Ipv6Params) -> NetworkFailure | None:
    if exchange.failure is not None:
        return exchange.failure
    status = exchange.status or 0
    right = status in params.expected_status if params.expected_status else 200 <= status <= 399
    return None if right else NetworkFailure(Failure.ERROR_STATUS, f"the service answered with status {status}")


def _stage(v4: _Side, v6: _Side, params: Ipv6Params) -> Stage | None:
    """The stage of the worst IPv6 address; ``None`` if it cannot be told."""
    if v6.failure is not None and v6.failure.failure is Failure.NAME_NOT_FOUND:
        return Stage.NONE
    if v6.failure is not None or v6.fault is not None:
        return None
    reference = None if v4.broken or v4.best is None else v4.best.status
    reached = [
        _reached(exchange, trouble, reference, params)
        for exchange, trouble in zip(v6.exchanges, v6.troubles, strict=True)
    ]
    return min(reached, key=list(Stage).index)


def _reached(exchange: Exchange, trouble: NetworkFailure | None, reference: int | None, params: Ipv6Params) -> Stage:
    if "connect" not in exchange.seconds:
        return Stage.AAAA
    if params.scheme == "https" and "tls" not in exchange.seconds:
        return Stage.REACHABLE
    if exchange.failure is not None:
        return Stage.TLS if params.scheme == "https" else Stage.REACHABLE
    return Stage.DUAL_STACK if trouble is None and exchange.status == reference else Stage.HTTP


def _detail(v4: _Side, v6: _Side, stage: Stage | None) -> str:
    sentences = []
    for side in (v4, v6):
        if side.fault is not None:
            sentences.append(f"{side.words} was not judged: {side.fault}")
        elif side is v6 and stage is Stage.NONE:
            sentences.append("IPv4 only: the application has no IPv6 address")
        elif (broken := side.broken) is not None:
            sentences.append(f"{side.words}: {broken.detail}")
        else:
            sentences += [
                f"{side.words} works, but not at {address}: {trouble.detail}"
                for address, trouble in zip(side.addresses, side.troubles, strict=True)
                if trouble is not None
            ]
    if stage is Stage.HTTP and v4.best and v6.best and not (v4.broken or v6.broken):
        statuses = sorted({exchange.status or 0 for exchange in v6.exchanges})
        sentences.append(f"IPv4 gives status {v4.best.status}, IPv6 {', '.join(map(str, statuses))}")
    return "; ".join(sentences)


def _readings(side: _Side) -> dict[str, float]:
    readings = {"addresses": float(len(side.addresses))}
    if side.fault is None:
        readings["failed_addresses"] = float(sum(trouble is not None for trouble in side.troubles))
    if side.resolve_seconds is not None:
        readings["resolve_seconds"] = side.resolve_seconds
    if (best := side.best) is not None:
        readings |= {f"{phase}_seconds": seconds for phase, seconds in best.seconds.items()}
        if best.status is not None:
            readings |= {"status_code": float(best.status), "body_bytes": float(len(best.body))}
        if best.certificate is not None:
            readings |= best.certificate.readings()
    return readings


def _facts(side: _Side) -> dict[str, str]:
    facts = {"addresses": ", ".join(side.addresses)} if side.addresses else {}
    if side.best is not None and side.best.certificate is not None:
        facts |= side.best.certificate.facts()
    return {f"{side.endpoint.family.value}_{name}": text for name, text in facts.items()}


KIND = ProbeKind(
    name="ipv6",
    help="How far an application works over IPv6, stage by stage, and whether it gives the same as over IPv4.",
    params=Ipv6Params,
    probe=probe_ipv6,
    scheduling=Scheduling.NORMAL,  # it fetches the page from every address, and compares times
    roles=("v4", "v6"),
    families={"v4": Family.IPV4, "v6": Family.IPV6},
    readings=tuple(
        replace(reading, index="family")
        for reading in (
            Reading(name="addresses", help="Addresses that a client can use; IPv4-mapped ones are none."),
            Reading(name="failed_addresses", help="Addresses that do not serve the application."),
            Reading(name="resolve_seconds", help="Lookup of the name in this family alone."),
            Reading(
                name="connect_seconds",
                help="TCP handshake; this and what follows with the first address that serves.",
            ),
            Reading(name="tls_seconds", help="TLS handshake, with https.", optional=True),
            Reading(name="first_byte_seconds", help="From the request sent to the end of the response's headers."),
            Reading(name="transfer_seconds", help="Reading the body, as far as it was read."),
            Reading(name="status_code", help="Status of the response (RFC 9110 15); redirects are not followed."),
            Reading(name="body_bytes", help="Bytes of the body that were read, as sent, never decoded."),
            *CERTIFICATE_READINGS,
        )
    ),
    states={"stage": f"How far IPv6 works: {', '.join(f'`{stage.value}`' for stage in Stage)}."},
)
