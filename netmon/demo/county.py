"""The simulated county: starts its devices and services, and writes the inventory that names them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import dns.rrset
import yaml

import probes
from netmon.demo.agent import SnmpAgent, Value
from netmon.demo.certificates import Authority
from netmon.demo.devices import (
    edge_router,
    hytera_repeater,
    lone_base_station,
    radio_terminal,
    reflecting_repeater,
    router,
    satellite_modem,
    tait_base_station,
    ups,
    ups_on_battery,
)
from netmon.demo.network import RESOLVER, Network, Spot
from netmon.demo.reflectors import Reflectors
from netmon.demo.services import NameServer, TcpService, WebService
from netmon.model import Status

__all__ = ["WWW", "ZONE", "County"]

AUTH: Final = "simulation"
COMMUNITY: Final = "simulation"
ZONE: Final = "county.example"
WWW, WWW_ADDRESS = f"www.{ZONE}", "192.0.2.80"
GREETING: Final = "SIMULATION"
PAGE: Final = "SIMULATION: 系统正常"
LINE: Final = "wan0"
TERMINAL: Final = "radio-terminal"
LINE_BITS_PER_SECOND: Final = 50e6
USUAL_BYTES_PER_SECOND, FROM_SITE_RATIO = 1.2e6, 0.4
"""Octets a second to a site, and the share that comes from it: what one end sends, the other receives."""
TESTED_BITS_PER_SECOND: Final = 2e6
"""What capacity tests ask for here: the 50 Mbit/s of the plan would keep the simulation's processor busy."""
REFLECTOR_PORT: Final = 9736
LEAST_TEST_INTERVAL_SECONDS: Final = 15.0
VALID: Final = timedelta(days=60)
SNMP_PORT, HTTP_PORT, HTTPS_PORT, DNS_PORT, SIP_PORT = 161, 80, 443, 53, 5060
NEAR_RTT_SECONDS: Final = 0.001
SATELLITE_LONGITUDE: Final = 110.5

Tree = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Player:
    """An SNMP device that equipment may play: its objects, by its name, and the checks that read them."""

    tree: Callable[[str], Tree]
    checks: Mapping[str, Any]


