"""A dashboard: rows of panels, laid out so that none overlaps, with the variables, links and marks that all have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import GridPos, VariableHide, VariableOption, VariableRefresh, VariableSort

from grafana.panels import SOURCE, PanelBuilder
from grafana.query import ASSET, SITE, choosing, of_equipment, readings
from netmon.i18n import LANGUAGES, _, current_language

__all__ = ["BOARD", "Page", "Row", "build_page", "link_to", "uid"]

GRID_WIDTH: Final = 24
BOARD: Final = "${board}"
NO_BOARD: Final = "http://localhost:9735"
"""Where the status board is unless ``board`` in alerts.yaml says so."""
LANGUAGE_NAMES: Final = {"en": "English", "zh": "中文"}
ALL_SITES: Final = ".*"
QUERY_RESULT: Final = 3
"""Grafana's number for a variable whose values are the series that a query answers with."""


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and the panels under it, from left to right; what does not fit begins a new line."""

    title: str
    panels: Sequence[PanelBuilder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One dashboard, made once for each language.

    Attributes:
        name: its uid is ``netmon-<name>-<language>``.
        title, description: message ids.
        sites: whether any number of sites is chosen on it, one, none, or one piece of equipment of one site.
        rows: makes them in the current language.
        range: how much of the past it shows.
    """

    name: str
    title: str
    description: str
    rows: Callable[[], Sequence[Row]]
    sites: Literal["many", "one", "none", "equipment"] = "many"
    range: str = "6h"


def uid(name: str, language: str = "") -> str:
    """A dashboard's uid, in the current language unless another one is given."""
    return f"netmon-{name}-{language or current_language()}"


def link_to(name: str, *variables: tuple[str, str]) -> str:
    """Where a click on a series or a row leads: another dashboard, the time kept, variables set from its fields."""
    chosen = "".join(f"&var-{variable}={source}" for variable, source in variables)
    return f"/d/{uid(name)}?${{__url_time_range}}{chosen}"


def build_page(page: Page, pages: Sequence[Page]) -> dashboard.Dashboard:
    """One dashboard in the current language; ``pages`` are those that its head links to."""
    language = current_language()
    made = build.Dashboard(f"netmon · {_(page.title)}").uid(uid(page.name)).description(_(page.description))
    made.tags(["netmon", language]).timezone("Asia/Shanghai").time(f"now-{page.range}", "now").refresh("30s")
    made.readonly().tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    for variable in _variables(page):
        made.with_variable(variable)
    for link in _links(page, pages):
        made.link(link)
    found = made.build()
    found.annotations = dashboard.AnnotationContainer(list_val=_marks(ALL_SITES if page.sites == "none" else SITE))
    with choosing(f'asset=~"{ASSET}"' if page.sites == "equipment" else f'site=~"{SITE}"'):
        found.panels = _laid_out(page.rows())
    return found


def _laid_out(rows: Sequence[Row]) -> list[dashboard.Panel | dashboard.RowPanel]:
    """Panels with their places: each line is as high as its highest panel."""
    found: list[dashboard.Panel | dashboard.RowPanel] = []
    top = 0
    for row in rows:
        heading = build.Row(row.title).grid_pos(GridPos(x=0, y=top, w=GRID_WIDTH, h=1)).id(len(found) + 1).build()
        found.append(heading)
        top += 1
        left = high = 0
        for builder in row.panels:
            panel = builder.build()
            place = panel.grid_pos or GridPos()
            if left + place.w > GRID_WIDTH:
                top, left, high = top + high, 0, 0
            panel.grid_pos = GridPos(x=left, y=top, w=place.w, h=place.h)
            panel.id_val = len(found) + 1
            left += place.w
            high = max(high, place.h)
            found.append(panel)
        top += high
    return found


