"""Each fault of the demo's script brings the statuses that it promises, and no others; without a fault all is well."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

import probes
from netmon.app import build_wires
from netmon.config import Config, load
from netmon.demo.county import County
from netmon.demo.faults import Fault
from netmon.demo.script import faults
from netmon.model import Observation, Status
from netmon.runner import Clock, Runner

INTERVAL_SECONDS = 3.0
ATTEMPTS = 3
"""A check that is late on a busy machine may be asked again; what it says of a fault must come true."""


class Watch:
    """The county, and a way to run checks of its inventory."""

    def __init__(self, county: County, config: Config, runner: Runner) -> None:
        self.county = county
        self.config = config
        self._runner = runner

    async def statuses(self, checks: Iterable[str]) -> dict[str, Status]:
        """What each check says now."""
        observations: list[Observation] = await asyncio.gather(
            *(self._runner.run_once(self.config.checks[check], time.time_ns()) for check in checks)
        )
        return {observation.check_id: observation.status for observation in observations}

    async def become(self, wanted: dict[str, Status]) -> dict[str, Status]:
        """Run the checks until they say what is wanted, a few times at most; what they said last."""
        found: dict[str, Status] = {}
        for _attempt in range(ATTEMPTS):
            found = await self.statuses(wanted)
            if found == wanted:
                break
        return found


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    county = County(tmp_path, interval_seconds=INTERVAL_SECONDS)
    config = load(await county.start(), kinds=probes.KINDS)
    wires = build_wires(config)
    runner = Runner(kinds=probes.KINDS, wires=wires, emit=lambda _o: None, missed=lambda _m: None, clock=Clock())
    yield Watch(county, config, runner)
    await wires.aclose()
    await county.stop()


async def test_every_fault_brings_what_it_promises_and_goes_away(watch: Watch) -> None:
    """Over the real protocols, one fault after the other at each piece of equipment."""
    well = dict.fromkeys(watch.config.checks, Status.UP)
    assert await watch.become(well) == well
    # Faults at different checks do not touch each other, so they are tried side by side.
    chains: dict[str, list[Fault]] = {}
    for fault in faults(watch.county):
        chains.setdefault(next(iter(fault.effects)).rpartition("/")[0], []).append(fault)

    async def play(chain: list[Fault]) -> None:
        for fault in chain:
            async with fault.inject():
                await asyncio.sleep(0.2)  # for rates
                assert await watch.become(dict(fault.effects)) == fault.effects, fault.what
            if fault.looks_back:
                await watch.statuses(fault.effects)
            after = dict.fromkeys(fault.effects, Status.UP)
            assert await watch.become(after) == after, f"after {fault.what}"

    async with asyncio.TaskGroup() as group:
        for chain in chains.values():
            group.create_task(play(chain))
    assert await watch.become(well) == well
    assert watch.county.writes_seen == 0


async def test_the_county_has_every_kind_of_check_and_equipment(watch: Watch) -> None:
    """The inventory is right without a warning, marked as a sample, and every kind of site is there."""
    config = watch.config
    assert not config.warnings
    assert config.sample
    assert 40 <= len(config.checks) <= 80
    assert {site.kind for site in config.sites.values()} == {
        "battalion", "fire_station", "township", "radio_site", "vehicle",
    }  # fmt: skip
    assert sum(site.kind == "township" for site in config.sites.values()) == 13
    assert all("模拟" in site.name.zh and "simulated" in site.name.en for site in config.sites.values())
    faulty = {watch.config.checks[check].kind for fault in faults(watch.county) for check in fault.effects}
    assert faulty >= {"tcp", "dns", "http", "snmp", "base_station", "uplink"}
