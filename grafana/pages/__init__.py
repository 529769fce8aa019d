"""The dashboards, in the order of their links: a new kind's is one module and one row here (docs/grafana.md)."""

from __future__ import annotations

from typing import Final

from grafana.page import Page
from grafana.pages import (
    alerts,
    county,
    coverage,
    equipment,
    ipv6,
    monitor,
    satellite,
    services,
    site,
    stations,
    uplinks,
)

__all__ = ["PAGES"]

PAGES: Final[tuple[Page, ...]] = (
    county.PAGE,
    site.PAGE,
    equipment.PAGE,
    stations.PAGE,
    coverage.PAGE,
    uplinks.PAGE,
    satellite.PAGE,
    ipv6.PAGE,
    services.PAGE,
    alerts.PAGE,
    monitor.PAGE,
)
