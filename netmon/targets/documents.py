"""What people enter: figures and documents of what no probe sees, and drills. Events of the archive: added to, and
taken back by another event, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from netmon.archive import Event, Reader

__all__ = ["ENTERED", "WITHDRAWN", "Entry", "entries_of", "read_entries"]

ENTERED: Final = "evidence"
WITHDRAWN: Final = "evidence_withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that a person entered.

    Attributes:
        target, criterion: what it is about; an empty criterion: every one of the target's that needs documents.
        subject: id of the site or the equipment that was drilled; empty for the whole county.
        at_ns: the moment that it is about, UTC nanoseconds since the epoch.
        entered_ns, author: when and by whom it was entered.
        value: a figure, a share from 0 to 1.
        passed: whether a drill passed, or a document says that the criterion is met.
        file, sha256: the document's name and checksum.
    """

    id: str
    target: str
    kind: Literal["figure", "document", "drill"]
    at_ns: int
    entered_ns: int
    author: str
    criterion: str = ""
    subject: str = ""
    value: float | None = None
    passed: bool = False
    note: str = ""
    file: str = ""
    sha256: str = ""


def read_entries(reader: Reader) -> tuple[Entry, ...]:
    """The entries of an archive that were not taken back."""
    return entries_of([*reader.events(ENTERED), *reader.events(WITHDRAWN)])


def entries_of(events: Iterable[Event]) -> tuple[Entry, ...]:
    """The entries that were not taken back, in the order in which they were entered."""
    found: dict[str, Entry] = {}
    for event in events:
        detail: Mapping[str, Any] = event.detail
        if event.kind == ENTERED:
            entry = Entry(entered_ns=event.at_ns, **detail)
            found.setdefault(entry.id, entry)
        elif event.kind == WITHDRAWN:
            found.pop(str(detail.get("id", "")), None)
    return tuple(found.values())
