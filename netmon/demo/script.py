"""The faults that the demo plays, in the order of their first appearance."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import zip_longest
from typing import Any, Final

import dns.rcode
import dns.rrset

from netmon.demo.agent import SnmpAgent, Syntax, Value
from netmon.demo.county import WWW, ZONE, County
from netmon.demo.devices import default_route
from netmon.demo.faults import (
    Fault,
    Injection,
    changed,
    counting,
    failing_over,
    objects,
    presenting,
    stopped,
    together,
)
from netmon.i18n import _n
from netmon.model import Status

__all__ = ["faults"]

HYTERA: Final = "1.3.6.1.4.1.40297.1.2.1"
TAIT: Final = "1.3.6.1.4.1.3570.2.2.2.1"
UPS: Final = "1.3.6.1.2.1.33.1"
UHP: Final = "1.3.6.1.4.1.8000.22"
TERMINAL_SITE: Final = "1.3.6.1.4.1.99999.350.2.0"
IF_TABLE: Final = "1.3.6.1.2.1.2.2.1"
IF_X_TABLE: Final = "1.3.6.1.2.1.31.1.1.1"
NEARLY_FULL_BYTES_PER_SECOND: Final = 6.1e6
"""Of 50 Mbit/s, 97.6 %."""


def _integer(value: int) -> Value:
    return Value(Syntax.INTEGER, value)


def _gauge(value: int) -> Value:
    return Value(Syntax.GAUGE32, value)


def _float(value: float) -> Value:
    return Value(Syntax.OCTETS, struct.pack("<f", value))


def faults(county: County) -> tuple[Fault, ...]:
    """Everything that can go wrong in this county, one of each sort after the other."""
    always = (_services, _failover, _applications, _name_server, _radio, _power, _lines)
    sorts = [each(county) for each in always]
    if county.network.emulated:
        sorts += [_ways(county), _satellite(county), _modem(county, "vehicle-1/satellite", "satellite")]
    else:
        sorts += [_modem(county, "vehicle-1/modem", "modem")]
    return tuple(fault for turn in zip_longest(*sorts) for fault in turn if fault is not None)


def _services(county: County) -> Iterator[Fault]:
    fusion, voice = "battalion/fusion", "station-3/voice"
    yield Fault(
        what=_n("the service has stopped, its port refuses"),
        effects={f"{fusion}/tcp": Status.DOWN},
        inject=stopped(county.services[fusion]),
    )
    yield Fault(
        what=_n("something else answers at the port"),
        effects={f"{voice}/tcp": Status.DOWN},
        inject=changed(county.services[voice], greeting=b"login:\r\n"),
    )


def _applications(county: County) -> Iterator[Fault]:
    duty, chart, dispatch = (f"battalion/{name}" for name in ("duty", "map", "dispatch"))

    def everywhere(asset: str, status: Status) -> dict[str, Status]:
        """Both families are asked where names of the county resolve."""
        checks = ("http", "ipv6") if county.network.has_names else ("http",)
        return {f"{asset}/{check}": status for check in checks}

    yield Fault(
        what=_n("the application answers with HTTP 500"),
        effects=everywhere(duty, Status.DOWN),
        inject=changed(county.web[duty], status=500, body="SIMULATION: internal error"),
    )
    yield Fault(
        what=_n("the application shows the wrong page"),
        effects={f"{chart}/http": Status.DOWN},
        inject=changed(county.web[chart], body="SIMULATION: 维护中"),
    )
    for what, remaining, status in (
        (_n("the certificate has expired"), timedelta(days=-1), Status.DOWN),
        (_n("the certificate expires in five days"), timedelta(days=5), Status.DEGRADED),
    ):
        certificate = county.authority.issue(f"dispatch.{ZONE}", remaining)
        yield Fault(
            what=what,
            effects=everywhere(dispatch, status),
            inject=presenting(county.web[dispatch], certificate, county.certificates[dispatch]),
        )
    if county.network.has_names:
        yield Fault(
            what=_n("the application does not answer over IPv6"),
            effects={f"{dispatch}/ipv6": Status.DOWN},
            inject=county.network.disturbed([county.hosts[f"{dispatch}#ipv6"]], down=True),
        )


def _name_server(county: County) -> Iterator[Fault]:
    asset = "battalion/dns"
    server = county.name_servers[asset]
    both = {f"{asset}/dns": Status.DOWN, f"{asset}/zone": Status.DOWN}
    yield Fault(
        what=_n("the name server answers SERVFAIL"), effects=both, inject=changed(server, rcode=dns.rcode.SERVFAIL)
    )
    wrong = dns.rrset.from_text(f"{WWW}.", 60, "IN", "A", "198.51.100.66")
    yield Fault(
        what=_n("the name server gives a wrong address"),
        effects={f"{asset}/dns": Status.DOWN},
        inject=changed(server, records=[wrong, *server.records[1:]]),
    )
    yield Fault(what=_n("the name server is silent"), effects=both, inject=changed(server, silent=True))


def _radio(county: County) -> Iterator[Fault]:
    def fault(what: str, asset: str, status: Status, values: dict[str, Value]) -> Fault:
        return Fault(
            what=what,
            effects={f"{asset}/base-station": status},
            inject=objects(county.agents[asset], values),
        )

    yield fault(
        _n("the antenna reflects: high VSWR"), "hilltop-1/repeater-1", Status.DEGRADED,
        {f"{HYTERA}.1.6.0": _integer(1), f"{HYTERA}.2.4.0": _float(3.4), f"{HYTERA}.2.6.0": _float(6.9)},
    )  # fmt: skip
    yield fault(
        _n("the power amplifier is hot"), "hilltop-1/repeater-2", Status.DEGRADED,
        {f"{HYTERA}.1.2.0": _integer(2), f"{HYTERA}.2.2.0": _float(93.0)},
    )  # fmt: skip
    yield fault(
        _n("the transmitter's oscillator is out of lock"), "hilltop-3/repeater", Status.DOWN,
        {f"{HYTERA}.1.7.0": _integer(1)},
    )  # fmt: skip
    yield fault(
        _n("the station has lost its node: fallback"), "hilltop-2/base", Status.DEGRADED,
        {f"{TAIT}.1.1.1.4.0": _integer(1), f"{TAIT}.4.1.1.1.0": _integer(0)},
    )  # fmt: skip
    yield fault(
        _n("a major alarm: out of service"), "hilltop-2/base", Status.DOWN,
        {f"{TAIT}.3.1.9.0": _integer(2), f"{TAIT}.3.1.3.0": _integer(2)},
    )  # fmt: skip
    # What a terminal says of a station that is not ours: somewhere else is no news of it.
    yield Fault(
        what=_n("our terminal registers with another station"),
        effects={"south-hill/police/terminal": Status.UNKNOWN},
        inject=objects(county.agents["battalion/radio"], {TERMINAL_SITE: Value(Syntax.OCTETS, b"13")}),
    )
    for asset in ("hilltop-1/repeater-1", "hilltop-3/repeater"):
        # It still answers ping, so it is reachable, but nothing is known about its health.
        yield _silent(county.agents[asset], {f"{asset}/base-station": Status.DEGRADED})


def _power(county: County) -> Iterator[Fault]:
    for asset in ("battalion/ups", "hilltop-1/ups"):
        yield Fault(
            what=_n("mains failed, it runs on battery"),
            effects={f"{asset}/power": Status.DEGRADED},
            inject=objects(
                county.agents[asset],
                {f"{UPS}.4.1.0": _integer(5), f"{UPS}.2.2.0": _integer(30), f"{UPS}.2.4.0": _integer(71)},
            ),
        )
    yield _silent(county.agents["station-1/ups"], {"station-1/ups/power": Status.DOWN})


def _lines(county: County) -> Iterator[Fault]:
    def end(line: str, name: str = "far") -> SnmpAgent:
        return county.agents[f"{line}#{name}"]

    def effects(line: str, status: Status) -> dict[str, Status]:
        return {f"{line}/uplink": status}

    yield Fault(
        what=_n("frames arrive with errors"),
        effects=effects("station-1/uplink", Status.DEGRADED),
        inject=counting(end("station-1/uplink"), f"{IF_TABLE}.14.2", 40.0),
        looks_back=True,
    )
    yield Fault(
        what=_n("the line is nearly full"),
        effects=effects("station-2/uplink", Status.DEGRADED),
        inject=together(
            counting(end("station-2/uplink"), f"{IF_X_TABLE}.6.2", NEARLY_FULL_BYTES_PER_SECOND),
            counting(end("station-2/uplink", "near"), f"{IF_X_TABLE}.10.2", NEARLY_FULL_BYTES_PER_SECOND),
        ),
        looks_back=True,
    )
    yield Fault(
        what=_n("the line has fallen back to 10 Mbit/s"),
        effects=effects("station-3/uplink", Status.DEGRADED),
        inject=objects(
            end("station-3/uplink"), {f"{IF_TABLE}.5.2": _gauge(10_000_000), f"{IF_X_TABLE}.15.2": _gauge(10)}
        ),
    )
    yield Fault(
        what=_n("the interface is down"),
        effects=effects("battalion/uplink", Status.DOWN),
        inject=objects(end("battalion/uplink"), {f"{IF_TABLE}.8.2": _integer(2)}),
    )


def _failover(county: County) -> Iterator[Fault]:
    """The primary uplink of a station is cut, and its router takes the backup."""
    site, behind = "station-2", ("router/ping", "hd/ping", "camera/ping")
    cut = objects(county.agents[f"{site}/uplink#far"], {f"{IF_TABLE}.8.2": _integer(2)})
    moved = objects(county.agents[f"{site}/router"], default_route(3))
    effects = {f"{site}/uplink/uplink": Status.DOWN, f"{site}/router/path": Status.DEGRADED}
    lost: Injection = contextlib.nullcontext
    passing = frozenset(f"{site}/{check}" for check in behind) if county.network.emulated else frozenset()
    if county.network.emulated:
        effects |= dict.fromkeys(passing, Status.DOWN)
        hosts = [county.hosts[f"{site}/{check.partition('/')[0]}"] for check in behind]
        lost = county.network.disturbed(hosts, down=True)
        cut = _both(cut, county.network.disturbed([county.hosts[f"{site}/uplink"]], down=True))
    # On loopback no host can be away, and what moves is the route alone.
    gap = 2 * county.interval_seconds if county.network.emulated else 0.0
    yield Fault(
        what=_n("the primary uplink is cut, the backup takes over"),
        effects=effects,
        inject=failing_over(cut, lost, moved, gap_seconds=gap),
        passing=passing,
    )
    if county.network.emulated:
        yield Fault(
            what=_n("large packets vanish: a black hole"),
            effects={"battalion/uplink/path-mtu": Status.DEGRADED},
            inject=county.network.disturbed([county.hosts["battalion/uplink"]], mtu=1400, mtu_is_told=False),
        )


def _both(one: Injection, other: Injection) -> Injection:
    @contextlib.asynccontextmanager
    async def inject() -> AsyncIterator[None]:
        async with one(), other():
            yield

    return inject


def _ways(county: County) -> Iterator[Fault]:
    """What happens on the way to a host, which only an emulated network can show."""

    def fault(what: str, checks: dict[str, Status], **changes: Any) -> Fault:
        hosts = [county.hosts[check.rpartition("/")[0]] for check in checks]
        return Fault(what=what, effects=checks, inject=county.network.disturbed(hosts, **changes))

    yield fault(
        _n("the whole station is cut off"),
        dict.fromkeys(
            (f"station-2/{check}" for check in ("router/ping", "uplink/uplink", "hd/ping", "camera/ping")), Status.DOWN
        )
        | {"station-2/router/path": Status.UNKNOWN},
        down=True,
    )
    yield fault(
        _n("the hilltop is cut off"),
        {"hilltop-2/router/ping": Status.DOWN, "hilltop-2/base/base-station": Status.DOWN},
        down=True,
    )
    yield fault(_n("half of the packets are lost"), {"station-1/mesh/ping": Status.DEGRADED}, loss_ratio=0.5)
    yield fault(
        _n("the line loses packets"),
        dict.fromkeys(("station-3/uplink/uplink", "station-3/uplink/stream"), Status.DEGRADED),
        loss_ratio=0.4,
    )
    yield fault(_n("every packet takes long"), {"battalion/lte/ping": Status.DEGRADED}, delay_seconds=0.6)
    yield fault(_n("the device is off"), {"hadamen/terminal/ping": Status.DOWN}, down=True)
    yield fault(_n("a router says: host unreachable"), {"chunhua/terminal/ping": Status.DOWN}, error="host_unreachable")
    yield fault(_n("a firewall says: prohibited"), {"jingxin/terminal/ping": Status.DOWN}, error="prohibited")


def _satellite(county: County) -> Iterator[Fault]:
    vehicle, stowed = "vehicle-1/satellite", "station-1/satellite"
    for what, asset, status, changes in (
        (_n("the packets leak to a network on the ground"), vehicle, Status.DEGRADED, {"delay_seconds": 0.045}),
        (_n("packets queue before the satellite"), vehicle, Status.DEGRADED, {"delay_seconds": 0.95}),
        (_n("the terminal is packed up"), vehicle, Status.STANDBY, {"down": True}),
        (_n("the terminal is set up for a drill"), stowed, Status.UP, {"down": False}),
    ):
        yield Fault(
            what=what,
            effects={f"{asset}/satellite": status},
            inject=county.network.disturbed([county.hosts[asset]], **changes),
        )


def _modem(county: County, asset: str, name: str) -> Iterator[Fault]:
    check, agent = f"{asset}/{name}", county.agents[asset]
    yield Fault(
        what=_n("rain: low carrier to noise"),
        effects={check: Status.DEGRADED},
        inject=objects(agent, {f"{UHP}.2.1.0": _integer(42), f"{UHP}.2.3.0": _gauge(310)}),
    )
    yield Fault(
        what=_n("the modem has lost lock"),
        effects={check: Status.DOWN},
        inject=objects(agent, {f"{UHP}.2.1.0": _integer(0), f"{UHP}.5.5.1.0": _integer(8)}),
    )


def _silent(agent: SnmpAgent, effects: dict[str, Status]) -> Fault:
    return Fault(what=_n("its SNMP agent is silent"), effects=effects, inject=changed(agent, silent=True))
