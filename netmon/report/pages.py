"""A report as PDF, set by Typst; its one door. Text goes there as data, so nothing in it is taken for markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from netmon.i18n import _
from netmon.model import LOCAL
from netmon.report.tables import Table
from netmon.targets.verdict import Verdict
from netmon.targets.words import verdict_word

__all__ = ["FONTS", "as_pdf"]

HERE: Final = Path(__file__).parent
FONTS: Final = HERE / "fonts"
COLOURS: Final = {
    Verdict.MET: "#1b7f3b", Verdict.MET_BY_DOCUMENTS: "#1b7f3b", Verdict.NOT_IMPLEMENTED: "#5f6b7a",
    Verdict.CANNOT_BE_JUDGED: "#5f6b7a", Verdict.NOT_ENOUGH_DATA: "#9a6a00", Verdict.NOT_MET: "#b3261e",
}  # fmt: skip


def as_pdf(facts: Mapping[str, Any], tables: Mapping[str, Table], language: str) -> bytes:
    """The pages, in the current language, which must be ``language``."""
    import typst

    issued = date.fromisoformat(facts["issued"])
    content = {
        "language": language,
        "words": _words(facts),
        "facts": facts,
        "issued": [issued.year, issued.month, issued.day],
        "verdicts": [
            {
                "id": verdict, "word": verdict_word(verdict), "colour": COLOURS[verdict],
                "count": sum(target["verdict"] == verdict for target in facts["years"][-1]["targets"]),
            }
            for verdict in Verdict
        ] if facts["years"] else [],
        "quality": _plain(tables["quality"]),
        "entered": _plain(tables["entered"]),
        "maintenance": _plain(tables["maintenance"]),
        "evidence": _plain(tables["evidence"]),
    }  # fmt: skip
    at = datetime(issued.year, issued.month, issued.day, tzinfo=LOCAL)
    inputs = {"content": json.dumps(content, ensure_ascii=False)}
    return typst.compile(
        HERE / "report.typ", root=HERE, font_paths=[FONTS], ignore_system_fonts=True, sys_inputs=inputs,
        pdf_standards="a-2b", timestamp=round(at.timestamp()),
    )  # fmt: skip


def _plain(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "columns": [column.title for column in table.columns],
        "kinds": [column.kind for column in table.columns],
        "rows": [list(row) for row in table.rows],
    }


def _words(facts: Mapping[str, Any]) -> dict[str, str]:
    period = facts["period"]
    return {
        "title": _("Communications targets: compliance"),
        "period": _("Period: {first} to {last}").format(**period),
        "so_far": "" if period["complete"] else _("So far: known until {known_until}").format(**period),
        "issued": _("Issued: {issued}").format(**facts),
        "sample": _("Made of a sample inventory: it describes no real network.") if facts["sample"] else "",
        "at_a_glance": _("At a glance"),
        "targets": _("Targets"),
        "clause": _("Clause"),
        "says": _("The plan says"),
        "indicator": _("Indicator"),
        "deadline": _("Deadline"),
        "verdict": _("Verdict"),
        "criterion": _("Criterion"),
        "subject": _("Subject"),
        "figure": _("Figure (at the least - at the most)"),
        "reason": _("Reason"),
        "sites": _("Sites and equipment"),
        "equipment": _("equipment"),
        "kind": _("kind"),
        "model": _("model"),
        "quality": _("Method and quality of the data"),
        "monitored": _(
            "Monitored since {since}; before that nothing is known, and what is not known is never good."
        ).format(since=facts["years"][0]["known_since"] or _("never"))
        if facts["years"]
        else "",
        "method": _(
            "A figure stands beside the least and the most that it can be: what is unknown counted bad and good, "
            "agreed work counted and left out. Met means that the target is reached even if all unknown time was bad."
        ),
        "clock": _("Steps of the clock: {clock_step}; starts of netmon: {start}; reloads: {reload}.").format(
            **facts["events"]["counts"]
        ),
        "made_by": _("Made by netmon {netmon}, register {register}").format(
            netmon=facts["netmon"], register=facts["register"][:16]
        ),
        "none": _("none"),
        "signature": _("Signatures"),
        "made": _("Made by"),
        "checked": _("Checked by"),
        "approved": _("Approved by"),
        "day": _("Date"),
        "chapter": _("chapter {chapter}, section {section}"),
    }
