"""Lets faults come and go, and keeps the books: what was injected, what netmon found, what it missed or invented."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from netmon.demo.faults import Fault
from netmon.demo.pulse import Pulse
from netmon.model import Observation, ReasonCode, Status

__all__ = ["BRISK", "CALM", "Injection", "Pace", "Phase", "Scenario"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast things happen; everything in seconds.

    Attributes:
        interval_seconds: between two probes of a check.
        at_once: how many faults there are at a time.
        gap_seconds: between the beginnings of two faults.
        hold_seconds: how long faults last after they were found, in turn.
        patience_seconds: a fault that is not found for so long counts as missed.
    """

    interval_seconds: float
    at_once: int
    gap_seconds: float
    hold_seconds: tuple[float, ...]
    patience_seconds: float


BRISK: Final = Pace(interval_seconds=3.0, at_once=1000, gap_seconds=0.1, hold_seconds=(0.0,), patience_seconds=15.0)
"""Everything goes wrong as soon as it can: a run of half a minute plays most faults."""
CALM: Final = Pace(
    interval_seconds=5.0, at_once=4, gap_seconds=6.0, hold_seconds=(20.0, 45.0, 30.0, 60.0), patience_seconds=30.0
)
"""For a person who watches: a few faults at a time, each long enough to be read."""

VOID_SECONDS: Final = 0.3
"""A run during which the devices waited so long for their turn says nothing about netmon."""


class Phase(StrEnum):
    """How far an injection has come."""

    WAITING = "waiting"
    FOUND = "found"
    MISSED = "missed"
    OVER = "over"


@dataclass(slots=True, kw_only=True, eq=False)
class Injection:
    """One fault that was injected.

    Attributes:
        seen: after how many seconds each check showed the status that was expected of it.
        cleared_after_seconds: from the end of the fault until every check was well again.
    """

    fault: Fault
    begun_ns: int
    ended_ns: int | None = None
    seen: dict[str, float] = field(default_factory=dict)
    cleared_after_seconds: float | None = None
    given_up: bool = False

    @property
    def found(self) -> bool:
        """Whether every check showed what it had to."""
        return self.seen.keys() == self.fault.effects.keys()

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        if self.given_up:
            return Phase.MISSED
        if self.ended_ns is not None:
            return Phase.OVER
        return Phase.FOUND if self.found else Phase.WAITING


