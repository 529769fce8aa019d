"""Rates: right where the samples belong together, none where they do not, never a spike. Available time by its rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netmon.derive import (
    CLOCK_WRAP_SECONDS,
    COPIED_SECONDS,
    Availability,
    availability,
    negotiated_speed,
    rates,
    transmission_age,
)
from probes.base import CounterReading, CounterSample

SPECS = (
    CounterReading(
        name="in_octets", rate="in_bytes_per_second", help="", index="end",
        share="in_utilisation_ratio", capacity="line_capacity_bits_per_second",
    ),
    CounterReading(name="drops", rate="drops_per_second", help=""),
)  # fmt: skip
KEY, RATE = "in_octets[far]", "in_bytes_per_second[far]"


def sample(value: int, clock: float, bits: Literal[32, 64] = 64, **fields: Any) -> CounterSample:
    return CounterSample(value=value, bits=bits, clock_seconds=clock, **{"instance": "3:wan", **fields})


def rate(before: CounterSample, now: CounterSample, elapsed: float | None = None) -> float | None:
    return rates({KEY: before}, {KEY: now}, SPECS, elapsed_seconds=elapsed).get(RATE)


def test_a_rate_is_by_the_devices_clock() -> None:
    assert rate(sample(1_000, 100.0), sample(61_000, 160.0)) == 1_000.0


def test_the_first_sample_has_no_rate() -> None:
    assert rates({}, {KEY: sample(1, 1.0)}, SPECS) == {}


def test_indexes_are_kept_apart_and_unknown_counters_ignored() -> None:
    before = {"in_octets[near]": sample(0, 0.0), KEY: sample(0, 0.0), "drops": sample(5, 0.0), "other": sample(0, 0.0)}
    now = {
        "in_octets[near]": sample(10, 10.0),
        KEY: sample(20, 10.0),
        "drops": sample(35, 10.0),
        "other": sample(9, 9.0),
    }

    assert rates(before, now, SPECS) == {"in_bytes_per_second[near]": 1.0, RATE: 2.0, "drops_per_second": 3.0}


def test_utilisation_is_a_share_of_the_capacity_of_the_same_end() -> None:
    readings = {"line_capacity_bits_per_second[far]": 50e6, "line_capacity_bits_per_second[near]": 1.0}

    found = rates({KEY: sample(0, 0.0)}, {KEY: sample(31_250_000, 10.0)}, SPECS, readings)

    assert found == {RATE: 3_125_000.0, "in_utilisation_ratio[far]": 0.5}


@pytest.mark.parametrize("capacity", [{}, {"line_capacity_bits_per_second[far]": 0.0}])
def test_without_a_capacity_there_is_no_utilisation(capacity: dict[str, float]) -> None:
    found = rates({KEY: sample(0, 0.0)}, {KEY: sample(10, 10.0)}, SPECS, capacity)

    assert found == {RATE: 1.0}


def test_a_restarted_device_has_no_rate() -> None:
    assert rate(sample(5_000_000, 9_000.0), sample(10, 12.0)) is None
    assert rate(sample(5, 9_000.0), sample(10_000, 12.0)) is None


def test_a_re_indexed_table_has_no_rate() -> None:
    assert rate(sample(1, 1.0), sample(100, 2.0, instance="4:wan")) is None


@pytest.mark.parametrize(("before", "now"), [(0.0, 50.0), (None, 0.0), (0.0, None)])
def test_a_discontinuity_has_no_rate(before: float | None, now: float | None) -> None:
    first = sample(1, 60.0, discontinuity_seconds=before)
    second = sample(100, 120.0, discontinuity_seconds=now)

    assert rate(first, second) is None


def test_a_clock_that_stands_still_has_no_rate() -> None:
    assert rate(sample(1, 60.0), sample(100, 60.0)) is None


def test_a_changed_width_has_no_rate() -> None:
    assert rate(sample(1, 60.0, bits=32), sample(100, 70.0, bits=64)) is None


def test_the_clocks_own_wrap_after_497_days_is_no_restart() -> None:
    assert rate(sample(1_000, CLOCK_WRAP_SECONDS - 20.0), sample(4_000, 10.0)) == pytest.approx(100.0)


def test_a_restart_shortly_before_the_clocks_wrap_is_still_a_restart() -> None:
    assert rate(sample(1_000_000, CLOCK_WRAP_SECONDS - 20.0), sample(4_000, 10.0)) is None


def test_a_32_bit_wrap_is_believed_if_the_device_vouches_for_the_counter() -> None:
    before = sample(2**32 - 1_000, 100.0, bits=32, discontinuity_seconds=0.0)
    now = sample(5_000, 160.0, bits=32, discontinuity_seconds=0.0)

    assert rate(before, now) == 100.0
    assert rate(replace(before, discontinuity_seconds=None), replace(now, discontinuity_seconds=None)) is None


def test_a_wrap_over_more_than_half_the_range_is_not_believed() -> None:
    fields = {"bits": 32, "discontinuity_seconds": 0.0}

    assert rate(sample(1_000_000, 100.0, **fields), sample(10, 160.0, **fields)) is None


def test_32_bits_may_wrap_unseen_over_a_long_gap() -> None:
    assert rate(sample(0, 0.0, bits=32), sample(10, 601.0, bits=32)) is None
    assert rate(sample(0, 0.0), sample(6_010, 601.0)) == 10.0


def test_64_bits_never_wrap() -> None:
    assert (
        rate(sample(2**64 - 1, 100.0, discontinuity_seconds=0.0), sample(5, 160.0, discontinuity_seconds=0.0)) is None
    )


LINE = 12.5e6
"""Octets a second on 100 Mbit/s."""


def test_a_counter_that_outran_its_line_gives_no_rate_and_is_counted() -> None:
    before = sample(0, 100.0, most_per_second=LINE)
    full, more = (sample(int(LINE * (60 + spare)), 160.0, most_per_second=LINE) for spare in (30, 31))

    assert rates({KEY: before}, {KEY: full}, SPECS) == {RATE: LINE * 1.5, "implausible_counters[far]": 0.0}
    assert rates({KEY: before}, {KEY: more}, SPECS) == {"implausible_counters[far]": 1.0}


def test_traffic_before_a_slower_speed_was_negotiated_is_no_fault() -> None:
    before = sample(0, 100.0, most_per_second=10 * LINE)
    now = sample(int(5 * LINE * 60), 160.0, most_per_second=LINE)

    assert rate(before, now) == 5 * LINE


def test_how_long_32_bits_last_follows_from_the_line() -> None:
    fields = {"bits": 32, "most_per_second": LINE}
    assert rate(sample(0, 0.0, **fields), sample(1, 314.0, **fields)) is None
    assert rate(sample(0, 0.0, **fields), sample(313, 313.0, **fields)) == 1.0
    slow = {"bits": 32, "most_per_second": LINE / 100}
    assert rate(sample(0, 0.0, **slow), sample(3_600, 3_600.0, **slow)) == 1.0


@pytest.mark.parametrize(("elapsed", "fits"), [(3_600.0, False), (60.0, True), (85.0, False), (45.0, True)])
def test_a_device_that_restarted_unseen_and_counted_on_has_no_rate(elapsed: float, fits: bool) -> None:
    """Its clock has passed the last sample's again: only ours tells that an hour went by and not a minute."""
    assert (rate(sample(10, 600.0), sample(5_000, 660.0), elapsed) is not None) is fits


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, float, CounterSample, float]]:
    """A device's life as a poller sees it: what happened, seconds since the poll before, the sample, the true rate."""
    bits: Any = draw(st.sampled_from([32, 64]))
    vouched, known = draw(st.booleans()), draw(st.booleans())
    count, uptime, marked, index, line = draw(st.integers(0, 2**bits - 1)), draw(st.floats(0, 4e7)), 0.0, 3, LINE
    life = []
    for _ in range(draw(st.integers(2, 8))):
        what = draw(st.sampled_from(["runs", "runs", "restarts", "moves", "is reset", "jumps", "negotiates"]))
        elapsed = draw(st.floats(5, 250))
        step = int(draw(st.floats(0, 1)) * line * elapsed)
        uptime, count = (uptime + elapsed) % CLOCK_WRAP_SECONDS, count + step
        if what == "restarts":
            uptime, count, marked = draw(st.floats(0, elapsed)), draw(st.integers(0, step)), 0.0
        elif what == "moves":
            index = 7 - index
        elif what == "is reset":
            count = draw(st.integers(0, 2**bits - 1))
            marked = max(0.0, uptime - draw(st.floats(0, elapsed)))
        elif what == "jumps":
            count = draw(st.integers(0, 2**bits - 1))
        elif what == "negotiates":
            line = LINE + LINE / 10 - line
        found = sample(
            count % 2**bits, uptime, bits, instance=f"{index}:wan", most_per_second=line if known else None,
            discontinuity_seconds=marked if vouched else None,
        )  # fmt: skip
        life.append((what, elapsed, found, step / elapsed))
    return life


