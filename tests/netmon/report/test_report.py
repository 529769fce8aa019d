"""A small archive whose truth is known by hand, through the command, in every format."""

from __future__ import annotations

import contextlib
import csv
import json
import math
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fontTools.ttLib import TTFont
from openpyxl import load_workbook
from pydantic import TypeAdapter
from typer.testing import CliRunner

import probes
from netmon.archive import Journal
from netmon.cli import app
from netmon.config import recall
from netmon.model import LocalText, Status, midnight_ns
from netmon.report.files import FORMATS, make
from netmon.report.schema import report_schema
from netmon.report.shapes import Facts
from netmon.report.tables import REPORT_LANGUAGES
from netmon.report.texts import texts
from netmon.report.typeset import FONTS, NO_LETTER, in_the_font
from netmon.words import printable
from probes.base import Failure, ProbeResult
from tests.lab.need import program
from tests.lab.observations import ping
from tests.lab.paper import text_of, within_the_page

ROOT = Path(__file__).parents[3]
HOUR_NS = 3_600_000_000_000
HOSTILE = '=HYPERLINK("http://x","y")'
HOSTILE_NAMES = (
    HOSTILE,
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "＝1+1",
    "\u202egnp.exe\u200f",
    "😀 한글 𠮷",
    "=" * 10_000,
)
LONG = "山" * 200
INVENTORY = f"""
organisation: {{zh: 珲春市消防救援大队, en: battalion}}
defaults: {{ping: {{interval: 1h, timeout: 10s}}}}
sites:
  - id: hill
    kind: radio_site
    required: {{router: 3}}
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


@contextlib.contextmanager
def flip(path: Path) -> Iterator[None]:
    """One octet in the middle of a file is another one for a while."""
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    try:
        yield
    finally:
        path.write_bytes(whole)


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
    assert [(check["expected_runs"], check["runs"]) for check in facts["checks"]] == [(72, 72)] * 2
    (here,) = (site["complete"] for site in facts["sites"])
    assert [{name: each[name] for name in ("required", "present", "serviceable", "unknown")} for each in here] == [
        {"required": 3, "present": 2, "serviceable": 2, "unknown": 0}
    ]
    assert facts["period"]["complete"]
    assert len(facts["files"]) >= 3


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_format_says_what_the_json_says(made: Path, language: str) -> None:
    facts = facts_of(made)
    (target,) = facts["years"][0]["targets"]
    name = f"netmon-{facts['period']['name']}"
    with (made / f"{name}.targets.{language}.csv").open(encoding="utf-8-sig", newline="") as file:
        _header, *rows = csv.reader(file)
    book = load_workbook(made / f"{name}.{language}.xlsx")
    cells = [[cell.value for cell in row] for row in book.worksheets[2].iter_rows(min_row=2)]
    text = text_of(made / f"{name}.{language}.pdf")
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
    assert HOSTILE in {cell.value for row in book.worksheets[4].iter_rows() for cell in row}
    with (made / f"{name}.sites.zh.csv").open(encoding="utf-8-sig", newline="") as file:
        assert f"'{HOSTILE}" in {cell for row in csv.reader(file) for cell in row}


def test_hostile_names_are_harmless_in_every_format(made: Path, tmp_path: Path) -> None:
    """Formulas, marks that turn the direction, letters without a glyph, 10 kB: as text that is cut, and everywhere."""
    facts = facts_of(made)
    names = [printable(name) for name in HOSTILE_NAMES]  # as everything that people and devices say
    until = facts["period"]["known_until"]
    for number, name in enumerate(names):
        entry = {
            "id": f"e{number}", "target": "routers", "target_name": {"zh": name, "en": name}, "criterion": "",
            "subject": name, "subject_name": {"zh": name, "en": name}, "kind": "document", "at": until,
            "entered": until, "author": name, "value": None, "passed": True, "note": name,
            "file": name, "sha256": "",
        }  # fmt: skip
        facts["entries"].append(entry)
        facts["sites"][0]["equipment"].append({
            "id": name, "name": {"zh": name, "en": name}, "kind": {"zh": name, "en": name}, "model": name,
            "commissioned": None, "retired": None,
        })  # fmt: skip
        part = facts["years"][0]["targets"][0]["parts"][0]
        facts["years"][0]["targets"][0]["parts"].append({**part, "subject_name": {"zh": name, "en": name}})
    files = dict(make(facts, FORMATS, REPORT_LANGUAGES))
    for name, making in files.items():
        content = making()
        (tmp_path / name).write_bytes(content)
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(content.decode("utf-8-sig").splitlines()) for cell in row]
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝")) and not _number(cell)]
        elif name.endswith(".xlsx"):
            book = load_workbook(tmp_path / name)
            cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
            assert not [cell for cell in cells if cell.data_type == "f"]
            assert set(names) <= {cell.value for cell in cells}
        elif name.endswith(".pdf"):
            text = text_of(tmp_path / name)
            assert "gnp.exe" in text
            assert not set("\u202e\u200f😀") & set(text)
            assert NO_LETTER in text
            within_the_page(tmp_path / name)


def needed(text: str, columns: float) -> int:
    """Lines of a cell when words go to the next line as wholes, and longer ones are broken."""
    lines, used = 1, 0
    for word in re.findall(r"[^ \u3000-\uffef]+ ?|.", text):
        wide = sum(1 + ("\u2e80" <= letter <= "\uffef") for letter in word.rstrip())
        if used and used + wide > columns:
            lines, used = lines + 1, 0
        lines += max(0, math.ceil(wide / columns) - 1)
        used += wide + (len(word) - len(word.rstrip()))
    return lines


def test_every_row_of_a_sheet_is_as_high_as_its_text(made: Path) -> None:
    """`make pictures` looks at them as a spreadsheet draws them."""
    for path in made.glob("*.xlsx"):
        for sheet in load_workbook(path).worksheets:
            for row in sheet.iter_rows():
                height = sheet.row_dimensions[row[0].row].height
                for cell in row:
                    if (
                        isinstance(cell.value, str)
                        and cell.alignment.wrap_text
                        and cell.coordinate not in sheet.merged_cells
                    ):
                        columns = sheet.column_dimensions[cell.column_letter].width
                        assert height == 409 or needed(cell.value, columns) * 13 <= height, (path, cell)


def test_a_name_from_the_inventory_holds_no_control_and_no_end(data: Path) -> None:
    assert texts(LocalText(zh="\u202eabc\x07"))["zh"] == "\N{REPLACEMENT CHARACTER}abc\N{REPLACEMENT CHARACTER}"
    assert len(texts(LocalText(zh="x" * 10_000))["zh"]) < 400


def test_every_letter_that_a_page_may_hold_has_a_glyph() -> None:
    every = "".join(chr(code) for code in range(0x110000))
    letters = {ord(letter) for letter, set_as in zip(every, in_the_font(every), strict=True) if letter == set_as}
    assert letters - {0x200B} == set(TTFont(FONTS / "NotoSansCJKsc-Regular.otf").getBestCmap())
    assert ord(NO_LETTER) in letters


def test_no_word_leaves_the_page_and_every_font_is_in_the_file(made: Path) -> None:
    for path in made.glob("*.pdf"):
        within_the_page(path)
        rows = subprocess.run(
            [program("pdffonts", "poppler-utils"), str(path)], capture_output=True, check=True, text=True
        ).stdout.splitlines()[2:]
        assert rows
        assert all(row.split()[-5] == "yes" for row in rows), rows


def test_every_letter_of_a_workbook_is_in_every_chinese_font(made: Path) -> None:
    """It brings no font: of what we write, each letter is one of GBK or of Windows-1252, which each office has."""
    for path in made.glob("*.zh.xlsx"):
        book = load_workbook(path)
        text = {
            letter
            for sheet in book
            for row in sheet.iter_rows(values_only=True)
            for cell in row
            for letter in str(cell)
        }
        known = {letter for letter in text if letter.encode("gbk", "ignore") or letter.encode("cp1252", "ignore")}
        assert len(text) > 100
        assert text - known == set()


def test_the_json_and_the_csv_have_the_committed_shape(made: Path) -> None:
    """Regenerate with `netmon schema report > docs/report.schema.json`."""
    committed = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    assert committed == report_schema()
    facts = facts_of(made)
    jsonschema_rs.validator_for(committed).validate(facts)
    TypeAdapter(Facts).validate_python(facts, strict=True)
    for language, word in (("en", "title"), ("zh", "description")):
        for path in made.glob(f"*.{language}.csv"):
            shape = committed["$defs"][f"csv-{path.name.split('.')[-3]}"]["items"]["prefixItems"]
            with path.open(encoding="utf-8-sig", newline="") as file:
                head, *rows = csv.reader(file)
            assert head == [column[word] for column in shape], path.name
            for row in rows:
                for cell, column in zip(row, shape, strict=True):
                    assert not cell or column["type"][0] == "string" or float(cell) is not None


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_the_same_data_make_the_same_bytes(made: Path, data: Path, tmp_path: Path) -> None:
    report(data, tmp_path / "again")
    names = sorted(path.name for path in made.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert len(names) == 2 + 2 * 15
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
    with flip(data / "days" / file):
        code, text = verify(data, made)
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


@pytest.mark.parametrize(
    ("manifest", "facts", "said"),
    [
        (None, None, "holds no report"),
        ("[]", None, "holds no report"),
        ("{", None, "holds no report"),
        ('{"schema": 1}', None, "another version of netmon: its schema is 1"),
        ('{"schema": 2, "name": 5}', None, "holds no report"),
        ("good", None, "holds no report"),
        ("good", '{"schema": 2, "kind": "targets"}', "holds no report"),
        ("good", '{"schema": 99}', "another version of netmon"),
    ],
)
def test_a_folder_without_a_report_is_refused(
    data: Path, tmp_path: Path, manifest: str | None, facts: str | None, said: str
) -> None:
    good = {"schema": 2, "netmon": "0", "name": "x", "issued": "2025-01-01", "register": "", "configurations": [],
            "files": {}, "evidence": {}}  # fmt: skip
    if manifest is not None:
        text = json.dumps(good) if manifest == "good" else manifest
        (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    if facts is not None:
        (tmp_path / "netmon-x.json").write_text(facts, encoding="utf-8")
    code, text = verify(data, tmp_path)
    assert code == 2
    assert said in " ".join(text.split())
