"""Maintenance windows and emergencies of a running netmon."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol

from netmon.archive import Event
from netmon.i18n import _
from netmon.model import LOCAL, Emergency, Heard, MaintenancePlan, RollCall, Window
from netmon.runner import Clock
from netmon.upkeep.record import EMERGENCY, EMERGENCY_ENDED, ROLL_CALL, WINDOW, WINDOW_ENDED, Declared
from netmon.upkeep.windows import occurrences

__all__ = ["Upkeep", "UpkeepError"]

DAY_NS: Final = 86_400_000_000_000
LONGEST_NS: Final = 31 * DAY_NS
FARTHEST_NS: Final = 366 * DAY_NS
AHEAD_NS: Final = 14 * DAY_NS
MAX_REASON: Final = 200


class UpkeepError(ValueError):
    """What was asked for is not possible; the message says why, in a sentence."""


class Book(Protocol):
    """Where it is recorded what was declared."""

    def append_event(self, kind: str, at_ns: int, detail: Mapping[str, object]) -> None:
        """Queue an event."""

    async def flush(self) -> None:
        """Return when it is durable; raises ArchiveError if the disk does not take it."""


class Upkeep:
    """What is announced and declared now. Each act holds at once, and is durable when its coroutine returns.

    If the disk takes nothing, the act holds all the same (an emergency does not wait for a disk) and the coroutine
    raises ArchiveError: the record is queued until the disk takes it.

    Args:
        heard: takes each station's roll call as it is entered.
    """

    def __init__(self, book: Book, clock: Clock, heard: Callable[[RollCall], None] = lambda _call: None) -> None:
        self._book = book
        self._clock = clock
        self._heard = heard
        self._declared = Declared()
        self._plans: dict[str, tuple[MaintenancePlan, int]] = {}

    def recall(self, events: Iterable[Event]) -> None:
        """Take over what the archive holds."""
        for event in events:
            self._declared.take(event)

    def plan(self, plans: Iterable[MaintenancePlan]) -> None:
        """Take over what an inventory announces; a plan that did not change was announced when it first came."""
        now_ns = self._clock.wall_ns()
        before = self._plans
        self._plans = {
            plan.id: before[plan.id] if plan.id in before and before[plan.id][0] == plan else (plan, now_ns)
            for plan in plans
        }

    @property
    def emergency(self) -> Emergency | None:
        """The emergency that lasts, if one does."""
        return self._declared.emergency

    def emergencies(self) -> tuple[Emergency, ...]:
        """All that were ever declared, the newest first."""
        return tuple(sorted(self._declared.emergencies.values(), key=lambda each: -each.from_ns))

    def in_force(self) -> tuple[Window, ...]:
        """The windows that are open now."""
        now_ns = self._clock.wall_ns()
        return tuple(window for window in self.coming() if max(window.from_ns, window.entered_ns) <= now_ns)

    def coming(self) -> tuple[Window, ...]:
        """The windows that are open or begin within two weeks, and all that people declared; the first one first."""
        now_ns = self._clock.wall_ns()
        windows = [window for window in self._declared.windows.values() if window.until_ns > now_ns]
        for plan, entered_ns in self._plans.values():
            windows += [
                window
                for window in occurrences(plan, now_ns, now_ns + AHEAD_NS, entered_ns=entered_ns)
                if window.until_ns > now_ns
            ]
        return tuple(sorted(windows, key=lambda window: (window.from_ns, window.id)))

    async def announce(
        self, *, from_ns: int | None, until_ns: int, sites: Collection[str], assets: Collection[str], reason: str,
        author: str, known_sites: Collection[str], known_assets: Collection[str],
    ) -> Window:  # fmt: skip
        """Announce a window.

        Args:
            from_ns: ``None`` for now. A moment that is past is not possible: nothing is hidden that was seen already.
            sites, assets: what is worked on; both empty for everything.

        Raises:
            UpkeepError: it is not possible.
            ArchiveError: it holds, and is not durable yet.
        """
        now_ns = self._clock.wall_ns()
        start_ns = now_ns if from_ns is None else from_ns
        if start_ns < now_ns:
            raise UpkeepError(_("a window cannot be announced after it began: leave out the start to begin now"))
        if until_ns <= start_ns:
            raise UpkeepError(_("the window ends before it begins"))
        if until_ns - start_ns > LONGEST_NS or start_ns - now_ns > FARTHEST_NS:
            raise UpkeepError(_("a window lasts at most 31 days and begins within a year"))
        unknown = [*(set(sites) - set(known_sites)), *(set(assets) - set(known_assets))]
        if unknown:
            raise UpkeepError(_("the inventory does not have {name}").format(name=min(unknown)))
        detail = {
            "id": self._free("m", now_ns, self._declared.windows), "from_ns": start_ns, "until_ns": until_ns,
            "sites": sorted(sites), "assets": sorted(assets), "reason": _reason(reason), "author": author,
        }  # fmt: skip
        await self._act(WINDOW, now_ns, detail)
        return self._declared.windows[str(detail["id"])]

    async def end_window(self, window_id: str, author: str) -> Window:
        """End a window now, or call it off; as :meth:`announce`. One of the inventory is ended there."""
        now_ns = self._clock.wall_ns()
        window = self._declared.windows.get(window_id)
        if window is None:
            raise UpkeepError(_("nobody has announced a window {name} here").format(name=window_id))
        if window.until_ns <= now_ns:
            raise UpkeepError(_("the window {name} is over").format(name=window_id))
        await self._act(WINDOW_ENDED, now_ns, {"id": window_id, "author": author})
        return self._declared.windows[window_id]

    async def declare(self, reason: str, author: str) -> Emergency:
        """Declare an emergency; as :meth:`announce`."""
        if self.emergency is not None:
            raise UpkeepError(_("an emergency is declared already"))
        now_ns = self._clock.wall_ns()
        name = self._free("e", now_ns, self._declared.emergencies)
        await self._act(EMERGENCY, now_ns, {"id": name, "reason": _reason(reason), "author": author})
        return self._declared.emergencies[name]

    async def end_emergency(self, author: str) -> Emergency:
        """Say that the emergency is over; as :meth:`announce`."""
        emergency = self.emergency
        if emergency is None:
            raise UpkeepError(_("no emergency is declared"))
        await self._act(EMERGENCY_ENDED, self._clock.wall_ns(), {"id": emergency.id, "author": author})
        return self._declared.emergencies[emergency.id]

    @property
    def roll_calls(self) -> Mapping[str, RollCall]:
        """The last roll call of each station, by the equipment's id."""
        return self._declared.roll_calls

    async def call_roll(self, heard: Mapping[str, str], author: str, *, known_assets: Collection[str]) -> int:
        """Enter how stations came through; how many they were. As :meth:`announce`.

        Args:
            heard: words of :class:`~netmon.model.Heard` by the equipment's id.
        """
        unknown = set(heard) - set(known_assets)
        if unknown:
            raise UpkeepError(_("the inventory does not have {name}").format(name=min(unknown)))
        if not heard or not set(heard.values()) <= set(Heard):
            raise UpkeepError(_("nothing was entered: say of at least one station how it came through"))
        now_ns = self._clock.wall_ns()
        for asset, word in heard.items():
            self._heard(RollCall(asset=asset, heard=Heard(word), at_ns=now_ns, author=author))
        await self._act(ROLL_CALL, now_ns, {"heard": dict(sorted(heard.items())), "author": author})
        return len(heard)

    async def _act(self, kind: str, at_ns: int, detail: Mapping[str, object]) -> None:
        self._declared.take(Event(kind=kind, at_ns=at_ns, detail=detail))
        self._book.append_event(kind, at_ns, detail)
        await self._book.flush()

    def _free(self, letter: str, now_ns: int, taken: Collection[str]) -> str:
        base = f"{letter}{datetime.fromtimestamp(now_ns / 1e9, LOCAL):%Y%m%d-%H%M%S}"
        return next(
            name for number in range(len(taken) + 1) if (name := f"{base}.{number}" if number else base) not in taken
        )


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason:
        raise UpkeepError(_("a reason is missing"))
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise UpkeepError(_("a reason is one line of at most {limit} characters").format(limit=MAX_REASON))
    return reason
