"""From plans to windows in time."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from netmon.model import LOCAL, MaintenancePlan
from netmon.upkeep import occurrences

HOUR = 3_600_000_000_000


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=LOCAL).timestamp()) * 1_000_000_000


def weekly(day: int = 6, at: int = 2 * 3600, hours: float = 1) -> MaintenancePlan:
    return MaintenancePlan(id="w", weekdays=frozenset({day}), at_seconds=at, length_seconds=hours * 3600)


def test_a_week_has_one_sunday_in_local_time() -> None:
    """Two in the night of a Sunday in Hunchun is six in the evening of Saturday in UTC."""
    found = occurrences(weekly(), ns("2026-11-23 00:00"), ns("2026-11-30 00:00"), entered_ns=7)
    assert [(window.from_ns, window.until_ns) for window in found] == [(ns("2026-11-29 02:00"), ns("2026-11-29 03:00"))]
    assert found[0].id == "w@2026-11-29"
    assert found[0].entered_ns == 7


def test_a_window_over_midnight_is_found_from_the_day_after() -> None:
    plan = weekly(day=6, at=23 * 3600, hours=3)
    found = occurrences(plan, ns("2026-11-30 01:00"), ns("2026-11-30 01:01"), entered_ns=0)
    assert [window.from_ns for window in found] == [ns("2026-11-29 23:00")]


def test_once_is_once() -> None:
    plan = MaintenancePlan(id="x", once=(10, 20))
    assert [window.id for window in occurrences(plan, 19, 30, entered_ns=0)] == ["x"]
    assert occurrences(plan, 20, 30, entered_ns=0) == []
    assert occurrences(plan, 0, 10, entered_ns=0) == []


@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.integers(0, 6 * 365 * 86_400),
    st.integers(1, 40 * 24),
)
def test_a_moment_is_in_a_window_exactly_if_the_clock_says_so(
    days: set[int], at_minutes: int, length_minutes: int, start_seconds: int, hours: int
) -> None:
    """Against the definition: for some day of the plan, begin <= moment < begin + length."""
    plan = MaintenancePlan(
        id="w", weekdays=frozenset(days), at_seconds=at_minutes * 60, length_seconds=length_minutes * 60
    )
    local = datetime(2024, 1, 1, tzinfo=LOCAL) + timedelta(seconds=start_seconds)
    since = round(local.timestamp()) * 1_000_000_000
    windows = occurrences(plan, since, since + hours * HOUR, entered_ns=0)
    for moment in (local, local + timedelta(hours=hours, seconds=-1), local + timedelta(hours=hours / 2)):
        expected = any(
            begin <= moment < begin + timedelta(minutes=length_minutes)
            for back in range(3)
            if (day := (moment - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)).weekday()
            in days
            for begin in [day + timedelta(minutes=at_minutes)]
        )
        at_ns = round(moment.timestamp() * 1e6) * 1000
        assert any(window.from_ns <= at_ns < window.until_ns for window in windows) is expected
