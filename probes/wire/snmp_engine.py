"""What every SNMP engine does: one request, one response. Retransmission is theirs; walking and judging is above."""

from __future__ import annotations

from typing import Protocol

from probes.wire.snmp_auth import SnmpAuth
from probes.wire.snmp_message import Oid, Request, Response

__all__ = ["RETRANSMISSIONS", "SnmpEngine", "retransmit_after"]

RETRANSMISSIONS = 2
"""A datagram can be lost without any fault of the device, so a request is sent at most three times."""

LONGEST_WAIT = 2.0


def retransmit_after(timeout: float) -> float:
    """Seconds until an unanswered request is sent again: a third of what is left, at most two.

    SNMP leaves it to the manager (RFC 3412 has no figure). Two seconds are more than three round trips over a
    geostationary satellite; a third leaves room for both retransmissions within the probe's own deadline.
    """
    return min(LONGEST_WAIT, timeout / (RETRANSMISSIONS + 1))


class SnmpEngine(Protocol):
    """One way of speaking SNMP. It sends what :class:`Request` can name and nothing else."""

    async def request(
        self,
        kind: Request,
        address: tuple[str, int],
        auth: SnmpAuth,
        oids: tuple[Oid, ...],
        *,
        max_repetitions: int,
        timeout: float,
    ) -> Response:
        """Send one request and return the response that belongs to it, within ``timeout`` seconds.

        Raises:
            NetworkFailure: TIMEOUT, REFUSED, NO_ROUTE, AUTHENTICATION, BAD_REPLY.
        """
        ...

    def close(self) -> None:
        """Close every socket; a waiting request ends with ``asyncio.CancelledError``."""
        ...
