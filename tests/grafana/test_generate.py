"""The dashboards without a Grafana: they are what the code makes, and what the code makes holds together."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

import probes
from grafana.generate import FOLDER, files
from grafana.map_panel import BASE_LAYER
from grafana.pages import PAGES
from netmon.alerts import letter
from netmon.alerts.desk import OWN, Alert
from netmon.alerts.settings import AlertSettings
from netmon.i18n import use_language
from netmon.metrics.families import COUNTED, FIXED, reading_metric
from tests.lab.dashboards import DASHBOARDS, Asked, filled, metrics_of, panels, queries
from tests.lab.need import program

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "grafana.md"
GRID_WIDTH = 24
LANGUAGES = ("en", "zh")


def test_the_committed_files_are_what_the_code_makes() -> None:
    """`python -m grafana.generate` was run."""
    committed = {str(path.relative_to(FOLDER)): path.read_text("utf-8") for path in FOLDER.glob("*/*")}
    made = dict(files())
    assert sorted(committed) == sorted(made)
    assert [name for name, text in made.items() if committed[name] != text] == []


def test_every_dashboard_is_what_the_published_schema_says() -> None:
    """Read by the SDK's model and written again it is the same; only annotations have more than the model knows."""
    register_default_plugins()
    for uid, dashboard in DASHBOARDS.items():
        again = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
        marks, kept = dashboard["annotations"]["list"], again["annotations"]["list"]
        assert [{key: mark[key] for key in one} for mark, one in zip(marks, kept, strict=True)] == kept, uid
        assert {**again, "annotations": None} == {**dashboard, "annotations": None}, uid


def test_every_page_is_there_in_every_language() -> None:
    assert set(DASHBOARDS) == {f"netmon-{page.name}-{language}" for page in PAGES for language in LANGUAGES}
    assert len({page.name for page in PAGES}) == len(PAGES)


def without_texts(panel: dict[str, Any]) -> dict[str, Any]:
    """What of a panel does not depend on the language."""
    targets = [{**target, "legendFormat": None} for target in panel.get("targets", ())]
    text = json.dumps([panel["type"], panel["gridPos"], panel["id"], targets], ensure_ascii=False)
    for chinese, english in (("近端", "near end"), ("远端", "far end")):
        text = text.replace(chinese, english)
    return {
        "text": text.replace("name_zh", "name").replace("name_en", "name"),
        "unit": panel.get("fieldConfig", {}).get("defaults", {}).get("unit"),
        "overrides": [
            [each["id"] for each in override["properties"]]
            for override in panel.get("fieldConfig", {}).get("overrides", ())
        ],
    }


def test_both_languages_have_the_same_panels() -> None:
    for page in PAGES:
        english, chinese = (DASHBOARDS[f"netmon-{page.name}-{language}"] for language in LANGUAGES)
        assert list(map(without_texts, english["panels"])) == list(map(without_texts, chinese["panels"]))
        same = [
            panel["title"]
            for panel, other in zip(english["panels"], chinese["panels"], strict=True)
            if panel["title"] == other["title"]
        ]
        assert same == [], "untranslated"
        assert english["description"] != chinese["description"]


PLAIN = {"__auto", "IPv4", "IPv6"}


def test_whatever_a_person_reads_in_chinese_is_chinese() -> None:
    """Legends, columns and texts for codes: English in them is a text that was not marked for translation."""
    left = set()
    for _uid, panel in panels("zh"):
        texts = [target["legendFormat"] for target in panel["targets"]]
        for each in panel.get("transformations", ()):
            texts += each["options"].get("renameByName", {}).values()
        texts += re.findall(r'"text": "([^"]*)"', json.dumps(panel["fieldConfig"], ensure_ascii=False))
        texts += [link["title"] for link in panel["fieldConfig"]["defaults"].get("links", ())]
        bare = {re.sub(r"\{\{\w+\}\}", "", text).strip() for text in texts}
        left |= {text for text in bare if re.search("[A-Za-z]{2}", text) and not re.search("[\u4e00-\u9fff]", text)}
    assert left - PLAIN == set()


