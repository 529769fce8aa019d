"""Kind ``path_mtu``: the largest packet that reaches the far end of an uplink, and whether routers say what is too big.

A tunnel or a misconfigured port that takes less than 1500 bytes breaks what is large (pages, video, file transfers)
while every ping works. Where routers do not say so, or their messages are filtered, connections hang: a black hole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pydantic import Field

from probes.base import (
    Draft,
    Endpoint,
    Failure,
    Family,
    MonitorFault,
    NetworkFailure,
    Params,
    ProbeKind,
    ProbeResult,
    Reading,
    State,
    StateClass,
    indexed,
)
from probes.wire.echo import Echo, failure_of
from probes.wire.failures import network
from probes.wire.path_mtu import HEADER_BYTES, LEAST_BYTES, Search
from probes.wire.source import require_source
from probes.wire.together import each

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "PathMtuParams", "probe_path_mtu"]

GAP_SECONDS: Final = 0.02
DISCOVERY: Final = {
    False: State("works", StateClass.OK),
    True: State("black_hole", StateClass.DEGRADED),
}


class PathMtuParams(Params):
    """How far to look, and how patiently."""

    largest_bytes: int = Field(
        default=1500, ge=1280, le=9000, description="the largest IP packet that is looked for, header included"
    )
    tries: int = Field(default=3, ge=1, le=10, description="packets of one size; one answer is enough")
    wait_seconds: float = Field(default=1.0, gt=0, le=10, description="how long an answer may take")


async def probe_path_mtu(
    endpoints: Mapping[str, Endpoint], params: PathMtuParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Search in each family that has an endpoint, at the same time, within ``timeout``.

    Raises:
        MonitorFault: this machine itself takes no packets of that size, has no IPv6, or ``timeout`` is too short.
    """
    draft = Draft(timeout)

    async def look(endpoint: Endpoint) -> NetworkFailure | None:
        family = endpoint.family
        try:
            search = await _search(endpoint, params, draft, wires=wires)
        except NetworkFailure as failure:
            return failure
        draft.readings[indexed("path_mtu_bytes", family.value)] = float(search.good or 0)
        draft.states[indexed("path_mtu_discovery", family.value)] = DISCOVERY[search.silent]
        return None

    failures = await each(look(endpoint) for endpoint in endpoints.values())
    return draft.finish(next((failure for failure in failures if failure is not None), None))


async def _search(endpoint: Endpoint, params: PathMtuParams, draft: Draft, *, wires: Wires) -> Search:
    family = endpoint.family
    async with network(f"looking up {endpoint.host}", draft.seconds_left, on_timeout=Failure.NAME_SERVER):
        address = await wires.names.resolve(endpoint.host, family)
    if family is Family.IPV6:
        require_source(address, family)
    search = Search(least=LEAST_BYTES[family], largest=params.largest_bytes)
    part = draft.trace.part(address)
    while (size := search.size) is not None:
        if draft.seconds_left < params.wait_seconds / 4:
            raise MonitorFault("the timeout is too short for the search: give it a longer one")
        echoes = await wires.icmp.ping(
            address,
            family=family,
            count=params.tries,
            gap_seconds=GAP_SECONDS,
            payload_bytes=size - HEADER_BYTES[family],
            dont_fragment=True,
            timeout=min(params.wait_seconds + params.tries * GAP_SECONDS, draft.seconds_left / 2),
        )
        if any(echo.received for echo in echoes):
            part.step(f"{size} bytes: answered")
            search.passed(size)
        else:
            part.step(f"{size} bytes: {failure_of(echoes)[1]}")
            _lost(search, size, echoes)
    if search.good is None:
        failure, detail = failure_of(echoes)
        raise NetworkFailure(failure or Failure.TIMEOUT, f"{address}: {detail}")
    part.step(f"the path carries {search.good} bytes" + (", and a larger packet vanishes" if search.silent else ""))
    return search


def _lost(search: Search, size: int, echoes: list[Echo]) -> None:
    """Raises NetworkFailure for what no smaller packet would change, MonitorFault for our own limit."""
    errors = [echo.error for echo in echoes if echo.error is not None]
    too_big = [error for error in errors if error.failure is Failure.TOO_BIG]
    if any(not error.router for error in too_big):
        raise MonitorFault(f"this machine's own interface takes no packet of {size} bytes: lower largest_bytes")
    if errors and not too_big:
        failure, detail = failure_of(echoes)
        raise NetworkFailure(failure or Failure.TIMEOUT, detail)
    told = [error.mtu_bytes for error in too_big if error.mtu_bytes]
    search.lost(size, told_mtu=min(told, default=None), told=bool(too_big))


KIND = ProbeKind(
    name="path_mtu",
    help="The largest packet that an uplink carries unfragmented, and whether larger ones vanish without a word.",
    params=PathMtuParams,
    probe=probe_path_mtu,
    roles=("far",),
    optional_roles=("far_ipv6",),
    families={"far_ipv6": Family.IPV6},
    readings=(
        Reading(
            name="path_mtu_bytes",
            help="Largest IP packet that was answered, header included, as far as was looked (RFC 8899).",
            index="family",
        ),
    ),
    states={
        "path_mtu_discovery": "Whether a router says what is too big: `works`, or `black_hole` (RFC 2923, 2.1).",
    },
    aside=True,
    hearsay=True,  # that nothing came back at all is for the uplink's own check to judge
)
