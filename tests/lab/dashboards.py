"""The committed dashboards, taken apart for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grafana.generate import FOLDER

__all__ = ["DASHBOARDS", "Asked", "filled", "metrics_of", "panels", "queries"]

DASHBOARDS: dict[str, dict[str, Any]] = {
    dashboard["uid"]: dashboard
    for path in sorted(FOLDER.glob("*/*.json"))
    for dashboard in (json.loads(path.read_text("utf-8")),)
}
"""By uid."""

METRIC = re.compile(r"\b(?:netmon|process)_[a-z0-9_]+|\bup\b")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query of a dashboard's panel."""

    uid: str
    panel: dict[str, Any]
    ref_id: str
    expr: str

    @property
    def optional(self) -> bool:
        return self.ref_id.startswith("O")

    def __str__(self) -> str:
        return f"{self.uid}, {self.panel['title']}, {self.ref_id}: {self.expr}"


def panels(language: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel but headings, with its dashboard's uid."""
    for uid, dashboard in DASHBOARDS.items():
        if uid.endswith(f"-{language}"):
            yield from ((uid, panel) for panel in dashboard["panels"] if panel["type"] != "row")


def queries(language: str) -> Iterator[Asked]:
    """Every query of every panel."""
    for uid, panel in panels(language):
        for target in panel["targets"]:
            yield Asked(uid=uid, panel=panel, ref_id=target["refId"], expr=target["expr"])


def metrics_of(expr: str) -> set[str]:
    """Names of the metrics that an expression is about, a histogram's without its ending."""
    names = set(METRIC.findall(QUOTED.sub('""', expr)))
    return {name.removesuffix("_bucket") for name in names}


def filled(expr: str, *, site: str = ".*", asset: str = "station-2/uplink", seconds: int = 15) -> str:
    """An expression with Grafana's variables filled in."""
    values = {"site": site, "asset": asset, "reading": "netmon_loss_ratio"}
    values |= dict.fromkeys(("__rate_interval", "__range"), f"{seconds}s")
    for name, value in values.items():
        expr = expr.replace(f"${name}", value)
    return expr
