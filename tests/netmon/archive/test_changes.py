"""When a check's status became what: kept as it happens, and found in files that were written before it was kept."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.archive import Journal, Reader
from netmon.archive.schema import MIGRATIONS
from netmon.archive.store import Store
from netmon.model import Observation, Status
from tests.lab.observations import ignore, ping


def series(statuses: list[Status], check_id: str = "a/b/ping") -> list[Observation]:
    return [replace(ping(number, check_id), status=status) for number, status in enumerate(statuses, 1)]


def expected(rows: list[Observation]) -> list[tuple[int, str, Status]]:
    found: list[tuple[int, str, Status]] = []
    for row in rows:
        if not found or found[-1][2] is not row.status:
            found.append((row.started_ns, row.check_id, row.status))
    return found[::-1]


@given(st.lists(st.sampled_from(Status), max_size=30), st.integers(1, 7))
def test_changes_are_those_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, statuses: list[Status], batch: int
) -> None:
    """However the rows are cut into transactions, and if a transaction is written twice."""
    folder = tmp_path_factory.mktemp("changes")
    rows = series(statuses)
    store = Store(folder)
    for start in range(0, len(rows), batch):
        store.write(rows[start : start + batch])
        store.roll_back()
        store.write(rows[start : start + batch])
    store.close()
    with Reader.open(folder) as reader:
        assert list(reader.changes()) == expected(rows)
        assert dict(reader.since()) == ({("a/b/ping", "main"): expected(rows)[0][0]} if rows else {})


async def test_changes_by_site_check_and_time(tmp_path: Path) -> None:
    up, down = Status.UP, Status.DOWN
    rows = [*series([up, down, down, up]), *series([up], "ab/b/ping")]
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for row in sorted(rows, key=lambda row: row.started_ns):
            journal.append(row)
    with Reader.open(tmp_path) as reader:
        assert len(list(reader.changes())) == 4
        assert [status for _at, _check, status in reader.changes(site="a")] == [up, down, up]
        assert [check for _at, check, _status in reader.changes(check_id="ab/b/ping")] == ["ab/b/ping"]
        assert len(list(reader.changes(site="a", limit=2))) == 2
        assert [status for _at, _check, status in reader.changes(site="a", until_ns=rows[1].started_ns)] == [up]


def test_an_older_file_gets_its_changes(tmp_path: Path) -> None:
    """A file of the first schema, filled as the first netmon did."""
    connection = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    for statement in MIGRATIONS[0].split(";"):
        connection.execute(statement)
    connection.execute("PRAGMA application_id = 0x6E6D6F6E")
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO series VALUES (1, 'a/b/ping', 'main')")
    connection.execute("INSERT INTO configuration VALUES (1, 'c', '')")
    for number, status in enumerate(["up", "up", "down", "down", "up"], 1):
        connection.execute(
            "INSERT INTO observation (series, started_ns, scheduled_ns, duration_seconds, attempt, status,"
            " configuration, data) VALUES (1, ?, ?, 0.1, 1, ?, 1, '{}')",
            (number, number, status),
        )
    connection.close()
    Store(tmp_path).close()
    with Reader.open(tmp_path) as reader:
        assert [(at_ns, status.value) for at_ns, _check, status in reader.changes()] == [
            (5, "up"),
            (3, "down"),
            (1, "up"),
        ]


async def test_readings_are_taken_out_of_the_rows(tmp_path: Path) -> None:
    """Measured and derived ones, absent ones as nothing."""
    first = ping(1, "a/b/ping")
    second = replace(ping(2, "a/b/ping"), derived={"in_bytes_per_second[near]": 5.0}, status=Status.DOWN)
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        journal.append(first)
        journal.append(second)
    keys = ["rtt_median_seconds", "in_bytes_per_second[near]"]
    with Reader.open(tmp_path) as reader:
        rows = list(reader.series("a/b/ping", keys, since_ns=0))
        assert list(reader.series("a/b/other", keys, since_ns=0)) == []
        recent = list(reader.recent("a/b/ping", [Status.DOWN], since_ns=0, limit=5))
    assert rows == [
        (first.started_ns, Status.UP, (first.readings["rtt_median_seconds"], None)),
        (second.started_ns, Status.DOWN, (second.readings["rtt_median_seconds"], 5.0)),
    ]
    assert recent == [second]
