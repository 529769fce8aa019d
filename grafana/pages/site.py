"""One site: what it has, how each piece is, and how it was."""

from __future__ import annotations

from grafana.codes import kinds, statuses, words
from grafana.page import BOARD, Page, Row, link_to
from grafana.pages.common import ASSET_OF_SERIES, check_column, device_states, status_column, where_columns
from grafana.panels import Column, PanelBuilder, table_of, tiles, timeline, value
from grafana.query import PLACE, SITE, Query, at_place, placed, site_status, status
from grafana.readings import INDEX, reading_graph, unit_of
from netmon.i18n import _, _n

__all__ = ["PAGE"]

CHECK = f"{{{{equipment}}}} {INDEX}"
NAME = "{{equipment}}"


def rows() -> list[Row]:
    """Now, checks, over time, the way to it, what its devices say."""
    return [
        Row(_("now"), [_worst(), _alerts(), _newest(), _equipment()]),
        Row(_("checks"), [_checks(), _required()]),
        Row(
            _("over time"),
            [
                timeline(
                    _("status of each check"), Query(expr=placed(status()), legend="{{check}}"), statuses(), height=14
                )
            ],
        ),
        Row(
            _("way to the equipment"),
            [
                reading_graph("loss_ratio", legend=CHECK),
                reading_graph("rtt_median_seconds", legend=CHECK),
            ],
        ),
        Row(_("what the devices say"), [device_states("")]),
    ]


def _worst() -> PanelBuilder:
    return tiles(
        _("site"), Query(expr=site_status(), legend=PLACE), statuses(), width=6, height=9,
        link=(_("open on the status board"), f"{BOARD}/sites/{SITE}"),
    )  # fmt: skip


def _alerts() -> PanelBuilder:
    here = f'netmon_alert_since_timestamp_seconds{{site=~"{SITE}"}}'
    return value(
        _("lasting alerts"), Query(expr=f"count({here}) or 0 * sum(netmon_alerts)"), alarm="red", width=3, height=9
    )


def _newest() -> PanelBuilder:
    newest = f"max({placed('netmon_check_last_run_timestamp_seconds')})"
    return value(
        _("newest measurement"), Query(expr=f"time() - {newest}"), unit=unit_of("_seconds")[0], decimals=0, width=3,
        height=9,
    )  # fmt: skip


def _equipment() -> PanelBuilder:
    worst = f"max by (equipment, asset, site) ({placed(status())})"
    return tiles(
        _("equipment"), Query(expr=worst, legend=NAME), statuses(), width=12, height=9,
        link=(_("open the equipment"), link_to("equipment", *ASSET_OF_SERIES)),
    )  # fmt: skip


def _checks() -> PanelBuilder:
    return table_of(
        _("checks"),
        Query(expr=placed(status())),
        Query(expr=placed("1000 * netmon_check_last_run_timestamp_seconds")),
        Query(expr=placed("netmon_probe_duration_seconds"), optional=True),
        columns=[
            *where_columns(),
            check_column(),
            status_column(),
            Column(field="Value#2", title=_("last run"), unit=unit_of("_timestamp_seconds")[0], width=190),
            Column(field="Value#3", title=_("took"), unit=unit_of("_seconds")[0], width=110),
        ],
        width=16,
        height=14,
        sort=_("status"),
    )


def _required() -> PanelBuilder:
    required = f'max by (site, kind) (netmon_required_equipment{{site=~"{SITE}"}})'
    present = f'max by (site, kind) (netmon_equipment_present{{site=~"{SITE}"}})'
    return table_of(
        _("equipment: required and present"),
        Query(expr=at_place(required), optional=True),
        Query(expr=at_place(present)),
        columns=[
            Column(field="kind", title=_("equipment"), mappings=words(kinds())),
            Column(field="Value#1", title=_("required"), width=100),
            Column(field="Value#2", title=_("present"), width=100),
        ],
        width=8,
        height=14,
    )


PAGE = Page(
    name="site",
    title=_n("one site"),
    description=_n("Everything at one site: equipment, checks, and how they were."),
    rows=rows,
    sites="one",
)
