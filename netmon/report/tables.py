"""The tables of a report in one language: what csv and xlsx hold, and what the pages of the pdf show."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from netmon.i18n import _
from netmon.report.shapes import Common, EmergencyFacts, Facts
from netmon.report.texts import in_language
from netmon.words import missed_word

__all__ = ["REPORT_LANGUAGES", "Cell", "Column", "Language", "Table", "tables", "tables_schema"]

Cell = str | float | int | None
Language = Literal["zh", "en"]
REPORT_LANGUAGES: Final[Sequence[Language]] = ("zh", "en")
JSON_TYPES: Final = {"text": "string", "moment": "string", "number": "number", "share": "number", "seconds": "number"}


@dataclass(frozen=True, slots=True)
class Column:
    """Attributes:
    kind: how values are shown: a share is 0 to 1; a moment is ISO 8601.
    """

    title: str
    kind: Literal["text", "number", "share", "seconds", "moment"] = "text"
    width: int = 14


@dataclass(frozen=True, slots=True)
class Table:
    """Attributes:
    name: of the file and for programs.
    title: for people.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def tables(facts: Facts, language: Language) -> list[Table]:
    """Every table, in the current language, which must be ``language``."""
    return [
        _summary(facts, language),
        _parts(facts, language),
        _complete(facts, language),
        _equipment(facts, language),
        _entries(facts, language),
        _quality(facts, language),
        _gaps(facts, language),
        _left_out(facts, language),
        _months(facts, language),
        _failovers(facts, language),
        _configurations(facts),
        _maintenance(facts),
        _files(facts),
    ]


def emergency_tables(facts: EmergencyFacts, language: Language) -> list[Table]:
    """Every table of an emergency, as :func:`tables`."""
    return [
        _fared(facts, language),
        _timeline(facts, language),
        _quality(facts, language),
        _gaps(facts, language),
        _configurations(facts),
        _maintenance(facts),
        _files(facts),
    ]


def tables_schema() -> dict[str, Any]:
    """JSON Schema of the csv files, by table: the lines after the first, each cell as the number or text that it holds.

    The columns stand in order; their titles, which are the first line, in English and as the description in Chinese.
    An empty cell is one without a value.
    """
    nothing: Any = defaultdict(list)
    made = {
        language: in_language(language, lambda: [*tables(nothing, "en"), *emergency_tables(nothing, "en")[:2]])
        for language in ("zh", "en")
    }
    return {
        table.name: {
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [
                    {"title": column.title, "description": other.title, "type": [JSON_TYPES[column.kind], "null"]}
                    for column, other in zip(table.columns, chinese.columns, strict=True)
                ],
                "items": False,
                "minItems": len(table.columns),
            },
        }
        for table, chinese in zip(made["en"], made["zh"], strict=True)
    }


def _summary(facts: Facts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            year["name"], target["id"], target["name"][language],
            _("chapter {chapter}, section {section}").format(chapter=target["chapter"], section=target["section"]),
            target["indicator"][language], target["verdict_text"][language], _evidence(target["by_hand"]),
            target["parts"][0]["figure_text"][language], target["parts"][0]["why_text"][language], target["deadline"],
        ]
        for year in facts["years"]
        for target in year["targets"]
    ]  # fmt: skip
    columns = [
        Column(_("period"), width=11), Column(_("target"), width=16), Column(_("name"), width=20),
        Column(_("clause"), width=12), Column(_("indicator"), width=22), Column(_("verdict"), width=12),
        Column(_("evidence"), width=10), Column(_("figure of the worst part"), width=20), Column(_("reason"), width=26),
        Column(_("deadline"), width=11),
    ]  # fmt: skip
    return Table("summary", _("Summary"), columns, rows)


def _parts(facts: Facts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            year["name"], target["id"], target["name"][language], part["criterion"], part["name"][language],
            part["subject"], part["subject_name"][language], part["verdict_text"][language], part["value"],
            part["low"], part["high"], part["at_least"], part["at_most"], part["evidence_ratio"],
            _evidence(part["by_hand"]), part["figure_text"][language], part["why_text"][language],
        ]
        for year in facts["years"]
        for target in year["targets"]
        for part in target["parts"]
    ]  # fmt: skip
    columns = [
        Column(_("period"), width=11), Column(_("target"), width=16), Column(_("name"), width=18),
        Column(_("criterion"), width=11), Column(_("name of the criterion"), width=16), Column(_("subject"), width=18),
        Column(_("name of the subject"), width=24), Column(_("verdict"), width=12), Column(_("value"), "number", 11),
        Column(_("at the least"), "number", 11), Column(_("at the most"), "number", 11),
        Column(_("not below"), "number", 9), Column(_("not above"), "number", 9), Column(_("known"), "share", 10),
        Column(_("evidence"), width=10), Column(_("figure"), width=20), Column(_("reason"), width=26),
    ]  # fmt: skip
    return Table("targets", _("Each target"), columns, rows)


