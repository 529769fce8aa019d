from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from netmon.archive import ArchiveError, ConfigurationInterval, Counts, Event, Journal, Reader
from netmon.model import MissedRun, Observation
from tests.lab.observations import ignore, ping


async def write(folder: Path, rows: Sequence[Observation]) -> None:
    async with Journal.open(folder, on_durable=ignore) as journal:
        for row in rows:
            journal.append(row)


def test_a_folder_without_an_archive_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"there is no archive in .*: start netmon run first"):
        Reader.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("newest_first", [False, True])
async def test_history_takes_bounds_a_limit_and_an_order(tmp_path: Path, newest_first: bool) -> None:
    here = [ping(number) for number in range(20)]
    there = [ping(number + 100, vantage="hilltop") for number in range(20)]
    await write(tmp_path, [*here, *there, *(ping(number, "other/router/ping") for number in range(20))])
    order = slice(None, None, -1 if newest_first else 1)

    with Reader.open(tmp_path) as reader:

        def history(**named: object) -> list[Observation]:
            return list(reader.history("hunchun/router/ping", newest_first=newest_first, **named))  # type: ignore[arg-type] # passed through

        assert history(vantage="main") == here[order]
        assert history(vantage="hilltop") == there[order]
        assert history() == (here + there)[order]
        assert history(limit=3) == (here + there)[order][:3]
        assert history(limit=0) == []
        assert history(since_ns=here[3].started_ns, until_ns=here[6].started_ns) == here[3:6][order]
        assert history(vantage="nowhere") == []
        assert list(reader.history("no/such/check")) == []


async def test_vantages_are_merged_by_time(tmp_path: Path) -> None:
    rows = [ping(number, vantage="ab"[number % 2]) for number in range(30)]
    await write(tmp_path, rows)
    with Reader.open(tmp_path) as reader:
        assert list(reader.history("hunchun/router/ping")) == rows
        assert list(reader.history("hunchun/router/ping", newest_first=True)) == rows[::-1]


async def test_latest_is_the_one_that_started_last_not_the_one_written_last(tmp_path: Path) -> None:
    await write(tmp_path, [ping(2, "a"), ping(1, "a"), ping(5, "b"), ping(3, "b", vantage="hilltop")])
    with Reader.open(tmp_path) as reader:
        assert reader.latest() == {
            ("a", "main"): ping(2, "a"),
            ("b", "main"): ping(5, "b"),
            ("b", "hilltop"): ping(3, "b", vantage="hilltop"),
        }


async def test_missed_runs_and_events_by_time(tmp_path: Path) -> None:
    runs = [MissedRun(check_id="ab"[at % 2], vantage="main", scheduled_ns=at, reason="misfire") for at in range(6)]
    events = [Event(kind=("start", "stop")[at % 2], at_ns=at, detail={"n": at}) for at in range(6)]
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for run in reversed(runs):
            journal.append_missed(run)
        for event in reversed(events):
            journal.append_event(event.kind, event.at_ns, event.detail)
    with Reader.open(tmp_path) as reader:
        assert list(reader.missed()) == runs
        assert list(reader.missed("a", since_ns=1, until_ns=4)) == [runs[2]]
        assert list(reader.events()) == events
        assert list(reader.events("stop", since_ns=2)) == [events[3], events[5]]
        assert reader.counts == Counts(observations=0, missed=6, events=6, configurations=0)


async def test_the_configuration_in_force_is_known_for_each_moment(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        journal.record_config("one", "sites: [a]", 100)
        journal.record_config("two", "sites: [a, b]", 200)
        journal.append(ping(1))
        journal.record_config("one", "sites: [a]", 300)
    with Reader.open(tmp_path) as reader:
        assert reader.configurations() == (
            ConfigurationInterval(config_id="one", text="sites: [a]", since_ns=100, until_ns=200),
            ConfigurationInterval(config_id="two", text="sites: [a, b]", since_ns=200, until_ns=300),
            ConfigurationInterval(config_id="one", text="sites: [a]", since_ns=300, until_ns=None),
        )
        in_force = {at: reader.config_in_force(at) for at in (99, 100, 199, 200, 1000)}
        assert in_force[99] is None
        assert [interval.config_id for at, interval in in_force.items() if interval] == ["one", "one", "two", "one"]
        assert reader.counts == Counts(observations=1, missed=0, events=0, configurations=2)


async def test_a_configuration_that_was_only_referred_to_gets_its_text_later(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        journal.append(ping(1))
        journal.record_config(ping(1).config_id, "text", 5)
    with Reader.open(tmp_path) as reader:
        assert [interval.text for interval in reader.configurations()] == ["text"]
        assert reader.latest().popitem()[1].config_id == ping(1).config_id


async def test_a_reader_beside_the_writer_sees_every_commit_and_half_of_none(tmp_path: Path) -> None:
    """A reader in a thread of its own reads while batches of 50 are written: it only ever sees whole batches."""
    seen: list[int] = []
    stop = asyncio.Event()

    def read() -> None:
        with Reader.open(tmp_path) as reader:
            while not stop.is_set():
                seen.append(len(list(reader.history("hunchun/router/ping"))))

    async with Journal.open(tmp_path, on_durable=ignore, gather_seconds=0.001) as journal:
        reading = asyncio.create_task(asyncio.to_thread(read))
        for batch in range(40):
            for number in range(batch * 50, batch * 50 + 50):
                journal.append(ping(number, packets=1))
            await journal.flush()
        stop.set()
        await reading
    assert seen == sorted(seen)
    assert {count % 50 for count in seen} == {0}
    assert len(set(seen)) > 1
    with Reader.open(tmp_path) as reader:
        assert reader.counts.observations == 2000


async def test_an_iterator_keeps_the_state_of_the_moment_it_began(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for number in range(10):
            journal.append(ping(number))
        await journal.flush()
        with Reader.open(tmp_path) as reader:
            history = reader.history("hunchun/router/ping")
            first = next(history)
            journal.append(ping(10))
            await journal.flush()
            assert [first, *history] == [ping(number) for number in range(10)]
            assert reader.counts.observations == 11


async def test_latest_does_not_read_every_row(tmp_path: Path) -> None:
    """Fifty times the rows, about the same time: it looks into the index once a series."""
    await write(tmp_path / "few", [ping(number, f"check/{number % 10}/x") for number in range(100)])
    await write(tmp_path / "many", [ping(number, f"check/{number % 10}/x", packets=1) for number in range(20_000)])

    def seconds(folder: Path) -> float:
        with Reader.open(folder) as reader:
            best = float("inf")
            for _ in range(5):
                start = time.perf_counter()
                assert len(reader.latest()) == 10
                best = min(best, time.perf_counter() - start)
            return best

    assert seconds(tmp_path / "many") < 10 * seconds(tmp_path / "few")
