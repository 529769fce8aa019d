"""A small archive whose truth is known by hand, through the command, in every format."""

from __future__ import annotations

import csv
import json
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

import probes
from netmon.archive import Journal
from netmon.cli import app
from netmon.config import recall
from netmon.model import Status, midnight_ns
from probes.base import Failure, ProbeResult
from tests.lab.need import program
from tests.lab.observations import ping

HOUR_NS = 3_600_000_000_000
HOSTILE = '=HYPERLINK("http://x","y")'
LONG = "山" * 200
INVENTORY = f"""
organisation: {{zh: 珲春市消防救援大队, en: battalion}}
defaults: {{ping: {{interval: 1h, timeout: 10s}}}}
sites:
  - id: hill
    kind: radio_site
    name: {{zh: 山顶站, en: hill}}
    equipment:
      - {{id: good, kind: router, name: {{zh: '{HOSTILE}', en: '{HOSTILE}'}}, address: 192.0.2.1}}
      - {{id: bad, kind: router, name: {{zh: {LONG}, en: '+bad'}}, address: 192.0.2.2}}
"""
REGISTER = """
plan: {zh: 规划, en: plan}
targets:
  - id: routers
    name: {zh: 路由器可用率, en: routers}
    clause: {chapter: 3, section: 6, says: {zh: 可用, en: they work}}
    indicator: {zh: 可用率, en: availability}
    deadline: 2025-12-31
    criteria:
      - {id: up, name: {zh: 可用率, en: availability}, rule: availability, equipment: [router], at_least: 99%}
"""
FIRST, LAST = date(2025, 3, 1), date(2025, 3, 3)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("county")


