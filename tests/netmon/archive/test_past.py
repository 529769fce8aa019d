"""Journal and files of closed days answer as one."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.archive import Journal, Reader, back_up, close_days, restore, verify
from netmon.archive.manifest import DAY_NS, DayManifest
from netmon.archive.schema import FILE_NAME, ArchiveError
from netmon.model import Observation, Status
from probes.base import Failure, ProbeResult
from tests.lab.observations import SECOND_NS, all_of, ignore, ping
from tests.lab.soak import scale

CHECKS = ("a/router/ping", "b/router/ping")
KEYS = ("loss_ratio", "in_bits_per_second[near]", "missing", "odd")


def of(number: int, started_ns: int) -> Observation:
    """The n-th of a varied lot."""
    generator = random.Random(number)
    status = generator.choice(list(Status))
    row = replace(
        ping(number, generator.choice(CHECKS), generator.choice(["main", "far"])),
        started_ns=started_ns,
        scheduled_ns=started_ns,
        status=status,
        derived={"in_bits_per_second[near]": generator.random() * 1e9} if generator.random() < 0.5 else {},
    )
    if generator.random() < 0.2:
        return replace(row, result=ProbeResult(detail="half a pair: \ud800", readings={"loss_ratio": 1.0}))
    if generator.random() < 0.2:
        return replace(row, result=ProbeResult(readings={"odd": float("inf"), "loss_ratio": 0.5}))
    return replace(row, result=ProbeResult()) if status is Status.UNKNOWN else row


async def append(folder: Path, rows: Sequence[Observation]) -> None:
    async with Journal.open(folder, on_durable=ignore) as journal:
        for row in rows:
            journal.append(row)


def answers(folder: Path) -> list[Any]:
    """All that a reader can be asked of some checks, with bounds within and between days."""
    found: list[Any] = []
    bounds: list[tuple[int | None, int | None]] = [
        (None, None), (DAY_NS, 2 * DAY_NS), (DAY_NS // 2, 5 * DAY_NS // 2), (3 * DAY_NS, None), (None, DAY_NS + 1)
    ]  # fmt: skip
    with Reader.open(folder) as reader:
        found += [reader.counts, reader.latest(), reader.since()]
        for check in (*CHECKS, "c/none/ping"):
            for since, until in bounds:
                for limit in (None, 1, 7):
                    for newest_first in (False, True):
                        found.append(
                            list(
                                reader.history(
                                    check, since_ns=since, until_ns=until, limit=limit, newest_first=newest_first
                                )
                            )
                        )
                    found.append(list(reader.series(check, KEYS, since_ns=since or 0, until_ns=until, limit=limit)))
                found.append(list(reader.history(check, "far", since_ns=since, until_ns=until)))
                found.append(list(reader.recent(check, [Status.DOWN, Status.UP], since_ns=since or 0, limit=9)))
        assert reader.damaged == frozenset()
    return found


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(0, 20), st.none() | st.integers(0, 60))
async def test_closing_days_changes_no_answer(seed: int, early: int, late: int, cursor: int | None) -> None:
    generator = random.Random(seed)
    starts = generator.sample(range(5 * 86_400), early + late)
    rows = [of(seed + n, second * SECOND_NS) for n, second in enumerate(starts)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await append(folder, rows[:early])
        if cursor is not None:
            connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
            connection.execute("INSERT INTO cursor VALUES ('forward', ?)", (cursor,))
            connection.close()
        before = answers(folder)
        close_days(folder, now_ns=3 * DAY_NS)
        assert answers(folder) == before
        await append(folder, rows[early:])
        before = answers(folder)
        close_days(folder, now_ns=7 * DAY_NS)
        assert answers(folder) == before
        assert not verify(folder).problems
        back_up(folder, folder / "backup", now_ns=0)
        restore(folder / "backup", folder / "new")
        assert answers(folder / "new") == before


async def fill(folder: Path) -> list[Observation]:
    rows = [replace(ping(n, CHECKS[0]), started_ns=n * DAY_NS // 4, scheduled_ns=n * DAY_NS // 4) for n in range(16)]
    await append(folder, rows)
    close_days(folder, now_ns=10 * DAY_NS)
    return rows


async def test_a_damaged_file_is_named_and_the_rest_answers(tmp_path: Path) -> None:
    rows = await fill(tmp_path)
    file = tmp_path / "days" / "1970/1970-01-02.observations.parquet"
    file.write_bytes(file.read_bytes()[:-20] + bytes(20))
    (tmp_path / "days" / "1970/1970-01-03.observations.parquet").unlink()
    with Reader.open(tmp_path) as reader:
        assert list(reader.history(CHECKS[0])) == rows[:4] + rows[12:]
        assert reader.damaged == {f"1970/1970-01-0{day}.observations.parquet" for day in (2, 3)}
    problems = verify(tmp_path).problems
    assert [(Path(problem.path).name[:10], problem.text[:7]) for problem in problems] == [
        ("1970-01-02", "damaged"),
        ("1970-01-03", "missing"),
    ]
    with pytest.raises(ArchiveError, match=r"1970-01-02\.observations\.parquet is damaged"):
        back_up(tmp_path, tmp_path / "backup", now_ns=0)


async def test_a_file_that_is_in_no_manifest_is_named(tmp_path: Path) -> None:
    await fill(tmp_path)
    (tmp_path / "days/1970/1999-01-01.observations.parquet").write_bytes(b"PAR1")
    (problem,) = verify(tmp_path).problems
    assert problem.text.startswith("in no manifest")


async def test_a_damaged_line_of_the_manifest_costs_its_own_file_alone(tmp_path: Path) -> None:
    rows = await fill(tmp_path)
    path = tmp_path / "days/manifest.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], lines[1][:-3], *lines[2:]]) + "\n", encoding="utf-8")
    with Reader.open(tmp_path) as reader:
        assert list(reader.history(CHECKS[0])) == rows[:4] + rows[8:]
        assert reader.damaged == {"manifest.jsonl"}
    problems = verify(tmp_path).problems
    assert [problem.text[:7] for problem in problems] == ["line 2:", "in no m"]
    for act in (close_days, lambda folder, now_ns: back_up(folder, tmp_path / "backup", now_ns=now_ns)):
        with pytest.raises(ArchiveError, match=r"manifest\.jsonl is damaged: line 2"):
            act(tmp_path, now_ns=20 * DAY_NS)


async def test_a_backup_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    await fill(tmp_path / "data")
    back_up(tmp_path / "data", tmp_path / "backup", now_ns=0)
    file = DayManifest.read(tmp_path / "backup/days").files[1]
    (tmp_path / "backup/days" / file.name).unlink()
    with pytest.raises(ArchiveError, match=file.name):
        restore(tmp_path / "backup", tmp_path / "new")
    with pytest.raises(ArchiveError, match="there is no archive"):
        all_of(tmp_path / "new")


async def test_two_do_not_close_days_at_once(tmp_path: Path) -> None:
    from netmon.archive.lock import FolderLock

    await fill(tmp_path)
    with FolderLock(tmp_path / "days"), pytest.raises(ArchiveError, match="in use by process"):
        close_days(tmp_path, now_ns=10 * DAY_NS)
    close_days(tmp_path, now_ns=10 * DAY_NS)


async def test_stretches_are_the_same_whichever_way_they_are_found(tmp_path: Path) -> None:
    """From the journal, from whole files in their own order, and from parts of days by sorting."""
    generator = random.Random(4)
    rows = []
    for check in CHECKS:
        status = Status.UP
        for second in range(DAY_NS // SECOND_NS, 3 * DAY_NS // SECOND_NS, 60 if check == CHECKS[0] else 900):
            if generator.random() < 0.02:
                status = generator.choice(list(Status))
            if generator.random() < 0.97:
                failure = generator.choice(list(Failure)[:2]) if status is Status.DOWN else None
                rows.append(
                    replace(
                        ping(second, check), started_ns=second * SECOND_NS, status=status,
                        config_id=generator.choice(["v1"] * 50 + ["v2"]), result=ProbeResult(failure=failure),
                    )
                )  # fmt: skip
    longest = {CHECKS[0]: 125 * SECOND_NS, CHECKS[1]: 1810 * SECOND_NS}
    whole = {"since_ns": DAY_NS, "until_ns": 3 * DAY_NS}
    part = {"since_ns": DAY_NS + 1, "until_ns": 3 * DAY_NS - 1}
    await append(tmp_path, rows)
    with Reader.open(tmp_path) as reader:
        expected = reader.stretches(longest, **whole), reader.stretches(longest, **part)
    close_days(tmp_path, now_ns=9 * DAY_NS)
    with Reader.open(tmp_path) as reader:
        assert (reader.stretches(longest, **whole), reader.stretches(longest, **part)) == expected
    assert sum(map(len, expected[0].values())) > 100
    await append(tmp_path, [replace(rows[0], vantage="far", started_ns=rows[0].started_ns + 7)])
    with Reader.open(tmp_path) as reader:
        expected_late = reader.stretches(longest, **whole)
    close_days(tmp_path, now_ns=9 * DAY_NS)
    with Reader.open(tmp_path) as reader:
        assert reader.stretches(longest, **whole) == expected_late


async def test_two_vantages_in_one_file_are_found_by_sorting(tmp_path: Path) -> None:
    rows = [
        replace(ping(n, CHECKS[0], vantage), started_ns=DAY_NS + n * 60 * SECOND_NS + 7 * (vantage == "far"))
        for n in range(20)
        for vantage in ("far", "main")
    ]
    await append(tmp_path, rows)
    with Reader.open(tmp_path) as reader:
        before = reader.stretches({CHECKS[0]: 125 * SECOND_NS}, since_ns=DAY_NS, until_ns=2 * DAY_NS)
    close_days(tmp_path, now_ns=9 * DAY_NS)
    with Reader.open(tmp_path) as reader:
        assert reader.stretches({CHECKS[0]: 125 * SECOND_NS}, since_ns=DAY_NS, until_ns=2 * DAY_NS) == before
    assert len(before[CHECKS[0]]) == 1


@settings(max_examples=scale(20, 300), deadline=None)
@given(seed=st.integers(0, 2**32))
def test_sums_over_spans_are_those_of_the_rows(seed: int) -> None:
    """By hand over every row, before closing, after closing, and with late rows."""
    chance = random.Random(seed)
    rows = []
    for number in range(120):
        made = ping(number, CHECKS[chance.randrange(2)])
        at_ns = DAY_NS + chance.randrange(2 * DAY_NS)
        values = {"loss_ratio": chance.random()} if chance.random() < 0.9 else {}
        rows.append(
            replace(
                made,
                started_ns=at_ns,
                attempt=chance.choice((1, 1, 2)),
                status=chance.choice(list(Status)),
                result=ProbeResult(readings=values),
            )
        )
    edges = sorted(chance.randrange(DAY_NS // 2, 7 * DAY_NS // 2) for _ in range(6))
    spans = {CHECKS[0]: list(zip(edges[::2], edges[1::2], strict=True)), CHECKS[1]: [(edges[0], edges[-1])]}
    expected = {}
    for name, parts in spans.items():
        values = [
            row.result.readings["loss_ratio"]
            for row in rows
            if row.check_id == name and row.attempt == 1 and row.status in (Status.UP, Status.DEGRADED)
            and "loss_ratio" in row.result.readings
            and any(begin <= row.started_ns < end for begin, end in parts)
        ]  # fmt: skip
        expected["loss_ratio", name] = (len(values), pytest.approx(sum(values)))
        expected["other", name] = (0, 0.0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        half = len(rows) // 2
        asyncio.run(write(folder, rows[:half]))
        close_days(folder, now_ns=9 * DAY_NS)
        asyncio.run(write(folder, rows[half:]))
        for _turn in range(2):
            with Reader.open(folder) as reader:
                assert reader.totals(spans, ("loss_ratio", "other")) == expected
                assert reader.totals(spans, ("loss_ratio", "other")) == expected  # from what was kept
                assert reader.totals({}, ("loss_ratio",)) == {}
            close_days(folder, now_ns=9 * DAY_NS)


@settings(max_examples=scale(15, 300), deadline=None)
@given(seed=st.integers(0, 2**32))
def test_means_of_five_minutes_are_those_of_the_rows(seed: int) -> None:
    """By hand over every row, before closing, after closing, from what was kept, and with late rows."""
    chance = random.Random(seed)
    rows = []
    for number in range(150):
        values = {"a_ratio": chance.random()} if chance.random() < 0.8 else {}
        derived = {"b_ratio": chance.choice((chance.random(), float("inf")))} if chance.random() < 0.8 else {}
        rows.append(
            replace(
                ping(number, CHECKS[chance.randrange(2)]),
                started_ns=DAY_NS + chance.randrange(DAY_NS // 20) + DAY_NS * chance.randrange(2),
                attempt=chance.choice((1, 1, 2)),
                status=chance.choice(list(Status)),
                result=ProbeResult(readings=values),
                derived=derived,
            )
        )
    found: dict[tuple[int, str, str, int], list[float]] = {}
    for row in rows:
        if row.attempt == 1 and row.status in (Status.UP, Status.DEGRADED):
            day, slot = row.started_ns // DAY_NS, row.started_ns % DAY_NS // (300 * SECOND_NS)
            for key, value in {**row.result.readings, **row.derived}.items():
                if value < 2:
                    found.setdefault((day, key, row.check_id, slot), []).append(value)
    expected = {name: (len(values), pytest.approx(sum(values) / len(values))) for name, values in found.items()}

    def read(folder: Path) -> dict[tuple[int, str, str, int], tuple[int, float]]:
        with Reader.open(folder) as reader:
            days = list(reader.means(CHECKS, ("a_ratio", "b_ratio"), since_ns=DAY_NS, until_ns=3 * DAY_NS))
        assert [day for day, _ in days] == sorted({day for day, *_ in found})
        return {
            (day, key, check_id, slot): (count, each.means[slot])
            for day, parts in days
            for (key, check_id), each in parts.items()
            for slot, count in enumerate(each.counts)
            if count
        }

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        half = len(rows) // 2
        asyncio.run(write(folder, rows[:half]))
        close_days(folder, now_ns=9 * DAY_NS)
        asyncio.run(write(folder, rows[half:]))
        assert read(folder) == expected
        close_days(folder, now_ns=9 * DAY_NS)
        assert read(folder) == expected
        assert read(folder) == expected  # from what was kept


async def write(folder: Path, rows: Sequence[Observation]) -> None:
    async with Journal.open(folder, on_durable=ignore) as journal:
        for row in rows:
            journal.append(row)
