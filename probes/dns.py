"""Kind ``dns``: a name server of the inventory answers a question, in time and with the right records."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from probes.base import Draft, Endpoint, Failure, NetworkFailure, Params, ProbeKind, ProbeResult, Reading
from probes.wire.dns import RecordType
from probes.wire.failures import network, shown

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "DnsParams", "probe_dns"]

DNS_PORT = 53


class DnsParams(Params):
    """Parameters of kind ``dns``."""

    name: str = Field(
        default=".",
        max_length=253,
        pattern=r"^(\.|[A-Za-z0-9_*/-]{1,63}(\.[A-Za-z0-9_*/-]{1,63})*\.?)$",
        description="The name to ask for; an internationalised name in its `xn--` form. `.` is the root.",
    )
    record_type: RecordType = Field(default="NS", description="The type of the records to ask for.")
    expected: tuple[Annotated[str, Field(max_length=1000)], ...] = Field(
        default=(),
        max_length=100,
        description="The records that must be answered, all of them and no others, in any order; empty: any.",
    )
    transport: Literal["udp", "tcp"] = Field(
        default="udp", description="`udp` (with TCP after a truncated reply) or `tcp` alone."
    )
    recursion: bool = Field(
        default=True, description="Ask the server to resolve for us; false for a server that only knows its own zones."
    )

    @model_validator(mode="after")
    def _expected_can_be_answered(self) -> Self:
        for text in self.expected:
            _canonical(self.record_type, text)
        return self


async def probe_dns(
    endpoints: Mapping[str, Endpoint], params: DnsParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ask the name server ``host`` one question."""
    draft = Draft(timeout)
    try:
        await _measure(draft, endpoints["host"], params, wires)
    except NetworkFailure as failure:
        return draft.finish(failure)
    return draft.finish()


async def _measure(draft: Draft, endpoint: Endpoint, params: DnsParams, wires: Wires) -> None:
    async with network(f"looking up {endpoint.host}", draft.seconds_left, on_timeout=Failure.NAME_SERVER):
        address = await wires.names.resolve(endpoint.host, endpoint.family)
    draft.trace.step(f"resolved {endpoint.host} to {address}; asking it for {params.name} {params.record_type}")
    reply = await wires.dns.ask(
        address,
        endpoint.port or DNS_PORT,
        family=endpoint.family,
        name=params.name,
        record_type=params.record_type,
        transport=params.transport,
        recursion=params.recursion,
        timeout=draft.seconds_left,
    )
    draft.readings["lookup_seconds"] = reply.lookup_seconds
    draft.readings["answers"] = float(len(reply.answers))
    draft.readings["ttl_min_seconds"] = reply.ttl_min_seconds
    if reply.soa_serial is not None:
        draft.readings["soa_serial"] = float(reply.soa_serial)
    draft.trace.step(f"answered over {reply.transport}: {shown(', '.join(reply.answers), 200)}")
    if params.expected:
        _compare(params, reply.answers)


def _compare(params: DnsParams, answers: tuple[str, ...]) -> None:
    expected = {_canonical(params.record_type, text) for text in params.expected}
    found = {_canonical(params.record_type, text) for text in answers}
    if found != expected:
        missing = ", ".join(sorted(expected - found)) or "none"
        surplus = ", ".join(sorted(found - expected)) or "none"
        raise NetworkFailure(
            Failure.BAD_REPLY, f"wrong answer: missing {shown(missing, 200)}, unexpected {shown(surplus, 200)}"
        )


def _canonical(record_type: RecordType, text: str) -> str:
    """One spelling for equal records: names compare without case (RFC 4343) and with or without the final dot."""
    if record_type == "A":
        return str(ipaddress.IPv4Address(text))
    if record_type == "AAAA":
        return str(ipaddress.IPv6Address(text))
    if record_type == "TXT":
        return text.strip('"')
    return " ".join(word.rstrip(".") or "." for word in text.lower().split())


KIND = ProbeKind(
    name="dns",
    help="A name server answers a question in time, and with the right records where they are given.",
    params=DnsParams,
    probe=probe_dns,
    readings=(
        Reading(
            name="lookup_seconds", help="From the question sent to the reply, TCP after a truncated reply included."
        ),
        Reading(name="answers", help="Number of records of the wanted type that were answered."),
        Reading(name="ttl_min_seconds", help="The smallest TTL along the chain of the answer (RFC 1035 3.2.1)."),
        Reading(name="soa_serial", help="Serial of the zone (RFC 1035 3.3.13), for record type SOA.", optional=True),
    ),
)