@pytest.mark.soak
@given(lives())
def test_whatever_a_device_goes_through_there_is_no_spike(life: list[tuple[str, float, CounterSample, float]]) -> None:
    for (_, _, before, _), (what, elapsed, now, true) in pairwise(life):
        found = rate(before, now, elapsed)
        if found is not None:
            interval = (now.clock_seconds - before.clock_seconds) % CLOCK_WRAP_SECONDS
            assert found >= 0
            if now.most_per_second is not None and before.most_per_second is not None:
                most = max(before.most_per_second, now.most_per_second)
                assert found <= most * (1 + COPIED_SECONDS / interval) * (1 + 1e-9)
            if what in ("runs", "negotiates"):
                assert found == pytest.approx(true, rel=1e-3, abs=1)
            assert what != "moves"
            if what == "restarts":
                # Only where it had just been started before: then there is next to nothing to be wrong about.
                assert before.clock_seconds <= 15 + 0.1 * elapsed + 1e-6
        elif what in ("runs", "negotiates") and now.bits == 64 and now.value >= before.value:
            assert now.clock_seconds <= before.clock_seconds or elapsed < 0.01


def test_the_fastest_speed_is_remembered_by_end() -> None:
    speed = "interface_speed_bits_per_second"
    derived, fastest = negotiated_speed({f"{speed}[far]": 1e9, "loss_ratio[far]": 0.0}, {})
    assert derived == {"fastest_speed_bits_per_second[far]": 1e9, "negotiated_speed_ratio[far]": 1.0}

    derived, fastest = negotiated_speed({f"{speed}[far]": 1e8, f"{speed}[near]": 1e8}, fastest)
    assert derived["negotiated_speed_ratio[far]"] == 0.1
    assert derived["negotiated_speed_ratio[near]"] == 1.0

    # Nothing is said of a speed that nobody knows; what is remembered stays on record.
    assert negotiated_speed({}, fastest)[0] == {
        "fastest_speed_bits_per_second[far]": 1e9, "fastest_speed_bits_per_second[near]": 1e8,
    }  # fmt: skip
    assert negotiated_speed({"loss_ratio": 0.0}, {}) == ({}, {})


