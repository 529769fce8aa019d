from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.web.auth.requests import is_local, made_elsewhere, parse_basic, parse_form, path_within


@given(st.text().filter(lambda name: ":" not in name), st.text())
def test_basic_credentials_are_read_back(name: str, password: str) -> None:
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    assert parse_basic(f"Basic {encoded}") == (name, password)
    assert parse_basic(f"bAsIC  {encoded}") == (name, password)


@given(st.one_of(st.text(), st.text().map(lambda text: f"Basic {text}")))
def test_any_header_is_credentials_or_nothing(header: str) -> None:
    given_ = parse_basic(header)
    assert given_ is None or all(isinstance(part, str) for part in given_)


@pytest.mark.parametrize("header", ["", "Basic", "Basic =", "Bearer YTpi", "Basic YTpi!", "Basic YWI=", "Basic /w=="])
def test_what_is_no_basic_credentials(header: str) -> None:
    assert parse_basic(header) is None


@given(st.text(), st.binary())
def test_any_body_is_a_form_or_nothing(content_type: str, body: bytes) -> None:
    assert isinstance(parse_form(content_type, body), dict)
    assert isinstance(parse_form("application/x-www-form-urlencoded", body), dict)


def test_a_form() -> None:
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    assert parse_form(kind, b"name=%E7%8F%B2%E6%98%A5&password=a+b%26c&name=x&empty=") == {
        "name": "x",
        "password": "a b&c",
        "empty": "",
    }
    assert parse_form("text/plain", b"name=x") == {}
    assert parse_form(kind, b"&".join([b"a=b"] * 101)) == {}


@pytest.mark.parametrize(
    ("headers", "scheme", "elsewhere"),
    [
        ({}, "http", False),
        ({"sec-fetch-site": "same-origin"}, "http", False),
        ({"sec-fetch-site": "none"}, "http", False),
        ({"sec-fetch-site": "same-site"}, "http", True),
        ({"sec-fetch-site": "cross-site"}, "http", True),
        ({"origin": "https://board.example"}, "https", False),
        ({"origin": "https://board.example:443"}, "https", False),
        ({"origin": "https://BOARD.example"}, "https", False),
        ({"origin": "https://board.example"}, "http", False),  # a proxy speaks TLS for us
        ({"origin": "http://board.example"}, "https", True),
        ({"origin": "https://board.example:8443"}, "https", True),
        ({"origin": "https://board.example.evil.example"}, "https", True),
        ({"origin": "https://evil.example"}, "https", True),
        ({"origin": "null"}, "https", True),
        ({"origin": ""}, "https", True),
        ({"origin": "https://[::1"}, "https", True),
        ({"origin": "https://board.example:99999"}, "https", True),
        ({"origin": "ftp://board.example"}, "http", True),
    ],
)
def test_where_a_request_was_made(headers: dict[str, str], scheme: str, elsewhere: bool) -> None:
    assert made_elsewhere({"host": "board.example", **headers}, scheme) is elsewhere


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/", "/"),
        ("/sites/a?lang=zh", "/sites/a?lang=zh"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("/\tevil", "/"),
        ("", "/"),
    ],
)
def test_after_logging_in_nobody_is_sent_elsewhere(wanted: str, path: str) -> None:
    assert path_within(wanted) == path


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("localhost:9735", True),
        ("127.0.0.1:9735", True),
        ("127.9.9.9", True),
        ("[::1]:9735", True),
        ("board.localhost", True),
        ("0.0.0.0", False),
        ("[::]", False),
        ("192.0.2.1", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("[::1", False),
    ],
)
def test_which_names_are_this_machine(host: str, local: bool) -> None:
    assert is_local(host) is local
