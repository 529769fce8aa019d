from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.archive import ArchiveError, Journal, Reader
from netmon.archive.store import Row, Store
from netmon.model import MissedRun, Observation, Status
from probes.base import ProbeResult
from tests.lab.observations import all_of, ignore, observations, ping
from tests.lab.soak import scale


def as_stored(observation: Observation) -> Observation:
    if observation.status is Status.UP:
        return replace(observation, result=replace(observation.result, steps=()))
    return observation


async def test_what_is_appended_is_reported_in_order_and_read_back_equal(tmp_path: Path) -> None:
    rows = [ping(number) for number in range(100)]
    durable: list[Observation] = []

    async with Journal.open(tmp_path, on_durable=durable.extend) as journal:
        for row in rows:
            journal.append(row)
        await journal.flush()

        assert durable == rows
        assert journal.backlog == 0
        assert journal.rows_written == 100
        assert 1 <= journal.commits < 10
        assert journal.commit_seconds > 0
    assert all_of(tmp_path) == rows


@pytest.mark.soak
@settings(max_examples=scale(10, 5_000))
@given(
    rows=st.lists(
        observations(), min_size=5, max_size=20, unique_by=lambda row: (row.check_id, row.vantage, row.started_ns)
    )
)
def test_any_observation_survives_the_round_trip(rows: list[Observation]) -> None:
    async def write(folder: Path) -> None:
        async with Journal.open(folder, on_durable=ignore, gather_seconds=0) as journal:
            for row in rows:
                journal.append(row)

    with TemporaryDirectory() as folder:
        asyncio.run(write(Path(folder)))
        read = all_of(Path(folder))

    def key(row: Observation) -> tuple[str, str, int]:
        return row.check_id, row.vantage, row.started_ns

    assert sorted(read, key=key) == sorted(map(as_stored, rows), key=key)


async def test_nothing_is_reported_before_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    write = Store.write

    def slow(store: Store, rows: Sequence[Row]) -> Sequence[Observation]:
        gate.wait(10)
        return write(store, rows)

    monkeypatch.setattr(Store, "write", slow)
    durable: list[Observation] = []
    async with Journal.open(tmp_path, on_durable=durable.extend, gather_seconds=0) as journal:
        journal.append(ping(1))
        flush = asyncio.create_task(journal.flush())
        for _ in range(10):
            await asyncio.sleep(0)
        assert durable == []
        assert journal.backlog == 1
        gate.set()
        await flush
        assert durable == [ping(1)]


async def test_the_same_observation_is_stored_once_and_a_different_one_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    durable: list[Observation] = []
    other = replace(ping(1), status=Status.DOWN)
    async with Journal.open(tmp_path, on_durable=durable.extend) as journal:
        journal.append(ping(1))
        journal.append(ping(1))
        await journal.flush()
        journal.append(other)
        await journal.flush()

        assert journal.rows_refused == 1
    assert durable == [ping(1), ping(1)]
    assert all_of(tmp_path) == [ping(1)]
    assert "another observation of this start is stored" in caplog.text


async def test_a_row_that_cannot_be_stored_does_not_hold_up_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = [
        replace(ping(3), started_ns=2**63),
        replace(ping(3), check_id="\ud800"),
        replace(ping(3), duration_seconds=float("nan")),
        replace(ping(3), result=ProbeResult(readings={"a": object()})),  # type: ignore[dict-item] # the point
    ]
    good = [ping(number) for number in range(10)]
    durable: list[Observation] = []
    async with Journal.open(tmp_path, on_durable=durable.extend) as journal:
        for row in [*good[:5], *bad, *good[5:]]:
            journal.append(row)
        await journal.flush()

        assert journal.rows_refused == len(bad)
        assert journal.fault is None
    assert durable == good
    assert all_of(tmp_path) == good
    assert caplog.text.count("a row cannot be stored") == len(bad)


