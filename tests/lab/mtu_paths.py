"""Emulated paths of known MTU, with routers that say so and routers that do not: what the kind ``path_mtu`` finds.

A program, since a process can enter a new network only before it has threads. Prints what was found as JSON.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from netmon.demo.network import Network
from probes.base import Endpoint, Family
from probes.path_mtu import PathMtuParams, probe_path_mtu
from probes.wire.icmp import IcmpWire
from tests.lab import need
from tests.lab.cut_uplink import in_network
from tests.lab.snmp_wires import open_wires

__all__ = ["CASES", "search_all"]

ROOT = Path(__file__).parents[2]
CASES: Final[dict[str, dict[str, Any]]] = {
    "whole": {},
    "told": {"mtu": 1400},
    "by one": {"mtu": 1499},
    "black hole": {"mtu": 1400, "mtu_is_told": False},
    "narrow black hole": {"mtu": 1281, "mtu_is_told": False},
    "lossy": {"mtu": 1452, "loss_ratio": 0.1},
    "down": {"down": True},
    "refused": {"error": "prohibited"},
    "own limit": {},
}


def search_all() -> dict[str, dict[str, Any]]:
    """By case and family (``told ipv4``): ``failure``, ``readings``, ``states``, and ``steps``; or ``fault``."""
    import json

    need.namespaces()
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.mtu_paths"], check=True, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    return dict(json.loads(done.stdout))


async def _search(network: Network, host: str, case: str, family: Family, icmp: IcmpWire) -> dict[str, Any]:
    params = PathMtuParams(
        wait_seconds=0.3, tries=6 if case == "lossy" else 3, largest_bytes=1501 if case == "own limit" else 1500
    )
    async with network.disturbed([host], **CASES[case])(), open_wires(icmp=_Kept(icmp)) as wires:
        role = "far" if family is Family.IPV4 else "far_ipv6"
        try:
            result = await probe_path_mtu({role: Endpoint(host=host, family=family)}, params, wires=wires, timeout=30)
        except Exception as error:  # noqa: BLE001 (which one is what the test looks at)
            return {"fault": repr(error)}
    return {
        "failure": result.failure, "readings": dict(result.readings),
        "states": {name: state.word for name, state in result.states.items()}, "steps": len(result.steps),
    }  # fmt: skip


class _Kept:
    """The wire of all searches: it stays open when one of them ends."""

    def __init__(self, icmp: IcmpWire) -> None:
        self.ping = icmp.ping

    async def aclose(self) -> None:
        """Stays open."""


async def _follow(network: Network, _folder: Path) -> dict[str, object]:
    icmp = IcmpWire()
    places = {Family.IPV4: network.place, Family.IPV6: network.place_ipv6}
    hosts = {(case, family): places[family](0.01).host for case in CASES for family in Family}
    found = await asyncio.gather(*(_search(network, host, *name, icmp) for name, host in hosts.items()))
    await icmp.aclose()
    return {f"{case} {family}": each for (case, family), each in zip(hosts, found, strict=True)}


if __name__ == "__main__":
    in_network(_follow)
