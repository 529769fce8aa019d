"""Alerts and events: what lasts, what was, which failures, work that was announced."""

from __future__ import annotations

from grafana.codes import switch, words
from grafana.page import BOARD, Page, Row, link_to
from grafana.pages.common import ASSET_OF_ROW, SITE_OF_ROW, check_column, trouble_table, where_columns
from grafana.panels import Column, PanelBuilder, graph, table_of, timeline, value
from grafana.query import SITE, Query, counted, of_equipment, placed
from grafana.readings import unit_of
from netmon.i18n import _, _n
from netmon.impact import EffectiveStatus
from netmon.words import FAILURE, effective_word, failure_word

__all__ = ["PAGE"]

SEVERITY_COLORS = {"critical": "red", "major": "orange", "minor": "yellow"}


def rows() -> list[Row]:
    """Alerts now and over time, checks by status, failures, maintenance and emergencies."""
    severities = {"critical": _("critical"), "major": _("major"), "minor": _("minor")}
    counts = [
        value(word, Query(expr=f'sum(netmon_alerts{{severity="{severity}"}})'), alarm=SEVERITY_COLORS[severity])
        for severity, word in severities.items()
    ]
    return [
        Row(_("now"), [*counts, *_upkeep()]),
        Row(_("lasting alerts"), [_lasting(severities), trouble_table(width=10, height=12)]),
        Row(
            _("over time"),
            [
                graph(
                    _("alerts that last"),
                    *(
                        Query(expr=f'sum(netmon_alerts{{severity="{severity}"}})', legend=word)
                        for severity, word in severities.items()
                    ),
                    unit="none",
                ),
                graph(
                    _("checks that are not well"),
                    *(
                        Query(expr=counted(word), legend=effective_word(word))
                        for word in EffectiveStatus
                        if word not in (EffectiveStatus.UP, EffectiveStatus.STANDBY)
                    ),
                    unit="none",
                ),
                timeline(
                    _("emergency"), Query(expr="max(netmon_emergency)", legend=_("emergency")),
                    switch(_("none"), _("declared"), off_color="#8e8e9c"), width=12, height=6,
                ),
                timeline(
                    _("maintenance"),
                    Query(expr="clamp_max(sum(netmon_maintenance_windows), 1)", legend=_("maintenance")),
                    switch(_("none"), _("announced"), off_color="#8e8e9c", on_color="purple"), width=12, height=6,
                ),
            ],
        ),
        Row(_("failures over the whole time shown"), [_failures(), _worst_checks()]),
    ]  # fmt: skip


def _upkeep() -> list[PanelBuilder]:
    return [
        value(_("emergency"), Query(expr="max(netmon_emergency)"), mappings=switch(_("none"), _("declared"))),
        value(_("maintenance windows"), Query(expr="sum(netmon_maintenance_windows)")),
        value(_("messages that wait"), Query(expr="sum(netmon_outbox_waiting_messages)")),
    ]


def _lasting(severities: dict[str, str]) -> PanelBuilder:
    since = f'netmon_alert_since_timestamp_seconds{{site=~"{SITE}|netmon"}}'
    placed_since = f"{of_equipment(f'1000 * {since}')} or on (alert) 1000 * {since}"
    return table_of(
        _("alerts that last"),
        Query(expr=placed_since, optional=True),
        columns=[
            Column(field="site", title="", hidden=True),
            Column(field="alert", title=_("alert"), link=(_("open on the status board"),
                   f"{BOARD}/alerts/${{__data.fields.alert}}"), width=140),
            Column(field="severity", title=_("severity"), mappings=words(severities), width=110),
            Column(field="place", title=_("place"), link=(_("open the site"), link_to("site", *SITE_OF_ROW))),
            Column(field="equipment", title=_("equipment"),
                   link=(_("open the equipment"), link_to("equipment", *ASSET_OF_ROW))),
            Column(field="asset", title=_("id")),
            Column(field="Value#1", title=_("since when"), unit=unit_of("_timestamp_seconds")[0], width=190),
        ],
        width=14,
        height=12,
        sort=_("since when"),
    )  # fmt: skip


def _failures() -> PanelBuilder:
    increase = placed("increase(netmon_check_failures_total[$__range])")
    often = _("times")
    return table_of(
        _("by what failed"),
        Query(expr=f"sum by (failure) ({increase}) > 0", optional=True),
        columns=[
            Column(field="failure", title=_("failure"), mappings=words({one: failure_word(one) for one in FAILURE})),
            Column(field="Value#1", title=often, decimals=0, width=130),
        ],
        width=10,
        height=12,
        sort=often,
    )


def _worst_checks() -> PanelBuilder:
    failed = "sum by (check, vantage) (increase(netmon_check_failures_total[$__range]))"
    runs = "sum by (check, vantage) (increase(netmon_check_runs_total[$__range]))"
    share = _("share of runs that failed")
    return table_of(
        _("checks that failed most"),
        Query(expr=f"topk(20, {placed(f'{failed} / {runs}')} > 0)", optional=True),
        columns=[
            *where_columns(),
            check_column(),
            Column(field="Value#1", title=share, unit=unit_of("_ratio")[0], decimals=1, width=220),
        ],
        width=14,
        height=12,
        sort=share,
    )  # fmt: skip


PAGE = Page(
    name="alerts",
    title=_n("alerts and events"),
    description=_n("Alerts that last, failures, maintenance and emergencies."),
    rows=rows,
    range="24h",
)
