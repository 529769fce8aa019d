"""GCJ-02, the datum of maps published in China, and WGS 84, that of GNSS receivers. Pure.

Chinese maps are shifted by 100 to 700 m, by a smooth function of the place that is public knowledge: series of sines on
the ellipsoid of Krasovsky 1940. Its inverse is found by iteration. Outside of China both are the same.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["gcj02_from_wgs84", "wgs84_from_gcj02"]

SEMI_MAJOR_M: Final = 6_378_245.0
"""Of Krasovsky's ellipsoid, with the square of its eccentricity."""
ECCENTRICITY_2: Final = 0.006_693_421_622_965_943
SOUTH, NORTH, WEST, EAST = 0.8293, 55.8271, 72.004, 137.8347
"""Outside of these degrees nothing is shifted."""
CLOSE_DEGREES: Final = 1e-10
MOST_STEPS: Final = 30


def gcj02_from_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """Where a map in GCJ-02 shows a place; degrees, latitude first."""
    if not (SOUTH <= latitude <= NORTH and WEST <= longitude <= EAST):
        return latitude, longitude
    x, y = longitude - 105.0, latitude - 35.0
    short = 20.0 * math.sin(6.0 * math.pi * x) + 20.0 * math.sin(2.0 * math.pi * x)
    root = math.sqrt(abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (short + _waves(y, (20.0, 1), (40.0, 3)) + _waves(y, (160.0, 12), (320.0, 30))) * 2 / 3
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (short + _waves(x, (20.0, 1), (40.0, 3)) + _waves(x, (150.0, 12), (300.0, 30))) * 2 / 3
    # Metres to degrees along the meridian and the parallel.
    sine = math.sin(math.radians(latitude))
    bulge = 1 - ECCENTRICITY_2 * sine * sine
    meridian = SEMI_MAJOR_M * (1 - ECCENTRICITY_2) / (bulge * math.sqrt(bulge))
    parallel = SEMI_MAJOR_M / math.sqrt(bulge) * math.cos(math.radians(latitude))
    return latitude + math.degrees(north / meridian), longitude + math.degrees(east / parallel)


def wgs84_from_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """The place that a map in GCJ-02 shows there; degrees, latitude first."""
    here = latitude, longitude
    for _step in range(MOST_STEPS):
        shown = gcj02_from_wgs84(*here)
        miss = latitude - shown[0], longitude - shown[1]
        here = here[0] + miss[0], here[1] + miss[1]
        if max(abs(miss[0]), abs(miss[1])) < CLOSE_DEGREES:
            break
    return here


def _waves(at: float, *waves: tuple[float, float]) -> float:
    """Sines of a coordinate in degrees: so many metres high, half a wave so many degrees long."""
    return sum(metres * math.sin(at * math.pi / half) for metres, half in waves)
