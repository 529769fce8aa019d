"""Every panel asks a real Prometheus that scrapes a running netmon, and shows what the archive has.

The tests of this file share one county, which takes some seconds to start; the last one ends it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grafana.codes import MEANINGS
from netmon.impact import EffectiveStatus
from netmon.metrics.families import COUNTED, reading_metric
from probes.base import split_key
from tests.lab.dashboards import DASHBOARDS, Asked, filled, metrics_of, queries
from tests.lab.observed import BOARD, INTERVAL_SECONDS, Observed
from tests.lab.prometheus import Prometheus, Series, ask
from tests.lab.soak import scale
from tests.lab.victoria import Victoria

CHECK, SITE = "station-2/uplink/uplink", "station-2"
LAST_RUN = f'netmon_check_last_run_timestamp_seconds{{check="{CHECK}"}}'
PATIENCE_SECONDS = 60.0
JOINED = re.compile(r" (?:\* on|and on|or on) \(.*")


@dataclass
class Watch:
    """A county, the Prometheus that watches it, one that sees everything twice, and a VictoriaMetrics."""

    county: Observed
    prometheus: Prometheus
    doubled: Prometheus
    victoria: Victoria

    def run_shown(self, at: float) -> float:
        """When the run of the check began that Prometheus shows at a moment, seconds since the epoch."""
        return float(self.prometheus.ask(LAST_RUN, at)[0]["value"][1])

    def answer(self, expr: str) -> list[Series]:
        """What Prometheus says, once it says something: after a scrape that a busy machine missed it does not."""
        found: list[Series] = []

        def there() -> bool:
            found[:] = self.prometheus.ask(expr)
            return bool(found)

        until(there)
        return found

    def moment(self, prometheus: Prometheus, jobs: int = 1) -> float:
        """A moment for which everything was scraped: whatever is asked of it has one answer."""
        at = 0.0

        def is_whole() -> bool:
            nonlocal at
            at = just_now()
            return len(prometheus.ask("up == 1", at)) == jobs

        until(is_whole)
        return at


def until(true: Callable[[], Any]) -> None:
    """Ask again until ``true()`` is."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, "it does not become so"
        time.sleep(0.25)


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    county = Observed()
    folder = tmp_path_factory.mktemp("prometheus")
    prometheus = Prometheus(folder, county.target)
    victoria = Victoria(tmp_path_factory.mktemp("victoria"), scraping=folder / "prometheus.yml")
    doubled = Prometheus(tmp_path_factory.mktemp("doubled"), county.target, jobs=("netmon", "other"))
    try:
        prometheus.start()
        doubled.start()
        victoria.start()
        yield Watch(county, prometheus, doubled, victoria)
    finally:
        victoria.stop()
        doubled.stop()
        prometheus.stop()
        county.stop()


def answers_to_all(watch: Watch, url: str, wanted: list[Asked]) -> None:
    """Wait until each query has had an answer: a busy machine may be late with a run, and then has none for a while."""
    missing = wanted

    def answered() -> bool:
        missing[:] = [asked for asked in missing if not ask(url, filled(asked.expr))]
        return not missing

    try:
        until(answered)
    except AssertionError:
        pytest.fail("no answer:\n" + "\n".join(map(str, missing)))


def test_every_query_of_every_panel_answers(watch: Watch) -> None:
    """As soon as rates are there; what may rightly be missing is only a limit that nobody set, or an alert."""
    every = [
        asked
        for language in ("zh", "en")
        for asked in queries(language)
        # Here something is to be forwarded, so that its metrics are there.
        if not asked.optional or "netmon_forward_" in asked.expr
    ]
    answers_to_all(watch, watch.prometheus.url, every)


def test_every_query_answers_from_a_victoriametrics_too(watch: Watch) -> None:
    """Where many sites forward to one: the same expressions, read by another engine."""
    answers_to_all(watch, watch.victoria.url, [asked for asked in queries("en") if not asked.optional])


