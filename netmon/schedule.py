"""When each check runs: the one door to APScheduler.

Checks of one interval whose phases fall into one slot of 50 ms share an APScheduler job, since a job costs about twice
as much as a bare timer. The phase of a check is a hash of its id: starts are spread, stay where they are over
restarts and reloads, and the instants at which samples are due can be computed afterwards.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.debug import DebugExecutor
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from netmon.logs import fields
from netmon.model import Check, MissedRun
from netmon.runner import Clock

__all__ = ["Grid", "Schedule"]

log = logging.getLogger(__name__)

SLOT_NS = 50_000_000
STEP_NS = 1_000_000_000
"""A change of wall clock against monotonic clock by more than this is a step: NTP slews slower than 1 ms/s."""
STEP_CHECK_SECONDS = 1.0
MISSED_AT_ONCE_LIMIT = 1000
"""After a long stop of the process at most this many missed runs of a check are written one by one."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Grid:
    """The instants ``phase + n * interval`` since the epoch, in nanoseconds: when a check is due."""

    interval_ns: int
    phase_ns: int

    @classmethod
    def of(cls, check: Check) -> Grid:
        """The grid of a check. Its phase depends on its id and interval alone."""
        interval_ns = round(check.interval_seconds * 1e9)
        digest = hashlib.sha256(check.id.encode()).digest()
        slots = max(1, interval_ns // SLOT_NS)
        return cls(interval_ns, int.from_bytes(digest[:8], "big") % slots * SLOT_NS)

    def last(self, now_ns: int) -> int:
        """The latest instant that is not after ``now_ns``."""
        return (now_ns - self.phase_ns) // self.interval_ns * self.interval_ns + self.phase_ns

    def next(self, now_ns: int) -> int:
        """The earliest instant after ``now_ns``."""
        return self.last(now_ns) + self.interval_ns

    def between(self, after_ns: int, before_ns: int) -> range:
        """The instants strictly between two times."""
        return range(self.next(after_ns), before_ns, self.interval_ns)


class _GridTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """APScheduler's view of a grid: pure, no clock of its own."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The first instant after the previous one, or at or after ``now`` if there was none."""
        if previous is not None:
            return _to_datetime(self.grid.next(_to_ns(previous)))
        return _to_datetime(self.grid.next(_to_ns(now) - 1))


@dataclass(slots=True)
class _Slot:
    """The checks that share a grid."""

    grid: Grid
    handled_ns: int
    job: Job = None
    checks: dict[str, Check] = field(default_factory=dict)


class Schedule:
    """Calls ``start(check, scheduled_ns)`` whenever a check is due; every due run that is not started is reported.

    Args:
        start: begins a run and returns at once.
        missed: takes each run that was due and could not be started.
        stepped: called with the size in nanoseconds when the wall clock was set (positive: forward).
    """

    def __init__(
        self,
        *,
        start: Callable[[Check, int], None],
        missed: Callable[[MissedRun], None],
        stepped: Callable[[int], None],
        clock: Clock,
    ) -> None:
        self._start = start
        self._missed = missed
        self._stepped = stepped
        self._clock = clock
        self._slots: dict[Grid, _Slot] = {}
        self._grids: dict[str, Grid] = {}
        self._offset_ns = self._offset()
        self._watch: asyncio.Task[None] | None = None
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        # Jobs only start tasks, so they run within the scheduler's own callback.
        self._scheduler.add_executor(DebugExecutor(), "inline")
        self._scheduler.add_listener(self._misfired, EVENT_JOB_MISSED)
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # misfires are recorded by us, with more to say

    def set_checks(self, checks: Iterable[Check]) -> None:
        """Schedule exactly these checks. One whose grid stays the same is not disturbed."""
        wanted = {check.id: check for check in checks}
        for check_id in [check_id for check_id in self._grids if check_id not in wanted]:
            self._remove(check_id)
        for check in wanted.values():
            grid = Grid.of(check)
            if self._grids.get(check.id) not in {None, grid}:
                self._remove(check.id)
            self._grids[check.id] = grid
            self._slot(grid).checks[check.id] = check

    def start(self) -> None:
        """Begin; must be called within the running event loop."""
        self._offset_ns = self._offset()
        self._restart_slots()
        self._scheduler.start()
        self._watch = asyncio.create_task(self._watch_clock())

    @property
    def alive(self) -> bool:
        """Whether runs are started when they are due."""
        return self._scheduler.running and self._watch is not None and not self._watch.done()

    async def stop(self) -> None:
        """Start no more runs."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            await asyncio.sleep(0)  # APScheduler shuts down in a callback of the loop

    def _slot(self, grid: Grid) -> _Slot:
        slot = self._slots.get(grid)
        if slot is None:
            slot = self._slots[grid] = _Slot(grid, handled_ns=self._clock.wall_ns())
            grace = max(1, round(min(30.0, grid.interval_ns / 4e9)))
            slot.job = self._scheduler.add_job(
                self._due,
                _GridTrigger(grid),
                args=(slot,),
                id=f"{grid.interval_ns}+{grid.phase_ns}",
                executor="inline",
                misfire_grace_time=grace,
                coalesce=True,
                max_instances=1,
                next_run_time=_to_datetime(grid.next(slot.handled_ns)),
            )
        return slot

    def _remove(self, check_id: str) -> None:
        slot = self._slots[self._grids.pop(check_id)]
        del slot.checks[check_id]
        if not slot.checks:
            slot.job.remove()
            del self._slots[slot.grid]

    def _due(self, slot: _Slot) -> None:
        if self._clock_was_set():
            return
        scheduled_ns = slot.grid.last(self._clock.wall_ns())
        if scheduled_ns <= slot.handled_ns:
            return  # APScheduler's microseconds round to before the instant: it was handled already
        self._report(slot, scheduled_ns, "coalesced")
        for check in tuple(slot.checks.values()):
            self._start(check, scheduled_ns)

    def _misfired(self, event: JobExecutionEvent) -> None:
        if self._clock_was_set():
            return
        for slot in self._slots.values():
            if slot.job.id == event.job_id:
                self._report(slot, _to_ns(event.scheduled_run_time) + 1, "misfire")

    def _report(self, slot: _Slot, until_ns: int, reason: str) -> None:
        """Everything due after what was handled and before ``until_ns`` did not run; it is handled up to there."""
        instants = slot.grid.between(slot.handled_ns, until_ns)
        slot.handled_ns = max(slot.handled_ns, until_ns)
        for scheduled_ns in instants[-MISSED_AT_ONCE_LIMIT:]:
            for check in slot.checks.values():
                self._missed(
                    MissedRun(check_id=check.id, vantage=check.vantage, scheduled_ns=scheduled_ns, reason=reason)
                )

    async def _watch_clock(self) -> None:
        # APScheduler waits by the monotonic clock for a wall-clock time: set back by an hour, it would sleep an hour.
        while True:
            await asyncio.sleep(STEP_CHECK_SECONDS)
            self._clock_was_set()

    def _offset(self) -> int:
        return self._clock.wall_ns() - round(self._clock.monotonic() * 1e9)

    def _clock_was_set(self) -> bool:
        offset_ns = self._offset()
        step_ns = offset_ns - self._offset_ns
        self._offset_ns = offset_ns
        if abs(step_ns) < STEP_NS:
            return False
        log.warning("the wall clock was set", extra=fields(seconds=round(step_ns / 1e9, 3)))
        self._restart_slots()
        self._stepped(step_ns)
        return True

    def _restart_slots(self) -> None:
        """Count from now on: what lies between the old time and the new one never existed or is a recorded step."""
        now_ns = self._clock.wall_ns()
        for slot in self._slots.values():
            slot.handled_ns = now_ns
            slot.job.modify(next_run_time=_to_datetime(slot.grid.next(now_ns)))


def _to_datetime(ns: int) -> datetime:
    return EPOCH + timedelta(microseconds=-(-ns // 1000))  # rounded up: never before the instant


def _to_ns(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