def _months(facts: Facts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            row["first"], row["last"], row["subject"], row["subject_name"][language], row["name"][language],
            row["value"], row["low"], row["high"], row["evidence_ratio"], row["due_intervals"],
            row["known_intervals"],
        ]
        for row in facts.get("months", [])
    ]  # fmt: skip
    columns = [
        Column(_("from"), width=11), Column(_("to"), width=11), Column(_("subject"), width=22),
        Column(_("name of the subject"), width=26), Column(_("name of the criterion"), width=28),
        Column(_("value"), "number", 11), Column(_("at the least"), "number", 11),
        Column(_("at the most"), "number", 11), Column(_("known"), "share", 10),
        Column(_("five minutes due"), "number", 12), Column(_("five minutes known"), "number", 12),
    ]  # fmt: skip
    return Table("months", _("Percentiles of each month"), columns, rows)


def _evidence(by_hand: bool) -> str:
    return _("entered by people") if by_hand else _("measured")


def _complete(facts: Facts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            site["id"], site["name"][language], site["kind"][language], each["kind"][language], each["required"],
            each["present"], each["serviceable"], each["unknown"], max(0, each["required"] - each["serviceable"]),
        ]
        for site in facts["sites"]
        for each in site["complete"]
    ]  # fmt: skip
    columns = [
        Column(_("site"), width=16), Column(_("name"), width=30), Column(_("kind of site"), width=16),
        Column(_("kind"), width=24), Column(_("required"), "number", 10), Column(_("present"), "number", 10),
        Column(_("serviceable"), "number", 10), Column(_("not known"), "number", 10),
        Column(_("fewer serviceable than required by"), "number", 16),
    ]  # fmt: skip
    return Table("complete", _("Equipment complete"), columns, rows)


def _equipment(facts: Facts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            site["id"], site["name"][language], site["kind"][language], asset["id"], asset["name"][language],
            asset["kind"][language], asset["model"], asset["commissioned"], asset["retired"],
        ]
        for site in facts["sites"]
        for asset in site["equipment"]
    ]  # fmt: skip
    columns = [
        Column(_("site"), width=16), Column(_("name"), width=30), Column(_("kind of site"), width=16),
        Column(_("equipment"), width=24), Column(_("name"), width=26), Column(_("kind"), width=20),
        Column(_("model"), width=16), Column(_("in service since"), width=14), Column(_("retired"), width=12),
    ]  # fmt: skip
    return Table("sites", _("Sites and equipment"), columns, rows)


def _quality(facts: Common, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            check["id"], check["equipment"][language], check["interval_seconds"], check["expected_runs"],
            check["runs"], max(0, check["expected_runs"] - check["runs"]),
            "; ".join(f"{missed_word(name)} {count}" for name, count in check["missed_runs"].items()),
            check["good_seconds"], check["bad_seconds"], check["unknown_seconds"], check["cut_off_seconds"],
            check["maintenance_good_seconds"], check["maintenance_bad_seconds"], check["maintenance_unknown_seconds"],
            check["standby_seconds"], check["known_ratio"], check["gaps"], check["longest_gap_seconds"],
        ]
        for check in facts["checks"]
    ]  # fmt: skip
    columns = [
        Column(_("check"), width=24), Column(_("equipment"), width=28), Column(_("interval"), "seconds", 9),
        Column(_("expected runs"), "number", 10), Column(_("runs"), "number", 10),
        Column(_("missing runs"), "number", 9), Column(_("why runs are missing, where it is recorded"), width=20),
        Column(_("good"), "seconds", 12), Column(_("bad"), "seconds", 11), Column(_("unknown"), "seconds", 11),
        Column(_("of it cut off"), "seconds", 10), Column(_("good, in agreed work"), "seconds", 11),
        Column(_("bad, in agreed work"), "seconds", 11), Column(_("unknown, in agreed work"), "seconds", 11),
        Column(_("stowed"), "seconds", 12), Column(_("known"), "share", 10), Column(_("gaps"), "number", 7),
        Column(_("longest gap"), "seconds", 11),
    ]  # fmt: skip
    return Table("quality", _("Quality of the data"), columns, rows)


def _gaps(facts: Common, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [gap["check"], gap["equipment"][language], gap["since"], gap["until"], gap["seconds"],
         _("yes") if gap["restart"] else _("no")]
        for gap in facts["gaps"]
    ]  # fmt: skip
    columns = [
        Column(_("check"), width=30), Column(_("equipment"), width=36), Column(_("from"), "moment", 20),
        Column(_("to"), "moment", 20), Column(_("length"), "seconds"), Column(_("netmon was started in it"), width=18),
    ]  # fmt: skip
    return Table("gaps", _("Longest gaps"), columns, rows)


def _left_out(facts: Facts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [each["what_text"][language], each["seconds"], each["count"], each["why_text"][language]]
        for each in facts["left_out"]
    ]
    columns = [
        Column(_("what"), width=40), Column(_("length"), "seconds"), Column(_("number"), "number"),
        Column(_("why it counts for no figure"), width=70),
    ]  # fmt: skip
    return Table("left-out", _("Left out"), columns, rows)


