"""Rows and tables that several dashboards have."""

from __future__ import annotations

from grafana_foundation_sdk.builders import statetimeline, table

from grafana.codes import MEANINGS, meanings, statuses, words
from grafana.page import BOARD, link_to
from grafana.panels import Column, PanelBuilder, table_of, tiles, timeline
from grafana.query import EQUIPMENT, Query, coded, ends, placed, status
from netmon.i18n import _
from netmon.impact import EffectiveStatus
from netmon.reading_words import STATE_NAMES
from netmon.words import STATES, state_name

__all__ = [
    "ASSET_OF_ROW",
    "ASSET_OF_SERIES",
    "SITE_OF_ROW",
    "SITE_OF_SERIES",
    "check_column",
    "device_states",
    "device_timeline",
    "status_column",
    "status_panels",
    "trouble_table",
    "where_columns",
]

SITE_OF_SERIES = (("site", "${__field.labels.site}"),)
SITE_OF_ROW = (("site", "${__data.fields.site}"),)
ASSET_OF_SERIES = (*SITE_OF_SERIES, ("asset", "${__field.labels.asset}"))
ASSET_OF_ROW = (*SITE_OF_ROW, ("asset", "${__data.fields.asset}"))


def status_panels(kind: str, *, legend: str = EQUIPMENT) -> list[PanelBuilder]:
    """What each check of a kind shows now, and how it was over time."""
    link = (_("open the equipment"), link_to("equipment", *ASSET_OF_SERIES))
    query = Query(expr=placed(status(), kind), legend=legend)
    return [
        tiles(_("now"), query, statuses(), width=10, height=10, link=link),
        timeline(_("status over time"), query, statuses(), width=14, height=10, link=link),
    ]


def where_columns() -> list[Column]:
    """What names a piece of equipment in a table: its place and itself, with their pages."""
    return [
        Column(field="site", title="", hidden=True),
        Column(field="asset", title="", hidden=True),
        Column(field="place", title=_("place"), link=(_("open the site"), link_to("site", *SITE_OF_ROW))),
        Column(
            field="equipment", title=_("equipment"),
            link=(_("open the equipment"), link_to("equipment", *ASSET_OF_ROW)),
        ),
    ]  # fmt: skip


def check_column() -> Column:
    """What names a check in a table, with its page on the status board."""
    board = (_("open on the status board"), f"{BOARD}/checks/${{__data.fields.check}}")
    return Column(field="check", title=_("check"), link=board)


def status_column() -> Column:
    """The status of the first query."""
    return Column(field="Value#1", title=_("status"), mappings=statuses(), colored=True, width=150)


def trouble_table(*, width: int = 24, height: int = 12) -> table.Panel:
    """Checks that are not well, the worst first: what is down before what is cut off by it."""
    least = list(EffectiveStatus).index(EffectiveStatus.DEGRADED)
    query = Query(expr=placed(f"{status()} >= {least}"), optional=True)
    title = _("checks that are not well")
    columns = [*where_columns(), check_column(), status_column()]
    return table_of(title, query, columns=columns, width=width, height=height, sort=_("status"))


def device_states(kind: str, *, width: int = 24, height: int = 12) -> table.Panel:
    """What devices say of themselves, in their own word, the worst first."""
    meaning = coded("netmon_device_state", "state", tuple(MEANINGS), "check, vantage, index, name")
    word = f"netmon_device_state_info * on (check, vantage, index, name) group_left () {meaning}"
    names = {name: state_name(name) for name in (*STATES, *STATE_NAMES)}
    return table_of(
        _("what the devices say"),
        Query(expr=placed(ends(word), kind)),
        columns=[
            *where_columns(),
            Column(field="name", title=_("what it is about"), mappings=words(names)),
            Column(field="index", title=_("part")),
            Column(field="word", title=_("the device's word")),
            Column(field="Value#1", title=_("meaning"), mappings=meanings(), colored=True, width=190),
        ],
        width=width,
        height=height,
        sort=_("meaning"),
        description=_("The word is the device's own; what it means is what its maker's documents say."),
    )


def device_timeline(
    title: str, kind: str, *, names: str = "", width: int = 24, height: int = 9, legend: str = EQUIPMENT
) -> statetimeline.Panel:
    """The worst that a device says over time, of all its states or of those named."""
    by, where = ("check, vantage, index, name", f'name=~"{names}"') if names else ("check, vantage", "")
    worst = coded("netmon_device_state", "state", tuple(MEANINGS), by, where)
    query = Query(expr=placed(ends(worst), kind), legend=legend)
    return timeline(title, query, meanings(), width=width, height=height)
