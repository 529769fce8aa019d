"""What the pages show, in words of the current language; from the state of a running netmon, without I/O.

Names, reasons and facts may hold a device's words: the templates escape and isolate them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from netmon.archive import Event
from netmon.failover import FAILOVER, FAILOVER_ENDED, Use, failovers_of, gap_text, result_text
from netmon.i18n import _, current_language, ngettext
from netmon.impact import Effective, EffectiveStatus
from netmon.model import LOCAL, Asset, Check, LocalText, Observation, Site
from netmon.summary import Completeness, complete, troubles, worst
from netmon.web.view import Inventory, View
from netmon.words import (
    duration,
    effective_word,
    equipment_kind_word,
    figure,
    moment,
    printable,
    reading_name,
    reason_sentence,
    site_kind_word,
    state_word,
)
from probes.base import split_key

__all__ = [
    "CheckRow",
    "check_row",
    "county",
    "failover_text",
    "found",
    "main_readings",
    "name_of",
    "run_lines",
    "site_page",
]

TROUBLES_SHOWN = 20
IN_USE = {
    "primary": EffectiveStatus.UP, "shared": EffectiveStatus.UP, "backup": EffectiveStatus.DEGRADED,
    "other": EffectiveStatus.DEGRADED, "none": EffectiveStatus.DOWN,
}  # fmt: skip
FOUND_AT_MOST = 200
MAIN = (
    "carried_bits_per_second", "tcp_bits_per_second", "tcp_normalised_bits_per_second", "delay_rise_seconds",
    "load_loss_ratio", "test_bytes", "mos_cqe",
    "rtt_median_seconds", "loss_ratio", "in_bytes_per_second", "out_bytes_per_second", "in_utilisation_ratio",
    "out_utilisation_ratio", "total_seconds", "connect_seconds", "first_byte_seconds", "lookup_seconds",
    "forward_power_watts", "vswr_ratio", "pa_temperature_celsius", "supply_volts", "esno_db", "battery_charge_ratio",
    "path_mtu_bytes", "pdv_p95_seconds", "longest_loss_seconds", "in_errors_per_second", "out_errors_per_second",
    "in_discards_per_second", "out_discards_per_second", "interface_speed_bits_per_second",
)  # fmt: skip
"""Readings that people look at first, in this order."""
LINE_FIGURES = 3


def name_of(text: LocalText, otherwise: str) -> str:
    """In the current language."""
    return printable(text.in_language(current_language()) or otherwise)


def asset_name(config: Inventory, asset: Asset) -> str:
    """A site's name and its equipment's, in the current language."""
    return f"{name_of(config.sites[asset.site].name, asset.site)} · {name_of(asset.name, asset.id)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check in words.

    Attributes:
        lines: why the status is what it is, or the main figures.
        since, age: durations; empty if not known.
        note: what else to know of the status.
    """

    id: str
    check: str
    site: str
    site_name: str
    asset: str
    asset_name: str
    status: EffectiveStatus
    word: str
    since: str
    age: str
    lines: tuple[str, ...]
    note: str = ""


def check_row(view: View, check: Check, effective: Effective, *, with_site: bool = False) -> CheckRow:
    """A check as it is now."""
    now_ns = view.clock.wall_ns()
    observation = view.latest.get(check.id)
    since_ns = view.since(check.id)
    asset, site = view.config.assets[check.asset], view.config.sites[check.site]
    return CheckRow(
        id=check.id,
        check=check.id.rpartition("/")[2],
        site=check.site,
        site_name=name_of(site.name, site.id) if with_site else "",
        asset=check.asset,
        asset_name=name_of(asset.name, asset.id),
        status=effective.status,
        word=effective_word(effective.status),
        since="" if since_ns is None or observation is None else duration((now_ns - since_ns) / 1e9),
        age="" if observation is None else _("{duration} ago").format(
            duration=duration((now_ns - observation.started_ns) / 1e9)
        ),
        lines=_lines(view, effective, observation),
        note=_("under test") if effective.under_test else "",
    )  # fmt: skip


