"""Rows of a ledger against the inventory: what is new, what differs, what is gone. Ids stay as they are. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from netmon.config import Config, nearest
from netmon.config.defaults import EQUIPMENT_CHECKS
from netmon.config.shape import CHINESE, ID, MAX_ID_LENGTH, MAX_TEXT_LENGTH
from netmon.i18n import _
from netmon.ledger.errors import LedgerError, LedgerProblem
from netmon.ledger.mapping import Mapping
from netmon.ledger.sheet import Row, the_date
from netmon.model import Asset, LocalText

__all__ = ["Change", "Comparison", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a row asks for.

    Attributes:
        asset: ``site/equipment``.
        row: the ledger's.
        kind: of the equipment.
        new: the inventory does not have it yet.
        fields: by key of the inventory: before (empty if there was nothing) and after.
    """

    asset: str
    row: int
    kind: str
    new: bool
    fields: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The whole difference.

    Attributes:
        changes: new and changed equipment, in the ledger's order.
        same: rows that say what the inventory says.
        gone: equipment in service, at a site that the ledger names, which the ledger does not have. Nothing is done
            about it: equipment is retired by its date, never removed.
    """

    changes: tuple[Change, ...]
    same: int
    gone: tuple[str, ...]


def compare(
    rows: Sequence[Row], config: Config, mapping: Mapping, *, file: str, sheet: str, hosts: dict[str, str]
) -> Comparison:
    """What the ledger would change.

    Args:
        hosts: the ``address`` (or endpoint ``host``) of each piece of equipment as the inventory has it.

    Raises:
        LedgerError: with everything that is wrong.
    """
    return _Comparer(config, mapping, file, sheet, hosts).run(rows)


@dataclass(slots=True)
class _Comparer:
    config: Config
    mapping: Mapping
    file: str
    sheet: str
    hosts: dict[str, str]
    problems: list[LedgerProblem] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    named: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def run(self, rows: Sequence[Row]) -> Comparison:
        placed = [(row, place) for row in rows if (place := self._place(row)) is not None]
        # Equipment that is there is found first, so that no new row takes its place or its number.
        known = {row.number: self._find(row, *place) for row, place in placed}
        claimed = {name for name in known.values() if name is not None}
        ids = set(self.config.assets) | claimed
        names: dict[int, str] = {}
        for row, (site, kind) in placed:
            found = known[row.number]
            if found is None and "id" not in row.cells:
                alike = (site, kind, _folded(row.cells["name"]))
                if alike in self.named:
                    what = _("row {number} has the same site, kind and name").format(number=self.named[alike])
                    self._report(row, "name", what, _("a name of its own, or a column with ids"))
                    continue
                self.named[alike] = row.number
            if found is None:
                found = self._new_id(row, site, kind, ids)
                ids.add(found)
            if found in self.taken:
                what = _("this is {asset}, as in row {number}").format(asset=found, number=self.taken[found])
                self._report(row, "name", what, _("each piece of equipment once, or a name of its own"))
                continue
            self.taken[found] = row.number
            names[row.number] = found
        changes, same = [], 0
        for row, (_site, kind) in placed:
            if row.number not in names:
                continue
            asset_id = names[row.number]
            fields = self._fields(row, asset_id, kind, names, placed)
            if fields or asset_id not in self.config.assets:
                new = asset_id not in self.config.assets
                changes.append(Change(asset=asset_id, row=row.number, kind=kind, new=new, fields=fields))
            else:
                same += 1
        if self.problems:
            raise LedgerError(self.problems)
        sites = {site for _row, (site, _kind) in placed}
        gone = tuple(
            asset.id
            for asset in self.config.assets.values()
            if asset.site in sites and asset.retired is None and asset.id not in self.taken
        )
        return Comparison(changes=tuple(changes), same=same, gone=gone)

    def _place(self, row: Row) -> tuple[str, str] | None:
        site, kind = self._site(row), self._kind(row)
        if "name" not in row.cells:
            self._report(row, "name", _("the cell is empty"), _("the equipment's name"))
            return None
        if len(row.cells["name"]) > MAX_TEXT_LENGTH or not row.cells["name"].isprintable():
            self._report(
                row, "name", _("the text has line breaks or is too long"), _("one line of at most 200 characters")
            )
            return None
        return (site, kind) if site and kind else None

    def _site(self, row: Row) -> str:
        word = row.cells.get("site", "")
        wanted = self.mapping.values.site.get(word, word)
        words: dict[str, str] = {}
        for site in self.config.sites.values():
            for name in (site.id, site.name.zh, site.name.en):
                words.setdefault(_folded(name), site.id)
        found = words.get(_folded(wanted), "") if wanted else ""
        if not found:
            what = _("no site {name}").format(name=word) if word else _("the cell is empty")
            close = nearest(_folded(wanted), filter(None, words)) if wanted else ""
            what += _("; did you mean {word}?").format(word=close) if close else ""
            self._report(row, "site", what, _("a site of the inventory, or its id under values: site in the map"))
        return found

    def _kind(self, row: Row) -> str:
        word = row.cells.get("kind", "")
        kind = self.mapping.values.kind.get(word, word)
        if kind in EQUIPMENT_CHECKS:
            return kind
        what = _("no kind of equipment {name}").format(name=word) if word else _("the cell is empty")
        self._report(row, "kind", what, _("a word that stands under values: kind in the map"))
        return ""

    def _find(self, row: Row, site: str, kind: str) -> str | None:
        """The equipment of the inventory that the row means: by id, else by name, else by address."""
        if "id" in row.cells:
            wanted = f"{site}/{self._plain(row, 'id').removeprefix(f'{site}/')}"
            if not ID.fullmatch(wanted.partition("/")[2]) or len(wanted.partition("/")[2]) > MAX_ID_LENGTH:
                self._report(row, "id", _("{value} is no id").format(value=row.cells["id"]),
                             _("lower-case letters, digits and '-'"))  # fmt: skip
            asset = self.config.assets.get(wanted)
            if asset is not None and asset.kind != kind:
                what = _("{asset} is a {kind} in the inventory").format(asset=wanted, kind=asset.kind)
                self._report(row, "kind", what, _("the kind that it has, or an id of its own"))
            return wanted if asset is not None else None
        here = [asset for asset in self.config.assets.values() if asset.site == site and asset.kind == kind]
        name = _folded(row.cells["name"])
        named = [asset for asset in here if name in (_folded(asset.name.zh), _folded(asset.name.en))]
        if not named and "address" in row.cells:
            named = [asset for asset in here if self.hosts.get(asset.id) == self._plain(row, "address")]
        if len(named) > 1:
            what = _("several pieces of equipment have this name: {names}").format(names=", ".join(a.id for a in named))
            self._report(row, "name", what, _("a column with ids"))
        return named[0].id if named else None

    def _new_id(self, row: Row, site: str, kind: str, ids: Iterable[str]) -> str:
        if "id" in row.cells:
            return f"{site}/{self._plain(row, 'id').removeprefix(f'{site}/')}"
        base = f"{site}/{kind.replace('_', '-')}"
        number = 1
        while f"{base}-{number}" in ids:
            number += 1
        return f"{base}-{number}"

    def _fields(
        self, row: Row, asset_id: str, kind: str, names: dict[int, str], placed: Sequence[tuple[Row, Any]]
    ) -> dict[str, tuple[str, str]]:
        asset = self.config.assets.get(asset_id) or Asset(id=asset_id, site="", kind=kind, name=LocalText())
        fields: dict[str, tuple[str, str]] = {}

        def note(key: str, before: str, after: str) -> None:
            if after and _folded(before) != _folded(after):
                fields[key] = (before, after)

        language = "zh" if CHINESE.search(row.cells["name"]) else "en"
        note(f"name.{language}", getattr(asset.name, language), row.cells["name"])
        note("name.en", asset.name.en, row.cells.get("name_en", ""))
        note("model", asset.model, row.cells.get("model", ""))
        note("address", self.hosts.get(asset_id, ""), self._plain(row, "address"))
        for key, day in (("commissioned", asset.commissioned), ("retired", asset.retired)):
            note(key, "" if day is None else day.isoformat(), self._day(row, key))
        note("parent", asset.parent or "", self._parent(row, asset_id, names, placed))
        return fields

    def _day(self, row: Row, key: str) -> str:
        text = row.cells.get(key, "")
        day = the_date(text) if text else None
        if text and day is None:
            self._report(row, key, _("{value} is no date").format(value=text), _("year-month-day, such as 2026-01-31"))
        return "" if day is None else day.isoformat()

    def _parent(self, row: Row, asset_id: str, names: dict[int, str], placed: Sequence[tuple[Row, Any]]) -> str:
        word = row.cells.get("parent", "")
        if not word:
            return ""
        site = asset_id.partition("/")[0]
        choices = {asset.id: asset.id for asset in self.config.assets.values()}
        for asset in self.config.assets.values():
            if asset.site == site:
                choices |= {asset.id.partition("/")[2]: asset.id, asset.name.zh: asset.id, asset.name.en: asset.id}
        for other, (other_site, _kind) in placed:
            if other_site == site and other.number in names:
                choices[other.cells["name"]] = names[other.number]
        folded = {_folded(name): target for name, target in choices.items() if name}
        found = folded.get(_folded(word), "")
        if not found:
            close = nearest(_folded(word), folded)
            what = _("no equipment {name}").format(name=word)
            what += _("; did you mean {word}?").format(word=close) if close else ""
            self._report(row, "parent", what, _("a name or an id at the same site"))
        return found

    def _plain(self, row: Row, key: str) -> str:
        """Full-width letters and digits, which Chinese input methods make, as plain ones."""
        return unicodedata.normalize("NFKC", row.cells.get(key, "")).replace(" ", "")

    def _report(self, row: Row, key: str, what: str, write: str) -> None:
        column = self.mapping.head(key)
        self.problems.append(LedgerProblem(self.file, self.sheet, row.number, column, what, write))


def _folded(text: str) -> str:
    """A name for comparison: full-width signs, case and spaces make no difference."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
