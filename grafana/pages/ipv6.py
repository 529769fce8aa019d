"""IPv6 readiness of applications: stage of each, share that is dual-stack, both families side by side."""

from __future__ import annotations

from grafana.codes import words
from grafana.page import Page, Row
from grafana.pages.common import device_timeline, status_panels
from grafana.panels import Column, PanelBuilder, graph, table_of, value
from grafana.query import EQUIPMENT, Query, checks_of, placed
from grafana.readings import INDEX, reading_graph, unit_of
from netmon.i18n import _, _n
from netmon.words import STATES

__all__ = ["PAGE"]

KIND = "ipv6"
RATIO = unit_of("_ratio")[0]


def rows() -> list[Row]:
    """Status, share and stages, both families, addresses and certificates."""
    families = {"ipv4": "IPv4", "ipv6": "IPv6"}
    both = {
        reading: reading_graph(reading, KIND, indices=families)
        for reading in ("connect_seconds", "first_byte_seconds", "resolve_seconds", "transfer_seconds")
    }
    return [
        Row(_("applications now"), status_panels(KIND)),
        Row(_("readiness"), [_share(), _share_over_time(), _stages()]),
        Row(_("both families side by side"), [*both.values(), reading_graph("tls_seconds", KIND, indices=families)]),
        Row(
            _("addresses and certificates"),
            [
                reading_graph("addresses", KIND, indices=families, width=8),
                reading_graph("failed_addresses", KIND, indices=families, width=8),
                reading_graph(
                    "certificate_remaining_seconds", KIND, legend=f"{EQUIPMENT} {INDEX}", width=8
                ),
            ],
        ),
        Row(_("stages over time"), [device_timeline(_("IPv6 readiness"), KIND, names="stage")]),
    ]  # fmt: skip


def _dual() -> str:
    stage = f'netmon_device_state_info{{name="stage"}} and on (check, vantage) {checks_of(KIND)}'
    dual = f'netmon_device_state_info{{name="stage", word="dual_stack"}} and on (check, vantage) {checks_of(KIND)}'
    return f"(count({dual}) or 0 * count({stage})) / count({stage})"


def _share() -> PanelBuilder:
    return value(_("dual-stack now"), Query(expr=_dual()), unit=RATIO, width=6, height=9)


def _share_over_time() -> PanelBuilder:
    return graph(_("share of applications that are dual-stack"), Query(expr=_dual(), legend=_("share")), unit=RATIO,
                 width=8)  # fmt: skip


def _stages() -> PanelBuilder:
    stage = 'group by (check, vantage, word) (netmon_device_state_info{name="stage"})'
    texts = {word: _(text) for word, text in STATES["stage"][1].items()}
    return table_of(
        _("stage of each application"),
        Query(expr=placed(stage, KIND)),
        columns=[
            Column(field="equipment", title=_("application")),
            Column(field="word", title=_("stage"), mappings=words(texts)),
        ],
        width=10,
        height=9,
    )


PAGE = Page(
    name="ipv6",
    title=_n("IPv6"),
    description=_n("How far each application has come with IPv6, and how it does beside IPv4."),
    rows=rows,
)
