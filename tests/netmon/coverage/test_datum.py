"""The shift of Chinese maps, against published pairs, and there and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.coverage.datum import gcj02_from_wgs84, wgs84_from_gcj02


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        # Shanghai, Shenzhen and Beijing, as several public implementations are tested.
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
    ],
)
def test_published_pairs(place: tuple[float, float], shown: tuple[float, float]) -> None:
    assert gcj02_from_wgs84(*place) == pytest.approx(shown, abs=1e-9)
    assert wgs84_from_gcj02(*shown) == pytest.approx(place, abs=1e-9)


@given(latitude=st.floats(18.2, 53.5), longitude=st.floats(73.5, 135.0))
def test_there_and_back(latitude: float, longitude: float) -> None:
    shown = gcj02_from_wgs84(latitude, longitude)
    assert wgs84_from_gcj02(*shown) == pytest.approx((latitude, longitude), abs=1e-6)
    metres = math.dist(shown, (latitude, longitude)) * 111_195
    assert 20 < metres < 1500


def test_abroad_nothing_is_shifted() -> None:
    for place in ((48.85, 2.35), (-33.9, 151.2), (0.0, 0.0)):
        assert gcj02_from_wgs84(*place) == place == wgs84_from_gcj02(*place)


def test_in_hunchun_it_is_seven_hundred_metres() -> None:
    """What a survey would be off by, if the datum were not declared."""
    latitude, longitude = gcj02_from_wgs84(42.86, 130.36)
    east = (longitude - 130.36) * 111_195 * math.cos(math.radians(42.86))
    assert math.hypot(east, (latitude - 42.86) * 111_195) == pytest.approx(654, abs=1)
