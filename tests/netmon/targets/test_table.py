"""Tables of entries: CSV and xlsx, Chinese and English heads, every mistake with its line, nothing but TableError."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.targets.table import TableError, read_table

ENGLISH = """\
target,kind,day,value,subject,passed,note
radio-coverage,figure,2024-06-30,93%,,,by the institute
satellite-phone,drill,2024/07/01,,station-1/satellite-phone,yes,
,,,,,,
voice-video,document,2024-07-02,,,no,=cmd
"""
EXPECTED = [
    {"target": "radio-coverage", "kind": "figure", "value": 0.93, "note": "by the institute", "at_ns": 1719676800},
    {
        "target": "satellite-phone", "kind": "drill", "subject": "station-1/satellite-phone", "passed": True,
        "at_ns": 1719763200,
    },
    {"target": "voice-video", "kind": "document", "passed": False, "note": "=cmd", "at_ns": 1719849600},
]  # fmt: skip


def expected() -> list[dict[str, object]]:
    return [{**entry, "at_ns": int(str(entry["at_ns"])) * 10**9} for entry in EXPECTED]


def test_a_table_in_english(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(ENGLISH, encoding="utf-8")
    assert read_table(path) == expected()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_a_table_in_chinese(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "table.csv"
    text = "目标,类别,日期,结果,对象\nsatellite-phone,演练,2024-07-01,合格,station-1/satellite-phone\n"
    path.write_text(text, encoding=encoding)
    assert read_table(path) == [expected()[1]]


def test_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["目标", "类别", "日期", "数值", "备注"])
    sheet.append(["radio-coverage", "数值", datetime(2024, 6, 30), 0.93, "by the institute"])  # noqa: DTZ001 (as Excel has it)
    book.save(tmp_path / "table.xlsx")
    assert read_table(tmp_path / "table.xlsx") == [expected()[0]]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("target,kind,when\n", ["line 1: unknown column when", "line 1: the column day is missing"]),
        ("target,kind,day\na,guess,2024-01-01\nb,figure,soon\n", ["line 2: the kind is", "line 3: soon is no date"]),
        ("target,kind,day,value\na,figure,2024-01-01,much\n", ["line 2: 'much' is no figure"]),
        ("target,kind,day,passed\na,drill,2024-01-01,maybe\n", ["line 2: passed is yes or no"]),
        ("", ["line 1: the column target", "line 1: the column kind", "line 1: the column day"]),
    ],
)
def test_mistakes_are_told_all_at_once(tmp_path: Path, text: str, sentences: list[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError) as raised:
        read_table(path)
    lines = str(raised.value).splitlines()
    assert len(lines) == len(sentences)
    assert all(line.startswith(sentence) for line, sentence in zip(lines, sentences, strict=True)), lines


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.xlsx").write_bytes(b"PK no workbook")
    (tmp_path / "long.csv").write_text("target,kind,day\n" + "\n" * 6_000, encoding="utf-8")
    for name in ("table.xlsx", "long.csv", "nowhere.csv"):
        with pytest.raises(TableError):
            read_table(tmp_path / name)


@given(st.binary(max_size=300))
def test_any_bytes_give_entries_or_a_table_error(data: bytes) -> None:
    for line in (data, ENGLISH.encode() + data):
        assert_readable(line)


def assert_readable(data: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(data)
        file.flush()
        try:
            entries = read_table(Path(file.name))
        except TableError:
            return
    assert all({"target", "kind", "at_ns"} <= entry.keys() or "target" not in entry for entry in entries)
