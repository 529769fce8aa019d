"""The files of a report, from its facts."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import date
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
) -> Iterator[tuple[str, bytes]]:
    """Each file's name and content. The facts are always among them: they are what can be verified."""
    name = f"netmon-{facts['name']}"
    data = as_json(facts)
    yield f"{name}.json", data
    for language in languages:
        yield from in_language(language, lambda: list(_in_one(facts, data, formats, language)))  # noqa: B023 (now)


def _in_one(
    facts: Facts | EmergencyFacts, data: bytes, formats: Collection[str], language: Language
) -> Iterator[tuple[str, bytes]]:
    """The files of one language, which is the current one."""
    name = f"netmon-{facts['name']}"
    made = tables(facts, language) if facts["kind"] == "targets" else emergency_tables(facts, language)
    last = facts["years"][-1]["targets"] if facts["kind"] == "targets" and facts["years"] else []
    charts = [charts_of(facts, target, language) for target in last] if facts["kind"] == "targets" else []
    if "csv" in formats:
        for table in made:
            yield f"{name}.{table.name}.{language}.csv", as_csv(table)
    if "xlsx" in formats:
        title = f"{facts['organisation'][language]} {facts['name']}".strip()
        drawn = [
            Drawn(f"{target['name'][language]}: {target['verdict_text'][language]}", reason_of(target, language), chart)
            for target, each in zip(last, charts, strict=True)
            for chart in each
        ]
        yield f"{name}.{language}.xlsx", as_xlsx(made, drawn, title, date.fromisoformat(facts["issued"]))
    if "pdf" in formats:
        by_name = {table.name: table for table in made}
        fingerprint = hashlib.sha256(data).hexdigest()
        if facts["kind"] == "targets":
            yield f"{name}.{language}.pdf", as_pdf(facts, by_name, charts, fingerprint, language)
        else:
            yield f"{name}.{language}.pdf", as_emergency_pdf(facts, by_name, fingerprint, language)
