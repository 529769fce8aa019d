"""Log lines as key=value or JSON: one line for each change of state at INFO, each probe at DEBUG, no secrets."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Final

__all__ = ["JsonFormatter", "KeyValueFormatter", "fields", "set_up"]


def _quote(value: object) -> str:
    text = str(value)
    if text and all(ch.isprintable() and ch not in ' "=' for ch in text):
        return text
    return '"' + "".join(_escape(ch) for ch in text) + '"'


def _escape(ch: str) -> str:
    if ch in '"\\':
        return "\\" + ch
    return ch if ch.isprintable() else ch.encode("unicode_escape").decode()


def fields(**values: object) -> dict[str, dict[str, object]]:
    """Fields of a log line: ``log.info("check failed", extra=fields(check=check.id))``."""
    return {"fields": values}


def _parts(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, object]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
    parts: dict[str, object] = {
        "time": moment,
        "level": record.levelname.lower(),
        "logger": record.name,
        "msg": record.getMessage(),
    }
    parts.update(getattr(record, "fields", {}))
    if record.exc_info:
        parts["exception"] = formatter.formatException(record.exc_info)
    return parts


class KeyValueFormatter(logging.Formatter):
    """``time=... level=info logger=netmon.runner msg="check failed" check=a/b/c``; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return " ".join(f"{key}={_quote(value)}" for key, value in _parts(self, record).items())


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the same keys as :class:`KeyValueFormatter`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return json.dumps(_parts(self, record), ensure_ascii=False, default=str)


FORMATTERS: Final = {"key-value": KeyValueFormatter, "json": JsonFormatter}


def set_up(level: str = "INFO", form: str = "key-value") -> None:
    """Send log lines of this process to standard error.

    Raises:
        ValueError: there is no such level or form.
    """
    if form not in FORMATTERS:
        raise ValueError(f"Unknown log format: {form!r}; write one of {', '.join(FORMATTERS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTERS[form]())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # APScheduler logs each job it adds and each run at INFO, httpx each request: that is our DEBUG.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
