"""The kinds of panels: built by the SDK's typed builders, all in one look.

A graph's line ends where the data ends; a tile shows what holds now or that there is no data. Colours come from
statuses, verdicts and device states, which netmon judged by its own limits; limits are drawn from exported gauges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import common as build_common
from grafana_foundation_sdk.builders import dashboard as build_dashboard
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    Panel,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMapping,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.query import Query

__all__ = [
    "SOURCE",
    "Column",
    "PanelBuilder",
    "colored",
    "data_link",
    "furnish",
    "graph",
    "ref_id",
    "table_of",
    "tiles",
    "timeline",
    "value",
]

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
SOMETHING: Final = 1.0
"""From here on a count is something: the only figure in a threshold, since every other limit is exported."""


class PanelBuilder(Protocol):
    """What every panel's builder can do; the SDK has no common type for it."""

    def build(self) -> Panel: ...
    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: DataSourceRef) -> Self: ...
    def span(self, w: int) -> Self: ...
    def height(self, h: int) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def with_target(self, target: Builder[Dataquery]) -> Self: ...
    def mappings(self, mappings: list[ValueMapping]) -> Self: ...
    def thresholds(self, thresholds: Builder[ThresholdsConfig]) -> Self: ...
    def color_scheme(self, color: Builder[FieldColor]) -> Self: ...


P = TypeVar("P", bound=PanelBuilder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        field: a label, or ``Value`` followed by ``#`` and the query's place for several queries.
        colored: the cell has the colour of its mapping.
        link: title of a link, and where it leads.
        hidden: it is there for links only.
    """

    field: str
    title: str
    unit: str = ""
    decimals: int | None = None
    mappings: Sequence[ValueMapping] = ()
    colored: bool = False
    link: tuple[str, str] | None = None
    width: int | None = None
    hidden: bool = False


def ref_id(number: int, query: Query) -> str:
    """A query's name: ``O`` says that it may rightly have no answer."""
    return f"{'O' if query.optional else 'Q'}{number}"


def value(
    title: str, *queries: Query, unit: str = "none", width: int = 4, height: int = 5, description: str = "",
    mappings: Sequence[ValueMapping] = (), alarm: str = "", decimals: int | None = None,
) -> stat.Panel:  # fmt: skip
    """One figure, or a few, as large as the panel allows.

    Args:
        alarm: it counts what should not be there: the colour of something.
    """
    panel = stat.Panel().reduce_options(build_common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.graph_mode(common.BigValueGraphMode.NONE)
    panel.color_mode(common.BigValueColorMode.BACKGROUND_SOLID if alarm or mappings else common.BigValueColorMode.NONE)
    if decimals is not None:
        panel.decimals(decimals)
    furnish(panel, title, queries, unit=unit, width=width, height=height, description=description, instant=True)
    return colored(panel, mappings, alarm=alarm)


def tiles(
    title: str, query: Query, mappings: Sequence[ValueMapping], *, width: int = 12, height: int = 8,
    description: str = "", link: tuple[str, str] | None = None,
) -> stat.Panel:  # fmt: skip
    """A tile for each series, in the colour and with the word of its code."""
    panel = stat.Panel().reduce_options(build_common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
    panel.text_mode(common.BigValueTextMode.VALUE_AND_NAME)
    furnish(panel, title, (query,), unit="none", width=width, height=height, description=description, instant=True)
    if link is not None:
        panel.data_links([data_link(*link)])
    return colored(panel, mappings)


def timeline(
    title: str, query: Query, mappings: Sequence[ValueMapping], *, width: int = 24, height: int = 10,
    description: str = "", link: tuple[str, str] | None = None,
) -> statetimeline.Panel:  # fmt: skip
    """States over time, a row for each series; where nothing is known there is a gap."""
    panel = statetimeline.Panel().merge_values(True).row_height(0.85).fill_opacity(85)
    panel.show_value(common.VisibilityMode.AUTO)
    panel.legend(build_common.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM))
    furnish(panel, title, (query,), unit="none", width=width, height=height, description=description)
    if link is not None:
        panel.data_links([data_link(*link)])
    return colored(panel, mappings)


def graph(
    title: str, *queries: Query, unit: str, width: int = 12, height: int = 9, description: str = "",
    from_zero: bool = True,
) -> timeseries.Panel:  # fmt: skip
    """Figures over time."""
    panel = timeseries.Panel().line_width(2).fill_opacity(6).span_nulls(False)
    panel.show_points(common.VisibilityMode.AUTO).point_size(4)
    legend = build_common.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.LIST)
    panel.legend(legend.placement(common.LegendPlacement.BOTTOM))
    panel.tooltip(
        build_common.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
    )
    furnish(panel, title, queries, unit=unit, width=width, height=height, description=description)
    panel.color_scheme(build_dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    panel.thresholds(_steps(Threshold(value=None, color="green")))
    if from_zero:
        panel.axis_soft_min(0)
    for number, query in enumerate(queries, 1):
        if query.limit:
            panel.override_by_query(
                ref_id(number, query),
                [
                    DynamicConfigValue("color", {"mode": "fixed", "fixedColor": query.limit}),
                    DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
                    DynamicConfigValue("custom.fillOpacity", 0),
                    DynamicConfigValue("custom.showPoints", "never"),
                ],
            )
    return panel


def table_of(
    title: str, *queries: Query, columns: Sequence[Column], width: int = 24, height: int = 10, description: str = "",
    sort: str = "",
) -> table.Panel:  # fmt: skip
    """What holds now, a row for each series; rows of several queries are joined by their labels.

    Args:
        sort: the title of the column by which rows are sorted, the greatest first.
    """
    panel = table.Panel().cell_height(common.TableCellHeight.MD).align(common.FieldTextAlignment.AUTO)
    panel.inspect(False)
    furnish(panel, title, queries, unit="none", width=width, height=height, description=description, instant=True,
            as_table=True)  # fmt: skip
    panel.thresholds(_steps(Threshold(value=None, color="green")))
    if len(queries) > 1:
        panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    fields = [_field(column.field, queries) for column in columns]
    panel.with_transformation(
        DataTransformerConfig(
            id_val="filterFieldsByName", options={"include": {"names": fields}},
        )
    )  # fmt: skip
    panel.with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {},
                "indexByName": {field: at for at, field in enumerate(fields)},
                "renameByName": {
                    field: column.title
                    for field, column in zip(fields, columns, strict=True)
                    if not column.hidden
                },
            },
        )
    )  # fmt: skip
    for column in columns:
        properties = _properties(column)
        if properties:
            panel.override_by_name(column.field if column.hidden else column.title, properties)
    if sort:
        panel.sort_by([build_common.TableSortByFieldState().display_name(sort).desc(True)])
    return panel


