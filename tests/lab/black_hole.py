"""A network of its own in which nobody answers; run as a program it probes every kind there and prints the results.

It must run in new user, network and mount namespaces (see :func:`probe_all`). There, 10.99.0.0/24 and fd99::/64 lead
into a TUN device that nobody reads, 10.98 and fd98 have no route, 10.97 and fd97 are prohibited, and the system's
resolver asks a name server that knows only the zone ``example.``.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from probes import KINDS
from probes.base import Endpoint, Family
from probes.wire import Wires
from probes.wire.capacity import CapacityWire
from probes.wire.dns import DnsWire
from probes.wire.http import HttpWire
from probes.wire.icmp import IcmpWire
from probes.wire.iperf import IperfWire
from probes.wire.names import Names
from probes.wire.snmp import SnmpAuth, SnmpWire
from probes.wire.tcp import TcpWire
from tests.lab.servers import dns_server
from tests.lab.tun import ip, open_tun, run_in_namespaces

__all__ = ["TIMEOUT_SECONDS", "probe_all"]

TIMEOUT_SECONDS = 1.5
PLACES = {
    "black hole": ("10.99.0.2", "fd99::2"),
    "no route": ("10.98.0.2", "fd98::2"),
    "prohibited": ("10.97.0.2", "fd97::2"),
    "unknown name": ("nothing.example", "nothing.example"),
}
NETWORK = """
link set lo up
addr add 10.99.0.1/24 dev dark
-6 addr add fd99::1/64 dev dark nodad
link set dark up
route add unreachable 10.98.0.0/24
-6 route add unreachable fd98::/64
route add prohibit 10.97.0.0/24
-6 route add prohibit fd97::/64
"""


def probe_all() -> list[dict[str, Any]]:
    """What each kind finds in each place and family: its result, or ``exception``; and ``took_seconds``."""
    return list(run_in_namespaces(__name__, mounts=True))


def _build() -> int:
    device = open_tun("dark")
    for line in NETWORK.strip().splitlines():
        ip(line)
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as resolver:
        resolver.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", resolver.name, str(Path("/etc/resolv.conf").resolve())], check=True)
    Path(resolver.name).unlink()
    return device


async def _probe(kind: str, place: str, family: Family, wires: Wires) -> dict[str, Any]:
    row = KINDS[kind]
    ends = {}
    for role in row.roles:
        own = row.families.get(role, family)
        ends[role] = Endpoint(host=PLACES[place][own is Family.IPV6], family=own)
    found: dict[str, Any] = {"kind": kind, "place": place, "family": family}
    start = time.monotonic()
    try:
        result = await row.probe(ends, row.params(), wires=wires, timeout=TIMEOUT_SECONDS)
    except Exception as error:  # noqa: BLE001 (that there is none is what the test asserts)
        found["exception"] = repr(error)
    else:
        found |= {
            "failure": result.failure,
            "detail": result.detail,
            "readings": dict(result.readings),
            "steps": len(result.steps),
        }
    found["took_seconds"] = time.monotonic() - start
    return found


async def _main() -> None:
    wires = Wires(
        names=Names(),
        icmp=IcmpWire(),
        snmp=SnmpWire({"default": SnmpAuth(community="public")}),
        tcp=TcpWire(),
        dns=DnsWire(),
        http=HttpWire(allowed_hosts=frozenset(host for hosts in PLACES.values() for host in hosts)),
        capacity=CapacityWire({"default": b"a key that nobody here has"}),
        iperf=IperfWire(),
    )
    found = []
    async with dns_server(port=53):
        # One kind after the other: what is judged is that each ends in time, not how many this machine can run at once.
        for kind in (name for name, row in KINDS.items() if not row.by_hand):
            found += await asyncio.gather(
                *(_probe(kind, place, family, wires) for place in PLACES for family in Family)
            )
    await wires.aclose()
    print(json.dumps(found))  # noqa: T201 (this is a program, and that is its output)


if __name__ == "__main__":
    tun = _build()
    asyncio.run(_main())
    os.close(tun)
