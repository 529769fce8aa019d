"""What the last surveys say, for a running netmon: worked out by another process when one comes in, and kept."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netmon.archive import SurveyFiles
from netmon.config import ConfigError
from netmon.coverage.figures import AreaFigures, Available, Surveyed
from netmon.coverage.load import from_plain
from netmon.impact import Effective, EffectiveStatus
from netmon.logs import fields
from netmon.model import Check
from netmon.summary import works

__all__ = ["CoverageBoard", "Now", "Works", "station_works"]

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
LOOKS_BETWEEN_TRIES: Final = 60
Run = Callable[..., Awaitable[tuple[int, str, str]]]
"""Runs ``netmon`` with arguments in a process of its own: exit code, output, last line of errors."""
Works = Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class Now:
    """An area now, beside its survey; ``area`` is empty for all together."""

    surveyed: Surveyed
    area: str
    figures: AreaFigures
    available: Available


def station_works(checks: Iterable[Check], effective: Mapping[str, Effective]) -> dict[str, bool | None]:
    """Whether equipment works now; ``None`` if nobody knows. Agreed work serves nobody: what was measured counts."""
    states: dict[str, list[EffectiveStatus]] = {}
    for check in checks:
        found = effective.get(check.id)
        if found is not None:
            status = found.status
            if status is EffectiveStatus.MAINTENANCE and found.raw is not None:
                status = EffectiveStatus(found.raw)
            states.setdefault(check.asset, []).append(status)
    return {asset: works(each) for asset, each in states.items()}


class CoverageBoard:
    """The last survey of each class of terminals.

    Attributes:
        surveys: by class; empty until one was read.
        fault: why the last attempt to read them failed; empty when it did not.
    """

    def __init__(self, folder: Path, *, run: Run) -> None:
        self.surveys: Mapping[str, Surveyed] = {}
        self.fault = ""
        self._folder = folder
        self._files = SurveyFiles(folder)
        self._run = run
        self._version = ""
        self._failures = 0
        self._kept: tuple[object, list[Now]] = (None, [])

    async def watch(self) -> None:
        """Read surveys as they come in, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(LOOK_SECONDS)

    async def refresh(self) -> None:
        """Read them if there are others than before. With a fault those before stay, and it is tried again later."""
        version = await asyncio.to_thread(self._files.version)
        if version == self._version:
            self._failures += bool(self.fault)
            if not self.fault or self._failures % LOOKS_BETWEEN_TRIES:
                return
        code, output, error = await self._run("coverage", "tiles", "--data", str(self._folder))
        self.fault = error or str(code) if code else ""
        if not code:
            try:
                surveys = await asyncio.to_thread(_read, output)
            except (ConfigError, ValueError, KeyError, TypeError) as fault:
                self.fault = str(fault) or repr(fault)
            else:
                self.surveys = surveys
        self._version = version
        if self.fault:
            log.warning("the surveys could not be read", extra=fields(error=self.fault))

    def now(self, works: Works) -> Sequence[Now]:
        """Each area, and all together, while stations are like this."""
        names = {name for surveyed in self.surveys.values() for name in surveyed.stations}
        key = (tuple(map(id, self.surveys.values())), [(name, works.get(name)) for name in sorted(names)])
        if self._kept[0] != key:
            # It changes with the states of stations, and is asked for at every scrape.
            self._kept = (key, list(self._work_out(works)))
        return self._kept[1]

    def _work_out(self, works: Works) -> Iterator[Now]:
        for surveyed in self.surveys.values():
            whole = {} if surveyed.whole is None else {"": surveyed.whole}
            for area, figures in {**whole, **surveyed.areas}.items():
                yield Now(surveyed, area, figures, figures.available(works))

    def cost(self, failed: Iterable[str], works: Works) -> list[tuple[Now, Available]]:
        """What it costs that these stations do not work for certain: areas, as they are and as they would be otherwise.

        The largest loss first; areas that lose nothing are left out.
        """
        healed = {**works, **dict.fromkeys(failed, True)}
        found = []
        for now in self.now(works):
            without = now.figures.available(healed)
            if now.area and (now.available.low, now.available.high) != (without.low, without.high):
                found.append((now, without))
        return sorted(found, key=lambda each: each[0].available.low - each[1].low)


def _read(output: str) -> dict[str, Surveyed]:
    found = [from_plain(plain) for plain in json.loads(output)]
    for surveyed in found:
        # Worked out here, in a thread: pages and metrics find them done.
        _ = surveyed.areas, surveyed.whole
    return {surveyed.terminal.id: surveyed for surveyed in found}
