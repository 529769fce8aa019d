from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from netmon.archive import ArchiveError, Journal, Reader
from netmon.archive.schema import FILE_NAME, MIGRATIONS, check_version, migrate
from tests.lab.observations import ping


def connect(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / FILE_NAME, isolation_level=None)


async def test_an_older_file_is_upgraded_and_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Journal.open(tmp_path, on_durable=print) as journal:
        journal.append(ping(1))
    newer = (*MIGRATIONS, "ALTER TABLE event ADD COLUMN note TEXT; CREATE TABLE later (number INTEGER) STRICT;")

    connection = connect(tmp_path)
    migrate(connection, tmp_path / FILE_NAME, newer)

    assert connection.execute("PRAGMA user_version").fetchone() == (len(newer),)
    assert connection.execute("SELECT count(*), max(note) FROM observation LEFT JOIN event").fetchone() == (1, None)
    connection.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    connection = connect(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        migrate(connection, tmp_path / FILE_NAME, ("CREATE TABLE a (b)", "CREATE TABLE c (d); CREATE NONSENSE"))

    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
    connection.close()


async def test_a_newer_file_is_refused_by_writer_and_reader(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=print):
        pass
    connection = connect(tmp_path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    message = f"has schema version 99, and this netmon knows versions up to {len(MIGRATIONS)}: use the newer netmon"

    with pytest.raises(ArchiveError, match=message):
        Journal.open(tmp_path, on_durable=print)
    with pytest.raises(ArchiveError, match=message):
        Reader.open(tmp_path)


def test_a_reader_does_not_upgrade(tmp_path: Path) -> None:
    connect(tmp_path).execute("PRAGMA journal_mode = WAL").connection.close()
    with pytest.raises(ArchiveError, match="has schema version 0: start netmon run once"):
        Reader.open(tmp_path)


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    connection = connect(tmp_path)
    connection.execute("CREATE TABLE theirs (a)")
    with pytest.raises(ArchiveError, match="is a database of another program"):
        check_version(connection, tmp_path / FILE_NAME)
    connection.close()


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database" * 100)
    with pytest.raises(ArchiveError, match="cannot be read as an archive"):
        Reader.open(tmp_path)


@pytest.mark.parametrize("statement", ["DELETE FROM event", "UPDATE event SET detail = '{}'"])
def test_what_happened_can_be_neither_changed_nor_removed(tmp_path: Path, statement: str) -> None:
    connection = sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None)
    migrate(connection, tmp_path / "x.sqlite3")
    connection.execute("INSERT INTO event (kind, at_ns, detail) VALUES ('action', 1, '{\"actor\": \"ole\"}')")
    with pytest.raises(sqlite3.IntegrityError, match="events are never"):
        connection.execute(statement)
    assert connection.execute("SELECT detail FROM event").fetchall() == [('{"actor": "ole"}',)]
    connection.close()


async def test_an_archive_from_before_profiles_were_kept_opens_and_keeps_them_from_now_on(tmp_path: Path) -> None:
    connection = connect(tmp_path)
    connection.execute("PRAGMA journal_mode = WAL")
    migrate(connection, tmp_path / FILE_NAME, MIGRATIONS[:4])
    connection.execute("INSERT INTO configuration (number, config_id, text) VALUES (1, 'old', 'sites: []')")
    connection.execute("INSERT INTO configuration_load (configuration, loaded_at_ns) VALUES (1, 5)")
    connection.close()

    async with Journal.open(tmp_path, on_durable=print) as journal:
        journal.record_config("new", "sites: []", 10, {"my-radio": "title: 我的电台"})
        journal.record_config("new", "sites: []", 20, {"my-radio": "another"})  # the first text is what ran
    with Reader.open(tmp_path) as reader:
        found = [(each.config_id, dict(each.profiles)) for each in reader.configurations()]
    assert found == [("old", {}), ("new", {"my-radio": "title: 我的电台"}), ("new", {"my-radio": "title: 我的电台"})]
