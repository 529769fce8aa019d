"""Lets faults come and go, and keeps the books: what was injected, what netmon found, what it missed or invented."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from netmon.demo.county import Fault
from netmon.model import Observation, Status

__all__ = ["Injection", "Scenario"]

STAGGER_SECONDS = 1.5
PAUSE_SECONDS = 4.0


@dataclass(slots=True, kw_only=True)
class Injection:
    """One fault that was injected; times in seconds. ``found`` stays ``None`` if netmon did not notice."""

    name: str
    check: str
    begun_ns: int
    ended_ns: int | None = None
    found_after_seconds: float | None = None
    cleared_after_seconds: float | None = None
    given_up: bool = False


@dataclass(slots=True)
class Scenario:
    """Give it every observation through :meth:`observe`; :meth:`run` injects until it is cancelled.

    Args:
        faults: what can go wrong.
        patience_seconds: a fault that is not noticed for so long counts as missed.
    """

    faults: Sequence[Fault]
    patience_seconds: float
    injections: list[Injection] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    false_alarms: list[str] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _last: dict[str, Observation] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def observe(self, observations: Sequence[Observation]) -> None:
        """Take in what is durable."""
        for observation in observations:
            self.statuses[observation.status.value] += 1
            self._last[observation.check_id] = observation
            if observation.status is not Status.UP and not self._explained(observation):
                reason = observation.reasons[0].subject if observation.reasons else ""
                self.false_alarms.append(f"{observation.check_id}: {observation.status.value} {reason}")
        task = asyncio.create_task(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Inject every fault again and again, each on its own; ends only by being cancelled."""
        async with asyncio.TaskGroup() as group:
            for number, fault in enumerate(self.faults):
                group.create_task(self._repeat(fault, number * STAGGER_SECONDS))

    def report(self) -> dict[str, object]:
        """The books, as JSON types."""
        found = [injection for injection in self.injections if injection.found_after_seconds is not None]
        missed = [injection for injection in self.injections if injection.given_up]
        return {
            "simulation": True,
            "observations": sum(self.statuses.values()),
            "statuses": dict(self.statuses),
            "checks": sorted(self._last),
            "injected": [
                {
                    "fault": injection.name,
                    "check": injection.check,
                    "found_after_seconds": injection.found_after_seconds,
                    "cleared_after_seconds": injection.cleared_after_seconds,
                }
                for injection in self.injections
            ],
            "found": len(found),
            "missed": [injection.name for injection in missed],
            "unfinished": len(self.injections) - len(found) - len(missed),
            "false_alarms": self.false_alarms,
            "left_out": "ICMP faults: the kernel answers ICMP for all of 127.0.0.0/8, so no host can go down here",
        }

    def _explained(self, observation: Observation) -> bool:
        """Whether a fault of this check was on at any time during the observation."""
        ended_ns = observation.started_ns + round(observation.duration_seconds * 1e9)
        return any(
            injection.check == observation.check_id
            and injection.begun_ns <= ended_ns
            and (injection.ended_ns is None or observation.started_ns <= injection.ended_ns)
            for injection in self.injections
        )

    async def _repeat(self, fault: Fault, delay: float) -> None:
        await asyncio.sleep(delay)
        while True:
            await self._until(fault.check, lambda last: last.status is Status.UP)
            await self._inject(fault)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _inject(self, fault: Fault) -> None:
        injection = Injection(name=fault.name, check=fault.check, begun_ns=time.time_ns())
        self.injections.append(injection)
        await _do(fault.begin)
        try:
            async with asyncio.timeout(self.patience_seconds):
                found = await self._until(
                    fault.check,
                    lambda last: last.started_ns > injection.begun_ns and last.status is not Status.UP,
                )
            injection.found_after_seconds = _after(found, injection.begun_ns)
        except TimeoutError:
            injection.given_up = True
        finally:
            await _do(fault.end)
            injection.ended_ns = time.time_ns()
        ended_ns = injection.ended_ns
        clear = await self._until(fault.check, lambda last: last.started_ns > ended_ns and last.status is Status.UP)
        injection.cleared_after_seconds = _after(clear, ended_ns)

    async def _until(self, check: str, wanted: Callable[[Observation], bool]) -> Observation:
        async with self._changed:
            await self._changed.wait_for(lambda: check in self._last and wanted(self._last[check]))
            return self._last[check]

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _after(observation: Observation, begun_ns: int) -> float:
    """From a moment until the observation was complete."""
    return round((observation.started_ns - begun_ns) / 1e9 + observation.duration_seconds, 3)


async def _do(action: Callable[[], Awaitable[None] | None]) -> None:
    result = action()
    if inspect.isawaitable(result):
        await result
