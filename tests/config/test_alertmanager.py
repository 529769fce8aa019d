"""The Alertmanager's configuration: routes, inhibition and mails of a real one."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import yaml

from netmon.alerts.desk import Alert, Severity
from netmon.alerts.manager import plain
from tests.lab.need import program
from tests.lab.smtp import Mailbox, smtp_server
from tests.lab.stack import ROOT, Program, Stack, wait_for

FILE = ROOT / "config" / "alertmanager" / "alertmanager.yml"
HOSTILE = "<script>alert(1)</script>\r\nBcc: all@example.org"
NETMON = {
    "alertname": "NetmonAlert",
    "alert": "1-a",
    "site": "station",
    "asset": "station/uplink",
    "severity": "critical",
}
DOWN = {
    "alertname": "NetmonDown",
    "site": "netmon",
    "asset": "netmon/a:9735",
    "instance": "a:9735",
    "severity": "critical",
}


def amtool(*arguments: str | Path) -> str:
    command = [program("amtool", "prometheus-alertmanager"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Mailbox]]:
    with smtp_server() as box:
        made = Stack(tmp_path_factory.mktemp("stack"), quicker=100, smtp_port=box.port)
        made.change(made.folder / "alertmanager" / "alertmanager.yml", english)
        try:
            yield made.start_alertmanager(), box
        finally:
            made.close()


def english(config: dict[str, Any]) -> None:
    """Mails of the site `abroad` go to somebody who reads English, as the file's comment says."""
    (duty,) = (each for each in config["receivers"] if each["name"] == "duty")
    mail = json.loads(json.dumps(duty["email_configs"][0]).replace(".zh", ".en"))
    config["receivers"].append({"name": "abroad", "email_configs": [mail | {"to": "abroad@example.org"}]})
    config["route"]["routes"].insert(0, {"matchers": ['site="abroad"'], "receiver": "abroad"})


def post(server: Program, *alerts: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{server.url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def states(server: Program) -> dict[str, tuple[str, int]]:
    return {
        f"{each['labels']['alertname']} {each['labels']['asset']}": (
            each["status"]["state"], len(each["status"]["inhibitedBy"]),
        )
        for each in server.get("/api/v2/alerts")
    }  # fmt: skip


def test_amtool_has_nothing_to_say() -> None:
    said = amtool("check-config", FILE)
    assert "SUCCESS" in said
    assert "1 templates" in said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (NETMON, "duty"),
        (DOWN, "duty"),
        (NETMON | {"severity": "major"}, "duty"),
        (NETMON | {"severity": "minor"}, "office"),
        ({"alertname": "SomebodyElses"}, "duty"),
    ],
)
def test_who_gets_what(labels: dict[str, str], receiver: str) -> None:
    words = [f"{name}={value}" for name, value in labels.items()]
    assert amtool("config", "routes", "test", f"--config.file={FILE}", *words).split() == [receiver]


def test_only_labels_that_are_always_there_decide_about_inhibition() -> None:
    alert = Alert(id="1-a", asset="s/x", site="s", thread="1-a", since_ns=1, raised_ns=1, severity=Severity.MAJOR)
    always = {"site", "asset"}  # of every rule: tests/config/test_rules.py
    assert always <= set(plain(alert, {}, "")["labels"])
    config = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert config["inhibit_rules"]
    for rule in config["inhibit_rules"]:
        assert rule["equal"]
        assert set(rule["equal"]) <= always
    assert config["route"]["group_by"] == ["site"]


def test_what_is_minor_waits_for_working_hours_of_the_place() -> None:
    config = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    (minor,) = (route for route in config["route"]["routes"] if route["receiver"] == "office")
    (hours,) = (each for each in config["time_intervals"] if each["name"] in minor["active_time_intervals"])
    (interval,) = hours["time_intervals"]
    assert interval["location"] == "Asia/Shanghai"