SAMPLES = st.builds(
    CounterSample,
    value=st.integers(0, 2**64 - 1),
    bits=st.sampled_from([32, 64]),
    clock_seconds=st.floats(0, CLOCK_WRAP_SECONDS),
    discontinuity_seconds=st.none() | st.just(0.0) | st.floats(0, 1e6),
    instance=st.sampled_from(["1:a", "2:a"]),
    most_per_second=st.none() | st.floats(1, 1e9),
)


@pytest.mark.soak
@given(SAMPLES, SAMPLES)
def test_no_pair_of_samples_gives_a_negative_rate(before: CounterSample, now: CounterSample) -> None:
    found = rate(before, now)

    assert found is None or found >= 0


@pytest.mark.soak
@given(
    value=st.integers(0, 2**32 - 1),
    traffic=st.floats(0, 6.25e6),
    clock=st.floats(0, CLOCK_WRAP_SECONDS, exclude_max=True),
    elapsed=st.floats(1, 300),
    vouched=st.booleans(),
)
def test_a_running_32_bit_counter_gives_its_rate_or_none_but_never_another(
    value: int, traffic: float, clock: float, elapsed: float, vouched: bool
) -> None:
    discontinuity = 0.0 if vouched else None
    step = int(traffic * elapsed)
    before = sample(value, clock, bits=32, discontinuity_seconds=discontinuity)
    end = (clock + elapsed) % CLOCK_WRAP_SECONDS
    now = sample((value + step) % 2**32, end, bits=32, discontinuity_seconds=discontinuity)

    found = rate(before, now)

    assert found is None or found == pytest.approx(step / elapsed, rel=1e-6, abs=1e-6)
    if vouched and end > clock:
        assert found is not None


@pytest.mark.soak
@given(
    before=st.integers(0, 2**64 - 1),
    uptime=st.floats(3_600, 4e7),
    after=st.integers(0, 10**9),
    again=st.floats(0, 3_599),
)
def test_a_restart_never_gives_a_rate(before: int, uptime: float, after: int, again: float) -> None:
    assume(uptime < CLOCK_WRAP_SECONDS - 7_200)

    assert rate(sample(before, uptime), sample(after, again)) is None


def test_the_age_of_the_last_transmission() -> None:
    """Zero while it transmits, then growing; nothing before the first, and nothing where the device does not tell."""
    second = 1_000_000_000
    assert transmission_age({}, None, second) == (None, None)
    assert transmission_age({"transmitting": 0.0}, None, second) == (None, None)
    assert transmission_age({"transmitting": 1.0}, None, second) == (0.0, second)
    assert transmission_age({"transmitting": 0.0}, second, 61 * second) == (60.0, second)
    assert transmission_age({}, second, 61 * second) == (None, second)
    # The clock was set back: an age is never negative.
    assert transmission_age({"transmitting": 0.0}, 5 * second, second) == (0.0, 5 * second)


