"""The E-model against values that the ITU-T prints, and against what must hold for any line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.emodel import CODECS, _delayed, mos, rating

G711, G729A = CODECS["g711"], CODECS["g729a"]
codecs = st.sampled_from(list(CODECS.values()))
delays = st.floats(0.001, 2)
"""From 1 ms on: below, the model itself gives a little more for a little delay (sidetone)."""
shares = st.floats(0, 1)


def test_all_defaults_give_what_the_recommendation_says() -> None:
    """G.107, 7.7: R = 93.2; annex B: MOS 4.41."""
    best = rating(delay_seconds=0.0, loss_ratio=0.0, codec=G711)
    assert best == pytest.approx(93.2, abs=0.05)
    assert mos(best) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("r", "score"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_scores_are_those_of_table_b_1(r: float, score: float) -> None:
    assert mos(r) == pytest.approx(score, abs=0.0065)


@pytest.mark.parametrize(("r", "score"), [(-5, 1.0), (0, 1.0), (100, 4.5), (120, 4.5)])
def test_scores_end_at_both_ends(r: float, score: float) -> None:
    assert mos(r) == pytest.approx(score)


def test_a_codecs_impairment_is_subtracted() -> None:
    """G.113, appendix I: G.729A has Ie = 11."""
    for delay in (0.0, 0.1, 0.4):
        plain, coded = (rating(delay_seconds=delay, loss_ratio=0.0, codec=codec) for codec in (G711, G729A))
        assert plain - coded == pytest.approx(11)


@pytest.mark.parametrize(
    ("percent", "impairment"), [(0, 11), (0.5, 13), (1, 15), (1.5, 17), (2, 19), (3, 23), (4, 26), (8, 36), (16, 49)]
)
def test_loss_is_worth_what_listeners_found(percent: float, impairment: float) -> None:
    """Ie of G.729A with VAD under random loss, as G.113 tabulated it before there was the formula."""
    best = rating(delay_seconds=0.0, loss_ratio=0.0, codec=G711)
    lossy = rating(delay_seconds=0.0, loss_ratio=percent / 100, codec=G729A)
    assert best - lossy == pytest.approx(impairment, abs=0.6)


def test_loss_is_worth_what_the_formula_says() -> None:
    """G.107, 7.5: Ie-eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), in per cent, by hand."""
    best = rating(delay_seconds=0.0, loss_ratio=0.0, codec=G711)
    random = rating(delay_seconds=0.0, loss_ratio=0.05, codec=G711)
    bursty = rating(delay_seconds=0.0, loss_ratio=0.05, burst_ratio=2.0, codec=G711)
    assert best - random == pytest.approx(95 * 5 / (5 + 25.1))
    assert best - bursty == pytest.approx(95 * 5 / (2.5 + 25.1))


def test_delay_impairs_by_the_formulas() -> None:
    """G.107, 7.4, at 200 ms with a pocket calculator: Idte 3.57, Idle 0.94, Idd 3.04."""
    terv = 65 - 40 * 0.9542  # log10(21 / 2.3333)
    difference = 94.77 - (80 + 2.5 * (terv - 14))
    idte = difference / 2 + (difference**2 / 4 + 100) ** 0.5 - 1
    idle_difference = 94.77 - 10.5 * 117 / 401**0.25
    idle = idle_difference / 2 + (idle_difference**2 / 4 + 169) ** 0.5
    idd = 25 * (2 ** (1 / 6) - 3 * (1 + 1 / 3**6) ** (1 / 6) + 2)
    assert (idte, idle, idd) == pytest.approx((3.57, 0.94, 3.04), abs=0.006)
    assert _delayed(200.0) == pytest.approx(idte + idle + idd, abs=0.005)


@pytest.mark.parametrize(("milliseconds", "least", "most"), [(100, 0, 3), (150, 2, 5), (250, 12, 16), (400, 28, 34)])
def test_delay_costs_what_g_114_draws(milliseconds: int, least: float, most: float) -> None:
    """G.114, figure 1, read off by eye: the E-model's rating over the delay, with its default echo."""
    best = rating(delay_seconds=0.0, loss_ratio=0.0, codec=G711)
    assert least < best - rating(delay_seconds=milliseconds / 1e3, loss_ratio=0.0, codec=G711) < most


@given(delays, delays, shares, codecs)
def test_more_delay_is_never_better(one: float, other: float, loss: float, codec: object) -> None:
    fast, slow = (rating(delay_seconds=each, loss_ratio=loss, codec=codec) for each in sorted((one, other)))  # type: ignore[arg-type]
    assert slow <= fast + 1e-9
    assert mos(slow) <= mos(fast) + 1e-9


@given(delays, shares, shares, st.floats(1, 50), st.floats(1, 50), codecs)
def test_more_loss_and_burstier_loss_are_never_better(
    delay: float, one: float, other: float, burst: float, burstier: float, codec: object
) -> None:
    less, more = sorted((one, other))
    low, high = sorted((burst, burstier))
    good = rating(delay_seconds=delay, loss_ratio=less, burst_ratio=low, codec=codec)  # type: ignore[arg-type]
    bad = rating(delay_seconds=delay, loss_ratio=more, burst_ratio=high, codec=codec)  # type: ignore[arg-type]
    assert 0 <= bad <= good + 1e-9


def test_scores_rise_with_r() -> None:
    scores = [mos(r / 10) for r in range(1001)]
    assert scores == sorted(scores)
    assert 1 <= scores[0] <= scores[-1] <= 4.5
