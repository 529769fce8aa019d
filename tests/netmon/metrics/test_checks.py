from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

import probes
from netmon.alerts.desk import Alert, Severity
from netmon.alerts.settings import AlertSettings
from netmon.failover import Failover, Outcome, Service, Use
from netmon.impact import Effective, EffectiveStatus
from netmon.metrics import CheckMetrics, Internals
from netmon.metrics.families import FIXED, RTT_BUCKETS, reading_metric
from netmon.metrics.internals import LastingAlert, OutboxCounters, Pumped
from netmon.model import Asset, Check, LocalText, Place, Site, Status, Threshold
from netmon.runner import Clock
from netmon.targets.plain import Report
from netmon.targets.register import load_register
from netmon.targets.standing import Part, Standing
from netmon.targets.verdict import Finding, Verdict, Why, worst
from netmon.upkeep import Upkeep
from probes.base import Failure, ProbeKind, ProbeResult, State, StateClass
from tests.lab.checks import check
from tests.lab.counties import survey_board
from tests.lab.metrics import KINDS, SITES
from tests.lab.observations import SECOND_NS, ping
from tests.lab.pages import MemoryEvents

ID = "hunchun/router/ping"
LABELS = {"check": ID, "vantage": "main"}


class Hands:
    """Two clocks that stand where a test puts them."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.day = date(2026, 3, 1)

    @property
    def clock(self) -> Clock:
        noon = 43_200 * SECOND_NS
        return Clock(
            monotonic=lambda: self.seconds,
            wall_ns=lambda: (self.day - date(1970, 1, 1)).days * 86_400 * SECOND_NS + noon,
        )


class Scrape:
    """Metrics of one check, read as Prometheus would."""

    def __init__(
        self, *checks: Check, sites: tuple[Site, ...] = SITES, assets: tuple[Asset, ...] = (),
        kinds: Mapping[str, ProbeKind[Any]] = KINDS,
    ) -> None:  # fmt: skip
        self.hands = Hands()
        self.metrics = CheckMetrics(kinds, clock=self.hands.clock)
        self.configure(*checks, sites=sites, assets=assets)
        self.registry = CollectorRegistry()
        self.registry.register(self.metrics)

    def configure(self, *checks: Check, sites: tuple[Site, ...] = SITES, assets: tuple[Asset, ...] = ()) -> None:
        self.metrics.configure(sites=sites, assets=assets, checks=checks or (check(ID),))

    def __call__(self, metric: str, labels: Mapping[str, str] = LABELS, /, **more: str) -> float | None:
        return self.registry.get_sample_value(metric, {**labels, **more})

    def names(self) -> set[str]:
        return {family.name for family in self.metrics.collect()}

    def statuses(self) -> dict[str, float | None]:
        return {status.value: self("netmon_check_status", status=status.value) for status in Status}


def test_before_the_first_run_counters_are_zero_and_the_status_is_unknown() -> None:
    scrape = Scrape()

    assert scrape("netmon_check_runs_total") == 0
    assert [scrape("netmon_check_failures_total", failure=failure) for failure in Failure] == [0] * len(Failure)
    assert scrape("netmon_echo_requests_total") == 0
    assert scrape("netmon_echo_replies_total") == 0
    assert scrape("netmon_rtt_seconds_count") == 0
    assert scrape.statuses() == {"up": 0, "degraded": 0, "down": 0, "unknown": 1, "standby": 0}
    assert scrape("netmon_check_last_run_timestamp_seconds") is None
    assert scrape("netmon_loss_ratio") is None


def test_a_run_sets_gauges_and_counts() -> None:
    scrape = Scrape()
    first, second = ping(1), replace(ping(2), status=Status.DOWN, result=ProbeResult(failure=Failure.TIMEOUT))
    scrape.metrics.update([first, second])

    assert scrape("netmon_check_runs_total") == 2
    assert scrape("netmon_check_failures_total", failure="timeout") == 1
    assert scrape("netmon_check_failures_total", failure="refused") == 0
    assert scrape.statuses()["down"] == 1
    assert scrape("netmon_check_last_run_timestamp_seconds") == second.started_ns / 1e9
    assert scrape("netmon_probe_duration_seconds") == second.duration_seconds
    assert scrape("netmon_loss_ratio") is None, "the last run did not measure it"

    scrape.metrics.update([first])
    assert scrape("netmon_loss_ratio") == 0.0
    assert scrape("netmon_rtt_median_seconds") == first.result.readings["rtt_median_seconds"]


def test_echoes_are_counted_and_round_trips_go_into_a_histogram() -> None:
    scrape = Scrape()
    rtts = (50e-6, 51e-6, 0.6, 100.0)
    observation = replace(
        ping(1), result=ProbeResult(readings={"sent": 5.0, "received": 4.0}, samples={"rtt_seconds": rtts})
    )
    scrape.metrics.update([observation, observation])

    assert scrape("netmon_echo_requests_total") == 10
    assert scrape("netmon_echo_replies_total") == 8
    assert scrape("netmon_sent") is None
    assert scrape("netmon_rtt_seconds_count") == 8
    assert scrape("netmon_rtt_seconds_sum") == pytest.approx(2 * sum(rtts))
    buckets = {bound: scrape("netmon_rtt_seconds_bucket", le=repr(bound)) for bound in RTT_BUCKETS}
    assert buckets[50e-6] == 2, "a bucket holds its own bound"
    assert buckets[100e-6] == 4
    assert buckets[RTT_BUCKETS[-1]] == 6
    assert scrape("netmon_rtt_seconds_bucket", le="+Inf") == 8
    assert RTT_BUCKETS[-1] > 26


def test_what_has_an_index_has_a_label_for_it() -> None:
    scrape = Scrape()
    readings = {"sent[near]": 5.0, "received[near]": 4.0, "loss_ratio[near]": 0.2, "in_bits_per_second[near]": 8e6}
    result = ProbeResult(readings=readings, samples={"rtt_seconds[near]": (0.1,)})
    scrape.metrics.update([replace(ping(1), result=result, derived={"out_bytes_per_second[near]": 7.0})])

    assert scrape("netmon_echo_requests_total", index="near") == 5
    assert scrape("netmon_rtt_seconds_count", index="near") == 1
    assert scrape("netmon_loss_ratio", index="near") == 0.2
    assert scrape("netmon_in_bytes_per_second", index="near") == 1e6, "bits are not a base unit"
    assert scrape("netmon_out_bytes_per_second", index="near") == 7


def test_a_count_loses_the_ending_that_means_a_histogram() -> None:
    scrape = Scrape()
    scrape.metrics.update([replace(ping(1), result=ProbeResult(readings={"active_alarms_count": 3.0}))])
    assert scrape("netmon_active_alarms") == 3


def test_a_reading_that_is_no_number_is_left_out() -> None:
    scrape = Scrape()
    for value in (1.0, float("nan"), 2.0, float("inf")):
        scrape.metrics.update([replace(ping(1), result=ProbeResult(readings={"loss_ratio": value}))])
        assert scrape("netmon_loss_ratio") == (value if value < 3 else None)


def test_states_are_sets_with_the_device_s_word_beside_them() -> None:
    scrape = Scrape()
    states = {"mode": State("fallback", StateClass.DEGRADED), "fan[2]": State("on", StateClass.OK)}
    scrape.metrics.update([replace(ping(1), result=ProbeResult(states=states))])

    assert [scrape("netmon_device_state", name="mode", state=word) for word in StateClass] == [0, 1, 0, 0]
    assert scrape("netmon_device_state_info", name="mode", word="fallback") == 1
    assert scrape("netmon_device_state", name="fan", index="2", state="ok") == 1

    states = {"mode": State("repeating", StateClass.OK)}
    scrape.metrics.update([replace(ping(2), result=ProbeResult(states=states))])
    assert [scrape("netmon_device_state", name="mode", state=word) for word in StateClass] == [1, 0, 0, 0]
    assert scrape("netmon_device_state_info", name="mode", word="fallback") is None
    assert scrape("netmon_device_state", name="fan", index="2", state="ok") is None


def test_an_old_observation_is_not_shown_as_current() -> None:
    scrape = Scrape(check(ID, interval_seconds=60, timeout_seconds=5))
    observation = replace(ping(1), result=replace(ping(1).result, states={"mode": State("on", StateClass.OK)}))
    scrape.metrics.update([observation])

    scrape.hands.seconds += 2 * 60 + 5
    assert scrape("netmon_loss_ratio") == 0.0
    assert scrape.statuses()["up"] == 1

    scrape.hands.seconds += 0.001
    assert scrape("netmon_loss_ratio") is None
    assert scrape("netmon_probe_duration_seconds") is None
    assert scrape("netmon_device_state", name="mode", state="ok") is None
    assert scrape.statuses() == {"up": 0, "degraded": 0, "down": 0, "unknown": 1, "standby": 0}
    assert scrape("netmon_check_last_run_timestamp_seconds") == observation.started_ns / 1e9
    assert scrape("netmon_check_runs_total") == 1
    assert scrape("netmon_rtt_seconds_count") == 20

    scrape.metrics.update([observation])
    assert scrape("netmon_loss_ratio") == 0.0
    assert scrape("netmon_device_state", name="mode", state="ok") == 1


def test_a_removed_check_s_series_vanish_and_the_others_go_on() -> None:
    other = "hunchun/switch/ping"
    scrape = Scrape(check(ID), check(other))
    scrape.metrics.update([ping(1), ping(2, other)])
    scrape.configure(check(other))

    text = b"".join(scrape.metrics.render()).decode()
    assert ID not in text
    assert scrape("netmon_check_runs_total", check=other) == 1
    assert scrape("netmon_loss_ratio", check=other) == 0.0
    scrape.metrics.update([ping(3)])
    assert ID not in b"".join(scrape.metrics.render()).decode()

    scrape.configure(check(ID), check(other))
    assert scrape("netmon_check_runs_total") == 0


def test_a_changed_check_keeps_its_counters_and_waits_for_its_readings() -> None:
    scrape = Scrape(check(ID))
    scrape.metrics.update([ping(1)])
    scrape.configure(check(ID, interval_seconds=10))

    assert scrape("netmon_check_runs_total") == 1
    assert scrape("netmon_loss_ratio") is None
    assert scrape("netmon_check_interval_seconds") == 10

    scrape.configure(check(ID, kind="tcp"))
    assert scrape("netmon_check_runs_total") == 0
    assert scrape("netmon_echo_requests_total") is None


def test_the_inventory_is_there_to_join() -> None:
    thresholds = (
        Threshold(reading="loss_ratio", degraded_above=0.05, down_above=0.5),
        Threshold(reading="capacity_bits_per_second[far]", degraded_below=5e7),
    )
    scrape = Scrape(check(ID, thresholds=thresholds))

    def info(name: str, **labels: str) -> float | None:
        return scrape.registry.get_sample_value(name, labels)

    place = {"latitude": "", "longitude": ""}
    assert info("netmon_site_info", site="hunchun", kind="battalion", name_zh="珲春", name_en="Hunchun", **place) == 1
    assert scrape("netmon_check_info", site="hunchun", asset="hunchun/router", kind="ping") == 1
    assert scrape("netmon_check_timeout_seconds") == 5
    assert scrape("netmon_threshold", reading="loss_ratio", limit="degraded_above") == 0.05
    assert scrape("netmon_threshold", reading="loss_ratio", limit="down_above") == 0.5
    assert scrape("netmon_threshold", reading="loss_ratio", limit="down_below") is None
    far = {"reading": "capacity_bytes_per_second", "index": "far", "limit": "degraded_below"}
    assert scrape("netmon_threshold", **far) == 6.25e6


def test_a_site_tells_where_it_is_and_one_name_stands_for_both_languages() -> None:
    place = Place(latitude=42.86, longitude=-130.0)
    scrape = Scrape(sites=(Site(id="north", kind="vehicle", name=LocalText(zh="北站"), place=place),))
    labels = {"site": "north", "kind": "vehicle", "name_zh": "北站", "name_en": "北站", "latitude": "42.86"}
    assert scrape("netmon_site_info", {**labels, "longitude": "-130.0"}) == 1


def test_equipment_is_counted_by_the_day() -> None:
    def uplink(name: str, **dates: date) -> Asset:
        return Asset(id=f"hunchun/{name}", site="hunchun", kind="uplink", name=LocalText(en=name), **dates)

    assets = (uplink("a"), uplink("b", commissioned=date(2026, 3, 2)), uplink("c", retired=date(2026, 3, 3)))
    scrape = Scrape(assets=assets)
    labels = {"site": "hunchun", "kind": "uplink"}

    assert scrape("netmon_required_equipment", labels) == 2
    counts = []
    for day in (1, 2, 3):
        scrape.hands.day = date(2026, 3, day)
        counts.append(scrape("netmon_equipment_present", labels))
    assert counts == [2, 3, 2]

    scrape.configure(assets=())
    assert scrape("netmon_equipment_present", labels) == 0, "missing equipment is 0, not absent"


def test_two_vantages_of_one_check_are_two_series() -> None:
    scrape = Scrape(check(ID), check(ID, vantage="hilltop"))
    scrape.metrics.update([ping(1, vantage="hilltop")])
    assert scrape("netmon_check_runs_total") == 0
    assert scrape("netmon_check_runs_total", vantage="hilltop") == 1


def test_a_profile_cannot_take_the_name_of_a_fixed_family() -> None:
    scrape = Scrape()
    scrape.metrics.update([replace(ping(1), result=ProbeResult(readings={"check_status": 7.0, "site_info": 1.0}))])
    assert scrape("netmon_check_status") is None
    assert scrape("netmon_site_info") is None


def kinds_readings() -> list[str]:
    kinds = getattr(probes, "KINDS", {}).values()
    return sorted({reading.name for kind in kinds for reading in kind.readings} | {
        counter.rate for kind in kinds for counter in kind.counters
    })  # fmt: skip


def test_no_kind_s_reading_makes_a_name_that_is_taken_or_against_the_conventions() -> None:
    names = [reading_metric(name)[0] for name in kinds_readings()]
    assert len(names) == len(set(names))
    assert not set(names) & set(FIXED)
    assert [name for name in names if re.search(r"_(total|count|sum|bucket|info|bits_per_second)$", name)] == []


DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"


class FakeArchive:
    backlog = rows_written = rows_refused = rows_lost = commits = 0
    commit_seconds = 0.0
    fault = None


class FakeTargets:
    """Targets with a figure of each unit: shares, pieces, an age and drills."""

    findings: Mapping[str, Mapping[str, Sequence[Finding]]] = {
        "sensing": {
            "fresh": (
                Finding(verdict=Verdict.MET, why=Why.REACHED, value=0.99, evidence_ratio=0.9),
                Finding(verdict=Verdict.NOT_MET, why=Why.MISSED, value=0.5, evidence_ratio=1.0),
            )
        },
        "radio-sites": {
            "complete": tuple(
                Finding(
                    verdict=Verdict.MET, why=Why.REACHED, value=float(count),
                    figures={"required": 2, "present": 2, "serviceable": count, "unknown": 0},
                )
                for count in (1, 2)
            )
        },
        "link-quality": {
            "loss": tuple(Finding(verdict=Verdict.MET, why=Why.REACHED, value=value) for value in (0.0001, 0.0003)),
            "utilisation-to-site": (
                Finding(verdict=Verdict.CANNOT_BE_JUDGED, why=Why.NO_THRESHOLD, value=0.4, evidence_ratio=0.95),
                Finding(verdict=Verdict.CANNOT_BE_JUDGED, why=Why.NO_THRESHOLD, evidence_ratio=0.2),
            ),
        },
        "satellite": {
            "drilled": tuple(Finding(verdict=Verdict.MET, why=Why.REACHED, value=value) for value in (9.0, 5.0))
        },
        "offline-resilience": {"drilled": (Finding(verdict=Verdict.NOT_MET, why=Why.TOO_FEW_DRILLS, value=0.0),)},
    }  # fmt: skip

    @property
    def report(self) -> Report:
        register = load_register(Path(__file__).parents[3] / "config" / "targets.yaml", kinds=probes.KINDS)
        standings = []
        for name, criteria in self.findings.items():
            target = register.targets[name]
            parts = tuple(
                Part(criterion, f"site-{number}", finding)
                for criterion in target.criteria
                for number, finding in enumerate(criteria.get(criterion.id, ()))
            )
            standings.append(Standing(target, worst(part.finding.verdict for part in parts), parts))
        return Report(year=2026, since_ns=0, until_ns=5_000_000_000, begun_ns=0, standings=tuple(standings))


class FakeAccess:
    log_ins = {"done": 0}  # noqa: RUF012 (never changed)
    fault = ""


class FakeAlerts:
    waiting = refused = 0
    oldest_ns = None
    alertmanager_up = True
    settings = AlertSettings(board="https://netmon.example.org/")

    def lasting(self) -> Sequence[LastingAlert]:
        major = Severity.MAJOR
        return [
            Alert(
                id="a-1",
                asset="a/router",
                site="a",
                thread="a-1",
                since_ns=7 * SECOND_NS,
                raised_ns=9 * SECOND_NS,
                severity=major,
            )
        ]

    def outbox_counts(self) -> OutboxCounters:
        return self


class FakeLoading:
    waiting = 1
    running = ("hunchun/router/capacity",)
    lines = ("hunchun/router",)

    def month_bytes(self, _asset: str) -> float:
        return 31e6


class FakeForward:
    fault = ""
    waiting = oldest_ns = sent = refused = failures = 0

    @property
    def pump(self) -> Pumped:
        return self


def test_tests_that_load_a_line_are_counted() -> None:
    internals = Internals()
    internals.watch_loading(FakeLoading())
    lines = internals.render().decode().splitlines()
    assert "netmon_load_tests_running 1.0" in lines
    assert "netmon_load_tests_waiting 1.0" in lines
    assert 'netmon_load_tests_month_bytes{asset="hunchun/router"} 3.1e+07' in lines


class FakeTraps:
    outcomes: Mapping[str, int] = {"accepted": 1}
    dropped_by_kernel = 0
    listening = True


def test_a_target_has_one_verdict_that_holds() -> None:
    internals = Internals()
    internals.watch_targets(FakeTargets())
    lines = [line for line in internals.render().decode().splitlines() if line.startswith("netmon_target")]
    assert 'netmon_target_verdict{target="sensing",verdict="not_met"} 1.0' in lines
    assert 'netmon_target_verdict{target="satellite",verdict="met"} 1.0' in lines
    of_one = [line for line in lines if line.startswith('netmon_target_verdict{target="sensing"')]
    assert sum(line.endswith(" 1.0") for line in of_one) == 1
    assert "netmon_targets_evaluated_timestamp_seconds 5.0" in lines
    value = internals.registry.get_sample_value
    labels = {"target": "sensing", "criterion": "fresh", "asset": "site-0"}
    assert value("netmon_objective_ratio", labels) == 0.95


def test_a_percentile_is_shown_of_each_piece_of_equipment_with_what_is_known() -> None:
    internals = Internals()
    internals.watch_targets(FakeTargets())

    def value(name: str, asset: str) -> float | None:
        labels = {"target": "link-quality", "criterion": "utilisation-to-site", "asset": asset}
        return internals.registry.get_sample_value(f"netmon_percentile_{name}", labels)

    assert (value("ratio", "site-0"), value("evidence_ratio", "site-0")) == (0.4, 0.95)
    assert (value("ratio", "site-1"), value("evidence_ratio", "site-1")) == (None, 0.2)


def test_a_criterion_shows_its_worst_figure_beside_what_is_required() -> None:
    internals = Internals()
    internals.watch_targets(FakeTargets())

    def value(name: str, target: str, criterion: str, **more: str) -> float | None:
        labels = {"target": target, "criterion": criterion, **more}
        return internals.registry.get_sample_value(f"netmon_criterion_{name}", labels)

    assert value("verdict", "sensing", "fresh", verdict="not_met") == 1
    assert value("verdict", "sensing", "fresh", verdict="met") == 0
    assert value("figure_ratio", "sensing", "fresh") == 0.5
    assert value("required_ratio", "sensing", "fresh", bound="at_least") == 0.95
    assert value("evidence_ratio", "sensing", "fresh") == 0.9
    assert value("subjects", "sensing", "fresh") == 2
    assert value("figure_ratio", "link-quality", "loss") == 0.0003, "loss is the worse the greater it is"
    assert value("required_ratio", "link-quality", "loss", bound="at_most") == 0.001
    assert value("evidence_ratio", "link-quality", "loss") is None
    assert value("figure_pieces", "radio-sites", "complete") == 3, "pieces are added up over sites"
    assert value("required_pieces", "radio-sites", "complete", bound="at_least") == 4
    assert value("figure_seconds", "satellite", "drilled") == 9
    assert value("required_seconds", "satellite", "drilled", bound="at_most") == 30 * 86_400
    assert value("figure_drills", "offline-resilience", "drilled") == 0
    assert value("required_drills", "offline-resilience", "drilled", bound="at_least") == 1


def test_seconds_of_a_stream_are_counted_and_it_has_no_histogram() -> None:
    """Availability over any time needs both parts as counters; single round trips are not kept."""
    scrape = Scrape(check(ID, kind="stream", continuous=True), kinds=probes.KINDS)
    names = [f"netmon_{what}_seconds_total" for what in ("available", "unavailable", "severely_errored")]
    assert [scrape(name) for name in names] == [0, 0, 0]
    run = ProbeResult(readings={"available_seconds": 50.0, "unavailable_seconds": 0.0, "r_factor": 91.0})
    scrape.metrics.update([replace(ping(1), result=run), replace(ping(2), result=run)])
    assert [scrape(name) for name in names] == [100, 0, 0]
    assert scrape("netmon_r_factor") == 91
    assert scrape("netmon_rtt_seconds_count") is None


def test_an_alert_is_there_while_it_lasts_and_the_board_where_it_was_said_to_be() -> None:
    internals = Internals()
    internals.watch_alerts(FakeAlerts())
    value = internals.registry.get_sample_value
    alert = {"alert": "a-1", "severity": "major", "site": "a", "asset": "a/router"}
    assert value("netmon_alert_since_timestamp_seconds", alert) == 7
    assert value("netmon_alerts", {"severity": "major"}) == 1
    assert value("netmon_alerts", {"severity": "critical"}) == 0
    assert value("netmon_board_info", {"url": "https://netmon.example.org"}) == 1


def failed_over() -> Use:
    """A site on its backup, of which everything is known."""
    service = Service(check_id="s/hd/ping", outcome=Outcome.WORKED, gap=(2.0, 4.5))
    last = Failover(
        id="f", site="s", check_id="s/router/path", primary="s/uplink", taken_over=True, lost_ns=1, noticed_ns=2,
        services=(service,),
    )  # fmt: skip
    return Use(check_id="s/router/path", site="s", primary="s/uplink", word="backup", since_ns=2, last=last)


def test_the_document_names_every_family_with_its_labels_and_nothing_else() -> None:
    """Families, kinds, labels and help texts are those of a scrape in which everything appears."""
    seconds = dict.fromkeys(("available_seconds", "unavailable_seconds", "severely_errored_seconds"), 1.0)
    readings = {"sent[x]": 1.0, "received[x]": 1.0, **seconds}
    index_and_state = ProbeResult(readings=readings, samples={"rtt_seconds[x]": (0.1,)},
                                  states={"mode[x]": State("on", StateClass.OK)})  # fmt: skip
    thresholds = (Threshold(reading="loss_ratio[x]", down_above=1.0),)
    asset = Asset(id="hunchun/router", site="hunchun", kind="uplink", name=LocalText(en="x"))
    scrape = Scrape(check(ID, thresholds=thresholds), assets=(asset,))
    scrape.metrics.update([replace(ping(1), result=index_and_state)])
    internals = Internals(archive=FakeArchive())
    internals.watch_access(FakeAccess())
    internals.watch_machine(Path.cwd(), scrape.hands.clock)
    internals.watch_upkeep(Upkeep(MemoryEvents(), scrape.hands.clock))
    internals.watch_targets(FakeTargets())
    internals.watch_alerts(FakeAlerts())
    internals.watch_forward(FakeForward())
    internals.watch_loading(FakeLoading())
    internals.watch_traps(FakeTraps())
    internals.watch_reports(SimpleNamespace(overdue=0))
    internals.watch_coverage(lambda: survey_board().now({}))
    internals.watch_failovers(lambda: [failed_over()])
    state = Effective(check_id=ID, raw=Status.DOWN, status=EffectiveStatus.UNREACHABLE, cause="hunchun/router")
    scrape.metrics.show_effective({ID: state})
    exported = {}
    for family in (*scrape.metrics.collect(), *internals.registry.collect()):
        if family.name.startswith("netmon_"):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            name = family.name + ("_total" if family.type == "counter" else "")
            exported[name] = (family.type, labels, family.documentation)
    row = re.compile(r"^\| `(netmon_[a-z_]+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)

    rows = row.findall(DOCUMENT.read_text())

    assert {name: (kind, set(labels.replace(",", " ").split()), text) for name, kind, labels, text in rows} == exported
    assert set(FIXED) <= set(exported)
    assert len(rows) == len(exported)
