"""Kind ``http``: a web service answers with the right status and content, and how long each phase took."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urljoin, urlsplit

from pydantic import Field

from probes.base import Draft, Endpoint, Failure, NetworkFailure, ProbeKind, ProbeResult, Reading
from probes.wire.failures import shown
from probes.wire.http import DEFAULT_PORTS, Exchange, Method, Scheme, ServiceParams, Target
from probes.wire.tls import CERTIFICATE_READINGS

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "HttpParams", "probe_http", "redirect"]

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class HttpParams(ServiceParams):
    """Parameters of kind ``http``."""

    method: Method = Field(default="GET", description="`GET`, or `HEAD` for the headers alone.")
    expected_status: tuple[Annotated[int, Field(ge=200, le=599)], ...] = Field(
        default=(), max_length=50, description="The status codes that are right; empty: any from 200 to 299."
    )
    body_contains: str = Field(
        default="", max_length=1000, description="Text that must be in the part of the body that is read, as UTF-8."
    )
    follow_redirects: int = Field(
        default=3,
        ge=0,
        le=10,
        description="How many redirects to follow, to hosts of the inventory only. "
        "A redirect whose status is expected is not followed.",
    )


async def probe_http(
    endpoints: Mapping[str, Endpoint], params: HttpParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ask the web service at ``host`` for one page, following redirects within the inventory."""
    draft = Draft(timeout)
    try:
        await _measure(draft, endpoints["host"], params, wires)
    except NetworkFailure as failure:
        return draft.finish(failure)
    finally:
        draft.readings["total_seconds"] = draft.trace.elapsed_seconds
    return draft.finish()


async def _measure(draft: Draft, endpoint: Endpoint, params: HttpParams, wires: Wires) -> None:
    target = params.target(endpoint)
    followed = 0
    while True:
        draft.readings["redirects"] = float(followed)
        exchange = await wires.http.exchange(
            target,
            names=wires.names,
            family=endpoint.family,
            method=params.method,
            ca_file=params.ca_file,
            max_body_bytes=params.max_body_bytes,
            timeout=draft.seconds_left,
            trace=draft.trace,
        )
        _report(draft, exchange)
        if exchange.failure is not None:
            raise exchange.failure
        location = exchange.location
        if location is None or exchange.status not in REDIRECTS or exchange.status in params.expected_status:
            break
        if params.follow_redirects == 0:
            break
        if followed == params.follow_redirects:
            raise NetworkFailure(
                Failure.BAD_REPLY, f"more than {followed} redirects, the last one to {shown(location)}"
            )
        followed += 1
        target = redirect(target, location)
        draft.trace.step(f"redirected to {shown(str(target))}")
    _check_answer(exchange, params)


def _report(draft: Draft, exchange: Exchange) -> None:
    """Durations add up over redirects; everything else is the last answer's."""
    for phase, seconds in exchange.seconds.items():
        key = f"{phase}_seconds"
        draft.readings[key] = draft.readings.get(key, 0.0) + seconds
    if exchange.certificate is not None:
        draft.readings.update(exchange.certificate.readings())
        draft.facts.update(exchange.certificate.facts())
    if exchange.status is not None:
        draft.readings["status_code"] = float(exchange.status)
        draft.readings["body_bytes"] = float(len(exchange.body))
        draft.facts["server"] = exchange.server


def _check_answer(exchange: Exchange, params: HttpParams) -> None:
    status = exchange.status or 0
    right = status in params.expected_status if params.expected_status else 200 <= status <= 299
    if not right:
        raise NetworkFailure(Failure.ERROR_STATUS, f"the service answered with status {status}")
    if params.body_contains.encode() not in exchange.body:
        raise NetworkFailure(
            Failure.BAD_REPLY,
            f"{shown(params.body_contains)} is not in the first {len(exchange.body)} bytes of the body",
        )


def redirect(target: Target, location: str) -> Target:
    """Where a redirect leads (RFC 9110 10.2.2). Its fragment and credentials are left out.

    Raises:
        NetworkFailure: BAD_REPLY if ``location`` is no http or https URL.
    """
    try:
        parts = urlsplit(urljoin(str(target), location))
        name = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except ValueError as error:  # UnicodeError is one, too
        raise NetworkFailure(Failure.BAD_REPLY, f"redirect to something that is no URL: {shown(location)}") from error
    if parts.scheme not in DEFAULT_PORTS or not name or port == 0:
        raise NetworkFailure(Failure.BAD_REPLY, f"redirect to something that is no http URL: {shown(location)}")
    scheme: Scheme = "https" if parts.scheme == "https" else "http"
    path = quote(parts.path or "/", safe=string.punctuation)
    if parts.query:
        path += "?" + quote(parts.query, safe=string.punctuation)
    # The same service under the name that it was asked by: that name need not be a host of the inventory itself.
    host = target.host if name.lower() == target.server_name.lower() else name
    return Target(scheme=scheme, host=host, port=port or DEFAULT_PORTS[scheme], path=path, server_name=name)


KIND = ProbeKind(
    name="http",
    help="A web service answers with the right status and content, in time, with a valid certificate.",
    params=HttpParams,
    probe=probe_http,
    readings=(
        Reading(name="total_seconds", help="Duration of the whole probe, redirects included."),
        Reading(name="resolve_seconds", help="Lookups of host names; this and all phases add up over redirects."),
        Reading(name="connect_seconds", help="TCP handshakes."),
        Reading(name="tls_seconds", help="TLS handshakes, where there are any.", optional=True),
        Reading(
            name="first_byte_seconds",
            help="From the request sent to the end of the response's headers, which most servers send in one piece.",
        ),
        Reading(name="transfer_seconds", help="Reading the body, as far as it was read."),
        Reading(name="status_code", help="Status of the last response (RFC 9110 15)."),
        Reading(name="body_bytes", help="Bytes of the last response's body that were read, as sent, never decoded."),
        Reading(name="redirects", help="Number of redirects followed, or refused because of where they lead."),
        *CERTIFICATE_READINGS,
    ),
)
