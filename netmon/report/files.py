"""A folder with a report: its files, a manifest with their checksums, and whether all of it still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from netmon.i18n import _, current_language, use_language
from netmon.report.pages import as_pdf
from netmon.report.sheets import as_csv, as_xlsx
from netmon.report.tables import tables
from netmon.targets.verdict import Verdict
from netmon.targets.words import verdict_word

__all__ = ["FORMATS", "MANIFEST", "ReportError", "differences", "make", "read_manifest", "write"]

FORMATS: Final = ("xlsx", "pdf", "csv", "json")
MANIFEST: Final = "manifest.json"


class ReportError(Exception):
    """A report cannot be written or read: the message says why."""


def make(facts: Mapping[str, Any], formats: Collection[str], languages: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Each file's name and content. The facts are always among them: they are what can be verified."""
    name = f"netmon-{facts['period']['name']}"
    yield f"{name}.json", _json(facts)
    before = current_language()
    try:
        for language in languages:
            use_language(language)
            made = {table.name: table for table in tables(facts, language)}
            if "csv" in formats:
                for table in made.values():
                    yield f"{name}.{table.name}.{language}.csv", as_csv(table)
            if "xlsx" in formats:
                last = facts["years"][-1]["targets"] if facts["years"] else []
                counts = [
                    (verdict_word(verdict), sum(target["verdict"] == verdict for target in last)) for verdict in Verdict
                ]
                title = f"{facts['organisation'][language]} {facts['period']['name']}".strip()
                issued = date.fromisoformat(facts["issued"])
                yield f"{name}.{language}.xlsx", as_xlsx(list(made.values()), title, issued, counts)
            if "pdf" in formats:
                yield f"{name}.{language}.pdf", as_pdf(facts, made, language)
    finally:
        use_language(before)


def write(folder: Path, facts: Mapping[str, Any], files: Iterator[tuple[str, bytes]]) -> list[Path]:
    """Write everything, the manifest last.

    Raises:
        ReportError: the folder cannot be written.
    """
    sums = {}
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files:
            (folder / name).write_bytes(content)
            written.append(folder / name)
            sums[name] = hashlib.sha256(content).hexdigest()
        manifest = {
            "schema": facts["schema"], "netmon": facts["netmon"], "issued": facts["issued"],
            "period": facts["period"]["name"], "register": facts["register"],
            "configurations": [each["id"] for each in facts["configurations"]],
            "files": sums, "evidence": {file["name"]: file["sha256"] for file in facts["files"]},
        }  # fmt: skip
        (folder / MANIFEST).write_bytes(_json(manifest))
    except OSError as error:
        raise ReportError(_("{path} cannot be written: {error}").format(path=folder, error=error)) from error
    return [*written, folder / MANIFEST]


def read_manifest(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest and the facts of a report.

    Raises:
        ReportError: it is none.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        facts = json.loads((folder / f"netmon-{manifest['period']}.json").read_bytes())
        date.fromisoformat(facts["issued"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(_("{path} holds no report: {error}").format(path=folder, error=error)) from error
    return manifest, facts


def differences(
    folder: Path, days: Path, manifest: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    """What does not hold any more, in words; nothing if all does.

    Args:
        days: the archive's folder of closed days; its files are read and their checksums made anew.
        old, new: the facts of the report, and what the archive says today.
    """
    for name, wanted in sorted(manifest["files"].items()):
        path = folder / name
        if "/" in name or not path.is_file():
            yield _("{file} of the report is missing").format(file=name)
        elif hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            yield _("{file} of the report was changed").format(file=name)
    damaged = set(new["damaged"])
    today = {file["name"]: file["sha256"] for file in new["files"]}
    for name, wanted in sorted(manifest["evidence"].items()):
        if name in damaged or not (days / name).is_file():
            yield _("{file} of the archive is damaged or missing").format(file=name)
        elif today.get(name) != wanted or _sum(days / name) != wanted:
            yield _("{file} of the archive is not the one that the report stands on").format(file=name)
    now = {(year["name"], target["id"]): target for year in new["years"] for target in year["targets"]}
    for year in old["years"]:
        for target in year["targets"]:
            if now.get((year["name"], target["id"])) != target:
                yield _("{period}: target {target} comes out differently").format(
                    period=year["name"], target=target["id"]
                )
    for key in sorted(set(old) - {"years", "files", "damaged", "netmon"}):
        if old[key] != new.get(key):
            yield _("{part} of the report comes out differently").format(part=key)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
