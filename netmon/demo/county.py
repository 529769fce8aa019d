"""The simulated county: its inventory, its devices on loopback, and the faults that come and go.

The kernel answers ICMP for all of 127.0.0.0/8, so nothing in here can stop answering a ping: ICMP faults are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.devices import hytera_repeater, router, ups

__all__ = ["County", "Fault"]

COMMUNITY = "simulation"
VSWR_ALARM = "1.3.6.1.4.1.40297.1.2.1.1.6.0"
OUTPUT_SOURCE = "1.3.6.1.2.1.33.1.4.1.0"
ON_BATTERY, ON_MAINS = 5, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong for a while, and the check that must find it."""

    name: str
    check: str
    begin: Callable[[], Awaitable[None] | None]
    end: Callable[[], Awaitable[None] | None]


class County:
    """Devices and services on 127.0.0.0/8. ``start`` writes an inventory that matches the ports that were free.

    Attributes:
        faults: what can be injected.
    """

    def __init__(self, folder: Path, interval_seconds: float = 5.0) -> None:
        self.faults: list[Fault] = []
        self._folder = folder
        self._interval = interval_seconds
        self._agents: list[SnmpAgent] = []
        self._servers: dict[str, asyncio.Server] = {}
        self._hosts = (f"127.88.{high}.{low}" for high, low in itertools.product(range(250), range(1, 250)))

    async def start(self) -> Path:
        """Start everything; returns the inventory's path."""
        sites = [await self._battalion(), await self._hilltop("hilltop-1", "一号山顶基站", "Hilltop 1")]
        sites.append(await self._hilltop("hilltop-2", "二号山顶基站", "Hilltop 2"))
        sites.append(await self._station())
        inventory = {
            "sample": True,
            "organisation": {"zh": "模拟县（演示）", "en": "Simulated county"},
            "snmp_auths": {"simulation": {"version": "2c", "community_file": "community"}},
            "defaults": {
                kind: {"interval": self._interval, "timeout": min(2.0, self._interval / 2), "confirm": 0.5}
                for kind in ("ping", "tcp", "snmp", "base_station", "uplink")
            },
            "sites": sites,
        }
        secret = self._folder / "community"
        secret.touch(mode=0o600)
        secret.write_text(COMMUNITY + "\n", encoding="utf-8")
        path = self._folder / "sites.yaml"
        path.write_text(yaml.safe_dump(inventory, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return path

    async def stop(self) -> None:
        """Close every socket."""
        for agent in self._agents:
            agent.close()
        for server in self._servers.values():
            server.close()
            await server.wait_closed()

    @property
    def writes_seen(self) -> int:
        """SetRequests that any device was sent: always 0."""
        return sum(agent.requests["SetRequestPDU"] for agent in self._agents)

    async def _agent(self, tree: dict[str, Value]) -> tuple[SnmpAgent, dict[str, object]]:
        agent = SnmpAgent(tree, community=COMMUNITY)
        host, port = await agent.start(next(self._hosts))
        self._agents.append(agent)
        return agent, {"host": host, "port": port}

    async def _service(self, name: str, host: str, port: int = 0) -> int:
        async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                writer.write(b"SIMULATION\r\n")
                await writer.drain()
            writer.close()

        self._servers[name] = server = await asyncio.start_server(greet, host, port)
        return int(server.sockets[0].getsockname()[1])

    async def _battalion(self) -> dict[str, object]:
        host = next(self._hosts)
        port = await self._service("fusion", host)
        agent, address = await self._agent(ups("battalion UPS"))

        async def stop_fusion() -> None:
            server = self._servers.pop("fusion")
            server.close()
            await server.wait_closed()

        async def start_fusion() -> None:
            await self._service("fusion", host, port)

        self.faults += [
            Fault(name="fusion platform stopped", check="battalion/fusion/tcp", begin=stop_fusion, end=start_fusion),
            Fault(
                name="battalion on battery",
                check="battalion/ups/snmp",
                begin=lambda: agent.values.__setitem__(OUTPUT_SOURCE, Value(Syntax.INTEGER, ON_BATTERY)),
                end=lambda: agent.values.__setitem__(OUTPUT_SOURCE, Value(Syntax.INTEGER, ON_MAINS)),
            ),
        ]
        return {
            "id": "battalion",
            "kind": "battalion",
            "name": {"zh": "大队（模拟）", "en": "Battalion (simulated)"},
            "required": {"voice_service": 1, "power": 1},
            "equipment": [
                {
                    "id": "fusion",
                    "kind": "voice_service",
                    "name": {"zh": "融合通信平台", "en": "fusion communications"},
                    "address": {"host": host, "port": port},
                    "checks": {"tcp": {"params": {"expect": "SIMULATION"}}},
                },
                {
                    "id": "ups",
                    "kind": "power",
                    "name": {"zh": "不间断电源", "en": "UPS"},
                    "address": address,
                    "checks": {"snmp": {"params": {"auth": "simulation", "profile": "ups"}}},
                },
            ],
        }

    async def _hilltop(self, site: str, zh: str, en: str) -> dict[str, object]:
        agent, address = await self._agent(hytera_repeater(site))
        check = f"{site}/repeater/base-station"
        if site == "hilltop-1":
            fault = Fault(
                name=f"{site}: high VSWR",
                check=check,
                begin=lambda: agent.values.__setitem__(VSWR_ALARM, Value(Syntax.INTEGER, 1)),
                end=lambda: agent.values.__setitem__(VSWR_ALARM, Value(Syntax.INTEGER, 0)),
            )
        else:
            fault = Fault(
                name=f"{site}: the agent is silent",
                check=check,
                begin=lambda: setattr(agent, "silent", True),
                end=lambda: setattr(agent, "silent", False),
            )
        self.faults.append(fault)
        return {
            "id": site,
            "kind": "radio_site",
            "name": {"zh": f"{zh}（模拟）", "en": f"{en} (simulated)"},
            "required": {"base_station": 1},
            "equipment": [
                {
                    "id": "repeater",
                    "kind": "base_station",
                    "name": {"zh": "350 兆中继台", "en": "350 MHz repeater"},
                    "address": address,
                    "checks": {"base-station": {"params": {"auth": "simulation", "profile": "hytera-repeater"}}},
                }
            ],
        }

    async def _station(self) -> dict[str, object]:
        _near, near = await self._agent(router("battalion-router", speed_mbits=100, bytes_per_second=1.2e6))
        _far, far = await self._agent(router("station-router", speed_mbits=100, bytes_per_second=1.1e6))
        params = {
            "near_auth": "simulation", "near_interface": "wan0", "far_auth": "simulation", "far_interface": "wan0",
            "provisioned_bits_per_second": "50M",
        }  # fmt: skip
        return {
            "id": "station-1",
            "kind": "fire_station",
            "name": {"zh": "一号消防站（模拟）", "en": "Fire station 1 (simulated)"},
            "required": {"uplink": 1},
            "equipment": [
                {
                    "id": "uplink",
                    "kind": "uplink",
                    "name": {"zh": "上联链路", "en": "uplink"},
                    "endpoints": {"near": near, "far": far},
                    "checks": {"uplink": {"params": params}},
                }
            ],
        }