def test_no_panel_overlaps_another_one_and_all_can_be_read_on_a_wall() -> None:
    for uid, dashboard in DASHBOARDS.items():
        taken: dict[tuple[int, int], str] = {}
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            assert 0 <= place["x"] <= place["x"] + place["w"] <= GRID_WIDTH, (uid, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    assert (x, y) not in taken, (uid, panel["title"], taken.get((x, y)))
                    taken[x, y] = panel["title"]
            if panel["type"] == "row":
                continue
            least = (3, 5) if panel["type"] == "stat" else (6, 6)
            assert (place["w"], place["h"]) >= least, (uid, panel["title"])
            assert place["h"] >= least[1], (uid, panel["title"])
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        lines = {y for _x, y in taken}
        assert lines == set(range(max(lines) + 1)), f"{uid} has an empty line"


# Independent of the generator's own table: what a metric of this name must be shown in, and how it gets there.
SHOWN = (
    ("_bytes_per_second", "bps", "8 * "),
    ("_per_second", "cps", ""),
    ("_timestamp_seconds", "dateTimeAsIso", "1000 * "),
    ("_vswr_ratio", "none", ""),
    ("_ratio", "percentunit", ""),
    ("_seconds", "s", ""),
    ("_dbm", "dBm", ""),
    ("_db", "dB", ""),
    ("_celsius", "celsius", ""),
    ("_volts", "volt", ""),
    ("_amperes", "amp", ""),
    ("_watts", "watt", ""),
    ("_hertz", "hertz", ""),
    ("_bytes", "decbytes", ""),
)
JOINED = re.compile(r" (?:\* on|and on|or on) \(.*")
THRESHOLD = re.compile(r'netmon_threshold\{reading="([a-z_]+)"')
COMPUTED = re.compile(r"\b(?:rate|increase|count|time|histogram_quantile)\(|\bup\b|_timestamp_seconds\{|_alert_since")


def unit_of_query(asked: Asked) -> str:
    """The unit that a query's figures have: that of its panel, or of its own column of a table."""
    config = asked.panel["fieldConfig"]
    if asked.panel["type"] != "table":
        return str(config["defaults"]["unit"])
    organized = next(each for each in asked.panel["transformations"] if each["id"] == "organize")
    field = "Value" if len(asked.panel["targets"]) == 1 else f"Value #{asked.ref_id}"
    title = organized["options"]["renameByName"].get(field, field)
    properties = [
        prop
        for override in config["overrides"]
        if override["matcher"]["options"] == title
        for prop in override["properties"]
        if prop["id"] == "unit"
    ]
    return str(properties[0]["value"]) if properties else "none"


def test_figures_are_shown_in_the_unit_of_their_metric() -> None:
    """Readings and limits: bytes a second as bits a second, seconds since the epoch as a time, ratios as percent."""
    looked_at = 0
    for asked in queries("en"):
        measured = JOINED.sub("", asked.expr)
        limit = THRESHOLD.search(asked.expr)
        names = {f"netmon_{limit[1]}"} if limit else metrics_of(measured)
        if len(names) != 1 or (COMPUTED.search(asked.expr) and not limit):
            continue
        (name,) = names
        for ending, unit, scaled in SHOWN:
            if name.endswith(ending):
                looked_at += 1
                assert unit_of_query(asked) == unit, str(asked)
                assert scaled in asked.expr, str(asked)
                assert scaled or not re.match(r"\(?(?:8|1000) \* ", asked.expr), str(asked)
                break
    assert looked_at > 150


def test_no_limit_is_written_into_a_dashboard() -> None:
    """Colours come from codes; a count may be red from 1 on; every other limit is an exported gauge."""
    for uid, panel in panels("en"):
        defaults = panel["fieldConfig"]["defaults"]
        steps = [step["value"] for step in defaults["thresholds"]["steps"]]
        assert steps in ([None], [None, 1.0]), (uid, panel["title"])
        if len(steps) > 1:
            assert defaults["unit"] == "none", (uid, panel["title"])
        assert not {"min", "max"} & set(defaults), (uid, panel["title"])
        assert "threshold" not in json.dumps(panel["fieldConfig"]["overrides"]), (uid, panel["title"])


def test_what_is_set_for_a_column_is_set_for_that_column_only() -> None:
    """Grafana finds a column by its label and by its title alike."""
    for uid, panel in (each for language in LANGUAGES for each in panels(language)):
        if panel["type"] != "table":
            continue
        organized = next(each for each in panel["transformations"] if each["id"] == "organize")["options"]
        titles = organized["renameByName"]
        for override in panel["fieldConfig"]["overrides"]:
            wanted = override["matcher"]["options"]
            meant = [field for field in organized["indexByName"] if wanted in (field, titles.get(field))]
            assert len(meant) == 1, (uid, panel["title"], wanted, meant)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


BUILT_IN = re.compile(r"__(?:rate_interval|range|url_time_range|interval)$")


@pytest.mark.parametrize("uid", sorted(DASHBOARDS))
def test_links_and_variables_lead_somewhere(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    known = {variable["name"] for variable in dashboard["templating"]["list"]}
    for text in strings({key: value for key, value in dashboard.items() if key != "templating"}):
        for name in re.findall(r"\$\{?([a-zA-Z_]\w*)", text):
            assert name in known or BUILT_IN.match(name) or name in ("__data", "__field"), text
        for other, rest in re.findall(r"/d/([\w-]+)(\S*)", text):
            assert other in DASHBOARDS, text
            variables = {variable["name"] for variable in DASHBOARDS[other]["templating"]["list"]}
            assert set(re.findall(r"var-(\w+)=", rest)) <= variables, text
    for panel in dashboard["panels"]:
        named = set(re.findall(r"\$\{__data\.fields\.(\w+)\}", json.dumps(panel)))
        if panel["type"] == "table":
            shown = next(each for each in panel["transformations"] if each["id"] == "filterFieldsByName")
            assert named <= set(shown["options"]["include"]["names"]), panel["title"]
    heads = {link["url"] for link in dashboard["links"]}
    language = uid.rpartition("-")[2]
    assert {f"/d/netmon-{page.name}-{language}" for page in PAGES} - heads == {f"/d/{uid}"}
    assert "${board}/" in heads
    assert any(head.rpartition("-")[0] == f"/d/{uid.rpartition('-')[0]}" for head in heads), "no other language"


def test_one_can_go_from_the_county_to_a_site_to_its_equipment_to_the_board() -> None:
    def leads(uid: str, to: str) -> bool:
        return any(to in text for text in strings(DASHBOARDS[uid]["panels"]))

    assert leads("netmon-county-zh", "/d/netmon-site-zh?${__url_time_range}&var-site=")
    assert leads("netmon-county-zh", "${board}/targets")
    assert leads("netmon-site-zh", "/d/netmon-equipment-zh?${__url_time_range}&var-site=")
    assert leads("netmon-equipment-zh", "${board}/checks/${__data.fields.check}")
    assert leads("netmon-site-zh", "${board}/sites/$site")
    for name in ("stations", "uplinks", "satellite", "ipv6", "services"):
        assert leads(f"netmon-{name}-zh", "/d/netmon-equipment-zh?${__url_time_range}&var-site=")


def test_a_mail_s_link_leads_to_a_dashboard_with_its_variables() -> None:
    settings = AlertSettings(grafana="https://grafana.example.org")
    for language in LANGUAGES:
        use_language(language)
        for site, asset in (("a", "a/router"), (OWN, f"{OWN}/archive")):
            alert = Alert(id="1", asset=asset, site=site, thread="1", since_ns=10**18, raised_ns=10**18)
            link = urlsplit(letter._dashboard_of(alert, settings))
            variables = DASHBOARDS[link.path.removeprefix("/d/")]["templating"]["list"]
            given = {name.removeprefix("var-") for name in parse_qs(link.query) if name.startswith("var-")}
            assert given <= {variable["name"] for variable in variables}
            assert bool(given) == (site != OWN)
        assert letter._dashboard(settings, "county").rpartition("/")[2] in DASHBOARDS
    use_language("en")


def test_nothing_is_fetched_from_the_internet() -> None:
    for uid, dashboard in DASHBOARDS.items():
        assert not [text for text in strings(dashboard["panels"]) if re.search(r"https?://", text)], uid
    for _uid, panel in panels("en"):
        if panel["type"] == "geomap":
            assert panel["options"]["basemap"]["type"] == "geojson"
            assert panel["options"]["basemap"]["config"]["src"] == BASE_LAYER
            break
    else:
        pytest.fail("there is no map")


def families() -> set[str]:
    """Every metric that docs/metrics.md names; a test compares that page with a scrape."""
    rows = re.findall(r"^\| `(netmon_[a-z_]+)` \|", (ROOT / "docs" / "metrics.md").read_text("utf-8"), re.MULTILINE)
    return set(FIXED) | set(rows)


def of_readings() -> set[str]:
    """The metric of every reading of every kind."""
    names = {
        name
        for kind in probes.KINDS.values()
        for name in (
            *(reading.name for reading in kind.readings),
            *(each for counter in kind.counters for each in (counter.rate, counter.share) if each),
        )
    }
    return {reading_metric(name)[0] for name in names - COUNTED.keys()}


def used() -> set[str]:
    return {
        name
        for dashboard in DASHBOARDS.values()
        for text in strings(dashboard)
        for name in metrics_of(text)
        if name.startswith("netmon_")
    } | {f"netmon_{reading}" for asked in queries("en") for reading in THRESHOLD.findall(asked.expr)}


def test_every_metric_that_is_named_exists() -> None:
    assert used() - families() - of_readings() == set()


def test_every_reading_is_in_the_table_of_its_equipment() -> None:
    """That table takes metrics by their names: no reading may be named like what it leaves out."""
    selector = next(asked.expr for asked in queries("en") if "__name__=~" in asked.expr)
    taken, left = (re.search(rf'__name__{sign}"([^"]+)"', selector) for sign in ("=~", "!~"))
    assert taken is not None
    assert left is not None
    missed = {name for name in of_readings() if not re.fullmatch(taken[1], name) or re.fullmatch(left[1], name)}
    assert missed == set()


def test_every_other_metric_is_on_a_dashboard_or_listed_as_on_none() -> None:
    _before, _heading, after = DOCUMENT.read_text("utf-8").partition("## On no dashboard\n")
    listed = set(re.findall(r"`(netmon_[a-z0-9_]+)`", after.partition("\n## ")[0]))
    assert families() - used() == listed


def test_every_expression_is_promql(tmp_path: Path) -> None:
    promtool = program("promtool", "prometheus")
    expressions = {filled(asked.expr) for language in LANGUAGES for asked in queries(language)}
    expressions |= {filled(mark["expr"]) for one in DASHBOARDS.values() for mark in one["annotations"]["list"]}
    rules = [{"record": f"r:{number}:r", "expr": expr} for number, expr in enumerate(sorted(expressions))]
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}), "utf-8")
    done = subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(rules) > 250
