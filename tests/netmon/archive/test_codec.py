from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from netmon.archive.codec import decode_result, encode_data, encode_detail
from netmon.model import Observation, Status
from probes.base import ProbeResult, Step
from tests.lab.observations import observations, ping
from tests.lab.soak import scale


@pytest.mark.soak
@settings(max_examples=scale(300, 20_000))
@given(observation=observations())
def test_every_value_comes_back_exactly(observation: Observation) -> None:
    observation = replace(observation, status=Status.DOWN)  # of these the steps are kept too

    result, derived, reasons = decode_result(encode_data(observation))

    assert result == observation.result
    assert derived == observation.derived
    assert reasons == observation.reasons
    # == does not see the sign of a zero; repr does.
    assert repr(dict(result.readings)) == repr(dict(observation.result.readings))
    assert repr(dict(result.samples)) == repr(dict(observation.result.samples))


@pytest.mark.soak
@given(observation=observations())
def test_the_text_is_json_that_any_program_reads(observation: Observation) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    text = encode_data(observation)

    assert text.isascii()
    json.loads(text, parse_constant=refuse)


def test_a_nan_and_infinities_come_back_as_such() -> None:
    readings = {"a": float("nan"), "b": float("inf"), "c": float("-inf"), "d": 0.1, "e": -0.0}
    result, _, _ = decode_result(encode_data(replace(ping(1), result=ProbeResult(readings=readings))))
    assert repr(result.readings) == repr(readings)


def test_steps_are_kept_only_of_observations_that_are_not_up() -> None:
    result = ProbeResult(steps=(Step(0.5, "sent"),))
    up = replace(ping(1), result=result)
    assert decode_result(encode_data(up))[0].steps == ()
    assert decode_result(encode_data(replace(up, status=Status.UNKNOWN)))[0].steps == result.steps


def test_what_is_empty_takes_no_room() -> None:
    assert encode_data(replace(ping(1), result=ProbeResult())) == "{}"


def test_an_event_may_hold_what_json_does_not() -> None:
    assert json.loads(encode_detail({"status": Status.UP, "error": OSError("no")})) == {"status": "up", "error": "no"}
