"""Pings emulated hosts in a network of its own, and prints what netmon found beside what the emulator recorded.

A program, since a process can enter a new network only before it has threads: see :func:`measure`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from netmon.demo import namespaces
from netmon.demo.link import Behaviour, Emulator, PacketRecord
from probes.base import Failure, Family
from probes.wire.echo import Echo, EchoError
from probes.wire.icmp import IcmpWire
from tests.lab import need

__all__ = ["NETWORKS", "Outcome", "measure"]

NETWORKS = ("10.77.0.1/16", "fd00:77::1/64")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one measurement gave.

    Attributes:
        echoes: by address, in order of sending.
        records: by address, in order of arrival at the emulator, which is the order of sending.
        longest_gap_seconds: how long the emulator was without its core, if it spun.
        longest_block_seconds: how long the event loop was held up at once.
    """

    echoes: Mapping[str, list[Echo]]
    records: Mapping[str, list[PacketRecord]]
    longest_gap_seconds: float
    longest_block_seconds: float


def measure(
    behaviours: Mapping[str, Behaviour], *, count: int = 10, gap: float = 0.1, timeout: float = 2.0, seed: int = 0,
    block_seconds: float = 0.0, spinning: bool = False, payload_bytes: int = 56, dont_fragment: bool = False,
    hop_limit: int | None = None, settle_seconds: float = 0.3,
) -> Outcome:  # fmt: skip
    """Ping every address at once; see :meth:`probes.wire.icmp.IcmpWire.ping` for the options.

    Args:
        block_seconds: hold the event loop up in pieces of this length all the time.
        spinning: exact times, at the price of a core for the emulator.
        settle_seconds: how long to wait for what comes late, before the record is fetched.
    """
    need.namespaces()
    task = {
        "behaviours": {address: behaviour.as_plain() for address, behaviour in behaviours.items()},
        "options": {
            "count": count, "gap_seconds": gap, "timeout": timeout, "payload_bytes": payload_bytes,
            "dont_fragment": dont_fragment, "hop_limit": hop_limit,
        },
        "seed": seed, "block_seconds": block_seconds, "spinning": spinning, "settle_seconds": settle_seconds,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.truth"], input=json.dumps(task), capture_output=True, text=True, cwd=ROOT,
        timeout=300,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    found = json.loads(done.stdout)
    records: dict[str, list[PacketRecord]] = {address: [] for address in behaviours}
    for plain in found["records"]:
        record = PacketRecord.of(plain)
        if record.address in records:
            records[record.address].append(record)
    return Outcome(
        echoes={address: [_echo(fields) for fields in echoes] for address, echoes in found["echoes"].items()},
        records=records,
        longest_gap_seconds=found["gap_ns"] / 1e9,
        longest_block_seconds=found["block_seconds"],
    )


def _echo(fields: list[Any]) -> Echo:
    *first, error = fields
    return Echo(*first, error and EchoError(Failure(error[0]), *error[1:]))


class _Blocker:
    """Holds the event loop up, and says how long at most."""

    def __init__(self, seconds: float) -> None:
        self.longest = 0.0
        self._seconds = seconds

    async def run(self) -> None:
        while self._seconds:
            start = time.monotonic()
            time.sleep(self._seconds)  # noqa: ASYNC251 (that is what it is for)
            self.longest = max(self.longest, time.monotonic() - start)
            await asyncio.sleep(0.001)


def _family(address: str) -> Family:
    return Family.IPV6 if ":" in address else Family.IPV4


async def _ping_all(task: dict[str, Any]) -> tuple[dict[str, list[Echo]], float]:
    wire = IcmpWire()
    blocker = _Blocker(task["block_seconds"])
    try:
        # The first packet of a socket opens it, and turns the kernel's time stamps on.
        for address in ("127.0.0.1", "::1"):
            await wire.ping(address, family=_family(address), count=2, gap_seconds=0.05, timeout=1.0)
        blocking = asyncio.create_task(blocker.run())
        answers = await asyncio.gather(
            *(wire.ping(address, family=_family(address), **task["options"]) for address in task["behaviours"])
        )
        blocking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await blocking
        await asyncio.sleep(task["settle_seconds"])
    finally:
        await wire.aclose()
    return dict(zip(task["behaviours"], answers, strict=True)), blocker.longest


def main() -> None:
    """Read a task, print what was found."""
    task = json.load(sys.stdin)
    namespaces.enter()
    port = namespaces.open_tun("sim0", [ip_interface(network) for network in NETWORKS])
    cpus = sorted(os.sched_getaffinity(0))
    spinning = task["spinning"]
    cpu = cpus[-1] if spinning and len(cpus) > 1 else None
    with Emulator([port], seed=task["seed"], recording=True, spinning=spinning, cpu=cpu) as emulator:
        if cpu is not None:
            os.sched_setaffinity(0, set(cpus[:-1]))
        emulator.set_hosts({address: Behaviour(**plain) for address, plain in task["behaviours"].items()})
        emulator.records()
        echoes, block_seconds = asyncio.run(_ping_all(task))
        records = emulator.records()
        found = {
            "echoes": echoes,
            "records": [record.as_plain() for record in records],
            "gap_ns": emulator.longest_gap_ns,
            "block_seconds": block_seconds,
        }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
