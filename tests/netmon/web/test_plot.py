"""Plots: everything lies within the box, gaps stay gaps, and nothing is invented."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.model import Status
from netmon.web.plot import HEIGHT, WIDTH, make_plot, status_bands, time_ticks

HOUR_NS = 3_600_000_000_000
MINUTE_NS = 60_000_000_000


def plot(points: list[tuple[int, float]], limits: tuple[float, ...] = (), holds_ns: int = 2 * MINUTE_NS) -> Any:
    return make_plot(
        "rtt_seconds", points, since_ns=0, until_ns=HOUR_NS, holds_ns=holds_ns, limits=limits, text="{:g}".format
    )


values = st.floats(-1e9, 1e9, allow_nan=False) | st.sampled_from([0.0, float("nan"), float("inf")])
series = st.lists(st.tuples(st.integers(-HOUR_NS, 2 * HOUR_NS), values), max_size=200).map(sorted)


@given(series, st.lists(st.floats(-1e9, 1e9), max_size=3))
def test_everything_lies_within_the_box(points: list[tuple[int, float]], limits: list[float]) -> None:
    made = plot(points, tuple(limits))
    if made is None:
        return
    pairs = re.findall(r"(-?[\d.]+) (-?[\d.]+)", made.line + made.spread)
    assert pairs
    for x, y in pairs:
        assert 0 <= float(x) <= WIDTH
        assert -0.1 <= float(y) <= HEIGHT + 0.1
    assert 2 <= len(made.ticks) <= 8
    assert len(made.line) + len(made.spread) < 40_000


def test_a_gap_is_not_bridged() -> None:
    minutes = [*range(10), *range(30, 40)]
    made = plot([(minute * MINUTE_NS, 1.0) for minute in minutes])
    assert made.line.count("M") == 2
    assert made.summary == ("1", "1", "1")


def test_a_single_point_is_a_dot() -> None:
    assert plot([(MINUTE_NS, 5.0)]).line.endswith("h0")


def test_a_limit_that_is_near_is_shown_and_one_far_off_does_not_flatten_the_line() -> None:
    points = [(minute * MINUTE_NS, 10.0 + minute % 3) for minute in range(10)]
    assert [limit.text for limit in plot(points, (15.0,)).limits] == ["15"]
    assert plot(points, (5000.0,)).limits == ()
    assert [limit.text for limit in plot([(0, 0.0)], (0.05,)).limits] == ["0.05"]


def test_many_points_keep_their_extremes() -> None:
    """A spike of one second in a day is still there."""
    points = [(second * 1_000_000_000, 1.0) for second in range(3600)]
    points[1800] = (points[1800][0], 9.0)
    assert plot(points).summary[2] == "9"
    assert re.search(r"L3[56]\d\.\d 1?[0-9]\.", plot(points).spread)


@given(
    st.lists(st.tuples(st.integers(0, HOUR_NS), st.sampled_from(Status)), max_size=60, unique_by=lambda p: p[0]).map(
        sorted
    )
)
def test_bands_never_overlap_and_hold_no_longer_than_an_observation_says(points: list[tuple[int, Status]]) -> None:
    bands = status_bands(points, since_ns=0, until_ns=HOUR_NS, holds_ns=2 * MINUTE_NS)
    for before, after in pairwise(bands):
        assert before.x + before.width <= after.x + 0.6  # the least width that can be seen
    assert sum(band.width for band in bands) <= len(points) * (2 / 60 * WIDTH) + 0.6 * len(points)


@given(st.integers(0, 4 * 10**18), st.sampled_from([1, 24, 168]))
def test_times_are_marked_about_six_times(since_ns: int, hours: int) -> None:
    ticks = time_ticks(since_ns, since_ns + hours * HOUR_NS)
    assert 4 <= len(ticks) <= 10
    assert all(0 <= tick.x <= WIDTH for tick in ticks)


def test_times_are_those_of_the_county_whatever_the_machine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    midnight_ns = 1_790_006_400 * 10**9  # 2026-09-22 00:00 in Asia/Shanghai
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        ticks = time_ticks(midnight_ns, midnight_ns + 86_400 * 10**9)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert ticks[0].x == 0
    assert ticks[0].text == "00:00"
