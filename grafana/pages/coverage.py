"""Radio coverage: what the last survey proves of each area, and what stations that work now still cover of it."""

from __future__ import annotations

from grafana.page import BOARD, Page, Row
from grafana.panels import Column, PanelBuilder, graph, table_of
from grafana.query import Query
from grafana.readings import shown, unit_of
from netmon.i18n import _, _n

__all__ = ["PAGE"]

RATIO = unit_of("_ratio")[0]
AREA = "{{terminal}} {{area}}"
BY = "terminal, area"


def rows() -> list[Row]:
    """Figures of each area, survey and availability over time, when surveys were."""
    return [
        Row(_("areas"), [_areas()]),
        Row(
            _("over time"),
            [
                _over_time(_("proven by the last survey"), "netmon_coverage_surveyed_lower_bound_ratio"),
                _over_time(_("available now at the least"), "netmon_coverage_available_low_ratio"),
            ],
        ),
        Row(_("surveys"), [_surveys()]),
    ]


def _areas() -> PanelBuilder:
    figures = {
        "surveyed_ratio": _("surveyed"),
        "surveyed_lower_bound_ratio": _("proven"),
        "available_low_ratio": _("available at the least"),
        "available_high_ratio": _("available at the most"),
        "planned_tiles": _("tiles planned"),
        "tested_tiles": _("tiles tested"),
        "covered_tiles": _("tiles covered"),
    }
    return table_of(
        _("coverage of each area"),
        *(Query(expr=f"max by ({BY}) (netmon_coverage_{figure})", optional=True) for figure in figures),
        columns=[
            Column(field="area", title=_("area"), link=(_("status board"), f"{BOARD}/")),
            Column(field="terminal", title=_("terminal")),
            *(
                Column(
                    field=f"Value#{number}", title=title, unit=RATIO if figure.endswith("_ratio") else "",
                    decimals=1 if figure.endswith("_ratio") else None,
                )
                for number, (figure, title) in enumerate(figures.items(), 1)
            ),
        ],
        height=14,
        sort=figures["planned_tiles"],
        description=_("The area all is every area together. A tile that was not tested is not covered."),
    )  # fmt: skip


def _over_time(title: str, metric: str) -> PanelBuilder:
    return graph(
        title,
        Query(expr=f"max by ({BY}) ({metric})", legend=AREA, optional=True),
        Query(
            expr='max(netmon_criterion_required_ratio{target="radio-coverage"})', legend=_("to be reached"),
            optional=True, limit="orange",
        ),
        unit=RATIO,
    )  # fmt: skip


def _surveys() -> PanelBuilder:
    end = shown("netmon_coverage_survey_end_timestamp_seconds")
    return table_of(
        _("when surveys ended"),
        Query(expr=f"max by (terminal, survey) ({end})", optional=True),
        columns=[
            Column(field="survey", title=_("survey")),
            Column(field="terminal", title=_("terminal")),
            Column(field="Value#1", title=_("last sample"), unit=unit_of("_timestamp_seconds")[0], width=220),
        ],
        height=8,
        sort=_("last sample"),
    )


PAGE = Page(
    name="coverage",
    title=_n("radio coverage"),
    description=_n("What the last survey proves of each area, and what stations that work now still cover of it."),
    rows=rows,
    sites="none",
    range="30d",
)
