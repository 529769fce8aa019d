"""JSON Schema (draft 2020-12) of what a report writes for programs: its json, and its csv files under ``$defs``."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from netmon.report.shapes import EmergencyFacts, Facts
from netmon.report.tables import tables_schema

__all__ = ["report_schema"]


def report_schema() -> dict[str, Any]:
    """The schema of the json; that of the lines of ``*.NAME.LANGUAGE.csv`` is ``$defs/csv-NAME``."""
    made = TypeAdapter[Facts | EmergencyFacts](Facts | EmergencyFacts).json_schema()
    made["$defs"] |= {f"csv-{name}": shape for name, shape in tables_schema().items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "netmon report",
    }
