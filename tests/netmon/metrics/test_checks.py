from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

import probes
from netmon.impact import Effective, EffectiveStatus
from netmon.metrics import CheckMetrics, Internals
from netmon.metrics.families import FIXED, RTT_BUCKETS, reading_metric
from netmon.metrics.internals import LastingAlert, OutboxCounters, Pumped
from netmon.model import Asset, Check, LocalText, Site, Status, Threshold
from netmon.runner import Clock
from netmon.targets.plain import Report
from netmon.targets.register import load_register
from netmon.targets.standing import Standing
from netmon.targets.verdict import Verdict
from netmon.upkeep import Upkeep
from probes.base import Failure, ProbeResult, State, StateClass
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

    def __init__(self, *checks: Check, sites: tuple[Site, ...] = SITES, assets: tuple[Asset, ...] = ()) -> None:
        self.hands = Hands()
        self.metrics = CheckMetrics(KINDS, clock=self.hands.clock)
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

    assert info("netmon_site_info", site="hunchun", kind="battalion", name_zh="珲春", name_en="Hunchun") == 1
    assert scrape("netmon_check_info", site="hunchun", asset="hunchun/router", kind="ping") == 1
    assert scrape("netmon_check_timeout_seconds") == 5
    assert scrape("netmon_threshold", reading="loss_ratio", limit="degraded_above") == 0.05
    assert scrape("netmon_threshold", reading="loss_ratio", limit="down_above") == 0.5
    assert scrape("netmon_threshold", reading="loss_ratio", limit="down_below") is None
    far = {"reading": "capacity_bytes_per_second", "index": "far", "limit": "degraded_below"}
    assert scrape("netmon_threshold", **far) == 6.25e6


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
    """One target that is met."""

    @property
    def report(self) -> Report:
        register = load_register(Path(__file__).parents[3] / "config" / "targets.yaml", kinds=probes.KINDS)
        standing = Standing(register.targets["sensing"], Verdict.MET, ())
        return Report(year=2026, since_ns=0, until_ns=5_000_000_000, begun_ns=0, standings=(standing,))


class FakeAccess:
    log_ins = {"done": 0}  # noqa: RUF012 (never changed)
    fault = ""


class FakeAlerts:
    waiting = refused = 0

    def lasting(self) -> Sequence[LastingAlert]:
        return ()

    def outbox_counts(self) -> OutboxCounters:
        return self


class FakeForward:
    fault = ""
    waiting = oldest_ns = sent = refused = failures = 0

    @property
    def pump(self) -> Pumped:
        return self


def test_a_target_has_one_verdict_that_holds() -> None:
    internals = Internals()
    internals.watch_targets(FakeTargets())
    lines = [line for line in internals.render().decode().splitlines() if line.startswith("netmon_target")]
    assert 'netmon_target_verdict{target="sensing",verdict="met"} 1.0' in lines
    assert sum(line.endswith(" 1.0") for line in lines) == 1
    assert "netmon_targets_evaluated_timestamp_seconds 5.0" in lines


def test_the_document_names_every_family_with_its_labels_and_nothing_else() -> None:
    """Families, kinds, labels and help texts are those of a scrape in which everything appears."""
    index_and_state = ProbeResult(readings={"sent[x]": 1.0, "received[x]": 1.0}, samples={"rtt_seconds[x]": (0.1,)},
                                  states={"mode[x]": State("on", StateClass.OK)})  # fmt: skip
    thresholds = (Threshold(reading="loss_ratio[x]", down_above=1.0),)
    asset = Asset(id="hunchun/router", site="hunchun", kind="uplink", name=LocalText(en="x"))
    scrape = Scrape(check(ID, thresholds=thresholds), assets=(asset,))
    scrape.metrics.update([replace(ping(1), result=index_and_state)])
    internals = Internals(archive=FakeArchive())
    internals.watch_access(FakeAccess())
    internals.watch_upkeep(Upkeep(MemoryEvents(), scrape.hands.clock))
    internals.watch_targets(FakeTargets())
    internals.watch_alerts(FakeAlerts())
    internals.watch_forward(FakeForward())
    internals.watch_coverage(lambda: survey_board().now({}))
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
