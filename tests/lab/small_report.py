"""A report that says as little as one can, with a hostile name, and files in place of those that take seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from netmon.report.manifest import write

__all__ = ["NAME", "put_sheet", "write_small"]

NAME = "<script>alert(1)</script>"


def facts(name: str) -> Any:
    """As little as a report can say."""
    both = {"zh": NAME, "en": NAME}
    part = {"figure_text": both, "why_text": both, "subject_name": both}
    target = {"name": both, "verdict": "not_met", "verdict_text": {"zh": "不达标", "en": "not met"}, "parts": [part]}
    return {
        "schema": 2, "kind": "targets", "netmon": "0", "name": name, "issued": "2026-01-05", "register": "r",
        "organisation": both, "sample": True, "damaged": [NAME], "files": [], "configurations": [],
        "period": {"name": name}, "years": [{"name": name, "targets": [target]}],
    }  # fmt: skip


def write_small(folder: Path, name: str) -> None:
    """To a folder."""
    content = json.dumps(facts(name)).encode()
    files = [(f"netmon-{name}.json", content), (f"netmon-{name}.zh.pdf", b"%PDF-1.7 pages")]
    write(folder, facts(name), iter(files))


def put_sheet(folder: Path, language: str) -> None:
    """What stands for the sheet of a shift."""
    folder.mkdir(parents=True)
    (folder / f"netmon-handover.{language}.pdf").write_bytes(b"%PDF-1.7 sheet")
