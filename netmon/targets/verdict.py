"""What a rule says of the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from probes.base import EMPTY

__all__ = ["BEST_FIRST", "Finding", "Range", "Verdict", "Why", "worst"]


class Verdict(StrEnum):
    """Closed; a missing measurement is never ``MET``."""

    MET = "met"
    """达标"""
    MET_BY_DOCUMENTS = "met_by_documents"
    """达标(人工佐证): it rests on documents that a person entered."""
    NOT_IMPLEMENTED = "not_implemented"
    """未实现: netmon cannot measure it yet."""
    CANNOT_BE_JUDGED = "cannot_be_judged"
    """无法判定: nobody set the figure that would have to be reached, or there is nothing that it is about."""
    NOT_ENOUGH_DATA = "not_enough_data"
    """数据不足: what is known fits both."""
    NOT_MET = "not_met"
    """不达标"""


BEST_FIRST = tuple(Verdict)


class Why(StrEnum):
    """The reason in one word; :mod:`netmon.targets.words` makes a sentence of it and of the figures."""

    REACHED = "reached"
    MISSED = "missed"
    MISSED_WHATEVER_IS_UNKNOWN = "missed_whatever_is_unknown"
    TOO_MUCH_UNKNOWN = "too_much_unknown"
    UNKNOWN_COULD_HIDE_A_MISS = "unknown_could_hide_a_miss"
    NOTHING_KNOWN = "nothing_known"
    NOTHING_DUE = "nothing_due"
    NO_THRESHOLD = "no_threshold"
    NO_SUBJECT = "no_subject"
    NO_PROBE = "no_probe"
    FAILED_TESTS = "failed_tests"
    ONE_FAILED_CONFIRMED_GOOD = "one_failed_confirmed_good"
    TOO_FEW_TESTS = "too_few_tests"
    TOO_FEW_PRESENT = "too_few_present"
    TOO_FEW_SERVICEABLE = "too_few_serviceable"
    NOT_PROVEN = "not_proven"
    SURVEY_TOO_OLD = "survey_too_old"
    NO_SURVEY = "no_survey"
    LOWER_THAN_BEFORE = "lower_than_before"
    NEVER_DRILLED = "never_drilled"
    DRILL_OVERDUE = "drill_overdue"
    TOO_FEW_DRILLS = "too_few_drills"
    NOT_RISING = "not_rising"
    NO_EARLIER_FIGURE = "no_earlier_figure"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest that a figure can be, given what is unknown."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"no range: {self.low} to {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One verdict, of one subject by one criterion.

    Attributes:
        value: the figure that is judged; ``None`` where nothing is known.
        range: what the figure can be: unknown counted good and bad, agreed maintenance counted and left out.
        evidence_ratio: known of expected; ``None`` where the rule expects none.
        figures: what the sentence and the report need besides, by name with the base unit.
    """

    verdict: Verdict
    why: Why
    value: float | None = None
    range: Range | None = None
    evidence_ratio: float | None = None
    figures: Mapping[str, float] = field(default_factory=lambda: EMPTY)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole: one part that is not met decides, then one that nobody can tell; no parts, no verdict."""
    return max(verdicts, key=BEST_FIRST.index, default=Verdict.CANNOT_BE_JUDGED)
