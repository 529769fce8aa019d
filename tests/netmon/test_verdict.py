"""What was measured becomes a raw status, and nothing missing becomes a good one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.model import ReasonCode, Status, Threshold
from netmon.verdict import judge, monitor_fault
from probes.base import Failure, ProbeResult, State, StateClass
from tests.lab.checks import check

LOSS = Threshold(reading="loss_ratio", degraded_above=0.05, down_above=0.5)
SPEED = Threshold(reading="speed_bits_per_second", degraded_below=50e6)


def status(result: ProbeResult, *thresholds: Threshold, required: frozenset[str] = frozenset()) -> Status:
    return judge(check(thresholds=thresholds), result, result.readings, required=required).status


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(0.0, Status.UP), (0.05, Status.UP), (0.051, Status.DEGRADED), (0.5, Status.DEGRADED), (0.51, Status.DOWN)],
)
def test_a_limit_is_exclusive(loss: float, expected: Status) -> None:
    """Exactly at the limit is still good: exactly 50 Mbit/s is not below 50 Mbit/s."""
    assert status(ProbeResult(readings={"loss_ratio": loss}), LOSS) is expected


def test_a_plain_threshold_holds_for_every_index_and_a_full_key_wins() -> None:
    """`speed[near]` may have a limit of its own."""
    result = ProbeResult(readings={"speed_bits_per_second[near]": 20e6, "speed_bits_per_second[far]": 50e6})
    own = Threshold(reading="speed_bits_per_second[near]", degraded_below=10e6)
    assert status(result, SPEED) is Status.DEGRADED
    assert status(result, SPEED, own) is Status.UP


@pytest.mark.parametrize("failure", list(Failure))
def test_every_failure_is_judged_and_a_refused_credential_is_not_an_outage(failure: Failure) -> None:
    """The device may be well when it refuses us."""
    verdict = judge(check(), ProbeResult(failure=failure, detail="why"), {}, required=frozenset({"x"}))
    assert verdict.status is not Status.UP
    assert verdict.reasons[0].subject == failure.value
    if failure is Failure.AUTHENTICATION:
        assert verdict.status is Status.UNKNOWN


def test_a_promised_reading_that_is_missing_is_unknown() -> None:
    """No figure is never a good figure."""
    assert status(ProbeResult(), required=frozenset({"rtt_median_seconds"})) is Status.UNKNOWN


def test_an_optional_reading_that_the_device_does_not_have_judges_nothing() -> None:
    """Not supported is absent, not 0."""
    assert status(ProbeResult(readings={"other": 1.0}), SPEED) is Status.UP


def test_a_nan_is_no_figure() -> None:
    """NaN compares false with every limit; it must not pass as good."""
    assert status(ProbeResult(readings={"loss_ratio": math.nan}), LOSS) is Status.UNKNOWN


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        (StateClass.OK, Status.UP),
        (StateClass.NOT_MONITORED, Status.UP),
        (StateClass.DEGRADED, Status.DEGRADED),
        (StateClass.FAULT, Status.DOWN),
    ],
)
def test_a_device_state_counts_as_its_maker_says(meaning: StateClass, expected: Status) -> None:
    """Fallback is degraded, knocked down is down; what is not monitored says nothing either way."""
    verdict = judge(check(), ProbeResult(states={"service": State("word", meaning)}), {}, required=frozenset())
    assert verdict.status is expected


def test_all_reasons_are_kept_worst_first() -> None:
    """A person wants the whole story, the worst at the top."""
    result = ProbeResult(
        readings={"loss_ratio": 0.2, "speed_bits_per_second": 1.0},
        states={"service": State("knocked_down", StateClass.FAULT)},
    )
    verdict = judge(check(thresholds=(LOSS, SPEED)), result, result.readings, required=frozenset())
    assert [reason.code for reason in verdict.reasons] == [ReasonCode.STATE, ReasonCode.ABOVE, ReasonCode.BELOW]


def test_a_fault_of_the_monitor_is_unknown() -> None:
    """The site is never blamed for us."""
    assert monitor_fault("no socket").status is Status.UNKNOWN


@pytest.mark.soak
@given(st.floats(0, 1), st.floats(0, 1))
def test_more_loss_never_improves_the_verdict(one: float, other: float) -> None:
    """Judging is monotone."""
    order = [Status.UP, Status.DEGRADED, Status.DOWN]
    low, high = sorted((one, other))
    verdicts = [order.index(status(ProbeResult(readings={"loss_ratio": loss}), LOSS)) for loss in (low, high)]
    assert verdicts == sorted(verdicts)


@pytest.mark.parametrize("failure", [Failure.TIMEOUT, Failure.NO_ROUTE])
def test_stowed_equipment_that_is_silent_is_on_standby(failure: Failure) -> None:
    """Its lost packets are no reason of their own."""
    stowed = check(thresholds=(LOSS,), normally_off=True)
    silent = ProbeResult(failure=failure, detail="none of 10 packets answered", readings={"loss_ratio": 1.0})

    verdict = judge(stowed, silent, silent.readings, required=frozenset({"x"}))

    assert verdict.status is Status.STANDBY
    assert [(reason.code, reason.subject) for reason in verdict.reasons] == [(ReasonCode.NORMALLY_OFF, failure.value)]


@pytest.mark.parametrize("failure", [Failure.TIMEOUT, Failure.NO_ROUTE])
def test_silence_of_everything_else_is_down(failure: Failure) -> None:
    """Only the inventory makes equipment stowed."""
    assert status(ProbeResult(failure=failure, detail="why")) is Status.DOWN


def test_stowed_equipment_that_answers_is_judged_like_any_other() -> None:
    """Set up on the square it is a link that people rely on."""
    stowed = check(thresholds=(LOSS,), normally_off=True)
    no_lock = ProbeResult(states={"station_state": State("no_rx", StateClass.FAULT)})
    lossy, good = ProbeResult(readings={"loss_ratio": 0.3}), ProbeResult(readings={"loss_ratio": 0.0})

    verdicts = [judge(stowed, result, result.readings, required=frozenset()) for result in (no_lock, lossy, good)]

    assert [verdict.status for verdict in verdicts] == [Status.DOWN, Status.DEGRADED, Status.UP]


@pytest.mark.parametrize("failure", sorted(set(Failure) - {Failure.TIMEOUT, Failure.NO_ROUTE}))
def test_other_failures_are_no_silence(failure: Failure) -> None:
    """Someone spoke: the host, a filter on the way, or the name server."""
    verdict = judge(check(normally_off=True), ProbeResult(failure=failure, detail="why"), {}, required=frozenset())
    assert verdict.status is not Status.STANDBY
