"""How netmon itself is doing: few series, held by prometheus_client."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from netmon import __version__
from netmon.alerts.desk import Severity
from netmon.coverage.board import Now
from netmon.failover import Use
from netmon.metrics.targets import TargetFamilies, Targets
from netmon.runner import Clock
from netmon.upkeep import Upkeep

__all__ = ["AccessCounters", "ArchiveCounters", "Internals"]

SEVERITIES: Final = tuple(Severity)
MISSED_REASONS: Final = (
    "overlap", "misfire", "coalesced", "stopping", "not_running", "emergency", "maintenance", "protected", "budget",
    "busy", "no_slot",
)  # fmt: skip
COVERAGE: Final[Mapping[str, str]] = {
    "planned_tiles": "Tiles of an area that were to be tested: the denominator; all areas together are area all.",
    "tested_tiles": "Planned tiles that were tested.",
    "covered_tiles": "Planned tiles that are covered by the last survey.",
    "surveyed_ratio": "Covered of planned tiles by the last survey; tiles that were not tested are not covered.",
    "surveyed_lower_bound_ratio": "What the last survey proves of it (Clopper and Pearson, one-sided).",
    "available_low_ratio": "Of planned tiles, covered now at the least: by stations that work and are measured there.",
    "available_high_ratio": "Of planned tiles, covered now at the most: by stations that may work and may serve them.",
}
FAILOVER: Final[Mapping[str, str]] = {
    "uplink_on_backup": "1 while a backup of this uplink is in use, else 0; absent while the router cannot be asked.",
    "failover_timestamp_seconds": "When the last failover of this uplink was noticed.",
    "failover_gap_low_seconds": "How long services did not answer in the last failover, at the least.",
    "failover_gap_high_seconds": "How long services did not answer in the last failover, at the most.",
    "failover_passed": "1 if all that had worked worked on the backup, 0 if not; absent where that is not known.",
}
LAG_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class ArchiveCounters(Protocol):
    """What the journal tells about itself."""

    @property
    def backlog(self) -> int:
        """Rows that are not durable yet."""

    @property
    def rows_written(self) -> int:
        """Rows that are durable."""

    @property
    def rows_refused(self) -> int:
        """Rows that could not be stored for a fault of their own."""

    @property
    def rows_lost(self) -> int:
        """Rows that came while too many were waiting for the disk."""

    @property
    def commits(self) -> int:
        """Transactions."""

    @property
    def commit_seconds(self) -> float:
        """Time spent in them."""

    @property
    def fault(self) -> str | None:
        """Why nothing can be written, or ``None``."""


class AccessCounters(Protocol):
    """What the log-in tells about itself."""

    @property
    def log_ins(self) -> Mapping[str, int]:
        """Attempts by outcome: ``done``, ``refused`` (wrong), ``delayed`` (too many, not looked at)."""

    @property
    def fault(self) -> str:
        """Why the web configuration on disk is not the one in force; empty when it is."""


class OutboxCounters(Protocol):
    """How the outbox stands."""

    @property
    def waiting(self) -> int:
        """Messages that wait."""

    @property
    def oldest_ns(self) -> int | None:
        """Since when the oldest of them does; ``None`` if none waits."""

    @property
    def refused(self) -> int:
        """Messages that were refused for good in 30 days."""


class LastingAlert(Protocol):
    """An alert that lasts."""

    @property
    def id(self) -> str:
        """Unique for ever."""

    @property
    def severity(self) -> str:
        """How bad it is."""

    @property
    def site(self) -> str:
        """Id of the site."""

    @property
    def asset(self) -> str:
        """Id of the equipment."""

    @property
    def since_ns(self) -> int:
        """Since when it is so, UTC nanoseconds since the epoch."""


class AlertSettings(Protocol):
    """What was set for alerts."""

    @property
    def board(self) -> str:
        """Where people open the status board; empty if nobody said."""


class AlertCounters(Protocol):
    """What alerts tell about themselves."""

    @property
    def settings(self) -> AlertSettings:
        """What was set."""

    def lasting(self) -> Sequence[LastingAlert]:
        """Alerts that last."""

    def outbox_counts(self) -> OutboxCounters:
        """How the outbox stands."""

    @property
    def alertmanager_up(self) -> bool | None:
        """Whether the Alertmanager took what it was told last; ``None`` while none is told."""


class ReportCounter(Protocol):
    """What makes reports by schedule."""

    overdue: int


class Pumped(Protocol):
    """How forwarding is doing."""

    fault: str
    waiting: int
    oldest_ns: int
    sent: int
    refused: int
    failures: int


class LoadCounters(Protocol):
    """What is known of tests that load a line."""

    @property
    def waiting(self) -> int:
        """Tests that wait."""

    @property
    def running(self) -> Collection[str]:
        """Checks whose tests are under way."""

    @property
    def lines(self) -> Collection[str]:
        """Assets whose lines are tested."""

    def month_bytes(self, asset: str) -> float:
        """What tests sent over a line in this month."""


class Forwarding(Protocol):
    """What forwarding tells about itself."""

    @property
    def pump(self) -> Pumped | None:
        """Its figures, while something is forwarded."""


class TrapCounters(Protocol):
    """What receiving SNMP notifications tells about itself."""

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Datagrams by what became of them."""

    @property
    def dropped_by_kernel(self) -> int:
        """Datagrams that came while the buffer was full."""

    @property
    def listening(self) -> bool:
        """Whether any can be received."""


