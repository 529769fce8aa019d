"""What people declare holds at once, is recorded, and is the same after a restart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.archive import ArchiveError
from netmon.model import MaintenancePlan, Window
from netmon.runner import Clock
from netmon.upkeep import Upkeep, UpkeepError
from tests.lab.pages import MemoryEvents

HOUR = 3_600_000_000_000
START = 1_780_000_000_000_000_000


class Time:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def clock(self) -> Clock:
        return Clock(wall_ns=lambda: self.now)


def fresh() -> tuple[Upkeep, MemoryEvents, Time]:
    book, time = MemoryEvents(), Time()
    return Upkeep(book, time.clock()), book, time


async def announce(upkeep: Upkeep, **changes: Any) -> Window:
    asked: dict[str, Any] = {
        "from_ns": None, "until_ns": START + HOUR, "sites": ["here"], "assets": [], "reason": "new mast",
        "author": "ole", "known_sites": {"here"}, "known_assets": {"here/router"},
    }  # fmt: skip
    return await upkeep.announce(**{**asked, **changes})


async def test_a_window_opens_at_once_and_ends_when_somebody_says_so() -> None:
    upkeep, book, time = fresh()
    window = await announce(upkeep)
    assert upkeep.in_force() == (window,)
    assert window.covers("here", "here/router", time.now)
    time.now += HOUR // 2
    await upkeep.end_window(window.id, "ada")
    assert upkeep.in_force() == upkeep.coming() == ()
    assert [event.kind for event in book.events] == ["maintenance", "maintenance_ended"]
    with pytest.raises(UpkeepError, match="is over"):
        await upkeep.end_window(window.id, "ada")


async def test_a_window_that_was_called_off_before_it_began_hides_nothing() -> None:
    upkeep, _book, time = fresh()
    window = await announce(upkeep, from_ns=START + HOUR, until_ns=START + 2 * HOUR)
    assert upkeep.in_force() == ()
    assert upkeep.coming() == (window,)
    off = await upkeep.end_window(window.id, "ole")
    time.now = START + HOUR + 1
    assert upkeep.coming() == ()
    assert not off.covers("here", "here/router", time.now)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"from_ns": START - 1}, "cannot be announced after it began"),
        ({"until_ns": START}, "ends before it begins"),
        ({"until_ns": START + 32 * 24 * HOUR}, "at most 31 days"),
        ({"from_ns": START + 400 * 24 * HOUR, "until_ns": START + 401 * 24 * HOUR}, "within a year"),
        ({"sites": ["there"]}, "does not have there"),
        ({"assets": ["here/nothing"]}, "does not have here/nothing"),
        ({"reason": " "}, "a reason is missing"),
        ({"reason": "x" * 201}, "at most 200 characters"),
        ({"reason": "up\u202edown"}, "one line"),
    ],
)
async def test_what_is_not_possible_is_refused_and_not_recorded(asked: dict[str, Any], sentence: str) -> None:
    upkeep, book, _time = fresh()
    with pytest.raises(UpkeepError, match=sentence):
        await announce(upkeep, **asked)
    assert book.events == []
    assert upkeep.coming() == ()


async def test_an_emergency_is_declared_once_and_ended_once() -> None:
    upkeep, _book, time = fresh()
    with pytest.raises(UpkeepError, match="no emergency"):
        await upkeep.end_emergency("ole")
    await upkeep.declare("  flood\nat the river ", "ole")
    assert upkeep.emergency is not None
    assert upkeep.emergency.reason == "flood at the river"
    with pytest.raises(UpkeepError, match="already"):
        await upkeep.declare("again", "ada")
    time.now += HOUR
    ended = await upkeep.end_emergency("ada")
    assert (ended.from_ns, ended.until_ns, ended.ended_by) == (START, START + HOUR, "ada")
    assert upkeep.emergency is None


async def test_an_emergency_does_not_wait_for_a_disk() -> None:
    upkeep, book, _time = fresh()
    book.fault = "the disk is full"
    with pytest.raises(ArchiveError, match="the disk is full"):
        await upkeep.declare("flood", "ole")
    assert upkeep.emergency is not None
    assert len(book.events) == 1


def test_a_plan_that_did_not_change_was_announced_when_it_first_came() -> None:
    upkeep, _book, time = fresh()
    plan = MaintenancePlan(id="p", once=(START, START + HOUR), reason="a")
    upkeep.plan([plan])
    time.now += HOUR // 2
    upkeep.plan([plan])
    assert [window.entered_ns for window in upkeep.in_force()] == [START]
    upkeep.plan([MaintenancePlan(id="p", once=(START, START + HOUR), reason="b")])
    assert [window.entered_ns for window in upkeep.in_force()] == [time.now]


@given(st.lists(st.tuples(st.sampled_from(["open", "end", "declare", "over"]), st.integers(0, 3)), max_size=20))
async def test_after_a_restart_everything_is_as_it_was(acts: list[tuple[str, int]]) -> None:
    upkeep, book, time = fresh()
    names: list[str] = []
    for act, number in acts:
        time.now += number * HOUR // 3
        try:
            if act == "open":
                names.append((await announce(upkeep, until_ns=time.now + HOUR)).id)
            elif act == "end" and names:
                await upkeep.end_window(names[number % len(names)], "ada")
            elif act == "declare":
                await upkeep.declare("flood", "ole")
            elif act == "over":
                await upkeep.end_emergency("ada")
        except UpkeepError:
            continue
    again = Upkeep(MemoryEvents(), time.clock())
    again.recall(book.events)
    assert again.coming() == upkeep.coming()
    assert again.emergency == upkeep.emergency
    assert len(set(names)) == len(names)
