"""What can go wrong in the county, and which checks must then show which status."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netmon.demo.agent import SnmpAgent, Value
from netmon.demo.devices import RunningCounter
from netmon.demo.services import TcpService, WebService
from netmon.model import Status

__all__ = ["Fault", "changed", "counting", "failing_over", "objects", "presenting", "stopped", "together"]

Injection = Callable[[], contextlib.AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fault:
    """Something that goes wrong for a while.

    Attributes:
        what: message id: what happens, in words.
        effects: the status that each check must show, by its id.
        inject: brings it about for as long as the context lasts.
        passing: checks of these that are well again while the fault lasts.
        looks_back: it is seen in rates, so the first observation after its end still shows it.
    """

    what: str
    effects: Mapping[str, Status]
    inject: Injection
    passing: frozenset[str] = frozenset()
    looks_back: bool = False


def changed(target: object, **values: Any) -> Injection:
    """Attributes of a device or service have other values."""

    @contextlib.asynccontextmanager
    async def inject() -> AsyncIterator[None]:
        before = {name: getattr(target, name) for name in values}
        for name, value in values.items():
            setattr(target, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(target, name, value)

    return inject


def objects(agent: SnmpAgent, values: Mapping[str, Value]) -> Injection:
    """SNMP objects have other values."""

    @contextlib.asynccontextmanager
    async def inject() -> AsyncIterator[None]:
        before = {oid: agent.values[oid] for oid in values}
        agent.values.update(values)
        try:
            yield
        finally:
            agent.values.update(before)

    return inject


def counting(agent: SnmpAgent, oid: str, per_second: float) -> Injection:
    """A counter runs faster. It goes on from where it is, then and afterwards: counters never jump."""

    @contextlib.asynccontextmanager
    async def inject() -> AsyncIterator[None]:
        before = agent.values[oid]
        usual = before.value.per_second if isinstance(before.value, RunningCounter) else 0.0
        agent.values[oid] = _continued(before, per_second)
        try:
            yield
        finally:
            agent.values[oid] = _continued(agent.values[oid], usual)

    return inject


def together(*injections: Injection) -> Injection:
    """Several things happen at once."""

    @contextlib.asynccontextmanager
    async def inject() -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for injection in injections:
                await stack.enter_async_context(injection())
            yield

    return inject


def _continued(value: Value, per_second: float) -> Value:
    return Value(value.syntax, RunningCounter(start=int(value.raw()), per_second=per_second))


def failing_over(cut: Injection, lost: Injection, moved: Injection, *, gap_seconds: float) -> Injection:
    """An uplink is cut, what is behind it is lost for a while, and then goes over the backup.

    Args:
        cut, moved: hold to the end; ``moved`` begins when ``lost`` is over.
    """

    @contextlib.asynccontextmanager
    async def inject() -> AsyncIterator[None]:
        async with cut():
            async with lost():
                await asyncio.sleep(gap_seconds)
            async with moved():
                yield

    return inject


def stopped(service: TcpService) -> Injection:
    """The service does not run: its port refuses."""

    @contextlib.asynccontextmanager
    async def inject() -> AsyncIterator[None]:
        await service.stop()
        try:
            yield
        finally:
            await service.resume()

    return inject


def presenting(service: WebService, certificate: Path, usual: Path) -> Injection:
    """The service shows another certificate."""

    @contextlib.asynccontextmanager
    async def inject() -> AsyncIterator[None]:
        service.present(certificate)
        try:
            yield
        finally:
            service.present(usual)

    return inject