@dataclass(slots=True)
class Scenario:
    """Give it every observation through :meth:`observe`; :meth:`run` injects until it is cancelled.

    Args:
        faults: what can go wrong.
        pace: how fast.
        standing: statuses of checks that are not UP while nothing is injected.
        tests: checks that load a line: one that was ended early, as at the end of the run, decides nothing.

    Attributes:
        unmeasured: checks that netmon itself was not able to run here, which is no false alarm: it says so.
        voided: what would be false alarms, had the simulated devices had their turn in time.
    """

    faults: Sequence[Fault]
    pace: Pace
    standing: Mapping[str, Status] = field(default_factory=dict)
    tests: frozenset[str] = frozenset()
    injections: list[Injection] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    false_alarms: list[str] = field(default_factory=list)
    unmeasured: set[str] = field(default_factory=set)
    voided: list[str] = field(default_factory=list)
    _pulse: Pulse = field(default_factory=Pulse)
    _active: list[Injection] = field(default_factory=list)
    _played: Counter[Fault] = field(default_factory=Counter)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _last: dict[str, Observation] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def observe(self, observations: Sequence[Observation]) -> None:
        """Take in what is durable."""
        for observation in observations:
            self._take(observation)
        task = asyncio.create_task(self._wake())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Inject one fault after the other, the least played first; ends only by being cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pulse.run())
            while True:
                await self._until(lambda: self._choice() is not None)
                fault = self._choice()
                if fault is not None:
                    group.create_task(self._play(fault))
                await asyncio.sleep(self.pace.gap_seconds)

    def report(self) -> dict[str, object]:
        """The books, as JSON types; names of faults are English."""
        found = [injection for injection in self.injections if injection.found]
        missed = [injection for injection in self.injections if injection.given_up]
        return {
            "simulation": True,
            "observations": sum(self.statuses.values()),
            "statuses": dict(self.statuses),
            "checks": sorted(self._last),
            "standing": {check: status.value for check, status in self.standing.items()},
            "injected": [_entry(injection) for injection in self.injections],
            "found": len(found),
            "missed": [_name(injection.fault) for injection in missed],
            "unfinished": len(self.injections) - len(found) - len(missed),
            "not_injected": [_name(fault) for fault in self.faults if not self._played[fault]],
            "false_alarms": self.false_alarms,
            "voided": self.voided,
            "unmeasured": sorted(self.unmeasured),
        }

    def _take(self, observation: Observation) -> None:
        check, status = observation.check_id, observation.status
        previous = self._last.get(check)
        self._last[check] = observation
        self.statuses[status.value] += 1
        for injection in self._active:
            if observation.started_ns > injection.begun_ns and injection.fault.effects.get(check) is status:
                injection.seen.setdefault(check, _after(observation, injection.begun_ns))
        undecided = status is Status.UNKNOWN and check in self.tests
        if undecided or any(reason.code is ReasonCode.MONITOR_FAULT for reason in observation.reasons):
            self.unmeasured.add(check)
        elif status is not self._expected(check) and not self._explained(observation, previous):
            reason = observation.reasons[0].subject if observation.reasons else ""
            alarms = self.voided if self._starved(observation) else self.false_alarms
            alarms.append(f"{check}: {status.value} {reason}".rstrip())

    def _starved(self, observation: Observation) -> bool:
        ended_ns = observation.started_ns + round(observation.duration_seconds * 1e9)
        return self._pulse.late_seconds(observation.started_ns, ended_ns) > VOID_SECONDS

    def _expected(self, check: str) -> Status:
        return self.standing.get(check, Status.UP)

    def _explained(self, observation: Observation, previous: Observation | None) -> bool:
        """Whether a fault of this check was on during the observation, or since the one before it."""
        ended_ns = observation.started_ns + round(observation.duration_seconds * 1e9)
        for injection in self.injections:
            fault = injection.fault
            since_ns = previous.started_ns if fault.looks_back and previous is not None else observation.started_ns
            over = injection.ended_ns is not None and injection.ended_ns < since_ns
            if observation.check_id in fault.effects and injection.begun_ns <= ended_ns and not over:
                return True
        return False

    def _choice(self) -> Fault | None:
        """The least played fault whose checks are well and not part of another one now."""
        if len(self._active) >= self.pace.at_once:
            return None
        busy = {check for injection in self._active for check in injection.fault.effects}
        possible = [
            fault
            for fault in self.faults
            if busy.isdisjoint(fault.effects) and all(self._well(check) for check in fault.effects)
        ]
        return min(possible, key=self._played.__getitem__, default=None)

    def _well(self, check: str, since_ns: int = 0) -> bool:
        last = self._last.get(check)
        return last is not None and last.status is self._expected(check) and last.started_ns > since_ns

    async def _play(self, fault: Fault) -> None:
        hold_seconds = self.pace.hold_seconds[len(self.injections) % len(self.pace.hold_seconds)]
        injection = Injection(fault=fault, begun_ns=time.time_ns())
        self._played[fault] += 1
        self.injections.append(injection)
        self._active.append(injection)
        try:
            async with fault.inject():
                try:
                    async with asyncio.timeout(self.pace.patience_seconds):
                        await self._until(lambda: injection.found)
                except TimeoutError:
                    injection.given_up = True
                else:
                    await asyncio.sleep(hold_seconds)
            injection.ended_ns = ended_ns = time.time_ns()
            await self._until(lambda: all(self._well(check, ended_ns) for check in fault.effects))
            injection.cleared_after_seconds = max(_after(self._last[check], ended_ns) for check in fault.effects)
        finally:
            self._active.remove(injection)
        await self._wake()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _after(observation: Observation, begun_ns: int) -> float:
    """From a moment until the observation was complete."""
    return round((observation.started_ns - begun_ns) / 1e9 + observation.duration_seconds, 3)


def _name(fault: Fault) -> str:
    return f"{', '.join(fault.effects)}: {fault.what}"


def _entry(injection: Injection) -> dict[str, object]:
    return {
        "fault": injection.fault.what,
        "expected": {check: status.value for check, status in injection.fault.effects.items()},
        "seen_after_seconds": injection.seen,
        "found": injection.found,
        "cleared_after_seconds": injection.cleared_after_seconds,
    }
