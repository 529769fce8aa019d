"""The whole county at a glance: what is wrong, where, and how the plan's targets stand."""

from __future__ import annotations

from grafana_foundation_sdk.builders import geomap, stat, table

from grafana.codes import kinds, statuses, switch, verdicts, words
from grafana.map_panel import site_map
from grafana.page import BOARD, Page, Row, link_to
from grafana.pages.common import SITE_OF_ROW, SITE_OF_SERIES, trouble_table
from grafana.panels import Column, PanelBuilder, table_of, tiles, timeline, value
from grafana.query import PLACE, Query, at_place, counted, of_criterion, of_target, site_status, verdict
from grafana.readings import unit_of
from netmon.i18n import _, _n
from netmon.impact import EffectiveStatus
from netmon.metrics.targets import UNITS as FIGURE_UNITS
from netmon.words import effective_word

__all__ = ["PAGE"]

ALARMS = {
    EffectiveStatus.DOWN: "red",
    EffectiveStatus.UNREACHABLE: "dark-red",
    EffectiveStatus.DEGRADED: "orange",
    EffectiveStatus.UNKNOWN: "#8e8e9c",
}


def rows() -> list[Row]:
    """Where something is wrong now, how the targets stand, what it is and what is lacking, what came before."""
    return [
        Row(_("now"), _now()),
        Row(_("sites and targets"), [_map(), _targets()]),
        Row(_("what is wrong"), [trouble_table(width=14), _lacking()]),
        Row(_("sites over time"), [_sites()]),
        Row(_("figures of the targets, this year so far"), _by_unit()),
    ]


def _now() -> list[PanelBuilder]:
    checks: list[PanelBuilder] = [
        value(effective_word(word), Query(expr=counted(word)), alarm=color, width=3) for word, color in ALARMS.items()
    ]
    alerts = Query(expr="sum(netmon_alerts)")
    newest = Query(expr="time() - max(netmon_check_last_run_timestamp_seconds)")
    return [
        *checks,
        value(_("lasting alerts"), alerts, alarm="red", width=3),
        value(
            _("emergency"), Query(expr="max(netmon_emergency)"), mappings=switch(_("none"), _("declared")), width=3
        ),
        value(_("maintenance windows"), Query(expr="sum(netmon_maintenance_windows)"), width=3),
        value(
            _("newest measurement"), newest, unit=unit_of("_seconds")[0], decimals=0, width=3,
            description=_("How long ago it began. If this grows, nothing on this page is of now."),
        ),
    ]  # fmt: skip


def _map() -> geomap.Panel:
    place = 'group by (site, latitude, longitude) (netmon_site_info{latitude!=""})'
    return site_map(
        _("sites"),
        Query(expr=f"{site_status()} * on (site) group_left (latitude, longitude) {place}"),
        width=12,
        height=17,
        description=_("The worst status of each site that has a place in the inventory."),
        link=link_to("site", *SITE_OF_ROW),
    )


def _targets() -> stat.Panel:
    return tiles(
        _("targets of the plan, this year so far"),
        Query(expr=of_target(verdict("netmon_target_verdict", "target")), legend="{{aim}}"),
        verdicts(),
        width=12,
        height=17,
        link=(_("reasons on the status board"), f"{BOARD}/targets"),
    )


def _sites() -> PanelBuilder:
    return timeline(
        _("worst status of each site"),
        Query(expr=site_status(), legend=PLACE),
        statuses(),
        height=18,
        link=(_("open the site"), link_to("site", *SITE_OF_SERIES)),
    )


def _lacking() -> table.Panel:
    required = 'max by (site, kind) (netmon_required_equipment{site=~"$site"})'
    present = f"(max by (site, kind) (netmon_equipment_present) and on (site, kind) {required})"
    missing = _("missing")
    return table_of(
        _("equipment that is required"),
        Query(expr=at_place(required)),
        Query(expr=at_place(present)),
        Query(expr=at_place(f"clamp_min({required} - {present}, 0)")),
        columns=[
            Column(field="site", title="", hidden=True),
            Column(field="place", title=_("place"), link=(_("open the site"), link_to("site", *SITE_OF_ROW))),
            Column(field="kind", title=_("equipment"), mappings=words(kinds())),
            Column(field="Value#1", title=_("required"), width=100),
            Column(field="Value#2", title=_("present"), width=100),
            Column(field="Value#3", title=missing, width=100),
        ],
        width=10,
        height=12,
        sort=missing,
    )


def _by_unit() -> list[PanelBuilder]:
    return [
        _figures(_("shares"), "ratio"),
        _figures(_("pieces of equipment"), "pieces", height=10),
        _figures(_("time since the last passed drill"), "seconds", height=8),
        _figures(_("passed drills"), "drills", height=8),
    ]


def _figures(title: str, unit: str, *, width: int = 24, height: int = 14) -> table.Panel:
    """Criteria whose figure has this unit: verdict, figure, what it is judged by, and how much is known."""
    measured, _scale = unit_of(f"_{unit}")
    rules = [rule for rule, other in FIGURE_UNITS.items() if other == unit]
    is_one = f'rule=~"{"|".join(rules)}"' if rules else f'rule!~"{"|".join(FIGURE_UNITS)}"'
    by = "target, criterion"
    these = f"group by ({by}) (netmon_criterion_info{{{is_one}}})"
    return table_of(
        title,
        Query(expr=of_criterion(f"{verdict('netmon_criterion_verdict', by)} and on ({by}) {these}")),
        Query(expr=of_criterion(f"max by ({by}) (netmon_criterion_figure_{unit})"), optional=True),
        Query(expr=of_criterion(f"max by ({by}, bound) (netmon_criterion_required_{unit})"), optional=True),
        Query(
            expr=of_criterion(f"max by ({by}) (netmon_criterion_evidence_ratio) and on ({by}) {these}"), optional=True
        ),
        Query(expr=of_criterion(f"max by ({by}) (netmon_criterion_subjects) and on ({by}) {these}")),
        columns=[
            Column(field="aim", title=_("target"), link=(_("reasons on the status board"), f"{BOARD}/targets")),
            Column(field="rule_name", title=_("criterion")),
            Column(field="Value#1", title=_("verdict"), mappings=verdicts(), colored=True, width=170),
            Column(field="Value#2", title=_("figure"), unit=measured, width=110),
            Column(field="bound", title=_("bound"), mappings=words({"at_least": "≥", "at_most": "≤"}), width=70),
            Column(field="Value#3", title=_("to be reached"), unit=measured, width=130),
            Column(field="Value#4", title=_("evidence"), unit=unit_of("_ratio")[0], decimals=1, width=110),
            Column(field="Value#5", title=_("judged"), width=90),
        ],
        width=width,
        height=height,
        sort=_("verdict"),
        description=_(
            "The figure of the worst subject, beside what the register asks for. Evidence is the share of what should "
            "be known that is known; judged is the number of sites or pieces of equipment."
        ),
    )


PAGE = Page(
    name="county",
    title=_n("county"),
    description=_n("What is wrong, where, and how the plan's targets stand."),
    rows=rows,
    range="24h",
)
