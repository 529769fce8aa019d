"""A monitor in networks with and without IPv6; run as a program it probes an application there and prints the results.

It must run in new user and network namespaces (see :func:`probe_all`). Everything but loopback is behind a TUN device,
whose other end is played here: it says nothing, or what a router says that does not forward a packet.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from typing import Any

from probes.base import Endpoint, Family
from probes.ipv6 import Ipv6Params, probe_ipv6
from tests.lab.servers import FakeNames, http_server, service_wires, unused_port
from tests.lab.tun import ip, open_tun, run_in_namespaces

__all__ = ["probe_all"]

TIMEOUT_SECONDS = 1.0
ROUTER = "fd99::ffff"
# Type 1 codes of RFC 4443: what the router answers to packets for these addresses.
REPLIES = {"fd99::1:0": 0, "fd99::1:1": 1}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def probe_all() -> dict[str, Any]:
    """What the probe finds in each place: its result, or ``exception``."""
    return dict(run_in_namespaces(__name__))


def _play_router(device: int) -> None:
    from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6

    packet = IPv6(os.read(device, 2048))
    if packet.version == 6 and packet.dst in REPLIES:
        error = IPv6(src=ROUTER, dst=packet.src) / ICMPv6DestUnreach(code=REPLIES[packet.dst]) / packet
        os.write(device, bytes(error))


async def _probe(v4: tuple[str, int], v6: tuple[str, int], names: FakeNames | None = None) -> dict[str, Any]:
    ends = {
        "v4": Endpoint(host=v4[0], family=Family.IPV4, port=v4[1]),
        "v6": Endpoint(host=v6[0], family=Family.IPV6, port=v6[1]),
    }
    wires = service_wires(v4[0], v6[0], names=names)
    try:
        result = await probe_ipv6(ends, Ipv6Params(), wires=wires, timeout=TIMEOUT_SECONDS)
    except Exception as error:  # noqa: BLE001 (which one is what the test looks at)
        return {"exception": repr(error)}
    stage = result.states.get("stage")
    return {
        "failure": result.failure,
        "detail": result.detail,
        "stage": stage.word if stage else None,
        "readings": dict(result.readings),
    }


async def _main() -> None:
    ip("link set lo up")
    device = open_tun("wan")
    asyncio.get_running_loop().add_reader(device, _play_router, device)
    found: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        v4 = ("127.0.0.1", (await stack.enter_async_context(http_server(lambda _: ANSWER))).port)
        served = (await stack.enter_async_context(http_server(lambda _: ANSWER, address="::1"))).port

        found["no route"] = await _probe(v4, ("fd99::2", 80))
        found["no route, IPv4 refused"] = await _probe(("127.0.0.1", unused_port()), ("fd99::2", 80))

        ip("link set wan up")
        ip("-6 route add default dev wan")
        found["link-local only"] = await _probe(v4, ("fd99::2", 80))

        ip("-6 addr add fd99::1/64 dev wan nodad")
        found["black hole"] = await _probe(v4, ("fd99::2", 80))
        found["router without a route"] = await _probe(v4, ("fd99::1:0", 80))
        found["router prohibits"] = await _probe(v4, ("fd99::1:1", 80))
        names = FakeNames(app_example="::1 fd99::dead")
        found["one address dead"] = await _probe(v4, ("app.example", served), names)
    print(json.dumps(found))  # noqa: T201 (this is a program, and that is its output)


if __name__ == "__main__":
    asyncio.run(_main())