def furnish(
    panel: PanelBuilder, title: str, queries: Sequence[Query], *, unit: str, width: int, height: int,
    description: str, instant: bool = False, as_table: bool = False,
) -> None:  # fmt: skip
    """Title, size, unit and queries; ``instant``: only what holds at the end of the time shown."""
    panel.title(title).unit(unit).span(width).height(height).datasource(SOURCE)
    if description:
        panel.description(description)
    for number, query in enumerate(queries, 1):
        target = prometheus.Dataquery().ref_id(ref_id(number, query)).expr(query.expr).datasource(SOURCE)
        target.legend_format(query.legend or "__auto")
        if instant:
            target.instant()
        else:
            target.range()
        if as_table:
            target.format(PromQueryFormat.TABLE)
        panel.with_target(target)


def colored(panel: P, mappings: Sequence[ValueMapping], *, alarm: str = "") -> P:
    """Colour a panel by what its codes mean, or by whether there is something: then in the colour of the alarm."""
    found = [Threshold(value=None, color="green" if alarm else "text")]
    if alarm:
        found.append(Threshold(value=SOMETHING, color=alarm))
    panel.thresholds(_steps(*found))
    panel.color_scheme(build_dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    if mappings:
        panel.mappings(list(mappings))
    return panel


def _steps(*thresholds: Threshold) -> build_dashboard.ThresholdsConfig:
    return build_dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(list(thresholds))


def data_link(title: str, url: str) -> build_dashboard.DashboardLink:
    """A link of a tile or of a row of a timeline."""
    return build_dashboard.DashboardLink(title).url(url)


def _field(field: str, queries: Sequence[Query]) -> str:
    """``Value #2`` as Grafana calls it: by the query's name, and without any for one query."""
    name, _, place = field.partition("#")
    if not place:
        return field
    return name.strip() if len(queries) == 1 else f"Value #{ref_id(int(place), queries[int(place) - 1])}"


def _properties(column: Column) -> list[DynamicConfigValue]:
    found = []
    if column.hidden:
        return [DynamicConfigValue("custom.hidden", True)]
    if column.unit:
        found.append(DynamicConfigValue("unit", column.unit))
    if column.decimals is not None:
        found.append(DynamicConfigValue("decimals", column.decimals))
    if column.width is not None:
        found.append(DynamicConfigValue("custom.width", column.width))
    if column.mappings:
        found.append(DynamicConfigValue("mappings", list(column.mappings)))
    if column.colored:
        found.append(DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if column.link is not None:
        title, url = column.link
        found.append(DynamicConfigValue("links", [{"title": title, "url": url}]))
    return found
