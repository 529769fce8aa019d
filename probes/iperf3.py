"""Kind ``iperf3``: how fast one TCP connection moves data, by the program iperf3 and a server of it at the other end.

The figure is shown and never judged: it depends on round trip, loss, congestion control and buffers of both ends as
much as on the line, and a line that carries exactly what was bought shows less (RFC 6349; ITU-T Y.1540 says the same of
TCP-based measurement). What a line carries is what kind ``capacity`` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, model_validator

from probes.base import (
    Draft,
    Endpoint,
    Failure,
    NetworkFailure,
    Params,
    ProbeKind,
    ProbeResult,
    Reading,
    Scheduling,
    indexed,
)
from probes.wire.capacity_layer import Layer, segment_bits
from probes.wire.directions import DIRECTIONS, FROM_SITE
from probes.wire.failures import network
from probes.wire.others import Others
from probes.wire.tcp_octets import tcp_octets

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "PORT", "Iperf3Params", "probe_iperf3"]

PORT: Final = 5201
SPARE_SECONDS: Final = 0.2


class Iperf3Params(Params):
    """How long, how fast at the most, and which way."""

    directions: Literal["both", "to_site", "from_site"] = Field(
        default="both", description="to_site: netmon sends; from_site: the server does; both: one after the other"
    )
    seconds: int = Field(default=10, ge=1, le=60, description="how long each direction is filled")
    highest_bits_per_second: float = Field(
        default=100e6, ge=64e3, le=10e9, description="it never sends faster, counted as TCP payload"
    )
    layer: Layer = Field(
        default=Layer.ETHERNET, description="at which layer the line is sold; the figure at that layer stands beside"
    )
    near_auth: str = Field(
        default="", description="SNMP credentials of the router at our end, whose interface counts others' traffic"
    )
    near_interface: str = Field(default="", description="its interface to the line: ifName, ifDescr or ifAlias")
    most_others_bits_per_second: float = Field(
        default=15e6, gt=0, le=10e9, description="the test ends when others' traffic exceeds this"
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.near_auth) != bool(self.near_interface):
            raise ValueError("near_auth and near_interface belong together: give both or neither")
        return self


async def probe_iperf3(
    endpoints: Mapping[str, Endpoint], params: Iperf3Params, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Run each direction. A test that was ended gives no figure for it.

    Raises:
        MonitorFault: iperf3 is not here, the server refuses, or what was printed is no report.
    """
    endpoint, draft = endpoints["server"], Draft(timeout)
    draft.facts["layer"] = params.layer.value
    try:
        async with network(f"looking up {endpoint.host}", timeout, on_timeout=Failure.NAME_SERVER):
            address = await wires.names.resolve(endpoint.host, endpoint.family)
        for direction in DIRECTIONS[params.directions]:
            if not await _direction(draft, direction, endpoints, address, params, wires):
                break
    except NetworkFailure as error:
        return draft.finish(error)
    return draft.finish()


async def _direction(
    draft: Draft, direction: str, endpoints: Mapping[str, Endpoint], address: str, params: Iperf3Params, wires: Wires
) -> bool:
    """One direction; whether it ran to its end."""
    readings, endpoint = draft.readings, endpoints["server"]
    port, reverse = endpoint.port or PORT, direction == FROM_SITE
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    own = 0.0

    def own_octets() -> float | None:
        nonlocal own
        moved = tcp_octets(address, port, endpoint.family, down=reverse)
        if moved is None:
            return None
        own = max(own, moved)  # what the connections of a test that is over had moved stays
        return own

    others = Others(
        wires, endpoints.get("near"), auth=params.near_auth, interface=params.near_interface, direction=direction,
        most_bits_per_second=params.most_others_bits_per_second, own_octets=own_octets, end=ended.set_result,
    )  # fmt: skip
    if fault := await others.begin():
        draft.trace.step(fault)
    draft.trace.step(f"{direction}: TCP for {params.seconds} s with {address}")
    begun, before = draft.trace.elapsed_seconds, readings.get("test_bytes", 0.0)
    # Until it has said what it sent, it may have sent all that it was allowed to.
    counted = None
    watching = asyncio.create_task(others.watch())
    try:
        found = await wires.iperf.run(
            address, port, family=endpoint.family, reverse=reverse, seconds=params.seconds,
            highest=params.highest_bits_per_second, timeout=draft.seconds_left - SPARE_SECONDS, ended=ended,
        )  # fmt: skip
        if isinstance(found, str):
            draft.facts[indexed("undecided", direction)] = found
            draft.trace.step(f"{direction}: ended, {found}")
            return False
        payload = 8 * found.received_bytes / found.received_seconds
        readings[indexed("tcp_bits_per_second", direction)] = payload
        if found.version:
            draft.facts["version"] = found.version
        if found.retransmits is not None:
            readings[indexed("retransmitted_segments_count", direction)] = found.retransmits
        factor = 1.0
        if found.mss_bytes is not None:
            factor = segment_bits(found.mss_bytes, endpoint.family, params.layer) / (8 * found.mss_bytes)
            readings[indexed("tcp_normalised_bits_per_second", direction)] = payload * factor
        counted = found.sent_bytes * factor
        draft.trace.step(f"{direction}: {payload / 1e6:.2f} Mbit/s of TCP payload")
        return True
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        if others.mean is not None:
            readings[indexed("others_bits_per_second", direction)] = others.mean
        if counted is None:
            counted = params.highest_bits_per_second / 8 * min(params.seconds, draft.trace.elapsed_seconds - begun)
        readings["test_bytes"] = before + counted


KIND = ProbeKind(
    name="iperf3",
    help="How fast one TCP connection moves data, by iperf3 and a server of it; shown, never judged.",
    params=Iperf3Params,
    probe=probe_iperf3,
    roles=("server",),
    optional_roles=("near",),
    scheduling=Scheduling.EXCLUSIVE,
    hearsay=True,
    shown_only=True,
    readings=(
        Reading(
            name="tcp_bits_per_second",
            help="TCP payload as the receiving end counts it; the line carries more, headers to begin with.",
            index="direction",
        ),
        Reading(
            name="tcp_normalised_bits_per_second",
            help="The same at the layer at which the line is sold, for full segments with the timestamps of RFC 7323; "
            "what was sent again is not in it.",
            optional=True,
            index="direction",
        ),
        Reading(
            name="retransmitted_segments_count",
            help="Segments that the sender sent again (tcpi_total_retrans of its system).",
            optional=True,
            index="direction",
        ),
        Reading(
            name="others_bits_per_second",
            help="What others sent beside it, Ethernet frames, by ifHCOutOctets or ifHCInOctets at our end (RFC 2863).",
            optional=True,
            index="direction",
        ),
        Reading(
            name="test_bytes",
            help="What the test sent in all, at the layer at which the line is sold; of one that was ended, the most "
            "that it can have sent.",
            optional=True,
        ),
    ),
)
