"""A made-up radio network whose truth is known everywhere: path loss, shadows of hills, and a drive test through it.

What a station's signal is at a place comes from Okumura and Hata's formula (M. Hata, IEEE Trans. VT-29 (1980), 317-325,
open area) and from shadowing with a normal distribution in dB that fades out with the distance as M. Gudmundson found
(Electronics Letters 27 (1991), 2145-2146): exp(-d / D). The field is a sum of waves whose lengths have that spectrum,
so that it can be asked for anywhere, again and again, without a grid.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from netmon.archive import Sample
from netmon.coverage.tiles import centre, outline

__all__ = ["Country", "Drive", "TileTruth", "Tower", "hata_open_db"]

METRES_PER_DEGREE: Final = 111_195.0
SENSITIVITY_DBM: Final = -119.0
WAVES: Final = 24
NEAREST_KM: Final = 0.05
FADING_DB: Final = 1.0
"""TSB-88: what is left of fast fading after 50 subsamples over 40 wavelengths, about 1 dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tower:
    """A base station.

    Attributes:
        height_m: of its antenna over the country around.
        eirp_dbm: radiated power.
    """

    station: str
    latitude: float
    longitude: float
    height_m: float = 120.0
    eirp_dbm: float = 46.0


def hata_open_db(km: float, *, frequency_mhz: float, base_m: float, mobile_m: float = 1.5) -> float:
    """Median path loss in open country, dB: 150 to 1500 MHz, 1 to 20 km, antennas of 30 to 200 m and 1 to 10 m."""
    log_f, log_h = math.log10(frequency_mhz), math.log10(base_m)
    antenna = (1.1 * log_f - 0.7) * mobile_m - (1.56 * log_f - 0.8)
    urban = 69.55 + 26.16 * log_f - 13.82 * log_h - antenna + (44.9 - 6.55 * log_h) * math.log10(max(km, NEAREST_KM))
    return urban - 4.78 * log_f**2 + 18.33 * log_f - 40.94


class _Shadow:
    """Zero mean, the given deviation, correlated over the given distance."""

    def __init__(self, chance: random.Random, sigma_db: float, distance_m: float) -> None:
        self._scale = sigma_db * math.sqrt(2 / WAVES)
        self._waves = []
        for _wave in range(WAVES):
            # The spectrum of exp(-d / D) in the plane has this distribution of wave numbers.
            number = math.sqrt(1 / (1 - chance.random()) ** 2 - 1) / distance_m
            bearing = chance.uniform(0, math.tau)
            self._waves.append((number * math.cos(bearing), number * math.sin(bearing), chance.uniform(0, math.tau)))

    def at(self, east_m: float, north_m: float) -> float:
        return self._scale * math.fsum(math.cos(x * east_m + y * north_m + phase) for x, y, phase in self._waves)


