"""Readings on panels: a reading's metric, its unit as people read it, its name, and its limits beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import units

from grafana.panels import graph
from grafana.query import EQUIPMENT, Query, ends, limits, placed
from netmon.metrics.families import reading_metric
from netmon.words import reading_name
from probes.base import EMPTY

__all__ = ["INDEX", "UNITS", "reading_graph", "series", "shown", "unit_of"]

INDEX: Final = "{{index}}"
UNITS: Final[tuple[tuple[str, str, float], ...]] = (
    ("_bytes_per_second", units.BitsPerSecondSI, 8),
    ("_per_second", units.CountsPerSecond, 1),
    ("_timestamp_seconds", units.DatetimeISO, 1000),
    ("vswr_ratio", "none", 1),
    ("_ratio", units.PercentUnit, 1),
    ("_seconds", units.Seconds, 1),
    ("_bytes", units.BytesSI, 1),
    ("_dbm", units.DecibelMilliWatt, 1),
    ("_db", units.Decibel, 1),
    ("_celsius", units.Celsius, 1),
    ("_volts", units.Volt, 1),
    ("_amperes", units.Ampere, 1),
    ("_watts", units.Watt, 1),
    ("_hertz", units.Hertz, 1),
    ("", "none", 1),
)
"""Ending of a metric's name, Grafana's unit, and what a value is multiplied by: lines are sold in bits."""


def unit_of(metric: str) -> tuple[str, float]:
    """Grafana's unit of a metric, and what its value is multiplied by to be shown in it."""
    return next((unit, scale) for ending, unit, scale in UNITS if metric.endswith(ending))


def shown(metric: str) -> str:
    """A metric, or a selector of its series, in the unit in which it is shown."""
    scale = unit_of(metric.partition("{")[0])[1]
    return f"{scale:g} * {metric}" if scale != 1 else metric


def series(
    reading: str, kind: str = "", *, index: str = "", legend: str = EQUIPMENT, optional: bool = False
) -> Query:  # fmt: skip
    """A reading of every check of a kind at the chosen sites.

    Args:
        reading: its name in the archive, without index.
        index: its index; empty for a reading without one, or for all.
        legend: where it holds :data:`INDEX`, the ends of a line are in words.
    """
    metric, _factor = reading_metric(reading)
    chosen = f'{metric}{{index="{index}"}}' if index else metric
    expr = ends(shown(chosen)) if INDEX in legend else shown(chosen)
    return Query(expr=placed(expr, kind), legend=legend, optional=optional)


def reading_graph(
    reading: str, kind: str = "", *, indices: Mapping[str, str] = EMPTY, title: str = "", width: int = 12,
    height: int = 9, legend: str = EQUIPMENT, optional: bool = False, more: tuple[Query, ...] = (),
    from_zero: bool = True, description: str = "",
) -> timeseries.Panel:  # fmt: skip
    """A reading over time, with the limits by which it is judged.

    Args:
        indices: a line for each, by what it is called.
        optional: where the equipment does not have it, there is rightly no answer.
        more: further lines.
    """
    metric, _factor = reading_metric(reading)
    unit, scale = unit_of(metric)
    measured = [
        series(reading, kind, index=index, legend=f"{legend} {word}".strip(), optional=optional)
        for index, word in indices.items()
    ] or [series(reading, kind, legend=legend, optional=optional)]
    beside = limits(metric.removeprefix("netmon_"), kind, scale=scale)
    return graph(
        title or reading_name(reading), *measured, *more, *beside, unit=unit, width=width, height=height,
        from_zero=from_zero, description=description,
    )  # fmt: skip
