"""Log lines: one line each, whatever a device said."""

from __future__ import annotations

import json
import logging

import pytest

from netmon.logs import FORMATTERS, fields, set_up

HOSTILE = 'a "quoted"\nline=2 \x1b[31m\u202e'


def record(**values: object) -> logging.LogRecord:
    made = logging.LogRecord("netmon.test", logging.INFO, __file__, 1, "check failed", (), None)
    made.__dict__.update(fields(**values))
    made.created, made.msecs = 1_700_000_000.5, 500.0
    return made


def test_key_value_lines() -> None:
    line = FORMATTERS["key-value"]().format(record(check="a/b/c", why=HOSTILE))
    assert line.startswith(
        'time=2023-11-14T22:13:20.500Z level=info logger=netmon.test msg="check failed" check=a/b/c '
    )
    assert "\n" not in line
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_json_lines_say_the_same() -> None:
    line = FORMATTERS["json"]().format(record(check="a/b/c", why=HOSTILE, count=3))
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.500Z", "level": "info", "logger": "netmon.test", "msg": "check failed",
        "check": "a/b/c", "why": HOSTILE, "count": 3,
    }  # fmt: skip


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="key-value, json"):
        set_up("INFO", "xml")
