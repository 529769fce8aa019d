"""Satellite terminals: status, way of the packets, signal, round trip over the satellite."""

from __future__ import annotations

from grafana.page import Page, Row
from grafana.pages.common import device_states, device_timeline, status_panels
from grafana.query import EQUIPMENT, Query, placed
from grafana.readings import INDEX, reading_graph
from netmon.i18n import _, _n

__all__ = ["PAGE"]

KIND = "satellite"


def rows() -> list[Row]:
    """Status, way of the packets, signal, hub, what the terminal says of itself."""
    floor = Query(
        expr=placed("netmon_rtt_floor_seconds", KIND), legend=_("least possible: {where}").format(where=EQUIPMENT)
    )
    part = f"{EQUIPMENT} {INDEX}"
    return [
        Row(_("terminals now"), status_panels(KIND)),
        Row(
            _("round trip"),
            [
                reading_graph("rtt_min_seconds", KIND, more=(floor,)),
                reading_graph("rtt_over_floor_seconds", KIND, from_zero=False),
                reading_graph("loss_ratio", KIND),
                device_timeline(_("way of the packets"), KIND, names="path", width=12),
            ],
        ),
        Row(
            _("signal"),
            [
                reading_graph("carrier_to_noise_db", KIND, legend=part, from_zero=False),
                reading_graph("receiver_level_dbm", KIND, legend=part, from_zero=False),
                reading_graph("tx_level_dbm", KIND, from_zero=False),
                reading_graph("cpu_load_ratio", KIND),
            ],
        ),
        Row(
            _("hub"),
            [
                reading_graph("hub_up", KIND, optional=True),
                reading_graph("hub_rtt_min_seconds", KIND, optional=True),
            ],
        ),
        Row(_("what the terminals say"), [device_states(KIND)]),
    ]


PAGE = Page(
    name="satellite",
    title=_n("satellite"),
    description=_n("Portable satellite terminals; one that is stowed is on standby, not down."),
    rows=rows,
)
