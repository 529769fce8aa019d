"""Entering what no probe sees: checked against the register and the inventory, then an event of the archive."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Final, Protocol

from netmon.i18n import _
from netmon.targets.documents import ENTERED, WITHDRAWN, Entry
from netmon.targets.register import Register
from netmon.words import printable

__all__ = ["EntryBook", "EntryError", "enter", "withdraw"]

MAX_NOTE: Final = 500
SHA256_DIGITS: Final = 64


class EntryError(ValueError):
    """What is wrong with an entry, and what to write instead."""


class EntryBook(Protocol):
    """Where events go: the journal."""

    def append_event(self, kind: str, at_ns: int, detail: Mapping[str, object]) -> None:
        """Add an event."""

    async def flush(self) -> None:
        """Return when it is on the disk."""


async def enter(
    book: EntryBook, register: Register, entries: Sequence[Entry], *, subjects: Collection[str], now_ns: int
) -> list[Entry]:
    """Record entries under new ids, all or none; they are on the disk when this returns.

    Args:
        entries: their ids and times of entering are given here.
        subjects: ids of all sites and equipment.

    Raises:
        EntryError: nothing was recorded; one line for each entry that is wrong, with its place where there are several.
        ArchiveError: the disk does not take it yet.
    """
    problems = []
    for number, entry in enumerate(entries, 1):
        try:
            _check(register, entry, subjects, now_ns)
        except EntryError as error:
            text = _("entry {number}: {error}").format(number=number, error=error)
            problems.append(text if len(entries) > 1 else str(error))
    if problems:
        raise EntryError("\n".join(problems))
    made = []
    for entry in entries:
        detail = asdict(entry) | {"id": f"e-{secrets.token_hex(4)}"}
        del detail["entered_ns"]
        book.append_event(ENTERED, now_ns, detail)
        made.append(Entry(entered_ns=now_ns, **detail))
    await book.flush()
    return made


async def withdraw(book: EntryBook, entries: Collection[Entry], entry_id: str, *, author: str, now_ns: int) -> None:
    """Take an entry back: it stays in the record, and counts no more.

    Raises:
        EntryError: there is none of this id.
        ArchiveError: the disk does not take it yet.
    """
    if entry_id not in {entry.id for entry in entries}:
        raise EntryError(_("no entry {name}").format(name=printable(entry_id[:64])))
    book.append_event(WITHDRAWN, now_ns, {"id": entry_id, "author": author})
    await book.flush()


def _check(register: Register, entry: Entry, subjects: Collection[str], now_ns: int) -> None:
    target = register.targets.get(entry.target)
    if target is None:
        known = ", ".join(register.targets)
        raise EntryError(
            _("no target {name}; write one of {keys}").format(name=printable(entry.target[:64]), keys=known)
        )
    rules = {criterion.id: criterion.rule for criterion in target.criteria}
    if entry.criterion and entry.criterion not in rules:
        raise EntryError(
            _("the target {target} has no criterion {name}; write one of {keys}").format(
                target=target.id, name=printable(entry.criterion[:64]), keys=", ".join(rules)
            )
        )
    drilled = [rule for rule in rules.values() if rule in ("drill_age", "drill_count")]
    if entry.kind == "drill" and not drilled:
        raise EntryError(_("the target {target} is not judged by drills").format(target=target.id))
    if entry.kind == "drill" and entry.subject not in subjects:
        raise EntryError(
            _("no site and no equipment {name}").format(name=printable(entry.subject[:130]) or _("nothing"))
        )
    if entry.kind == "figure" and (entry.value is None or not 0 <= entry.value <= 1):
        raise EntryError(_("a figure is a share between 0 and 1, or 0% and 100%"))
    if entry.at_ns > now_ns:
        raise EntryError(_("the day is in the future"))
    if len(entry.note) > MAX_NOTE or len(entry.file) > MAX_NOTE:
        raise EntryError(_("the text is longer than {count} characters").format(count=MAX_NOTE))
    if entry.kind == "document" and len(entry.sha256) != SHA256_DIGITS:
        raise EntryError(_("a document needs its file"))
