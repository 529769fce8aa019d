"""A folder with a report: its files, a manifest with their checksums, and whether all of it still holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from netmon.i18n import _
from netmon.report.shapes import SCHEMA, EmergencyFacts, Facts, Manifest
from netmon.words import printable

__all__ = ["MANIFEST", "ReportError", "as_json", "differences", "read_facts", "read_manifest", "write"]

MANIFEST: Final = "manifest.json"
LONGEST_ERROR: Final = 200
T = TypeVar("T")


class ReportError(Exception):
    """A report cannot be written or read: the message says why."""


def write(
    folder: Path,
    facts: Facts | EmergencyFacts,
    files: Iterable[tuple[str, Callable[[], bytes]]],
    advance: Callable[[], object] = lambda: None,
) -> list[Path]:
    """Write everything, the manifest last.

    Args:
        files: each one's name, and what makes its content.
        advance: called after each file.

    Raises:
        ReportError: the folder cannot be written.
    """
    sums = {}
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, make in files:
            content = make()
            (folder / name).write_bytes(content)
            written.append(folder / name)
            sums[name] = hashlib.sha256(content).hexdigest()
            advance()
        manifest: Manifest = {
            "schema": facts["schema"], "netmon": facts["netmon"], "issued": facts["issued"],
            "name": facts["name"], "register": facts["register"] if facts["kind"] == "targets" else "",
            "configurations": [each["id"] for each in facts["configurations"]],
            "files": sums, "evidence": {file["name"]: file["sha256"] for file in facts["files"]},
        }  # fmt: skip
        (folder / MANIFEST).write_bytes(as_json(manifest))
    except OSError as error:
        raise ReportError(_("{path} cannot be written: {error}").format(path=folder, error=error)) from error
    return [*written, folder / MANIFEST]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a report.

    Raises:
        ReportError: there is none, or another version of netmon wrote it.
    """
    return _read(folder / MANIFEST, TypeAdapter(Manifest))


def read_facts(folder: Path, name: str) -> Facts | EmergencyFacts:
    """What a report says.

    Raises:
        ReportError: it cannot be read, or another version of netmon wrote it.
    """
    return _read(folder / f"netmon-{name}.json", TypeAdapter[Facts | EmergencyFacts](Facts | EmergencyFacts))


def _read(path: Path, shape: TypeAdapter[T]) -> T:
    try:
        data = path.read_bytes()
        schema = json.loads(data).get("schema")
    except (OSError, ValueError, AttributeError) as error:
        raise ReportError(_("{path} holds no report: {error}").format(path=path, error=error)) from error
    if schema != SCHEMA:
        what = _("{path} was written by another version of netmon: its schema is {schema}, and not {own}")
        raise ReportError(what.format(path=path, schema=printable(str(schema)), own=SCHEMA))
    try:
        return shape.validate_json(data)
    except ValueError as error:
        first = str(error).partition("\n")[2].replace("\n", " ")[:LONGEST_ERROR]
        raise ReportError(_("{path} holds no report: {error}").format(path=path, error=printable(first))) from error


def differences(
    folder: Path, days: Path, manifest: Manifest, old: Mapping[str, Any], new: Mapping[str, Any]
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
    wrong = []
    damaged = set(new["damaged"])
    today = {file["name"]: file["sha256"] for file in new["files"]}
    for name, wanted in sorted(manifest["evidence"].items()):
        if name in damaged or not (days / name).is_file():
            wrong.append(name)
            yield _("{file} of the archive is damaged or missing").format(file=name)
        elif today.get(name) != wanted or _sum(days / name) != wanted:
            wrong.append(name)
            yield _("{file} of the archive is not the one that the report stands on").format(file=name)
    yield from _targets(old, new, wrong)
    for key in sorted(set(old) - {"years", "files", "damaged", "netmon"}):
        if old[key] != new.get(key):
            yield _("{part} of the report comes out differently").format(part=key)


def _targets(old: Mapping[str, Any], new: Mapping[str, Any], wrong: Collection[str]) -> Iterator[str]:
    """Targets with other figures, and those that stand on files that are not what they were, whatever they say."""
    now = {(year["name"], target["id"]): target for year in new.get("years", ()) for target in year["targets"]}
    for year in old.get("years", ()):
        shaken = any(_touches(name, year) for name in wrong)
        for target in year["targets"]:
            what = {"period": year["name"], "target": target["id"]}
            if now.get((year["name"], target["id"])) != target:
                yield _("{period}: target {target} comes out differently").format(**what)
            elif shaken and any(part["evidence_ratio"] is not None for part in target["parts"]):
                yield _("{period}: target {target} stands on a file that is not what it was").format(**what)


def _touches(name: str, year: Mapping[str, Any]) -> bool:
    """Whether a file of the archive, by its UTC day, holds something of a year; one whose name tells no day may."""
    try:
        begin = datetime.fromisoformat(f"{Path(name).name[:10]}T00:00:00+00:00")
    except ValueError:
        return True
    since, until = year["known_since"], year["known_until"]
    return since is not None and (
        begin < datetime.fromisoformat(until) and begin + timedelta(days=1) > datetime.fromisoformat(since)
    )


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_json(value: Any) -> bytes:
    """The same bytes for the same value."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
