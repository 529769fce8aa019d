from __future__ import annotations

import gettext
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from netmon import i18n
from netmon.web import create_app
from netmon.web.language import preferred
from probes.base import ProbeResult
from tests.lab.observations import SECOND_NS, ping
from tests.lab.pages import NOW_NS, FakeNetmon

PATHS = [
    "/", "/sites/hunchun", "/checks/hunchun/router/ping", "/events", "/search", "/static/style.css",
    "/static/board.js", "/metrics", "/-/healthy", "/-/ready",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_catalogues(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogues are tested elsewhere: here every message is its English id."""
    monkeypatch.setattr(i18n, "_catalogue", lambda _language: gettext.NullTranslations())


def browser(view: FakeNetmon, notice: str = "") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(view, notice=notice))
    return httpx.AsyncClient(transport=transport, base_url="http://netmon.test")


async def get(view: FakeNetmon, path: str = "/", **headers: str) -> httpx.Response:
    async with browser(view) as client:
        return await client.get(path, headers=headers)


def recent(**changes: object) -> FakeNetmon:
    view = FakeNetmon()
    view.durable([replace(ping(1), started_ns=NOW_NS - 30 * SECOND_NS, **changes)])  # type: ignore[arg-type] # passed through
    return view


@pytest.mark.parametrize("path", PATHS)
async def test_every_page_answers_get_and_head_and_nothing_else(path: str) -> None:
    async with browser(FakeNetmon()) as client:
        assert (await client.get(path)).status_code == 200
        assert (await client.head(path)).status_code == 200
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert (await client.request(method, path)).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        *PATHS,
        "/nothing",
        "/-/",
        "/sites/nowhere",
        "/checks/hunchun/router/other",
        "/static/../app.py",
        "/templates/base.html",
        "/../pyproject.toml",
    ],
)
async def test_every_answer_has_the_security_headers(path: str) -> None:
    answer = await get(FakeNetmon(), path)

    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'self'; script-src 'self'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.status_code == 200) == (path in PATHS)


async def test_an_error_within_has_the_security_headers_too() -> None:
    view = FakeNetmon()
    del view.latest
    transport = httpx.ASGITransport(app=create_app(view), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://netmon.test") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        ("", "", "en"),
        ("zh", "en", "zh"),
        ("en", "zh-CN,zh;q=0.9", "en"),
        ("xx", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "en-US,en;q=0.9,zh;q=0.8", "en"),
        ("", "de, zh;q=0.5, en;q=0.4", "zh"),
        ("", "zh;q=0, en;q=0.1", "en"),
        ("", "zh;q=x", "en"),
        ("", "fr", "en"),
        ("", ";;;,,=;q", "en"),
    ],
)
def test_the_language_is_asked_for(wanted: str, accepted: str, language: str) -> None:
    assert preferred(wanted, accepted) == language


async def test_each_request_has_its_own_language() -> None:
    async with browser(FakeNetmon()) as client:
        chinese = await client.get("/", headers={"accept-language": "zh-CN"})
        english = await client.get("/")
        chosen = await client.get("/?lang=zh")
    assert [answer.headers["content-language"] for answer in (chinese, english, chosen)] == ["zh", "en", "zh"]
    assert "珲春大队" in chinese.text
    assert "总览" not in english.text
    assert "珲春大队" not in english.text


async def test_readiness_says_what_is_missing_and_health_does_not_care() -> None:
    view = FakeNetmon(reason="the archive cannot be written: disk full")
    answer = await get(view, "/-/ready")
    assert (answer.status_code, answer.text) == (
        503,
        "netmon is not ready: the archive cannot be written: disk full\n",
    )
    assert (await get(view, "/-/healthy")).text == "netmon is alive.\n"


async def test_metrics_are_the_checks_and_netmon_itself_without_a_name_twice() -> None:
    view = recent(result=ProbeResult(readings={"loss_ratio": 0.25}))
    answer = await get(view, "/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    samples = {sample.name: sample.value for family in families for sample in family.samples}
    assert samples["netmon_loss_ratio"] == 0.25
    assert samples["netmon_build_info"] == 1
