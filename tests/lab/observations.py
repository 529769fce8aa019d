"""Observations for tests: a realistic one by number, and arbitrary ones for hypothesis."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from netmon.archive import Reader
from netmon.model import Observation, Reason, ReasonCode, Status
from probes.base import CounterSample, Failure, ProbeResult, State, StateClass, Step

__all__ = ["SECOND_NS", "all_of", "ignore", "observations", "ping"]

SECOND_NS = 1_000_000_000


def ping(number: int, check_id: str = "hunchun/router/ping", vantage: str = "main", packets: int = 20) -> Observation:
    """The observation of a ping with ``packets`` answers; the same for the same arguments, unique by ``number``."""
    generator = random.Random(number)
    rtts = tuple(generator.randrange(100_000, 900_000) / 1e9 for _ in range(packets))
    ordered = sorted(rtts)
    return Observation(
        check_id=check_id,
        vantage=vantage,
        scheduled_ns=number * 10 * SECOND_NS,
        started_ns=number * 10 * SECOND_NS + generator.randrange(SECOND_NS),
        duration_seconds=generator.random(),
        attempt=1,
        status=Status.UP,
        reasons=(),
        result=ProbeResult(
            readings={
                "sent": float(packets),
                "received": float(packets),
                "loss_ratio": 0.0,
                "rtt_min_seconds": ordered[0],
                "rtt_median_seconds": ordered[packets // 2],
                "rtt_max_seconds": ordered[-1],
                "ipdv_mean_abs_seconds": ordered[-1] - ordered[0],
                "duplicates": 0.0,
                "reordered_ratio": 0.0,
                "reply_hop_limit": 64.0,
            },
            samples={"rtt_seconds": rtts},
            facts={"address": "127.1.2.3"},
        ),
        config_id="0123456789abcdef",
    )


def ignore(_observations: Sequence[Observation]) -> None:
    """For a journal whose reports do not matter."""


def all_of(folder: Path) -> list[Observation]:
    """Every observation of an archive, by check and time."""
    with Reader.open(folder) as reader:
        return [
            observation
            for check_id in sorted({check for check, _ in reader.latest()})
            for observation in reader.history(check_id)
        ]


names = st.text(min_size=1, max_size=12)
words = st.text(max_size=20)
numbers = st.floats(allow_nan=False)
times = st.integers(0, 2**63 - 1)
# SQLite text is UTF-8: ids, which a person writes, have no half surrogates; a device's words may.
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
device_words = st.text(st.characters(), max_size=20)

results = st.builds(
    ProbeResult,
    failure=st.none() | st.sampled_from(Failure),
    detail=device_words,
    readings=st.dictionaries(names, numbers, max_size=4),
    samples=st.dictionaries(names, st.lists(numbers, max_size=4).map(tuple), max_size=2),
    states=st.dictionaries(names, st.builds(State, device_words, st.sampled_from(StateClass)), max_size=2),
    counters=st.dictionaries(
        names,
        st.builds(
            CounterSample,
            value=st.integers(0, 2**64 - 1),
            bits=st.sampled_from([32, 64]),
            clock_seconds=numbers,
            discontinuity_seconds=st.none() | numbers,
            instance=device_words,
        ),
        max_size=2,
    ),
    facts=st.dictionaries(names, device_words, max_size=2),
    steps=st.lists(st.builds(Step, numbers, words), max_size=2).map(tuple),
)

reasons = st.builds(
    Reason,
    code=st.sampled_from(ReasonCode),
    status=st.sampled_from(Status),
    subject=words,
    value=st.none() | numbers,
    limit=st.none() | numbers,
    text=device_words,
)


def observations() -> st.SearchStrategy[Observation]:
    """Any observation without a NaN, which equals nothing."""
    return st.builds(
        Observation,
        check_id=ids,
        vantage=ids,
        scheduled_ns=times,
        started_ns=times,
        duration_seconds=st.floats(min_value=0, allow_nan=False),
        attempt=st.integers(1, 2),
        status=st.sampled_from(Status),
        reasons=st.lists(reasons, max_size=2).map(tuple),
        result=results,
        derived=st.dictionaries(names, numbers, max_size=2),
        config_id=ids,
    )
