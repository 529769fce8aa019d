"""netmon itself: whether it measures, stores, sends, and how much it takes."""

from __future__ import annotations

from grafana.codes import yes_or_no
from grafana.page import Page, Row
from grafana.panels import Column, PanelBuilder, graph, table_of, timeline, value
from grafana.query import Query
from grafana.readings import shown, unit_of
from netmon.i18n import _, _n

__all__ = ["PAGE"]

SECONDS = unit_of("_seconds")[0]
INSTANCE = "{{instance}}"


def rows() -> list[Row]:
    """State, measuring, archive, sending, process."""
    return [
        Row(_("now"), _now()),
        Row(_("measuring"), _measuring()),
        Row(_("archive"), _archive()),
        Row(_("messages and forwarding"), _sending()),
        Row(_("disk, clock, load tests, notifications"), _around()),
        Row(_("process and log-in"), _process()),
    ]


def _missed() -> dict[str, str]:
    return {
        "overlap": _("the run before had not ended"),
        "misfire": _("too late to start"),
        "coalesced": _("several were due at once"),
        "stopping": _("netmon was stopping"),
    }


def _outcomes() -> dict[str, str]:
    return {"done": _("done"), "refused": _("refused"), "delayed": _("delayed: too many")}


def _each(counter: str, label: str, texts: dict[str, str]) -> list[Query]:
    """How often each of a counter's words came."""
    return [
        Query(expr=f'sum(increase({counter}{{{label}="{word}"}}[$__rate_interval]))', legend=text)
        for word, text in texts.items()
    ]


def _yes_or_no(title: str, expr: str, *, optional: bool = False) -> PanelBuilder:
    query = Query(expr=f"min({expr})", optional=optional)
    return value(title, query, mappings=yes_or_no(), width=4)


def _now() -> list[PanelBuilder]:
    reloaded = "max(1000 * netmon_config_last_reload_success_timestamp_seconds)"
    return [
        _yes_or_no(_("archive can be written"), "netmon_archive_writable"),
        _yes_or_no(_("last reload succeeded"), "netmon_config_last_reload_successful"),
        _yes_or_no(_("web configuration in force"), "netmon_web_config_last_reload_successful"),
        _yes_or_no(_("store takes what is forwarded"), "netmon_forward_up", optional=True),
        value(_("configuration loaded"), Query(expr=reloaded), unit=unit_of("_timestamp_seconds")[0], width=4),
        value(
            _("running for"), Query(expr="time() - max(process_start_time_seconds and on (job, instance) "
                                    "netmon_build_info)"), unit=SECONDS, decimals=0, width=4,
        ),
    ]  # fmt: skip


def _measuring() -> list[PanelBuilder]:
    late = "time() - netmon_check_last_run_timestamp_seconds > 3 * netmon_check_interval_seconds"
    lag = "sum by (le, instance) (rate(netmon_event_loop_lag_seconds_bucket[$__rate_interval]))"
    return [
        graph(
            _("runs"),
            Query(expr="sum by (instance) (rate(netmon_check_runs_total[$__rate_interval]))", legend=INSTANCE),
            unit="cps", width=8,
        ),
        graph(
            _("runs that did not take place"),
            *_each("netmon_probes_missed_total", "reason", _missed()),
            unit="none", width=8,
        ),
        graph(
            _("checks that are overdue"),
            Query(expr=f"count({late}) or 0 * count(netmon_check_interval_seconds)", legend=_("overdue")),
            unit="none", width=8,
        ),
        graph(
            _("event loop late, 99th percentile"),
            Query(expr=f"histogram_quantile(0.99, {lag})", legend=INSTANCE), unit=SECONDS, width=8,
        ),
        graph(
            _("longest run of any check, beside the longest time it may take"),
            Query(expr="max(netmon_probe_duration_seconds)", legend=_("longest run")),
            Query(expr="max(netmon_check_timeout_seconds)", legend=_("longest timeout"), limit="orange"),
            unit=SECONDS, width=8,
        ),
        graph(
            _("steps of the clock"), Query(expr="sum by (instance) (netmon_clock_steps_total)", legend=INSTANCE),
            unit="none", width=8,
        ),
    ]  # fmt: skip


def _archive() -> list[PanelBuilder]:
    commits = "rate(netmon_archive_commit_seconds_total[$__rate_interval])"
    commits += " / rate(netmon_archive_commits_total[$__rate_interval])"
    lost = {"refused": _("refused"), "lost": _("lost")}
    return [
        graph(
            _("rows written"),
            Query(expr="rate(netmon_archive_rows_written_total[$__rate_interval])", legend=INSTANCE),
            unit="cps", width=8,
        ),
        graph(_("rows that are not durable yet"), Query(expr="netmon_archive_backlog_rows", legend=INSTANCE),
              unit="none", width=8),
        graph(_("time of a transaction"), Query(expr=commits, legend=INSTANCE), unit=SECONDS, width=8),
        graph(
            _("rows refused and lost"),
            *(
                Query(expr=f"sum by (instance) (netmon_archive_rows_{what}_total)", legend=f"{INSTANCE} {word}")
                for what, word in lost.items()
            ),
            unit="none", width=10,
        ),
        graph(
            _("days that could not be closed"),
            Query(expr="sum by (instance) (netmon_archive_closings_failed_total)", legend=INSTANCE),
            unit="none", width=10,
        ),
        value(
            _("targets evaluated"), Query(expr=f"max({shown('netmon_targets_evaluated_timestamp_seconds')})"),
            unit=unit_of("_timestamp_seconds")[0], height=9,
        ),
    ]  # fmt: skip


