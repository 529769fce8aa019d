"""Checks that follow from equipment: which ends and which place they get."""

from __future__ import annotations

from pathlib import Path

import pytest

from netmon.config import Config, load
from probes import KINDS
from probes.satellite import SatelliteParams

SITE = """\
sites:
  - id: a
    kind: fire_station
    place: {latitude: 42.87, longitude: 130.36}
    equipment:
      - {id: s, kind: satellite_terminal, EQUIPMENT}
"""


def inventory(tmp_path: Path, equipment: str) -> Config:
    path = tmp_path / "sites.yaml"
    path.write_text(SITE.replace("EQUIPMENT", equipment), encoding="utf-8")
    return load(path, kinds=KINDS)


@pytest.mark.parametrize(
    ("equipment", "place"),
    [
        ("address: 192.0.2.1", (42.87, 130.36)),
        ("address: 192.0.2.1, place: {latitude: 43.1, longitude: 130.9}", (43.1, 130.9)),
        ("address: 192.0.2.1, place: {address: the depot}", (None, None)),
        ("address: 192.0.2.1, checks: {satellite: {params: {latitude: 20, longitude: 110}}}", (20, 110)),
    ],
)
def test_a_terminal_stands_where_the_inventory_says(
    tmp_path: Path, equipment: str, place: tuple[float | None, float | None]
) -> None:
    params = inventory(tmp_path, equipment).checks["a/s/satellite"].params

    assert isinstance(params, SatelliteParams)
    assert (params.latitude, params.longitude) == place


@pytest.mark.parametrize(
    ("equipment", "roles"),
    [("address: 192.0.2.1", {"host"}), ("endpoints: {host: 192.0.2.1, hub: hub.example}", {"host", "hub"})],
)
def test_an_optional_end_may_be_left_out(tmp_path: Path, equipment: str, roles: set[str]) -> None:
    assert inventory(tmp_path, equipment).checks["a/s/satellite"].endpoints.keys() == roles


def test_a_terminal_without_an_address_has_no_check(tmp_path: Path) -> None:
    """It is counted and drilled; there is nothing to ask."""
    assert inventory(tmp_path, "model: handheld").checks == {}


@pytest.mark.parametrize(("written", "stowed"), [("", True), (", normally_off: false", False)])
def test_a_check_knows_whether_its_equipment_is_stowed(tmp_path: Path, written: str, stowed: bool) -> None:
    check = inventory(tmp_path, f"address: 192.0.2.1{written}").checks["a/s/satellite"]

    assert check.normally_off is stowed