def test_a_limit_is_drawn_where_there_is_one(watch: Watch) -> None:
    drawn, at = 0, watch.moment(watch.prometheus)
    for asked in queries("en"):
        limit = re.search(r'netmon_threshold\{reading="(\w+)", limit="(degraded|down)_', asked.expr)
        if limit is None or "min by (limit)" not in asked.expr:
            continue
        kind = re.search(r'netmon_check_info\{kind=~"([^"]+)"', asked.expr)
        chosen = f'netmon_check_info{{kind=~"{kind[1] if kind else ".*"}"}}'
        there = f'netmon_threshold{{reading="{limit[1]}", limit=~"{limit[2]}_.*"}} and on (check, vantage) {chosen}'
        shown = watch.prometheus.ask(filled(asked.expr), at)
        assert bool(shown) == bool(watch.prometheus.ask(there, at)), str(asked)
        drawn += bool(shown)
    assert drawn >= 10


def test_variables_offer_sites_and_equipment_by_name_readings_and_the_board(watch: Watch) -> None:
    for language, name in (("zh", "一号消防救援站（模拟）"), ("en", "Fire station 1 (simulated)")):
        variables = {each["name"]: each for each in DASHBOARDS[f"netmon-uplinks-{language}"]["templating"]["list"]}
        assert dict(options(watch, variables["site"]))["station-1"] == name
        (sites,) = watch.answer("count(group by (site) (netmon_site_info))")
        assert len(options(watch, variables["site"])) == float(sites["value"][1])
        assert [value for value, _text in options(watch, variables["board"])] == [BOARD]
    variables = {each["name"]: each for each in DASHBOARDS["netmon-equipment-zh"]["templating"]["list"]}
    assert dict(options(watch, variables["asset"]))["station-2/uplink"] == "上联链路"
    assert {"netmon_loss_ratio", "netmon_in_utilisation_ratio"} <= dict(options(watch, variables["reading"])).keys()


def test_only_what_was_chosen_is_shown(watch: Watch) -> None:
    """One site, two sites as Grafana writes them, one piece of equipment."""
    for uid, site, seen in (
        ("netmon-site-en", SITE, {SITE}),
        ("netmon-uplinks-en", f"(station-1|{SITE})", {"station-1", SITE}),
        ("netmon-equipment-en", SITE, {SITE}),
    ):
        sites, at = set(), watch.moment(watch.prometheus)
        for asked in (each for each in queries("en") if each.uid == uid):
            for series in watch.prometheus.ask(filled(asked.expr, site=site), at):
                labels = series["metric"]
                sites |= {name.partition("/")[0] for name in (labels.get("site"), labels.get("asset")) if name}
        assert sites == seen, uid


def options(watch: Watch, variable: dict[str, Any]) -> list[tuple[str, str]]:
    """Values and texts, made as Grafana makes them: the regex goes over each series written as text."""
    expr = filled(variable["query"]["query"].removeprefix("query_result(").removesuffix(")"), site="station-2")
    pattern = variable["regex"].strip("/g").strip("/").replace("(?<", "(?P<")
    found = []
    for series in watch.answer(expr):
        name = series["metric"].pop("__name__", "")
        labels = ",".join(f'{label}="{value}"' for label, value in series["metric"].items())
        groups: dict[str, str] = {}
        for match in re.finditer(pattern, f"{name}{{{labels}}} {series['value'][1]}"):
            groups |= {name: value for name, value in match.groupdict().items() if value is not None}
        found.append((groups["value"], groups.get("text", groups["value"])))
    return found


def of_the_check(asked: Asked, found: list[Series]) -> list[Series]:
    """Series of the named check among an answer's."""
    return [series for series in found if series["metric"].get("check") == CHECK]


def just_now() -> float:
    """A moment whose scrape has ended, well or not: it may take two seconds."""
    return time.time() - 3