def _lines(view: View, effective: Effective, observation: Observation | None) -> tuple[str, ...]:
    if effective.status is EffectiveStatus.UNREACHABLE:
        cause = view.config.assets.get(effective.cause)
        return (
            _("behind {name}, which is down").format(name=name_of(cause.name, cause.id) if cause else effective.cause),
        )
    if observation is None:
        return (_("not measured yet"),)
    if effective.raw is None:
        return (_("no recent figure"),)
    return run_lines(observation)


def run_lines(observation: Observation) -> tuple[str, ...]:
    """Why a run's status is what it is, or its main figures."""
    if observation.reasons:
        return tuple(printable(reason_sentence(reason)) for reason in observation.reasons)
    readings = observation.readings
    return tuple(f"{reading_name(key)} {figure(key, readings[key])}" for key in main_readings(readings)[:LINE_FIGURES])


def main_readings(keys: Iterable[str]) -> list[str]:
    """Those of the readings that people look at first, the most telling first."""
    ranks = {name: rank for rank, name in enumerate(MAIN)}
    known = [key for key in keys if split_key(key)[0] in ranks]
    return sorted(known, key=lambda key: (ranks[split_key(key)[0]], key))


def county(view: View) -> dict[str, Any]:
    """The first page."""
    effective, config = view.effective(), view.config
    checks = {check.id: check for check in view.checks}
    by_site = _by_site(checks.values(), effective)
    status = worst(effective.values())
    counts = Counter(item.status for item in effective.values())
    wrong = troubles(checks, config.assets, effective)
    rows = [
        _trouble(check_row(view, checks[trouble.check_id], effective[trouble.check_id], with_site=True), trouble.behind)
        for trouble in wrong[:TROUBLES_SHOWN]
    ]
    more = len(wrong) - len(rows)
    return {
        "verdict": {"status": _verdict_class(status), "text": _verdict(status, by_site, wrong)},
        "counts": [
            {"status": item, "word": effective_word(item), "number": counts[item]}
            for item in EffectiveStatus if counts[item]
        ],
        "troubles": rows,
        "more_troubles": _("{count} more").format(count=more) if more else "",
        "sites": [_tile(site, by_site[site.id]) for site in config.sites.values() if by_site.get(site.id)],
        "unchecked_sites": [_link(site) for site in config.sites.values() if not by_site.get(site.id)],
        "equipment": equipment(
            complete(config.sites.values(), config.assets.values(), checks, effective, _today(view))
        ),
    }  # fmt: skip


def site_page(view: View, site: Site) -> dict[str, Any]:
    """The page of a site."""
    effective, config = view.effective(), view.config
    checks = {check.id: check for check in view.checks}
    own = [check for check in checks.values() if check.site == site.id]
    assets = [asset for asset in config.assets.values() if asset.site == site.id]
    checked = {check.asset for check in own}
    status = worst(effective[check.id] for check in own)
    return {
        "site": {
            "id": site.id, "name": name_of(site.name, site.id), "kind": site_kind_word(site.kind), "status": status,
            "word": effective_word(status) if own else _("nothing is checked"),
            "address": printable(site.place.address),
        },
        "rows": [check_row(view, check, effective[check.id]) for check in own],
        "uplinks": [_uplink(use, config.assets) for use in view.uses() if use.site == site.id],
        "equipment": equipment(complete([site], assets, checks, effective, _today(view))),
        "unchecked": [
            {"name": name_of(asset.name, asset.id), "kind": equipment_kind_word(asset.kind)}
            for asset in assets if asset.id not in checked
        ],
        "tree": _tree(assets, config.assets, config.sites),
    }  # fmt: skip


