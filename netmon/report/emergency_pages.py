"""The pages of a report of one emergency."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from netmon.i18n import _
from netmon.report.emergency import RESULTS
from netmon.report.shapes import EmergencyFacts
from netmon.report.tables import Language, Table
from netmon.report.texts import minute
from netmon.report.typeset import day_words, fingerprint_words, plain, shared_words, typeset
from netmon.words import duration

__all__ = ["STATUS_COLOURS", "as_emergency_pdf"]

STATUS_COLOURS: Final = {
    "down": "#b3261e", "unreachable": "#c77700", "unknown": "#8a93a0", "degraded": "#b58900", "up": "#1b7f3b",
    "standby": "#5f6b7a", "maintenance": "#5f6b7a",
}  # fmt: skip
RESULT_COLOURS: Final = {
    "failed": "#b3261e", "cut_off": "#c77700", "unknown": "#8a93a0", "partly_unknown": "#8a93a0", "worked": "#1b7f3b",
    "stowed": "#5f6b7a",
}  # fmt: skip
MOST_BARS: Final = 30


def as_emergency_pdf(facts: EmergencyFacts, tables: Mapping[str, Table], fingerprint: str, language: Language) -> bytes:
    """The pages, in the current language, which must be ``language``."""
    emergency = facts["emergency"]
    known = facts["known_until"]
    until = emergency["until"] or known
    begin = datetime.fromisoformat(emergency["since"]) - timedelta(seconds=facts["lead_seconds"])
    whole = (datetime.fromisoformat(known) - begin).total_seconds() or 1.0
    bars = _bars(facts, begin, whole, language)
    content = {
        "facts": facts,
        "words": {**shared_words(facts), **_words(facts, fingerprint)},
        "colours": STATUS_COLOURS,
        "cover": [
            [_("Declared"), f"{minute(emergency['since'])}  {emergency['author']}"],
            [_("Over"), f"{minute(until)}  {emergency['ended_by']}" if emergency["until"] else _("it lasts")],
            [_("Made by the office"), facts["organisation"][language]],
            [_("Issued"), day_words(facts["issued"])],
            [_("Number"), f"{facts['name']}-{fingerprint[:12]}"],
        ],
        "counts": [
            {"word": _(word), "colour": RESULT_COLOURS[result],
             "count": sum(each["result"] == result for each in facts["equipment"])}
            for result, word in RESULTS.items()
        ],
        "bars": bars[:MOST_BARS],
        "not_drawn": max(0, len(bars) - MOST_BARS),
        "scale": [minute(begin.isoformat()), minute(known)],
        "declared": facts["lead_seconds"] / whole,
        "tables": {name: plain(table) for name, table in tables.items()},
    }  # fmt: skip
    return typeset("emergency.typ", content, date.fromisoformat(facts["issued"]), language)


def _bars(facts: EmergencyFacts, begin: datetime, whole: float, language: Language) -> list[dict[str, Any]]:
    """Each piece of equipment with outages, in the order in which they began."""

    def place(moment: str | None) -> float:
        if moment is None:
            return 1.0
        return min(1.0, max(0.0, (datetime.fromisoformat(moment) - begin).total_seconds() / whole))

    found: dict[str, dict[str, Any]] = {}
    for each in facts["timeline"]:
        if each["subject"]:
            bar = found.setdefault(each["subject"], {"name": each["subject_name"][language], "spans": []})
            bar["spans"].append({"from": place(each["at"]), "until": place(each["until"]), "status": each["what"]})
    return list(found.values())


def _words(facts: EmergencyFacts, fingerprint: str) -> dict[str, str]:
    counts = {result: sum(each["result"] == result for each in facts["equipment"]) for result in RESULTS}
    begin = datetime.fromisoformat(facts["emergency"]["since"])
    length = (datetime.fromisoformat(facts["known_until"]) - begin).total_seconds()
    sentence = _(
        "In {length}, of {count} pieces of equipment {worked} worked all the time, {failed} failed, {cut_off} were cut "
        "off by others, and of {unknown} it is not or not wholly known."
    ).format(
        length=duration(length), count=len(facts["equipment"]), worked=counts["worked"], failed=counts["failed"],
        cut_off=counts["cut_off"], unknown=counts["unknown"] + counts["partly_unknown"],
    )  # fmt: skip
    return {
        "title": _("Communications in an emergency"),
        "at_a_glance": _("At a glance"),
        "sentence": sentence,
        "course": _("What did not work"),
        "key": _("red: down; orange: cut off; upright line: the emergency was declared"),
        "lead": _("It begins {lead} before the emergency was declared.").format(lead=duration(facts["lead_seconds"])),
        "quality": _("Method and quality of the data"),
        "method": _(
            "Equipment is as its worst check. It failed if it was down itself; it was cut off if it could not be "
            "reached because something that it hangs on was down. What is not known is never counted as working."
        ),
        "clock": _("Steps of the clock: {clock_step}; starts of netmon: {start}; reloads: {reload}.").format(
            **facts["events"]["counts"]
        ),
        "review": _("For the review"),
        "worked_well": _("What worked well"),
        "to_mend": _("What has to be mended"),
        "by_whom": _("By whom, until when"),
        "fingerprint": fingerprint_words(facts, fingerprint),
    }
