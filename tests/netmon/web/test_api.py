"""The JSON interface: it keeps to its own description, whatever is asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from netmon.archive import Journal
from netmon.model import Status
from netmon.web import create_app
from tests.lab.observations import SECOND_NS, ignore, ping
from tests.lab.pages import NOW_NS, FakeNetmon

CHECK = "/api/v1/checks/hunchun/router/ping"


@pytest.fixture
async def view(tmp_path: Path) -> FakeNetmon:
    """A check that was up and is down."""
    made = FakeNetmon(folder=tmp_path)
    rows = [
        replace(ping(1), started_ns=NOW_NS - 90 * SECOND_NS),
        replace(ping(2), started_ns=NOW_NS - 30 * SECOND_NS, status=Status.DOWN),
    ]
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for row in rows:
            journal.append(row)
    made.durable(rows)
    return made


async def get(view: FakeNetmon, path: str, status: int = 200):  # type: ignore[no-untyped-def] # JSON of any shape
    transport = httpx.ASGITransport(app=create_app(view))
    async with httpx.AsyncClient(transport=transport, base_url="http://netmon.test") as client:
        answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def test_the_summary_is_what_the_county_page_shows(view: FakeNetmon) -> None:
    found = await get(view, "/api/v1/summary")
    assert (found["status"], found["counts"], found["organisation"]["en"]) == ("down", {"down": 1}, "Hunchun battalion")
    assert found["as_of"] == "2023-11-14T22:13:20.000Z"


async def test_sites_and_checks(view: FakeNetmon) -> None:
    (site,) = await get(view, "/api/v1/sites")
    assert (site["id"], site["status"], site["equipment"][0]["serviceable"]) == ("hunchun", "down", 0)
    (check,) = await get(view, "/api/v1/checks?site=hunchun&status=down")
    assert (check["id"], check["raw"], check["last_run"]) == ("hunchun/router/ping", "down", "2023-11-14T22:12:50.000Z")
    assert await get(view, "/api/v1/checks?status=up") == []
    assert await get(view, CHECK) == check


async def test_history_and_events(view: FakeNetmon) -> None:
    found = await get(view, f"{CHECK}/history?readings=loss_ratio,nothing&hours=1")
    assert [point["status"] for point in found["points"]] == ["up", "down"]
    assert found["points"][0]["values"] == [0.0, None]
    events = await get(view, "/api/v1/events")
    assert [(event["what"], event["status"]) for event in events] == [("change", "down"), ("change", "up")]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/checks/hunchun/router/other", 404),
        ("/api/v1/checks?status=fine", 422),
        ("/api/v1/checks?host=example.org", 422),
        (f"{CHECK}/history?hours=-1", 422),
        (f"{CHECK}/history?hours=nan", 422),
        (f"{CHECK}/history?readings=%22", 422),
        ("/api/v1/events?before_ns=-1", 422),
        ("/api/v1/events?limit=100000", 422),
    ],
)
async def test_what_is_not_right_is_said(view: FakeNetmon, path: str, status: int) -> None:
    assert (await get(view, path, status))["error"]


async def test_without_an_archive_the_answer_is_503() -> None:
    assert "there is no archive" in (await get(FakeNetmon(), "/api/v1/events", 503))["error"]


def test_whatever_is_asked_the_answer_is_as_described(tmp_path: Path) -> None:
    """schemathesis: every operation, arbitrary parameters; no 5xx but the archive's, and nothing undescribed."""

    async def fill() -> FakeNetmon:
        made = FakeNetmon(folder=tmp_path)
        rows = [replace(ping(number), started_ns=NOW_NS - number * SECOND_NS) for number in range(1, 20)]
        async with Journal.open(tmp_path, on_durable=ignore) as journal:
            for row in reversed(rows):
                journal.append(row)
        made.durable(rows[::-1])
        return made

    app = create_app(asyncio.run(fill()))
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    seen: set[str] = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            seen.add(case.path)
            answer = case.call()
            case.validate_response(answer)
            assert answer.status_code < 500

        ask()
    assert len(seen) == 6
