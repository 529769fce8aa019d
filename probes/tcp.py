"""Kind ``tcp``: a port accepts connections, and on request greets with the right words or shows a valid certificate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from probes.base import Draft, Endpoint, Failure, NetworkFailure, Params, ProbeKind, ProbeResult, Reading
from probes.wire.failures import network, shown
from probes.wire.tls import CERTIFICATE_READINGS

if TYPE_CHECKING:
    from probes.wire import Wires
    from probes.wire.tcp import TcpConnection

__all__ = ["KIND", "TcpParams", "probe_tcp"]


class TcpParams(Params):
    """Parameters of kind ``tcp``."""

    port: int = Field(default=80, ge=1, le=65535, description="TCP port, where the endpoint names none.")
    send: str = Field(default="", max_length=4096, description="Text to send after connecting, UTF-8.")
    expect: str = Field(
        default="",
        max_length=4096,
        description="How the reply must begin, for example `SSH-2.0`; empty: no reply is awaited.",
    )
    tls: bool = Field(default=False, description="Do a TLS handshake after connecting and check the certificate.")
    server_name: str = Field(
        default="", max_length=253, description="The name that the certificate must be for; empty: the endpoint's host."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of the only CAs or certificates to trust; absent: the system's CAs."
    )


async def probe_tcp(
    endpoints: Mapping[str, Endpoint], params: TcpParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Connect to ``host``, then do what ``params`` ask for."""
    draft = Draft(timeout)
    try:
        await _measure(draft, endpoints["host"], params, wires)
    except NetworkFailure as failure:
        return draft.finish(failure)
    return draft.finish()


async def _measure(draft: Draft, endpoint: Endpoint, params: TcpParams, wires: Wires) -> None:
    async with network(f"looking up {endpoint.host}", draft.seconds_left, on_timeout=Failure.NAME_SERVER):
        address = await wires.names.resolve(endpoint.host, endpoint.family)
    draft.trace.step(f"resolved {endpoint.host} to {address}")
    port = endpoint.port or params.port
    with await wires.tcp.connect(address, port, family=endpoint.family, timeout=draft.seconds_left) as connection:
        draft.readings["connect_seconds"] = connection.connect_seconds
        draft.trace.step(f"connected to {address} port {port}")
        if params.tls:
            await _secure(draft, connection, params.server_name or endpoint.host, params.ca_file, wires)
        if params.send:
            await connection.send(params.send.encode(), timeout=draft.seconds_left)
            draft.trace.step(f"sent {shown(params.send)}")
        if params.expect:
            await _expect(draft, connection, params.expect.encode())


async def _secure(draft: Draft, connection: TcpConnection, name: str, ca_file: Path | None, wires: Wires) -> None:
    try:
        draft.readings["tls_seconds"] = await wires.tcp.start_tls(
            connection, name, ca_file=ca_file, timeout=draft.seconds_left
        )
    finally:
        if connection.certificate is not None:
            draft.readings.update(connection.certificate.readings())
            draft.facts.update(connection.certificate.facts())
    draft.trace.step(f"TLS handshake done, the certificate is valid for {name}")


async def _expect(draft: Draft, connection: TcpConnection, expected: bytes) -> None:
    waiting_since = draft.trace.elapsed_seconds
    received = b""
    try:
        while len(received) < len(expected) and expected.startswith(received):
            more = await connection.receive(timeout=draft.seconds_left)
            if not more:
                raise NetworkFailure(
                    Failure.RESET, f"the connection ended after {len(received)} bytes, before the expected reply"
                )
            if not received:
                draft.readings["first_byte_seconds"] = draft.trace.elapsed_seconds - waiting_since
            received += more
    finally:
        if received:
            draft.facts["banner"] = shown(received)
    if not received.startswith(expected):
        raise NetworkFailure(Failure.BAD_REPLY, f"expected {shown(expected)}, the reply begins {shown(received)}")
    draft.trace.step(f"the reply begins {shown(received)}")


KIND = ProbeKind(
    name="tcp",
    help="A TCP port accepts connections; optionally checks its greeting or its TLS certificate.",
    params=TcpParams,
    probe=probe_tcp,
    readings=(
        Reading(name="connect_seconds", help="Duration of the TCP handshake."),
        Reading(name="tls_seconds", help="Duration of the TLS handshake, where one was asked for.", optional=True),
        Reading(
            name="first_byte_seconds",
            help="From connected (or text sent) to the first byte of the reply, where one was expected.",
            optional=True,
        ),
        *CERTIFICATE_READINGS,
    ),
)
