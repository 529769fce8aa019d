"""Streams over emulated lines in a network of its own; prints what netmon found beside what the emulator recorded.

A program, since a process can enter a new network only before it has threads: see :func:`measure`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from netmon.demo import namespaces
from netmon.demo.link import Behaviour, Emulator, PacketRecord
from netmon.model import Check, Observation
from netmon.runner import Clock, Runner
from probes import KINDS
from probes.base import Endpoint, Family
from probes.stream import SECONDS, StreamParams
from probes.wire import Wires
from probes.wire.icmp import IcmpWire
from probes.wire.names import Names
from tests.lab import need

__all__ = ["BURSTY", "CUT", "RATE", "RUN_SECONDS", "UNMARKED", "Found", "measure"]

CUT, BURSTY, UNMARKED = "10.77.0.9", "fd00:77::9", "10.77.0.10"
"""A line that is cut in the first run and comes back in the second; one with faults; one that drops DSCP 0."""
NETWORKS = ("10.77.0.1/16", "fd00:77::1/64")
RATE = 20
RUN_SECONDS = 11
TIMEOUT = RUN_SECONDS + 2.0
DELAY = Behaviour(delay_seconds=0.02)
CUT_AFTER, BACK_AFTER = 10.1, 9.1
"""Seconds of the first run until the cut, of the second until the line is back."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Found:
    """What one run said, and the emulator's record of its packets, in order of sending.

    Attributes:
        losses: by the second.
    """

    readings: dict[str, float]
    losses: list[float]
    records: list[PacketRecord]


def measure() -> dict[str, Found]:
    """By address and, where there is more than one, number of the run or code point."""
    need.namespaces()
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.streamed"], capture_output=True, text=True, cwd=ROOT, timeout=100
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {
        name: Found(readings, losses, [PacketRecord.of(plain) for plain in records])
        for name, (readings, losses, records) in json.loads(done.stdout).items()
    }


def _check(address: str, dscp: int = 0) -> Check:
    return Check(
        id=f"site/line/{address}-{dscp}", site="site", asset="site/line", kind="stream",
        endpoints={"far": Endpoint(host=address, family=Family.IPV6 if ":" in address else Family.IPV4)},
        params=StreamParams(packets_per_second=RATE, dscp=dscp), interval_seconds=TIMEOUT + 1, timeout_seconds=TIMEOUT,
        continuous=True,
    )  # fmt: skip


async def _change(emulator: Emulator, after: float, behaviour: Behaviour) -> None:
    await asyncio.sleep(after)
    emulator.set_hosts({CUT: behaviour})


async def _run(emulator: Emulator) -> dict[str, tuple[Observation, list[PacketRecord]]]:
    icmp = IcmpWire()
    wires = cast("Wires", SimpleNamespace(icmp=icmp, names=Names()))
    runner = Runner(kinds=KINDS, wires=wires, emit=lambda _each: None, missed=lambda _each: None, clock=Clock())
    for family, address in ((Family.IPV4, "127.0.0.1"), (Family.IPV6, "::1")):  # the first packet opens the socket
        await icmp.ping(address, family=family, count=1, gap_seconds=0.1, timeout=1.0)
    emulator.records()
    checks = {CUT: _check(CUT), BURSTY: _check(BURSTY), "0": _check(UNMARKED), "46": _check(UNMARKED, 46)}
    *observed, _none = await asyncio.gather(
        *(runner.run_once(check, 0) for check in checks.values()),
        _change(emulator, CUT_AFTER, Behaviour(down=True)),
    )
    first = emulator.records()
    again, _none = await asyncio.gather(runner.run_once(checks[CUT], 0), _change(emulator, BACK_AFTER, DELAY))
    second = emulator.records()
    await icmp.aclose()
    found = {name: (each, first) for name, each in zip(checks, observed, strict=True)}
    return {**found, f"{CUT} again": (again, second)}


def main() -> None:
    """Print what was found."""
    namespaces.enter()
    port = namespaces.open_tun("sim0", [ip_interface(network) for network in NETWORKS])
    with Emulator([port], seed=5, recording=True) as emulator:
        emulator.set_hosts(
            {
                CUT: DELAY,
                BURSTY: Behaviour(
                    delay_seconds=0.03, jitter_seconds=0.1, loss_ratio=0.3, late_ratio=0.03, late_seconds=3
                ),
                UNMARKED: Behaviour(delay_seconds=0.01, lost_dscp=0),
            }
        )
        found = asyncio.run(_run(emulator))
    plain = {}
    for name, (observation, records) in found.items():
        address = observation.check_id.removeprefix("site/line/").rpartition("-")[0]
        mine = [each for each in records if each.address == address]
        if address == UNMARKED:
            mine = [each for each in mine if each.dscp == int(name)]
        losses = observation.result.samples.get(SECONDS, ())
        plain[name] = (dict(observation.readings), losses, [record.as_plain() for record in mine])
    json.dump(plain, sys.stdout)


if __name__ == "__main__":
    main()
