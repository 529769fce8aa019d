"""Which of our languages a browser asks for."""

from __future__ import annotations

from netmon.i18n import LANGUAGES

__all__ = ["preferred"]


def preferred(wanted: str, accept_language: str) -> str:
    """The language of ``?lang=``, or the first by weight in Accept-Language (RFC 9110, 12.5.4), or English."""
    if wanted in LANGUAGES:
        return wanted
    weighted = []
    for position, entry in enumerate(accept_language.split(",")):
        tag, _, parameter = entry.partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if language in LANGUAGES and weight > 0:
            weighted.append((-weight, position, language))
    return min(weighted)[2] if weighted else "en"


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
