"""The simulated county: starts its devices and services, and writes the inventory that names them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import dns.rrset
import yaml

import probes
from netmon.demo.agent import SnmpAgent, Value
from netmon.demo.certificates import Authority
from netmon.demo.devices import hytera_repeater, router, satellite_modem, tait_base_station, ups
from netmon.demo.services import NameServer, TcpService, WebService

__all__ = ["GREETING", "LINE", "PAGE", "ZONE", "County"]

AUTH: Final = "simulation"
COMMUNITY: Final = "simulation"
ZONE: Final = "county.example"
DISPATCH_ADDRESS: Final = "192.0.2.80"
GREETING: Final = "SIMULATION"
PAGE: Final = "SIMULATION: 系统正常"
LINE: Final = "wan0"
LINE_BITS_PER_SECOND: Final = 50e6
VALID = timedelta(days=60)

Tree = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Player:
    """An SNMP device that equipment may play: its objects, by its name, and the checks that read them."""

    tree: Callable[[str], Tree]
    checks: Mapping[str, Any]


def _line_end(name: str) -> Tree:
    return router(name, speed_mbits=100, bytes_per_second=1.2e6)


SNMP_PLAYERS: Final[Mapping[str, _Player]] = {
    "router": _Player(tree=_line_end, checks={"snmp": {"kind": "snmp"}}),
    "ups": _Player(tree=ups, checks={"snmp": {"params": {"profile": "ups"}}}),
    "hytera_repeater": _Player(
        tree=hytera_repeater, checks={"base-station": {"params": {"profile": "hytera-repeater"}}}
    ),
    "tait_base_station": _Player(
        tree=tait_base_station, checks={"base-station": {"params": {"profile": "tait-tb9300"}}}
    ),
    "satellite_modem": _Player(
        tree=satellite_modem, checks={"modem": {"kind": "snmp", "params": {"profile": "uhp-vsat"}}}
    ),
}


class County:
    """Devices and services on 127.0.0.0/8, by the id of the equipment that they play.

    Attributes:
        agents: SNMP agents; a line's ends are ``<id>#near`` and ``<id>#far``.
        services: everything on TCP; ``web`` and ``name_servers`` are among them.
        certificates: what each secure web service shows while it is well.
    """

    def __init__(self, folder: Path, *, interval_seconds: float) -> None:
        self.agents: dict[str, SnmpAgent] = {}
        self.services: dict[str, TcpService] = {}
        self.web: dict[str, WebService] = {}
        self.name_servers: dict[str, NameServer] = {}
        self.certificates: dict[str, Path] = {}
        self.authority = Authority(folder)
        self._folder = folder
        self._interval = interval_seconds
        self._hosts = (f"127.88.{high}.{low}" for high, low in itertools.product(range(250), range(1, 250)))

    async def start(self) -> Path:
        """Start everything; returns the path of the inventory."""
        inventory = yaml.safe_load((files(__package__) / "county.yaml").read_text(encoding="utf-8"))
        for site in inventory["sites"]:
            for equipment in site.get("equipment", ()):
                await self._play(f"{site['id']}/{equipment['id']}", equipment)
        inventory["snmp_auths"] = {AUTH: {"version": "2c", "community_file": "community"}}
        inventory["defaults"] = self._defaults()
        secret = self._folder / "community"
        secret.touch(mode=0o600)
        secret.write_text(COMMUNITY + "\n", encoding="utf-8")
        path = self._folder / "sites.yaml"
        path.write_text(yaml.safe_dump(inventory, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return path

    async def stop(self) -> None:
        """Close every socket."""
        for agent in self.agents.values():
            agent.close()
        for service in self.services.values():
            await service.stop()

    @property
    def writes_seen(self) -> int:
        """SetRequests that any device was sent: always 0."""
        return sum(agent.requests["SetRequestPDU"] for agent in self.agents.values())

    def _defaults(self) -> dict[str, Any]:
        pace = {"interval": self._interval, "timeout": min(2.0, self._interval / 2), "confirm": 0.5}
        defaults: dict[str, Any] = {kind: dict(pace) for kind in probes.KINDS}
        echo = {"count": 5, "gap_seconds": 0.02}
        for kind in ("ping", "base_station", "uplink"):
            defaults[kind]["params"] = dict(echo)
        defaults["base_station"]["params"]["auth"] = AUTH
        defaults["snmp"]["params"] = {"auth": AUTH}
        defaults["snmp"]["thresholds"] = {"carrier_to_noise_db": {"degraded_below": 6}}
        defaults["uplink"]["params"] |= {
            "near_auth": AUTH, "near_interface": LINE, "far_auth": AUTH, "far_interface": LINE,
            "provisioned_bits_per_second": LINE_BITS_PER_SECOND,
        }  # fmt: skip
        defaults["uplink"]["thresholds"] = {
            "in_utilisation_ratio": {"degraded_above": 0.9},
            "in_errors_per_second": {"degraded_above": 1},
        }
        return defaults

    async def _play(self, asset: str, equipment: dict[str, Any]) -> None:
        """Start what stands there, and complete its entry in the inventory."""
        role = equipment.pop("plays", None)
        equipment.pop("rtt", None)
        if role is None:
            return
        if role in SNMP_PLAYERS:
            equipment["address"] = await self._agent(asset, SNMP_PLAYERS[role].tree)
            equipment["checks"] = deepcopy(SNMP_PLAYERS[role].checks)
        elif role == "line":
            equipment["endpoints"] = {end: await self._agent(f"{asset}#{end}", _line_end) for end in ("near", "far")}
        elif role == "host":
            equipment["address"] = next(self._hosts)
        elif role == "service":
            equipment["address"] = await self._service(asset, TcpService(f"{GREETING}\r\n".encode()))
            equipment["checks"] = {"tcp": {"params": {"expect": GREETING}}}
        elif role == "name_server":
            equipment["address"], equipment["checks"] = await self._name_server(asset)
        elif role in ("web", "secure_web"):
            equipment["address"], equipment["checks"] = await self._web(asset, secure=role == "secure_web")
        else:
            raise ValueError(f"{asset} plays {role}, which nobody knows")

    async def _agent(self, name: str, tree: Callable[[str], Tree]) -> dict[str, Any]:
        self.agents[name] = agent = SnmpAgent(tree(name), community=COMMUNITY)
        host, port = await agent.start(next(self._hosts))
        return {"host": host, "port": port}

    async def _service(self, asset: str, service: TcpService) -> dict[str, Any]:
        self.services[asset] = service
        host = next(self._hosts)
        return {"host": host, "port": await service.start(host)}

    async def _name_server(self, asset: str) -> tuple[dict[str, Any], dict[str, Any]]:
        name = f"dispatch.{ZONE}"
        self.name_servers[asset] = server = NameServer(
            [
                dns.rrset.from_text(f"{name}.", 60, "IN", "A", DISPATCH_ADDRESS),
                dns.rrset.from_text(
                    f"{ZONE}.", 60, "IN", "SOA", f"ns.{ZONE}. simulation.{ZONE}. 1 7200 900 1209600 60"
                ),
            ]
        )
        params = {"name": name, "record_type": "A", "expected": [DISPATCH_ADDRESS], "recursion": False}
        zone = {"name": ZONE, "record_type": "SOA", "transport": "tcp", "recursion": False}
        checks = {"dns": {"params": params}, "zone": {"kind": "dns", "params": zone}}
        return await self._service(asset, server), checks

    async def _web(self, asset: str, *, secure: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        params: dict[str, Any] = {"body_contains": PAGE}
        if secure:
            name = f"{asset.rpartition('/')[2]}.{ZONE}"
            self.certificates[asset] = self.authority.issue(name, VALID)
            params |= {"scheme": "https", "server_name": name, "ca_file": str(self.authority.ca_file)}
        self.web[asset] = service = WebService(PAGE, certificate=self.certificates.get(asset))
        return await self._service(asset, service), {"http": {"params": params}}
