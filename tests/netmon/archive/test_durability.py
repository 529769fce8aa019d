"""What was acknowledged is there, whatever happened: kills, a torn write-ahead log, and the order of system calls."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from netmon.archive import ArchiveError, Journal, Reader
from netmon.archive.schema import FILE_NAME
from tests.lab import need
from tests.lab.journal_killer import RUN_SIZE, number_of
from tests.lab.observations import ignore, ping
from tests.lab.soak import SEED, SOAK, generator, scale

KILLS = scale(200, 5_000)


def in_order_of_writing(folder: Path) -> list[int]:
    """The numbers of all stored observations, and the file's own integrity check."""
    connection = sqlite3.connect(folder / FILE_NAME)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT scheduled_ns FROM observation ORDER BY sequence").fetchall()
    finally:
        connection.close()
    return [scheduled_ns // 10_000_000_000 for (scheduled_ns,) in rows]


@pytest.mark.soak
def test_killed_at_random_points_every_acknowledged_observation_is_there_once(tmp_path: Path) -> None:
    killer = subprocess.run(
        [sys.executable, "-m", "tests.lab.journal_killer", tmp_path, str(SEED), str(KILLS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killer.stderr == ""
    runs = [json.loads(line) for line in killer.stdout.splitlines()]
    assert len(runs) == KILLS
    # The kills must hit both the opening and the writing, or they show nothing.
    assert sum(len(run["acknowledged"]) for run in runs) > 5 * KILLS
    assert sum(not run["acknowledged"] for run in runs) > KILLS / 40

    for name, group in groupby(sorted(runs, key=lambda run: str(run["archive"])), key=lambda run: str(run["archive"])):
        acknowledged = {run["run"]: run["acknowledged"] for run in group}
        if not any(acknowledged.values()):
            continue
        stored = in_order_of_writing(tmp_path / name)
        assert len(stored) == len(set(stored)), "an observation is there twice"
        assert stored == sorted(stored), "the order of writing is not the order of appending"
        for run, numbers in acknowledged.items():
            of_run = [number for number in stored if number // RUN_SIZE == run]
            assert of_run == list(range(run * RUN_SIZE, run * RUN_SIZE + len(of_run))), "not a prefix"
            assert numbers == of_run[: len(numbers)], "an acknowledged observation is missing"
        with Reader.open(tmp_path / name) as reader:
            for check, vantage in reader.latest():
                for observation in reader.history(check, vantage):
                    assert observation == ping(number_of(observation), check, packets=5)


async def write_batches(folder: Path, batches: int) -> tuple[bytes, bytes]:
    """Write batches of two observations; returns the file and its write-ahead log while both are in use."""
    async with Journal.open(folder, on_durable=ignore):
        pass  # the tables are in the file, so the log holds observations only
    async with Journal.open(folder, on_durable=ignore, gather_seconds=0) as journal:
        for batch in range(batches):
            journal.append(ping(2 * batch, packets=2))
            journal.append(ping(2 * batch + 1, packets=2))
            await journal.flush()
        return (folder / FILE_NAME).read_bytes(), (folder / f"{FILE_NAME}-wal").read_bytes()


BATCHES = 4
HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24


def commits(log: bytes) -> list[int]:
    """Offsets in the log at which a transaction is complete (file format 4.1: a frame whose size field is not 0)."""
    (page_bytes,) = struct.unpack(">I", log[8:12])
    frame_bytes = FRAME_HEADER_BYTES + page_bytes
    starts = range(HEADER_BYTES, len(log) - frame_bytes + 1, frame_bytes)
    return [start + frame_bytes for start in starts if struct.unpack(">I", log[start + 4 : start + 8])[0]]


def cuts(log: bytes) -> list[int]:
    """Every offset in a soak run; normally every frame's edges and a seeded hundredth of the rest."""
    if SOAK:
        return list(range(len(log) + 1))
    (page_bytes,) = struct.unpack(">I", log[8:12])
    frame_bytes = FRAME_HEADER_BYTES + page_bytes
    edges = {
        edge + step
        for start in range(HEADER_BYTES, len(log) + 1, frame_bytes)
        for edge in (start, start + FRAME_HEADER_BYTES)
        for step in (-1, 0, 1)
    }
    drawn = generator().sample(range(len(log) + 1), len(log) // 100)
    return sorted({cut for cut in edges if 0 <= cut <= len(log)} | set(drawn))


@pytest.mark.soak
@pytest.mark.parametrize("tail", ["missing", "garbage"])
async def test_a_log_cut_at_any_byte_reopens_as_a_prefix(tmp_path: Path, tail: str) -> None:
    file, log = await write_batches(tmp_path / "origin", BATCHES)
    complete = commits(log)
    assert len(complete) == BATCHES
    folder = tmp_path / "cut"
    folder.mkdir()
    chance = generator()

    for cut in cuts(log):
        rest = b"" if tail == "missing" else chance.randbytes(len(log) - cut)
        for name, content in ((FILE_NAME, file), (f"{FILE_NAME}-wal", log[:cut] + rest)):
            (folder / name).write_bytes(content)
        (folder / f"{FILE_NAME}-shm").unlink(missing_ok=True)

        with Reader.open(folder) as reader:
            read = list(reader.history("hunchun/router/ping"))

        expected = sum(offset <= cut for offset in complete)
        assert len(read) == 2 * expected, f"cut at byte {cut} of {len(log)}"
        assert read == [ping(number, packets=2) for number in range(len(read))]


async def test_after_a_cut_the_writer_goes_on(tmp_path: Path) -> None:
    file, log = await write_batches(tmp_path / "origin", BATCHES)
    folder = tmp_path / "cut"
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(file)
    (folder / f"{FILE_NAME}-wal").write_bytes(log[: len(log) - 100])

    async with Journal.open(folder, on_durable=ignore) as journal:
        for number in range(2 * BATCHES):
            journal.append(ping(number, packets=2))

    assert in_order_of_writing(folder) == list(range(2 * BATCHES))


async def test_a_file_cut_short_is_an_error_and_not_fewer_rows(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for number in range(300):
            journal.append(ping(number))
    path = tmp_path / FILE_NAME
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096)

    with pytest.raises(ArchiveError, match="cannot be read"), Reader.open(tmp_path) as reader:
        list(reader.history("hunchun/router/ping"))


TRACED = """
import asyncio, os, sys
from pathlib import Path
from netmon.archive import Journal
from tests.lab.observations import ignore, ping

def on_durable(observations):
    os.write(1, b"acknowledged %d\\n" % len(observations))

async def main():
    async with Journal.open(Path(sys.argv[1]), on_durable=on_durable, gather_seconds=0) as journal:
        for number in range(20):
            os.write(1, b"append\\n")
            journal.append(ping(number))
            await journal.flush()

asyncio.run(main())
"""


def test_the_log_is_written_and_synced_before_each_acknowledgement(tmp_path: Path) -> None:
    strace = need.program("strace", "strace")
    trace = tmp_path / "trace"
    calls = "trace=openat,write,pwrite64,writev,pwritev,fsync,fdatasync"
    result = subprocess.run(
        [strace, "-f", "-y", "-e", calls, "-o", trace, sys.executable, "-c", TRACED, tmp_path / "archive"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "ptrace" in result.stderr and "not permitted" in result.stderr:
        pytest.skip(
            "this system allows no ptrace: sysctl kernel.yama.ptrace_scope=0, or run the container with SYS_PTRACE"
        )
    assert result.returncode == 0, result.stderr

    # p: appended; W: the write-ahead log was written; S: a sync of it returned 0; A: acknowledged.
    story = ""
    syncing = set()
    for line in trace.read_text().splitlines():
        process, _, call = line.partition(" ")
        call = call.strip()
        if re.match(r"pwrite64\(\d+<[^>]*-wal>", call):
            story += "W"
        elif re.match(r"(fsync|fdatasync)\(\d+<[^>]*-wal>.*unfinished", call):
            syncing.add(process)
        elif re.match(r"(fsync|fdatasync)\(\d+<[^>]*-wal>.*= 0$", call) or (
            re.match(r"<\.\.\. (fsync|fdatasync) resumed>.*= 0$", call) and process in syncing
        ):
            syncing.discard(process)
            story += "S"
        elif re.match(r'write\(1<.*"acknowledged 1\\n"', call):
            story += "A"
        elif re.match(r'write\(1<.*"append\\n"', call):
            story += "p"
    assert story.count("A") == 20
    # Between each append and its acknowledgement the log is written, and a sync follows the last write.
    assert re.fullmatch(r"[WS]*(p[WS]*WS+A)+[WS]*", story), story