def shown(watch: Watch) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """The run that Prometheus shows, as the archive has it, and what panels show of it: the kind's and its own page.

    Each figure that is a reading is compared with the archive's.
    """
    at = 0.0

    def is_current() -> bool:
        """A busy machine may be late with a run, until nothing counts as known."""
        nonlocal at
        at = watch.moment(watch.prometheus)
        (age,) = watch.prometheus.ask(f"timestamp({LAST_RUN}) - {LAST_RUN}", at)
        return float(age["value"][1]) < 2 * INTERVAL_SECONDS

    until(is_current)
    answers = {
        str(asked): (asked, of_the_check(asked, watch.prometheus.ask(filled(asked.expr), at)))
        for asked in queries("en")
        if asked.uid in ("netmon-uplinks-en", "netmon-equipment-en") and "[" not in asked.expr
    }
    began = watch.run_shown(at)
    # A scrape is written in pieces, and a run may come between two of them: what follows the first may be of the next.
    runs = watch.county.observed(CHECK)
    at_run = next(number for number, each in enumerate(runs) if abs(each["started_ns"] / 1e9 - began) < 1e-3)
    figures = {}
    compared = set()
    for name, (asked, found) in answers.items():
        figures[name] = [float(series["value"][1]) for series in found]
        compared |= {name for series in found if (name := compare(asked, series, runs[at_run : at_run + 2]))}
    run = runs[at_run]
    every = {reading_metric(split_key(key)[0])[0] for key in run["readings"] if split_key(key)[0] not in COUNTED}
    assert every <= compared, "the page of the equipment has every reading"
    assert {"netmon_in_bytes_per_second", "netmon_loss_ratio", "netmon_rtt_median_seconds"} <= compared
    assert {"status", "states"} <= compared
    return run, figures


def compare(asked: Asked, series: Series, runs: Sequence[dict[str, Any]]) -> str:
    """Compare one figure with the archive's of one of these runs; returns what was compared, or nothing."""
    value = float(series["value"][1])
    labels = series["metric"]
    at = labels.get("index", "").removesuffix(" end")
    if "netmon_check_effective_status" in asked.expr:
        assert list(EffectiveStatus)[round(value)] in {run["status"] for run in runs}, str(asked)
        return "status"
    if "netmon_device_state{" in asked.expr:
        key = f"{labels['name']}[{at}]"
        assert list(MEANINGS)[round(value)] in {run["states"][key] for run in runs}, str(asked)
        return "states"
    # The table of every reading names none of them.
    names = {labels["__name__"]} if "__name__" in labels else metrics_of(JOINED.sub("", asked.expr))
    scale_of = 8 if "8 * " in asked.expr else 1
    stored = []
    for run in runs:
        wanted = [
            reading * reading_metric(split_key(key)[0])[1] * scale_of
            for key, reading in run["readings"].items()
            if reading_metric(split_key(key)[0])[0] in names and (not at or split_key(key)[1] == at)
        ]
        stored += [max(wanted)] if wanted else []  # what has no index of two ends is the greater of them
    if not stored:
        return ""
    assert any(value == pytest.approx(each, rel=1e-9) for each in stored), (str(asked), value, stored)
    return names.pop()


def changed(before: dict[str, list[float]], after: dict[str, list[float]], title: str) -> bool:
    names = [name for name in before if f", {title}, Q" in name]
    assert names, title
    return any(before[name] != after[name] for name in names)


@pytest.mark.soak
def test_each_panel_of_a_check_shows_what_the_archive_has_and_changes_when_a_fault_comes(watch: Watch) -> None:
    until(lambda: any("in_bytes_per_second[far]" in each["readings"] for each in watch.county.observed(CHECK)))
    until(lambda: watch.prometheus.ask(f'netmon_in_bytes_per_second{{check="{CHECK}"}}', just_now()))
    run, before = shown(watch)
    assert run["status"] == "up"

    assert watch.county.inject("the line is nearly full", SITE) == {CHECK: "degraded"}
    degraded = f'netmon_check_status{{check="{CHECK}", status="degraded"}} == 1'
    until(lambda: watch.prometheus.ask(degraded, just_now()))
    # Faults of minutes under `make soak`: what is shown stays what the archive has.
    for _look in range(scale(1, 60)):
        run, during = shown(watch)
        assert run["status"] == "degraded"
        assert run["readings"]["in_utilisation_ratio[far]"] > 0.9
        for title in ("now", "status over time", "traffic in", "utilisation in"):
            assert changed(before, during, title), title
        assert not changed(before, during, "provisioned, and what the interface does")
        time.sleep(scale(0, 2))

    watch.county.end_fault()
    until(lambda: watch.prometheus.ask(degraded.replace("degraded", "up"), just_now()))
    _run, after = shown(watch)
    assert changed(during, after, "utilisation in")


