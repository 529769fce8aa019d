"""One HTTP request on a connection of its own, with each phase timed, and only to hosts of the inventory.

httpx's transport is used without its client: no cookies, no proxies from the environment, no redirects of its own, no
decoding (a small compressed body may stand for gigabytes).
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import Field

from probes.base import Endpoint, Failure, Family, NetworkFailure, Params, Trace
from probes.wire.failures import chain, failure_of, network, shown
from probes.wire.tcp import TcpWire
from probes.wire.tls import Certificate, TlsContexts, parse_certificate

if TYPE_CHECKING:
    import httpcore
    import httpx

    from probes.wire.names import Names

__all__ = ["DEFAULT_PORTS", "Exchange", "HttpWire", "Method", "Scheme", "ServiceParams", "Target"]

Scheme = Literal["http", "https"]
Method = Literal["GET", "HEAD"]

DEFAULT_PORTS: Mapping[Scheme, int] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes.

    Attributes:
        host: the host to contact; must be in the inventory.
        server_name: the name in the Host header, in SNI and in the certificate; usually ``host``.
        path: path and query, percent-encoded.
    """

    scheme: Scheme
    host: str
    port: int
    path: str
    server_name: str

    @property
    def authority(self) -> str:
        """Name and port as a URL and the Host header have them (RFC 9110 7.2)."""
        name = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return name if self.port == DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


class ServiceParams(Params):
    """Which page of which service to ask for. A kind that asks a web service inherits these keys."""

    scheme: Scheme = Field(default="http", description="`http` or `https`.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="TCP port, where the endpoint names none; absent: the scheme's own."
    )
    path: str = Field(
        default="/", max_length=2048, pattern="^/[!-~]*$", description="Path and query to ask for, percent-encoded."
    )
    server_name: str = Field(
        default="",
        max_length=253,
        pattern=r"^[A-Za-z0-9.:_-]*$",
        description="Name for the Host header and the certificate, where the endpoint is an address; "
        "empty: the endpoint's host.",
    )
    max_body_bytes: int = Field(
        default=65536, ge=0, le=10_485_760, description="How much of the body is read; the rest is left."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of the only CAs or certificates to trust; absent: the system's CAs."
    )

    def target(self, endpoint: Endpoint) -> Target:
        """The page at this endpoint."""
        return Target(
            scheme=self.scheme,
            host=endpoint.host,
            port=endpoint.port or self.port or DEFAULT_PORTS[self.scheme],
            path=self.path,
            server_name=self.server_name or endpoint.host,
        )


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request and what came back of it, filled in while it proceeds: cut short, it holds what there is.

    Attributes:
        seconds: duration of each phase that ended: ``resolve``, ``connect``, ``tls``, ``first_byte``, ``transfer``.
        status: ``None`` until a response came.
        location: where a redirect leads, as the server wrote it.
        body: at most as many bytes as were asked for, as they came, never decoded.
        failure: why the exchange is not complete.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    status: int | None = None
    location: str | None = None
    server: str = ""
    body: bytearray = field(default_factory=bytearray)
    certificate: Certificate | None = None
    failure: NetworkFailure | None = None


class HttpWire:
    """Sends requests, to ``allowed_hosts`` only. It keeps TLS settings, and no connection."""

    def __init__(self, *, allowed_hosts: frozenset[str]) -> None:
        import httpx  # noqa: F401 (loading it takes long: here, and not within the first request's phases)

        self.allow(allowed_hosts)
        self._contexts = TlsContexts()
        self._tcp = TcpWire()

    def allow(self, hosts: frozenset[str]) -> None:
        """Send to these hosts from now on, and to no others."""
        self._allowed = frozenset(_canonical(host) for host in hosts)

    async def aclose(self) -> None:
        """Nothing is open between requests."""

    async def exchange(
        self,
        target: Target,
        *,
        names: Names,
        family: Family,
        method: Method,
        ca_file: Path | None,
        max_body_bytes: int,
        timeout: float,
        trace: Trace,
        address: str | None = None,
    ) -> Exchange:
        """Send one request and read the answer, in at most ``timeout`` seconds.

        ``address`` is the one of the host's addresses to use, where the caller has looked them up already.

        A state of the network is the ``failure`` of what is returned: NOT_ALLOWED (nothing was sent, not even a DNS
        question), NAME_NOT_FOUND, NAME_SERVER, TIMEOUT, REFUSED, NO_ROUTE, PROHIBITED, TLS, RESET, BAD_REPLY.

        Raises:
            MonitorFault: ``ca_file`` cannot be used.
        """
        exchange = Exchange()
        try:
            self._require_allowed(target.host)
            request = _Request(target, exchange, trace, timeout)
            address = address or await request.resolve(names, family)
            try:
                await request.send(address, method, self._contexts.get(ca_file), max_body_bytes)
            except NetworkFailure as failure:
                if failure.failure is Failure.TLS and exchange.certificate is None:
                    exchange.certificate = await self._tcp.presented_certificate(
                        address, target.port, target.server_name, family=family, timeout=request.seconds_left
                    )
                raise
        except NetworkFailure as failure:
            exchange.failure = failure
        return exchange

    def _require_allowed(self, host: str) -> None:
        if _canonical(host) not in self._allowed:
            raise NetworkFailure(Failure.NOT_ALLOWED, f"{shown(host)} is not in the inventory; it was not contacted")


