"""A link that answers every ping after a chosen time; run as a program it probes a satellite terminal over it.

It must run in new user and network namespaces (see :func:`probe_over`). The far side of a TUN device is played here:
each echo request comes back as its reply, so late as the host's address says.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from types import SimpleNamespace
from typing import Any, cast

from probes.base import Endpoint, Family
from probes.satellite import SatelliteParams, probe_satellite
from probes.wire import Wires
from probes.wire.icmp import IcmpWire
from probes.wire.names import Names
from tests.lab.tun import ip, open_tun, run_in_namespaces

__all__ = ["probe_over"]

HUNCHUN = {"latitude": 42.87, "longitude": 130.36, "satellite_longitude": 110.5}


def probe_over(delays_seconds: list[float | None]) -> list[dict[str, Any]]:
    """What the probe finds at the end of links with these round trips; ``None`` is a terminal that is off."""
    return list(run_in_namespaces(__name__, json.dumps(delays_seconds)))


def _answer(device: int, delays: list[float | None]) -> None:
    from scapy.layers.inet import ICMP, IP

    packet = IP(os.read(device, 2048))
    if packet.version != 4 or ICMP not in packet:
        return
    delay = delays[int(packet.dst.rpartition(".")[2]) - 10]
    if delay is not None:
        reply = IP(src=packet.dst, dst=packet.src) / ICMP(type="echo-reply", id=packet[ICMP].id, seq=packet[ICMP].seq)
        asyncio.get_running_loop().call_later(delay, os.write, device, bytes(reply / bytes(packet[ICMP].payload)))


async def _main(delays: list[float | None]) -> None:
    device = open_tun("sky")
    ip("link set lo up")
    ip("addr add 10.99.0.1/24 dev sky")
    ip("link set sky up")
    asyncio.get_running_loop().add_reader(device, _answer, device, delays)
    icmp = IcmpWire()
    wires = cast("Wires", SimpleNamespace(names=Names(), icmp=icmp))
    params = SatelliteParams(count=3, gap_seconds=0.05, **HUNCHUN)

    async def probe(number: int) -> dict[str, Any]:
        terminal = Endpoint(host=f"10.99.0.{number + 10}", family=Family.IPV4)
        result = await probe_satellite({"host": terminal}, params, wires=wires, timeout=4.0)
        path = result.states.get("path")
        return {
            "failure": result.failure,
            "path": path.word if path else None,
            "rtt_min_seconds": result.readings.get("rtt_min_seconds"),
        }

    found = await asyncio.gather(*(probe(number) for number in range(len(delays))))
    await icmp.aclose()
    print(json.dumps(found))  # noqa: T201 (this is a program, and that is its output)


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
