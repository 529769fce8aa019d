"""Observations as a table for other programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

from netmon.archive.reader import Reader
from netmon.model import Observation

__all__ = ["write_csv"]

COLUMNS = ("check", "vantage", "due", "started", "duration_seconds", "attempt", "status", "configuration", "readings")


def write_csv(
    reader: Reader, checks: Iterable[str], stream: TextIO, *, since_ns: int, until_ns: int | None = None
) -> int:
    """Write a line for each observation, check by check in order of time; how many.

    Times are ISO 8601 in UTC with microseconds; readings are one JSON object. What devices said is left out, so that no
    cell is text that a spreadsheet could take for a formula.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for check in checks:
        for observation in reader.history(check, since_ns=since_ns, until_ns=until_ns):
            writer.writerow(_line(observation))
            count += 1
    return count


def _line(observation: Observation) -> tuple[object, ...]:
    return (
        observation.check_id,
        observation.vantage,
        _utc(observation.scheduled_ns),
        _utc(observation.started_ns),
        observation.duration_seconds,
        observation.attempt,
        observation.status.value,
        observation.config_id,
        json.dumps(dict(observation.readings)),
    )


def _utc(ns: int) -> str:
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06}Z"
