"""The record of who did what: in the archive, for good."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from netmon.archive import Event, Journal, Reader
from netmon.logs import fields
from netmon.runner import Clock

__all__ = ["ArchiveBook", "Book", "NoBook"]

log = logging.getLogger(__name__)

EVENT_KIND = "action"


class Book(Protocol):
    """Where it is taken down who did what."""

    def record(self, *, actor: str, role: str, source: str, action: str, subject: str, outcome: str) -> None:
        """Take down one action; ``outcome`` is ``done`` or ``refused``."""

    async def actions(self, *, actor: str, action: str, before_ns: int | None, limit: int) -> Sequence[Event]:
        """The newest actions before a moment, newest first; an empty ``actor`` or ``action`` stands for all."""


class NoBook:
    """Keeps nothing: for pages without an archive."""

    def record(self, **_entry: str) -> None:
        """Forget it."""

    async def actions(self, **_choice: object) -> Sequence[Event]:
        """Nothing."""
        return ()


class ArchiveBook:
    """Events of kind ``action`` in the journal, which has no way to change or remove one; also a line in the log.

    Args:
        folder: where the archive is read.
    """

    def __init__(self, journal: Journal, folder: Path, clock: Clock) -> None:
        self._journal = journal
        self._folder = folder
        self._clock = clock

    def record(self, *, actor: str, role: str, source: str, action: str, subject: str, outcome: str) -> None:
        """Take down one action."""
        detail = {
            "actor": actor, "role": role, "source": source, "action": action, "subject": subject, "outcome": outcome,
        }  # fmt: skip
        self._journal.append_event(EVENT_KIND, self._clock.wall_ns(), detail)
        log.info("action", extra=fields(**detail))

    async def actions(self, *, actor: str, action: str, before_ns: int | None, limit: int) -> Sequence[Event]:
        """The newest actions before a moment, newest first; an empty ``actor`` or ``action`` stands for all.

        Raises:
            ArchiveError: the archive cannot be read.
        """

        def wanted(event: Event) -> bool:
            return actor in ("", event.detail["actor"]) and action in ("", event.detail["action"])

        def read() -> list[Event]:
            with Reader.open(self._folder) as reader:
                events = reader.events(EVENT_KIND, until_ns=before_ns, newest_first=True)
                return list(islice(filter(wanted, events), limit))

        return await asyncio.to_thread(read)
