"""350 MHz base stations: what each is, transmits, and says of itself."""

from __future__ import annotations

from grafana.page import Page, Row
from grafana.pages.common import device_states, device_timeline, status_panels, where_columns
from grafana.panels import Column, PanelBuilder, table_of
from grafana.query import EQUIPMENT
from grafana.readings import INDEX, reading_graph, series, unit_of
from netmon.i18n import _, _n

__all__ = ["PAGE"]

KIND = "base_station"
SLOT = f"{EQUIPMENT} {INDEX}"


def rows() -> list[Row]:
    """Status, transmitter and antenna, receiver, supply, the way to it, what it says of itself."""
    return [
        Row(_("base stations now"), status_panels(KIND)),
        Row(
            _("transmitter and antenna"),
            [
                reading_graph("tx_forward_power_watts", KIND),
                reading_graph("vswr_ratio", KIND, from_zero=False),
                reading_graph("tx_reflected_power_watts", KIND),
                reading_graph("pa_temperature_celsius", KIND, from_zero=False),
            ],
        ),
        Row(
            _("receiver"),
            [
                reading_graph("rssi_dbm", KIND, legend=SLOT, from_zero=False),
                reading_graph("receiver_level_dbm", KIND, from_zero=False, optional=True),
            ],
        ),
        Row(
            _("power supplies"),
            [
                reading_graph("supply_voltage_volts", KIND, from_zero=False),
                reading_graph("supply_current_amperes", KIND, optional=True),
                reading_graph("battery_voltage_volts", KIND, from_zero=False, optional=True),
                reading_graph("reciter_temperature_celsius", KIND, from_zero=False, optional=True),
            ],
        ),
        Row(_("way to the station"), [reading_graph("loss_ratio", KIND), reading_graph("rtt_median_seconds", KIND)]),
        Row(
            _("what the stations say"),
            [
                device_timeline(_("worst that each station says of itself"), KIND),
                device_states(KIND, width=14, height=14),
                _channels(),
            ],
        ),
    ]


def _channels() -> PanelBuilder:
    hertz, _scale = unit_of("_hertz")
    return table_of(
        _("channels"),
        series("tx_frequency_hertz", KIND),
        series("rx_frequency_hertz", KIND),
        series("channel_number", KIND, optional=True),
        series("configured_power_watts", KIND, optional=True),
        columns=[
            *where_columns(),
            Column(field="Value#1", title=_("transmits at"), unit=hertz, decimals=4),
            Column(field="Value#2", title=_("receives at"), unit=hertz, decimals=4),
            Column(field="Value#3", title=_("channel")),
            Column(field="Value#4", title=_("configured power"), unit=unit_of("_watts")[0]),
        ],
        width=10,
        height=14,
    )


PAGE = Page(
    name="stations",
    title=_n("base stations"),
    description=_n("350 MHz base stations: what they transmit and receive, and what they say of themselves."),
    rows=rows,
)
