"""Uplinks: bandwidth against what is required and provisioned, use, quality, interfaces."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries

from grafana.codes import yes_or_no
from grafana.page import Page, Row
from grafana.pages.common import device_timeline, status_panels, where_columns
from grafana.panels import Column, PanelBuilder, graph, table_of
from grafana.query import EQUIPMENT, PLACE, Query, checks_of, limits, of_asset, of_criterion, placed
from grafana.readings import INDEX, reading_graph, series, shown, unit_of
from netmon.i18n import _, _n
from netmon.metrics.families import reading_metric
from netmon.words import reading_name

__all__ = ["PAGE"]

KIND, TESTS, STREAMS, PATH, MTU = "uplink", "capacity", "stream", "path", "path_mtu"
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
                _percentiles(),
                _received(),
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
        Row(_("quality by the second, where a stream runs"), _streams()),
        Row(
            _("errors and discards"),
            [
                reading_graph(reading, KIND, indices=ends, width=6, height=8, legend=PLACE)
                for reading in (
                    "in_errors_per_second", "out_errors_per_second", "in_discards_per_second", "out_discards_per_second"
                )
            ],
        ),
        Row(
            _("primary and backup"),
            [
                device_timeline(_("uplink in use, and reserve"), PATH, names="in_use|reserve"),
                _failovers(),
                reading_graph("path_mtu_bytes", MTU, legend=f"{PLACE} {INDEX}", optional=True),
                device_timeline(_("path MTU discovery"), MTU, names="path_mtu_discovery", width=12),
            ],
        ),
        Row(
            _("interfaces"),
            [
                device_timeline(
                    _("state of the interfaces"), KIND, names="interface_oper_status",
                    legend=f"{EQUIPMENT} {INDEX}",
                ),
                reading_graph("interface_speed_bits_per_second", KIND, indices=ends, legend=PLACE, width=24, height=8),
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
            "The provisioned bandwidth or the interface's speed, whichever is less: not a test of capacity. The "
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


def _streams() -> list[PanelBuilder]:
    """What streams say, a line for each class of packets: a check of its own, by whose name it goes."""
    return [
        _stream("mos_cqe", description=_("Estimated by the E-model (ITU-T G.107) from delay and loss: 4.4 at best.")),
        _stream("loss_ratio"),
        _stream("pdv_p95_seconds"),
        _stream("longest_loss_seconds"),
        _stream_availability(),
    ]


def _of_stream(expr: str) -> str:
    """Series of streams with the name of the check, ``stream-voice`` of ``site/uplink/stream-voice``, as ``name``."""
    return f'label_replace({placed(expr, STREAMS)}, "name", "$1", "check", ".*/(.*)")'


def _stream(reading: str, *, description: str = "") -> timeseries.Panel:
    metric, _factor = reading_metric(reading)
    return graph(
        reading_name(reading),
        Query(expr=_of_stream(metric), legend=f"{PLACE} {{{{name}}}}"),
        *limits(metric.removeprefix("netmon_"), STREAMS),
        unit=unit_of(metric)[0],
        description=description,
    )


def _stream_availability() -> PanelBuilder:
    available, unavailable, errored = (
        f"increase(netmon_{what}_seconds_total[$__range])" for what in ("available", "unavailable", "severely_errored")
    )
    share = _("available")
    return table_of(
        _("available time over the whole time shown"),
        Query(expr=_of_stream(f"{available} / ({available} + {unavailable})")),
        Query(expr=_of_stream(unavailable)),
        Query(expr=_of_stream(errored)),
        columns=[
            *where_columns(),
            Column(field="name", title=_("check"), width=140),
            Column(field="Value#1", title=share, unit=unit_of("_ratio")[0], decimals=3, width=120),
            Column(field="Value#2", title=_("unavailable"), unit=unit_of("_seconds")[0], width=120),
            Column(field="Value#3", title=_("severely errored"), unit=unit_of("_seconds")[0], width=140),
        ],
        width=24,
        height=7,
        description=_(
            "Ten seconds in a row in which more than half of the packets were lost begin unavailable time (ITU-T "
            "Y.1563). What was not measured counts as nothing."
        ),
    )


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


def _percentiles() -> PanelBuilder:
    by = "target, criterion, asset"
    figure = _("95th percentile")
    return table_of(
        _("95th percentile of utilisation, this year so far"),
        Query(expr=of_criterion(of_asset(f"max by ({by}) (netmon_percentile_ratio)")), optional=True),
        Query(expr=of_criterion(of_asset(f"max by ({by}) (netmon_percentile_evidence_ratio)")), optional=True),
        columns=[
            *where_columns(),
            Column(field="rule_name", title=_("criterion")),
            Column(field="Value#1", title=figure, unit=unit_of("_ratio")[0], decimals=1, width=140),
            Column(field="Value#2", title=_("evidence"), unit=unit_of("_ratio")[0], decimals=1, width=110),
        ],
        width=12,
        height=9,
        sort=figure,
        description=_(
            "Of means of five minutes at layer 2, from the archive: the highest twentieth does not count, nor does the "
            "time of agreed work, outages and capacity tests. Below the least evidence there is no figure."
        ),
    )


def _received() -> timeseries.Panel:
    """What one end sent, by what the other received: a mean of an hour, since counters are some seconds old."""

    def over(sent: str, received: str) -> str:
        one, other = (
            f'sum by (check, vantage) (avg_over_time(netmon_{what}_bytes_per_second{{index="{end}"}}[1h]))'
            for what, end in (("in", received), ("out", sent))
        )
        return placed(f"{one} / ({other} > 0)", KIND)

    return graph(
        _("received at one end, of what the other sent (mean of an hour)"),
        Query(expr=over("near", "far"), legend=f"{PLACE} {_('to the site')}", optional=True),
        Query(expr=over("far", "near"), legend=f"{PLACE} {_('from the site')}", optional=True),
        unit=unit_of("_ratio")[0],
        description=_(
            "Lasting less than 100 %: the line loses, or an interface is named wrongly in the inventory. With little "
            "traffic, or where one end counts more of a frame than the other, it differs by itself."
        ),
    )


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


def _failovers() -> PanelBuilder:
    figures = {
        "netmon_failover_timestamp_seconds": (_("last failover"), "_timestamp_seconds"),
        "netmon_failover_gap_low_seconds": (_("gap at the least"), "_seconds"),
        "netmon_failover_gap_high_seconds": (_("gap at the most"), "_seconds"),
    }
    yes_no = yes_or_no()
    return table_of(
        _("primary and backup uplinks"),
        Query(expr=f"max by (site, uplink) ({shown('netmon_uplink_on_backup')})", optional=True),
        *(Query(expr=f"max by (site, uplink) ({shown(name)})", optional=True) for name in figures),
        Query(expr=f"max by (site, uplink) ({shown('netmon_failover_passed')})", optional=True),
        columns=[
            Column(field="uplink", title=_("primary uplink")),
            Column(field="Value#1", title=_("on the backup"), mappings=yes_no, width=130),
            *(
                Column(field=f"Value#{number}", title=title, unit=unit_of(name)[0])
                for number, (title, name) in enumerate(figures.values(), 2)
            ),
            Column(field="Value#5", title=_("everything worked on the backup"), mappings=yes_no, colored=True),
        ],
        height=9,
        description=_("A gap lies between its two figures: checks look at one moment after the other."),
    )


def _interfaces() -> PanelBuilder:
    return table_of(
        _("interfaces"),
        *(
            series(reading, KIND, legend=INDEX)
            for reading in (
                "interface_unchanged_seconds",
                "agent_uptime_seconds",
                "snmp_up",
                "interface_speed_bits_per_second",
                "fastest_speed_bits_per_second",
                "negotiated_speed_ratio",
                "provisioned_speed_ratio",
                "implausible_counters",
            )
        ),
        columns=[
            *where_columns(),
            Column(field="index", title=_("end"), width=90),
            Column(field="Value#1", title=_("interface unchanged for"), unit=unit_of("_seconds")[0]),
            Column(field="Value#2", title=_("agent running for"), unit=unit_of("_seconds")[0]),
            Column(field="Value#3", title=_("SNMP answers"), mappings=yes_or_no(), colored=True, width=140),
            Column(field="Value#4", title=_("interface speed"), unit=BITS, width=120),
            Column(field="Value#5", title=_("fastest so far"), unit=BITS, width=120),
            Column(field="Value#6", title=_("of the fastest"), unit=unit_of("_ratio")[0], width=110),
            Column(field="Value#7", title=_("of the provisioned"), unit=unit_of("_ratio")[0], width=130),
            Column(field="Value#8", title=_("implausible counters"), width=130),
        ],
        height=9,
    )


PAGE = Page(
    name="uplinks",
    title=_n("uplinks"),
    description=_n("Bandwidth against what is required, use, quality and interfaces of each uplink."),
    rows=rows,
)
