"""The only modules that open a socket. ``Wires`` holds what is shared and long-lived; the app builds and closes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probes.base import Endpoint
    from probes.profiles.auto import Recognised
    from probes.wire.capacity import CapacityWire
    from probes.wire.dns import DnsWire
    from probes.wire.http import HttpWire
    from probes.wire.icmp import IcmpWire
    from probes.wire.iperf import IperfWire
    from probes.wire.names import Names
    from probes.wire.snmp import SnmpWire
    from probes.wire.tcp import TcpWire

__all__ = ["Wires"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """Everything that a probe may use to reach the network. Each wire opens its sockets at first use."""

    names: Names
    icmp: IcmpWire
    snmp: SnmpWire
    tcp: TcpWire
    dns: DnsWire
    http: HttpWire
    capacity: CapacityWire
    iperf: IperfWire
    recognised: dict[tuple[Endpoint, str], Recognised] = field(default_factory=dict)
    """What devices said that they are, by where and with which credentials they were asked (probes.profiles.auto)."""

    def end_load(self, reason: str) -> None:
        """End every test that loads a line, with a sentence that says why."""
        self.capacity.abort(reason)
        self.iperf.abort(reason)

    async def aclose(self) -> None:
        """Close every socket."""
        await self.http.aclose()
        await self.snmp.aclose()
        await self.icmp.aclose()
