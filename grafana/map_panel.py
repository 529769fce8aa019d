"""The map of sites: its base layer is a file of our own, so that nothing is fetched from the internet."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common as build_common
from grafana_foundation_sdk.builders import geomap
from grafana_foundation_sdk.models.common import FrameGeometrySourceMode
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from grafana.codes import statuses
from grafana.panels import colored, data_link, furnish
from grafana.query import Query
from netmon.i18n import _

__all__ = ["BASE_LAYER", "site_map"]

BASE_LAYER: Final = "public/maps/netmon-county.geojson"
"""Where Grafana serves the file from: ``grafana/maps/netmon-county.geojson`` is mounted into its folder of maps."""
DOT: Final = "img/icons/marker/circle.svg"
CLOSEST: Final = 12


def site_map(title: str, query: Query, *, width: int, height: int, description: str, link: str) -> geomap.Panel:
    """A dot for each series that has ``latitude`` and ``longitude``, coloured by status, with its ``place``."""
    panel = geomap.Panel()
    furnish(panel, title, (query,), unit="none", width=width, height=height, description=description, instant=True,
            as_table=True)  # fmt: skip
    degrees = [{"targetField": name, "destinationType": "number"} for name in ("latitude", "longitude")]
    panel.with_transformation(DataTransformerConfig(id_val="convertFieldType", options={"conversions": degrees}))
    panel.view(geomap.MapViewConfig().id("fit").all_layers(True).padding(12).max_zoom(CLOSEST))
    panel.controls(
        geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(False).show_attribution(False).show_scale(True)
    )
    panel.basemap(
        build_common.MapLayerOptions().type("geojson").name(_("county")).config(
            {
                "src": BASE_LAYER,
                "rules": [],
                "style": {"color": {"fixed": "#8e8e9c"}, "opacity": 0.25, "lineWidth": 1, "size": {"fixed": 3}},
            }
        )
    )  # fmt: skip
    style = {
        "color": {"field": "Value", "fixed": "green"},
        "opacity": 0.9,
        "size": {"fixed": 9, "min": 2, "max": 15},
        "symbol": {"mode": "fixed", "fixed": DOT},
        "text": {"mode": "field", "field": "place", "fixed": ""},
        "textConfig": {"fontSize": 13, "offsetX": 0, "offsetY": 16, "textAlign": "center", "textBaseline": "middle"},
    }
    place = build_common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS)
    layer = build_common.MapLayerOptions().type("markers").name(_("sites")).tooltip(True)
    layer.location(place.latitude("latitude").longitude("longitude"))
    panel.layers([layer.config({"style": style, "showLegend": True})])
    panel.override_by_name("Value", [DynamicConfigValue("displayName", _("status"))])
    panel.data_links([data_link(_("open the site"), link)])
    return colored(panel, statuses())
