"""Checks that follow from equipment: which ends and which place they get."""

from __future__ import annotations

from pathlib import Path

import pytest

from netmon.config import Config, ConfigError, load
from probes import KINDS
from probes.ipv6 import Ipv6Params
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


APPLICATION = """\
sites:
  - id: a
    kind: battalion
    equipment:
      - {id: app, kind: application, EQUIPMENT}
"""


def application(tmp_path: Path, equipment: str) -> Config:
    path = tmp_path / "sites.yaml"
    path.write_text(APPLICATION.replace("EQUIPMENT", equipment), encoding="utf-8")
    return load(path, kinds=KINDS)


@pytest.mark.parametrize(
    ("equipment", "ends"),
    [
        ("address: app.example", {"v4": "app.example", "v6": "app.example"}),
        ("address: {host: app.example, family: ipv6}", {"v4": "app.example", "v6": "app.example"}),
        ("endpoints: {host: 192.0.2.1, v6: '2001:db8::1'}", {"v4": "192.0.2.1", "v6": "2001:db8::1"}),
        ("endpoints: {host: '2001:db8::1', v4: 192.0.2.1}", {"v4": "192.0.2.1", "v6": "2001:db8::1"}),
        ("endpoints: {host: app.example, v6: v6.app.example}", {"v4": "app.example", "v6": "v6.app.example"}),
    ],
)
def test_an_application_with_both_families_is_checked_for_ipv6(
    tmp_path: Path, equipment: str, ends: dict[str, str]
) -> None:
    check = application(tmp_path, equipment).checks["a/app/ipv6"]

    assert {role: end.host for role, end in check.endpoints.items()} == ends
    assert {role: end.family.value for role, end in check.endpoints.items()} == {"v4": "ipv4", "v6": "ipv6"}


@pytest.mark.parametrize("equipment", ["address: 192.0.2.1", "address: app.example, checks: {ipv6: off}"])
def test_an_application_with_one_family_is_not(tmp_path: Path, equipment: str) -> None:
    assert list(application(tmp_path, equipment).checks) == ["a/app/http"]


def test_the_ipv6_check_looks_at_the_service_of_the_http_check(tmp_path: Path) -> None:
    """Otherwise an application with https alone would be called down at port 80."""
    params = "{scheme: https, port: 8443, path: /health, body_contains: ok}"
    equipment = f"address: app.example, checks: {{http: {{params: {params}}}, ipv6: {{params: {{path: /v6}}}}}}"
    ipv6 = application(tmp_path, equipment).checks["a/app/ipv6"].params

    assert isinstance(ipv6, Ipv6Params)
    assert (ipv6.scheme, ipv6.port, ipv6.path) == ("https", 8443, "/v6")


@pytest.mark.parametrize(
    "equipment",
    [
        "address: 'http://app.example'",
        "address: app.example, checks: {http: {params: {path: no-slash}}}",
        "endpoints: {host: 192.0.2.1, v6: 192.0.2.2}",
        "endpoints: {host: 192.0.2.1, v6: {host: app.example, family: ipv4}}",
        "address: 192.0.2.1, checks: {ipv6: {}}",
    ],
)
def test_a_mistake_is_told_once(tmp_path: Path, equipment: str) -> None:
    """Two checks share it."""
    with pytest.raises(ConfigError) as raised:
        application(tmp_path, equipment)

    assert len(raised.value.problems) == 1


@pytest.mark.parametrize(
    ("written", "timeout"), [("", 59.0), ("interval: 5m", 299.0), ("interval: 1500ms", 0.75), ("timeout: 30s", 30.0)]
)
def test_a_stream_lasts_for_its_interval(tmp_path: Path, written: str, timeout: float) -> None:
    """But for a second, so that no run finds the one before at work; nothing is gained by running it once more."""
    stream = "{kind: stream" + (f", {written}" if written else "") + "}"
    found = application(tmp_path, f"endpoints: {{host: 192.0.2.1, far: 192.0.2.1}}, checks: {{s: {stream}}}")
    check = found.checks["a/app/s"]

    assert check.timeout_seconds == timeout
    assert check.continuous
    assert check.confirm_seconds is None
