"""Backups beside a running writer, and archives made of them."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from netmon.archive import ArchiveError, Journal, back_up, restore
from tests.lab.observations import all_of, ignore, ping

NOW_NS = 1_700_000_000_000_000_000


async def fill(folder: Path, count: int) -> None:
    async with Journal.open(folder, on_durable=ignore) as journal:
        for number in range(count):
            journal.append(ping(number))


async def test_a_backup_restores_to_the_same_rows(tmp_path: Path) -> None:
    await fill(tmp_path / "data", 50)
    manifest = back_up(tmp_path / "data", tmp_path / "backup", now_ns=NOW_NS)
    assert (manifest.observations, manifest.taken) == (50, "2023-11-14T22:13:20+00:00")
    assert restore(tmp_path / "backup", tmp_path / "new") == manifest
    assert all_of(tmp_path / "new") == all_of(tmp_path / "data")


async def test_a_backup_beside_a_busy_writer_is_one_moment(tmp_path: Path) -> None:
    """It ends, although rows come all the time, and holds a prefix of them."""
    await fill(tmp_path / "data", 5_000)
    async with Journal.open(tmp_path / "data", on_durable=ignore, gather_seconds=0) as journal:
        done = threading.Event()
        result: list[int] = []

        def copy() -> None:
            try:
                result.append(back_up(tmp_path / "data", tmp_path / "backup", now_ns=NOW_NS).observations)
            finally:
                done.set()

        thread = threading.Thread(target=copy)
        thread.start()
        number = 5_000
        while not done.is_set():
            journal.append(ping(number))
            number += 1
            await journal.flush()
        thread.join()
    (count,) = result
    assert 5_000 <= count <= number
    assert all_of(tmp_path / "backup") == [ping(n) for n in range(count)]


async def test_an_archive_is_never_overwritten(tmp_path: Path) -> None:
    await fill(tmp_path / "data", 1)
    back_up(tmp_path / "data", tmp_path / "backup", now_ns=NOW_NS)
    with pytest.raises(ArchiveError, match="has an archive already"):
        restore(tmp_path / "backup", tmp_path / "data")
    with pytest.raises(ArchiveError, match="exists: name a new folder"):
        back_up(tmp_path / "data", tmp_path / "backup", now_ns=NOW_NS)


async def test_a_running_netmon_is_not_restored_over(tmp_path: Path) -> None:
    await fill(tmp_path / "data", 1)
    back_up(tmp_path / "data", tmp_path / "backup", now_ns=NOW_NS)
    async with Journal.open(tmp_path / "other", on_durable=ignore):
        with pytest.raises(ArchiveError, match="in use by process"):
            restore(tmp_path / "backup", tmp_path / "other")


@pytest.mark.parametrize("damage", ["byte", "manifest", "no manifest", "other keys"])
async def test_a_damaged_backup_is_refused(damage: str, tmp_path: Path) -> None:
    await fill(tmp_path / "data", 20)
    backup = tmp_path / "backup"
    back_up(tmp_path / "data", backup, now_ns=NOW_NS)
    match damage:
        case "byte":
            data = bytearray((backup / "journal.sqlite").read_bytes())
            data[len(data) // 2] ^= 1
            (backup / "journal.sqlite").write_bytes(data)
        case "manifest":
            (backup / "manifest.json").write_text("{", encoding="utf-8")
        case "no manifest":
            (backup / "manifest.json").unlink()
        case _:
            (backup / "manifest.json").write_text(json.dumps({"version": 9}), encoding="utf-8")
    with pytest.raises(ArchiveError, match="is damaged" if damage == "byte" else "is no backup"):
        restore(backup, tmp_path / "new")
    assert not (tmp_path / "new" / "journal.sqlite").exists()


async def test_a_damaged_archive_gives_no_backup(tmp_path: Path) -> None:
    await fill(tmp_path / "data", 2_000)
    file = tmp_path / "data" / "journal.sqlite"
    data = bytearray(file.read_bytes())
    page = len(data) // 2 // 4096 * 4096
    data[page : page + 4096] = bytes(4096)
    file.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"damaged|malformed"):
        back_up(tmp_path / "data", tmp_path / "backup", now_ns=NOW_NS)
    assert not (tmp_path / "backup").exists()


def test_without_an_archive_there_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no archive"):
        back_up(tmp_path, tmp_path / "backup", now_ns=NOW_NS)
    with pytest.raises(ArchiveError, match="is no backup"):
        restore(tmp_path / "nothing", tmp_path / "data")


async def test_a_backup_says_how_far_it_is(tmp_path: Path) -> None:
    await fill(tmp_path / "data", 100)
    seen: list[tuple[int, int]] = []
    back_up(tmp_path / "data", tmp_path / "b", now_ns=NOW_NS, progress=lambda done, pages: seen.append((done, pages)))
    assert seen[-1][0] == seen[-1][1] > 0
