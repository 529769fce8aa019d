"""The series of one check that follow its runs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import isfinite
from operator import add
from typing import Any, Final

from netmon.metrics.exposition import Block, Family
from netmon.metrics.families import COUNTED, ECHOES, RTT, RTT_BUCKETS, Families
from netmon.model import Check, Observation, Status
from probes.base import EMPTY, Failure, ProbeKind, State, StateClass, split_key

__all__ = ["RunSeries"]

FAILURES: Final = tuple(Failure)
# The values of a state set, for each word that may hold.
STATUS_SETS: Final = {one: tuple(int(one is other) for other in Status) for one in Status}
MEANING_SETS: Final = {one: tuple(int(one is other) for other in StateClass) for one in StateClass}


class RunSeries:
    """Adds its series to the families and updates them with each observation.

    The keys of its blocks are (check, vantage, what), so that :meth:`Families.drop` can take them all away.

    Attributes:
        expires: by the monotonic clock, when the last observation stops being current; ``None`` if none is.
    """

    def __init__(self, check: Check, kind: ProbeKind[Any] | None, families: Families) -> None:
        self.check = check
        self.expires: float | None = None
        self._families = families
        self._labels = {"check": check.id, "vantage": check.vantage}
        self._counted: dict[str, Block] = {}
        self._readings: dict[str, tuple[Family, Block, float]] = {}
        self._states: Mapping[str, State] = EMPTY
        self._last_run: Block | None = None
        self._duration: Block | None = None
        self._runs = families["netmon_check_runs_total"].add(self._key(), self._labels, 0)
        self._failures = families["netmon_check_failures_total"].add_each(
            self._key(), self._labels, "failure", FAILURES
        )
        self._status = families["netmon_check_status"].add_each(self._key(), self._labels, "status", Status)
        self._status.values = STATUS_SETS[Status.UNKNOWN]
        # Counters start at 0, not at the first event: what was never there cannot increase.
        names = {reading.name for reading in kind.readings if reading.index is None} if kind else set()
        for name in COUNTED.keys() & names:
            self._add_counted(name)
        if names >= ECHOES and kind is not None and not kind.continuous:
            self._add_histogram(RTT)

    def update(self, observation: Observation, now: float) -> None:
        """Take over one observation; ``now`` by the monotonic clock."""
        result = observation.result
        self.expires = now + self.check.holds_seconds
        self._runs.values = (self._runs.values[0] + 1,)
        if result.failure is not None:
            values = list(self._failures.values)
            values[FAILURES.index(result.failure)] += 1
            self._failures.values = tuple(values)
        self._status.values = STATUS_SETS[observation.status]
        if self._last_run is None:
            self._last_run = self._families["netmon_check_last_run_timestamp_seconds"].add(self._key(), self._labels)
        self._last_run.values = (observation.started_ns / 1e9,)
        if self._duration is None:
            self._duration = self._families["netmon_probe_duration_seconds"].add(self._key(), self._labels)
        self._duration.values = (observation.duration_seconds,)
        self._update_readings(observation.readings)
        for key, samples in result.samples.items():
            if split_key(key)[0] == RTT:
                block = self._counted.get(key) or self._add_histogram(key)
                block.values = _observed(block.values, samples)
        if result.states != self._states:
            self._update_states(result.states)

    def expire(self) -> None:
        """Stop showing the last observation as if it were current; counters and its time stay."""
        self.expires = None
        self._status.values = STATUS_SETS[Status.UNKNOWN]
        self._update_readings(EMPTY)
        self._update_states(EMPTY)
        self._families["netmon_probe_duration_seconds"].blocks.pop(self._key(), None)
        self._duration = None

    def _update_readings(self, readings: Mapping[str, float]) -> None:
        shown = self._readings
        current = 0
        for key, value in readings.items():
            known = shown.get(key)
            if known is None:
                if split_key(key)[0] in COUNTED:
                    block = self._counted.get(key) or self._add_counted(key)
                    block.values = (block.values[0] + value,)
                    continue
                known = self._add_reading(key)
            # A value that is no number is no figure: the series is left out.
            if known is not None and isfinite(value):
                known[1].values = (value * known[2],)
                current += 1
        if current != len(shown):
            for key in [key for key in shown if not isfinite(readings.get(key, float("nan")))]:
                family, _block, _factor = shown.pop(key)
                del family.blocks[self._key(key)]

    def _add_reading(self, key: str) -> tuple[Family, Block, float] | None:
        name, index = split_key(key)
        family_and_factor = self._families.reading(name)
        if family_and_factor is None:
            return None
        family, factor = family_and_factor
        known = self._readings[key] = family, family.add(self._key(key), self._labels_of(index)), factor
        return known

    def _add_counted(self, key: str) -> Block:
        name, index = split_key(key)
        block = self._families[COUNTED[name]].add(self._key(key), self._labels_of(index))
        self._counted[key] = block
        return block

    def _add_histogram(self, key: str) -> Block:
        _name, index = split_key(key)
        family = self._families["netmon_rtt_seconds"]
        block = self._counted[key] = family.add_histogram(self._key(key), self._labels_of(index), RTT_BUCKETS)
        return block

    def _update_states(self, states: Mapping[str, State]) -> None:
        sets, words = self._families["netmon_device_state"].blocks, self._families["netmon_device_state_info"].blocks
        before = self._states
        for key in before.keys() - states.keys():
            del sets[self._key(key)], words[self._key(key)]
        for key, state in states.items():
            if before.get(key) == state:
                continue  # of a station that begins to transmit one state changes, and thirty do not
            name, index = split_key(key)
            labels = {**self._labels_of(index), "name": name}
            self._families["netmon_device_state"].add_each(
                self._key(key), labels, "state", StateClass
            ).values = MEANING_SETS[state.meaning]
            self._families["netmon_device_state_info"].add(self._key(key), {**labels, "word": state.word}, 1.0)
        self._states = states

    def _labels_of(self, index: str | None) -> dict[str, str]:
        return self._labels if index is None else {**self._labels, "index": index}

    def _key(self, what: str = "") -> tuple[str, str, str]:
        return self.check.id, self.check.vantage, what


def _observed(values: Sequence[float], samples: Sequence[float]) -> tuple[float, ...]:
    """Cumulative buckets, sum and count with further samples."""
    added = [0] * (len(RTT_BUCKETS) + 1)
    for sample in samples:
        added[bisect_left(RTT_BUCKETS, sample)] += 1
    buckets = map(add, values[:-2], accumulate(added))
    return (*buckets, values[-2] + sum(samples), values[-1] + len(samples))
