"""What the pages need of a running netmon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from netmon.alerts.service import Alerts
from netmon.coverage.board import CoverageBoard
from netmon.failover import Use
from netmon.impact import Effective
from netmon.model import Asset, Check, LocalText, Observation, Site
from netmon.report.office import ReportOffice
from netmon.runner import Clock
from netmon.targets.board import TargetsBoard
from netmon.targets.entering import EntryBook
from netmon.upkeep import Upkeep

__all__ = ["Inventory", "View"]


class Inventory(Protocol):
    """What the pages need of a configuration."""

    @property
    def organisation(self) -> LocalText:
        """Whose network it is."""

    @property
    def sample(self) -> bool:
        """It describes no real network."""

    @property
    def sites(self) -> Mapping[str, Site]:
        """By id."""

    @property
    def assets(self) -> Mapping[str, Asset]:
        """By id."""


class View(Protocol):
    """What the pages show of a running netmon; asked anew at each request, so a reload needs no new application."""

    @property
    def config(self) -> Inventory:
        """The inventory in force."""

    @property
    def config_fault(self) -> str:
        """Why the inventory on disk is not the one in force; empty when it is."""

    @property
    def checks(self) -> Iterable[Check]:
        """The checks that this process runs."""

    @property
    def latest(self) -> Mapping[str, Observation]:
        """The last observation by check."""

    @property
    def clock(self) -> Clock:
        """The application's clocks."""

    @property
    def folder(self) -> Path:
        """Where the archive is."""

    @property
    def upkeep(self) -> Upkeep:
        """Maintenance windows and emergencies."""

    @property
    def targets(self) -> TargetsBoard:
        """How the targets of the plan stand."""

    @property
    def coverage(self) -> CoverageBoard:
        """What the last surveys of radio coverage say."""

    @property
    def alerts(self) -> Alerts:
        """What people are told."""

    @property
    def reports(self) -> ReportOffice:
        """Reports that are made."""

    @property
    def journal(self) -> EntryBook:
        """Where events go."""

    def effective(self) -> Mapping[str, Effective]:
        """What each check's status means now, by check."""

    def uses(self) -> Sequence[Use]:
        """Which uplink is in use, for each site with a backup."""

    def since(self, check_id: str) -> int | None:
        """Since when a check has its present raw status, UTC nanoseconds; ``None`` if nobody knows."""

    async def probe(self, check: Check) -> Observation:
        """Run a check now, outside its schedule; nothing of it is recorded."""

    def exposition_of(self, check: Check, observation: Observation) -> bytes:
        """The metrics of one run, in Prometheus's text format."""

    def exposition(self, effective: Mapping[str, Effective]) -> Iterator[bytes]:
        """All metrics as text, in chunks; ``effective`` is what :meth:`effective` said just now."""

    def not_ready(self) -> str:
        """Why netmon does not do its work (yet), in one sentence; empty when it does."""

    async def reload(self) -> None:
        """Read the inventory again; raises ConfigError and keeps the one before if it has mistakes."""
