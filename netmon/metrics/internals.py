"""How netmon itself is doing: few series, held by prometheus_client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from netmon import __version__
from netmon.coverage.board import Now
from netmon.targets.plain import Report
from netmon.targets.verdict import Verdict
from netmon.upkeep import Upkeep

__all__ = ["AccessCounters", "ArchiveCounters", "Internals"]

SEVERITIES: Final = ("minor", "major", "critical")
MISSED_REASONS: Final = ("overlap", "misfire", "coalesced", "stopping")
COVERAGE: Final[Mapping[str, str]] = {
    "planned_tiles": "Tiles of an area that were to be tested: the denominator; all areas together are area all.",
    "tested_tiles": "Planned tiles that were tested.",
    "covered_tiles": "Planned tiles that are covered by the last survey.",
    "surveyed_ratio": "Covered of planned tiles by the last survey; tiles that were not tested are not covered.",
    "surveyed_lower_bound_ratio": "What the last survey proves of it (Clopper and Pearson, one-sided).",
    "available_low_ratio": "Of planned tiles, covered now at the least: by stations that work and are measured there.",
    "available_high_ratio": "Of planned tiles, covered now at the most: by stations that may work and may serve them.",
}
LAG_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Targets(Protocol):
    """What is known of the plan's targets."""

    @property
    def report(self) -> Report | None:
        """How they stand."""


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
    def refused(self) -> int:
        """Messages that were refused for good in 30 days."""


class LastingAlert(Protocol):
    """An alert that lasts."""

    @property
    def severity(self) -> str:
        """How bad it is."""


class AlertCounters(Protocol):
    """What alerts tell about themselves."""

    def lasting(self) -> Sequence[LastingAlert]:
        """Alerts that last."""

    def outbox_counts(self) -> OutboxCounters:
        """How the outbox stands."""


class Pumped(Protocol):
    """How forwarding is doing."""

    fault: str
    waiting: int
    oldest_ns: int
    sent: int
    refused: int
    failures: int


class Forwarding(Protocol):
    """What forwarding tells about itself."""

    @property
    def pump(self) -> Pumped | None:
        """Its figures, while something is forwarded."""


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

    def watch_targets(self, targets: Targets) -> None:
        """Show how the targets of the plan stand."""
        self.registry.register(_Targets(targets))

    def watch_coverage(self, now: Callable[[], Iterable[Now]]) -> None:
        """Show what the last surveys say, and what of it is available."""
        self.registry.register(_Coverage(now))

    def watch_alerts(self, alerts: AlertCounters) -> None:
        """Show alerts and the outbox."""
        self.registry.register(_Alerts(alerts))

    def watch_forward(self, forward: Forwarding) -> None:
        """Show how forwarding stands."""
        self.registry.register(_Forward(forward))

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


class _Targets:
    """Collects the last report at each scrape; nothing before there is one."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def collect(self) -> Iterator[Metric]:
        report = self._targets.report
        if report is None:
            return
        family = GaugeMetricFamily(
            "netmon_target_verdict",
            "The verdict of a target of the plan, this year so far: 1 for the one that holds.",
            labels=["target", "verdict"],
        )
        for standing in report.standings:
            for verdict in Verdict:
                family.add_metric([standing.target.id, verdict], float(verdict is standing.verdict))
        yield family
        yield _one(
            "netmon_targets_evaluated_timestamp_seconds",
            "gauge",
            "When the targets were evaluated last.",
            report.until_ns / 1e9,
        )


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


class _Alerts:
    """Collects alerts and the outbox at each scrape."""

    def __init__(self, alerts: AlertCounters) -> None:
        self._alerts = alerts

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("netmon_alerts", "Alerts that last.", labels=["severity"])
        lasting = [alert.severity for alert in self._alerts.lasting()]
        for severity in SEVERITIES:
            family.add_metric([severity], lasting.count(severity))
        yield family
        counts = self._alerts.outbox_counts()
        yield _one("netmon_outbox_waiting_messages", "gauge", "Messages that wait to be sent.", counts.waiting)
        yield _one(
            "netmon_outbox_refused_messages", "gauge", "Messages that were refused for good in the last 30 days.",
            counts.refused,
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