def _sending() -> list[PanelBuilder]:
    waiting = "time() - netmon_forward_oldest_waiting_timestamp_seconds"
    waiting += " and netmon_forward_oldest_waiting_timestamp_seconds > 0"
    waiting += " or 0 * netmon_forward_oldest_waiting_timestamp_seconds"
    return [
        graph(
            _("messages"),
            Query(expr="sum(netmon_outbox_waiting_messages)", legend=_("waiting")),
            Query(expr="sum(netmon_outbox_refused_messages)", legend=_("refused for good")),
            unit="none", width=8,
        ),
        graph(
            _("observations that wait to be forwarded"),
            Query(expr="netmon_forward_backlog_rows", legend=INSTANCE, optional=True), unit="none", width=8,
        ),
        graph(
            _("age of the oldest of them"), Query(expr=waiting, legend=INSTANCE, optional=True), unit=SECONDS, width=8,
        ),
        graph(
            _("observations forwarded"),
            Query(expr="rate(netmon_forward_rows_total[$__rate_interval])", legend=INSTANCE, optional=True),
            unit="cps",
        ),
        graph(
            _("forwarding that failed"),
            Query(
                expr="netmon_forward_failures_total", legend=_("attempts: {where}").format(where=INSTANCE),
                optional=True,
            ),
            Query(
                expr="netmon_forward_refused_rows_total", legend=_("refused: {where}").format(where=INSTANCE),
                optional=True,
            ),
            unit="none",
        ),
    ]  # fmt: skip


def _around() -> list[PanelBuilder]:
    ours = "netmon_outbox_oldest_waiting_timestamp_seconds"
    waiting = f"time() - {ours} and {ours} > 0 or 0 * {ours}"
    return [
        graph(
            _("free on the disk"),
            Query(expr="netmon_disk_free_bytes / netmon_disk_size_bytes", legend=INSTANCE),
            unit=unit_of("_ratio")[0], width=8,
        ),
        graph(
            _("netmon's clock against Prometheus's"),
            Query(expr="netmon_time_seconds - timestamp(netmon_time_seconds)", legend=INSTANCE),
            unit=SECONDS, width=8, from_zero=False,
        ),
        graph(_("age of the oldest message that waits"), Query(expr=waiting, legend=INSTANCE), unit=SECONDS, width=8),
        graph(
            _("load tests"),
            Query(expr="sum(netmon_load_tests_running)", legend=_("under way")),
            Query(expr="sum(netmon_load_tests_waiting)", legend=_("waiting")),
            unit="none", width=8,
        ),
        graph(
            _("sent by load tests this month"),
            Query(expr="sum by (asset) (netmon_load_tests_month_bytes)", legend="{{asset}}", optional=True),
            unit=unit_of("_bytes")[0], width=8,
        ),
        value(
            _("Alertmanager takes alerts"), Query(expr="min(netmon_alertmanager_up)", optional=True),
            mappings=yes_or_no(), width=4, height=9,
        ),
        value(
            _("listens for SNMP notifications"), Query(expr="min(netmon_traps_listening)", optional=True),
            mappings=yes_or_no(), width=4, height=9,
        ),
        graph(
            _("SNMP notifications"),
            Query(
                expr="sum by (outcome) (increase(netmon_traps_total[$__rate_interval]))", legend="{{outcome}}",
                optional=True,
            ),
            unit="none", width=24,
        ),
    ]  # fmt: skip


def _process() -> list[PanelBuilder]:
    ours = "and on (job, instance) netmon_build_info"
    return [
        graph(
            _("processor"),
            Query(expr=f"rate(process_cpu_seconds_total[$__rate_interval]) {ours}", legend=INSTANCE),
            unit=unit_of("_ratio")[0], width=8,
        ),
        graph(
            _("memory"), Query(expr=f"process_resident_memory_bytes {ours}", legend=INSTANCE),
            unit=unit_of("_bytes")[0], width=8,
        ),
        graph(
            _("open files"),
            Query(expr=f"process_open_fds {ours}", legend=INSTANCE),
            Query(expr=f"min(process_max_fds {ours})", legend=_("most that are allowed"), limit="orange"),
            unit="none", width=8,
        ),
        graph(
            _("attempts to log in"),
            *_each("netmon_log_ins_total", "outcome", _outcomes()),
            unit="none",
        ),
        table_of(
            _("what runs"), Query(expr="netmon_build_info"),
            columns=[
                Column(field="instance", title=_("instance")),
                Column(field="version", title=_("version")),
            ],
            width=12, height=9,
        ),
        timeline(
            _("answers to Prometheus"), Query(expr="up and on (job, instance) last_over_time(netmon_build_info[1d])",
                                              legend=INSTANCE),
            yes_or_no(), width=12, height=9,
        ),
        table_of(
            _("alerts of Prometheus that fire"), Query(expr='ALERTS{alertstate="firing"}', optional=True),
            columns=[
                Column(field="alertname", title=_("alert")),
                Column(field="severity", title=_("severity"), width=130),
                Column(field="instance", title=_("instance")),
            ],
            width=12, height=9,
            description=_("Rules about netmon itself; what is wrong in the network is on the page of alerts."),
        ),
    ]  # fmt: skip


PAGE = Page(
    name="monitor",
    title=_n("the monitor itself"),
    description=_n("Whether netmon measures, stores and sends, and how much it takes."),
    rows=rows,
    sites="none",
)
