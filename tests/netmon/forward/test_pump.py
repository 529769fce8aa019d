from __future__ import annotations

import random
import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.archive import Journal
from netmon.archive.schema import FILE_NAME
from netmon.forward.pump import NAME, SETTLED_SECONDS, Pump, forget
from netmon.forward.store import Answer, Outcome
from tests.lab.observations import ping

TAKEN = Answer(Outcome.TAKEN)


class MemoryStore:
    """A store that answers as it is told, forgets what it did not flush when it is killed, and keeps each line once.

    Attributes:
        now: seconds; what it took is on its disk ``flush_seconds`` later.
    """

    def __init__(self, flush_seconds: float = 5.0) -> None:
        self.now = 0.0
        self.flush_seconds = flush_seconds
        self.disk: set[str] = set()
        self.memory: list[tuple[float, str]] = []
        self.answers: list[Answer] = []
        self.poison = ""
        self.restarted = False
        self.sizes: list[int] = []

    def write(self, lines: bytes) -> Answer:
        self.flush()
        text = lines.decode().splitlines()
        self.sizes.append(len(text))
        if self.answers:
            answer = self.answers.pop(0)
            if answer.outcome is not Outcome.TAKEN:
                return answer
        if self.poison and any(self.poison in line for line in text):
            return Answer(Outcome.REFUSED, "HTTP 400 cannot be parsed")
        self.memory += [(self.now, line) for line in text]
        anew, self.restarted = self.restarted, False
        return Answer(Outcome.TAKEN, anew=anew)

    def flush(self) -> None:
        self.disk |= {line for at, line in self.memory if at <= self.now - self.flush_seconds}
        self.memory = [(at, line) for at, line in self.memory if at > self.now - self.flush_seconds]

    def kill(self) -> None:
        self.flush()
        self.memory = []
        self.restarted = True

    def close(self) -> None:
        pass

    @property
    def times(self) -> list[int]:
        """Of what it holds."""
        return sorted(int(re.findall(r"\d+$", line)[0]) for line in self.disk | {line for _at, line in self.memory})


async def journal_of(folder: Path, first: int, count: int) -> list[int]:
    async with Journal.open(folder, on_durable=lambda _rows: None) as journal:
        rows = [ping(number) for number in range(first, first + count)]
        for row in rows:
            journal.append(row)
    return [row.started_ns for row in rows]


def cursor(folder: Path) -> int:
    connection = sqlite3.connect(folder / FILE_NAME)
    (row,) = connection.execute("SELECT last_row FROM cursor WHERE name = ?", (NAME,)).fetchone()
    connection.close()
    return int(row)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def run(pump: Pump, store: MemoryStore, until: float) -> None:
    while store.now < until:
        store.now += max(pump.step(store.now), 0.01)


async def test_everything_arrives_once_with_its_time(tmp_path: Path, store: MemoryStore) -> None:
    times = await journal_of(tmp_path, 1, 250)
    pump = Pump(tmp_path, store, batch=100)
    run(pump, store, 5)
    assert store.times == times
    assert store.sizes == [100, 100, 50]
    assert (pump.sent, pump.waiting, pump.fault, pump.oldest_ns) == (250, 0, "", 0)
    pump.close()


async def test_the_cursor_moves_a_minute_after_yes(tmp_path: Path, store: MemoryStore) -> None:
    await journal_of(tmp_path, 1, 10)
    pump = Pump(tmp_path, store, batch=100)
    run(pump, store, SETTLED_SECONDS - 3)
    assert cursor(tmp_path) == 0
    store.now = SETTLED_SECONDS + 1
    await journal_of(tmp_path, 11, 1)
    run(pump, store, SETTLED_SECONDS + 3)
    assert cursor(tmp_path) == 10  # the eleventh says that the store still holds them
    pump.close()