def _uplink(use: Use, assets: Mapping[str, Asset]) -> dict[str, Any]:
    """Primary and backup of a site, which of them is in use, and the last failover."""

    def called(name: str) -> str:
        return name_of(assets[name].name, name) if name in assets else printable(name)

    last = use.last
    shown = None if last is None else {
        "noticed": moment(last.noticed_ns),
        "ended": "" if last.ended_ns is None else moment(last.ended_ns),
        "gap": gap_text(last.gap),
        "result": result_text(last, lambda check_id: called(check_id.rpartition("/")[0])),
        "status": {True: EffectiveStatus.UP, False: EffectiveStatus.DOWN, None: EffectiveStatus.UNKNOWN}[last.passed],
        "announced": bool(last.window),
    }  # fmt: skip
    return {
        "check": use.check_id,
        "primary": called(use.primary),
        "backups": [called(asset.id) for asset in assets.values() if asset.backup_of == use.primary],
        "status": IN_USE.get(use.word or "", EffectiveStatus.UNKNOWN),
        "word": _("not known") if use.word is None else state_word("in_use", use.word),
        "since": "" if use.since_ns is None else moment(use.since_ns),
        "last": shown,
    }


def failover_text(kind: str, detail: Mapping[str, Any], inventory: Inventory) -> str:
    """What an event tells of a failover, in a sentence; empty for other events."""

    def called(check_id: str) -> str:
        asset = inventory.assets.get(check_id.rpartition("/")[0])
        return check_id if asset is None else name_of(asset.name, asset.id)

    def place(site_id: str) -> str:
        site = inventory.sites.get(site_id)
        return site_id if site is None else name_of(site.name, site.id)

    if kind == FAILOVER:
        (failover,) = failovers_of([Event(kind=kind, at_ns=0, detail=detail)])
        gap = _("gap until services answered again: {gap}").format(gap=gap_text(failover.gap))
        return f"{place(failover.site)} · {gap} · {result_text(failover, called)}"
    return place(str(detail.get("id", "")).partition("/")[0]) if kind == FAILOVER_ENDED else ""


def equipment(counts: Sequence[Completeness]) -> list[dict[str, Any]]:
    """Rows of the table of required, present and serviceable equipment."""
    rows = []
    for item in counts:
        if item.present < item.required or item.serviceable + item.unknown < item.required:
            status, word = EffectiveStatus.DOWN, _("lacking")
        elif item.serviceable < item.required:
            status, word = EffectiveStatus.UNKNOWN, _("not known")
        elif item.serviceable + item.unknown < item.present:
            status, word = EffectiveStatus.DEGRADED, _("complete, some out of order")
        else:
            status, word = EffectiveStatus.UP, _("complete")
        rows.append({
            "kind": equipment_kind_word(item.kind), "required": item.required, "present": item.present,
            "serviceable": item.serviceable, "unknown": item.unknown, "status": status, "word": word,
        })  # fmt: skip
    return rows


def found(view: View, query: str, status: str) -> dict[str, Any]:
    """What a search finds: sites, and checks by name in either language, id, kind, address or status."""
    effective, config = view.effective(), view.config
    words = query.casefold().split()
    sites = [site for site in config.sites.values() if words and _matches(words, (site.id, site.name.zh, site.name.en))]
    matching = [check for check in view.checks if _matches(words, _texts(check, config.sites, config.assets))]
    counts = Counter(effective[check.id].status for check in matching)
    wrong = set(EffectiveStatus) - {EffectiveStatus.UP, EffectiveStatus.STANDBY, EffectiveStatus.MAINTENANCE}
    wanted = wrong if status == "wrong" else {status} if status else set(EffectiveStatus)
    chosen = [check for check in matching if effective[check.id].status in wanted]
    by_site = _by_site(view.checks, effective)
    shown = chosen[:FOUND_AT_MOST]
    cut = _("Shown are {shown} of {all}.")
    return {
        "sites": [_tile(site, by_site.get(site.id, [])) for site in sites] if not status else [],
        "rows": [check_row(view, check, effective[check.id], with_site=True) for check in shown],
        "cut": cut.format(shown=len(shown), all=len(chosen)) if len(chosen) > len(shown) else "",
        "counts": counts,
        "number": len(matching),
        "wrong": sum(counts[item] for item in wrong),
    }  # fmt: skip


def _matches(words: Sequence[str], texts: Iterable[str]) -> bool:
    text = "\n".join(texts).casefold()
    return all(word in text for word in words)