class Country:
    """Towers in a hilly country; the same seed makes the same hills.

    Args:
        common: the share of shadowing that all towers have in common: hills around the terminal.
    """

    def __init__(
        self, towers: Sequence[Tower], *, seed: int, frequency_mhz: float = 350.0, sigma_db: float = 8.0,
        distance_m: float = 1200.0, common: float = 0.3,
    ) -> None:  # fmt: skip
        chance = random.Random(seed)  # noqa: S311 (a simulation)
        self.towers = tuple(towers)
        self._frequency = frequency_mhz
        self._common = _Shadow(chance, sigma_db * math.sqrt(common), distance_m)
        self._own = {
            (tower.latitude, tower.longitude): _Shadow(chance, sigma_db * math.sqrt(1 - common), distance_m)
            for tower in towers
        }
        self._middle = (towers[0].latitude, towers[0].longitude)

    def signals(self, latitude: float, longitude: float) -> dict[str, float]:
        """Received power from each station at a place, dBm, isotropic antenna outdoors."""
        here = self._metres(latitude, longitude)
        common = self._common.at(*here)
        found = {}
        for tower in self.towers:
            place = self._metres(tower.latitude, tower.longitude)
            km = math.dist(here, place) / 1000
            loss = hata_open_db(km, frequency_mhz=self._frequency, base_m=tower.height_m)
            own = self._own[tower.latitude, tower.longitude].at(*here)
            found[tower.station] = tower.eirp_dbm - loss + common + own
        return found

    def truth(self, tile: int, *, loss_db: float = 0.0) -> TileTruth:
        """What is true of a tile, for a terminal whose antenna loses so much."""
        latitude, longitude = centre(tile)
        corners = outline(tile)
        places = [(latitude, longitude)]
        for part in (0.4, 0.8):
            places += [(latitude + part * (a - latitude), longitude + part * (b - longitude)) for a, b in corners]
        return TileTruth([self.signals(*place) for place in places], loss_db)

    def _metres(self, latitude: float, longitude: float) -> tuple[float, float]:
        north = (latitude - self._middle[0]) * METRES_PER_DEGREE
        return (longitude - self._middle[1]) * METRES_PER_DEGREE * math.cos(math.radians(self._middle[0])), north


class TileTruth:
    """Signals at places spread over a tile."""

    def __init__(self, places: Sequence[Mapping[str, float]], loss_db: float) -> None:
        self._places = places
        self._loss_db = loss_db

    def covered(self, least_dbm: float, working: Collection[str] | None = None) -> bool:
        """Whether the median of the best signal is good enough, from the stations that work; ``None``: all do."""
        best = [
            max((dbm for station, dbm in place.items() if working is None or station in working), default=-math.inf)
            for place in self._places
        ]
        return median(best) - self._loss_db >= least_dbm


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """How a drive test is done.

    Attributes:
        attempts: in each tile.
        neighbours: the share of attempts at which the terminal also logs another station that it hears.
        loss_db: by class of terminals.
    """

    attempts: int = 8
    neighbours: float = 0.3
    loss_db: Mapping[str, float] = field(default_factory=lambda: {"vehicle": 0.0})

    def samples(self, country: Country, tiles: Collection[int], *, at_ns: int, seed: int) -> Iterator[Sample]:
        """Through these tiles, in their order."""
        chance = random.Random(seed)  # noqa: S311 (a simulation)
        line = 1
        for tile in tiles:
            corners = outline(tile)
            middle = centre(tile)
            for _attempt in range(self.attempts):
                latitude, longitude = _somewhere(chance, middle, corners)
                signals = country.signals(latitude, longitude)
                for terminal, loss in self.loss_db.items():
                    at_ns += 1_000_000_000
                    heard = {
                        station: dbm - loss + chance.gauss(0, FADING_DB)
                        for station, dbm in signals.items()
                        if dbm - loss >= SENSITIVITY_DBM
                    }
                    best = max(heard, key=heard.__getitem__, default=None)
                    for station in [best, *(name for name in heard if name != best)]:
                        if station == best or chance.random() < self.neighbours:
                            line += 1
                            yield Sample(
                                line=line, at_ns=at_ns, latitude=latitude, longitude=longitude, terminal=terminal,
                                station=station or "", serving=station == best,
                                signal_dbm=None if station is None else round(heard[station], 1), ber_ratio=None,
                                quality=None, heard=station is not None,
                            )  # fmt: skip


def _somewhere(
    chance: random.Random, middle: tuple[float, float], corners: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """A place within a tile, equally likely everywhere: in one of its triangles."""
    number = chance.randrange(len(corners))
    one, other = corners[number], corners[(number + 1) % len(corners)]
    a, b = chance.random(), chance.random()
    if a + b > 1:
        a, b = 1 - a, 1 - b
    return (
        middle[0] + a * (one[0] - middle[0]) + b * (other[0] - middle[0]),
        middle[1] + a * (one[1] - middle[1]) + b * (other[1] - middle[1]),
    )