def test_of_a_netmon_that_is_down_nothing_else_is_told(stack: tuple[Program, Mailbox]) -> None:
    server, _box = stack
    own = {"alertname": "NetmonForwardBacklog", "site": "netmon", "severity": "minor"}
    goal = {"alertname": "NetmonObjectiveBurning", "severity": "minor"}
    post(
        server,
        {"labels": DOWN}, {"labels": own | {"asset": "netmon/a:9735"}}, {"labels": own | {"asset": "netmon/b:9735"}},
        {"labels": NETMON}, {"labels": goal | {"site": "station", "asset": "station/uplink"}},
        {"labels": goal | {"site": "station", "asset": "station/core"}}, {"labels": goal | {"asset": "stray"}},
    )  # fmt: skip
    # What inhibits is worked out when a group is looked at.
    wait_for(lambda: sum(state == "suppressed" for state, _by in states(server).values()) == 2, 10)
    found = states(server)
    assert found == {
        "NetmonDown netmon/a:9735": ("active", 0),
        "NetmonForwardBacklog netmon/a:9735": ("suppressed", 1),
        "NetmonForwardBacklog netmon/b:9735": ("active", 0),
        "NetmonAlert station/uplink": ("active", 0),
        "NetmonObjectiveBurning station/uplink": ("suppressed", 1),
        "NetmonObjectiveBurning station/core": ("active", 0),
        "NetmonObjectiveBurning stray": ("active", 0),
    }


def test_a_site_s_alerts_are_one_mail_and_one_when_all_is_over(stack: tuple[Program, Mailbox]) -> None:
    server, box = stack
    now = datetime.now(UTC)
    labels = {"alertname": "NetmonAlert", "site": "abroad"}
    worse = {
        "labels": labels | {"alert": "1", "asset": "abroad/a", "severity": "critical"},
        "annotations": {"summary": HOSTILE, "description": HOSTILE, "action": f"1. {HOSTILE}", "summary_zh": "中断"},
        "generatorURL": "https://netmon.example.org/alerts/1",
    }
    better = {
        "labels": labels | {"alert": "2", "asset": "abroad/b", "severity": "minor"},
        "annotations": {"summary": "b is slow", "description": "12 %"},
    }
    other = {"labels": {"alertname": "Other", "site": "abroad"}, "annotations": {"summary": "not netmon's"}}
    post(server, better, worse, other)
    assert wait_for(lambda: mails_to(box, "abroad@example.org"), 20)
    # The same alert with a higher severity is another one for Alertmanager, and ends under its old labels.
    ended = {"endsAt": now.isoformat(), "startsAt": (now - timedelta(hours=1)).isoformat()}
    raised = better | {"labels": better["labels"] | {"severity": "major"}}
    post(server, raised, better | ended | {"annotations": {**better["annotations"], "replaced": "yes"}})
    assert wait_for(lambda: len(mails_to(box, "abroad@example.org")) == 2, 20)
    post(server, *(each | ended for each in (worse, raised, other)))
    assert wait_for(lambda: len(mails_to(box, "abroad@example.org")) == 3, 20)
    first, second, over = mails_to(box, "abroad@example.org")

    assert first["Bcc"] is None
    assert str(first["Subject"]).startswith("[netmon] critical: <script>alert(1)</script>")
    assert str(first["Subject"]).endswith("(3 alerts)")
    html, text = part(first, "html"), part(first, "plain")
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert 'href="https://netmon.example.org/alerts/1"' in html
    assert text.index("[critical]") < text.index("b is slow [minor]")
    assert "not netmon's [minor]" in text, "an alert of somebody else is shown, too"
    assert "b is slow [major]" in part(second, "plain")
    assert "[over]" not in part(second, "plain")
    assert str(over["Subject"]).startswith("[netmon] over: ")
    assert part(over, "plain").count("[over]") == 3
    local = now.astimezone(UTC) + timedelta(hours=8)
    assert f"until: {local:%Y-%m-%d %H:%M:%S}" in part(over, "plain")


def mails_to(box: Mailbox, address: str) -> list[EmailMessage]:
    return [mail for mail in box.mails if mail["To"] == address]


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("name", ["netmon.subject", "netmon.text", "netmon.html"])
def test_both_languages_have_the_same_templates(name: str) -> None:
    for language in ("zh", "en"):
        text = (FILE.parent / "templates" / f"netmon.{language}.tmpl").read_text(encoding="utf-8")
        assert f'{{{{ define "{name}.{language}" ' in text