class _Dumper(yaml.SafeDumper):
    """Writes everything out: an inventory has no anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _far_end(name: str, to_site: float = USUAL_BYTES_PER_SECOND) -> Tree:
    return router(name, speed_mbits=100, in_per_second=to_site, out_per_second=FROM_SITE_RATIO * to_site)


def _near_end(name: str, to_site: float = USUAL_BYTES_PER_SECOND) -> Tree:
    return router(name, speed_mbits=100, in_per_second=FROM_SITE_RATIO * to_site, out_per_second=to_site)


SNMP_PLAYERS: Final[Mapping[str, _Player]] = {
    "router": _Player(tree=_far_end, checks={"snmp": {"kind": "snmp"}}),
    "edge_router": _Player(
        tree=edge_router,
        checks={"path": {"kind": "path", "params": {"primary_interface": "wan0", "backup_interfaces": ["wan1"]}}},
    ),
    "ups": _Player(tree=ups, checks={"power": {"params": {"profile": "ups"}}}),
    "hytera_repeater": _Player(
        tree=hytera_repeater, checks={"base-station": {"params": {"profile": "hytera-repeater"}}}
    ),
    "tait_base_station": _Player(
        tree=tait_base_station, checks={"base-station": {"params": {"profile": "tait-tb9300"}}}
    ),
    "reflecting_repeater": _Player(
        tree=reflecting_repeater, checks={"base-station": {"params": {"profile": "hytera-repeater"}}}
    ),
    "lone_base_station": _Player(
        tree=lone_base_station, checks={"base-station": {"params": {"profile": "tait-tb9300"}}}
    ),
    "ups_on_battery": _Player(tree=ups_on_battery, checks={"power": {"params": {"profile": "ups"}}}),
    "satellite_modem": _Player(
        tree=satellite_modem, checks={"modem": {"kind": "snmp", "params": {"profile": "uhp-vsat"}}}
    ),
    "satellite_terminal": _Player(tree=satellite_modem, checks={}),
    "radio_terminal": _Player(tree=radio_terminal, checks={}),
}


class County:
    """Devices and services, by the id of the equipment that they play.

    Attributes:
        agents: SNMP agents; a line's ends are ``<id>#near`` and ``<id>#far``.
        services: everything on TCP; ``web`` and ``name_servers`` are among them.
        certificates: what each secure web service shows while it is well.
        hosts: addresses at which equipment is probed; of a line, its far end; of an application, ``<id>#ipv6`` too.
        standing: statuses of checks that are not UP although no fault is injected.
    """

    def __init__(self, folder: Path, network: Network, *, interval_seconds: float) -> None:
        self.agents: dict[str, SnmpAgent] = {}
        self.services: dict[str, TcpService] = {}
        self.web: dict[str, WebService] = {}
        self.name_servers: dict[str, NameServer] = {}
        self.certificates: dict[str, Path] = {}
        self.hosts: dict[str, str] = {}
        self._ends: dict[str, dict[str, Any]] = {}
        self.standing: dict[str, Status] = {}
        self.authority = Authority(folder)
        self.network = network
        self._folder = folder
        self._reflectors = Reflectors()
        self.interval_seconds = interval_seconds
        self._names: list[dns.rrset.RRset] = []
        self._resolver = NameServer(self._names)

    async def start(self) -> Path:
        """Start everything; returns the path of the inventory."""
        inventory = yaml.safe_load((files(__package__) / "county.yaml").read_text(encoding="utf-8"))
        here = "emulated" if self.network.emulated else "loopback"
        for site in inventory["sites"]:
            equipment = [each for each in site.get("equipment", ()) if each.pop("only", here) == here]
            for each in equipment:
                await self._play(f"{site['id']}/{each['id']}", each)
            site["equipment"] = equipment
        if self.network.has_names:
            await self._resolver.start(RESOLVER, port=DNS_PORT)
        inventory["reflector_keys"] = {"default": {"key_file": self._reflectors.write_key(self._folder)}}
        inventory["snmp_auths"] = {AUTH: {"version": "2c", "community_file": "community"}}
        inventory["defaults"] = self._defaults()
        profile = files(__package__) / f"{TERMINAL}.yaml"
        (self._folder / "profiles").mkdir(exist_ok=True)
        (self._folder / "profiles" / f"{TERMINAL}.yaml").write_bytes(profile.read_bytes())
        secret = self._folder / "community"
        secret.touch(mode=0o600)
        secret.write_text(COMMUNITY + "\n", encoding="utf-8")
        path = self._folder / "sites.yaml"
        path.write_text(yaml.dump(inventory, Dumper=_Dumper, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return path

    async def stop(self) -> None:
        """Close every socket."""
        await asyncio.to_thread(self._reflectors.stop)
        for agent in self.agents.values():
            agent.close()
        for service in (*self.services.values(), self._resolver):
            await service.stop()

    @property
    def writes_seen(self) -> int:
        """SetRequests that any device was sent: always 0."""
        return sum(agent.requests["SetRequestPDU"] for agent in self.agents.values())

    def _defaults(self) -> dict[str, Any]:
        pace = {"interval": self.interval_seconds, "timeout": 0.8 * self.interval_seconds, "confirm": 0.5}
        defaults: dict[str, Any] = {name: dict(pace) for name, kind in probes.KINDS.items() if not kind.by_hand}
        # It lasts for its interval, and is not confirmed. A machine that is busy delays packets: that is no fault here.
        defaults["stream"] = {"interval": self.interval_seconds, "thresholds": {"mos_cqe": False}}
        for kind in ("ping", "base_station", "uplink", "satellite"):
            defaults[kind]["params"] = {"count": 5, "gap_seconds": 0.02}
        carrier = {"carrier_to_noise_db": {"degraded_below": 6}}
        defaults["ping"]["thresholds"] = {"rtt_median_seconds": {"degraded_above": 0.25}}
        defaults["base_station"]["params"]["auth"] = AUTH
        defaults["power"]["params"] = {"auth": AUTH}
        defaults["capacity"] |= {
            "interval": max(LEAST_TEST_INTERVAL_SECONDS, self.interval_seconds), "timeout": 10.0,
            "params": {
                "target_bits_per_second": TESTED_BITS_PER_SECOND, "tolerance_ratio": 0.1, "sustain_seconds": 0.4,
                "late_after_seconds": 0.5, "rise_seconds": 0.5,
            },
        }  # fmt: skip
        defaults["path"]["params"] = {"auth": AUTH}
        defaults["path_mtu"] |= {"params": {"tries": 2, "wait_seconds": 0.15}}
        defaults["snmp"] |= {"params": {"auth": AUTH}, "thresholds": carrier}
        defaults["satellite"]["params"] |= {"auth": AUTH, "satellite_longitude": SATELLITE_LONGITUDE}
        defaults["satellite"]["thresholds"] = dict(carrier)
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
        tested, carries = equipment.pop("tested", False), equipment.pop("carries", None)
        uses = equipment.pop("uses", USUAL_BYTES_PER_SECOND)
        if role is None:
            return
        rtt, ipv6 = equipment.pop("rtt", 0.0), equipment.pop("ipv6", "")
        if role == "foreign_station":
            # Nobody may ask it: a terminal of ours that is registered with it tells that it serves.
            params = {"auth": AUTH, "profile": TERMINAL, "site": equipment.pop("site")}
            told = {"kind": "registration", "address": self._ends[equipment.pop("seen_by")], "params": params}
            equipment["checks"] = {"base-station": False, "terminal": told}
            return
        if role == "line":
            shows = equipment.pop("shows", {})
            near = await self._agent(
                f"{asset}#near", self.network.place(NEAR_RTT_SECONDS), partial(_near_end, to_site=uses)
            )
            far = await self._agent(f"{asset}#far", self._place(asset, rtt), partial(_far_end, to_site=uses))
            equipment["endpoints"] = {"near": near, "far": far}
            if tested:
                spot = self.network.place(rtt, rate_bits_per_second=carries)
                port = self._reflectors.add(spot.bind, self.network.port(REFLECTOR_PORT))
                equipment["endpoints"]["reflector"] = {"host": spot.host, "port": port}
            if carries is None or self.network.emulated:  # on loopback no line is slow
                self.standing.update({f"{asset}/{check}": Status(word) for check, word in shows.items()})
            return
        shows = {check: Status(word) for check, word in equipment.pop("shows", {}).items()}
        spot = self._place(asset, rtt, down=Status.STANDBY in shows.values())
        if role in SNMP_PLAYERS:
            equipment["address"] = self._ends[asset] = await self._agent(asset, spot, SNMP_PLAYERS[role].tree)
            equipment["checks"] = SNMP_PLAYERS[role].checks
        elif role == "host":
            equipment["address"] = spot.host
        elif role == "service":
            service = TcpService(f"{GREETING}\r\n".encode())
            equipment["address"] = await self._service(asset, service, spot, SIP_PORT)
            equipment["checks"] = {"tcp": {"params": {"expect": GREETING}}}
        elif role == "name_server":
            equipment["address"], equipment["checks"] = await self._name_server(asset, spot)
        elif role in ("web", "secure_web"):
            secure = role == "secure_web"
            equipment["address"], equipment["checks"] = await self._web(asset, spot, rtt, secure=secure, ipv6=ipv6)
            shows = shows if self.network.has_names else {}
        else:
            raise ValueError(f"{asset} plays {role}, which nobody knows")
        self.standing.update({f"{asset}/{check}": status for check, status in shows.items()})

    def _place(self, asset: str, rtt: float, *, down: bool = False) -> Spot:
        spot = self.network.place(rtt, down=down)
        self.hosts[asset] = spot.host
        return spot

    async def _agent(self, name: str, spot: Spot, tree: Callable[[str], Tree]) -> dict[str, Any]:
        self.agents[name] = agent = SnmpAgent(tree(name), community=COMMUNITY)
        _host, port = await agent.start(spot.bind, self.network.port(SNMP_PORT))
        return {"host": spot.host, "port": port}

    async def _service(self, asset: str, service: TcpService, spot: Spot, port: int) -> dict[str, Any]:
        self.services[asset] = service
        return {"host": spot.host, "port": await service.start(spot.bind, port=self.network.port(port))}

    async def _name_server(self, asset: str, spot: Spot) -> tuple[dict[str, Any], dict[str, Any]]:
        self.name_servers[asset] = server = NameServer(
            [
                dns.rrset.from_text(f"{WWW}.", 60, "IN", "A", WWW_ADDRESS),
                dns.rrset.from_text(
                    f"{ZONE}.", 60, "IN", "SOA", f"ns.{ZONE}. simulation.{ZONE}. 1 7200 900 1209600 60"
                ),
            ]
        )
        params = {"name": WWW, "record_type": "A", "expected": [WWW_ADDRESS], "recursion": False}
        zone = {"name": ZONE, "record_type": "SOA", "transport": "tcp", "recursion": False}
        checks = {"dns": {"params": params}, "zone": {"kind": "dns", "params": zone}}
        return await self._service(asset, server, spot, DNS_PORT), checks

    async def _web(
        self, asset: str, spot: Spot, rtt: float, *, secure: bool, ipv6: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """An application: ``ipv6`` is ``works``, ``refused`` (it has an address and no service there) or ``none``."""
        params: dict[str, Any] = {"body_contains": PAGE}
        name = f"{asset.rpartition('/')[2]}.{ZONE}"
        if secure:
            self.certificates[asset] = self.authority.issue(name, VALID)
            params |= {"scheme": "https", "server_name": name, "ca_file": str(self.authority.ca_file)}
        self.web[asset] = self.services[asset] = service = WebService(PAGE, certificate=self.certificates.get(asset))
        binds, host = [spot.bind], spot.host
        if self.network.has_names:
            host = name
            self._names.append(dns.rrset.from_text(f"{name}.", 5, "IN", "A", spot.host))
            if ipv6 != "none":
                other = self.network.place_ipv6(rtt)
                self.hosts[f"{asset}#ipv6"] = other.host
                self._names.append(dns.rrset.from_text(f"{name}.", 5, "IN", "AAAA", other.host))
                if ipv6 == "works":
                    binds.append(other.bind)
        port = await service.start(*binds, port=self.network.port(HTTPS_PORT if secure else HTTP_PORT))
        return {"host": host, "port": port}, {"http": {"params": params}}
