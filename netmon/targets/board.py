"""How the targets stand, for a running netmon: computed from time to time by another process, and kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from netmon.config import ConfigError
from netmon.logs import fields
from netmon.targets.plain import Report, from_plain
from netmon.targets.register import Register, load_register
from netmon.targets.trend import NOTED, noted
from netmon.words import moment
from probes.base import ProbeKind

__all__ = ["TargetsBoard"]

log = logging.getLogger(__name__)

Run = Callable[..., Awaitable[tuple[int, str, str]]]
"""Runs ``netmon`` with arguments in a process of its own: exit code, output, last line of errors."""


class NoteBook(Protocol):
    """Where events go: the journal."""

    def append_event(self, kind: str, at_ns: int, detail: Mapping[str, object]) -> None:
        """Add an event."""


class TargetsBoard:
    """The last report.

    Attributes:
        path: the register.
        report: ``None`` until it was computed for the first time.
        fault: why the last attempt failed; empty when it did not.
    """

    def __init__(self, path: Path, folder: Path, *, kinds: Mapping[str, ProbeKind[Any]], run: Run) -> None:
        self.path = path
        self.report: Report | None = None
        self.fault = ""
        self._folder = folder
        self._kinds = kinds
        self._run = run
        self._noted = ""

    def register(self) -> Register:
        """The register as it is on disk.

        Raises:
            ConfigError: it has mistakes, or there is none.
        """
        return load_register(self.path, kinds=self._kinds)

    async def refresh(self, book: NoteBook) -> None:
        """Compute it anew, and note it once a day. With a fault the report before stays."""
        if not self.path.is_file():
            return
        code, output, error = await self._run(
            "targets", "--register", str(self.path), "--data", str(self._folder), "--json"
        )
        self.fault = error or str(code) if code else self._take(output)
        if self.fault:
            log.warning("the targets could not be evaluated", extra=fields(error=self.fault))
        elif self.report is not None and (day := moment(self.report.until_ns)[:10]) != self._noted:
            self._noted = day
            book.append_event(NOTED, self.report.until_ns, noted(self.report.standings))

    def _take(self, output: str) -> str:
        try:
            self.report = from_plain(self.register(), json.loads(output))
        except (ConfigError, ValueError, KeyError, TypeError) as error:
            return str(error) or repr(error)
        return ""
