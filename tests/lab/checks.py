"""Checks and kinds made for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from netmon.model import Check, Threshold
from probes import KINDS
from probes.base import CounterReading, Endpoint, Family, Params, ProbeKind, ProbeResult, Reading, Scheduling

__all__ = ["check", "kind"]


def check(
    check_id: str = "site/asset/ping",
    *,
    kind: str = "ping",
    interval_seconds: float = 60.0,
    timeout_seconds: float = 5.0,
    thresholds: tuple[Threshold, ...] = (),
    confirm_seconds: float | None = None,
    host: str = "127.0.0.1",
    params: Params | None = None,
    vantage: str = "main",
    normally_off: bool = False,
    scheduling: Scheduling = Scheduling.BACKGROUND,
    continuous: bool = False,
) -> Check:
    """A check of a host on loopback."""
    site, asset, _ = check_id.split("/")
    return Check(
        id=check_id,
        site=site,
        asset=f"{site}/{asset}",
        kind=kind,
        endpoints={"host": Endpoint(host=host, family=Family.IPV4)},
        params=params or Params(),
        interval_seconds=interval_seconds,
        timeout_seconds=timeout_seconds,
        thresholds=thresholds,
        confirm_seconds=confirm_seconds,
        vantage=vantage,
        normally_off=normally_off,
        scheduling=scheduling,
        hearsay=kind in KINDS and KINDS[kind].hearsay,
        by_hand=kind in KINDS and KINDS[kind].by_hand,
        continuous=continuous,
    )


def kind(
    answer: Callable[[], Awaitable[ProbeResult]],
    *,
    name: str = "ping",
    readings: tuple[Reading, ...] = (),
    counters: tuple[CounterReading, ...] = (),
) -> ProbeKind[Params]:
    """A kind whose probe returns whatever ``answer`` returns."""

    async def probe(
        endpoints: Mapping[str, Endpoint],
        params: Params,
        *,
        wires: Any,
        timeout: float,
    ) -> ProbeResult:
        return await answer()

    return ProbeKind(name=name, help="for tests", params=Params, probe=probe, readings=readings, counters=counters)