def _entries(facts: Facts, language: Language) -> Table:
    words = {"figure": _("figure"), "document": _("document"), "drill": _("drill")}
    rows: list[list[Cell]] = [
        [
            entry["target_name"][language], entry["subject_name"][language], words[entry["kind"]], entry["at"],
            entry["value"], "" if entry["kind"] == "figure" else _("yes") if entry["passed"] else _("no"),
            entry["note"], entry["file"], entry["sha256"], entry["author"], entry["entered"],
        ]
        for entry in facts["entries"]
    ]  # fmt: skip
    columns = [
        Column(_("target"), width=24), Column(_("subject"), width=26), Column(_("kind")),
        Column(_("the day that it is about"), "moment", 20),
        Column(_("value"), "number"), Column(_("passed")), Column(_("note"), width=36), Column(_("file"), width=24),
        Column("SHA-256", width=24), Column(_("entered by"), width=16), Column(_("entered"), "moment", 20),
    ]  # fmt: skip
    return Table("entered", _("Entered by people"), columns, rows)


def _failovers(facts: Facts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            each["site_name"][language], each["uplink_name"][language], each["noticed"], each["until"],
            each["gap_low_seconds"], high if (high := each["gap_high_seconds"]) is None else math.ceil(high),
            each["result_text"][language],
            _("yes") if each["announced"] else _("no"),
        ]
        for each in facts.get("failovers", [])
    ]  # fmt: skip
    columns = [
        Column(_("site"), width=26), Column(_("uplink that was lost"), width=26), Column(_("noticed at"), "moment", 20),
        Column(_("primary again"), "moment", 20), Column(_("gap at least"), "seconds"),
        Column(_("gap at most"), "seconds"), Column(_("result"), width=70), Column(_("announced drill")),
    ]  # fmt: skip
    return Table("failovers", _("Failovers"), columns, rows)


def _configurations(facts: Common) -> Table:
    rows: list[list[Cell]] = [
        [each["since"], each["id"], each["added"], each["removed"], each["changed"]]
        for each in facts["configurations"]
    ]  # fmt: skip
    columns = [
        Column(_("in force since"), "moment", 20), Column("SHA-256", width=68), Column(_("checks added"), "number"),
        Column(_("checks taken away"), "number"), Column(_("checks changed"), "number"),
    ]  # fmt: skip
    return Table("inventories", _("Inventories"), columns, rows)


def _maintenance(facts: Common) -> Table:
    rows: list[list[Cell]] = [
        [row["since"], row["until"], row["entered"], row["reason"], ", ".join([*row["sites"], *row["equipment"]]),
         row["id"]]
        for row in facts["maintenance"]
    ]  # fmt: skip
    columns = [
        Column(_("from"), "moment", 20), Column(_("to"), "moment", 20), Column(_("announced"), "moment", 20),
        Column(_("reason"), width=40), Column(_("on what"), width=30), Column(_("window"), width=24),
    ]  # fmt: skip
    return Table("maintenance", _("Agreed work"), columns, rows)


def _files(facts: Common) -> Table:
    damaged = set(facts["damaged"])
    rows: list[list[Cell]] = [
        [file["name"], file["rows"], file["sha256"], _("damaged") if file["name"] in damaged else ""]
        for file in facts["files"]
    ]
    columns = [
        Column(_("file"), width=40),
        Column(_("rows"), "number"),
        Column("SHA-256", width=68),
        Column(_("state")),
    ]
    return Table("evidence", _("Files of evidence"), columns, rows)


def _fared(facts: EmergencyFacts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            each["id"], each["name"][language], each["kind"][language], each["result_text"][language],
            each["first_outage"], each["outages"], each["longest_outage_seconds"], each["good_seconds"],
            each["bad_seconds"], each["cut_off_seconds"], each["unknown_seconds"], each["stowed_seconds"],
            each["at_end"][language],
        ]
        for each in facts["equipment"]
    ]  # fmt: skip
    columns = [
        Column(_("equipment"), width=24), Column(_("name"), width=30), Column(_("kind"), width=18),
        Column(_("how it fared"), width=18), Column(_("first outage"), "moment", 17),
        Column(_("outages"), "number", 9), Column(_("longest outage"), "seconds", 10), Column(_("good"), "seconds", 10),
        Column(_("bad"), "seconds", 10), Column(_("cut off"), "seconds", 10), Column(_("unknown"), "seconds", 10),
        Column(_("stowed"), "seconds", 10), Column(_("at the end"), width=12),
    ]  # fmt: skip
    return Table("equipment", _("How equipment fared"), columns, rows)


def _timeline(facts: EmergencyFacts, language: Language) -> Table:
    rows: list[list[Cell]] = [
        [
            each["at"], each["until"], each["what_text"][language],
            each["subject_name"][language], each["cause_name"][language],
            "; ".join(filter(None, (
                _("it was so before") if each["before"] else "", _("work was agreed") if each["agreed"] else ""
            ))),
        ]
        for each in facts["timeline"]
    ]  # fmt: skip
    columns = [
        Column(_("from"), "moment", 17), Column(_("to"), "moment", 17), Column(_("what"), width=20),
        Column(_("name"), width=40), Column(_("cut off by"), width=40), Column(_("note"), width=24),
    ]  # fmt: skip
    return Table("timeline", _("Timeline"), columns, rows)
