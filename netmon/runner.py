"""Runs one check: owns its deadline and its clock, and turns every exception into UNKNOWN."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netmon import derive
from netmon.logs import fields
from netmon.model import Check, MissedRun, Observation, Status
from netmon.verdict import judge, monitor_fault
from probes.base import EMPTY, MonitorFault, ProbeKind, ProbeResult

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["Clock", "Runner"]

log = logging.getLogger(__name__)

DEADLINE_SLACK_SECONDS = 1.0
"""A probe ends by itself within its timeout; one that is this much late is broken, and is cancelled."""

DETAIL_LIMIT = 500
NOTHING = derive.Carried()


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks of the application, given to whoever needs one, so that a test can step them."""

    wall_ns: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Memory:
    """What the runner remembers of a check between runs."""

    fingerprint: str
    carried: derive.Carried = NOTHING
    last_status: Status | None = None
    last_started_ns: int = 0
    task: asyncio.Task[None] | None = None
    continuous: bool = False


class Runner:
    """Starts probes, at most ``concurrency`` at a time and never two of one check.

    Args:
        emit: takes each observation, in order; must not block.
        missed: takes each run that was due and did not take place.
        concurrency: probes under way at once; a run that has to wait starts late, and both times are stored.
    """

    def __init__(
        self,
        *,
        kinds: Mapping[str, ProbeKind[Any]],
        wires: Wires,
        emit: Callable[[Observation], None],
        missed: Callable[[MissedRun], None],
        clock: Clock,
        concurrency: int = 1000,
    ) -> None:
        self._kinds = kinds
        self._wires = wires
        self._emit = emit
        self._missed = missed
        self._clock = clock
        self._slots = asyncio.Semaphore(concurrency)
        self._memory: dict[str, _Memory] = {}
        self._required = {
            name: frozenset(reading.name for reading in kind.readings if not reading.optional)
            for name, kind in kinds.items()
        }
        self._stopping = asyncio.Event()
        self.config_id = ""

    def seed(self, check: Check, last: Observation) -> None:
        """Remember what the archive knows of a check, so that rates go on over a restart."""
        self._memory[check.id] = _Memory(
            fingerprint=check.fingerprint,
            carried=derive.Carried.recall(last),
            last_status=last.status,
            last_started_ns=last.started_ns,
        )

    def keep(self, checks: Iterable[Check]) -> None:
        """Take over an inventory: forget what was removed, and the counters of what was changed.

        A changed check may have another device behind it, and a rate between two devices' counters is none.
        """
        fingerprints = {check.id: check.fingerprint for check in checks}
        for check_id, memory in tuple(self._memory.items()):
            fingerprint = fingerprints.get(check_id)
            if fingerprint is None:
                if memory.task is None:
                    del self._memory[check_id]
            elif fingerprint != memory.fingerprint:
                memory.fingerprint = fingerprint
                memory.carried = NOTHING

    @property
    def running(self) -> int:
        """How many checks have a run under way."""
        return sum(1 for memory in self._memory.values() if memory.task is not None)

    def under_way(self, check_id: str) -> bool:
        """Whether a run of this check is going on."""
        memory = self._memory.get(check_id)
        return memory is not None and memory.task is not None

    def start(self, check: Check, scheduled_ns: int, *, attempt: int = 1) -> None:
        """Begin a run in the background; if the run before has not ended, this one is recorded as missed.

        Args:
            attempt: 2 for a retest that somebody else decided on; it is not confirmed in turn.
        """
        memory = self._recall(check)
        if memory.task is not None or self._stopping.is_set():
            reason = "stopping" if self._stopping.is_set() else "overlap"
            self._missed(MissedRun(check_id=check.id, vantage=check.vantage, scheduled_ns=scheduled_ns, reason=reason))
            return
        memory.continuous = check.continuous
        memory.task = asyncio.create_task(self._run(check, scheduled_ns, memory, attempt))

    def wake(self, check: Check) -> bool:
        """Begin a run outside of the schedule, unless one is under way; whether it begins."""
        if self._recall(check).task is not None or self._stopping.is_set():
            return False
        self.start(check, self._clock.wall_ns())
        return True

    def enter(self, check: Check, result: ProbeResult, at_ns: int) -> None:
        """Take over what a person found: it is judged and recorded like a run."""
        memory = self._recall(check)
        at_ns = memory.last_started_ns = max(at_ns, memory.last_started_ns + 1)
        verdict = judge(check, result, result.readings, required=self._required[check.kind], hearsay=check.hearsay)
        observation = Observation(
            check_id=check.id,
            vantage=check.vantage,
            scheduled_ns=at_ns,
            started_ns=at_ns,
            duration_seconds=0.0,
            attempt=1,
            status=verdict.status,
            reasons=verdict.reasons,
            result=result,
            config_id=self.config_id,
        )
        self._note(observation, memory)
        memory.last_status = observation.status

    async def run_once(self, check: Check, scheduled_ns: int, *, attempt: int = 1) -> Observation:
        """Measure and judge once. Never raises for anything that the probe does."""
        memory = self._recall(check)
        started_ns = max(self._clock.wall_ns(), memory.last_started_ns + 1)
        memory.last_started_ns = started_ns
        # A reload may come while the probe is under way: what it finds belongs to the configuration that it began with.
        fingerprint, carried, config_id = memory.fingerprint, memory.carried, self.config_id
        started = self._clock.monotonic()
        result, fault = await self._measure(check)
        duration = self._clock.monotonic() - started
        derived: Mapping[str, float] = EMPTY
        if fault:
            verdict = monitor_fault(fault)
        else:
            kind = self._kinds[check.kind]
            derived, carried = derive.follow(carried, result, kind.counters, started_ns)
            if memory.fingerprint == fingerprint:
                memory.carried = carried
            readings = {**result.readings, **derived} if derived else result.readings
            verdict = judge(check, result, readings, required=self._required[check.kind], hearsay=kind.hearsay)
        return Observation(
            check_id=check.id,
            vantage=check.vantage,
            scheduled_ns=scheduled_ns,
            started_ns=started_ns,
            duration_seconds=duration,
            attempt=attempt,
            status=verdict.status,
            reasons=verdict.reasons,
            result=result,
            derived=derived,
            config_id=config_id,
        )

    async def stop(self, grace_seconds: float) -> None:
        """Start no more runs, give those under way ``grace_seconds`` to end, then cancel and record them as missed.

        Checks that measure continuously are cancelled at once: they would take all of that time, and not end.
        """
        self._stopping.set()
        for memory in self._memory.values():
            if memory.task is not None and memory.continuous:
                memory.task.cancel()
        tasks = [memory.task for memory in self._memory.values() if memory.task is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _recall(self, check: Check) -> _Memory:
        memory = self._memory.get(check.id)
        if memory is None:
            memory = self._memory[check.id] = _Memory(fingerprint=check.fingerprint)
        return memory

    async def _run(self, check: Check, scheduled_ns: int, memory: _Memory, attempt: int) -> None:
        try:
            async with self._slots:
                observation = await self.run_once(check, scheduled_ns, attempt=attempt)
            self._note(observation, memory)
            if attempt == 1 and check.confirm_seconds is not None and self._wants_confirmation(observation, memory):
                await self._pause(check.confirm_seconds)
                if not self._stopping.is_set():
                    async with self._slots:
                        observation = await self.run_once(check, scheduled_ns, attempt=2)
                    self._note(observation, memory)
            memory.last_status = observation.status
        except asyncio.CancelledError:
            self._missed(
                MissedRun(check_id=check.id, vantage=check.vantage, scheduled_ns=scheduled_ns, reason="stopping")
            )
            raise
        finally:
            memory.task = None

    @staticmethod
    def _wants_confirmation(observation: Observation, memory: _Memory) -> bool:
        return observation.status is Status.DOWN and memory.last_status is not Status.DOWN

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _note(self, observation: Observation, memory: _Memory) -> None:
        if observation.status is not memory.last_status and log.isEnabledFor(logging.INFO):
            log.info(
                "status changed",
                extra=fields(
                    check=observation.check_id,
                    status=observation.status,
                    before=memory.last_status or "none",
                    attempt=observation.attempt,
                    reason=observation.reasons[0].subject if observation.reasons else "",
                ),
            )
        self._emit(observation)

    async def _measure(self, check: Check) -> tuple[ProbeResult, str]:
        """The result and, if the monitor is at fault, a sentence that says how."""
        kind = self._kinds[check.kind]
        try:
            async with asyncio.timeout(check.timeout_seconds + DEADLINE_SLACK_SECONDS) as deadline:
                result = await kind.probe(
                    check.endpoints, check.params, wires=self._wires, timeout=check.timeout_seconds
                )
        except MonitorFault as fault:
            return ProbeResult(), str(fault)[:DETAIL_LIMIT]
        except TimeoutError as error:
            if deadline.expired():
                return ProbeResult(), f"the probe overran its timeout of {check.timeout_seconds:g} s and was cancelled"
            return ProbeResult(), self._bug(check, error)
        except Exception as error:  # noqa: BLE001  (a bug in one kind must not stop the others: it becomes UNKNOWN)
            return ProbeResult(), self._bug(check, error)
        return result, ""

    @staticmethod
    def _bug(check: Check, error: Exception) -> str:
        log.error("probe raised", exc_info=error, extra=fields(check=check.id, kind=check.kind))
        return f"{type(error).__name__}: {error}"[:DETAIL_LIMIT]
