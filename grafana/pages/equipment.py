"""One piece of equipment, of whatever kind: its checks, every reading that it has, one of them over time."""

from __future__ import annotations

from grafana.codes import statuses, words
from grafana.page import Page, Row
from grafana.pages.common import check_column, device_states, status_column
from grafana.panels import Column, PanelBuilder, graph, table_of, tiles, timeline
from grafana.query import ASSET, EQUIPMENT, Query, ends, placed, readings, status
from grafana.readings import INDEX, unit_of
from netmon.i18n import _, _n
from netmon.metrics.families import reading_metric
from netmon.reading_words import READINGS
from netmon.words import reading_name

__all__ = ["PAGE"]

CHECK = "{{check}}"
READING = "$reading"


def rows() -> list[Row]:
    """Checks, readings, one of them, what the device says."""
    over_time = Query(expr=ends(f'{{__name__="{READING}", check=~"{ASSET}/.+"}}'), legend=f"{CHECK} {INDEX}")
    return [
        Row(
            _("checks"),
            [
                _equipment(),
                timeline(_("status of each check"), Query(expr=placed(status()), legend=CHECK), statuses(), width=16,
                         height=9),
                _checks(),
            ],
        ),
        Row(
            _("readings"),
            [
                _readings(),
                graph(
                    _("the chosen reading over time"), over_time, unit="none", width=14, height=16,
                    description=_("In the base unit that its name ends with."),
                ),
            ],
        ),
        Row(_("what the device says"), [device_states("")]),
    ]  # fmt: skip


def _equipment() -> PanelBuilder:
    worst = f"max by (place, equipment, asset) ({placed(status())})"
    return tiles(_("equipment"), Query(expr=worst, legend=EQUIPMENT), statuses(), width=8, height=9)


def _checks() -> PanelBuilder:
    return table_of(
        _("checks"),
        Query(expr=placed(status())),
        Query(expr=placed("1000 * netmon_check_last_run_timestamp_seconds")),
        Query(expr=placed("netmon_check_interval_seconds")),
        Query(expr=placed("netmon_probe_duration_seconds"), optional=True),
        columns=[
            check_column(),
            status_column(),
            Column(field="Value#2", title=_("last run"), unit=unit_of("_timestamp_seconds")[0], width=190),
            Column(field="Value#3", title=_("every"), unit=unit_of("_seconds")[0], width=110),
            Column(field="Value#4", title=_("took"), unit=unit_of("_seconds")[0], width=110),
        ],
        height=8,
    )  # fmt: skip


def _readings() -> PanelBuilder:
    names = {reading_metric(name)[0]: reading_name(name) for name in READINGS}
    return table_of(
        _("every reading now"),
        Query(expr=ends(readings())),
        columns=[
            Column(field="__name__", title=_("reading"), mappings=words(names)),
            Column(field="index", title=_("part"), width=120),
            Column(field="Value#1", title=_("value"), width=160),
            Column(field="check", title=_("check")),
        ],
        width=10,
        height=16,
        description=_(
            "In base units: seconds, bytes per second, shares from 0 to 1. The status board has them in words."
        ),
    )


PAGE = Page(
    name="equipment",
    title=_n("one piece of equipment"),
    description=_n("Any piece of equipment: its checks, every reading that it has, and what it says of itself."),
    rows=rows,
    sites="equipment",
)