async def test_a_store_that_is_away_is_waited_for(tmp_path: Path, store: MemoryStore) -> None:
    times = await journal_of(tmp_path, 1, 10)
    pump = Pump(tmp_path, store, batch=100)
    store.answers = [Answer(Outcome.LATER, "connection refused")] * 8
    waits = [pump.step(0.0) for _ in range(8)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (pump.fault, pump.failures, pump.waiting) == ("connection refused", 8, 10)
    assert pump.oldest_ns == times[0]
    store.answers = [Answer(Outcome.LATER, "HTTP 429", wait_seconds=300)]
    assert pump.step(0.0) == 300
    run(pump, store, 1)
    assert store.times == times
    assert pump.fault == ""
    pump.close()


async def test_one_bad_row_costs_only_itself(tmp_path: Path, store: MemoryStore) -> None:
    times = await journal_of(tmp_path, 1, 100)
    store.poison = str(times[41])
    pump = Pump(tmp_path, store, batch=64)
    run(pump, store, 5)
    assert store.times == [at for at in times if at != times[41]]
    assert pump.refused == 1
    pump.close()


async def test_a_killed_store_gets_its_last_minute_again(tmp_path: Path, store: MemoryStore) -> None:
    times = await journal_of(tmp_path, 1, 50)
    pump = Pump(tmp_path, store, batch=100)
    run(pump, store, 2)
    store.kill()
    assert store.times == []
    times += await journal_of(tmp_path, 51, 1)
    run(pump, store, 10)
    assert store.times == times
    pump.close()


async def test_netmon_begins_again_where_the_store_was_sure(tmp_path: Path, store: MemoryStore) -> None:
    times = await journal_of(tmp_path, 1, 50)
    pump = Pump(tmp_path, store, batch=100)
    run(pump, store, 2)
    pump.close()
    store.kill()
    pump = Pump(tmp_path, store, batch=100)
    run(pump, store, 4)
    assert store.times == times
    pump.close()


async def test_forgotten_it_keeps_nothing_back(tmp_path: Path, store: MemoryStore) -> None:
    await journal_of(tmp_path, 1, 5)
    Pump(tmp_path, store, batch=5).close()
    assert cursor(tmp_path) == 0
    forget(tmp_path)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("SELECT * FROM cursor").fetchall() == []
    connection.close()


@settings(deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_the_store_does_nothing_is_lost(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Random kills, refusals for now and restarts of netmon; at the end the store is well for two minutes."""
    folder = tmp_path_factory.mktemp("journal")
    chance = random.Random(seed)
    connection = sqlite3.connect(folder / FILE_NAME)
    # A log, as the journal has; what netmon's other thread wrote need not be safe from the machine's own end here.
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
        "CREATE TABLE series (number INTEGER PRIMARY KEY, check_id TEXT, vantage TEXT);"
        "INSERT INTO series VALUES (1, 'x/y/ping', 'main');"
        "CREATE TABLE cursor (name TEXT PRIMARY KEY, last_row INTEGER NOT NULL);"
        "CREATE TABLE observation (sequence INTEGER PRIMARY KEY AUTOINCREMENT, series, started_ns, duration_seconds,"
        " attempt, status, data);"
    )
    store = MemoryStore(flush_seconds=chance.choice((1, 5, 30)))
    pump = Pump(folder, store, batch=chance.choice((1, 7, 100)))
    rows = 0
    for _ in range(60):
        match chance.randrange(6):
            case 0:
                store.kill()
            case 1:
                store.answers = [Answer(Outcome.LATER, "away")] * chance.randrange(1, 4)
            case 2:
                pump.close()
                pump = Pump(folder, store, batch=chance.choice((1, 7, 100)))
            case _:
                for _ in range(chance.randrange(20)):
                    rows += 1
                    row = (1, rows, 0.1, 1, "up", '{"r":{"loss_ratio":0}}')
                    connection.execute(
                        "INSERT INTO observation (series, started_ns, duration_seconds, attempt, status, data)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        row,
                    )
                connection.commit()
        run(pump, store, store.now + chance.choice((0.1, 3, 40, 90)))
    rows += 1
    connection.execute(
        "INSERT INTO observation (series, started_ns, duration_seconds, attempt, status, data) VALUES"
        " (1, ?, 0.1, 1, 'up', '{}')", (rows,),
    )  # fmt: skip
    connection.commit()
    connection.close()
    run(pump, store, store.now + 150)
    store.now += 60
    store.flush()
    assert store.times == list(range(1, rows + 1))
    pump.close()
