"""The demo's devices, written by hand from their MIBs. Every figure in here is made up."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from netmon.demo.agent import Syntax, Value

__all__ = [
    "RunningCounter",
    "default_route",
    "edge_router",
    "hytera_repeater",
    "lone_base_station",
    "radio_terminal",
    "reflecting_repeater",
    "router",
    "satellite_modem",
    "system",
    "tait_base_station",
    "ups",
    "ups_on_battery",
]

Tree = dict[str, Value]
DEFAULT_ROUTE = "1.3.6.1.2.1.4.24.7.1."
VIA = "1.4.0.0.0.0.0.2.0.0.1.4.192.0.2.1"
"""Columns of inetCidrRouteTable, and the row of the default route of IPv4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCounter:
    """A counter that runs with the time."""

    start: int = 0
    per_second: float
    since: float = field(default_factory=time.monotonic)

    def __call__(self) -> int:
        """Its value now."""
        return self.start + int((time.monotonic() - self.since) * self.per_second)


def _octets(text: str) -> Value:
    return Value(Syntax.OCTETS, text.encode())


def _integer(value: int | Callable[[], int]) -> Value:
    return Value(Syntax.INTEGER, value)


def _gauge(value: int) -> Value:
    return Value(Syntax.GAUGE32, value)


def _float(value: float) -> Value:
    """Hytera's figures: IEEE 754 single precision in four octets, least significant first."""
    return Value(Syntax.OCTETS, struct.pack("<f", value))


def _wide(text: str) -> Value:
    return Value(Syntax.OCTETS, text.encode("utf-16-le"))


def _uptime_ticks(started: float) -> Callable[[], int]:
    return lambda: int((time.monotonic() - started) * 100) & 0xFFFFFFFF


def system(description: str, object_id: str, name: str) -> Tree:
    """The system group (RFC 3418)."""
    root = "1.3.6.1.2.1.1"
    return {
        f"{root}.1.0": _octets(description),
        f"{root}.2.0": Value(Syntax.OID, object_id),
        f"{root}.3.0": Value(Syntax.TIMETICKS, _uptime_ticks(time.monotonic() - 86400)),
        f"{root}.5.0": _octets(name),
        f"{root}.6.0": _octets("SIMULATION"),
    }


def hytera_repeater(name: str) -> Tree:
    """HYTERA-REPEATER-MIB: a repeater that is well."""
    root = "1.3.6.1.4.1.40297.1.2"
    values: Mapping[str, Value] = {
        **{f"1.1.{number}.0": _integer(0) for number in (1, 2, 3, 6, 7, 8, 9)},
        **{f"1.1.{number}.0": _integer(-1) for number in (4, 5)},
        "1.2.1.0": _float(13.6),
        "1.2.2.0": _float(38.0),
        "1.2.4.0": _float(1.3),
        "1.2.5.0": _float(25.0),
        "1.2.6.0": _float(0.4),
        "1.2.9.0": _integer(-96),
        "1.2.10.0": _integer(-200),
        "1.2.11.0": _integer(0),
        "1.2.12.0": _integer(1),
        "2.3.0": _integer(0),
        "2.6.0": _integer(0),
        "2.7.0": _integer(0),
        "2.11.0": _integer(0),
        "4.1.0": _wide("SIMULATED repeater"),
        "4.3.0": _wide("A0.00"),
        "4.6.0": _wide(name),
        "4.8.0": _integer(0),
        "4.10.0": _integer(352_000_000),
        "4.11.0": _integer(362_000_000),
        "4.12.0": _integer(0),
    }
    return system("SIMULATED repeater", "1.3.6.1.4.1.40297", name) | {f"{root}.{oid}": v for oid, v in values.items()}


def radio_terminal(name: str) -> Tree:
    """The made-up MIB of ``radio-terminal.yaml``: registered with station 12, which it receives at -87 dBm."""
    root = "1.3.6.1.4.1.99999.350"
    return system("SIMULATED radio terminal", root, name) | {
        f"{root}.1.0": _integer(1),
        f"{root}.2.0": _octets("12"),
        f"{root}.3.0": _integer(-87),
    }


def router(name: str, *, speed_mbits: int, in_per_second: float, out_per_second: float) -> Tree:
    """IF-MIB (RFC 2863): one interface ``wan0`` whose counters of octets run with the time."""
    table, extension = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
    return system("SIMULATED router", "1.3.6.1.4.1.8072.3.2.10", name) | {
        f"{table}.1.2": _integer(2),
        f"{table}.2.2": _octets("wan0"),
        f"{table}.3.2": _integer(6),
        f"{table}.5.2": _gauge(speed_mbits * 1_000_000),
        f"{table}.7.2": _integer(1),
        f"{table}.8.2": _integer(1),
        f"{table}.9.2": Value(Syntax.TIMETICKS, 100),
        f"{table}.13.2": Value(Syntax.COUNTER32, 0),
        f"{table}.14.2": Value(Syntax.COUNTER32, 0),
        f"{table}.19.2": Value(Syntax.COUNTER32, 0),
        f"{table}.20.2": Value(Syntax.COUNTER32, 0),
        f"{extension}.1.2": _octets("wan0"),
        f"{extension}.6.2": Value(Syntax.COUNTER64, RunningCounter(per_second=in_per_second)),
        f"{extension}.10.2": Value(Syntax.COUNTER64, RunningCounter(per_second=out_per_second)),
        f"{extension}.15.2": _gauge(speed_mbits),
        f"{extension}.18.2": _octets("uplink"),
        f"{extension}.19.2": Value(Syntax.TIMETICKS, 0),
    }


