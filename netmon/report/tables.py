"""The tables of a report in one language: what csv and xlsx hold, and what the pages of the pdf show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from netmon.i18n import _

__all__ = ["Column", "Table", "tables"]

Cell = str | float | int | None


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


def tables(facts: Mapping[str, Any], language: str) -> list[Table]:
    """Every table, in the current language, which must be ``language``."""
    return [
        _summary(facts, language),
        _parts(facts, language),
        _equipment(facts, language),
        _quality(facts, language),
        _entries(facts, language),
        _maintenance(facts),
        _files(facts),
    ]


def _summary(facts: Mapping[str, Any], language: str) -> Table:
    rows = [
        [
            year["name"], target["id"], target["name"][language],
            _("chapter {chapter}, section {section}").format(**target),
            target["indicator"][language], target["verdict_text"][language],
            target["parts"][0]["figure_text"][language], target["parts"][0]["why_text"][language],
            target["deadline"],
        ]
        for year in facts["years"]
        for target in year["targets"]
    ]  # fmt: skip
    columns = [
        Column(_("period"), width=10), Column(_("target"), width=20), Column(_("name"), width=26),
        Column(_("clause"), width=16), Column(_("indicator"), width=30), Column(_("verdict"), width=16),
        Column(_("figure of the worst part"), width=30), Column(_("reason"), width=36), Column(_("deadline"), width=12),
    ]  # fmt: skip
    return Table("summary", _("Summary"), columns, rows)


def _parts(facts: Mapping[str, Any], language: str) -> Table:
    rows = [
        [
            year["name"], target["id"], target["name"][language], part["criterion"], part["name"][language],
            part["subject"], part["subject_name"][language], part["verdict_text"][language], part["value"],
            part["low"], part["high"], part["at_least"], part["at_most"], part["evidence_ratio"],
            part["figure_text"][language], part["why_text"][language],
        ]
        for year in facts["years"]
        for target in year["targets"]
        for part in target["parts"]
    ]  # fmt: skip
    columns = [
        Column(_("period"), width=10), Column(_("target"), width=20), Column(_("name"), width=24),
        Column(_("criterion"), width=14), Column(_("name of the criterion"), width=22), Column(_("subject"), width=22),
        Column(_("name of the subject"), width=30), Column(_("verdict"), width=16), Column(_("value"), "number"),
        Column(_("at the least"), "number"), Column(_("at the most"), "number"), Column(_("not below"), "number"),
        Column(_("not above"), "number"), Column(_("known"), "share"), Column(_("figure"), width=30),
        Column(_("reason"), width=36),
    ]  # fmt: skip
    return Table("targets", _("Each target"), columns, rows)


def _equipment(facts: Mapping[str, Any], language: str) -> Table:
    rows = [
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


def _quality(facts: Mapping[str, Any], language: str) -> Table:
    rows = [
        [
            check["id"], check["equipment"][language], check["interval_seconds"], check["good_seconds"],
            check["bad_seconds"], check["unknown_seconds"], check["maintenance_good_seconds"],
            check["maintenance_bad_seconds"], check["maintenance_unknown_seconds"], check["known_ratio"],
            check["gaps"], check["longest_gap_seconds"],
        ]
        for check in facts["checks"]
    ]  # fmt: skip
    columns = [
        Column(_("check"), width=30), Column(_("equipment"), width=30), Column(_("interval"), "seconds"),
        Column(_("good"), "seconds"), Column(_("bad"), "seconds"), Column(_("unknown"), "seconds"),
        Column(_("good, in agreed work"), "seconds"), Column(_("bad, in agreed work"), "seconds"),
        Column(_("unknown, in agreed work"), "seconds"), Column(_("known"), "share"), Column(_("gaps"), "number"),
        Column(_("longest gap"), "seconds"),
    ]  # fmt: skip
    return Table("quality", _("Quality of the data"), columns, rows)


def _entries(facts: Mapping[str, Any], language: str) -> Table:
    words = {"figure": _("figure"), "document": _("document"), "drill": _("drill")}
    rows = [
        [
            entry["target_name"][language], entry["subject_name"][language], words[entry["kind"]], entry["at"],
            entry["value"], _("yes") if entry["passed"] else _("no"), entry["note"], entry["file"], entry["sha256"],
            entry["author"], entry["entered"],
        ]
        for entry in facts["entries"]
    ]  # fmt: skip
    columns = [
        Column(_("target"), width=24), Column(_("subject"), width=26), Column(_("kind")),
        Column(_("about"), "moment", 20),
        Column(_("value"), "number"), Column(_("passed")), Column(_("note"), width=36), Column(_("file"), width=24),
        Column("SHA-256", width=20), Column(_("entered by"), width=16), Column(_("entered"), "moment", 20),
    ]  # fmt: skip
    return Table("entered", _("Entered by people"), columns, rows)


def _maintenance(facts: Mapping[str, Any]) -> Table:
    rows = [[row["since"], row["until"], row["entered"], row["reason"], row["id"]] for row in facts["maintenance"]]
    columns = [
        Column(_("from"), "moment", 20), Column(_("to"), "moment", 20), Column(_("announced"), "moment", 20),
        Column(_("reason"), width=40), Column(_("window"), width=24),
    ]  # fmt: skip
    return Table("maintenance", _("Agreed work"), columns, rows)


def _files(facts: Mapping[str, Any]) -> Table:
    damaged = set(facts["damaged"])
    rows = [
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
