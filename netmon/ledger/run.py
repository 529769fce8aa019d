"""A ledger into the inventory: compared, written beside it, read back as any inventory, then put in its place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from netmon.config import Config, ConfigError, Problem, load
from netmon.config.yaml_reader import read
from netmon.i18n import _
from netmon.ledger.compare import Change, Comparison, compare
from netmon.ledger.errors import LedgerError, LedgerProblem
from netmon.ledger.mapping import Mapping
from netmon.ledger.sheet import read_rows
from probes.base import ProbeKind

__all__ = ["Outcome", "import_ledger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an import found and did.

    Attributes:
        written: the inventory was replaced; the one before is beside it, with ``.bak``.
    """

    comparison: Comparison
    written: bool


def import_ledger(
    ledger: Path, mapping: Mapping, inventory: Path, *, kinds: AbstractMapping[str, ProbeKind[Any]], write: bool
) -> Outcome:
    """Compare a ledger with the inventory, and take it over if ``write``.

    Raises:
        ConfigError: the inventory has mistakes.
        LedgerError: the ledger has, or the inventory would have with it.
        OSError: the folder cannot be written.
    """
    config = load(inventory, kinds=kinds)
    sheet, rows = read_rows(ledger, mapping)
    document = _parse(config.text)
    comparison = compare(rows, config, mapping, file=ledger.name, sheet=sheet, hosts=_hosts(document))
    if not comparison.changes:
        return Outcome(comparison=comparison, written=False)
    for change in comparison.changes:
        _apply(document, change)
    text = _dump(document)
    with tempfile.NamedTemporaryFile(
        "w", dir=inventory.parent, prefix=f".{inventory.name}.", suffix=".new", encoding="utf-8", delete=False
    ) as file:
        fresh = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            _require_right(fresh, text, comparison, kinds, ledger=ledger.name, sheet=sheet)
            if write:
                _replace(fresh, inventory, config)
        finally:
            fresh.unlink(missing_ok=True)
    return Outcome(comparison=comparison, written=write)


def _replace(fresh: Path, inventory: Path, config: Config) -> None:
    if inventory.read_text(encoding="utf-8") != config.text:
        what = _("somebody has changed the file meanwhile")
        raise ConfigError([Problem(str(inventory), 1, 1, what, write=_("nothing; import again"))])
    shutil.copymode(inventory, fresh)
    shutil.copy2(inventory, inventory.with_name(inventory.name + ".bak"))
    fresh.replace(inventory)
    folder = os.open(inventory.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _parse(text: str) -> Any:
    return _yaml().load(text)


def _dump(document: Any) -> str:
    stream = StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def _hosts(document: Any) -> dict[str, str]:
    hosts = {}
    for site in document["sites"]:
        for equipment in site.get("equipment") or ():
            end = equipment.get("address") or (equipment.get("endpoints") or {}).get("host") or ""
            hosts[f"{site['id']}/{equipment['id']}"] = str(end if isinstance(end, str) else end.get("host", ""))
    return hosts


def _apply(document: Any, change: Change) -> None:
    site_id, _slash, name = change.asset.partition("/")
    site = next(site for site in document["sites"] if site["id"] == site_id)
    if change.new:
        if not site.get("equipment"):
            site["equipment"] = []
        equipment = {"id": name, "kind": change.kind}
        site["equipment"].append(equipment)
        equipment = site["equipment"][-1]
    else:
        equipment = next(item for item in site["equipment"] if item["id"] == name)
    for key, (_before, after) in change.fields.items():
        _set(equipment, key, after, site_id)


def _set(equipment: Any, key: str, value: str, site_id: str) -> None:
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    text = DoubleQuotedScalarString(value)
    if key.startswith("name."):
        names = equipment.get("name")
        if not isinstance(names, dict):
            old = {} if names is None else {"zh" if any(ord(sign) > 0x3000 for sign in names) else "en": names}
            equipment["name"] = old
            names = equipment["name"]
        names[key.partition(".")[2]] = text
    elif key == "parent":
        equipment["parent"] = value.removeprefix(f"{site_id}/")
    elif key == "address":
        ends = equipment.get("endpoints")
        holder, name = (ends, "host") if ends and "host" in ends else (equipment, "address")
        if isinstance(holder.get(name), dict):
            holder, name = holder[name], "host"
        holder[name] = text
    else:
        equipment[key] = text


def _require_right(
    fresh: Path,
    text: str,
    comparison: Comparison,
    kinds: AbstractMapping[str, ProbeKind[Any]],
    *,
    ledger: str,
    sheet: str,
) -> None:
    """Load the new inventory as any other; a mistake is told with the row that it comes from."""
    try:
        config = load(fresh, kinds=kinds)
    except ConfigError as error:
        lines = _lines_of(text, comparison)
        problems = []
        for problem in error.problems:
            row = next((row for first, last, row in lines if first <= problem.line <= last), 0)
            what = _("the inventory would have a mistake: {what}").format(what=problem.what)
            problems.append(LedgerProblem(ledger, sheet, row, "", what, problem.write))
        raise LedgerError(problems) from error
    for change in comparison.changes:
        asset = config.assets[change.asset]
        for key, (_before, after) in change.fields.items():
            if key == "address":
                continue
            found = getattr(asset.name, key.partition(".")[2]) if key.startswith("name.") else getattr(asset, key)
            if str(found) != after:
                what = _("{value} would be read as {found}").format(value=after, found=found)
                raise LedgerError([LedgerProblem(ledger, sheet, change.row, "", what)])


def _lines_of(text: str, comparison: Comparison) -> list[tuple[int, int, int]]:
    """First and last line of each changed piece of equipment, and its row."""
    rows = {change.asset: change.row for change in comparison.changes}
    document = read(text, "")
    found = []
    for number, site in enumerate(document.root["sites"]):
        equipment = site.get("equipment") or []
        starts = [document.spot(("sites", number, "equipment", index))[0] for index in range(len(equipment))]
        last_site = number + 1 == len(document.root["sites"])
        after = len(document.lines) + 1 if last_site else document.spot(("sites", number + 1))[0]
        for item, first, last in zip(equipment, starts, [*starts[1:], after][: len(starts)], strict=True):
            row = rows.get(f"{site['id']}/{item['id']}")
            if row is not None:
                found.append((first, max(first, last - 1), row))
    return found
