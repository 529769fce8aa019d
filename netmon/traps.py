"""What follows from an SNMP notification: its device is asked at once, and the archive says that it came.

A notification is never believed: it can be lost, come late or be made up. It only makes netmon look earlier than it
would have, and what netmon then measures is what counts.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from netmon.archive import Journal
from netmon.config import Config
from netmon.logs import fields
from netmon.model import Check
from netmon.runner import Clock
from probes.base import Endpoint, NetworkFailure

if TYPE_CHECKING:
    from probes.wire import Wires
    from probes.wire.traps import Trap, TrapListener

__all__ = ["Traps"]

log = logging.getLogger(__name__)

WAKE_GAP_SECONDS: Final = 10.0
"""A device that sends many is asked this often and no more; the last of them is never without an answer."""
SAME_AGAIN_SECONDS: Final = 60.0
"""The same notification of the same device is one event in this time, with how many there were."""
EVENTS_KEPT: Final = 1000


class Traps:
    """Receives notifications for the inventory in force.

    Args:
        wake: begins a run of a check unless one is under way.

    Attributes:
        fault: why none can be received although the inventory asks for it; empty when all is well.
    """

    def __init__(self, journal: Journal, clock: Clock, *, wires: Wires, wake: Callable[[Check], bool]) -> None:
        self._journal = journal
        self._clock = clock
        self._wires = wires
        self._wake = wake
        self._listener: TrapListener | None = None
        self._where: tuple[str, int] | None = None
        self._checks: dict[str, list[Check]] = {}
        self._asked: dict[str, float] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._told: dict[tuple[str, str], tuple[float, int]] = {}
        self._looking: asyncio.Task[None] | None = None
        self.address: tuple[str, int] | None = None
        self.fault = ""

    @property
    def listening(self) -> bool:
        """Whether any can be received."""
        return self._listener is not None

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Datagrams by what became of them."""
        return self._listener.outcomes if self._listener is not None else Counter()

    @property
    def dropped_by_kernel(self) -> int:
        """Datagrams that came while the buffer was full."""
        return self._listener.dropped_by_kernel if self._listener is not None else 0

    def use(self, config: Config, checks: Iterable[Check]) -> None:
        """Take over an inventory: where to listen, who may send, and what to ask then."""
        if config.traps != self._where:
            self._close()
            self._where = config.traps
            if config.traps is not None:
                self._open(*config.traps)
        if self._listener is None:
            return
        ends = [
            (check, check.endpoints["host"])
            for check in checks
            if getattr(check.params, "auth", "") and "host" in check.endpoints
        ]
        self._checks = {}
        for check, end in ends:
            if (address := _address(end.host)) is not None:
                self._checks.setdefault(address, []).append(check)
        self._listener.use(tuple(config.snmp_auths.values()), self._checks)
        # Names are looked up once for each inventory: a sender is known by its address.
        names = [(check, end) for check, end in ends if _address(end.host) is None]
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.create_task(self._look_up(names, config)) if names else None

    async def stop(self) -> None:
        """Listen no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        self._close()

    def take(self, trap: Trap) -> None:
        """One notification that was accepted."""
        self._record(trap)
        now = self._clock.monotonic()
        due = self._asked.get(trap.source, float("-inf")) + WAKE_GAP_SECONDS
        if now >= due:
            self._ask(trap.source)
        elif trap.source not in self._later:
            self._later[trap.source] = asyncio.get_running_loop().call_later(due - now, self._ask, trap.source)

    def _ask(self, source: str) -> None:
        self._later.pop(source, None)
        self._asked[source] = self._clock.monotonic()
        for check in self._checks.get(source, ()):
            self._wake(check)

    def _record(self, trap: Trap) -> None:
        now = self._clock.monotonic()
        key = (trap.source, trap.oid)
        told_at, unsaid = self._told.get(key, (float("-inf"), 0))
        if now - told_at < SAME_AGAIN_SECONDS:
            self._told[key] = (told_at, unsaid + 1)
            return
        if len(self._told) >= EVENTS_KEPT:
            self._told = {key: value for key, value in self._told.items() if now - value[0] < SAME_AGAIN_SECONDS}
        if len(self._told) >= EVENTS_KEPT:
            return
        self._told[key] = (now, 0)
        assets = sorted({check.asset for check in self._checks.get(trap.source, ())})
        detail = {"equipment": ", ".join(assets), "source": trap.source, "notification": trap.oid, **trap.values}
        if unsaid:
            detail["the same before"] = str(unsaid)
        self._journal.append_event("trap", self._clock.wall_ns(), detail)

    def _open(self, host: str, port: int) -> None:
        from probes.wire.traps import TrapListener  # pysnmp takes long to import; few need it

        listener = TrapListener(self.take, monotonic=self._clock.monotonic)
        try:
            self.address = listener.start(host, port)
        except OSError as error:
            self.fault = f"{host} port {port}: {error.strerror}"
            log.warning("no SNMP notification can be received", extra=fields(error=self.fault))
            return
        self.fault = ""
        self._listener = listener

    def _close(self) -> None:
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _look_up(self, ends: list[tuple[Check, Endpoint]], config: Config) -> None:
        for check, end in ends:
            try:
                addresses = await self._wires.names.resolve_all(end.host, end.family)
            except NetworkFailure:
                continue
            for address in addresses:
                self._checks.setdefault(address, []).append(check)
        if self._listener is not None:
            self._listener.use(tuple(config.snmp_auths.values()), self._checks)


def _address(host: str) -> str | None:
    """An address in its one form; ``None`` for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
