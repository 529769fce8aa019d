"""Kind ``export``: what another management system says of equipment that we may not ask ourselves.

Base stations of the police are seen by their own management system alone. Its export, a CSV or JSON file or page, is
read with a mapping that the inventory declares. All of it is hearsay: a system that cannot be asked, an export that is
too old or that does not have the station says nothing about the station.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from probes.base import Draft, Endpoint, Failure, NetworkFailure, ProbeKind, ProbeResult, Reading, State, StateClass
from probes.profiles.spec import NAME, ReadingName, Word
from probes.wire.export_source import Source, fetch
from probes.wire.failures import shown
from probes.wire.http import ServiceParams

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "ExportParams", "probe_export"]

LOCAL = timezone(timedelta(hours=8))
"""Times without an offset are China's."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ReadingColumn(_Model):
    """A column that holds a figure."""

    column: str
    reading: ReadingName
    scale: float = 1.0


class StateColumn(_Model):
    """A column that holds a word, and what each word means."""

    column: str
    state: str = Field(pattern=NAME.pattern)
    words: Mapping[str, Word] = Field(min_length=1)


class ExportParams(ServiceParams):
    """Where the export is, and which of its columns is what."""

    file: Path | None = Field(
        default=None, description="The export's file; absent: it is asked of the web service at the endpoint."
    )
    format: Literal["csv", "json"] = Field(default="csv", description="`csv`, or `json`: a list of objects.")
    encoding: Literal["utf-8-sig", "gb18030"] = Field(default="utf-8-sig", description="`gb18030` for Chinese Windows.")
    rows: str = Field(default="", description="In JSON, the keys that lead to the list, such as `data.items`.")
    key: str = Field(default="name", description="The column that names the equipment.")
    station: str = Field(default="", description="What stands there for this equipment.")
    time: str = Field(default="", description="The column with the time of the figures; absent: the file's own.")
    time_format: str = Field(default="", description="As for strptime; absent: ISO 8601. China's time without offset.")
    max_age_seconds: float = Field(default=900, gt=0, le=604_800, description="What is older says nothing any more.")
    readings: tuple[ReadingColumn, ...] = Field(default=(), description="Columns that hold figures.")
    states: tuple[StateColumn, ...] = Field(default=(), description="Columns that hold words.")


async def probe_export(
    endpoints: Mapping[str, Endpoint], params: ExportParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Read the export once and take this equipment's row from it."""
    draft = Draft(timeout)
    states: dict[str, State] = {}
    try:
        source = await fetch(
            endpoints["host"], params, params.file, wires=wires, timeout=draft.seconds_left, trace=draft.trace
        )
        draft.trace.step(f"{len(source.octets)} bytes")
        row = _row(_parsed(source.octets, params), params)
        _take_age(draft, source, row, params)
        for column in params.readings:
            _take_reading(draft, column, row)
        states = {each.state: _state(each, row[each.column]) for each in params.states if each.column in row}
    except NetworkFailure as failure:
        result = draft.finish(failure)
    else:
        result = draft.finish()
    return ProbeResult(
        failure=result.failure, detail=result.detail, readings=result.readings, states=states, steps=result.steps
    )


def _parsed(octets: bytes, params: ExportParams) -> Iterable[Mapping[str, Any]]:
    try:
        text = octets.decode(params.encoding)
        if params.format == "csv":
            return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        found = json.loads(text)
        for part in filter(None, params.rows.split(".")):
            found = found[part]
    except (ValueError, csv.Error, KeyError, TypeError, RecursionError) as error:
        raise NetworkFailure(Failure.BAD_REPLY, f"the export cannot be read: {shown(str(error))}") from error
    if not isinstance(found, list):
        raise NetworkFailure(Failure.BAD_REPLY, "the export holds no list of equipment")
    return [row for row in found if isinstance(row, dict)]


def _row(rows: Iterable[Mapping[str, Any]], params: ExportParams) -> Mapping[str, str]:
    fitting = [row for row in rows if str(row.get(params.key, "")).strip() == params.station]
    if len(fitting) != 1:
        words = f"{len(fitting)} rows" if fitting else "no row"
        raise NetworkFailure(
            Failure.BAD_REPLY, f"the export has {words} with {shown(params.key)} {shown(params.station)}"
        )
    return {str(key): "" if value is None else str(value).strip() for key, value in fitting[0].items()}


def _take_age(draft: Draft, source: Source, row: Mapping[str, str], params: ExportParams) -> None:
    """How old the figures are; what cannot be told, or is too old, is a failure."""
    at = source.written_at
    if params.time:
        text = row.get(params.time, "")
        try:
            moment = datetime.strptime(text, params.time_format) if params.time_format else datetime.fromisoformat(text)  # noqa: DTZ007
        except ValueError as error:
            raise NetworkFailure(
                Failure.BAD_REPLY, f"{shown(text)} is no time in the form that was declared"
            ) from error
        at = (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)).timestamp()
    if at is None:
        return
    age = source.had_at - at
    draft.readings["export_age_seconds"] = max(0.0, age)
    if age > params.max_age_seconds:
        raise NetworkFailure(Failure.TIMEOUT, f"the export's figures are {age:.0f} s old")


def _take_reading(draft: Draft, column: ReadingColumn, row: Mapping[str, str]) -> None:
    text = row.get(column.column, "")
    try:
        value = float(text) * column.scale
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        draft.readings[column.reading] = value
    elif text:
        draft.trace.step(f"left out: {column.reading}: {shown(text)} is no number")


def _state(column: StateColumn, text: str) -> State:
    known = column.words.get(text)
    # A word that nobody declared is never taken for good.
    return State(known.word, known.meaning) if known else State(text[:64] or "empty", StateClass.NOT_MONITORED)


KIND = ProbeKind(
    name="export",
    help="What another management system's export (file or web page) says of equipment that is not ours.",
    params=ExportParams,
    probe=probe_export,
    readings=(Reading(name="export_age_seconds", help="Age of the figures in the export.", optional=True),),
    states={"service_state": "What the station does for its users, by the other system's words."},
    open_ended=True,
    hearsay=True,
)
