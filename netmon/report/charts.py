"""What is drawn of each target, in one language: the same chart in the xlsx and in the pdf. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from netmon.i18n import _
from netmon.report.shapes import Facts, FoundPart, TargetFacts
from netmon.targets.verdict import Verdict
from netmon.targets.words import verdict_word

__all__ = ["MOST_BARS", "Chart", "charts_of"]

MOST_BARS: Final = 14
"""The worst are drawn; the table has all of them."""
DAY_SECONDS: Final = 86_400
SHARES: Final = frozenset({
    "availability", "available_seconds", "coverage", "documents", "mean", "percentile", "share_of_checks",
    "share_of_sites", "tests",
})  # fmt: skip
"""Rules whose figure is a share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars, from the worst on.

    Attributes:
        unit: ``share`` (0 to 1; series: the least, the figure, the most that it can be), ``days``, ``number``.
        categories: what each bar is about.
        verdicts: of each category, or of each series where verdicts are counted.
        series: name and a figure for each category.
        limit: what has to be reached, or must not be passed; ``None`` if nobody set it.
        not_drawn: how many categories are not among them.
    """

    title: str
    unit: Literal["share", "days", "number"]
    categories: Sequence[str]
    verdicts: Sequence[str]
    series: Sequence[tuple[str, Sequence[float]]]
    limit: float | None = None
    not_drawn: int = 0

    @property
    def axis(self) -> tuple[float, float]:
        """Where the axis begins and ends: near 1 what counts is the difference from 1."""
        figures = [value for _name, values in self.series for value in values]
        if self.limit is not None:
            figures.append(self.limit)
        least, most = min(figures, default=0.0), max(figures, default=0.0)
        if self.unit == "share" and most > 0.2:
            return (max(0.0, least - (1 - least) * 0.25 - 0.0005) if least > 0.5 else 0.0), max(1.0, most)
        return 0.0, most * 1.05 or 1.0


def charts_of(facts: Facts, target: TargetFacts, language: Literal["zh", "en"]) -> list[Chart]:
    """At least one: of each criterion that has figures; how many parts have which verdict if none has."""
    groups: dict[str, list[FoundPart]] = {}
    for part in target["parts"]:
        groups.setdefault(part["criterion"], []).append(part)
    found = [chart for parts in groups.values() if (chart := _of_criterion(parts, language)) is not None]
    if len(facts["years"]) > 1 and (years := _of_years(facts, target["id"])) is not None:
        found.insert(0, years)
    return found or [_of_verdicts(target)]


def _of_criterion(parts: Sequence[FoundPart], language: Literal["zh", "en"]) -> Chart | None:
    first = parts[0]
    with_figure = [part for part in parts if part["value"] is not None]
    if not with_figure:
        return None
    drawn = with_figure[:MOST_BARS]
    values = [part["value"] or 0.0 for part in drawn]
    limit: float | None
    unit: Literal["share", "days", "number"]
    if first["rule"] in SHARES:
        unit, limit = "share", first["at_least"] if first["at_most"] is None else first["at_most"]
        series = _shares(drawn)
    elif first["rule"] == "drill_age":
        unit, limit = "days", first["longest_age_seconds"] / DAY_SECONDS
        series = [(_("days since the last passed drill"), [value / DAY_SECONDS for value in values])]
    elif first["rule"] == "count":
        unit, limit = "number", None
        words = {"required": _("required"), "present": _("present"), "serviceable": _("serviceable")}
        series = [(word, [part["figures"].get(name, 0.0) for part in drawn]) for name, word in words.items()]
    else:
        unit, limit = "number", first["at_least"]
        series = [(_("passed drills"), values)]
    return Chart(
        title=first["name"][language], unit=unit, series=series, limit=limit, not_drawn=len(with_figure) - len(drawn),
        categories=[part["subject_name"][language] or part["name"][language] for part in drawn],
        verdicts=[part["verdict"] for part in drawn],
    )  # fmt: skip


def _of_years(facts: Facts, target_id: str) -> Chart | None:
    """The worst part's share in each year."""
    worst = [
        (year["name"], target["parts"][0])
        for year in facts["years"]
        for target in year["targets"]
        if target["id"] == target_id and target["parts"][0]["rule"] in SHARES
    ]
    known = [(name, part) for name, part in worst if part["value"] is not None]
    if len(known) < 2:
        return None
    return Chart(
        title=_("the worst part in each year"), unit="share", categories=[name for name, _part in known],
        verdicts=[part["verdict"] for _name, part in known],
        series=_shares([part for _name, part in known]),
    )  # fmt: skip


def _shares(parts: Sequence[FoundPart]) -> list[tuple[str, list[float]]]:
    """The least, the figure, the most; a figure that is exact is all three."""
    values = [part["value"] or 0.0 for part in parts]
    lows, highs = [part["low"] for part in parts], [part["high"] for part in parts]
    return [
        (_("at the least"), [value if low is None else low for low, value in zip(lows, values, strict=True)]),
        (_("figure"), values),
        (_("at the most"), [value if high is None else high for high, value in zip(highs, values, strict=True)]),
    ]


def _of_verdicts(target: TargetFacts) -> Chart:
    counts = Counter(part["verdict"] for part in target["parts"])
    verdicts = [verdict for verdict in Verdict if counts[verdict]]
    return Chart(
        title=_("parts by verdict"), unit="number", categories=[verdict_word(verdict) for verdict in verdicts],
        verdicts=verdicts, series=[(_("parts"), [float(counts[verdict]) for verdict in verdicts])],
    )  # fmt: skip
