"""Another system's export, from a file or from its web service, as octets, with the time at which it was had."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probes.base import Endpoint, Failure, NetworkFailure, Trace
from probes.wire.http import ServiceParams

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["Source", "fetch"]


@dataclass(frozen=True, slots=True)
class Source:
    """An export.

    Attributes:
        had_at: when it was read, seconds since the epoch.
        written_at: when a file was last written; ``None`` for a web service's answer.
    """

    octets: bytes
    had_at: float
    written_at: float | None = None


async def fetch(
    endpoint: Endpoint, params: ServiceParams, file: Path | None, *, wires: Wires, timeout: float, trace: Trace
) -> Source:
    """Read ``file``, or ask the web service at ``endpoint`` where there is none.

    Raises:
        NetworkFailure: it cannot be had, is larger than ``max_body_bytes``, or the service answers with an error.
    """
    if file is not None:
        source = await asyncio.to_thread(_read, file, params.max_body_bytes)
    else:
        exchange = await wires.http.exchange(
            params.target(endpoint), names=wires.names, family=endpoint.family, method="GET", ca_file=params.ca_file,
            max_body_bytes=params.max_body_bytes + 1, timeout=timeout, trace=trace,
        )  # fmt: skip
        if exchange.failure is not None:
            raise exchange.failure
        if exchange.status != 200:
            raise NetworkFailure(Failure.ERROR_STATUS, f"the service answered with status {exchange.status}")
        source = Source(bytes(exchange.body), time.time())
    if len(source.octets) > params.max_body_bytes:
        raise NetworkFailure(Failure.TOO_BIG, f"the export is larger than {params.max_body_bytes} bytes")
    return source


def _read(file: Path, limit: int) -> Source:
    try:
        with file.open("rb") as opened:
            return Source(opened.read(limit + 1), time.time(), file.stat().st_mtime)
    except OSError as error:
        raise NetworkFailure(Failure.BAD_REPLY, f"{file} cannot be read: {error.strerror}") from error
