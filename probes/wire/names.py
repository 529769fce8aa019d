"""Names to addresses, by the system's own resolver, in one address family and never in the other."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from probes.base import Failure, Family, NetworkFailure

__all__ = ["Names"]

ADDRESS_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
VERSIONS = {4: Family.IPV4, 6: Family.IPV6}
# What getaddrinfo says when there is no such name, or no address of this family. The rest is the name server's trouble.
NOT_FOUND = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})


class Names:
    """Resolves a host anew for each probe, so that a changed address is seen and nothing stale is measured."""

    async def resolve(self, host: str, family: Family) -> str:
        """The first address of ``family`` that ``host`` has; see :meth:`resolve_all`."""
        return (await self.resolve_all(host, family))[0]

    async def resolve_all(self, host: str, family: Family) -> tuple[str, ...]:
        """Every address of ``family`` that ``host`` has, at least one, in the resolver's order (RFC 6724).

        A literal address passes as it is if it is of that family. The lookup runs in a worker thread; the caller's
        timeout ends the wait (the thread ends when the resolver gives up).

        Raises:
            NetworkFailure: NAME_NOT_FOUND if there is no such name or no address of this family, NAME_SERVER if the
                resolver had no answer.
        """
        literal = _family_of_literal(host)
        if literal is family:
            return (host,)
        if literal is not None:
            raise NetworkFailure(Failure.NAME_NOT_FOUND, f"{host} is not an {_words(family)} address")
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, None, family=ADDRESS_FAMILIES[family], type=socket.SOCK_DGRAM)
        except socket.gaierror as error:
            failure = Failure.NAME_NOT_FOUND if error.errno in NOT_FOUND else Failure.NAME_SERVER
            raise NetworkFailure(failure, f"{host}, {_words(family)}: {error.strerror}") from error
        except UnicodeError as error:
            raise NetworkFailure(Failure.NAME_NOT_FOUND, f"{host!r} is not a possible host name") from error
        if not found:
            raise NetworkFailure(Failure.NAME_NOT_FOUND, f"{host} has no {_words(family)} address")
        return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _family_of_literal(host: str) -> Family | None:
    try:
        return VERSIONS[ipaddress.ip_address(host).version]
    except ValueError:
        return None


def _words(family: Family) -> str:
    return "IPv4" if family is Family.IPV4 else "IPv6"
