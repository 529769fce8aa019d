"""One emergency, one site and the sheet of a shift, of a county whose faults are written down."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from pydantic import TypeAdapter
from typer.testing import CliRunner

import probes
from netmon.alerts.desk import Alert, Silence
from netmon.alerts.outbox import Outbox
from netmon.alerts.service import STATE, STATES
from netmon.cli import app
from netmon.model import midnight_ns
from netmon.report import handover as sheet_of
from netmon.report.course import Course
from netmon.report.handover import handover
from netmon.report.shapes import EmergencyFacts
from netmon.report.texts import Names, in_language
from netmon.targets.evidence import ArchiveEvidence
from tests.lab.need import program
from tests.lab.paper import text_of, within_the_page
from tests.lab.reported_county import EMERGENCY_FROM, EMERGENCY_UNTIL, FAULTS, FIRST, HOUR_NS, above, county, fill

ROOT = Path(__file__).parents[3]
HOURS = 22 * 24
SECONDS = 3600


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emergency")


@pytest.fixture
async def data(place: Path) -> Path:
    if not (place / "data").exists():
        await fill(place / "data", HOURS)
    return place / "data"


def run(data: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["report", *words, "--data", str(data)])
    return done.exit_code, done.output


def facts_of(out: Path) -> dict[str, Any]:
    (path,) = out.glob("netmon-*.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def made(data: Path, place: Path) -> Path:
    out = place / "report"
    if not out.exists():
        code, said = run(data, "--emergency", "last", "--issued", "2025-03-25", "--out", str(out))
        assert code == 0, said
    return out


def hours_of(asset: str, faults: Sequence[Any]) -> set[int]:
    return {
        hour
        for fault in faults
        if fault.asset == asset and not fault.lost
        for hour in range(max(fault.begin, EMERGENCY_FROM), min(fault.end, EMERGENCY_UNTIL))
    }


def test_what_worked_and_what_failed_is_the_truth(made: Path) -> None:
    facts = facts_of(made)
    TypeAdapter(EmergencyFacts).validate_python(facts, strict=True)
    config = county()
    checked = {check.asset for check in config.checks.values()}
    whole = (EMERGENCY_UNTIL - EMERGENCY_FROM) * SECONDS
    assert {row["id"] for row in facts["equipment"]} == checked
    for row in facts["equipment"]:
        own = hours_of(row["id"], FAULTS)
        others = {hour for name in above(config, row["id"]) - {row["id"]} for hour in hours_of(name, FAULTS)}
        if any(check.normally_off for check in config.checks.values() if check.asset == row["id"]):
            assert (row["result"], row["stowed_seconds"]) == ("stowed", whole)
            continue
        assert row["bad_seconds"] == len(own - others) * SECONDS, row["id"]
        assert row["cut_off_seconds"] == len(others) * SECONDS, row["id"]
        assert row["good_seconds"] == whole - len(own | others) * SECONDS, row["id"]
        assert row["result"] == ("failed" if own else "cut_off" if others else "worked")
        assert row["outages"] == bool(own | others)
    cut = [each for each in facts["timeline"] if each["what"] == "unreachable"]
    assert len(cut) == 4
    assert {each["cause"] for each in cut} == {"station-2/uplink"}
    assert [each["what"] for each in facts["timeline"] if not each["subject"]] == ["emergency", "emergency_ended"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_format_says_what_the_json_says(made: Path, language: str) -> None:
    facts = facts_of(made)
    name = f"netmon-{facts['name']}"
    with (made / f"{name}.equipment.{language}.csv").open(encoding="utf-8-sig", newline="") as file:
        _header, *lines = csv.reader(file)
    rows = list(load_workbook(made / f"{name}.{language}.xlsx").worksheets[0].iter_rows(min_row=2, values_only=True))
    text = "".join(text_of(made / f"{name}.{language}.pdf").replace("\u200b", "").split())
    for each, line, row in zip(facts["equipment"], lines, rows, strict=True):
        figures = [each[f"{word}_seconds"] for word in ("good", "bad", "cut_off", "unknown", "stowed")]
        assert [float(cell) for cell in line[7:12]] == list(row[7:12]) == figures
        assert line[3] == row[3] == each["result_text"][language]
        assert "".join((each["name"][language] + each["result_text"][language]).split()) in text
    for each in facts["timeline"]:
        assert "".join(each["at"][:16].replace("T", "").split()) in text
    within_the_page(made / f"{name}.{language}.pdf")


def test_it_holds_until_something_is_changed(made: Path, data: Path, tmp_path: Path) -> None:
    code, said = run(data, "verify", str(made))
    assert (code, "All of it holds" in said) == (0, True), said
    again = tmp_path / "again"
    run(data, "--emergency", facts_of(made)["name"], "--issued", "2025-03-25", "--out", str(again))
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in made.iterdir()
    }
    facts = facts_of(again)
    facts["equipment"][0]["bad_seconds"] = 1.0
    (again / f"netmon-{facts['name']}.json").write_text(json.dumps(facts), encoding="utf-8")
    code, said = run(data, "verify", str(again))
    assert code == 1
    assert "equipment of the report comes out differently" in said


def test_one_site_has_its_own_targets_only(data: Path, tmp_path: Path) -> None:
    register = ("--register", str(ROOT / "config" / "targets.yaml"))
    period = ("--since", "2025-03-01", "--until", "2025-03-20", "--issued", "2025-03-25")
    code, said = run(data, *period, *register, "--site", "station-2", "--format", "pdf,json", "--out", str(tmp_path))
    assert code == 0, said
    facts = facts_of(tmp_path)
    assert facts["name"].endswith(".station-2")
    subjects = {part["subject"] for target in facts["years"][0]["targets"] for part in target["parts"]}
    assert {subject.partition("/")[0] for subject in subjects} == {"station-2"}
    assert {check["id"].partition("/")[0] for check in facts["checks"]} == {"station-2"}
    assert [site["id"] for site in facts["sites"]] == ["station-2"]
    assert run(data, "verify", str(tmp_path), *register)[0] == 0
    assert "二号消防救援站" in text_of(next(tmp_path.glob("*.zh.pdf")))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--emergency", "e1"], "no emergency e1 in the archive; there are e20250321-060000"),
        (["--emergency", "last", "--year", "2025"], "stands alone"),
        (["--year", "2025", "--site", "nowhere"], "no site nowhere"),
    ],
)
def test_what_is_not_there_is_named(data: Path, tmp_path: Path, words: list[str], said: str) -> None:
    register = ("--register", str(ROOT / "config" / "targets.yaml"))
    code, text = run(data, *words, *register, "--out", str(tmp_path))
    assert code == 2
    assert said in " ".join(text.split())


def sheet(data: Path, language: str, hour: int, path: Path) -> str:
    now_ns = midnight_ns(FIRST) + hour * HOUR_NS
    path.write_bytes(in_language(language, lambda: handover(data, probes.KINDS, language, now_ns=now_ns)))  # type: ignore[arg-type]
    pages = subprocess.run([program("pdfinfo", "poppler-utils"), str(path)], capture_output=True, check=True, text=True)
    assert "Pages:           1\n" in pages.stdout
    within_the_page(path)
    return "".join(text_of(path).replace("\u200b", "").split())


def test_the_sheet_of_a_shift_says_what_is_wrong_and_since_when(data: Path, tmp_path: Path) -> None:
    begin = midnight_ns(FIRST)
    alert = Alert(
        id="a-1", asset="station-2/uplink", site="station-2", thread="a-1", since_ns=begin, raised_ns=begin,
        acknowledged="anna", acknowledged_ns=begin,
    )  # fmt: skip
    silence = Silence(
        id="s-1", what="station-1", from_ns=begin, until_ns=begin + 600 * HOUR_NS, reason="work", author="o"
    )
    outbox = Outbox.open(data)
    state = (1, {"a-1": alert}, {"s-1": silence}, {}, {}, "")
    outbox.save({STATE: STATES.dump_python(state, mode="json")}, (), begin)
    outbox.close()
    zh = sheet(data, "zh", EMERGENCY_FROM + 4, tmp_path / "zh.pdf")
    for words in (
        "通信值班交接单", "应急状态自2025-03-2106:00起持续：春化镇山洪", "正常26台，中断5台，状态未知0台，收存3台",
        "中断二号消防救援站（示例）·站上联2025-03-2108:00anna", "一号山顶基站（示例）·350兆PDT基站2025-03-2107:00",
        "一号消防救援站（示例）2025-03-2600:00work", "交班人",
    ):  # fmt: skip
        assert words in zh, words
    en = sheet(data, "en", EMERGENCY_FROM + 4, tmp_path / "en.pdf")
    assert "26work,5donot,0arenotknown,3arestowed." in en
    quiet = sheet(data, "en", 300, tmp_path / "quiet.pdf")
    assert "Allthatisknownworks." in quiet
    assert "Nothingwasdown." in quiet


def test_the_sheet_is_one_page_whatever_happens(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything down for a while and again, with long names: the rest is counted."""

    class Worst(Course):
        def __init__(self, evidence: ArchiveEvidence, config: Any) -> None:
            super().__init__(evidence, config)
            spans = [span for line in self.spans.values() for span in line]
            down = [replace(span, status=sheet_of.EffectiveStatus.DOWN) for span in spans]
            self.spans = {asset: [span for span in down if span.asset == asset] for asset in self.spans}

    monkeypatch.setattr(sheet_of, "Course", Worst)
    monkeypatch.setattr(Names, "of", lambda *_a: {"zh": "山" * 300, "en": "Wm" * 150})
    for language, words in (("zh", "另有"), ("en", "more,ontheboard")):
        assert words in sheet(data, language, EMERGENCY_FROM + 4, tmp_path / f"{language}.pdf")


def test_the_command_writes_the_sheet(data: Path, tmp_path: Path) -> None:
    """The archive's last day is over long ago: nothing is known, and the sheet says so."""
    code, said = run(data, "handover", "--out", str(tmp_path), "--lang", "zh,en")
    assert code == 0, said
    assert {path.name for path in tmp_path.iterdir()} == {"netmon-handover.zh.pdf", "netmon-handover.en.pdf"}
    text = "".join(text_of(tmp_path / "netmon-handover.en.pdf").split())
    assert "Of34piecesofequipment0work,0donot,34arenotknown,0arestowed." in text