def _variables(page: Page) -> list[build.DatasourceVariable | build.QueryVariable]:
    name = f"name_{current_language()}"
    source = build.DatasourceVariable("datasource").label(_("data source")).type("prometheus")
    source.current(VariableOption(selected=True, text="Prometheus", value="netmon-prometheus"))
    board = _query_variable(
        "board",
        "group by (url) (last_over_time(netmon_board_info[1d])) "
        f'or on () label_replace(vector(1), "url", "{NO_BOARD}", "", "")',
        '/url="(?<value>[^"]+)/',
    ).hide(VariableHide.HIDE_VARIABLE)
    if page.sites == "none":
        return [source, board]
    site = _query_variable(
        "site", f"group by (site, {name}) (netmon_site_info)", f'/\\bsite="(?<value>[^"]+)|{name}="(?<text>[^"]+)/g'
    ).label(_("site"))
    site.sort(VariableSort.ALPHABETICAL_ASC)
    if page.sites == "many":
        site.multi(True).include_all(True).all_value(ALL_SITES)
        site.current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    if page.sites != "equipment":
        return [source, board, site]
    asset = _query_variable(
        "asset",
        f'group by (asset, {name}) (netmon_asset_info{{site=~"{SITE}"}})',
        f'/\\basset="(?<value>[^"]+)|{name}="(?<text>[^"]+)/g',
    ).label(_("equipment"))
    reading = _query_variable(
        "reading",
        f"group by (__name__) ({readings()})",
        "/^(?<value>[a-z0-9_]+)/",
    ).label(_("reading"))
    return [source, board, site, asset, reading]


def _query_variable(name: str, expr: str, regex: str) -> build.QueryVariable:
    query = {"qryType": QUERY_RESULT, "query": f"query_result({expr})", "refId": "PrometheusVariableQueryEditor"}
    variable = build.QueryVariable(name).datasource(SOURCE).query(query).regex(regex)
    return variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)


def _links(page: Page, pages: Sequence[Page]) -> list[build.DashboardLink]:
    """To every dashboard of this language, to the status board, and to this page in the other language."""

    def link(title: str, url: str, icon: str, *, keep: bool = True) -> build.DashboardLink:
        made = build.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url).icon(icon)
        return made.keep_time(keep).include_vars(keep)

    found = [
        link(_(other.title), f"/d/{uid(other.name)}", "dashboard") for other in pages if other.name != page.name
    ]  # fmt: skip
    found.append(link(_("status board"), f"{BOARD}/", "external link", keep=False).target_blank(True))
    others = [language for language in LANGUAGES if language != current_language()]
    return found + [link(LANGUAGE_NAMES[other], f"/d/{uid(page.name, other)}", "bolt") for other in others]


class Mark(dashboard.AnnotationQuery):
    """An annotation of Prometheus: the SDK's model has no place for how its text is made.

    Args:
        instants: values are times, in milliseconds; otherwise a mark lasts while its series is there and not 0.
    """

    def __init__(self, title: str, expr: str, color: str, *, text: str = "", instants: bool = False) -> None:
        super().__init__(name=title, datasource=SOURCE, icon_color=color, expr=expr)
        self._how = {"titleFormat": title, "textFormat": text, "useValueForTime": instants}

    def to_json(self) -> dict[str, object]:
        """As Grafana reads it."""
        return super().to_json() | self._how


def _marks(site: str) -> list[dashboard.AnnotationQuery]:
    """What happened, on every graph: alerts by severity, emergencies, maintenance, what befell netmon."""
    found: list[dashboard.AnnotationQuery] = []
    for severity, color, title in (
        ("critical", "red", _("critical alerts")),
        ("major", "orange", _("major alerts")),
        ("minor", "yellow", _("minor alerts")),
    ):
        lasting = f'netmon_alert_since_timestamp_seconds{{severity="{severity}", site=~"{site}"}}'
        # An alert about netmon itself has no equipment in the inventory.
        expr = f"{of_equipment(lasting)} or on (alert) {lasting}"
        found.append(Mark(title, expr, color, text="{{place}} {{equipment}} {{alert}}"))
    loaded = "netmon_config_last_reload_success_timestamp_seconds"
    started = "process_start_time_seconds * on (job, instance) group_left () netmon_build_info"
    return [
        *found,
        Mark(_("emergency"), "max(netmon_emergency)", "dark-red"),
        Mark(_("maintenance"), "max(netmon_maintenance_windows)", "purple"),
        Mark(_("netmon started"), f"1000 * {started}", "blue", text="{{instance}}", instants=True),
        Mark(_("configuration loaded"), f"1000 * {loaded}", "semi-dark-blue", text="{{instance}}", instants=True),
        Mark(_("steps of the clock"), "increase(netmon_clock_steps_total[2m]) > 0", "light-blue", text="{{instance}}"),
    ]
