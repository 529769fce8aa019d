"""Readings over time as the figures of a plot; the template draws them as SVG. Pure.

A gap in the data is a gap in the line: two points further apart than a reading holds are never joined.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from netmon.model import LOCAL, Status

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Band",
    "Plot",
    "Point",
    "TimeTick",
    "ValueTick",
    "make_plot",
    "status_bands",
    "time_ticks",
]

WIDTH = 720
HEIGHT = 140
COLUMNS = 360
"""So many places for points: more could not be seen, and would only make the page larger."""

Point = tuple[int, float]
"""UTC nanoseconds since the epoch, and the value."""

DAY = 86_400
TICKS = (60, 300, 600, 1800, 3600, 7200, 21600, 43200, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 61 * DAY)


@dataclass(frozen=True, slots=True)
class ValueTick:
    """A line across the plot, and what it says."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class TimeTick:
    """A line down the plot, and what it says."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """From where to where a status held."""

    x: float
    width: float
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One reading over time, in the units of a box of WIDTH by HEIGHT.

    Attributes:
        line: an SVG path through the mean of each column.
        spread: an SVG path around the least and the greatest of each column.
        limits: where the thresholds are that lie within the box.
        summary: least, median and greatest value, as text.
    """

    key: str
    line: str
    spread: str
    ticks: tuple[ValueTick, ...]
    limits: tuple[ValueTick, ...]
    summary: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Column:
    x: float
    at_ns: int
    low: float
    mean: float
    high: float


def make_plot(
    key: str,
    points: Sequence[Point],
    *,
    since_ns: int,
    until_ns: int,
    holds_ns: int,
    limits: Sequence[float] = (),
    target: float | None = None,
    text: Callable[[float], str],
) -> Plot | None:
    """The plot of points in order of time, or ``None`` if there are none.

    Args:
        holds_ns: points further apart than this are not joined.
        limits: thresholds.
        target: a limit that is always shown, however far the values are from it.
        text: a value with its unit.
    """
    points = [(at_ns, value) for at_ns, value in points if math.isfinite(value) and since_ns <= at_ns <= until_ns]
    if not points:
        return None
    columns = _columns(points, since_ns, until_ns)
    values = sorted(value for _at_ns, value in points)
    limits = [*limits, *([] if target is None else [target])]
    ends = (values[0], values[-1]) if target is None else (min(values[0], target), max(values[-1], target))
    step, bottom, top = _scale(*ends, limits)

    def y(value: float) -> float:
        return round(HEIGHT - (value - bottom) / (top - bottom) * HEIGHT, 1)

    runs = _runs(columns, max(holds_ns, 2 * (until_ns - since_ns) // COLUMNS))
    return Plot(
        key=key,
        line=" ".join(_line(run, y) for run in runs),
        spread=" ".join(_spread(run, y) for run in runs if len(run) > 1),
        ticks=tuple(
            ValueTick(y(value), text(value))
            for value in (bottom + n * step for n in range(round((top - bottom) / step) + 1))
        ),
        limits=tuple(ValueTick(y(limit), text(limit)) for limit in limits if bottom <= limit <= top),
        summary=(text(values[0]), text(values[len(values) // 2]), text(values[-1])),
    )


def status_bands(
    statuses: Sequence[tuple[int, Status]], *, since_ns: int, until_ns: int, holds_ns: int
) -> tuple[Band, ...]:
    """Where each status held: an observation holds until the next, at most ``holds_ns``; between is nothing."""
    pieces: list[tuple[int, int, Status]] = []
    for number, (at_ns, status) in enumerate(statuses):
        following = statuses[number + 1][0] if number + 1 < len(statuses) else until_ns
        begin, end = max(at_ns, since_ns), min(following, at_ns + holds_ns, until_ns)
        if end <= begin:
            continue
        if pieces and pieces[-1][1] == begin and pieces[-1][2] is status:
            pieces[-1] = (pieces[-1][0], end, status)
        else:
            pieces.append((begin, end, status))
    scale = WIDTH / (until_ns - since_ns)
    return tuple(
        Band(round((begin - since_ns) * scale, 2), max(0.5, round((end - begin) * scale, 2)), status)
        for begin, end, status in pieces
    )


def time_ticks(since_ns: int, until_ns: int) -> tuple[TimeTick, ...]:
    """Round times in Asia/Shanghai, about six of them."""
    seconds = (until_ns - since_ns) / 1e9
    step = next((tick for tick in TICKS if seconds / tick <= 8), TICKS[-1])
    begin = datetime.fromtimestamp(since_ns / 1e9, LOCAL)
    moment = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = []
    while (x := (moment.timestamp() * 1e9 - since_ns) / (until_ns - since_ns) * WIDTH) <= WIDTH:
        if x >= 0:
            ticks.append(TimeTick(round(x, 1), moment.strftime("%m-%d" if step >= DAY else "%H:%M")))
        moment += timedelta(seconds=step)
    return tuple(ticks)


def _columns(points: Sequence[Point], since_ns: int, until_ns: int) -> list[_Column]:
    width_ns = max(1, (until_ns - since_ns) // COLUMNS)
    scale = WIDTH / (until_ns - since_ns)
    columns = []
    for _number, group in groupby(points, key=lambda point: (point[0] - since_ns) // width_ns):
        inside = list(group)
        values = [value for _at_ns, value in inside]
        at_ns = inside[len(inside) // 2][0]
        columns.append(
            _Column(
                round((at_ns - since_ns) * scale, 1), at_ns, min(values), math.fsum(values) / len(values), max(values)
            )
        )
    return columns


def _runs(columns: Sequence[_Column], holds_ns: int) -> list[list[_Column]]:
    runs: list[list[_Column]] = []
    for column in columns:
        if runs and column.at_ns - runs[-1][-1].at_ns <= holds_ns:
            runs[-1].append(column)
        else:
            runs.append([column])
    return runs


def _line(run: Sequence[_Column], y: Callable[[float], float]) -> str:
    if len(run) == 1:  # a point alone: a line of no length, which round caps make a dot
        return f"M{run[0].x} {y(run[0].mean)}h0"
    return "M" + "L".join(f"{column.x} {y(column.mean)}" for column in run)


def _spread(run: Sequence[_Column], y: Callable[[float], float]) -> str:
    there = [f"{column.x} {y(column.high)}" for column in run]
    back = [f"{column.x} {y(column.low)}" for column in reversed(run)]
    return "M" + "L".join([*there, *back]) + "Z"


def _scale(low: float, high: float, limits: Sequence[float]) -> tuple[float, float, float]:
    """A round step, and round ends that hold the values, 0 unless they are far from it, and a limit that is near."""
    for limit in limits:
        if low <= limit and (limit <= 2 * high or high <= 0):
            high = max(high, limit)
    if 0 < low < (high - low) * 3 or low == high > 0:
        low = 0.0
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / 3
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= raw * 0.999)
    return step, math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step
