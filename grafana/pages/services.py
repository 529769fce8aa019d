"""Services: name lookups, TCP, HTTP and certificates; the way to every host that is pinged; power supplies."""

from __future__ import annotations

from grafana.page import Page, Row
from grafana.pages.common import status_panels
from grafana.query import EQUIPMENT
from grafana.readings import INDEX, reading_graph
from netmon.i18n import _, _n

__all__ = ["PAGE"]

KINDS = "dns|tcp|http"
POWER = "snmp|power"
CHECK = "{{check}}"


def rows() -> list[Row]:
    """Status, times of each protocol, certificates, hosts, power."""
    return [
        Row(_("services now"), status_panels(KINDS, legend=CHECK)),
        Row(
            _("durations"),
            [
                reading_graph("total_seconds", "http"),
                reading_graph("first_byte_seconds", "http|tcp", legend=CHECK),
                reading_graph("connect_seconds", "http|tcp", legend=CHECK),
                reading_graph("lookup_seconds", "dns", legend=CHECK),
            ],
        ),
        Row(
            _("answers"),
            [
                reading_graph("status_code", "http", width=8, from_zero=False),
                reading_graph("answers", "dns", width=8, legend=CHECK),
                reading_graph("certificate_remaining_seconds", "http|tcp", width=8, legend=CHECK),
            ],
        ),
        Row(_("hosts"), [reading_graph("loss_ratio", "ping"), reading_graph("rtt_median_seconds", "ping")]),
        Row(
            _("power supplies"),
            [
                reading_graph("battery_charge_ratio", POWER),
                reading_graph("battery_runtime_seconds", POWER),
                reading_graph("on_battery_seconds", POWER),
                reading_graph("active_alarms_count", POWER),
                reading_graph("autonomy_seconds", POWER, optional=True),
                reading_graph(
                    "mains_voltage_volts", POWER, legend=f"{EQUIPMENT} {INDEX}", from_zero=False, optional=True
                ),
                reading_graph("input_voltage_volts", POWER, legend=f"{EQUIPMENT} {INDEX}", optional=True),
                reading_graph("output_load_ratio", POWER, legend=f"{EQUIPMENT} {INDEX}", optional=True),
            ],
        ),
    ]


PAGE = Page(
    name="services",
    title=_n("services and power"),
    description=_n("Name lookups, TCP and HTTP services, hosts that are pinged, and power supplies."),
    rows=rows,
)
