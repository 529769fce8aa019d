"""Over which interface a router sends: the route of one prefix, from the tables that routers have for it. Pure.

The tables, the newest first; the first that tells anything is believed:

- inetCidrRouteTable (IP-FORWARD-MIB, RFC 4292), IPv4 and IPv6
- ipCidrRouteTable (RFC 2096), IPv4
- ipRouteTable (RFC 1213), whose index has no mask: the default route of IPv4 alone
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from probes.wire.snmp_message import Oid, Value, parse_oid

__all__ = ["ROUTE_COUNTS", "Route", "best_routes", "route_columns", "route_objects"]

IP: Final = parse_oid("1.3.6.1.2.1.4")
INET_CIDR_ROUTE, IP_CIDR_ROUTE, IP_ROUTE = (*IP, 24, 7, 1), (*IP, 24, 4, 1), (*IP, 21, 1)
ROUTE_COUNTS: Final = ((*IP, 24, 6, 0), (*IP, 24, 3, 0))
"""inetCidrRouteNumber and ipCidrRouteNumber: how many routes there are, of any prefix."""
UNUSED_METRIC: Final = -1
REJECTING: Final = frozenset({2, 5})
"""inetCidrRouteType reject and blackhole; the older tables have reject, or invalid, as 2."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way out: its interface (ifIndex) and its metric, the lower the better."""

    interface: int
    metric: int


def route_columns(prefix: IPv4Network | IPv6Network) -> tuple[Oid, ...]:
    """What to walk for :func:`best_routes`: interface, type and metric of this prefix's rows in each table."""
    return tuple(
        (*table, column, *rows) for table, columns, rows in _tables(prefix) if table != IP_ROUTE for column in columns
    )


def route_objects(prefix: IPv4Network | IPv6Network) -> tuple[Oid, ...]:
    """What to get for :func:`best_routes`: the one row of the oldest table, and how many routes the others have."""
    rows = (
        (*table, column, *row) for table, columns, row in _tables(prefix) if table == IP_ROUTE for column in columns
    )
    return (*rows, *ROUTE_COUNTS)


def best_routes(values: Mapping[Oid, Value], prefix: IPv4Network | IPv6Network) -> tuple[Route, ...]:
    """The routes of the lowest metric for exactly this prefix; none if no table has any."""
    for table, columns, rows in _tables(prefix):
        out, kind, metric = (_column(values, (*table, column, *rows)) for column in columns)
        routes = [
            Route(interface, metric.get(row, UNUSED_METRIC))
            for row, interface in out.items()
            if interface > 0 and kind.get(row) not in REJECTING
        ]
        if routes:
            lowest = min(route.metric for route in routes)
            return tuple(route for route in routes if route.metric == lowest)
    return ()


def _tables(prefix: IPv4Network | IPv6Network) -> list[tuple[Oid, tuple[int, int, int], Oid]]:
    """Each table with its columns (interface, type, metric) and the beginning of the index of the prefix's rows."""
    address = tuple(prefix.network_address.packed)
    family = 1 if prefix.version == 4 else 2  # InetAddressType (RFC 4001)
    tables = [(INET_CIDR_ROUTE, (7, 8, 12), (family, len(address), *address, prefix.prefixlen))]
    if prefix.version == 4:
        tables.append((IP_CIDR_ROUTE, (5, 6, 11), (*address, *prefix.netmask.packed)))
    if prefix.version == 4 and prefix.prefixlen == 0:
        tables.append((IP_ROUTE, (2, 8, 3), address))
    return tables


def _column(values: Mapping[Oid, Value], begin: Oid) -> dict[Oid, int]:
    length = len(begin)
    return {
        oid[length:]: value.value
        for oid, value in values.items()
        if oid[:length] == begin and isinstance(value.value, int)
    }
