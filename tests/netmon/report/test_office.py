"""Reports by schedule: which are due, a process of their own, the shelf, and one mail to each who wants them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from netmon.alerts.outbox import Outbox
from netmon.alerts.service import Alerts
from netmon.alerts.settings import AlertSettings, Recipient, Server, load_settings
from netmon.app import _apart
from netmon.archive import ArchiveError
from netmon.model import LOCAL
from netmon.report import office as office_of
from netmon.report.manifest import ReportError
from netmon.report.office import ReportOffice
from netmon.report.shelf import due, kept, reports_in
from netmon.runner import Clock
from tests.lab.pages import FakeNetmon
from tests.lab.reported_county import fill
from tests.lab.small_report import put_sheet, write_small
from tests.lab.smtp import smtp_server

ROOT = Path(__file__).parents[3]
HOURS = 3 * 24


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=LOCAL).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("now", "monthly", "yearly", "begun", "have", "wanted"),
    [
        ("2026-01-01T09:59", True, True, "2024-05-01", (), ["2025-11", "2024"]),
        ("2026-01-01T10:00", True, True, "2024-05-01", (), ["2025-12", "2025"]),
        ("2026-01-01T10:00", True, False, "2024-05-01", (), ["2025-12"]),
        ("2026-03-31T23:59", True, True, "2024-05-01", ("2025",), ["2026-02"]),
        ("2026-03-31T23:59", True, True, "2024-05-01", ("2025", "2026-02"), []),
        ("2026-03-02T10:00", True, True, "2026-03-01", (), []),
        ("2026-03-02T10:00", True, True, "2026-02-28", (), ["2026-02"]),
        ("2026-03-02T10:00", True, True, None, (), []),
    ],
)
def test_the_last_month_and_the_last_year_are_due_once_something_of_them_was_seen(
    now: str, monthly: bool, yearly: bool, begun: str | None, have: tuple[str, ...], wanted: list[str]
) -> None:
    begun_ns = None if begun is None else ns(begun)
    assert wanted == due(
        ns(now), monthly=monthly, yearly=yearly, at_seconds=10 * 3600, begun_ns=begun_ns, have=have
    )  # fmt: skip


def test_the_settings_say_who_gets_them_and_when(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text(
        "mail:\n  sender: n@example.org\n  servers: [{host: 127.0.0.1, security: none}]\n  recipients:\n"
        "    - {address: duty@example.org}\n    - {address: office@example.org, reports: true}\n"
        'reports: {yearly: false, at: "07:30"}\n'
    )
    settings = load_settings(path, {})
    assert (settings.reports_monthly, settings.reports_yearly, settings.reports_at_seconds) == (True, False, 27_000)
    assert [each.reports for each in settings.recipients] == [False, True]
    assert not AlertSettings().reports_monthly


async def county(folder: Path, hours: int = HOURS) -> FakeNetmon:
    """A netmon whose archive has three days of March 2025, on the first of April."""
    await fill(folder, hours)
    return FakeNetmon(folder=folder, clock=Clock(wall_ns=lambda: ns("2025-04-01T11:00")))


def alerts_of(netmon: FakeNetmon, port: int) -> Alerts:
    settings = AlertSettings(
        board="https://netmon.example.org", sender="netmon@example.org", reports_monthly=True, reports_yearly=True,
        servers=(Server(host="127.0.0.1", port=port, security="none"),),
        recipients=(
            Recipient(address="duty@example.org"),
            Recipient(address="office@example.org", reports=True),
            Recipient(address="chief@example.org", reports=True, language="en"),
        ),
    )  # fmt: skip
    return Alerts(netmon, Outbox.open(netmon.folder), settings)


async def test_a_month_is_made_once_and_mailed_once_over_a_restart(tmp_path: Path) -> None:
    netmon = await county(tmp_path)
    register = ROOT / "config" / "targets.yaml"
    with smtp_server() as box:
        alerts = alerts_of(netmon, box.port)
        office = ReportOffice(tmp_path, register, alerts, netmon.clock, run=_apart)
        await office.refresh()
        assert (office.fault, office.overdue) == ("", 0)
        (report,) = reports_in(tmp_path)
        assert report.name == "2025-03"
        await alerts.deliver()
        await office.refresh()
        await alerts.deliver()
        again = alerts_of(netmon, box.port)
        await ReportOffice(tmp_path, register, again, netmon.clock, run=_apart).refresh()
        await again.deliver()
    mails = dict(zip(box.recipients, box.mails, strict=True))
    assert set(mails) == {"office@example.org", "chief@example.org"}
    mail = mails["office@example.org"]
    assert mail["Subject"] == "[netmon] 报告 2025-03"
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "共 15 项目标" in text
    assert "https://netmon.example.org/reports/2025-03" in text
    assert "示例" in text
    (attached,) = mail.iter_attachments()
    pdf = report.pdf("zh")
    assert pdf is not None
    assert attached.get_content() == pdf.read_bytes()
    assert attached.get_filename() == "netmon-2025-03.zh.pdf"
    english = mails["chief@example.org"].get_body(("plain",))
    assert english is not None
    assert "Of 15 targets" in english.get_content()


async def test_what_could_not_be_made_or_mailed_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netmon = await county(tmp_path, 1)
    register = ROOT / "config" / "targets.yaml"
    answers = [(3, "", "the disk is full")]

    async def run(*words: str) -> tuple[int, str, str]:
        if answers:
            return answers.pop()
        write_small(Path(words[words.index("--out") + 1]), words[2])
        return 0, "", ""

    with smtp_server() as box:
        alerts = alerts_of(netmon, box.port)
        office = ReportOffice(tmp_path, register, alerts, netmon.clock, run=run)
        await office.refresh()
        assert (office.fault, office.overdue, reports_in(tmp_path)) == ("the disk is full", 1, [])

        async def full(*_arguments: object) -> None:
            raise ArchiveError("no room")

        with monkeypatch.context() as patch:
            patch.setattr(alerts, "tell", full)
            await office.refresh()
        assert (office.fault, office.overdue) == ("no room", 1)
        await alerts.deliver()
        assert box.mails == []
        monkeypatch.setattr(office_of, "LARGEST_ATTACHMENT", 10)
        await office.refresh()
        assert office.overdue == 0
        await alerts.deliver()
    assert len(box.mails) == 2
    assert list(box.mails[0].iter_attachments()) == []
    assert "reports/2025-03" in box.mails[0].get_content()


async def test_nothing_is_made_that_nobody_asked_for(tmp_path: Path) -> None:
    netmon = FakeNetmon(folder=tmp_path)
    office = ReportOffice(tmp_path, ROOT / "config" / "targets.yaml", netmon.alerts, netmon.clock, run=_apart)
    await office.refresh()
    assert reports_in(tmp_path) == []
    netmon.alerts.settings = replace(netmon.alerts.settings, reports_monthly=True)
    await office.refresh()  # there is no archive: nothing is due
    assert (office.fault, reports_in(tmp_path)) == ("", [])


async def test_a_sheet_is_a_minute_old_at_the_most(tmp_path: Path) -> None:
    calls = []

    async def run(*words: str) -> tuple[int, str, str]:
        calls.append(words)
        if len(calls) > 1:
            return 3, "", "no archive"
        put_sheet(Path(words[words.index("--out") + 1]), "zh")
        return 0, "", ""

    netmon = FakeNetmon(folder=tmp_path)
    office = ReportOffice(tmp_path, Path("targets.yaml"), netmon.alerts, netmon.clock, run=run)
    assert await office.handover("zh") == await office.handover("zh") == b"%PDF-1.7 sheet"
    assert len(calls) == 1
    with pytest.raises(ReportError, match="no archive"):
        await office.handover("en")


def test_a_name_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "reports" / "x").mkdir(parents=True)
    for name in ("..", ".", "../reports", "/etc", ".new-report", "", "x", "a\x00b"):
        assert kept(tmp_path, name) is None, name