# Available time

losses = st.lists(st.sampled_from([0.0, 0.0, 0.5, 0.55, 1.0]), min_size=1, max_size=60)
rows = st.lists(st.tuples(st.booleans(), st.integers(1, 25)), min_size=1, max_size=12).map(
    lambda found: [float(severe) for severe, count in found for _ in range(count)]
)
COUNTS = ("available_seconds", "unavailable_seconds", "severely_errored_seconds")


def by_the_rule(losses: list[float]) -> list[bool | None]:
    """Of each second, whether it is available time, by looking at whole rows; ``None`` where none decided it yet."""
    found: list[bool | None] = []
    state: bool | None = None
    for severe, row in groupby(losses, lambda loss: loss > 0.5):
        length = len(list(row))
        state = not severe if length >= 10 else state
        found += [state] * length
    return found


def in_pieces(losses: list[float], cuts: list[int]) -> tuple[dict[str, float], Availability | None]:
    """The sums over runs that are cut at these places, three seconds apart, with what each one found recalled."""
    sums = dict.fromkeys(COUNTS, 0.0)
    before, at_ns = None, 0
    edges = [0, *sorted(cuts), len(losses)]
    for begin, end in pairwise(edges):
        part = losses[begin:end]
        if not part:
            continue
        readings, after = availability(part, at_ns, before)
        before = Availability.recall(readings, part, at_ns)
        assert before == after
        at_ns += round((len(part) + 3) * 1e9)
        for name in COUNTS:
            sums[name] += readings[name]
    return sums, before


@given(rows | losses)
def test_available_time_is_what_the_rule_says(losses: list[float]) -> None:
    truth = by_the_rule(losses)
    readings, after = availability(losses, 0, None)
    undecided = int(readings["undecided_seconds"])
    decided = truth[: len(truth) - undecided]
    assert readings["available_seconds"] == decided.count(True)
    assert readings["unavailable_seconds"] == decided.count(False)
    errored = [state for state, loss in zip(decided, losses, strict=False) if state and loss > 0.5]
    assert readings["severely_errored_seconds"] == len(errored)
    assert 0 <= undecided < 10
    assert readings.get("line_available") == (None if after.available is None else float(after.available))


@given(rows | losses, st.lists(st.integers(0, 60), max_size=6))
def test_runs_that_follow_each_other_say_what_one_would_have_said(losses: list[float], cuts: list[int]) -> None:
    """Also where each begins with nothing but what the archive keeps of the one before."""
    whole, _after = in_pieces(losses, [])
    cut, _after = in_pieces(losses, [min(cut, len(losses)) for cut in cuts])
    assert cut == whole


@given(rows, st.integers(-30, 30))
def test_a_gap_is_neither(losses: list[float], gap: int) -> None:
    """After ten seconds without a measure, or a clock that was set back, nothing is known until ten seconds agree."""
    _readings, before = availability([1.0] * 10 + losses, 0, None)
    readings, _after = availability([0.0] * 9, before.until_ns + gap * 10**9, before)
    if 0 <= gap < 10:
        assert "line_available" in readings
        assert sum(readings[name] for name in COUNTS[:2]) <= 9 + before.undecided
    else:
        assert readings == {**dict.fromkeys(COUNTS, 0.0), "undecided_seconds": 9.0}


def test_ten_seconds_begin_unavailable_time_and_ten_end_it() -> None:
    """The ten belong to what they begin; nine do not, and are severely errored seconds of available time."""
    readings, after = availability([0.0] * 20 + [1.0] * 9 + [0.0] + [1.0] * 10 + [0.0] * 9, 0, None)
    assert [readings[name] for name in COUNTS] == [30, 10, 9]
    assert (after.available, after.undecided) == (False, 9)
    readings, after = availability([0.0, 1.0], after.until_ns, after)
    assert [readings[name] for name in COUNTS] == [10, 0, 0]
    assert (after.available, after.undecided) == (True, 1)


def test_good_seconds_of_unavailable_time_are_not_errored() -> None:
    readings, after = availability([1.0] * 10 + [0.0] * 9 + [1.0], 0, None)
    assert [readings[name] for name in COUNTS] == [0, 20, 0]
    assert (after.available, after.undecided) == (False, 0)


def test_half_of_the_packets_is_not_severe() -> None:
    assert availability([0.5] * 10, 0, None)[0]["available_seconds"] == 10
    assert availability([0.55] * 10, 0, None)[0]["unavailable_seconds"] == 10
