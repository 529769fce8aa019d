"""Uplinks: bandwidth against what is required and provisioned, use, quality, interfaces."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries

from grafana.codes import yes_or_no
from grafana.page import Page, Row
from grafana.pages.common import device_timeline, status_panels, where_columns
from grafana.panels import Column, PanelBuilder, graph, table_of
from grafana.query import EQUIPMENT, PLACE, Query, checks_of, limits, placed
from grafana.readings import INDEX, reading_graph, series, shown, unit_of
from netmon.i18n import _, _n

__all__ = ["PAGE"]

KIND, TESTS = "uplink", "capacity"
BITS, BITS_SCALE = unit_of("_bytes_per_second")


def rows() -> list[Row]:
    """Status, bandwidth, traffic and utilisation, quality, errors, interfaces."""
    ends = {"near": _("near end"), "far": _("far end")}
    return [
        Row(_("uplinks now"), status_panels(KIND)),
        Row(_("bandwidth"), [_bandwidth(), _provisioned()]),
        Row(_("capacity tests"), _capacity()),
        Row(
            _("use, at the site's end"),
            [
                _traffic("in_bytes_per_second", _("traffic in")),
                _traffic("out_bytes_per_second", _("traffic out")),
                reading_graph("in_utilisation_ratio", KIND, indices={"far": ""}, legend=PLACE),
                reading_graph("out_utilisation_ratio", KIND, indices={"far": ""}, legend=PLACE),
            ],
        ),
        Row(
            _("quality, round trips from here"),
            [
                reading_graph("loss_ratio", KIND, indices=ends),
                reading_graph("rtt_median_seconds", KIND, indices=ends),
                reading_graph("pdv_p95_seconds", KIND, indices={"far": ""}),
                _slowest(),
                _loss_over_range(),
                reading_graph("ipdv_mean_abs_seconds", KIND, indices={"far": ""}),
            ],
        ),
        Row(
            _("errors and discards, at the site's end"),
            [
                reading_graph(reading, KIND, indices={"far": ""}, width=6, height=8, legend=PLACE)
                for reading in (
                    "in_errors_per_second", "out_errors_per_second", "in_discards_per_second", "out_discards_per_second"
                )
            ],
        ),
        Row(
            _("interfaces"),
            [
                device_timeline(
                    _("state of the interfaces"), KIND, names="interface_oper_status",
                    legend=f"{EQUIPMENT} {INDEX}",
                ),
                _interfaces(),
            ],
        ),
    ]  # fmt: skip


def _bandwidth() -> timeseries.Panel:
    """What a line can carry as far as it is known, over what it must: the figure of the plan is a limit."""
    return graph(
        _("what each line can carry"),
        series("line_capacity_bits_per_second", KIND, index="far", legend=PLACE),
        *limits("provisioned_bytes_per_second", KIND, scale=BITS_SCALE),
        unit=BITS,
        description=_(
            "The provisioned bandwidth, or the interface's speed where none was given: not a test of capacity. The "
            "limit is what the plan asks for, as the inventory says."
        ),
    )


def _capacity() -> list[PanelBuilder]:
    """What a test found that the line carries, over what it has to; there is none where no test was set up."""
    target = Query(
        expr=placed(shown("netmon_target_bytes_per_second"), TESTS), legend=_("to be reached"), optional=True,
        limit="orange",
    )  # fmt: skip
    return [
        reading_graph("capacity_bits_per_second", TESTS, legend=PLACE, optional=True, more=(target,)),
        reading_graph("carried_bits_per_second", TESTS, legend=f"{PLACE} {INDEX}", optional=True, more=(target,)),
        reading_graph("tcp_bits_per_second", "iperf3", legend=f"{PLACE} {INDEX}", optional=True),
        reading_graph("load_loss_ratio", TESTS, legend=f"{PLACE} {INDEX}", optional=True),
        reading_graph("delay_rise_seconds", TESTS, legend=f"{PLACE} {INDEX}", optional=True),
    ]


def _provisioned() -> PanelBuilder:
    return table_of(
        _("provisioned, and what the interface does"),
        series("provisioned_bits_per_second", KIND),
        Query(
            expr=placed(f"max without (index) ({shown('netmon_interface_speed_bytes_per_second')})", KIND),
        ),
        Query(
            expr=placed(f"max without (index, limit, reading) (8 * netmon_threshold{{{_REQUIRED}}})", KIND),
            optional=True,
        ),
        columns=[
            *where_columns(),
            Column(field="Value#1", title=_("provisioned"), unit=BITS, width=140),
            Column(field="Value#2", title=_("interface speed"), unit=BITS, width=140),
            Column(field="Value#3", title=_("to be reached"), unit=BITS, width=140),
        ],
        width=12,
        height=9,
    )


_REQUIRED = 'reading="provisioned_bytes_per_second", limit="degraded_below"'


def _traffic(reading: str, title: str) -> timeseries.Panel:
    provisioned = Query(
        expr=f"max({shown('netmon_provisioned_bytes_per_second')} and on (check, vantage) {checks_of(KIND)})",
        legend=_("widest provisioned"),
        optional=True,
        limit="#8e8e9c",
    )
    return reading_graph(reading, KIND, title=title, indices={"far": ""}, legend=PLACE, more=(provisioned,))


def _slowest() -> timeseries.Panel:
    rate = 'sum by (check, vantage, le) (rate(netmon_rtt_seconds_bucket{index="far"}[$__rate_interval]))'
    return graph(
        _("round trip, 95th percentile of every packet"),
        Query(expr=placed(f"histogram_quantile(0.95, {rate})", KIND), legend=PLACE),
        unit=unit_of("_seconds")[0],
        description=_("Over all packets of each interval, to the precision of the histogram's buckets."),
    )


def _loss_over_range() -> PanelBuilder:
    sent, answered = (
        f'sum by (check, vantage) (increase(netmon_echo_{what}_total{{index="far"}}[$__range]))'
        for what in ("requests", "replies")
    )
    worst = _("packet loss")
    return table_of(
        _("packet loss over the whole time shown"),
        Query(expr=placed(f"1 - {answered} / {sent}", KIND)),
        Query(expr=placed(sent, KIND)),
        columns=[
            *where_columns(),
            Column(field="Value#1", title=worst, unit=unit_of("_ratio")[0], decimals=3, width=160),
            Column(field="Value#2", title=_("packets sent"), unit="short", decimals=0, width=160),
        ],
        width=12,
        height=9,
        sort=worst,
        description=_("From the counters of packets. The figure of the year is the archive's, on the status board."),
    )


def _interfaces() -> PanelBuilder:
    return table_of(
        _("interfaces"),
        *(
            series(reading, KIND, legend=INDEX)
            for reading in ("interface_unchanged_seconds", "agent_uptime_seconds", "snmp_up")
        ),
        columns=[
            *where_columns(),
            Column(field="index", title=_("end"), width=90),
            Column(field="Value#1", title=_("interface unchanged for"), unit=unit_of("_seconds")[0]),
            Column(field="Value#2", title=_("agent running for"), unit=unit_of("_seconds")[0]),
            Column(field="Value#3", title=_("SNMP answers"), mappings=yes_or_no(), colored=True, width=140),
        ],
        height=9,
    )


PAGE = Page(
    name="uplinks",
    title=_n("uplinks"),
    description=_n("Bandwidth against what is required, use, quality and interfaces of each uplink."),
    rows=rows,
)