class Internals:
    """Metrics of the process, in a registry of its own.

    Attributes:
        probes_missed: count each missed run with ``probes_missed.labels(reason).inc()``.
        clock_steps: count each step of the wall clock with ``clock_steps.inc()``.
    """

    def __init__(self, archive: ArchiveCounters | None = None) -> None:
        self.registry: Final = CollectorRegistry()
        Gauge("netmon_build_info", "The running netmon; 1.", ["version"], registry=self.registry).labels(
            __version__
        ).set(1)
        self._reload_successful = Gauge(
            "netmon_config_last_reload_successful",
            "Whether the last attempt to load the configuration succeeded.",
            registry=self.registry,
        )
        self._reload_time = Gauge(
            "netmon_config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded successfully.",
            registry=self.registry,
        )
        self.probes_missed = Counter(
            "netmon_probes_missed", "Runs that were due and did not take place.", ["reason"], registry=self.registry
        )
        for reason in MISSED_REASONS:
            self.probes_missed.labels(reason)
        self.clock_steps = Counter(
            "netmon_clock_steps", "Steps of the wall clock that were noticed.", registry=self.registry
        )
        self.closings_failed = Counter(
            "netmon_archive_closings_failed",
            "Attempts to move ended days from the journal to files that failed.",
            registry=self.registry,
        )
        self._loop_lag = Histogram(
            "netmon_event_loop_lag_seconds",
            "How much later than asked for the event loop came to a timer.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        if archive is not None:
            self.registry.register(_Archive(archive))
        ProcessCollector(registry=self.registry)

    def watch_access(self, access: AccessCounters) -> None:
        """Show how log-ins go."""
        self.registry.register(_Access(access))

    def watch_upkeep(self, upkeep: Upkeep) -> None:
        """Show windows and emergencies."""
        self.registry.register(_Upkeep(upkeep))

    def watch_machine(self, folder: Path, clock: Clock) -> None:
        """Show the time, and how full the disk of the records is."""
        self.registry.register(_Machine(folder, clock))

    def watch_targets(self, targets: Targets) -> None:
        """Show how the targets of the plan stand."""
        self.registry.register(TargetFamilies(targets))

    def watch_coverage(self, now: Callable[[], Iterable[Now]]) -> None:
        """Show what the last surveys say, and what of it is available."""
        self.registry.register(_Coverage(now))

    def watch_failovers(self, uses: Callable[[], Iterable[Use]]) -> None:
        """Show which uplinks are in use, and their last failovers."""
        self.registry.register(_Failovers(uses))

    def watch_alerts(self, alerts: AlertCounters) -> None:
        """Show alerts and the outbox."""
        self.registry.register(_Alerts(alerts))

    def watch_reports(self, reports: ReportCounter) -> None:
        """Show whether reports are made by schedule."""
        overdue = Gauge(
            "netmon_reports_overdue", "Reports that are due by schedule and could not be made or mailed.",
            registry=self.registry,
        )  # fmt: skip
        overdue.set_function(lambda: reports.overdue)

    def watch_loading(self, loading: LoadCounters) -> None:
        """Show tests that load a line."""
        self.registry.register(_Loading(loading))

    def watch_forward(self, forward: Forwarding) -> None:
        """Show how forwarding stands."""
        self.registry.register(_Forward(forward))

    def watch_traps(self, traps: TrapCounters) -> None:
        """Show what becomes of SNMP notifications."""
        self.registry.register(_Traps(traps))

    def config_loaded(self, at_seconds: float) -> None:
        """The configuration was loaded at this time (seconds since the epoch)."""
        self._reload_successful.set(1)
        self._reload_time.set(at_seconds)

    def config_refused(self) -> None:
        """A configuration was not loaded; the one before stays in force."""
        self._reload_successful.set(0)

    async def watch_loop(self, period_seconds: float = 1.0) -> None:
        """Measure the event loop's lag once in each period, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + period_seconds
            await asyncio.sleep(period_seconds)
            self._loop_lag.observe(max(0.0, loop.time() - due))

    def render(self) -> bytes:
        """Everything in the text format 0.0.4."""
        return generate_latest(self.registry)


class _Coverage:
    """Works out what is available at each scrape; nothing before there is a survey."""

    def __init__(self, now: Callable[[], Iterable[Now]]) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        labels = ("terminal", "area")
        families = {
            name: GaugeMetricFamily(f"netmon_coverage_{name}", text, labels=labels) for name, text in COVERAGE.items()
        }
        ended = GaugeMetricFamily(
            "netmon_coverage_survey_end_timestamp_seconds", "When the last sample of a survey was taken.",
            labels=("terminal", "survey"),
        )  # fmt: skip
        surveys: dict[tuple[str, str], float] = {}
        for now in self._now():
            area, planned = now.figures, now.figures.planned
            surveyed = now.surveyed
            surveys[surveyed.terminal.id, surveyed.survey] = surveyed.at_ns / 1e9
            values: dict[str, float | None] = {
                "planned_tiles": planned, "tested_tiles": area.tested, "covered_tiles": area.covered,
                "surveyed_ratio": area.ratio,
                "surveyed_lower_bound_ratio": area.lower_bound(surveyed.definition.confidence),
                "available_low_ratio": now.available.low / planned if planned else None,
                "available_high_ratio": now.available.high / planned if planned else None,
            }  # fmt: skip
            for name, value in values.items():
                if value is not None:
                    families[name].add_metric([surveyed.terminal.id, now.area or "all"], value)
        if surveys:
            yield from families.values()
            for key, at in surveys.items():
                ended.add_metric(list(key), at)
            yield ended


class _Failovers:
    """Collects primary and backup uplinks at each scrape."""

    def __init__(self, uses: Callable[[], Iterable[Use]]) -> None:
        self._uses = uses

    def collect(self) -> Iterator[Metric]:
        families = {
            name: GaugeMetricFamily(f"netmon_{name}", text, labels=["site", "uplink"])
            for name, text in FAILOVER.items()
        }
        for use in self._uses():
            last = use.last
            low, high = (None, None) if last is None or last.gap is None else last.gap
            values: dict[str, float | None] = {
                "uplink_on_backup": None if use.word is None else float(use.word == "backup"),
                "failover_timestamp_seconds": None if last is None else last.noticed_ns / 1e9,
                "failover_gap_low_seconds": low,
                "failover_gap_high_seconds": high,
                "failover_passed": None if last is None or last.passed is None else float(last.passed),
            }
            for name, value in values.items():
                if value is not None:
                    families[name].add_metric([use.site, use.primary], value)
        yield from families.values()


class _Alerts:
    """Collects alerts and the outbox at each scrape."""

    def __init__(self, alerts: AlertCounters) -> None:
        self._alerts = alerts

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("netmon_alerts", "Alerts that last.", labels=["severity"])
        lasting = self._alerts.lasting()
        severities = [alert.severity for alert in lasting]
        for severity in SEVERITIES:
            family.add_metric([severity], severities.count(severity))
        yield family
        since = GaugeMetricFamily(
            "netmon_alert_since_timestamp_seconds",
            "Since when what an alert is about is so; there while the alert lasts.",
            labels=["alert", "severity", "site", "asset"],
        )
        for alert in lasting:
            since.add_metric([alert.id, alert.severity, alert.site, alert.asset], alert.since_ns / 1e9)
        yield since
        if self._alerts.settings.board:
            board = GaugeMetricFamily("netmon_board_info", "Where people open the status board; 1.", labels=["url"])
            board.add_metric([self._alerts.settings.board.rstrip("/")], 1.0)
            yield board
        counts = self._alerts.outbox_counts()
        yield _one("netmon_outbox_waiting_messages", "gauge", "Messages that wait to be sent.", counts.waiting)
        yield _one(
            "netmon_outbox_oldest_waiting_timestamp_seconds", "gauge",
            "Since when the oldest message waits; 0 if none waits.", (counts.oldest_ns or 0) / 1e9,
        )  # fmt: skip
        yield _one(
            "netmon_outbox_refused_messages", "gauge", "Messages that were refused for good in the last 30 days.",
            counts.refused,
        )  # fmt: skip
        if (taken := self._alerts.alertmanager_up) is not None:
            yield _one(
                "netmon_alertmanager_up", "gauge", "Whether the Alertmanager took what it was told last.", taken
            )  # fmt: skip


class _Forward:
    """Collects forwarding's own counters at each scrape; nothing while nothing is forwarded."""

    def __init__(self, forward: Forwarding) -> None:
        self._forward = forward

    def collect(self) -> Iterator[Metric]:
        pump = self._forward.pump
        if pump is None:
            return
        for name, kind, text, value in (
            ("netmon_forward_up", "gauge", "Whether the store took the last batch.", not pump.fault),
            ("netmon_forward_backlog_rows", "gauge", "Observations that the store has not got yet.", pump.waiting),
            ("netmon_forward_oldest_waiting_timestamp_seconds", "gauge",
             "When the oldest observation that waits was made; 0 if none waits.", pump.oldest_ns / 1e9),
            ("netmon_forward_rows", "counter", "Observations that the store took, repeats included.", pump.sent),
            ("netmon_forward_refused_rows", "counter", "Observations that the store refused for good.", pump.refused),
            ("netmon_forward_failures", "counter", "Attempts that came to nothing for now.", pump.failures),
        ):  # fmt: skip
            yield _one(name, kind, text, value)


class _Loading:
    """Collects tests that load a line at each scrape."""

    def __init__(self, loading: LoadCounters) -> None:
        self._loading = loading

    def collect(self) -> Iterator[Metric]:
        yield _one(
            "netmon_load_tests_running", "gauge", "Tests that load a line and are under way.",
            len(self._loading.running),
        )  # fmt: skip
        yield _one(
            "netmon_load_tests_waiting", "gauge", "Tests that are due and wait for their moment.",
            self._loading.waiting,
        )  # fmt: skip
        family = GaugeMetricFamily(
            "netmon_load_tests_month_bytes",
            "What tests have sent over a line in this month of Asia/Shanghai.",
            labels=["asset"],
        )
        for asset in self._loading.lines:
            family.add_metric([asset], self._loading.month_bytes(asset))
        yield family


class _Access:
    """Collects the log-in's own counters at each scrape."""

    def __init__(self, access: AccessCounters) -> None:
        self._access = access

    def collect(self) -> Iterator[Metric]:
        attempts = CounterMetricFamily(
            "netmon_log_ins",
            "Attempts to log in: done, refused (wrong), delayed (too many, not looked at).",
            labels=["outcome"],
        )
        for outcome, count in self._access.log_ins.items():
            attempts.add_metric([outcome], count)
        yield attempts
        yield _one(
            "netmon_web_config_last_reload_successful", "gauge",
            "Whether the last attempt to load the web configuration succeeded.", not self._access.fault,
        )  # fmt: skip


class _Upkeep:
    """Collects windows and emergencies at each scrape."""

    def __init__(self, upkeep: Upkeep) -> None:
        self._upkeep = upkeep

    def collect(self) -> Iterator[Metric]:
        yield _one("netmon_emergency", "gauge", "Whether an emergency is declared.", self._upkeep.emergency is not None)
        yield _one(
            "netmon_maintenance_windows", "gauge", "Maintenance windows that are open now.",
            len(self._upkeep.in_force()),
        )  # fmt: skip


class _Machine:
    """Asks clock and file system at each scrape; nothing where the latter does not answer."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        yield _one("netmon_time_seconds", "gauge", "The clock of netmon's machine.", self._clock.wall_ns() / 1e9)
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:
            return
        yield _one("netmon_disk_size_bytes", "gauge", "Size of the disk that holds the records.", usage.total)
        yield _one("netmon_disk_free_bytes", "gauge", "What is free of it for netmon.", usage.free)


class _Traps:
    """Collects what became of SNMP notifications at each scrape."""

    def __init__(self, traps: TrapCounters) -> None:
        self._traps = traps

    def collect(self) -> Iterator[Metric]:
        traps = self._traps
        yield _one("netmon_traps_listening", "gauge", "Whether SNMP notifications can be received.", traps.listening)
        received = CounterMetricFamily(
            "netmon_traps", "SNMP notifications by what became of them (docs/traps.md).", labels=["outcome"]
        )
        for outcome, count in traps.outcomes.items():
            received.add_metric([outcome], count)
        received.add_metric(["dropped_by_kernel"], traps.dropped_by_kernel)
        yield received


class _Archive:
    """Collects the journal's own counters at each scrape."""

    def __init__(self, archive: ArchiveCounters) -> None:
        self._archive = archive

    def collect(self) -> Iterator[Metric]:
        archive = self._archive
        yield _one("netmon_archive_backlog_rows", "gauge", "Rows that are not durable yet.", archive.backlog)
        yield _one(
            "netmon_archive_writable", "gauge", "Whether the last attempt to write succeeded.", archive.fault is None
        )
        yield _one("netmon_archive_rows_written", "counter", "Rows that became durable.", archive.rows_written)
        yield _one(
            "netmon_archive_rows_refused", "counter", "Rows that could not be stored at all.", archive.rows_refused
        )
        yield _one(
            "netmon_archive_rows_lost",
            "counter",
            "Rows that came while too many waited for the disk.",
            archive.rows_lost,
        )
        yield _one("netmon_archive_commits", "counter", "Transactions.", archive.commits)
        yield _one("netmon_archive_commit_seconds", "counter", "Seconds spent in transactions.", archive.commit_seconds)


def _one(name: str, kind: str, text: str, value: float) -> Metric:
    metric = Metric(name, text, kind)
    metric.add_sample(f"{name}_total" if kind == "counter" else name, {}, float(value))
    return metric
