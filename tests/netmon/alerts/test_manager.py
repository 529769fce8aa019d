"""A real Alertmanager has the desk's picture: what lasts, what became worse, what is over, over restarts of either."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from netmon.alerts.desk import Alert, Severity, Silence
from netmon.alerts.machine import VANTAGE
from netmon.alerts.manager import Manager, is_told, plain
from netmon.alerts.outbox import Outbox
from netmon.alerts.settings import AlertSettings
from netmon.cli import app
from tests.lab.servers import unused_port
from tests.lab.stack import Program, Stack, wait_for
from tests.netmon.alerts.test_service import Netmon

ALERT = Alert(
    id="1-a", asset="s/uplink", site="s", thread="1-a", since_ns=1_790_000_000_000_000_000, raised_ns=1,
    severity=Severity.MINOR, told=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        yield stack.start_alertmanager()
    finally:
        stack.close()


def lasting(*alerts: Alert) -> dict[str, dict[str, Any]]:
    return {alert.id: plain(alert, {"summary": alert.asset}, "https://netmon.example.org") for alert in alerts}


def told(server: Program, site: str = "s") -> dict[str, dict[str, Any]]:
    """What the Alertmanager says lasts, by severity."""
    found = server.get("/api/v2/alerts", filter=f'site="{site}"')
    return {each["labels"]["severity"]: each for each in found}


async def test_what_lasts_and_becomes_worse_and_is_over(server: Program, tmp_path: Path) -> None:
    box = Outbox.open(tmp_path)
    manager = Manager(box)
    assert manager.up is None
    await manager.tell(server.url, lasting(ALERT), time.time_ns())
    assert manager.up is True
    (found,) = told(server).values()
    assert found["labels"] == {
        "alertname": "NetmonAlert", "alert": "1-a", "site": "s", "asset": "s/uplink", "severity": "minor",
    }  # fmt: skip
    assert found["generatorURL"] == "https://netmon.example.org/alerts/1-a"
    ends = datetime.fromisoformat(found["endsAt"])
    assert ends > datetime.now(UTC) + timedelta(days=6), "the end of netmon is not the end of a fault"

    worse = replace(ALERT, severity=Severity.CRITICAL)
    await manager.tell(server.url, lasting(worse), time.time_ns())
    assert set(told(server)) == {"critical"}

    box.close()  # netmon is restarted, and the alert ended meanwhile
    box = Outbox.open(tmp_path)
    await Manager(box).tell(server.url, {}, time.time_ns())
    assert told(server) == {}
    box.close()


async def test_one_that_does_not_answer_is_told_everything_later(server: Program, tmp_path: Path) -> None:
    box = Outbox.open(tmp_path)
    manager = Manager(box)
    alert = replace(ALERT, id="2-b", site="t", asset="t/x")
    await manager.tell(server.url, lasting(alert), time.time_ns())
    await manager.tell(f"http://127.0.0.1:{unused_port()}", {}, time.time_ns())
    assert manager.up is False
    assert set(told(server, "t")) == {"minor"}
    await manager.tell(server.url, {}, time.time_ns())
    assert manager.up is True
    assert told(server, "t") == {}
    await manager.tell(f"{server.url}/nowhere", {}, time.time_ns())
    assert manager.up is False
    box.close()


async def test_a_clock_that_was_set_back_keeps_no_alert_alive(server: Program, tmp_path: Path) -> None:
    box = Outbox.open(tmp_path)
    manager = Manager(box)
    since_ns = time.time_ns() - 10**9
    await manager.tell(
        server.url, lasting(replace(ALERT, id="3-c", site="u", asset="u/x", since_ns=since_ns)), since_ns
    )
    assert set(told(server, "u")) == {"minor"}
    await manager.tell(server.url, {}, since_ns - 3600 * 10**9)
    assert manager.up is True
    assert await asyncio.to_thread(wait_for, lambda: told(server, "u") == {}, 5)
    box.close()


def test_what_is_silenced_or_told_by_the_rules_is_not_told() -> None:
    silence = Silence(id="s-1", what="s", from_ns=0, until_ns=10, reason="work", author="anna")
    fresh = replace(ALERT, told=False)
    assert is_told(fresh, (), 5)
    assert not is_told(fresh, (silence,), 5)
    assert is_told(fresh, (silence,), 10), "it is over"
    assert is_told(ALERT, (silence,), 5), "people know of it already: only its end may end it"
    assert not is_told(replace(ALERT, site="netmon", asset="netmon/disk"), (), 5)
    assert is_told(replace(ALERT, site="netmon", asset=VANTAGE), (), 5), "no rule knows that"


async def test_an_alert_is_told_in_both_languages_with_what_to_do(server: Program, tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    netmon.config.sample = True
    settings = AlertSettings(alertmanager=server.url, board="https://netmon.example.org")
    alerts = netmon.alerts(box, settings)
    netmon.now_ns = time.time_ns() - 3600 * 10**9
    await netmon.round(alerts)
    for _turn in range(4):
        await netmon.round(alerts, "uplink", "a", "b")
    await alerts.tell_manager()
    assert netmon.mails() == [], "the Alertmanager delivers"
    assert alerts.alertmanager_up is True
    said = told(server)["critical"]["annotations"]
    assert "上联" in said["summary_zh"]
    for word in ("模拟", "一号站", "靖和街", "2 台设备"):
        assert word in said["description_zh"], word
    assert said["action_zh"].startswith("1. ")
    assert "2 devices" in said["description"].replace("All 2 devices", "2 devices")
    assert said["action"].startswith("1. Ask the station")
    assert said["runbook_url"] == "docs/runbooks/uplink.md"
    for _turn in range(3):
        await netmon.round(alerts)
    await alerts.tell_manager()
    assert told(server) == {}
    box.close()


async def test_chat_gets_what_an_alertmanager_that_is_away_does_not(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    settings = AlertSettings(alertmanager=f"http://127.0.0.1:{unused_port()}", chat_urls=("json://127.0.0.1",))
    alerts = netmon.alerts(box, settings)
    await alerts.tell_manager()
    assert alerts.alertmanager_up is False
    await netmon.round(alerts)
    for _turn in range(4):
        await netmon.round(alerts, "uplink", "a", "b")
    assert [message.channel for message in netmon.sent] == ["chat"]
    box.close()


def test_the_test_mail_goes_by_it_and_says_that_it_is_one(server: Program, tmp_path: Path) -> None:
    settings = tmp_path / "alerts.yaml"
    settings.write_text(f"alertmanager: {{url: '{server.url}'}}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["--lang", "en", "test-mail", "--settings", str(settings)])
    assert done.exit_code == 0, done.output
    assert done.output.strip() == f"{server.url}: taken"
    (found,) = told(server, "netmon").values()
    assert found["labels"]["alertname"] == "NetmonTest"
    assert "this mail arrived" in found["annotations"]["summary"]
    assert "测试" in found["annotations"]["summary_zh"]

    settings.write_text(f"alertmanager: {{url: 'http://127.0.0.1:{unused_port()}'}}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["--lang", "en", "test-mail", "--settings", str(settings)])
    assert done.exit_code == 1
    assert "not taken now" in done.output
