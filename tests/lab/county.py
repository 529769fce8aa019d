"""The demo's county, every fault of its script tried one after the other.

Run as a program it stands in a network of its own; ``without-names``, it is only looked at while there is no fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import probes
from netmon.app import build_wires
from netmon.config import Config, load
from netmon.demo.county import County
from netmon.demo.faults import Fault
from netmon.demo.network import Network, prepare
from netmon.demo.script import faults
from netmon.model import Observation, Status
from netmon.runner import Clock, Runner

__all__ = ["Watch", "try_every_fault", "watching"]

INTERVAL_SECONDS = 2.5
TRIES = 4
"""A check that is late on a busy machine may be asked again; what it says of a fault must come true."""


class Watch:
    """The county, and a way to run the checks of its inventory."""

    def __init__(self, county: County, config: Config, runner: Runner) -> None:
        self.county = county
        self.config = config
        self._runner = runner

    @property
    def well(self) -> dict[str, Status]:
        """What every check shows while there is no fault."""
        return dict.fromkeys(self.config.checks, Status.UP) | self.county.standing

    async def statuses(self, checks: Iterable[str]) -> dict[str, Status]:
        """What each check shows now."""
        observations: list[Observation] = await asyncio.gather(
            *(self._runner.run_once(self.config.checks[check], time.time_ns()) for check in checks)
        )
        return {observation.check_id: observation.status for observation in observations}

    async def differing(self, wanted: dict[str, Status]) -> list[str]:
        """Run checks until they show what is wanted, a few times at most; what differs then."""
        found: dict[str, Status] = {}
        for _try in range(TRIES):
            found = await self.statuses(wanted)
            if found == wanted:
                return []
        return [f"{check} is {found[check]}, not {wanted[check]}" for check in wanted if found[check] != wanted[check]]


@contextlib.asynccontextmanager
async def watching(folder: Path, network: Network) -> AsyncIterator[Watch]:
    """A county that stands while the block runs."""
    county = County(folder, network, interval_seconds=INTERVAL_SECONDS)
    config = load(await county.start(), kinds=probes.KINDS)
    wires = build_wires(config)
    runner = Runner(kinds=probes.KINDS, wires=wires, emit=lambda _o: None, missed=lambda _m: None, clock=Clock())
    try:
        yield Watch(county, config, runner)
    finally:
        await wires.aclose()
        await county.stop()


async def try_every_fault(watch: Watch) -> list[str]:
    """What was not as promised: before, during and after each fault."""
    wrong = await watch.differing(watch.well)
    # Faults at different sites do not touch each other, so they are tried side by side.
    chains: dict[str, list[Fault]] = {}
    for fault in faults(watch.county):
        chains.setdefault(next(iter(fault.effects)).partition("/")[0], []).append(fault)

    async def play(chain: list[Fault]) -> None:
        for fault in chain:
            lasting = {check: status for check, status in fault.effects.items() if check not in fault.passing}
            async with fault.inject():
                await asyncio.sleep(0.2)  # for rates
                wrong.extend(f"{fault.what}: {text}" for text in await watch.differing(lasting))
            if fault.looks_back:
                await watch.statuses(fault.effects)
            after = {check: watch.well[check] for check in fault.effects}
            wrong.extend(f"after {fault.what}: {text}" for text in await watch.differing(after))

    await asyncio.gather(*map(play, chains.values()))
    return wrong + await watch.differing(watch.well)


async def _main(folder: Path, network: Network) -> dict[str, Any]:
    async with watching(folder, network) as watch:
        return {
            "emulated": network.emulated,
            "has_names": network.has_names,
            "why_not": network.why_not,
            "wrong": await (try_every_fault(watch) if network.has_names else watch.differing(watch.well)),
            "kinds": sorted({check.kind for check in watch.config.checks.values()}),
            "checks": len(watch.config.checks),
            "warnings": [str(warning) for warning in watch.config.warnings],
            "writes": watch.county.writes_seen,
        }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        network = prepare(Path(name))
        network.has_names = network.has_names and "without-names" not in sys.argv
        try:
            answer = asyncio.run(_main(Path(name), network))
        finally:
            network.close()
    json.dump(answer, sys.stdout)
