"""The files of a report, from its facts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from datetime import date
from functools import partial
from typing import Final

from netmon.report.charts import charts_of
from netmon.report.emergency_pages import as_emergency_pdf
from netmon.report.manifest import as_json
from netmon.report.pages import as_pdf, reason_of
from netmon.report.shapes import EmergencyFacts, Facts
from netmon.report.sheets import Drawn, as_csv, as_xlsx
from netmon.report.tables import Language, emergency_tables, tables
from netmon.report.texts import in_language

__all__ = ["FORMATS", "make"]

FORMATS: Final = ("xlsx", "pdf", "csv", "json")


def make(
    facts: Facts | EmergencyFacts, formats: Collection[str], languages: Collection[Language]
) -> list[tuple[str, Callable[[], bytes]]]:
    """Each file's name, and what makes its content. The facts are always among them: they are what can be verified."""
    name = f"netmon-{facts['name']}"
    data = as_json(facts)
    made: list[tuple[str, Callable[[], bytes]]] = [(f"{name}.json", lambda: data)]
    for language in languages:
        for ending, content in in_language(language, partial(_in_one, facts, data, formats, language)):
            made.append((f"{name}.{ending}", partial(in_language, language, content)))
    return made


def _in_one(
    facts: Facts | EmergencyFacts, data: bytes, formats: Collection[str], language: Language
) -> list[tuple[str, Callable[[], bytes]]]:
    """The files of one language, which is the current one."""
    found = tables(facts, language) if facts["kind"] == "targets" else emergency_tables(facts, language)
    by_name = {table.name: table for table in found}
    last = facts["years"][-1]["targets"] if facts["kind"] == "targets" and facts["years"] else []
    charts = [charts_of(facts, target, language) for target in last] if facts["kind"] == "targets" else []
    drawn = [
        Drawn(f"{target['name'][language]}: {target['verdict_text'][language]}", reason_of(target, language), chart)
        for target, each in zip(last, charts, strict=True)
        for chart in each
    ]
    title = f"{facts['organisation'][language]} {facts['name']}".strip()
    fingerprint = hashlib.sha256(data).hexdigest()

    def pages() -> bytes:
        if facts["kind"] == "targets":
            return as_pdf(facts, by_name, charts, fingerprint, language)
        return as_emergency_pdf(facts, by_name, fingerprint, language)

    made: list[tuple[str, Callable[[], bytes]]] = []
    if "csv" in formats:
        made += [(f"{table.name}.{language}.csv", partial(as_csv, table)) for table in found]
    if "xlsx" in formats:
        issued = date.fromisoformat(facts["issued"])
        made.append((f"{language}.xlsx", partial(as_xlsx, found, drawn, title, issued)))
    if "pdf" in formats:
        made.append((f"{language}.pdf", pages))
    return made
