"""A report that says as little as one can, with a hostile name, and files in place of those that take seconds."""

from __future__ import annotations

import json
from pathlib import Path

from netmon.report.manifest import write
from netmon.report.shapes import SCHEMA, Facts, FoundPart, PeriodFacts, TargetFacts, Texts

__all__ = ["NAME", "put_sheet", "write_small"]

NAME = "<script>alert(1)</script>"


def facts(name: str) -> Facts:
    """As little as a report can say."""
    both: Texts = {"zh": NAME, "en": NAME}
    part: FoundPart = {
        "criterion": "c", "name": both, "rule": "availability", "at_least": None, "at_most": None,
        "longest_age_seconds": 0.0, "source": "plan", "subject": "", "subject_name": both, "verdict": "not_met",
        "verdict_text": both, "why": "missed", "why_text": both, "value": None, "low": None, "high": None,
        "figure_text": both, "evidence_ratio": None, "figures": {}, "by_hand": False,
    }  # fmt: skip
    target: TargetFacts = {
        "id": "t", "name": both, "chapter": 1, "section": 1, "says": both, "indicator": both, "deadline": None,
        "deadline_source": "plan", "verdict": "not_met", "verdict_text": {"zh": "不达标", "en": "not met"},
        "by_hand": False, "parts": [part],
    }  # fmt: skip
    period: PeriodFacts = {"name": name, "first": "", "last": "", "known_until": "", "complete": True}
    return {
        "schema": SCHEMA, "kind": "targets", "netmon": "0", "name": name, "issued": "2026-01-05", "register": "r",
        "organisation": both, "sample": True, "damaged": [NAME], "files": [], "configurations": [], "checks": [],
        "gaps": [], "gaps_not_listed": 0, "maintenance": [], "events": {"counts": {}, "clock_steps": []},
        "site": None, "plan": both, "sites": [], "left_out": [], "entries": [], "period": period,
        "years": [{"name": name, "known_since": None, "known_until": "", "targets": [target]}],
    }  # fmt: skip


def write_small(folder: Path, name: str) -> None:
    """To a folder."""
    content = json.dumps(facts(name)).encode()
    files = {f"netmon-{name}.json": content, f"netmon-{name}.zh.pdf": b"%PDF-1.7 pages"}
    write(folder, facts(name), [(file, lambda made=made: made) for file, made in files.items()])


def put_sheet(folder: Path, language: str) -> None:
    """What stands for the sheet of a shift."""
    folder.mkdir(parents=True)
    (folder / f"netmon-handover.{language}.pdf").write_bytes(b"%PDF-1.7 sheet")
