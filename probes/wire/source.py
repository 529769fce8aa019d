"""Whether this machine could send to an address at all; asks its own routing table and sends nothing."""

from __future__ import annotations

import errno
import ipaddress
import socket

from probes.base import Family, MonitorFault
from probes.wire.tcp import open_socket

__all__ = ["require_source"]

DISCARD_PORT = 9
NO_WAY = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL})


def require_source(address: str, family: Family) -> None:
    """Make sure that this machine has a route to ``address`` and an address of its own to send from.

    Connecting a UDP socket makes the kernel choose route and source address, and sends nothing. Thus "network
    unreachable" is our own table's word here, while from a TCP connection it may be a router's.

    Raises:
        MonitorFault: it has no route or no fitting address. Nothing is said about the other end.
    """
    sock, sockaddr = open_socket(address, DISCARD_PORT, family, socket.SOCK_DGRAM)
    with sock:
        try:
            sock.connect(sockaddr)
        except OSError as error:
            if error.errno in NO_WAY:
                raise MonitorFault(
                    f"this machine has no {family.value} route to {address}: {error.strerror}"
                ) from error
            return  # whatever it is, the connection itself meets it too
        source = ipaddress.ip_address(sock.getsockname()[0])
    target = ipaddress.ip_address(address)
    if (source.is_loopback and not target.is_loopback) or (source.is_link_local and not target.is_link_local):
        raise MonitorFault(f"this machine has no {family.value} address to reach {address} from, only {source}")
