"""A running netmon as the pages see it, without probes: inventory, observations and metrics put there by a test."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netmon.alerts.outbox import SCHEMA, Outbox
from netmon.alerts.service import Alerts
from netmon.alerts.settings import AlertSettings
from netmon.archive import ArchiveError, Event
from netmon.config import ConfigError
from netmon.coverage.board import CoverageBoard
from netmon.failover import Use
from netmon.impact import Effective, effective
from netmon.metrics import CheckMetrics, Internals
from netmon.model import Asset, Check, LocalText, Observation, Site, Window
from netmon.report.office import ReportOffice
from netmon.runner import Clock
from netmon.targets.board import TargetsBoard
from netmon.upkeep import Upkeep
from tests.lab.checks import check
from tests.lab.metrics import KINDS
from tests.lab.observations import SECOND_NS

__all__ = ["FakeNetmon", "Inventory", "MemoryEvents"]

NOW_NS = 1_700_000_000 * SECOND_NS


SITE = Site(id="hunchun", kind="battalion", name=LocalText(zh="珲春大队", en="Hunchun battalion"))
ROUTER = Asset(id="hunchun/router", site="hunchun", kind="uplink", name=LocalText(zh="路由器", en="Router"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One site with a router."""

    organisation: LocalText = field(default_factory=lambda: LocalText(zh="珲春市消防救援大队", en="Hunchun battalion"))
    sample: bool = False
    sites: Mapping[str, Site] = field(default_factory=lambda: {SITE.id: SITE})
    assets: Mapping[str, Asset] = field(default_factory=lambda: {ROUTER.id: ROUTER})


async def nothing(*_arguments: str) -> tuple[int, str, str]:
    """No other process."""
    return 1, "", "no process"


@dataclass(slots=True)
class MemoryEvents:
    """Keeps what is declared; ``fault`` is what the disk says."""

    events: list[Event] = field(default_factory=list)
    fault: str = ""

    def append_event(self, kind: str, at_ns: int, detail: Mapping[str, object]) -> None:
        self.events.append(Event(kind=kind, at_ns=at_ns, detail=detail))

    async def flush(self) -> None:
        if self.fault:
            raise ArchiveError(self.fault)


class MemoryOutbox(Outbox):
    """In memory."""

    def __init__(self) -> None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.executescript(SCHEMA)
        super().__init__(connection, Path(":memory:"))


@dataclass(slots=True)
class FakeNetmon:
    """Satisfies netmon.web.View."""

    config: Inventory = field(default_factory=Inventory)
    checks: Sequence[Check] = (check("hunchun/router/ping", interval_seconds=60, timeout_seconds=5),)
    latest: dict[str, Observation] = field(default_factory=dict)
    clock: Clock = field(default_factory=lambda: Clock(wall_ns=lambda: NOW_NS))
    reason: str = ""
    config_fault: str = ""
    windows: Sequence[Window] = ()
    loads: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    folder: Path = Path("nowhere")
    changed: dict[str, int] = field(default_factory=dict)
    reloads: int = 0
    mistake: ConfigError | None = None
    metrics: CheckMetrics = field(init=False)
    upkeep: Upkeep = field(init=False)
    targets: TargetsBoard = field(
        default_factory=lambda: TargetsBoard(Path("nowhere/targets.yaml"), Path("nowhere"), kinds={}, run=nothing)
    )
    coverage: CoverageBoard = field(default_factory=lambda: CoverageBoard(Path("nowhere"), run=nothing))
    internals: Internals = field(default_factory=Internals)
    journal: MemoryEvents = field(default_factory=MemoryEvents)
    emergency: bool = False
    in_use: Sequence[Use] = ()
    alerts: Alerts = field(init=False)
    reports: ReportOffice = field(init=False)

    def __post_init__(self) -> None:
        self.upkeep = Upkeep(MemoryEvents(), self.clock)
        self.alerts = Alerts(self, MemoryOutbox(), AlertSettings())
        self.reports = ReportOffice(self.folder, self.targets.path, self.alerts, self.clock, run=nothing)
        self.metrics = CheckMetrics(KINDS, clock=self.clock)
        self.metrics.configure(sites=self.config.sites.values(), assets=self.config.assets.values(), checks=self.checks)

    def durable(self, observations: Sequence[Observation]) -> None:
        """What the journal calls."""
        self.metrics.update(observations)
        self.latest.update({observation.check_id: observation for observation in observations})

    def effective(self) -> Mapping[str, Effective]:
        """By the rules of the application."""
        return effective(self.checks, self.config.assets, self.latest, self.windows, self.clock.wall_ns(), self.loads)

    def under_test(self, _observation: Observation) -> bool:
        """None is under way."""
        return False

    def own_faults(self) -> Mapping[str, str]:
        """Nothing is wrong with it."""
        return {}

    def uses(self) -> Sequence[Use]:
        """What the test says."""
        return self.in_use

    def since(self, check_id: str) -> int | None:
        """What the test says."""
        return self.changed.get(check_id)

    async def probe(self, check: Check) -> Observation:
        """What was seen last."""
        return self.latest[check.id]

    def exposition_of(self, _check: Check, _observation: Observation) -> bytes:
        """All metrics."""
        return b"".join(self.exposition(self.effective()))

    def exposition(self, effective: Mapping[str, Effective]) -> Iterator[bytes]:
        """All metrics."""
        self.metrics.show_effective(effective)
        yield from self.metrics.render()
        yield self.internals.render()

    async def reload(self) -> None:
        """Counts, or has the mistake that the test says."""
        self.reloads += 1
        if self.mistake is not None:
            raise self.mistake

    def not_ready(self) -> str:
        """What the test says."""
        return self.reason
