"""The pages of a report of the targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Final

from netmon.i18n import _
from netmon.report.charts import Chart
from netmon.report.shapes import Facts, PeriodFacts, TargetFacts
from netmon.report.tables import Language, Table
from netmon.report.texts import minute
from netmon.report.typeset import day_words, fingerprint_words, plain, share, shared_words, typeset
from netmon.targets.verdict import Verdict
from netmon.targets.words import percent, verdict_word

__all__ = ["as_pdf", "reason_of"]

MOST_ATTENTION: Final = 6
MOST_MONTHS: Final = 12
COLOURS: Final = {
    Verdict.MET: "#1b7f3b", Verdict.MET_BY_DOCUMENTS: "#1b7f3b", Verdict.NOT_IMPLEMENTED: "#5f6b7a",
    Verdict.CANNOT_BE_JUDGED: "#5f6b7a", Verdict.NOT_ENOUGH_DATA: "#9a6a00", Verdict.NOT_MET: "#b3261e",
}  # fmt: skip


def as_pdf(
    facts: Facts, tables: Mapping[str, Table], charts: list[list[Chart]], fingerprint: str, language: Language
) -> bytes:
    """The pages, in the current language, which must be ``language``.

    Args:
        charts: of each target of the last part of the period.
        fingerprint: SHA-256 of the json file: who has the paper can find the file.
    """
    period = facts["period"]
    last = facts["years"][-1]["targets"] if facts["years"] else []
    content = {
        "facts": facts,
        "words": _words(facts, fingerprint, language),
        "colours": COLOURS,
        "cover": [
            [_("Period"), f"{day_words(period['first'])} - {day_words(period['last'])}"],
            [_("Known until"), "" if period["complete"] else minute(period["known_until"])],
            [_("Made by the office"), facts["organisation"][language]],
            [_("Issued"), day_words(facts["issued"])],
            [_("Number"), f"{facts['name']}-{fingerprint[:12]}"],
        ],
        "verdicts": [
            {
                "word": verdict_word(verdict), "colour": COLOURS[verdict],
                "count": sum(target["verdict"] == verdict for target in last),
            }
            for verdict in Verdict
        ],
        "months": [_months(facts, target["id"], language) for target in last],
        "reasons": [reason_of(target, language) for target in last],
        "attention": [
            _("{target} - {reason}").format(target=target["name"][language], reason=reason_of(target, language))
            for target in last
            if target["verdict"] == Verdict.NOT_MET
        ][:MOST_ATTENTION],
        "charts": [[{**asdict(chart), "axis": chart.axis} for chart in each] for each in charts],
        "tables": {name: plain(table) for name, table in tables.items()},
    }  # fmt: skip
    return typeset("report.typ", content, date.fromisoformat(facts["issued"]), language)


def _months(facts: Facts, target: str, language: Language) -> dict[str, list[list[str]]] | None:
    """A target's percentiles of the last twelve months, a line for each subject and criterion: the figure, and how much
    is known. ``None`` where it has none.
    """
    found = [row for row in facts.get("months", []) if row["target"] == target]
    firsts = sorted({row["first"] for row in found})[-MOST_MONTHS:]
    lines: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for row in found:
        name = row["subject_name"][language], row["name"][language]
        figure = "" if row["value"] is None else percent(row["value"], up=True)
        known = "" if row["evidence_ratio"] is None else percent(row["evidence_ratio"])
        lines.setdefault(name, {})[row["first"]] = (figure, known)
    if not lines:
        return None
    return {
        "head": [[first[:7]] for first in firsts],
        "rows": [
            [*name, *(text for first in firsts for text in months.get(first, ("", "")))]
            for name, months in lines.items()
        ],
    }


def reason_of(target: TargetFacts, language: Language) -> str:
    """Why a target has its verdict, by its worst part, in a sentence."""
    worst = target["parts"][0]
    about = " ".join(filter(None, (worst["name"][language], worst["subject_name"][language])))
    figure = worst["figure_text"][language]
    what = _("{about}, {figure}").format(about=about, figure=figure) if figure else about
    return _("{what}: {reason}.").format(what=what, reason=worst["why_text"][language])


def period_words(period: PeriodFacts) -> str:
    """A year, years, a month or days as people write them."""
    first, last = date.fromisoformat(period["first"]), date.fromisoformat(period["last"])
    match period["name"].split("-"):
        case [_year]:
            return _("{year}").format(year=first.year)
        case [_first, last_year] if len(last_year) > 2:
            return _("{first} to {last}").format(first=first.year, last=last.year)
        case [_year, _month]:
            return _("{year}-{month:02}").format(year=first.year, month=first.month)
    return f"{day_words(first.isoformat())} - {day_words(last.isoformat())}"


def _words(facts: Facts, fingerprint: str, language: Language) -> dict[str, str]:
    return {
        **shared_words(facts),
        **_sentences(facts, language),
        "title": _("Communications targets: compliance"),
        "name": f"{period_words(facts['period'])} {facts['site']['name'][language] if facts['site'] else ''}".strip(),
        "attention": _("Not met, and why"),
        "at_a_glance": _("At a glance"),
        "targets": _("Targets"),
        "clause": _("Clause"),
        "says": _("The plan says"),
        "indicator": _("Indicator"),
        "deadline": _("Deadline"),
        "evidence": _("Evidence"),
        "by_hand": _("It rests on what people entered (listed under method and quality of the data)."),
        "by_hand_mark": _(" (entered by people)"),
        "verdict": _("Verdict"),
        "criterion": _("Criterion"),
        "subject": _("Subject"),
        "figure": _("Figure (at the least - at the most)"),
        "reason": _("Reason"),
        "limit": _("required:"),
        "share_key": _("dot: the figure; bar: the least and the most that it can be; line: what is required"),
        "sites": _("Sites and equipment"),
        "equipment": _("equipment"),
        "kind": _("kind"),
        "model": _("model"),
        "quality": _("Method and quality of the data"),
        "method": _(
            "A figure stands beside the least and the most that it can be: what is unknown counted bad and good, "
            "agreed work counted and left out. Met means that the target is reached even if all unknown time was bad."
        ),
        "made_by": _("Made by netmon {netmon}, register {register}").format(
            netmon=facts["netmon"], register=facts["register"][:16]
        ),
        "fingerprint": fingerprint_words(facts, fingerprint),
        "chapter": _("chapter {chapter}, section {section}"),
        "months": _("Each month: the figure, and below it how much of the month is known"),
    }


def _sentences(facts: Facts, language: Language) -> dict[str, str]:
    """What is said of the whole."""
    last = facts["years"][-1] if facts["years"] else None
    targets = [] if last is None else last["targets"]
    met = sum(target["verdict"] in (Verdict.MET, Verdict.MET_BY_DOCUMENTS) for target in targets)
    missed = [target["name"][language] for target in targets if target["verdict"] == Verdict.NOT_MET]
    sentence = _("Of {count} targets {met} are met, {missed} are not, and {open} cannot be told yet.").format(
        count=len(targets), met=met, missed=len(missed), open=len(targets) - met - len(missed)
    )
    if missed:
        sentence += _(" Not met: {names}.").format(names=_(", ").join(missed))
    shares = [check["known_ratio"] for check in facts["checks"] if check["known_ratio"] is not None]
    since = _("never") if last is None or last["known_since"] is None else minute(last["known_since"])
    monitored = _("Monitored since {since}; before that nothing is known, and what is not known is never good.")
    known = monitored.format(since=since)
    if shares:
        known += " " + _("Of the time of {count} checks {mean} is known, of the worst one {least}.").format(
            count=len(shares), mean=share(sum(shares) / len(shares)), least=share(min(shares))
        )
    return {
        "sentence": sentence,
        "known": known,
        "monitored": known,
        "clock": _("Steps of the clock: {clock_step}; starts of netmon: {start}; reloads: {reload}.").format(
            **facts["events"]["counts"]
        ),
    }
