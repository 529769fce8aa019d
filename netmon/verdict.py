"""judge: what was measured -> raw status. Pure and memoryless: hysteresis and k-of-n live in the alerts alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from netmon.model import Check, Reason, ReasonCode, Status, Threshold
from probes.base import Failure, ProbeResult, StateClass, split_key

__all__ = ["Verdict", "judge", "monitor_fault"]

# A refused credential, or a device that we cannot read, says nothing about its health: its state is not known.
FAILURE_STATUS = {
    Failure.AUTHENTICATION: Status.UNKNOWN,
    Failure.UNKNOWN_DEVICE: Status.UNKNOWN,
    Failure.NOT_ALLOWED: Status.DEGRADED,
}
STATE_STATUS = {StateClass.DEGRADED: Status.DEGRADED, StateClass.FAULT: Status.DOWN}
# Nothing spoke: not the host, and no name server or filter for it.
SILENCE = frozenset({Failure.TIMEOUT, Failure.NO_ROUTE})
SEVERITY = {Status.UP: 0, Status.STANDBY: 0, Status.DEGRADED: 1, Status.UNKNOWN: 2, Status.DOWN: 3}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A raw status and every reason for it, the worst first."""

    status: Status
    reasons: tuple[Reason, ...] = ()


def judge(
    check: Check,
    result: ProbeResult,
    readings: Mapping[str, float],
    *,
    required: frozenset[str],
    hearsay: bool = False,
) -> Verdict:
    """Judge one result.

    Args:
        readings: measured and derived readings together.
        required: names of readings that the kind promises when there is no failure; one that is missing means that
            we could not tell (UNKNOWN), never that all is well.
        hearsay: the kind asked somebody else: that it failed says nothing about the equipment (UNKNOWN).

    A threshold on an optional reading that the device does not have judges nothing: not supported is absent, not 0.
    Equipment that is normally off and does not answer is STANDBY, whatever else was measured of it.
    """
    if check.normally_off and result.failure is not None and result.failure in SILENCE:
        off = Reason(code=ReasonCode.NORMALLY_OFF, status=Status.STANDBY, subject=result.failure.value)
        return Verdict(Status.STANDBY, (off,))
    limits = check.by_profile.get(result.facts.get("profile", ""), check.thresholds)
    reasons = [*_failure(result, hearsay=hearsay), *_missing(result, readings, required), *_states(result),
               *_thresholds(limits, readings)]  # fmt: skip
    if not reasons:
        return Verdict(Status.UP)
    reasons.sort(key=lambda reason: -SEVERITY[reason.status])
    return Verdict(reasons[0].status, tuple(reasons))


def monitor_fault(text: str) -> Verdict:
    """The verdict when netmon itself failed."""
    return Verdict(
        Status.UNKNOWN,
        (Reason(code=ReasonCode.MONITOR_FAULT, status=Status.UNKNOWN, subject="monitor", text=text),),
    )


def _failure(result: ProbeResult, *, hearsay: bool) -> Iterator[Reason]:
    if result.failure is not None:
        yield Reason(
            code=ReasonCode.FAILURE,
            status=Status.UNKNOWN if hearsay else FAILURE_STATUS.get(result.failure, Status.DOWN),
            subject=result.failure.value,
            text=result.detail,
        )


def _missing(result: ProbeResult, readings: Mapping[str, float], required: frozenset[str]) -> Iterator[Reason]:
    if result.failure is None and not required <= readings.keys():
        present = {split_key(key)[0] for key in readings}
        for name in sorted(required - present):
            yield Reason(code=ReasonCode.READING_MISSING, status=Status.UNKNOWN, subject=name)


def _states(result: ProbeResult) -> Iterator[Reason]:
    for name, state in result.states.items():
        status = STATE_STATUS.get(state.meaning)
        if status is not None:
            yield Reason(code=ReasonCode.STATE, status=status, subject=name, text=state.word)


def _thresholds(thresholds: tuple[Threshold, ...], readings: Mapping[str, float]) -> Iterator[Reason]:
    exact = {threshold.reading: threshold for threshold in thresholds}
    for key, value in readings.items():
        threshold = exact.get(key) or exact.get(split_key(key)[0])
        if threshold is not None:
            reason = _against(threshold, key, value)
            if reason is not None:
                yield reason


def _against(threshold: Threshold, key: str, value: float) -> Reason | None:
    limits = (
        (ReasonCode.ABOVE, Status.DOWN, threshold.down_above),
        (ReasonCode.BELOW, Status.DOWN, threshold.down_below),
        (ReasonCode.ABOVE, Status.DEGRADED, threshold.degraded_above),
        (ReasonCode.BELOW, Status.DEGRADED, threshold.degraded_below),
    )
    for code, status, limit in limits:
        if limit is not None and (value > limit if code is ReasonCode.ABOVE else value < limit):
            return Reason(code=code, status=status, subject=key, value=value, limit=limit)
    # A NaN compares false with everything: it is not a good figure, it is no figure.
    if value != value:
        return Reason(code=ReasonCode.READING_MISSING, status=Status.UNKNOWN, subject=key)
    return None
