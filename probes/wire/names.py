"""Names to addresses, by the system's own resolver, in one address family and never in the other."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import socket
import threading

from probes.base import Failure, Family, NetworkFailure

__all__ = ["Names", "family_of_literal"]

ADDRESS_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
VERSIONS = {4: Family.IPV4, 6: Family.IPV6}
# What getaddrinfo says when there is no such name, or no address of this family. The rest is the name server's trouble.
NOT_FOUND = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})
LOOKUPS_AT_ONCE = 64


class Names:
    """Resolves a host anew for each probe, so that a changed address is seen and nothing stale is measured.

    The system's resolver blocks, for as long as it likes. So each lookup has a thread of its own, outside of the event
    loop's pool; and whoever asks for a name while it is being looked up waits for that lookup, so that a name whose
    server is silent takes one thread, however often it is asked for.
    """

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(LOOKUPS_AT_ONCE)
        self._lookups: dict[tuple[str, Family], asyncio.Task[list[str]]] = {}

    async def resolve(self, host: str, family: Family) -> str:
        """The first address of ``family`` that ``host`` has; see :meth:`resolve_all`."""
        return (await self.resolve_all(host, family))[0]

    async def resolve_all(self, host: str, family: Family) -> tuple[str, ...]:
        """Every address of ``family`` that ``host`` has, at least one, in the resolver's order (RFC 6724).

        A literal address passes as it is if it is of that family. The caller's timeout ends the wait; the lookup ends
        when the resolver gives up.

        Raises:
            NetworkFailure: NAME_NOT_FOUND if there is no such name or no address of this family, NAME_SERVER if the
                resolver had no answer.
        """
        literal = family_of_literal(host)
        if literal is family:
            return (host,)
        if literal is not None:
            raise NetworkFailure(Failure.NAME_NOT_FOUND, f"{host} is not an {_words(family)} address")
        try:
            found = await asyncio.shield(self._lookup(host, family))
        except socket.gaierror as error:
            failure = Failure.NAME_NOT_FOUND if error.errno in NOT_FOUND else Failure.NAME_SERVER
            raise NetworkFailure(failure, f"{host}, {_words(family)}: {error.strerror}") from error
        except UnicodeError as error:
            raise NetworkFailure(Failure.NAME_NOT_FOUND, f"{host!r} is not a possible host name") from error
        if not found:
            raise NetworkFailure(Failure.NAME_NOT_FOUND, f"{host} has no {_words(family)} address")
        return tuple(dict.fromkeys(found))

    def _lookup(self, host: str, family: Family) -> asyncio.Task[list[str]]:
        """The lookup of this name that is under way, or a new one."""
        key = (host, family)
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = self._lookups[key] = asyncio.create_task(self._ask_system(host, family))
            lookup.add_done_callback(lambda done: self._forget(key, done))
        return lookup

    def _forget(self, key: tuple[str, Family], lookup: asyncio.Task[list[str]]) -> None:
        del self._lookups[key]
        if not lookup.cancelled():
            lookup.exception()  # looked at, although perhaps nobody waits for it any more

    async def _ask_system(self, host: str, family: Family) -> list[str]:
        async with self._slots:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[list[str]] = loop.create_future()

            def ask() -> None:
                outcome: list[str] | Exception
                try:
                    found = socket.getaddrinfo(host, None, family=ADDRESS_FAMILIES[family], type=socket.SOCK_DGRAM)
                    outcome = [str(address[0]) for *_, address in found]
                except Exception as error:  # noqa: BLE001 (it is raised where the answer is awaited)
                    outcome = error
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    loop.call_soon_threadsafe(_settle, answer, outcome)

            # A daemon: the process must be able to end while the resolver still blocks.
            threading.Thread(target=ask, name=f"lookup {host}", daemon=True).start()
            return await answer


def _settle(answer: asyncio.Future[list[str]], outcome: list[str] | Exception) -> None:
    if answer.done():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


@functools.lru_cache(maxsize=65536)
def family_of_literal(host: str) -> Family | None:
    """The family of a literal address; ``None`` for a name."""
    try:
        return VERSIONS[ipaddress.ip_address(host).version]
    except ValueError:
        return None


def _words(family: Family) -> str:
    return "IPv4" if family is Family.IPV4 else "IPv6"
