"""Types of fields that several files share."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from netmon.config.errors import shown
from netmon.config.shape import wrong
from netmon.config.units import UnitError, parse_duration
from netmon.i18n import _

__all__ = ["Seconds", "Url"]


def _url(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isprintable() or " " in text:
        raise wrong(_("{value} is no address of a page").format(value=shown(value)), "https://netmon.example.org")
    return text.rstrip("/")


def _seconds(value: Any) -> float:
    try:
        return parse_duration(value)
    except UnitError as error:
        raise wrong(error.what, error.write) from None


Url = Annotated[str, BeforeValidator(_url)]
"""``http`` or ``https``, without a slash at the end."""
Seconds = Annotated[float, BeforeValidator(_seconds)]
"""Written as a duration, such as ``60s``."""
