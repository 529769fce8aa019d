"""The page of maintenance and emergency: seen by everybody, changed by operators, each act taken down."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from netmon.web import Access, create_app
from tests.lab.pages import FakeNetmon
from tests.lab.web_config import PASSWORDS

FORM = {"what": "asset:hunchun/router", "start": "", "length": "2h", "reason": "new <b>mast</b>"}


@contextlib.asynccontextmanager
async def visitor(netmon: FakeNetmon, access: Access, name: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(netmon, access=access))
    auth = (name, PASSWORDS[name])
    options = {"base_url": "https://board.example", "auth": auth, "headers": {"X-Netmon-Request": "1"}}
    async with httpx.AsyncClient(transport=transport, **options) as client:
        yield client


async def test_an_operator_announces_and_ends_a_window(access: Access) -> None:
    netmon = FakeNetmon()
    async with visitor(netmon, access, "ole") as client:
        assert (await client.post("/maintenance", data=FORM)).headers["location"] == "/maintenance"
        (window,) = netmon.upkeep.in_force()
        assert (window.assets, window.author, window.until_ns - window.from_ns) == (
            frozenset({"hunchun/router"}), "ole", 7_200_000_000_000,
        )  # fmt: skip
        page = (await client.get("/maintenance?lang=zh")).text
        assert "路由器" in page
        assert "new &lt;b&gt;mast&lt;/b&gt;" in page
        assert (await client.post("/maintenance/end", data={"id": window.id})).status_code == 303
    assert netmon.upkeep.in_force() == ()
    done = [(entry["actor"], entry["action"], entry["outcome"]) for entry in access.book.taken]  # type: ignore[attr-defined] # a MemoryBook
    assert done == [("ole", "announce maintenance", "done"), ("ole", "end maintenance", "done")]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"start": "2001-01-01T00:00"}, "after it began"),
        ({"start": "tomorrow"}, "tomorrow is no moment"),
        ({"length": "long"}, "is no duration"),
        ({"what": "site:nowhere"}, "does not have nowhere"),
        ({"reason": ""}, "a reason is missing"),
    ],
)
async def test_a_mistake_is_said_and_the_form_keeps_what_was_written(
    access: Access, changes: dict[str, str], sentence: str
) -> None:
    netmon = FakeNetmon()
    async with visitor(netmon, access, "ole") as client:
        answer = await client.post("/maintenance?lang=en", data={**FORM, **changes})
    assert answer.status_code == 422
    assert sentence in answer.text
    if "reason" not in changes:
        assert 'value="new &lt;b&gt;mast&lt;/b&gt;"' in answer.text
    assert netmon.upkeep.coming() == ()


async def test_an_emergency_is_on_every_page_until_it_is_over(access: Access) -> None:
    netmon = FakeNetmon()
    async with visitor(netmon, access, "ole") as client:
        await client.post("/emergency", data={"reason": "flood"})
        assert "flood" in (await client.get("/")).text
        assert (await client.get("/api/v1/summary")).json()["emergency"] is True
        assert (await client.post("/emergency", data={"reason": "again"})).status_code == 422
        await client.post("/emergency/end")
        assert (await client.get("/api/v1/summary")).json()["emergency"] is False


async def test_a_full_disk_is_said_and_the_act_holds(access: Access) -> None:
    netmon = FakeNetmon()
    netmon.upkeep._book.fault = "the disk is full"  # type: ignore[attr-defined] # a MemoryEvents
    async with visitor(netmon, access, "ole") as client:
        answer = await client.post("/emergency?lang=en", data={"reason": "flood"})
    assert answer.status_code == 503
    assert "This is in force, and not yet on the disk: the disk is full" in answer.text
    assert netmon.upkeep.emergency is not None


@pytest.mark.parametrize("path", ["/maintenance", "/maintenance/end", "/emergency", "/emergency/end"])
async def test_a_viewer_sees_and_cannot_act(access: Access, path: str) -> None:
    netmon = FakeNetmon()
    async with visitor(netmon, access, "anna") as client:
        assert '<form class="act"' not in (await client.get("/maintenance")).text
        assert (await client.post(path, data=FORM)).status_code == 403
    assert netmon.upkeep.coming() == ()
    assert netmon.upkeep.emergency is None


async def test_the_metrics_say_what_a_status_means() -> None:
    transport = httpx.ASGITransport(app=create_app(FakeNetmon()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        text = (await client.get("/metrics")).text
    assert (
        'netmon_check_effective_status{check="hunchun/router/ping",vantage="main",status="unknown",cause=""} 1' in text
    )
