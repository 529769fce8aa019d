"""Starts tests when they may begin, ends those that load a line when it is needed, and counts their bytes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from netmon.impact import current, span, window_over
from netmon.loading.queue import Blocked, Due, Queue
from netmon.logs import fields
from netmon.model import LOCAL, Asset, Check, LoadTests, MissedRun, Observation, Status
from netmon.runner import Clock
from netmon.upkeep import Upkeep, occurrences
from probes.base import Scheduling, split_key

__all__ = ["Loading"]

log = logging.getLogger(__name__)

STEP_SECONDS: Final = 1.0
LOADS_KEPT: Final = 8
"""Of each line: what others measured meanwhile is shown until they have measured again."""
BYTES: Final = "test_bytes"
UTILISATION: Final = ("in_utilisation_ratio", "out_utilisation_ratio")


class Runs(Protocol):
    """Who runs tests."""

    def start(self, check: Check, scheduled_ns: int, *, attempt: int = 1) -> None:
        """Begin a run."""

    def under_way(self, check_id: str) -> bool:
        """Whether one is going on."""


class Loading:
    """The tests of one process.

    Args:
        runs: begins them.
        missed: takes each test that was due and did not take place.
        abort: ends those under way, with a sentence that says why.
        latest: the last observation of each check.
    """

    def __init__(
        self, *, runs: Runs, missed: Callable[[MissedRun], None], abort: Callable[[str], None],
        latest: Callable[[], Mapping[str, Observation]], upkeep: Upkeep, clock: Clock,
    ) -> None:  # fmt: skip
        self._runs = runs
        self._missed = missed
        self._abort = abort
        self._latest = latest
        self._upkeep = upkeep
        self._clock = clock
        self._assets: Mapping[str, Asset] = {}
        self._checks: dict[str, Check] = {}
        self._by_asset: dict[str, list[Check]] = {}
        self._queue = Queue(LoadTests())
        self._running: dict[str, Due] = {}
        self._bytes: dict[tuple[str, str], float] = {}
        self._last_bytes: dict[str, float] = {}
        self._taken_ns: dict[str, int] = {}
        self._loads: dict[str, deque[tuple[int, int]]] = {}

    def configure(self, checks: Iterable[Check], assets: Mapping[str, Asset], policy: LoadTests) -> None:
        """Take over an inventory."""
        self._assets = assets
        self._by_asset = {}
        for check in checks:
            self._by_asset.setdefault(check.asset, []).append(check)
        queued = {
            each.id: each
            for found in self._by_asset.values() for each in found if each.scheduling is not Scheduling.BACKGROUND
        }  # fmt: skip
        self._checks = {name: each for name, each in queued.items() if each.exclusive}
        self._queue.policy = policy
        self._queue.keep(queued)

    def due(self, check: Check, scheduled_ns: int) -> None:
        """A test is due: it begins when it may."""
        self._queue.add(check, scheduled_ns)
        if not check.exclusive:
            self.step()  # at once, if nothing is in its way

    def resume(self, left: Iterable[tuple[Check, int]], last: Iterable[Observation]) -> None:
        """Take up what netmon left when it was killed: a test begins if its time is not over, else it is told.

        Args:
            left: tests that were due, and neither took place nor were told.
            last: tests that may have to be repeated still.
        """
        for check, scheduled_ns in left:
            self._queue.add(check, scheduled_ns, Blocked.NOT_RUNNING)
        for observation in last:
            ended_ns = observation.started_ns + round(observation.duration_seconds * 1e9)
            self._repeat(observation, ended_ns, Blocked.NOT_RUNNING)

    def recall(self, observations: Iterable[Observation]) -> None:
        """Count tests of the archive."""
        for observation in observations:
            self._count(observation)
            if (check := self._checks.get(observation.check_id)) is not None:
                self._note_load(check.asset, *span(observation))

    def take(self, observations: Sequence[Observation]) -> None:
        """Count the bytes of tests that ended; one that failed or decided nothing is repeated once."""
        for observation in observations:
            check = self._checks.get(observation.check_id)
            if check is None or observation.started_ns <= self._taken_ns.get(check.id, 0):
                continue  # a full disk shows an observation before it is durable, and then once more
            self._count(observation)
            self._repeat(observation, self._clock.wall_ns())

    def month_bytes(self, asset: str) -> float:
        """What tests sent over a line in this month of Asia/Shanghai."""
        return self._bytes.get((asset, _month(self._clock.wall_ns())), 0.0)

    @property
    def waiting(self) -> int:
        """How many tests are due and wait for their moment."""
        return len(self._queue)

    @property
    def lines(self) -> tuple[str, ...]:
        """The assets whose lines are tested."""
        return tuple({check.asset: None for check in self._checks.values()})

    @property
    def running(self) -> tuple[str, ...]:
        """The checks whose tests are under way."""
        return tuple(
            due.check.id for due in self._running.values() if due.check.exclusive and self._runs.under_way(due.check.id)
        )

    def loads(self) -> dict[str, list[tuple[int, int]]]:
        """When tests loaded the line of each asset lately; one that is under way ends now."""
        found = {asset: list(spans) for asset, spans in self._loads.items()}
        for due in self._running.values():
            if due.check.exclusive:
                found.setdefault(due.check.asset, []).append((due.began_ns, self._clock.wall_ns()))
        return found

    async def run(self) -> None:
        """Look each second."""
        while True:
            self.step()
            await asyncio.sleep(STEP_SECONDS)

    def step(self) -> None:
        """End what must end, begin what may begin, tell what will not begin any more."""
        for name, due in tuple(self._running.items()):
            if not self._runs.under_way(name):
                del self._running[name]
                if due.check.exclusive:
                    self._note_load(due.check.asset, due.began_ns, self._clock.wall_ns())
        if self.running and self._upkeep.emergency is not None:
            self._abort("an emergency was declared")
        starts, missed = self._queue.step(
            self._clock.wall_ns(), running=[due.check for due in self._running.values()], blocked=self._blocked,
            assets=self._assets,
        )  # fmt: skip
        for due in starts:
            self._running[due.check.id] = due
            if due.check.exclusive:
                log.info("a test that loads a line begins", extra=fields(check=due.check.id, attempt=due.attempt))
            self._runs.start(due.check, due.scheduled_ns, attempt=due.attempt)
        for run in missed:
            log.warning("a test did not take place", extra=fields(check=run.check_id, reason=run.reason))
            self._missed(run)

    def stop(self) -> None:
        """Begin nothing more, end what runs."""
        self._abort("netmon stops")
        for run in self._queue.empty():
            self._missed(run)

    def _repeat(self, observation: Observation, now_ns: int, blocked: Blocked = Blocked.NO_SLOT) -> None:
        """A test that failed or decided nothing is repeated once."""
        check = self._checks.get(observation.check_id)
        if check is not None and observation.attempt == 1 and observation.status is not Status.UP:
            self._queue.again(check, observation.scheduled_ns, now_ns, blocked)

    def _blocked(self, check: Check) -> Blocked | None:
        now_ns = self._clock.wall_ns()
        if self._upkeep.emergency is not None:
            return Blocked.EMERGENCY
        if window_over(check, "", self._assets, self._upkeep.in_force(), now_ns) is not None:
            return Blocked.MAINTENANCE
        policy = self._queue.policy
        if any(occurrences(plan, now_ns, now_ns + 1, entered_ns=0) for plan in policy.protected):
            return Blocked.PROTECTED
        if self.month_bytes(check.asset) + self._last_bytes.get(check.asset, 0.0) > policy.month_bytes:
            return Blocked.BUDGET
        return Blocked.BUSY if self._used(check, now_ns) > policy.busy_above_ratio else None

    def _used(self, check: Check, now_ns: int) -> float:
        """How much of the line is used, by the last reading of its counters; 0 where there are none.

        Without counters nobody knows: the test itself ends when the delay rises.
        """
        latest = self._latest()
        return max(
            (
                value
                for other in self._by_asset.get(check.asset, ())
                if (last := latest.get(other.id)) is not None and current(other, last, now_ns) is not None
                for key, value in last.readings.items()
                if split_key(key)[0] in UTILISATION
            ),
            default=0.0,
        )

    def _note_load(self, asset: str, begin_ns: int, end_ns: int) -> None:
        self._loads.setdefault(asset, deque(maxlen=LOADS_KEPT)).append((begin_ns, end_ns))

    def _count(self, observation: Observation) -> None:
        check = self._checks.get(observation.check_id)
        if check is None:
            return
        self._taken_ns[check.id] = observation.started_ns
        size = observation.readings.get(BYTES)
        if size:
            key = (check.asset, _month(observation.started_ns))
            self._bytes[key] = self._bytes.get(key, 0.0) + size
            self._last_bytes[check.asset] = size


def _month(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns / 1e9, LOCAL):%Y-%m}"
