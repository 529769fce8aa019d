"""Every route and every role, and the ways around them that browsers make possible."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount, Route

from netmon.config import ConfigError
from netmon.config.errors import Problem
from netmon.web import Access, create_app
from netmon.web.auth import Role, WebConfig, load_web_config, may
from netmon.web.auth.guard import OPEN, Guard
from netmon.web.auth.pages import error_page
from netmon.web.needs import NEEDS
from tests.lab.pages import FakeNetmon
from tests.lab.web_config import HASHES, PASSWORDS, MemoryBook, users_text

ROLES = {"anna": Role.VIEWER, "ole": Role.OPERATOR, "ada": Role.ADMIN}
HTML = {"accept": "text/html"}
Load = Callable[[str], WebConfig]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def read(text: str) -> WebConfig:
        file = tmp_path / "web.yaml"
        file.write_text(text)
        file.chmod(0o600)
        return load_web_config(file)

    return read


@pytest.fixture
def access(load: Load) -> Iterator[Access]:
    made = Access(load(users_text()))
    yield made
    made.close()


@pytest.fixture
def netmon() -> FakeNetmon:
    return FakeNetmon()


@pytest.fixture
async def client(access: Access, netmon: FakeNetmon) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(netmon, access=access))
    async with httpx.AsyncClient(transport=transport, base_url="https://board.example") as made:
        yield made


async def log_in(client: httpx.AsyncClient, name: str, **fields: str) -> httpx.Response:
    return await client.post("/login", data={"name": name, "password": PASSWORDS.get(name, "wrong"), **fields})


def token_of(access: Access) -> str:
    return next(iter(access.sessions._sessions.values())).csrf_token


def concrete(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "hunchun", path)


@pytest.mark.parametrize("key", NEEDS)
@pytest.mark.parametrize("name", ["", *ROLES])
async def test_every_route_lets_in_those_roles_that_the_table_says(
    client: httpx.AsyncClient, key: str, name: str
) -> None:
    method, path = key.split(" ")
    auth = (name, PASSWORDS[name]) if name else None
    answer = await client.request(method, concrete(path), auth=auth)

    need = NEEDS[key]
    if need == OPEN:
        allowed = answer.status_code != 403
    elif not name:
        allowed = answer.status_code != 401
    else:
        allowed = answer.status_code not in (401, 403)
    assert allowed is (need == OPEN or (bool(name) and may(ROLES[name], Role(need))))


def test_the_table_has_no_row_without_a_route(monkeypatch: pytest.MonkeyPatch) -> None:
    routes: list[str] = []
    monkeypatch.setattr("netmon.web.auth.guard.missing_needs", lambda given, _needs: routes.extend(given) or [])
    create_app(FakeNetmon())
    named = {f"{method} {route.path}" for route in routes for method in route.methods - {"HEAD"}}  # type: ignore[attr-defined] # routes of Starlette
    assert named == set(NEEDS)


def test_a_route_that_says_no_need_keeps_the_application_from_starting() -> None:
    async def page(_request: object) -> None: ...

    for route in (Route("/new", page), Route("/", page, methods=["DELETE"]), Mount("/", routes=[Route("/", page)])):
        with pytest.raises(ValueError, match="do not say what they need"):
            Guard(page, [route], NEEDS, Access(), error_page)  # type: ignore[arg-type] # never called


@pytest.mark.parametrize("path", ["/nothing", "/-/", "/login/", "/metrics/x", "/../etc/passwd", "/audit.html"])
async def test_what_does_not_exist_is_not_told_to_strangers(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, auth=("anna", PASSWORDS["anna"]))).status_code in (307, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
async def test_other_methods_do_nothing(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, "/")).status_code == 401
    assert (await client.request(method, "/", auth=("ada", PASSWORDS["ada"]))).status_code == 405


async def test_a_browser_is_sent_to_the_form_and_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/?lang=zh", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/%3Flang%3Dzh")
    form = await client.get(answer.headers["location"], headers={**HTML, "accept-language": "zh"})
    assert form.status_code == 200
    assert 'name="next" value="/?lang=zh"' in form.text
    assert "登录" in form.text

    answer = await log_in(client, "anna", next="/?lang=zh")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=zh")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-netmon=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert (await client.get("/", headers=HTML)).status_code == 200


async def test_a_program_is_asked_for_basic_and_a_page_s_script_is_not(client: httpx.AsyncClient) -> None:
    program = await client.get("/metrics")
    assert program.headers["www-authenticate"] == 'Basic realm="netmon", charset="UTF-8"'
    script = await client.get("/metrics", headers={"sec-fetch-mode": "cors", "accept": "*/*"})
    assert script.status_code == 401
    assert not script.headers["www-authenticate"].startswith("Basic")


async def test_wrong_words_begin_no_session(client: httpx.AsyncClient, access: Access) -> None:
    for fields in ({"name": "anna"}, {"password": PASSWORDS["anna"]}, {"name": "anna", "password": PASSWORDS["ole"]}):
        answer = await client.post("/login", data=fields)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert "value=" in answer.text
    assert len(access.sessions) == 0


async def test_logging_out_ends_the_session_and_the_cookie(client: httpx.AsyncClient, access: Access) -> None:
    await log_in(client, "anna")
    stolen = client.cookies["__Host-netmon"]
    answer = await client.post("/logout", data={"csrf_token": token_of(access)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await client.get("/", headers={"cookie": f"__Host-netmon={stolen}"})).status_code == 401


async def test_logging_in_again_ends_the_session_before(client: httpx.AsyncClient, access: Access) -> None:
    await log_in(client, "anna")
    before = client.cookies["__Host-netmon"]
    await log_in(client, "anna")
    assert client.cookies["__Host-netmon"] != before
    assert len(access.sessions) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "https://board.example"},
    ],
)
async def test_a_session_acts_with_its_token_only(
    client: httpx.AsyncClient, access: Access, netmon: FakeNetmon, headers: dict[str, str]
) -> None:
    await log_in(client, "ole")
    token = token_of(access)
    for body in ({}, {"csrf_token": ""}, {"csrf_token": token[:-1]}, {"csrf_token": "x" * 43}):
        assert (await client.post("/-/reload", data=body, headers=headers)).status_code == 403
    assert (await client.post(f"/-/reload?csrf_token={token}", headers=headers)).status_code == 403
    assert netmon.reloads == 0

    assert (await client.post("/-/reload", data={"csrf_token": token}, headers=headers)).status_code == 200
    assert (await client.post("/-/reload", headers={"x-csrf-token": token, **headers})).status_code == 200
    assert netmon.reloads == 2


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
async def test_another_site_s_page_acts_in_nobody_s_name(
    client: httpx.AsyncClient, access: Access, netmon: FakeNetmon, headers: dict[str, str]
) -> None:
    ole = ("ole", PASSWORDS["ole"])
    assert (await client.post("/-/reload", headers=headers, auth=ole)).status_code == 403
    login = {"name": "ole", "password": PASSWORDS["ole"]}
    assert (await client.post("/login", data=login, headers=headers)).status_code == 403
    await log_in(client, "ole")
    form = {"csrf_token": token_of(access)}
    assert (await client.post("/-/reload", data=form, headers=headers)).status_code == 403
    assert netmon.reloads == 0


async def test_a_password_that_a_browser_remembers_needs_a_header_too(
    client: httpx.AsyncClient, netmon: FakeNetmon
) -> None:
    ole = ("ole", PASSWORDS["ole"])
    cookie = {"cookie": "anything=1"}
    assert (await client.post("/-/reload", auth=ole, headers=cookie)).status_code == 403
    assert (await client.post("/-/reload", auth=ole, headers={**cookie, "x-netmon-request": "1"})).status_code == 200
    assert (await client.post("/-/reload", auth=ole)).status_code == 200
    assert netmon.reloads == 2


async def test_a_reload_that_is_refused_says_why(client: httpx.AsyncClient, netmon: FakeNetmon) -> None:
    netmon.mistake = ConfigError([Problem("sites.yaml", 3, 5, "no such thing")])
    answer = await client.post("/-/reload", auth=("ole", PASSWORDS["ole"]))
    assert answer.status_code == 422
    assert "sites.yaml:3:5: no such thing" in answer.text


async def test_guessing_is_slowed_down(client: httpx.AsyncClient, access: Access) -> None:
    answers = [await log_in(client, f"guess{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "1"
    right = await client.get("/metrics", auth=("anna", PASSWORDS["anna"]))
    assert right.status_code == 429
    assert access.log_ins == {"done": 0, "refused": 5, "delayed": 2}
    assert (await client.get("/-/healthy")).status_code == 200


async def test_a_scraper_is_not_slowed_down_by_others(client: httpx.AsyncClient) -> None:
    anna = ("anna", PASSWORDS["anna"])
    assert (await client.get("/metrics", auth=anna)).status_code == 200
    for _ in range(7):
        await client.get("/metrics", auth=("anna", "wrong"))
    assert (await client.get("/metrics", auth=("anna", "wrong"))).status_code == 429
    assert (await client.get("/metrics", auth=anna)).status_code == 200


async def test_large_and_endless_bodies_are_refused(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    assert (await client.post("/login", content=b"x" * 70_000)).status_code == 413
    assert (await client.post("/login", content=endless())).status_code == 413
    assert (await client.post("/login", headers={"content-length": "-1"}, content=b"")).status_code == 413


async def test_without_users_everybody_may_look_under_a_local_name_and_nobody_may_act(netmon: FakeNetmon) -> None:
    access = Access()
    transport = httpx.ASGITransport(app=create_app(netmon, access=access))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9735") as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.post("/-/reload")).status_code == 403
        assert (await client.post("/-/reload", auth=("ole", PASSWORDS["ole"]))).status_code == 403
        assert (await client.get("/login")).headers["location"] == "/"
        # A page elsewhere can give its own name this machine's address.
        assert (await client.get("/", headers={"host": "evil.example:9735"})).status_code == 421
        assert (await client.get("/-/healthy", headers={"host": "evil.example:9735"})).status_code == 200
    assert netmon.reloads == 0
    access.close()


async def test_headers_are_stricter_under_tls_and_can_be_set(access: Access, load: Load, netmon: FakeNetmon) -> None:
    transport = httpx.ASGITransport(app=create_app(netmon, access=access))
    async with httpx.AsyncClient(transport=transport) as client:
        assert "strict-transport-security" not in (await client.get("http://board.example/-/ready")).headers
        assert "max-age" in (await client.get("https://board.example/-/ready")).headers["strict-transport-security"]
        access.config = load('http_server_config: {headers: {Strict-Transport-Security: "", X-Frame-Options: deny}}')
        headers = (await client.get("https://board.example/-/ready")).headers
        assert "strict-transport-security" not in headers
        assert headers["x-frame-options"] == "deny"


async def test_only_a_trusted_proxy_s_word_is_taken(load: Load, netmon: FakeNetmon) -> None:
    forwarded = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    login = {"name": "anna", "password": PASSWORDS["anna"]}
    for trusted, secure in (("", False), ("netmon_trusted_proxies: [198.51.100.0/28]", True)):
        access = Access(load(users_text() + trusted))
        book = MemoryBook()
        access.book = book
        transport = httpx.ASGITransport(app=create_app(netmon, access=access), client=("198.51.100.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://board.example") as client:
            answer = await client.post("/login", data=login, headers=forwarded)
        assert answer.headers["set-cookie"].startswith("__Host-netmon=" if secure else "netmon=")
        assert [entry["source"] for entry in book.taken] == ["203.0.113.9" if secure else "198.51.100.7"]
        access.close()


async def test_the_rate_limit_of_the_file_holds_for_all(load: Load, netmon: FakeNetmon) -> None:
    access = Access(load("rate_limit: {interval: 1h, burst: 2}"), any_host=True)
    transport = httpx.ASGITransport(app=create_app(netmon, access=access))
    async with httpx.AsyncClient(transport=transport, base_url="http://board.example") as client:
        codes = [(await client.get("/-/healthy")).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    access.close()


async def test_pages_of_refusal_are_in_the_reader_s_language(client: httpx.AsyncClient) -> None:
    auth = ("anna", PASSWORDS["anna"])
    chinese = await client.get("/nothing", headers={**HTML, "accept-language": "zh-CN"}, auth=auth)
    assert (chinese.status_code, chinese.headers["content-language"]) == (404, "zh")
    assert "<h1>未找到</h1>" in chinese.text
    english = await client.post("/-/reload", headers=HTML, auth=auth)
    assert "<h1>Not allowed</h1>" in english.text
    assert "Your role does not allow this." in english.text
    assert (await client.get("/nothing", auth=auth)).text == "Not found. There is no such page.\n"


async def test_what_was_typed_is_escaped(client: httpx.AsyncClient) -> None:
    word = '"><script>alert(1)</script>'
    answer = await client.post("/login", data={"name": word, "password": "x", "next": word})
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_no_password_hash_or_token_is_told_to_anybody(
    client: httpx.AsyncClient, access: Access, caplog: pytest.LogCaptureFixture
) -> None:
    """Secrets stand in no answer, header, log line or repr, not even when typed into the wrong field."""
    caplog.set_level(logging.DEBUG)
    access.book = book = MemoryBook()
    typed = [*PASSWORDS.values(), "my-password-in-the-name-field"]
    seen: list[str] = []
    for name in PASSWORDS:
        client.cookies.clear()
        answer = await log_in(client, name)
        seen += [answer.text, str(answer.headers.get("location"))]
        for path in ("/", "/metrics", "/nothing", "/login", "/-/ready"):
            answer = await client.get(path, headers=HTML)
            seen += [answer.text, str(answer.headers)]
    cookies = [client.cookies["__Host-netmon"]]
    await client.post("/login", data={"name": typed[-1], "password": "x"})
    answer = await client.get("/metrics", auth=("anna", PASSWORDS["ole"]))
    seen += [answer.text, str(answer.headers), repr(access.config), repr(vars(access)), repr(vars(access.passwords))]
    seen += [record.getMessage() + repr(getattr(record, "fields", "")) for record in caplog.records]

    seen += map(repr, book.taken)

    text = "\n".join(seen)
    assert [word for word in [*typed, *HASHES.values(), *cookies] if word in text] == []
    assert "log in" in text