@pytest.fixture
async def data(place: Path) -> Path:
    """Three days of two routers; one is down for the first nine hours. Two of the days are closed."""
    folder = place / "data"
    if folder.exists():
        return folder
    (place / "targets.yaml").write_text(REGISTER, encoding="utf-8")
    config = recall(INVENTORY, "county", kinds=probes.KINDS)
    begin = midnight_ns(FIRST)
    async with Journal.open(folder, on_durable=lambda _rows: None) as journal:
        journal.record_config(config.config_id, config.text, begin)
        for hour in range(3 * 24):
            for name in ("good", "bad"):
                at_ns = begin + hour * HOUR_NS
                row = replace(
                    ping(1), check_id=f"hill/{name}/ping", started_ns=at_ns, scheduled_ns=at_ns, duration_seconds=0.0,
                    config_id=config.config_id,
                )  # fmt: skip
                if name == "bad" and hour < 9:
                    row = replace(row, status=Status.DOWN, result=ProbeResult(failure=Failure.TIMEOUT))
                journal.append(row)
    done = CliRunner().invoke(app, ["archive", "close", "--data", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def report(data: Path, out: Path, *more: str) -> None:
    command = [
        "report", "--data", str(data), "--register", str(data.parent / "targets.yaml"), "--out", str(out),
        "--since", FIRST.isoformat(), "--until", LAST.isoformat(), "--issued", "2025-04-01", *more,
    ]  # fmt: skip
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output


def verify(data: Path, out: Path) -> tuple[int, str]:
    command = ["report", "verify", str(out), "--data", str(data), "--register", str(data.parent / "targets.yaml")]
    done = CliRunner().invoke(app, command)
    return done.exit_code, done.output


@pytest.fixture
def made(data: Path, place: Path) -> Path:
    out = place / "report"
    if not out.exists():
        report(data, out)
    return out


def facts_of(out: Path) -> dict[str, Any]:
    (path,) = (path for path in out.glob("netmon-*.json"))
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_figures_are_the_truth(made: Path) -> None:
    facts = facts_of(made)
    ((target,),) = (year["targets"] for year in facts["years"])
    parts = {part["subject"]: part for part in target["parts"]}
    assert (target["verdict"], parts["hill/good"]["verdict"]) == ("not_met", "met")
    assert parts["hill/good"]["value"] == 1.0
    assert parts["hill/bad"]["value"] == pytest.approx(63 / 72)
    assert [(check["bad_seconds"], check["unknown_seconds"], check["gaps"]) for check in facts["checks"]] == [
        (9 * 3600, 0, 0), (0, 0, 0),
    ]  # fmt: skip
    assert facts["period"]["complete"]
    assert len(facts["files"]) >= 3


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_format_says_what_the_json_says(made: Path, language: str) -> None:
    pdftotext = program("pdftotext", "poppler-utils")
    facts = facts_of(made)
    (target,) = facts["years"][0]["targets"]
    name = f"netmon-{facts['period']['name']}"
    with (made / f"{name}.targets.{language}.csv").open(encoding="utf-8-sig", newline="") as file:
        _header, *rows = csv.reader(file)
    book = load_workbook(made / f"{name}.{language}.xlsx")
    cells = [[cell.value for cell in row] for row in book.worksheets[1].iter_rows(min_row=2)]
    text = subprocess.run(
        [pdftotext, "-layout", str(made / f"{name}.{language}.pdf"), "-"], capture_output=True, check=True
    ).stdout.decode()
    flat = "".join(text.replace("\u200b", "").split())
    for part, row, cell in zip(target["parts"], rows, cells, strict=True):
        assert float(row[8]) == cell[8] == part["value"]
        assert row[7] == cell[7] == part["verdict_text"][language]
        assert row[5] == cell[5] == part["subject"]
        assert cell[6] == part["subject_name"][language]
        for words in (part["figure_text"], part["why_text"], part["verdict_text"]):
            assert "".join(words[language].split()) in flat
    assert "�" not in text
    assert target["name"][language] in text


def test_text_is_never_a_formula(made: Path) -> None:
    name = f"netmon-{facts_of(made)['period']['name']}"
    book = load_workbook(made / f"{name}.zh.xlsx")
    assert not any(cell.data_type == "f" for sheet in book.worksheets for row in sheet.iter_rows() for cell in row)
    assert HOSTILE in {cell.value for row in book.worksheets[2].iter_rows() for cell in row}
    with (made / f"{name}.sites.zh.csv").open(encoding="utf-8-sig", newline="") as file:
        assert f"'{HOSTILE}" in {cell for row in csv.reader(file) for cell in row}


def test_the_same_data_make_the_same_bytes(made: Path, data: Path, tmp_path: Path) -> None:
    report(data, tmp_path / "again")
    names = sorted(path.name for path in made.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert len(names) == 2 + 2 * 9
    for name in names:
        assert (made / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_what_was_changed_is_named(made: Path, data: Path, tmp_path: Path) -> None:
    assert verify(data, made)[0] == 0
    facts = facts_of(made)
    copy = tmp_path / "report"
    report(data, copy)
    table = next(copy.glob("*.summary.zh.csv"))
    table.write_bytes(table.read_bytes() + b"x")
    code, text = verify(data, copy)
    assert code == 1
    assert text.strip().endswith("was changed")
    assert table.name in text.replace("\n", "")
    file = facts["files"][0]["name"]
    path = data / "days" / file
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    try:
        code, text = verify(data, made)
    finally:
        path.write_bytes(whole)
    assert code == 1
    assert file in text.replace("\n", "")
    assert "target routers comes out differently" in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--year", "twenty"], "is no period"),
        (["--year", "2025", "--month", "2025-03"], "say one of"),
        (["--year", "2199"], "has not begun"),
        (["--year", "2025-2021"], "ends before it begins"),
        (["--year", "2025", "--format", "doc"], "is none of"),
        (["--year", "2025", "--issued", "soon"], "is no day"),
    ],
)
def test_what_cannot_be_reported_is_said(data: Path, tmp_path: Path, asked: list[str], said: str) -> None:
    command = ["report", "--data", str(data), "--register", str(data.parent / "targets.yaml"), "--out", str(tmp_path)]
    done = CliRunner().invoke(app, [*command, *asked])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_a_folder_without_a_report_is_refused(data: Path, tmp_path: Path) -> None:
    assert verify(data, tmp_path)[0] == 2
