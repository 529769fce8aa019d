"""``/targets``: how each target of the plan stands, this year so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from netmon.i18n import _, current_language
from netmon.impact import Effective
from netmon.targets import scope
from netmon.targets.plain import Report
from netmon.targets.standing import Part, Standing
from netmon.targets.verdict import Verdict
from netmon.targets.words import figure_of, sentence, trend_words, verdict_word
from netmon.web import board
from netmon.web.render import Renderer
from netmon.web.view import View
from netmon.words import moment, printable

__all__ = ["TargetsPage"]

LOOKS: Final = {
    Verdict.MET: "up",
    Verdict.MET_BY_DOCUMENTS: "up",
    Verdict.NOT_IMPLEMENTED: "standby",
    Verdict.CANNOT_BE_JUDGED: "maintenance",
    Verdict.NOT_ENOUGH_DATA: "unknown",
    Verdict.NOT_MET: "down",
}
"""Colour and sign of each verdict."""


class TargetsPage:
    """Shows the last report."""

    def __init__(self, view: View, renderer: Renderer) -> None:
        self._view = view
        self._renderer = renderer

    async def show(self, request: Request) -> Response:
        """Everything."""
        return await self._renderer.page(request, "targets.html", self._content)

    def _content(self) -> dict[str, Any]:
        report = self._view.targets.report
        return {
            "here": "targets",
            "fault": printable(self._view.targets.fault),
            "file": printable(str(self._view.targets.path)),
            "there": self._view.targets.path.is_file(),
            "report": None if report is None else self._report(report),
        }

    def _report(self, report: Report) -> dict[str, Any]:
        counts = dict.fromkeys(Verdict, 0)
        effective = self._view.effective()
        for standing in report.standings:
            counts[standing.verdict] += 1
        return {
            "year": report.year,
            "until": moment(report.until_ns),
            "begun": "" if report.begun_ns in (None, report.since_ns) else moment(report.begun_ns or 0),
            "monitored": report.begun_ns is not None,
            "damaged": [printable(name) for name in report.damaged],
            "counts": [
                {"look": LOOKS[verdict], "word": verdict_word(verdict), "count": count}
                for verdict, count in counts.items()
                if count
            ],
            "targets": [self._target(standing, report, effective) for standing in report.standings],
        }

    def _target(self, standing: Standing, report: Report, effective: Mapping[str, Effective]) -> dict[str, Any]:
        target, language, config = standing.target, current_language(), self._view.config
        now = scope.now(target, config.assets.values(), config.sites, self._view.checks, effective)
        trend = report.trends.get(target.id)
        return {
            "id": target.id,
            "name": target.name.in_language(language),
            "says": target.clause.says.in_language(language),
            "clause": _("chapter {chapter}, section {section}").format(
                chapter=target.clause.chapter, section=target.clause.section
            ),
            "deadline": "" if target.deadline is None else target.deadline.isoformat(),
            "look": LOOKS[standing.verdict],
            "word": verdict_word(standing.verdict),
            "now": _now(now),
            "broken": now.broken > 0,
            "trend": "" if trend is None else trend_words(trend),
            "worst": self._part(standing.parts[0]),
            "parts": [self._part(part) for part in standing.parts],
        }

    def _part(self, part: Part) -> dict[str, Any]:
        return {
            "name": part.criterion.name.in_language(current_language()),
            "subject": self._subject(part.subject),
            "look": LOOKS[part.finding.verdict],
            "word": verdict_word(part.finding.verdict),
            "figure": figure_of(part),
            "why": sentence(part),
        }

    def _subject(self, name: str) -> str:
        """A site's or a piece of equipment's name; one that the inventory has no more keeps its id."""
        config = self._view.config
        if name in config.sites:
            return board.name_of(config.sites[name].name, name)
        asset = config.assets.get(name)
        return name if asset is None else board.asset_name(config, asset)


def _now(now: scope.Now) -> str:
    whole = now.works + now.broken + now.unknown
    if not whole:
        return ""
    text = _("{works} of {whole} work").format(works=now.works, whole=whole)
    return text + _(", {count} unknown").format(count=now.unknown) if now.unknown else text
