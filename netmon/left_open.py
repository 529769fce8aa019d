"""Which tests that load a line did a netmon that was killed leave: due, and neither run nor told.

When a test is due follows from its check alone (:class:`netmon.schedule.Grid`), so nothing has to be kept for this.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from netmon.archive import ConfigurationInterval, Reader
from netmon.config import Config, ConfigError, recall
from netmon.loading import MOST_SLIP_SHARE
from netmon.logs import fields
from netmon.model import Check, Observation
from netmon.schedule import Grid
from probes.base import ProbeKind

__all__ = ["left_open"]

log = logging.getLogger(__name__)

YEAR_NS: Final = 366 * 86_400 * 1_000_000_000
"""What is older is not told."""


def left_open(
    reader: Reader, config: Config, checks: Iterable[Check], started_ns: int, now_ns: int,
    kinds: Mapping[str, ProbeKind[Any]],
) -> tuple[list[tuple[Check, int]], list[Observation]]:  # fmt: skip
    """What was due before ``now_ns`` and is open, and the last test of each check if its retest may be open.

    A start takes up all that was due before it, so that nothing but what may have waited at the last one can be open
    from before it: half an interval.

    Args:
        config: of now.
        checks: of this netmon, as they are now.
        started_ns: when this netmon started.
    """
    mine = [check for check in checks if check.exclusive]
    before = next((each.at_ns for each in reader.events("start", until_ns=started_ns, newest_first=True)), None)
    if before is None or not mine:
        return [], []
    longest_ns = round(max(check.interval_seconds for check in mine) * MOST_SLIP_SHARE * 1e9)
    begin_ns = max(before, now_ns - YEAR_NS) - longest_ns
    intervals = [each for each in reader.configurations() if each.until_ns is None or each.until_ns > begin_ns]
    loads = list(_loads(intervals, config, now_ns, kinds))
    due: list[tuple[Check, int]] = []
    last: list[Observation] = []
    for check in mine:
        tests = list(reader.history(check.id, check.vantage, since_ns=begin_ns))
        told = {run.scheduled_ns for run in reader.missed(check.id, since_ns=begin_ns) if run.vantage == check.vantage}
        known = told | {each.scheduled_ns for each in tests}
        due += [
            (check, at_ns)
            for load, since_ns, until_ns in loads
            if check.id in load
            for at_ns in Grid.of(load[check.id]).between(max(since_ns, begin_ns), min(until_ns, now_ns))
            if at_ns not in known
        ]
        if tests and tests[-1].scheduled_ns == max(known) and tests[-1].scheduled_ns not in told:
            last.append(tests[-1])
    return due, last


def _loads(
    intervals: Iterable[ConfigurationInterval], config: Config, now_ns: int, kinds: Mapping[str, ProbeKind[Any]]
) -> Iterator[tuple[Mapping[str, Check], int, int]]:
    """The checks of each configuration, since when they were in force, and until when."""
    known = {config.config_id: config.checks}
    for each in intervals:
        if each.config_id not in known:
            try:
                found = recall(each.text, f"configuration {each.config_id[:12]}", kinds=kinds)
            except ConfigError as error:
                log.warning("it is not known which tests an old inventory asked for", extra=fields(error=error))
                continue
            known[each.config_id] = found.checks
        yield known[each.config_id], each.since_ns, now_ns if each.until_ns is None else each.until_ns
