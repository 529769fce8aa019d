"""Words of a report in both languages at once: names as people wrote them, sentences from the catalogues."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from netmon.config import Config
from netmon.i18n import use_language
from netmon.model import LOCAL, LocalText
from netmon.report.shapes import Texts
from netmon.words import printable

__all__ = ["Names", "in_both", "in_language", "iso", "minute", "texts"]

T = TypeVar("T")


def texts(text: LocalText, otherwise: str = "") -> Texts:
    """A text that a person wrote, or something else where it is empty."""
    zh, en = (printable(text.in_language(language) or otherwise) for language in ("zh", "en"))
    return {"zh": zh, "en": en}


def in_language(language: str, words: Callable[[], T]) -> T:
    """What a function says in a language."""

    def said() -> T:
        use_language(language)
        return words()

    return contextvars.copy_context().run(said)


def in_both(words: Callable[[], str]) -> Texts:
    """What a function says in each language."""
    return {"zh": in_language("zh", words), "en": in_language("en", words)}


def iso(at_ns: int) -> str:
    """ISO 8601 in Asia/Shanghai, to the second."""
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).astimezone(LOCAL).isoformat()


def minute(moment: str) -> str:
    """An ISO 8601 moment to the minute, for people."""
    return moment[:16].replace("T", " ")


class Names:
    """What people call sites and equipment: the newest inventory that knows them decides."""

    def __init__(self, configs: Iterable[Config]) -> None:
        self._names: dict[str, LocalText] = {}
        self._site: dict[str, str] = {}
        for config in configs:
            self._names |= {site.id: site.name for site in config.sites.values()}
            for asset in config.assets.values():
                self._names[asset.id] = asset.name
                self._site[asset.id] = asset.site

    def of(self, name: str) -> Texts:
        """A site, or equipment with its site in front; nothing for nothing."""
        own = texts(self._names.get(name, LocalText()), name)
        site = self._site.get(name)
        if site is None:
            return own
        before = texts(self._names.get(site, LocalText()), site)
        return {"zh": f"{before['zh']} · {own['zh']}", "en": f"{before['en']} · {own['en']}"}

    def site_of(self, name: str) -> str:
        """The site of equipment; a site is its own."""
        return self._site.get(name, name)
