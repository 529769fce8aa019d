"""Where the county's hosts stand: in an emulated network of our own, or on loopback where the system allows no other.

The kernel answers ICMP for all of 127.0.0.0/8 at once, so on loopback no host is far away and none can go down.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Any, Final

from netmon.demo import namespaces
from netmon.demo.faults import Injection
from netmon.demo.link import Behaviour, Emulator
from netmon.demo.namespaces import NamespaceError

__all__ = ["RESOLVER", "Network", "Spot", "prepare"]

DEVICE: Final = "county"
MONITOR: Final = IPv4Interface("10.88.255.254/16")
MONITOR_IPV6: Final = IPv6Interface("fd88::ffff/64")
SERVICES: Final = IPv4Interface("10.89.255.254/16")
"""Hosts are probed at 10.88.x.y and fd88::n; their services listen at 10.89.x.y and fd89::n of this machine."""
RESOLVER: Final = "127.88.255.53"
RESOLVER_FILES: Final = {
    Path("/etc/resolv.conf"): f"nameserver {RESOLVER}\nsearch .\noptions timeout:1 attempts:2\n",
    Path("/etc/nsswitch.conf"): "hosts: files dns\n",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a host is probed, and where its services listen."""

    host: str
    bind: str


class Network:
    """Places hosts, and disturbs the way to them.

    Attributes:
        emulated: it has delays, and hosts can go down.
        has_names: names of the county resolve, by the name server at :data:`RESOLVER`.
        why_not: why it is not emulated.
    """

    def __init__(self, emulator: Emulator | None = None, *, has_names: bool = False, why_not: str = "") -> None:
        self.emulated = emulator is not None
        self.has_names = has_names
        self.why_not = why_not
        self._emulator = emulator
        self._behaviours: dict[str, Behaviour] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def place(self, rtt_seconds: float, *, down: bool = False, rate_bits_per_second: float | None = None) -> Spot:
        """A new host with an IPv4 address, so far away; on loopback it is never down, and nothing is slow.

        Args:
            rate_bits_per_second: how fast IP packets go to it.
        """
        high, low = divmod(next(self._numbers), 250)
        if self._emulator is None:
            return Spot(*[f"127.88.{high}.{low + 1}"] * 2)
        spot = Spot(f"10.88.{high}.{low + 1}", f"10.89.{high}.{low + 1}")
        return self._add(spot, rtt_seconds, down=down, rate_bits_per_second=rate_bits_per_second)

    def place_ipv6(self, rtt_seconds: float) -> Spot:
        """A new host with an IPv6 address, in an emulated network only."""
        number = next(self._numbers)
        services = IPv6Interface(f"fd89::{number:x}/128")
        namespaces.add_address("lo", services)
        namespaces.settle(services)
        return self._add(Spot(f"fd88::{number:x}", f"fd89::{number:x}"), rtt_seconds)

    def port(self, standard: int) -> int:
        """The port that a service is to listen on: its own where that needs no right, else any."""
        return standard if self.emulated else 0

    def disturbed(self, hosts: Iterable[str], **changes: Any) -> Injection:
        """Hosts behave otherwise: ``changes`` are attributes of :class:`netmon.demo.link.Behaviour`."""
        usual = {host: self._behaviours[host] for host in hosts}

        @contextlib.asynccontextmanager
        async def inject() -> AsyncIterator[None]:
            try:
                await self._set({host: replace(behaviour, **changes) for host, behaviour in usual.items()})
                yield
            finally:
                await self._set(usual)

        return inject

    def close(self) -> None:
        """End the emulation."""
        if self._emulator is not None:
            self._emulator.close()

    def _add(
        self, spot: Spot, rtt_seconds: float, *, down: bool = False, rate_bits_per_second: float | None = None
    ) -> Spot:
        self._behaviours[spot.host] = Behaviour(
            delay_seconds=rtt_seconds,
            jitter_seconds=rtt_seconds / 50,
            down=down,
            services=spot.bind,
            rate_bits_per_second=rate_bits_per_second,
        )
        if self._emulator is not None:
            self._emulator.set_hosts({spot.host: self._behaviours[spot.host]})
        return spot

    async def _set(self, behaviours: dict[str, Behaviour]) -> None:
        # The emulator answers when it has its core: not to be waited for in the event loop.
        await asyncio.to_thread(self._tell, behaviours)

    def _tell(self, behaviours: dict[str, Behaviour]) -> None:
        # A thread goes on when the task that waits for it is cancelled: the lock is the thread's own.
        with self._lock:
            if self._emulator is not None:
                self._emulator.set_hosts(behaviours)


def prepare(folder: Path, *, loopback: bool = False) -> Network:
    """Move this process into a network of its own, if it may; it must have one thread only.

    Args:
        folder: for the files that make names of the county resolve.
        loopback: stay on loopback.
    """
    if loopback:
        return Network(why_not="loopback was asked for")
    try:
        namespaces.enter()
        emulator = Emulator([_open_device()])
    except (NamespaceError, OSError) as error:
        return Network(why_not=str(error))
    return Network(emulator, has_names=_has_ipv6() and _resolve_here(folder))


def _has_ipv6() -> bool:
    return Path("/proc/sys/net/ipv6").exists()


def _open_device() -> int:
    device = namespaces.open_tun(DEVICE, [MONITOR, *([MONITOR_IPV6] if _has_ipv6() else [])])
    try:
        namespaces.add_address("lo:1", SERVICES)
    except OSError as error:
        raise NamespaceError(f"loopback takes no address: {error.strerror}") from error
    return device


def _resolve_here(folder: Path) -> bool:
    """Names are asked of the county's name server; whether that could be brought about."""
    files = {}
    for path, text in RESOLVER_FILES.items():
        files[path] = folder / path.name
        files[path].write_text(text, encoding="ascii")
    try:
        namespaces.overlay(files)
    except NamespaceError:
        return False
    return True