def test_an_alert_is_a_mark_with_names_and_a_row_and_a_count(watch: Watch) -> None:
    marks = {each["name"]: each for each in DASHBOARDS["netmon-county-zh"]["annotations"]["list"]}
    count = next(
        asked for asked in queries("zh") if asked.uid == "netmon-alerts-zh" and 'severity="major"' in asked.expr
    )  # fmt: skip
    row = next(asked for asked in queries("zh") if asked.uid == "netmon-alerts-zh" and asked.panel["type"] == "table")
    mark = filled(marks["重要告警"]["expr"], site="hadamen")
    assert watch.prometheus.ask(mark) == []
    before = float(watch.answer(filled(count.expr))[0]["value"][1])

    watch.county.inject("the device is off", "hadamen")
    (series,) = watch.answer(mark)
    assert (series["metric"]["place"], series["metric"]["equipment"]) == ("哈达门乡（模拟）", "公网终端")
    assert float(series["value"][1]) > 1.7e9, "not 0: a mark lasts while its series is not"
    assert float(watch.answer(filled(count.expr))[0]["value"][1]) >= before + 1
    (listed,) = (each for each in watch.answer(filled(row.expr)) if each["metric"]["site"] == "hadamen")
    assert float(listed["value"][1]) == pytest.approx(1000 * float(series["value"][1]))
    site = next(
        asked for asked in queries("zh") if asked.uid == "netmon-county-zh" and asked.panel["type"] == "geomap"
    )  # fmt: skip
    worst = [each for each in watch.answer(filled(site.expr)) if each["metric"]["site"] == SITE]
    assert [(float(each["metric"]["latitude"]), float(each["value"][1])) for each in worst] == [(42.85, 0)]
    watch.county.end_fault()


def test_two_that_measure_the_same_break_no_query_and_no_check_counts_twice(watch: Watch) -> None:
    """A second netmon, or a second job for the same one, doubles every series: joins must bear it."""
    until(lambda: len(watch.doubled.ask("netmon_build_info")) == 2)
    at = watch.moment(watch.doubled, jobs=2)
    for asked in queries("en"):
        watch.doubled.ask(filled(asked.expr), at)
    for mark in DASHBOARDS["netmon-site-en"]["annotations"]["list"]:
        watch.doubled.ask(filled(mark["expr"]), at)
    unknown = next(each for each in queries("en") if each.panel["title"] == "unknown")
    (up,) = watch.doubled.ask(filled(unknown.expr).replace("unknown", "up"), at)
    (every,) = watch.doubled.ask("count(group by (check, vantage) (netmon_check_info))", at)
    assert 0.5 < float(up["value"][1]) / float(every["value"][1]) <= 1


def test_an_emergency_is_a_mark_and_red(watch: Watch) -> None:
    marks = {each["name"]: each for each in DASHBOARDS["netmon-site-zh"]["annotations"]["list"]}
    watch.county.declare_emergency()
    until(lambda: watch.answer(marks["应急状态"]["expr"])[0]["value"][1] == "1")
    (started,) = watch.answer(marks["netmon 启动"]["expr"])
    assert abs(time.time() - float(started["value"][1]) / 1000) < 3600


def test_nothing_is_shown_of_a_netmon_that_is_not_there(tmp_path: Path) -> None:
    """No figure, and no 0 that would look good, when netmon cannot be scraped any more."""
    county = Observed()
    prometheus = Prometheus(tmp_path, county.target)
    try:
        prometheus.start()
        until(lambda: prometheus.ask("netmon_check_status"))
        county.stop()
        until(lambda: prometheus.ask("up == 0"))
        # What counts over a range of time still has some of it, and whether it answers is a figure of its own.
        invented = [
            asked
            for asked in queries("zh")
            if "[$__" not in asked.expr and "up and" not in asked.expr and prometheus.ask(filled(asked.expr))
        ]
    finally:
        prometheus.stop()
        county.stop()
    assert list(map(str, invented)) == []
