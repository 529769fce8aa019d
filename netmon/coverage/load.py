"""Surveys of an archive -> what they say, the newest first; and the same as plain values for another process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netmon.archive import ArchiveError, SurveyFile, SurveyFiles
from netmon.config import ConfigError
from netmon.coverage.definition import Definition, recall_definition
from netmon.coverage.figures import Surveyed
from netmon.coverage.tally import Tile, tally

__all__ = ["Surveys", "from_plain", "read_surveys", "to_plain"]


@dataclass(frozen=True, slots=True)
class Surveys:
    """The last survey of a class of terminals, and the one before it."""

    last: Surveyed
    before: Surveyed | None = None


def read_surveys(data: Path, *, until_ns: int | None = None) -> dict[str, Surveys]:
    """For each class of terminals the last survey that had ended at a moment; none of those that never had one.

    A survey is judged by what was defined when its last file came in: seconds for a million samples.

    Raises:
        ArchiveError: a file is damaged.
        ConfigError: a definition is none for this netmon.
    """
    files = SurveyFiles(data)
    found: dict[str, list[Surveyed]] = {}
    known: set[str] = set()
    for parts in _campaigns(files, until_ns):
        definition = _recalled(files, parts[-1].definition)
        known |= definition.terminals.keys()
        samples = (sample for part in parts for sample in files.samples(part))
        for terminal, tiles in tally(samples, definition).items():
            if tiles:
                found.setdefault(terminal, []).append(
                    Surveyed(
                        survey=parts[-1].survey,
                        at_ns=max(part.last_ns for part in parts),
                        terminal=definition.terminals[terminal],
                        definition=definition,
                        tiles=tiles,
                    )
                )
        if all(len(found.get(terminal, ())) > 1 for terminal in known):
            break
    return {terminal: Surveys(*line[:2]) for terminal, line in found.items()}


def _campaigns(files: SurveyFiles, until_ns: int | None) -> Iterator[list[SurveyFile]]:
    """The files of each survey in the order of import; the survey with the last sample first."""
    parts: dict[str, list[SurveyFile]] = {}
    for file in files.files():
        if until_ns is None or file.last_ns < until_ns:
            parts.setdefault(file.survey, []).append(file)
    yield from sorted(parts.values(), key=lambda part: -max(file.last_ns for file in part))


def _recalled(files: SurveyFiles, checksum: str) -> Definition:
    try:
        return recall_definition(files.definition(checksum), f"definition {checksum[:12]}")
    except ConfigError as error:
        raise ArchiveError(str(error)) from error


def to_plain(surveyed: Surveyed) -> dict[str, Any]:
    """Values that JSON can hold."""
    names = sorted({name for tile in surveyed.tiles.values() for name in tile.possible | tile.certain})
    places = {name: number for number, name in enumerate(names)}
    return {
        "survey": surveyed.survey,
        "at_ns": surveyed.at_ns,
        "terminal": surveyed.terminal.id,
        "definition": surveyed.definition.text,
        "stations": names,
        "tiles": [
            [
                f"{number:x}", tile.attempts, tile.covered, tile.median_dbm,
                sorted(places[name] for name in tile.certain), sorted(places[name] for name in tile.possible),
            ]
            for number, tile in surveyed.tiles.items()
        ],
    }  # fmt: skip


def from_plain(plain: Mapping[str, Any]) -> Surveyed:
    """What :func:`to_plain` wrote.

    Raises:
        KeyError, ValueError, TypeError, ConfigError: it is not.
    """
    definition = recall_definition(plain["definition"], plain["survey"])
    names, sets = plain["stations"], dict[tuple[int, ...], frozenset[str]]()

    def chosen(numbers: list[int]) -> frozenset[str]:
        """One set for many tiles."""
        return sets.setdefault(tuple(numbers), frozenset(names[number] for number in numbers))

    return Surveyed(
        survey=plain["survey"],
        at_ns=plain["at_ns"],
        terminal=definition.terminals[plain["terminal"]],
        definition=definition,
        tiles={
            int(number, 16): Tile(
                attempts=attempts, covered=covered, median_dbm=dbm, certain=chosen(certain), possible=chosen(possible)
            )
            for number, attempts, covered, dbm, certain, possible in plain["tiles"]
        },
    )
