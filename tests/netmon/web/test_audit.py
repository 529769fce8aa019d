from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from netmon.app import App, Settings
from netmon.archive import Journal, Reader
from netmon.config import load
from netmon.runner import Clock
from netmon.web import Access, ArchiveBook, create_app
from netmon.web.auth import load_web_config
from tests.lab.pages import FakeNetmon
from tests.lab.web_config import PASSWORDS, MemoryBook, users_text

ADA = ("ada", PASSWORDS["ada"])


@pytest.fixture
def access(tmp_path: Path) -> Iterator[Access]:
    file = tmp_path / "web.yaml"
    file.write_text(users_text())
    with contextlib.closing(Access(load_web_config(file))) as made:
        yield made


@contextlib.asynccontextmanager
async def browser(netmon: FakeNetmon | App, access: Access) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(netmon, access=access), client=("192.0.2.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://board.example") as client:
        yield client


def action(number: int, **changes: str) -> dict[str, str]:
    entry = {
        "actor": "ole", "role": "operator", "source": "192.0.2.1", "action": "reload", "subject": f"number {number}.",
        "outcome": "done",
    }  # fmt: skip
    return {**entry, **changes}


async def test_what_people_did_is_in_the_archive_for_good(access: Access, tmp_path: Path) -> None:
    """Over the real application: what was done, what was refused, by whom and from where; secrets nowhere."""
    inventory = tmp_path / "sites.yaml"
    inventory.write_text("sites:\n  - {id: here, kind: fire_station, name: Station}\n")
    netmon = App(load(inventory, kinds={}), Settings(config=inventory, data=tmp_path / "data"), kinds={})
    access.book = ArchiveBook(netmon.journal, tmp_path / "data", netmon.clock)
    netmon.start()
    async with browser(netmon, access) as client:
        await client.post("/login", data={"name": "ole", "password": "my wrong password"})
        await client.post("/login", data={"name": "my password as a name", "password": "x"})
        await client.post("/login", data={"name": "ole", "password": PASSWORDS["ole"]})
        token = next(iter(access.sessions._sessions.values())).csrf_token
        await client.post("/-/reload", data={"csrf_token": token})
        inventory.write_text("site: []\n")
        await client.post("/-/reload", data={"csrf_token": token})
        await client.get("/audit")
        await client.post("/logout", data={"csrf_token": token})
        await client.post("/-/reload", auth=("anna", PASSWORDS["anna"]))
        await netmon.journal.flush()
        page = (await client.get("/audit", auth=ADA)).text
        chosen = (await client.get("/audit?actor=anna&action=not+allowed", auth=ADA)).text
    await netmon.stop()

    with Reader.open(tmp_path / "data") as reader:
        taken = [tuple(event.detail.values()) for event in reader.events("action")]
        newest_first = list(reader.events("action", newest_first=True))
        assert newest_first == list(reader.events("action"))[::-1]
    assert taken == [
        ("ole", "operator", "192.0.2.9", "log in", "form", "refused"),
        ("", "", "192.0.2.9", "log in", "form", "refused"),
        ("ole", "operator", "192.0.2.9", "log in", "form", "done"),
        ("ole", "operator", "192.0.2.9", "reload", "inventory", "done"),
        ("ole", "operator", "192.0.2.9", "reload", "inventory", "refused"),
        ("ole", "operator", "192.0.2.9", "not allowed", "GET /audit", "refused"),
        ("ole", "operator", "192.0.2.9", "log out", "", "done"),
        ("anna", "viewer", "192.0.2.9", "not allowed", "POST /-/reload", "refused"),
    ]
    assert page.count("<bdi>ole</bdi>") == 6
    assert chosen.count("<bdi>anna</bdi>") == 1
    assert "<bdi>ole</bdi>" not in chosen
    everything = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    for secret in ("my wrong password", "my password as a name", token, *PASSWORDS.values()):
        assert secret.encode() not in everything
        assert secret not in page


async def test_pages_of_it_hang_together(access: Access) -> None:
    access.book = MemoryBook([action(number) for number in range(250)])
    seen: list[int] = []
    async with browser(FakeNetmon(), access) as client:
        where = "/audit?actor=ole"
        while where:
            text = (await client.get(where, auth=ADA)).text
            seen += [int(part.split(".")[0]) for part in text.split("<bdi>number ")[1:]]
            _before, link, rest = text.partition('<p><a rel="next" href="')
            where = rest.partition('"')[0].replace("&amp;", "&") if link else ""
    assert seen == list(range(250))[::-1]
    assert where == ""


@pytest.mark.parametrize("before", ["x", "-1", "9" * 18, "9" * 19, "9" * 5000, "１２", "1e5", ""])
async def test_any_cursor_is_a_page(access: Access, before: str, tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "data", on_durable=lambda _rows: None) as journal:
        await journal.flush()
        access.book = ArchiveBook(journal, tmp_path / "data", Clock())
        async with browser(FakeNetmon(), access) as client:
            assert (await client.get("/audit", params={"before": before, "lang": "zh"}, auth=ADA)).status_code == 200


async def test_words_of_the_record_are_escaped(access: Access) -> None:
    access.book = MemoryBook([action(1, actor="<script>", source="<b>", action="<i>", subject='"><script>')])
    async with browser(FakeNetmon(), access) as client:
        text = (await client.get('/audit?actor=&action="><script>', auth=ADA)).text
        text += (await client.get("/audit", auth=ADA)).text
    assert text.count("<script") == text.count('<script src="/static/board.js"') == 2
    assert "<bdi>&lt;script&gt;</bdi>" in text


async def test_a_flood_of_refusals_cannot_fill_the_disk(access: Access) -> None:
    access.book = book = MemoryBook()
    for _ in range(2000):
        access.failed("192.0.2.1", "ole", "form")
    assert 1000 <= len(book.taken) < 1100


async def test_nothing_but_appending_is_offered(tmp_path: Path) -> None:
    """What was taken down stays: the reader's file is read-only, and the journal has no method that removes."""
    async with Journal.open(tmp_path, on_durable=lambda _rows: None) as journal:
        book = ArchiveBook(journal, tmp_path, Clock())
        book.record(actor="ole", role="operator", source="", action="reload", subject="", outcome="done")
        await journal.flush()
    with Reader.open(tmp_path) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM event")


async def test_only_who_may_see_it_is_led_to_it(access: Access) -> None:
    access.book = MemoryBook()
    async with browser(FakeNetmon(), access) as client:
        assert 'href="/audit"' in (await client.get("/", auth=ADA)).text
        assert 'href="/audit"' not in (await client.get("/", auth=("ole", PASSWORDS["ole"]))).text