def _texts(check: Check, sites: Mapping[str, Site], assets: Mapping[str, Asset]) -> Iterable[str]:
    site, asset = sites[check.site], assets[check.asset]
    yield from (check.id, check.kind, site.name.zh, site.name.en, asset.name.zh, asset.name.en, asset.model)
    yield from (end.host for end in check.endpoints.values())


def _by_site(checks: Iterable[Check], effective: Mapping[str, Effective]) -> dict[str, list[Effective]]:
    by_site: dict[str, list[Effective]] = {}
    for check in checks:
        by_site.setdefault(check.site, []).append(effective[check.id])
    return by_site


def _tile(site: Site, states: Sequence[Effective]) -> dict[str, Any]:
    status = worst(states)
    counts = Counter(item.status for item in states)
    note = _("{good} of {all} good").format(
        good=counts[EffectiveStatus.UP] + counts[EffectiveStatus.STANDBY], all=len(states)
    )
    return {
        **_link(site), "kind": site_kind_word(site.kind), "status": status,
        "word": effective_word(status) if states else _("nothing is checked"), "note": note if states else "",
    }  # fmt: skip


def _link(site: Site) -> dict[str, str]:
    return {"id": site.id, "name": name_of(site.name, site.id)}


def _trouble(row: CheckRow, behind: int) -> dict[str, Any]:
    hidden = ngettext("{count} check behind it cannot be judged", "{count} checks behind it cannot be judged", behind)
    return {
        "id": row.id, "check": row.check, "site": row.site, "site_name": row.site_name, "asset_name": row.asset_name,
        "status": row.status, "word": row.word, "lines": row.lines, "note": row.note,
        "since": _("for {duration}").format(duration=row.since) if row.since else "",
        "behind": hidden.format(count=behind) if behind else "",
    }  # fmt: skip


def _verdict_class(status: EffectiveStatus) -> str:
    return {EffectiveStatus.UNREACHABLE: "down", EffectiveStatus.STANDBY: "up", EffectiveStatus.MAINTENANCE: "up"}.get(
        status, status.value
    )


def _verdict(status: EffectiveStatus, by_site: Mapping[str, Sequence[Effective]], wrong: Sequence[Any]) -> str:
    if not by_site:
        return _("Nothing is checked: the inventory names no equipment with checks")
    down = sum(worst(states) in (EffectiveStatus.DOWN, EffectiveStatus.UNREACHABLE) for states in by_site.values())
    if down:
        return ngettext("{count} site has something down", "{count} sites have something down", down).format(count=down)
    if status is EffectiveStatus.DEGRADED:
        return ngettext("Nothing is down; {count} thing is degraded", "Nothing is down; {count} things are degraded",
                        len(wrong)).format(count=len(wrong))  # fmt: skip
    if status is EffectiveStatus.UNKNOWN:
        return _("Nothing is known to be down, and not everything is known")
    return _("Everything that is checked works")


def _tree(own: Sequence[Asset], assets: Mapping[str, Asset], sites: Mapping[str, Site]) -> list[dict[str, Any]]:
    """What the site's equipment hangs on, from the top, as nested items; empty if nothing hangs on anything."""
    if not any(asset.parent for asset in own):
        return []
    wanted: dict[str, Asset] = {}
    for asset in own:
        here: Asset | None = asset
        while here is not None and here.id not in wanted:
            wanted[here.id] = here
            here = assets.get(here.parent or "")
    children: dict[str, list[Asset]] = {}
    for asset in wanted.values():
        children.setdefault(asset.parent if asset.parent in wanted else "", []).append(asset)

    def items(parent: str) -> list[dict[str, Any]]:
        return [
            {
                "name": name_of(asset.name, asset.id), "place": name_of(sites[asset.site].name, asset.site),
                "children": items(asset.id),
            }
            for asset in children.get(parent, ())
        ]  # fmt: skip

    return items("")


def _today(view: View) -> Any:
    return datetime.fromtimestamp(view.clock.wall_ns() / 1e9, LOCAL).date()
