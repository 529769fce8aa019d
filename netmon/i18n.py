"""Languages: every text that a user reads goes through a gettext catalogue. Message ids are the English texts.

``_("...")`` marks and translates, at the moment of the call, into the language of the current context; ``use_language``
sets it. Log lines are for the people who run netmon and stay English.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path

__all__ = ["LANGUAGES", "_", "_n", "current_language", "language_from_environment", "ngettext", "use_language"]

LANGUAGES = ("en", "zh")
LOCALE_FOLDER = Path(__file__).parent / "locale"
CATALOGUES = {"en": "en", "zh": "zh_CN"}

_language: ContextVar[str] = ContextVar("language", default="en")


def language_from_environment(environ: Mapping[str, str] = os.environ) -> str:
    """``NETMON_LANG`` first, then the locale variables in POSIX order; English where they say neither."""
    for name in ("NETMON_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def use_language(language: str) -> None:
    """Set the language ("zh" or "en") of the current context."""
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}: one of {', '.join(LANGUAGES)}")
    _language.set(language)


def current_language() -> str:
    """The language of the current context."""
    return _language.get()


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("netmon", LOCALE_FOLDER, [CATALOGUES[language]], fallback=language == "en")


def _(message: str) -> str:
    """The message in the current language."""
    return _catalogue(_language.get()).gettext(message) if message else ""


def _n(message: str) -> str:
    """Marks a text for the catalogue where it is written; it is translated where it is shown."""
    return message


def ngettext(singular: str, plural: str, count: int) -> str:
    """The singular or plural message in the current language."""
    return _catalogue(_language.get()).ngettext(singular, plural, count)