class FullDisk:
    """Makes the store fail until the disk is given room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        self.full = True
        write = Store.write

        def failing(store: Store, rows: Sequence[Row]) -> Sequence[Observation]:
            if self.full:
                raise error
            return write(store, rows)

        monkeypatch.setattr(Store, "write", failing)


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database or disk is full"),
        sqlite3.OperationalError("attempt to write a readonly database"),
        OSError(errno.EIO, "Input/output error"),
    ],
    ids=str,
)
async def test_while_the_disk_takes_nothing_the_rows_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    caplog.set_level(logging.INFO)
    disk = FullDisk(monkeypatch, error)
    durable: list[Observation] = []
    stuck: list[Observation] = []
    async with Journal.open(tmp_path, on_durable=durable.extend, on_stuck=stuck.extend, gather_seconds=0) as journal:
        journal.append(ping(1))
        journal.append(ping(2))
        for _ in range(3):
            with pytest.raises(ArchiveError, match="cannot be written"):
                await journal.flush()
        assert journal.fault == str(error)
        assert journal.backlog == 2
        assert (durable, stuck) == ([], [ping(1), ping(2)])

        disk.full = False
        journal.append(ping(3))
        await journal.flush()
        assert (durable, stuck) == ([ping(3)], [ping(1), ping(2)])  # each is told once
        assert journal.backlog == 0
        assert journal.fault is None
    assert [record.getMessage() for record in caplog.records if record.name == "netmon.archive.journal"] == [
        "the archive cannot be written",
        "the archive can be written again",
    ]
    assert all_of(tmp_path) == [ping(1), ping(2), ping(3)]


async def test_a_write_that_the_system_refuses_half_way_loses_nothing(tmp_path: Path) -> None:
    rows = [ping(number) for number in range(600)]
    told: list[Observation] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with Journal.open(tmp_path, on_durable=told.extend, on_stuck=told.extend) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            for row in rows:
                journal.append(row)
            with pytest.raises(ArchiveError, match=r"disk I/O error|full"):
                await journal.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert journal.backlog > 0
        await journal.flush()
    assert told == rows
    assert all_of(tmp_path) == rows


async def test_what_a_full_queue_cannot_take_is_shown_counted_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    durable: list[Observation] = []
    stuck: list[Observation] = []
    async with Journal.open(tmp_path, on_durable=durable.extend, on_stuck=stuck.extend, queue_limit=3) as journal:
        for number in range(5):
            journal.append(ping(number))
        assert journal.rows_lost == 2
        with pytest.raises(ArchiveError):
            await journal.flush()
        assert sorted(row.started_ns for row in stuck) == [ping(number).started_ns for number in range(5)]
        disk.full = False
        await journal.flush()
    assert all_of(tmp_path) == [ping(number) for number in range(3)]
    with Reader.open(tmp_path) as reader:
        assert [(event.kind, event.detail) for event in reader.events()] == [("rows_lost", {"count": 2})]


async def test_closing_with_a_full_disk_says_how_much_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FullDisk(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    journal = Journal.open(tmp_path, on_durable=ignore)
    journal.append(ping(1))
    with pytest.raises(ArchiveError, match=r"1 rows could not be written.*No space left"):
        await journal.close()


async def test_closing_writes_what_is_queued(tmp_path: Path) -> None:
    durable: list[Observation] = []
    journal = Journal.open(tmp_path, on_durable=durable.extend, gather_seconds=60)
    for number in range(50):
        journal.append(ping(number))
    await journal.close()
    assert len(all_of(tmp_path)) == 50
    await asyncio.sleep(0)
    assert len(durable) == 50


async def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom netmon.archive import Journal\n"
        "async def main(): Journal.open(Path(sys.argv[1]), on_durable=print)\nasyncio.run(main())"
    )
    async with Journal.open(tmp_path, on_durable=ignore):
        with pytest.raises(ArchiveError, match=f"is in use by process {os.getpid()}"):
            Journal.open(tmp_path, on_durable=ignore)
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", program, tmp_path, stderr=subprocess.PIPE)
        _, errors = await other.communicate()
        assert f"is in use by process {os.getpid()}" in errors.decode()
        assert other.returncode == 1
    async with Journal.open(tmp_path, on_durable=ignore):
        pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="file/archive"):
        Journal.open(tmp_path / "file" / "archive", on_durable=ignore)


async def test_an_error_in_on_durable_does_not_stop_the_journal(tmp_path: Path) -> None:
    seen: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(str(context["exception"])))

    def broken(_observations: Sequence[Observation]) -> None:
        raise ValueError("broken sink")

    async with Journal.open(tmp_path, on_durable=broken) as journal:
        journal.append(ping(1))
        await journal.flush()
        journal.append(ping(2))
        await journal.flush()
    assert seen == ["broken sink", "broken sink"]
    assert len(all_of(tmp_path)) == 2


async def test_missed_runs_and_events_are_rows_of_the_same_queue(tmp_path: Path) -> None:
    run = MissedRun(check_id="a/b/c", vantage="main", scheduled_ns=5, reason="overlap")
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        journal.append_missed(run)
        journal.append_missed(run)
        journal.append_event("clock_step", 7, {"seconds": 1.5, "words": "中文", "path": Path("/a")})
        await journal.flush()
        assert journal.commits == 1
    with Reader.open(tmp_path) as reader:
        assert list(reader.missed()) == [run]
        (event,) = reader.events()
    assert event.detail == {"seconds": 1.5, "words": "中文", "path": "/a"}