def edge_router(name: str) -> Tree:
    """A station's router with two uplinks, ``wan0`` in use and ``wan1`` ready (IF-MIB; IP-FORWARD-MIB, RFC 4292)."""
    table, extension = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
    return router(name, speed_mbits=100, in_per_second=1.2e6, out_per_second=480_000.0) | {
        f"{table}.2.3": _octets("wan1"),
        f"{table}.8.3": _integer(1),
        f"{extension}.1.3": _octets("wan1"),
        "1.3.6.1.2.1.4.24.6.0": _gauge(3),
        f"{DEFAULT_ROUTE}7.{VIA}": _integer(2),
        f"{DEFAULT_ROUTE}8.{VIA}": _integer(4),
        f"{DEFAULT_ROUTE}12.{VIA}": _integer(1),
    }


def default_route(interface: int) -> Tree:
    """The object of :func:`edge_router` that says over which interface (ifIndex) its default route leads."""
    return {f"{DEFAULT_ROUTE}7.{VIA}": _integer(interface)}


def ups(name: str) -> Tree:
    """UPS-MIB (RFC 1628): on mains, battery full."""
    root = "1.3.6.1.2.1.33.1"
    return system("SIMULATED UPS", "1.3.6.1.2.1.33", name) | {
        f"{root}.1.1.0": _octets("SIMULATED"),
        f"{root}.1.2.0": _octets("UPS"),
        f"{root}.2.1.0": _integer(2),
        f"{root}.2.2.0": _integer(0),
        f"{root}.2.3.0": _integer(240),
        f"{root}.2.4.0": _integer(100),
        f"{root}.2.5.0": _integer(545),
        f"{root}.4.1.0": _integer(3),
        f"{root}.6.1.0": _gauge(0),
    }


def reflecting_repeater(name: str) -> Tree:
    """A repeater whose antenna reflects a third of the power; it has just transmitted."""
    root = "1.3.6.1.4.1.40297.1.2"
    values = {
        "1.1.6.0": _integer(1), "1.2.4.0": _float(3.2), "1.2.5.0": _float(24.0), "1.2.6.0": _float(6.5),
        "4.9.0": _wide("消防 3 频道"), "4.12.0": _integer(1),
    }  # fmt: skip
    return hytera_repeater(name) | {f"{root}.{oid}": value for oid, value in values.items()}


def lone_base_station(name: str) -> Tree:
    """A trunked station that has lost its node: a fallback node stands in for it."""
    root = "1.3.6.1.4.1.3570.2.2.2.1"
    values = {"1.1.1.4": 1, "4.1.1.1": 0, "3.8.6": 2}
    return tait_base_station(name) | {f"{root}.{oid}.0": _integer(value) for oid, value in values.items()}


def ups_on_battery(name: str) -> Tree:
    """A UPS without mains: 43 minutes are left."""
    root = "1.3.6.1.2.1.33.1"
    values = {"2.2.0": 5400, "2.3.0": 43, "2.4.0": 31, "2.5.0": 472, "4.1.0": 5}
    return ups(name) | {f"{root}.{oid}": _integer(value) for oid, value in values.items()}


TAIT_ALARMS = (
    *(f"3.1.{number}" for number in range(1, 10)),
    *(f"3.3.{number}" for number in (2, 3, 10, 13, 14, 15, 16, 17, 18)),
    *(f"3.4.{number}" for number in (1, 2, 3, 5, *range(7, 20))),
    *(f"3.5.{number}" for number in (1, 2, *range(4, 14))),
    *(f"3.7.{number}" for number in range(1, 6)),
    *(f"3.8.{number}" for number in range(1, 11)),
)


def tait_base_station(name: str) -> Tree:
    """TAIT-INFRA93SERIES-MIB: a trunked station in service, every alarm cleared, its control channel on the air."""
    root = "1.3.6.1.4.1.3570.2.2.2.1"
    numbers = {
        "1.1.1.1": 4, "1.1.1.4": 2, "1.1.2.2": 1, "1.1.2.3": 3, "1.1.2.4": 1, "2.2.2.1": 1, "2.2.2.5": 25,
        "2.2.2.6": 352_000_000, "2.2.2.7": 362_000_000, "2.2.2.10": 3, "2.2.4.1": -9400, "2.2.4.2": -12700,
        "2.2.4.3": -12700, "2.2.6.1": 41, "2.3.2.1": 25, "2.3.2.2": 12, "2.4.2.1": 1, "2.4.2.2": 1, "2.4.2.3": 1340,
        "2.4.2.4": 5800, "2.4.2.5": 2800, "2.4.2.6": 1, "2.4.2.7": 1, "4.1.1.1": 3,
    }  # fmt: skip
    return system("SIMULATED base station", "1.3.6.1.4.1.3570.2.2", name) | {
        **{f"{root}.{oid}.0": _integer(value) for oid, value in numbers.items()},
        **{f"{root}.{oid}.0": _integer(1) for oid in TAIT_ALARMS},
        f"{root}.2.2.1.1.4.0": _octets("SIMULATED"),
        f"{root}.2.2.2.2.0": _octets(name),
    }


def satellite_modem(name: str) -> Tree:
    """UHP-MIB: a VSAT terminal in operation, C/N 13.5 dB, received at -12 dBm."""
    root = "1.3.6.1.4.1.8000.22"
    return system("SIMULATED VSAT terminal", "1.3.6.1.4.1.8000.22", name) | {
        f"{root}.2.1.0": _integer(135),
        f"{root}.2.3.0": _gauge(120),
        f"{root}.4.6.1.0": _gauge(260),
        f"{root}.5.5.1.0": _integer(17),
        f"{root}.8.2.0": _gauge(14),
    }
