"""A target beside how it stood before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netmon.archive import Event
from netmon.i18n import use_language
from netmon.targets.standing import Part, Standing
from netmon.targets.trend import NOTED, SPAN_NS, noted, trends
from netmon.targets.verdict import Finding, Verdict, Why
from netmon.targets.words import trend_words
from tests.netmon.targets.test_standing import REGISTER

DAY_NS = 86_400 * 1_000_000_000
NOW_NS = 1_790_000_000 * 1_000_000_000
TARGET = REGISTER.targets["link-quality"]


def standing(verdict: Verdict, value: float | None, criterion: int = 0) -> Standing:
    finding = Finding(verdict=verdict, why=Why.REACHED, value=value)
    return Standing(TARGET, verdict, (Part(TARGET.criteria[criterion], "", finding),))


def event(before: Standing, days: int) -> Event:
    return Event(kind=NOTED, at_ns=NOW_NS - days * DAY_NS, detail=noted([before]))


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (standing(Verdict.MET, 0.9999), standing(Verdict.NOT_MET, 0.99), -1),
        (standing(Verdict.NOT_MET, 0.99), standing(Verdict.MET, 0.9999), 1),
        (standing(Verdict.MET, 0.9995), standing(Verdict.MET, 0.9999), 1),
        (standing(Verdict.MET, 0.9999), standing(Verdict.MET, 0.9999), 0),
        (standing(Verdict.NOT_MET, 0.01, 1), standing(Verdict.NOT_MET, 0.02, 1), -1),  # loss: less is better
        (standing(Verdict.NOT_MET, 0.01, 1), standing(Verdict.NOT_MET, 0.02), 0),  # another figure
        (standing(Verdict.NOT_MET, None), standing(Verdict.NOT_MET, 0.02), 0),
    ],
)
def test_better_or_worse(before: Standing, after: Standing, direction: int) -> None:
    found = trends([after], [event(before, 20), event(after, 1)], since_ns=0, now_ns=NOW_NS)
    assert found[TARGET.id].direction == direction
    assert found[TARGET.id].verdict is before.verdict


def test_only_this_year_and_the_last_month_are_compared() -> None:
    now = standing(Verdict.MET, 1.0)
    assert trends([now], [event(now, 31)], since_ns=0, now_ns=NOW_NS) == {}
    assert trends([now], [event(now, 20)], since_ns=NOW_NS - 10 * DAY_NS, now_ns=NOW_NS) == {}
    assert trends([now], [], since_ns=0, now_ns=NOW_NS) == {}
    first = trends([now], [event(now, 29), event(now, 3)], since_ns=0, now_ns=NOW_NS)[TARGET.id]
    assert first.at_ns == NOW_NS - 29 * DAY_NS
    assert SPAN_NS == 30 * DAY_NS


def test_it_is_said_in_words() -> None:
    before, now = standing(Verdict.NOT_MET, 0.99), standing(Verdict.MET, 0.9999)
    found = trends([now], [event(before, 20)], since_ns=0, now_ns=NOW_NS)[TARGET.id]
    use_language("en")
    assert trend_words(found) == "better (2026-09-01: not met)"
    assert trend_words(replace(found, direction=-1)).startswith("worse")
