"""Which test that loads a line may begin now. Pure: it has no clock, and knows of the world what it is told.

The terms are pScheduler's: a test has a slip, and what finds no moment within it is recorded as not run. The start of
an exclusive test is chosen at random within it. It never shares a line, anything that its line hangs on (such as the
battalion's aggregate), or the vantage with another exclusive test or a normal one. Normal ones share them with each
other, and begin at once where no exclusive one is under way or waits for them to end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from netmon.model import Asset, Check, LoadTests, MissedRun

__all__ = ["MOST_SLIP_SHARE", "Blocked", "Due", "Queue", "resources"]

SECOND_NS: Final = 1_000_000_000
HOUR_NS: Final = 3600 * SECOND_NS
AROUND_HOUR_NS: Final = 180 * SECOND_NS
"""Before and after each full hour, when everybody else's jobs start."""
RETEST_NS: Final = 600 * SECOND_NS
MOST_SLIP_SHARE: Final = 0.5
"""Of the interval: a test ends its slip before the next one is due."""
FIRST_HALF: Final = 0.5
"""Of the slip: where the random start lies, so that there is time left to wait."""


class Blocked(StrEnum):
    """Why a test does not begin; each is the reason of the run that did not take place, if nothing changes."""

    EMERGENCY = "emergency"
    MAINTENANCE = "maintenance"
    PROTECTED = "protected"
    BUDGET = "budget"
    BUSY = "busy"
    NOT_RUNNING = "not_running"
    """Netmon did not run."""
    NO_SLOT = "no_slot"
    """Other tests took all the time that there was, or it was too short."""


@dataclass(slots=True)
class Due:
    """A test that waits for its moment.

    Attributes:
        scheduled_ns: when it was due.
        start_ns, until_ns: between these it may begin.
        attempt: 2 for the retest after a test that failed or decided nothing.
        blocked: why it did not begin so far.
        began_ns: when it began, UTC nanoseconds since the epoch.
    """

    check: Check
    scheduled_ns: int
    start_ns: int
    until_ns: int
    attempt: int = 1
    blocked: Blocked = Blocked.NO_SLOT
    began_ns: int = 0


def resources(check: Check, assets: Mapping[str, Asset]) -> frozenset[str]:
    """What a test of this check uses alone: its vantage, its line, and everything that the line hangs on."""
    found = {f"vantage {check.vantage}", check.asset}
    here = assets.get(check.asset)
    while here is not None and here.parent is not None and here.parent not in found:
        found.add(here.parent)
        here = assets.get(here.parent)
    return frozenset(found)


class Queue:
    """Tests that wait.

    Attributes:
        policy: the rules of the inventory.
    """

    def __init__(self, policy: LoadTests) -> None:
        self.policy = policy
        self._waiting: list[Due] = []

    def __len__(self) -> int:
        """How many tests that load a line wait."""
        return sum(due.check.exclusive for due in self._waiting)

    def add(self, check: Check, scheduled_ns: int, blocked: Blocked = Blocked.NO_SLOT) -> None:
        """A test is due; the start of an exclusive one is random, and the same whenever it is asked.

        Args:
            blocked: why it did not begin so far.
        """
        if any(due.check.id == check.id and due.scheduled_ns == scheduled_ns for due in self._waiting):
            return
        slip_ns = self._slip_ns(check)
        chance = Random(f"{check.id} {scheduled_ns}")  # noqa: S311 (to spread starts, not for secrets)
        late_ns = round(chance.random() * slip_ns * FIRST_HALF) if check.exclusive else 0
        self._waiting.append(Due(check, scheduled_ns, scheduled_ns + late_ns, scheduled_ns + slip_ns, 1, blocked))

    def again(self, check: Check, scheduled_ns: int, now_ns: int, blocked: Blocked = Blocked.NO_SLOT) -> None:
        """Test once more, some minutes later."""
        start_ns = now_ns + RETEST_NS
        self._waiting.append(Due(check, scheduled_ns, start_ns, start_ns + self._slip_ns(check), 2, blocked))

    def step(
        self, now_ns: int, *, running: Collection[Check], blocked: Callable[[Check], Blocked | None],
        assets: Mapping[str, Asset],
    ) -> tuple[list[Due], list[MissedRun]]:  # fmt: skip
        """The tests that begin now, and those that will not any more.

        Args:
            running: the checks whose tests are under way.
            blocked: why an exclusive test must not begin now; ``None`` if it may.
        """
        starts: list[Due] = []
        missed: list[MissedRun] = []
        alone, shared = _used(running, assets)
        waiting: list[Due] = []
        for due in sorted(self._waiting, key=lambda each: (not each.check.exclusive, each.start_ns, each.check.id)):
            if now_ns >= due.until_ns:
                missed.append(_missed(due))
                continue
            if now_ns >= due.start_ns:
                mine = resources(due.check, assets)
                why = blocked(due.check) if due.check.exclusive else None
                if why is None and (alone & mine or (due.check.exclusive and _around_the_hour(now_ns))):
                    why = Blocked.NO_SLOT
                if why is None and due.check.exclusive:
                    # Normal ones that run may end; none begins before this one, which would else wait for ever.
                    alone |= mine
                    why = Blocked.NO_SLOT if shared & mine else None
                if why is None:
                    due.began_ns = now_ns
                    starts.append(due)
                    continue
                due.blocked = why
            waiting.append(due)
        self._waiting = waiting
        return starts, missed

    def keep(self, checks: Mapping[str, Check]) -> None:
        """Take over an inventory: what it does not ask for any more is not due any more."""
        kept = []
        for due in self._waiting:
            check = checks.get(due.check.id)
            if check is not None:
                due.check = check
                kept.append(due)
        self._waiting = kept

    def empty(self) -> list[MissedRun]:
        """Nothing begins any more: everything that waited, as runs that did not take place."""
        missed = [_missed(due, "stopping") for due in self._waiting]
        self._waiting = []
        return missed

    def _slip_ns(self, check: Check) -> int:
        return round(min(self.policy.slip_seconds, check.interval_seconds * MOST_SLIP_SHARE) * SECOND_NS)


def _used(running: Collection[Check], assets: Mapping[str, Asset]) -> tuple[set[str], set[str]]:
    """What exclusive tests use, and what normal ones do."""
    alone: set[str] = set()
    shared: set[str] = set()
    for check in running:
        (alone if check.exclusive else shared).update(resources(check, assets))
    return alone, shared


def _around_the_hour(now_ns: int) -> bool:
    return not AROUND_HOUR_NS <= now_ns % HOUR_NS < HOUR_NS - AROUND_HOUR_NS


def _missed(due: Due, reason: str = "") -> MissedRun:
    return MissedRun(
        check_id=due.check.id, vantage=due.check.vantage, scheduled_ns=due.scheduled_ns,
        reason=reason or due.blocked.value,
    )  # fmt: skip
