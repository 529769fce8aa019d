"""Closed days become files, every row exactly once, whatever happens on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from netmon.archive import ArchiveError, Journal, Reader, verify
from netmon.archive import days as module
from netmon.archive.days import close_days
from netmon.archive.manifest import DAY_NS, DayManifest
from netmon.archive.parquet import Row, read
from netmon.archive.schema import FILE_NAME
from netmon.model import MissedRun, Observation, Retention
from probes.base import ProbeResult
from tests.lab.end_at_line import end_at_lines
from tests.lab.observations import SECOND_NS, ignore, ping

CHECKS = ("a/router/ping", "b/router/ping")
NOW_NS = 4 * DAY_NS


def of_day(day: int, number: int, check_id: str = CHECKS[0]) -> Observation:
    started_ns = day * DAY_NS + number * 60 * SECOND_NS
    return replace(ping(number, check_id), started_ns=started_ns, scheduled_ns=started_ns)


async def append(folder: Path, rows: Sequence[Observation]) -> None:
    async with Journal.open(folder, on_durable=ignore) as journal:
        for row in rows:
            journal.append(row)


async def fill(folder: Path) -> None:
    await append(folder, [of_day(day, number, check) for day in (1, 2, 3) for number in range(5) for check in CHECKS])


def journal_rows(folder: Path) -> list[Row]:
    connection = sqlite3.connect(folder / FILE_NAME)
    rows = connection.execute(module.ROWS, (0, 2**62, -1)).fetchall()
    connection.close()
    return rows


def all_rows(folder: Path) -> list[Row]:
    """What a reader sees: the journal first, the manifest then."""
    journal = journal_rows(folder)
    days = folder / "days"
    manifest = DayManifest.read(days)
    rows = [row for row in journal if row[0] > manifest.through(row[3] // DAY_NS)]
    return sorted(rows + [row for file in manifest.files for row in read(days / file.name)])


async def test_closed_days_move_to_files(tmp_path: Path) -> None:
    await fill(tmp_path)
    before = all_rows(tmp_path)
    files = close_days(tmp_path, now_ns=NOW_NS)
    assert [(file.name, file.rows, file.first_row, file.last_row) for file in files] == [
        ("1970/1970-01-02.observations.parquet", 10, 1, 10),
        ("1970/1970-01-03.observations.parquet", 10, 11, 20),
    ]  # the third day ended just now: a run that began before its end may still come
    assert all_rows(tmp_path) == before
    assert [row[0] for row in sorted(journal_rows(tmp_path))] == list(range(21, 31))
    assert close_days(tmp_path, now_ns=NOW_NS) == ()
    (third,) = close_days(tmp_path, now_ns=5 * DAY_NS)
    assert third.rows == 10
    assert all_rows(tmp_path) == before
    assert len(journal_rows(tmp_path)) == len(CHECKS)  # the last of each


async def test_late_rows_go_to_an_addendum(tmp_path: Path) -> None:
    await fill(tmp_path)
    close_days(tmp_path, now_ns=NOW_NS)
    await append(tmp_path, [of_day(1, 100)])
    before = all_rows(tmp_path)
    (file,) = close_days(tmp_path, now_ns=NOW_NS)
    assert (file.name, file.rows) == ("1970/1970-01-02.observations.1.parquet", 1)
    assert all_rows(tmp_path) == before
    assert len(before) == 31


async def test_rows_stay_until_every_cursor_has_passed_them(tmp_path: Path) -> None:
    await fill(tmp_path)
    before = all_rows(tmp_path)
    connection = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    connection.execute("INSERT INTO cursor VALUES ('forward', 13), ('other', 99)")
    close_days(tmp_path, now_ns=NOW_NS)
    assert min(row[0] for row in journal_rows(tmp_path)) == 14
    assert all_rows(tmp_path) == before
    connection.execute("UPDATE cursor SET last_row = 50")
    connection.close()
    assert close_days(tmp_path, now_ns=NOW_NS) == ()
    assert min(row[0] for row in journal_rows(tmp_path)) == 21
    assert all_rows(tmp_path) == before


async def test_an_end_at_any_line_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    await fill(tmp_path / "whole")
    before = all_rows(tmp_path / "whole")
    (lines,) = end_at_lines("close_days", [(0, tmp_path / "whole")], NOW_NS)
    assert lines > 100
    runs = [(end_at, tmp_path / str(end_at)) for end_at in range(1, lines, 7)]
    for _end_at, target in runs:
        await fill(target)
    assert end_at_lines("close_days", runs, NOW_NS) == [end_at for end_at, _target in runs]
    for end_at, target in runs:
        assert all_rows(target) == before, end_at
        close_days(target, now_ns=NOW_NS)
        assert all_rows(target) == before, end_at
        assert len(journal_rows(target)) == 10, end_at
        left = {path.name for path in (target / "days").rglob("*") if path.is_file()}
        assert left == {
            "journal.lock", "manifest.jsonl", "1970-01-02.observations.parquet", "1970-01-03.observations.parquet",
        }, end_at  # fmt: skip


async def test_what_cannot_be_read_back_leaves_the_journal_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(tmp_path)
    before = journal_rows(tmp_path)
    monkeypatch.setattr(module, "read", lambda path: ((*row[:-1], "{}") for row in read(path)))
    with pytest.raises(ArchiveError, match="is not what was written"):
        close_days(tmp_path, now_ns=NOW_NS)
    assert journal_rows(tmp_path) == before
    assert DayManifest.read(tmp_path / "days").files == ()


async def test_nothing_is_deleted_for_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(tmp_path)
    before = journal_rows(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_delete", lambda *_args: None)
        first, _second = close_days(tmp_path, now_ns=NOW_NS)
    path = tmp_path / "days" / first.name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ArchiveError, match="is damaged"):
        close_days(tmp_path, now_ns=NOW_NS)
    assert journal_rows(tmp_path) == before


async def test_a_foreign_file_is_not_thrown_away(tmp_path: Path) -> None:
    await fill(tmp_path)
    close_days(tmp_path, now_ns=NOW_NS)
    (tmp_path / "days" / "manifest.jsonl").unlink()
    with pytest.raises(ArchiveError, match="is in no manifest"):
        close_days(tmp_path, now_ns=NOW_NS)


async def test_every_text_and_number_comes_back(tmp_path: Path) -> None:
    odd = replace(
        of_day(1, 0),
        check_id='q"u,o/te/x',
        result=ProbeResult(
            readings={"a": float("nan"), "b": float("inf"), "c": 5e-324, "d": float(2**63)},
            facts={"name": 'a "b", \n\\ \ud800 \u4e2d'},
        ),
    )
    await append(tmp_path, [odd, of_day(1, 1), of_day(3, 1, odd.check_id)])
    before = all_rows(tmp_path)
    close_days(tmp_path, now_ns=NOW_NS)
    assert all_rows(tmp_path) == before


async def test_what_is_kept_no_longer_goes_and_the_record_says_so(tmp_path: Path) -> None:
    await fill(tmp_path)
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for day in (1, 3):
            journal.append_missed(
                MissedRun(check_id=CHECKS[0], vantage="main", scheduled_ns=day * DAY_NS, reason="misfire")
            )
    two_days = Retention(observations=2 * 86_400.0, missed_runs=2 * 86_400.0)
    close_days(tmp_path, now_ns=5 * DAY_NS, retention=two_days)
    with Reader.open(tmp_path) as reader:
        assert {each.started_ns // DAY_NS for each in reader.history(CHECKS[0])} == {3}
        assert [run.scheduled_ns // DAY_NS for run in reader.missed()] == [3]
        (event,) = reader.events("archive_expired")
        assert (event.detail["files"], event.detail["rows"]) == (2, 20)
        assert not reader.damaged
    assert not verify(tmp_path).problems
    # An end between the files and the manifest: it is done again.
    manifest = DayManifest.read(tmp_path / "days")
    (last,) = manifest.files
    (tmp_path / "days" / last.name).unlink()
    close_days(tmp_path, now_ns=9 * DAY_NS, retention=two_days)
    assert DayManifest.read(tmp_path / "days").files == ()


async def test_without_a_limit_nothing_goes(tmp_path: Path) -> None:
    await fill(tmp_path)
    close_days(tmp_path, now_ns=5 * DAY_NS)
    close_days(tmp_path, now_ns=5_000 * DAY_NS)
    with Reader.open(tmp_path) as reader:
        assert reader.counts.observations == 30