class _Request:
    """The course of one exchange."""

    def __init__(self, target: Target, exchange: Exchange, trace: Trace, timeout: float) -> None:
        self._target = target
        self._exchange = exchange
        self._trace = trace
        self._timeout = timeout
        self._start = self._phase_start = time.monotonic()
        self._doing = ""
        self._connection: httpcore.AsyncNetworkStream | None = None

    @property
    def seconds_left(self) -> float:
        return self._timeout - (time.monotonic() - self._start)

    async def resolve(self, names: Names, family: Family) -> str:
        self._begin(f"looking up {self._target.host}")
        async with network(self._doing, self.seconds_left, on_timeout=Failure.NAME_SERVER):
            address = await names.resolve(self._target.host, family)
        self._end("resolve", f"resolved {self._target.host} to {address}")
        return address

    async def send(self, address: str, method: Method, context: ssl.SSLContext, max_body_bytes: int) -> None:
        import httpx

        target = self._target
        request = httpx.Request(
            method,
            httpx.URL(scheme=target.scheme, host=address, port=target.port, raw_path=target.path.encode("ascii")),
            headers={
                "Host": target.authority,
                "User-Agent": "netmon",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
            extensions={"sni_hostname": target.server_name, "trace": self._on_event},
        )
        self._begin(f"HTTP request to {address} port {target.port}")
        try:
            async with (
                asyncio.timeout(self.seconds_left),
                httpx.AsyncHTTPTransport(verify=context, trust_env=False) as transport,
            ):
                response = await transport.handle_async_request(request)
                self._exchange.status = response.status_code
                self._exchange.location = response.headers.get("location")
                self._exchange.server = response.headers.get("server", "")
                await self._read_body(response, max_body_bytes)
        except TimeoutError as error:
            raise NetworkFailure(
                Failure.TIMEOUT, f"{self._doing}: not done within the {self._timeout:.3g} s of this probe"
            ) from error
        except httpx.TransportError as error:
            raise _failure(error, self._doing) from error
        finally:
            # httpcore forgets the connection if it is cancelled within the TLS handshake.
            if self._connection is not None:
                await self._connection.aclose()

    async def _read_body(self, response: httpx.Response, limit: int) -> None:
        body = self._exchange.body
        self._begin("reading the body")
        try:
            if limit:
                async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_raw())) as pieces:
                    async for piece in pieces:
                        body += piece[: limit - len(body)]
                        if len(body) >= limit:
                            break
        finally:
            await response.aclose()
            self._end("transfer", f"read {len(body)} bytes of the body")

    def _begin(self, doing: str) -> None:
        self._phase_start, self._doing = time.monotonic(), doing

    def _end(self, phase: str, words: str) -> None:
        self._exchange.seconds[phase] = time.monotonic() - self._phase_start
        self._trace.step(words)

    async def _on_event(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore reports its progress here (its "trace" extension)."""
        target = self._target
        match event:
            case "connection.connect_tcp.started":
                self._begin(f"TCP connection to {info['host']} port {target.port}")
            case "connection.connect_tcp.complete":
                self._connection = info["return_value"]
                self._end("connect", f"connected to port {target.port}")
            case "connection.start_tls.started":
                self._begin(f"TLS handshake with {target.server_name}")
            case "connection.start_tls.complete":
                tls: ssl.SSLObject = info["return_value"].get_extra_info("ssl_object")
                self._exchange.certificate = parse_certificate(tls.getpeercert(binary_form=True) or b"")
                self._end("tls", f"{tls.version()}, the certificate is valid for {target.server_name}")
            case "http11.send_request_headers.started":
                self._begin(f"response of {target.authority}")
            case "http11.receive_response_headers.complete":
                status = info["return_value"][1]
                self._end("first_byte", f"status {status} from {target.authority}")


def _failure(error: httpx.TransportError, doing: str) -> NetworkFailure:
    """The network's failure behind httpx's exception.

    Raises:
        OSError: the fault is the monitor's own.
    """
    import httpx

    failure = failure_of(error, doing)
    if failure is not None:
        return failure
    for link in chain(error):
        if isinstance(link, OSError) and link.errno is not None:
            raise link
    # h11 says an early end in these words; it has no type of its own for it.
    if isinstance(error, httpx.NetworkError) or str(error).startswith(("Server disconnected", "peer closed")):
        return NetworkFailure(Failure.RESET, f"{doing}: the other end closed the connection too early")
    return NetworkFailure(Failure.BAD_REPLY, f"{doing}: not HTTP as it should be: {shown(str(error))}")


def _canonical(host: str) -> str:
    """One spelling for equal hosts: addresses in their short form, names without case and final dot."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower().rstrip(".")
