"""The whole of it at a clock of its own: mails of a day without a server, hostile names, mornings, restarts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from netmon.alerts import letter
from netmon.alerts.outbox import Message, Outbox
from netmon.alerts.senders import Answer, Outcome
from netmon.alerts.service import Alerts, AlertsError
from netmon.alerts.settings import AlertSettings, Recipient, load_settings
from netmon.config import ConfigError
from netmon.coverage.board import CoverageBoard
from netmon.failover import Failover, Service, Use
from netmon.failover import Outcome as ServiceOutcome
from netmon.i18n import use_language
from netmon.impact import Effective, effective
from netmon.model import Asset, Check, LocalText, Observation, Place, Reason, ReasonCode, Site, Status
from netmon.runner import Clock
from netmon.targets.board import TargetsBoard
from probes.base import Failure, ProbeResult
from tests.lab.checks import check
from tests.lab.pages import nothing

S = 1_000_000_000
HOSTILE = "<script>alert(1)</script>\r\nBcc: all@example.org\u202e" + "x" * 10_000
SETTINGS = AlertSettings(
    board="https://netmon.example.org", sender="netmon@example.org",
    recipients=(Recipient(address="duty@example.org"), Recipient(address="chief@example.org", language="en")),
)  # fmt: skip


@dataclass
class County:
    organisation: LocalText = field(default_factory=lambda: LocalText(zh="珲春", en="Hunchun"))
    sample: bool = False
    sites: Mapping[str, Site] = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)


class Netmon:
    """What alerts need of a running netmon, with a clock that a test moves."""

    def __init__(self, folder: Path, name: str = "上联") -> None:
        self.now_ns = 1_790_000_000 * S
        self.clock = Clock(wall_ns=lambda: self.now_ns)
        self.folder = folder
        site = Site(
            id="s", kind="fire_station", name=LocalText(zh="一号站", en="Station 1"), place=Place(address="靖和街")
        )
        parents = {"core": None, "friend": None, "uplink": "s/core", "a": "s/uplink", "b": "s/uplink"}
        assets = {
            f"s/{each}": Asset(
                id=f"s/{each}", site="s", kind="uplink" if each == "uplink" else "sensor",
                name=LocalText(zh=name if each == "uplink" else each), parent=parent,
            )
            for each, parent in parents.items()
        }  # fmt: skip
        self.config = County(sites={"s": site}, assets=assets)
        self.checks: list[Check] = [check(f"{each}/ping", interval_seconds=60, timeout_seconds=5) for each in assets]
        self.latest: dict[str, Observation] = {}
        self.targets = TargetsBoard(Path("nowhere"), folder, kinds={}, run=nothing)
        self.coverage = CoverageBoard(folder, run=nothing)
        self.emergency = False
        self.loads: dict[str, list[tuple[int, int]]] = {}
        self.faults: dict[str, str] = {}
        self.in_use: list[Use] = []
        self.sent: list[Message] = []
        self.answer = Answer(Outcome.SENT, "250 kept")

    def effective(self) -> Mapping[str, Effective]:
        return effective(self.checks, self.config.assets, self.latest, (), self.now_ns, self.loads)

    def under_test(self, _observation: Observation) -> bool:
        """None is under way."""
        return False

    def own_faults(self) -> Mapping[str, str]:
        return self.faults

    def uses(self) -> Sequence[Use]:
        return self.in_use

    async def send(self, _settings: AlertSettings, message: Message) -> Answer:
        if self.answer.outcome is Outcome.SENT:
            self.sent.append(message)
        return self.answer

    def alerts(self, box: Outbox, settings: AlertSettings = SETTINGS) -> Alerts:
        return Alerts(self, box, settings, send=self.send)

    async def round(self, alerts: Alerts, *bad: str, text: str = "") -> None:
        for name in ("core", "friend", "uplink", "a", "b"):
            self.now_ns += S
            down = name in bad
            reason = Reason(code=ReasonCode.FAILURE, status=Status.DOWN, subject=Failure.TIMEOUT, text=text)
            observation = Observation(
                check_id=f"s/{name}/ping", vantage="main", scheduled_ns=self.now_ns, started_ns=self.now_ns,
                duration_seconds=0.1, attempt=1, status=Status.DOWN if down else Status.UP,
                reasons=(reason,) if down else (), result=ProbeResult(failure=Failure.TIMEOUT if down else None),
            )  # fmt: skip
            self.latest[observation.check_id] = observation
            alerts.take([observation])
            await alerts.step()
        self.now_ns += 55 * S
        await alerts.deliver()

    def mails(self) -> list[EmailMessage]:
        found = [message_from_bytes(each.content, policy=default) for each in self.sent if each.channel == "mail"]
        return [mail for mail in found if isinstance(mail, EmailMessage)]


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def test_each_gets_one_mail_in_their_language_and_one_when_it_is_over(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    await netmon.round(alerts)
    for _turn in range(4):
        await netmon.round(alerts, "uplink", "a", "b")
    zh, en = netmon.mails()
    assert (zh["To"], en["To"]) == ("duty@example.org", "chief@example.org")
    assert "上联" in str(zh["Subject"])
    for word in ("一号站", "靖和街", "超时", "2 台设备", "联系", "https://netmon.example.org/alerts/"):
        assert word in text_of(zh), word
    for word in ("Station 1", "no answer in time", "2 devices are cut off", "carrier", "critical"):
        assert word in text_of(en), word
    for _turn in range(3):
        await netmon.round(alerts)
    over = netmon.mails()[2:]
    assert [mail["In-Reply-To"] for mail in over] == [zh["Message-ID"], en["Message-ID"]]
    assert "已恢复" in str(over[0]["Subject"])
    box.close()


async def test_a_mail_leads_to_the_dashboard_of_the_equipment_at_the_time(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    alerts = netmon.alerts(box, replace(SETTINGS, grafana="https://grafana.example.org"))
    await netmon.round(alerts)
    for _turn in range(4):
        await netmon.round(alerts, "uplink", "a", "b")
    (alert,) = alerts.lasting()
    begin = alert.since_ns // 1_000_000 - 3_600_000
    for mail, language in zip(netmon.mails(), ("zh", "en"), strict=True):
        page = f"https://grafana.example.org/d/netmon-equipment-{language}"
        assert f"{page}?var-site=s&var-asset=s%2Fuplink&from={begin}&to=now" in text_of(mail)
    netmon.sent.clear()
    netmon.faults = {"archive": "disk full"}
    await netmon.round(alerts)
    assert any("/d/netmon-monitor-zh?from=" in text_of(mail) for mail in netmon.mails())
    box.close()


async def test_a_mail_says_that_a_test_loads_the_line(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    await netmon.round(alerts)
    netmon.loads = {"s/uplink": [(netmon.now_ns, netmon.now_ns + 3_600 * S)]}
    for _turn in range(4):
        await netmon.round(alerts, "uplink")
    chinese, english = map(text_of, netmon.mails())
    assert "a capacity test loads the line at this time: its delay and loss say nothing, an outage does" in english
    assert "正在对该线路做带宽测试" in chinese
    netmon.loads = {}
    netmon.sent.clear()
    for _turn in range(10):
        await netmon.round(alerts)
    assert netmon.mails()
    assert not any("capacity test" in text_of(mail) for mail in netmon.mails())
    box.close()


async def test_a_mail_says_since_when_the_backup_is_in_use_and_what_it_cost(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    services = (
        Service(check_id="s/a/ping", outcome=ServiceOutcome.WORKED, gap=(11.0, 31.4)),
        Service(check_id="s/b/ping", outcome=ServiceOutcome.FAILED),
    )
    failover = Failover(
        id="f", site="s", check_id="s/uplink/ping", primary="s/uplink", taken_over=True, lost_ns=netmon.now_ns - S,
        noticed_ns=netmon.now_ns, services=services,
    )  # fmt: skip
    netmon.in_use = [
        Use(
            check_id="s/uplink/ping", site="s", primary="s/uplink", word="backup", since_ns=netmon.now_ns, last=failover
        )
    ]
    await netmon.round(alerts)
    for _turn in range(4):
        await netmon.round(alerts, "uplink")
    chinese, english = map(text_of, netmon.mails())
    assert "on the backup since: 2026-09-21 22:13; nothing is in reserve" in english
    assert "gap until services answered again: between 11 s and 32 s" in english
    assert "on the backup these do not work: b" in english
    assert "备用" in chinese
    box.close()


async def test_a_day_without_a_server_loses_nothing(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    netmon.answer = Answer(Outcome.LATER, "421 away")
    await netmon.round(alerts)
    for _turn in range(3):
        await netmon.round(alerts, "a")
    for hour in range(24):
        await netmon.round(alerts)
        netmon.now_ns += 3600 * S
        if hour % 5 == 0:  # and it is restarted now and then
            box.close()
            box = Outbox.open(tmp_path)
            alerts = netmon.alerts(box)
    assert netmon.sent == []
    assert {alert.asset for alert in alerts.lasting()} == {"netmon/outbox"}
    netmon.answer = Answer(Outcome.SENT, "250")
    for _turn in range(4):
        netmon.now_ns += 1000 * S
        await netmon.round(alerts)
    subjects = [str(mail["Subject"]) for mail in netmon.mails() if mail["To"] == "chief@example.org"]
    assert sum("a down" in each and "over" not in each for each in subjects) == 1
    assert sum("over: Station 1 · a down" in each for each in subjects) == 1
    assert len({message.message_id for message in netmon.sent}) == len(netmon.sent)
    box.close()


async def test_after_a_restart_nothing_is_told_twice(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    await netmon.round(alerts)
    for _turn in range(3):
        await netmon.round(alerts, "a")
    assert len(netmon.sent) == 2
    (alert,) = alerts.lasting()
    await alerts.acknowledge(alert.id, "ole")
    box.close()
    box = Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    for _turn in range(3):
        await netmon.round(alerts, "a")
    assert len(netmon.sent) == 2
    assert alerts.lasting()[0].acknowledged == "ole"
    for _turn in range(3):
        await netmon.round(alerts)
    assert len(netmon.sent) == 4
    box.close()


async def test_hostile_words_do_no_harm(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path, name=HOSTILE), Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    await netmon.round(alerts)
    for _turn in range(3):
        await netmon.round(alerts, "uplink", text=HOSTILE)
    for mail in netmon.mails():
        assert mail["Bcc"] is None
        assert len(str(mail["Subject"])) < 1000
        html, plain = text_of(mail, "html"), text_of(mail)
        assert "<script" not in html
        assert "\u202e" not in html + plain
        assert len(html) < 40_000
    box.close()


async def test_who_wants_only_the_worst_gets_only_that_and_the_morning_comes_once(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    from netmon.alerts.desk import Severity

    settings = replace(
        SETTINGS, recipients=(Recipient(address="chief@example.org", language="en", least=Severity.CRITICAL),)
    )
    alerts = netmon.alerts(box, settings)
    await netmon.round(alerts)
    for _turn in range(3):
        await netmon.round(alerts, "a")  # major: nothing hangs on it
    assert netmon.sent == []
    for _hour in range(50):
        netmon.now_ns += 3600 * S
        await netmon.round(alerts, "a")
    mornings = [mail for mail in netmon.mails() if "alerts last" in str(mail["Subject"])]
    assert len(mornings) == 2
    assert "Station 1 · a down" in text_of(mornings[0])
    box.close()


async def test_netmon_tells_of_itself(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    netmon.faults = {"probing": "the schedule has ended"}
    await alerts.step()
    await alerts.deliver()
    zh, en = netmon.mails()
    assert "netmon does not probe" in str(en["Subject"])
    assert "the schedule has ended" in text_of(en)
    assert "journalctl" in text_of(zh)
    netmon.faults = {}
    await alerts.step()
    await alerts.deliver()
    assert len(netmon.sent) == 4
    box.close()


async def test_silences_are_checked(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    alerts = netmon.alerts(box)
    use_language("en")
    for what, length, reason in (("moon", 60, "x"), ("s", 60, " "), ("s", 40 * 86_400, "x"), ("s", -1, "x")):
        with pytest.raises(AlertsError):
            await alerts.silence(what, netmon.now_ns + length * S, reason, "ole")
    made = await alerts.silence("s/a", netmon.now_ns + 600 * S, "drill", "ole")
    assert alerts.silences() == [made]
    await netmon.round(alerts)
    for _turn in range(3):
        await netmon.round(alerts, "a")
    assert netmon.sent == []
    await alerts.end_silence(made.id)
    await netmon.round(alerts, "a")
    assert len(netmon.sent) == 2
    with pytest.raises(AlertsError, match="no alert"):
        await alerts.acknowledge("nothing", "ole")
    box.close()


def test_the_test_mail_is_said_to_be_one() -> None:
    use_language("zh")
    mail = letter.trial(Recipient(address="duty@example.org"), SETTINGS, 10**18)
    assert "测试" in str(mail["Subject"])


def test_the_example_is_valid_and_mistakes_are_told_all_at_once(tmp_path: Path) -> None:
    use_language("en")
    example = Path(__file__).parents[3] / "config" / "alerts.example.yaml"
    (tmp_path / "mail-password").write_text("secret-word\n")
    file = tmp_path / "alerts.yaml"
    file.write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    found = load_settings(file, {})
    assert found.servers[0].password == "secret-word"
    assert "secret-word" not in repr(found)
    file.write_text(
        "board: ftp://x\nmail:\n  sender: nobody\n  servers:\n    - {host: h, user: u, password_env: P}\n"
        "  recipients:\n    - {address: 'a@b\\nBcc: c@d', language: fr}\nalertmanager: {url: 'http://x'}\nmial: 1\n"
    )
    with pytest.raises(ConfigError) as raised:
        load_settings(file, {})
    text = str(raised.value)
    for words in ("'ftp://x' is no address of a page", "unknown key 'mial'"):
        assert words in text, text
    file.write_text(
        "mail:\n  sender: n@example.org\n  servers:\n    - {host: h, security: none, user: u, password_env: P}\n"
        "  recipients:\n    - {address: 'a@b\\nBcc: c@d', language: fr}\nalertmanager: {url: 'http://x'}\n"
    )
    with pytest.raises(ConfigError) as raised:
        load_settings(file, {"P": "w"})
    text = str(raised.value)
    for words in ("is no mail address", "clear text", "told twice", ":6:", ":4:"):
        assert words in text, text
