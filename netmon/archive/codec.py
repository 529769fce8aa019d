"""Observation <-> the JSON text in the journal's column ``data``. Exact: what is decoded equals what was encoded.

Keys, each left out where it is empty: ``f`` failure, ``t`` detail, ``r`` readings, ``d`` derived readings,
``s`` samples, ``a`` states as ``[word, meaning]``, ``c`` counters as ``[value, bits, clock_seconds,
discontinuity_seconds, instance]`` and, where it is known, ``most_per_second``, ``x`` facts, ``p`` steps as
``[at_seconds, text]``, ``w`` reasons as ``[code, status, subject, value, limit, text]``.

JSON (RFC 8259) has no NaN and no infinity: they are the strings ``"nan"``, ``"inf"``, ``"-inf"``. Text is ASCII with
escapes, so that a device's broken UTF-16 cannot make a row unwritable.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from netmon.model import Observation, Reason, ReasonCode, Status
from probes.base import EMPTY, CounterSample, Failure, ProbeResult, State, StateClass, Step

__all__ = ["decode_result", "encode_data", "encode_detail"]

NO_NUMBERS = ("NaN", "Infinity")
"""What stands for a float that is no number; that a device's text may say so, too, costs time and nothing else."""

_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
_detail_encoder = json.JSONEncoder(separators=(",", ":"), default=str)


def encode_data(observation: Observation) -> str:
    """Everything that has no column of its own. Steps are kept only where the status is not UP."""
    result = observation.result
    data: dict[str, Any] = {}
    if result.failure is not None:
        data["f"] = result.failure
    if result.detail:
        data["t"] = result.detail
    if result.readings:
        data["r"] = dict(result.readings)
    if observation.derived:
        data["d"] = dict(observation.derived)
    if result.samples:
        data["s"] = dict(result.samples)
    if result.states:
        data["a"] = {name: (state.word, state.meaning) for name, state in result.states.items()}
    if result.counters:
        data["c"] = {name: _counter_fields(sample) for name, sample in result.counters.items()}
    if result.facts:
        data["x"] = dict(result.facts)
    if result.steps and observation.status is not Status.UP:
        data["p"] = [(step.at_seconds, step.text) for step in result.steps]
    if observation.reasons:
        data["w"] = [
            (reason.code, reason.status, reason.subject, reason.value, reason.limit, reason.text)
            for reason in observation.reasons
        ]
    # A tenth of the time of json, which writes what this cannot: escapes, and a float that is no number.
    with contextlib.suppress(PydanticSerializationError):
        text = to_json(data).decode()
        if text.isascii() and not any(word in text for word in NO_NUMBERS):
            return text
    return _encoder.encode(_finite(data))


def decode_result(data: str) -> tuple[ProbeResult, Mapping[str, float], tuple[Reason, ...]]:
    """The result, the derived readings and the reasons."""
    fields: dict[str, Any] = json.loads(data)
    result = ProbeResult(
        failure=Failure(fields["f"]) if "f" in fields else None,
        detail=fields.get("t", ""),
        readings=_numbers(fields.get("r")),
        samples={name: tuple(map(_number, values)) for name, values in fields["s"].items()} if "s" in fields else EMPTY,
        states={name: State(word, StateClass(meaning)) for name, (word, meaning) in fields["a"].items()}
        if "a" in fields
        else EMPTY,
        counters={name: _counter(*values) for name, values in fields["c"].items()} if "c" in fields else EMPTY,
        facts=fields.get("x", EMPTY),
        steps=tuple(Step(_number(at), text) for at, text in fields.get("p", ())),
    )
    return result, _numbers(fields.get("d")), tuple(_reason(*values) for values in fields.get("w", ()))


def encode_detail(detail: Mapping[str, object]) -> str:
    """An event's detail as JSON text."""
    return _detail_encoder.encode(dict(detail))


def _finite(value: Any) -> Any:
    """The same value with every float that JSON cannot hold as a string."""
    match value:
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case float() if value - value != 0.0:
            return repr(float(value))
        case _:
            return value


def _number(value: float | str) -> float:
    return float(value) if isinstance(value, str) else value


def _optional(value: float | str | None) -> float | None:
    return None if value is None else _number(value)


def _numbers(values: dict[str, float | str] | None) -> Mapping[str, float]:
    return EMPTY if values is None else {name: _number(value) for name, value in values.items()}


def _counter_fields(sample: CounterSample) -> tuple[object, ...]:
    fields = (sample.value, sample.bits, sample.clock_seconds, sample.discontinuity_seconds, sample.instance)
    return fields if sample.most_per_second is None else (*fields, sample.most_per_second)


def _counter(
    value: int,
    bits: Any,
    clock: float | str,
    discontinuity: float | str | None,
    inst: str,
    most: float | str | None = None,
) -> CounterSample:
    return CounterSample(
        value=value,
        bits=bits,
        clock_seconds=_number(clock),
        discontinuity_seconds=_optional(discontinuity),
        instance=inst,
        most_per_second=_optional(most),
    )


def _reason(
    code: str, status: str, subject: str, value: float | str | None, limit: float | str | None, text: str
) -> Reason:
    return Reason(
        code=ReasonCode(code),
        status=Status(status),
        subject=subject,
        value=_optional(value),
        limit=_optional(limit),
        text=text,
    )
