"""The wires that the SNMP kinds use: names, ICMP and SNMP, with agents on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from probes.base import Endpoint, Family
from probes.wire import Wires
from probes.wire.echo import Echo
from probes.wire.icmp import IcmpWire
from probes.wire.names import Names
from probes.wire.snmp import SnmpAuth, SnmpWire

__all__ = ["DeafIcmp", "endpoint", "open_wires"]

AUTHS = {
    "default": SnmpAuth(community="public"),
    "v1": SnmpAuth(version="1", community="public"),
    "wrong": SnmpAuth(community="wrong"),
}


class DeafIcmp:
    """Stands for a network in which no echo is answered: the kernel answers for all of 127/8, whatever we do."""

    async def ping(self, address: str, *, count: int, **_: Any) -> list[Echo]:
        """Nothing came back."""
        return [Echo() for _ in range(count)]

    async def aclose(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def open_wires(
    *, pings: bool = True, auths: Mapping[str, SnmpAuth] = AUTHS, icmp: Any = None
) -> AsyncIterator[Wires]:
    """Wires for one test; with ``pings`` false no echo request is answered, with ``icmp`` as it answers."""
    icmp = icmp or (IcmpWire() if pings else DeafIcmp())
    snmp = SnmpWire(auths)
    try:
        yield cast("Wires", SimpleNamespace(names=Names(), icmp=icmp, snmp=snmp, recognised={}))
    finally:
        await snmp.aclose()
        await icmp.aclose()


def endpoint(port: int | None = None, host: str = "127.0.0.1") -> Endpoint:
    """A host on loopback."""
    return Endpoint(host=host, family=Family.IPV4, port=port)
