"""What the inventory says, as series of value 1 to join with, and as limits and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from netmon.metrics.families import Families, reading_metric
from netmon.model import Asset, Check, LocalText, Site, Threshold
from probes.base import split_key

__all__ = ["count_equipment", "describe"]

LIMITS = ("degraded_above", "degraded_below", "down_above", "down_below")


def describe(families: Families, sites: Iterable[Site], assets: Iterable[Asset], checks: Iterable[Check]) -> None:
    """Replace everything that the inventory says, but for the count of equipment in service."""
    for name in ("site_info", "required_equipment", "asset_info", "check_info", "check_interval_seconds",
                 "check_timeout_seconds", "threshold"):  # fmt: skip
        families[f"netmon_{name}"].blocks.clear()
    for site in sites:
        labels = {"site": site.id, "kind": site.kind, **_names(site.name), "latitude": _degrees(site.place.latitude),
                  "longitude": _degrees(site.place.longitude)}  # fmt: skip
        families["netmon_site_info"].add((site.id,), labels, 1.0)
        for kind, count in site.required.items():
            labels = {"site": site.id, "kind": kind}
            families["netmon_required_equipment"].add((site.id, kind), labels, float(count))
    for asset in assets:
        labels = {"asset": asset.id, "site": asset.site, "kind": asset.kind, **_names(asset.name),
                  "model": asset.model, "parent": asset.parent or ""}  # fmt: skip
        families["netmon_asset_info"].add((asset.id,), labels, 1.0)
    for check in checks:
        key = check.id, check.vantage
        labels = {"check": check.id, "vantage": check.vantage}
        families["netmon_check_interval_seconds"].add(key, labels, check.interval_seconds)
        families["netmon_check_timeout_seconds"].add(key, labels, check.timeout_seconds)
        for threshold in check.thresholds:
            _describe_threshold(families, labels, threshold)
        labels = {**labels, "site": check.site, "asset": check.asset, "kind": check.kind}
        families["netmon_check_info"].add(key, labels, 1.0)


def count_equipment(families: Families, sites: Iterable[Site], assets: Iterable[Asset], today: date) -> None:
    """Count the equipment in service; 0 where a site must have some and has none."""
    counts = Counter({(site.id, kind): 0 for site in sites for kind in site.required})
    counts.update((asset.site, asset.kind) for asset in assets if asset.in_service(today))
    family = families["netmon_equipment_present"]
    family.blocks.clear()
    for (site_id, kind), count in counts.items():
        family.add((site_id, kind), {"site": site_id, "kind": kind}, float(count))


def _names(name: LocalText) -> dict[str, str]:
    """What a person of either language is shown: a name in one language only stands for both."""
    return {f"name_{language}": name.in_language(language) for language in ("zh", "en")}


def _degrees(value: float | None) -> str:
    return "" if value is None else repr(value)


def _describe_threshold(families: Families, labels: dict[str, str], threshold: Threshold) -> None:
    name, index = split_key(threshold.reading)
    metric, factor = reading_metric(name)
    labels = {**labels, "reading": metric.removeprefix("netmon_")}
    if index is not None:
        labels["index"] = index
    for limit in LIMITS:
        value: float | None = getattr(threshold, limit)
        if value is not None:
            key = (labels["check"], labels["vantage"], threshold.reading, limit)
            families["netmon_threshold"].add(key, {**labels, "limit": limit}, value * factor)
