"""Prometheus's rules: sound, each alert proven by promtool to keep still, to fire and to clear, and answered by a real
Prometheus that scraped netmon.
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import time
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

import probes
from netmon.alerts.desk import Severity
from netmon.app import Settings, running
from netmon.config import load
from tests.lab.cut_uplink import inventory
from tests.lab.need import program
from tests.lab.servers import unused_port
from tests.lab.soak import generator, scale
from tests.lab.stack import ROOT, Stack, wait_for
from tests.lab.two_mails import users

RULES = sorted((ROOT / "config" / "prometheus" / "rules").glob("*.yml"))
CASES = sorted((ROOT / "tests" / "config" / "rules").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
TEXTS = ("summary", "description", "action")
METRIC = re.compile(r"\b(?:asset|instance):[a-z_:0-9]+|\bnetmon_[a-z_]+|\bprocess_[a-z_]+|\bup\b")


def rules() -> list[dict[str, Any]]:
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


@cache
def cases() -> tuple[dict[str, Any], ...]:
    return tuple(case for file in CASES for case in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"])


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("promtool", "prometheus"), *arguments], capture_output=True, text=True, cwd=ROOT)


def test_the_files_are_sound_and_named_by_the_convention() -> None:
    done = promtool("check", "config", "config/prometheus/prometheus.yml")
    assert done.returncode == 0, done.stderr
    for file in RULES:
        done = promtool("check", "rules", file)
        assert done.returncode == 0, done.stderr
    for rule in rules():
        if "record" in rule:
            assert re.fullmatch(r"(instance|asset):netmon_[a-z_]+:[a-z0-9_]+", rule["record"]), rule["record"]


def test_promtool_s_tests_pass() -> None:
    done = promtool("test", "rules", *CASES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_is_shown_to_keep_still_to_fire_and_to_clear(name: str) -> None:
    turns = [
        [key for key, _same in groupby(bool(each["exp_alerts"]) for each in case["alert_rule_test"])]
        for case in cases()
        if {each["alertname"] for each in case["alert_rule_test"]} == {name}
    ]
    assert [False, True, False] in turns


@pytest.mark.parametrize("name", generator().sample(list(ALERTS), scale(1, len(ALERTS))))
@pytest.mark.parametrize("mutant", ["vector(1) == 0", "up * 0 == 0"])
@pytest.mark.soak
def test_a_rule_that_never_or_always_fires_does_not_pass(name: str, mutant: str, tmp_path: Path) -> None:
    for file in RULES:
        plain = yaml.safe_load(file.read_text(encoding="utf-8"))
        for group in plain["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == name:
                    rule["expr"] = mutant
        (tmp_path / file.name).write_text(yaml.safe_dump(plain, allow_unicode=True), encoding="utf-8")
    # The second mutant finds a series at all times.
    always = {"series": 'up{job="x"}', "values": "1x600"}
    chosen = [
        {**case, "input_series": [*case["input_series"], always]}
        for case in cases()
        if case["alert_rule_test"][0]["alertname"] == name
    ]
    document = {"rule_files": ["netmon-*.yml"], "evaluation_interval": "1m", "tests": chosen}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    assert promtool("test", "rules", tmp_path / "test.yml").returncode == 1


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_says_what_it_is_and_what_to_do_in_both_languages(name: str) -> None:
    rule = ALERTS[name]
    wanted = {*TEXTS, *(f"{text}_zh" for text in TEXTS), "runbook_url"}
    assert set(rule["annotations"]) == wanted
    for text in TEXTS:
        assert re.search("[\u4e00-\u9fff]", rule["annotations"][f"{text}_zh"])
        assert rule["annotations"][text].isascii()
    assert rule["labels"]["severity"] in list(Severity)
    page = (ROOT / rule["annotations"]["runbook_url"]).read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    for head in (
        "## Meaning",
        "## Impact",
        "## Diagnosis",
        "## Mitigation",
        "## 含义",
        "## 影响",
        "## 诊断",
        "## 处置",
    ):
        assert f"\n{head}\n" in page


def test_every_alert_has_the_labels_by_which_alertmanager_groups_and_inhibits() -> None:
    for case in cases():
        for turn in case["alert_rule_test"]:
            for alert in turn["exp_alerts"]:
                assert all(alert["exp_labels"].get(label) for label in ("site", "asset", "severity"))


def test_minutes_are_counted_by_samples() -> None:
    text = (ROOT / "config" / "prometheus" / "rules" / "netmon-records.yml").read_text(encoding="utf-8")
    group = next(each for each in yaml.safe_load(text)["groups"] if each["name"] == "netmon-objectives")
    assert group["interval"] == "1m"
    assert text.count("* 60") == 3


@pytest.mark.timeout(120)
async def test_a_real_prometheus_answers_every_rule_from_what_it_scraped(tmp_path: Path) -> None:
    stack = Stack(tmp_path, quicker=100)
    county = inventory("127.0.0.1", "127.0.0.2", "127.0.0.3", ["127.0.0.4"], interval=2)
    (tmp_path / "sites.yaml").write_text(county, encoding="utf-8")
    (tmp_path / "alerts.yaml").write_text(f"alertmanager: {{url: 'http://127.0.0.1:{unused_port()}'}}\n")
    (tmp_path / "forward.yaml").write_text(f"url: http://127.0.0.1:{unused_port()}\n")
    (tmp_path / "web.yaml").write_text(users())
    settings = Settings(
        config=tmp_path / "sites.yaml", data=tmp_path / "data", web_config=tmp_path / "web.yaml", plain_http=True,
        targets=ROOT / "config" / "targets.yaml",
    )  # fmt: skip
    listening = socket.create_server(("127.0.0.1", stack.ports["netmon"]))
    async with running(load(settings.config, kinds=probes.KINDS), settings, [listening]) as app:
        await asyncio.to_thread(wait_for, lambda: len(app.latest) == len(app.checks))
        await app.targets.refresh(app.journal)
        try:
            missing, sick = await asyncio.to_thread(_asked, stack)
        finally:
            stack.close()
    assert sick == []
    assert missing == set()


def _asked(stack: Stack) -> tuple[set[str], list[str]]:
    """Which metrics that rules name are not there, and which rules Prometheus cannot answer."""
    prometheus = stack.start_prometheus()
    names = {name for rule in rules() for name in METRIC.findall(rule["expr"])}
    names |= {rule["record"] for rule in rules() if "record" in rule}
    present: set[str] = set()

    def all_there() -> bool:
        present.update(prometheus.get("/api/v1/label/__name__/values")["data"])
        return names <= present

    wait_for(all_there, 20)
    time.sleep(1)  # one more turn of every group
    groups = prometheus.get("/api/v1/rules")["data"]["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    assert len(found) == len(rules())
    assert "level=error" not in prometheus.log()
    assert "level=warn" not in prometheus.log(), prometheus.log()
    return names - present, [f"{rule['name']}: {rule.get('lastError')}" for rule in found if rule["health"] != "ok"]
