"""Verdicts and their reasons in words, in the current language: for table, page and report alike."""

from __future__ import annotations

import math

from netmon.i18n import _, _n
from netmon.targets.standing import Part
from netmon.targets.trend import Trend
from netmon.targets.verdict import Finding, Verdict, Why
from netmon.words import duration, moment

__all__ = ["figure_of", "percent", "sentence", "trend_words", "verdict_word"]

VERDICTS = {
    Verdict.MET: _n("met"),
    Verdict.MET_BY_DOCUMENTS: _n("met (by documents)"),
    Verdict.NOT_IMPLEMENTED: _n("not implemented"),
    Verdict.CANNOT_BE_JUDGED: _n("cannot be judged"),
    Verdict.NOT_ENOUGH_DATA: _n("not enough data"),
    Verdict.NOT_MET: _n("not met"),
}
REASONS = {
    Why.REACHED: _n("the figure is reached"),
    Why.MISSED: _n("the figure is missed"),
    Why.MISSED_WHATEVER_IS_UNKNOWN: _n("the figure is missed, however good the unknown part was"),
    Why.TOO_MUCH_UNKNOWN: _n("too much is unknown"),
    Why.UNKNOWN_COULD_HIDE_A_MISS: _n("the figure holds for what is known, and what is unknown could hide a miss"),
    Why.NOTHING_KNOWN: _n("nothing is known"),
    Why.NOTHING_DUE: _n("nothing was due"),
    Why.NO_THRESHOLD: _n("nobody has set the figure that has to be reached"),
    Why.NO_SUBJECT: _n("the inventory has nothing that this is about"),
    Why.NO_PROBE: _n("netmon cannot measure it yet, and no document was entered"),
    Why.FAILED_TESTS: _n("tests failed"),
    Why.ONE_FAILED_CONFIRMED_GOOD: _n("one test failed, and its retest was good"),
    Why.TOO_FEW_TESTS: _n("too few tests"),
    Why.TOO_FEW_PRESENT: _n("fewer are there than required"),
    Why.TOO_FEW_SERVICEABLE: _n("fewer work than required"),
    Why.NOT_PROVEN: _n("the survey does not prove it"),
    Why.SURVEY_TOO_OLD: _n("the last survey is too old"),
    Why.NO_SURVEY: _n("there is no survey"),
    Why.LOWER_THAN_BEFORE: _n("lower than in the survey before"),
    Why.NEVER_DRILLED: _n("no passed drill"),
    Why.DRILL_OVERDUE: _n("the last passed drill is too long ago"),
    Why.TOO_FEW_DRILLS: _n("too few passed drills"),
    Why.NOT_RISING: _n("no higher than the year before"),
    Why.NO_EARLIER_FIGURE: _n("no figure of the year before"),
    Why.DOCUMENTS: _n("by a document that was entered"),
}


def verdict_word(verdict: Verdict) -> str:
    """The verdict in a word or two."""
    return _(VERDICTS[verdict])


def sentence(part: Part) -> str:
    """Why a part has its verdict, with the figures that decide it."""
    found = part.finding
    text = _(REASONS[found.why])
    known = found.evidence_ratio
    # A percentile says nothing without how much of the time it is about.
    if known is not None and (known < 1 or part.criterion.rule == "percentile"):
        text += _("; {share} known").format(share=percent(known))
    if called := found.figures.get("roll_call_seconds"):
        text += _("; of it {duration} by roll calls alone, to the day").format(duration=duration(called))
    return text


def figure_of(part: Part) -> str:
    """The figure that is judged, with what it can be at the least and at the most; empty where there is none."""
    found, rule = part.finding, part.criterion.rule
    if rule == "drill_age":
        return "" if found.value is None else duration(found.value)
    if rule == "count":
        return _counts(found)
    if rule == "drill_count":
        return "" if found.value is None else f"{found.value:.0f}"
    if found.value is None:
        return ""
    up = rule in ("mean", "percentile")
    text = percent(found.value, up=up)
    if found.range is not None and found.range.low != found.range.high:
        text += f" ({percent(found.range.low, up=up)} - {percent(found.range.high, up=up)})"
    return text


def trend_words(trend: Trend) -> str:
    """Whether a target stands better than before, and what it was."""
    words = {1: _("better"), 0: _("as before"), -1: _("worse")}
    before = _("{day}: {verdict}").format(day=moment(trend.at_ns)[:10], verdict=verdict_word(trend.verdict))
    return f"{words[trend.direction]} ({before})"


def _counts(found: Finding) -> str:
    if "required" not in found.figures:
        return ""
    return _("{required:.0f} required, {present:.0f} present, {serviceable:.0f} serviceable").format(**found.figures)


def percent(value: float, *, up: bool = False) -> str:
    """A share in percent, rounded so that it never looks better than it is: down, and ``up`` where less is better."""
    thousandths = value * 1e5
    return f"{(math.ceil(thousandths - 1e-9) if up else int(thousandths)) / 1e3:g} %"
