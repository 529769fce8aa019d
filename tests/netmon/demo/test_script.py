"""Each fault of the demo's script brings the statuses that it promises; without a fault every check is as it should."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from netmon.demo.network import Network
from netmon.demo.script import faults
from tests.lab import need
from tests.lab.county import try_every_fault, watching

EVERY_KIND = {"ping", "tcp", "dns", "http", "snmp", "base_station", "uplink", "satellite", "ipv6"}


def county_of_its_own(*arguments: str) -> dict[str, Any]:
    """What :mod:`tests.lab.county` prints."""
    need.namespaces()
    command = [sys.executable, "-m", "tests.lab.county", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def test_every_fault_on_loopback_brings_what_it_promises_and_goes_away(tmp_path: Path) -> None:
    """Over the real protocols; no device is ever told to change."""
    async with watching(tmp_path, Network()) as watch:
        assert await try_every_fault(watch) == []
        assert watch.county.writes_seen == 0


def test_every_fault_in_a_network_of_its_own_brings_what_it_promises_and_goes_away() -> None:
    """With hosts that go down, links that lose and delay, satellites and both address families: every kind there is."""
    answer = county_of_its_own()
    assert (answer["wrong"], answer["emulated"], answer["has_names"]) == ([], True, True)
    assert set(answer["kinds"]) >= EVERY_KIND
    assert 40 <= answer["checks"] <= 80
    assert answer["warnings"] == []
    assert answer["writes"] == 0


def test_a_network_of_its_own_without_names_lacks_ipv6_and_nothing_else() -> None:
    """Where the system gives networks and no mounts."""
    answer = county_of_its_own("without-names")
    assert (answer["wrong"], answer["emulated"], answer["has_names"]) == ([], True, False)
    assert set(answer["kinds"]) >= EVERY_KIND - {"ipv6"}
    assert "ipv6" not in answer["kinds"]


async def test_the_county_has_every_kind_of_site_and_says_that_it_is_none(tmp_path: Path) -> None:
    """Its inventory is right without a warning, and marked as a sample."""
    async with watching(tmp_path, Network()) as watch:
        sites = watch.config.sites.values()
        assert not watch.config.warnings
        assert watch.config.sample
        assert {site.kind for site in sites} == {"battalion", "fire_station", "township", "radio_site", "vehicle"}
        assert sum(site.kind == "township" for site in sites) == 13
        assert all("模拟" in site.name.zh and "simulated" in site.name.en for site in sites)
        known = {check.kind for check in watch.config.checks.values()}
        faulty = {watch.config.checks[check].kind for fault in faults(watch.county) for check in fault.effects}
        # What cannot fail on loopback, or has no fault of its own.
        assert known - faulty == {"ping", "path_mtu", "stream", "capacity"}
