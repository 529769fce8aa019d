"""A row of a drive test's file -> a sample, or what is wrong with it. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from netmon.archive import Sample
from netmon.config.errors import nearest, shown
from netmon.coverage.datum import wgs84_from_gcj02
from netmon.coverage.mapping import SurveyMap
from netmon.i18n import _
from netmon.model import LOCAL

__all__ = ["BadRow", "SampleReader", "dbm_from_field_strength"]

ISOTROPIC_DB: Final = 77.2
"""P / dBm = E / (dBuV/m) - 20 lg (f / MHz) - 77.2: what an isotropic antenna takes out of a field (ITU-R P.525)."""
WEAKEST_DBM, STRONGEST_DBM = -160.0, 20.0
EARLIEST_NS: Final = 946_684_800 * 1_000_000_000
"""The year 2000: a receiver without a fix says such times."""


class BadRow(ValueError):
    """What is wrong with a row, and what to write instead."""


def dbm_from_field_strength(dbuv_per_m: float, frequency_hertz: float) -> float:
    """Received power of an isotropic antenna, dBm, of a field strength in dBuV/m."""
    return dbuv_per_m - 20 * math.log10(frequency_hertz / 1e6) - ISOTROPIC_DB


class SampleReader:
    """Understands the rows of one file.

    Args:
        stations, terminals: the ids that rows may mean.
        now_ns: nothing is measured later.
    """

    def __init__(
        self, mapping: SurveyMap, *, stations: Collection[str], terminals: Collection[str], frequency_hertz: float,
        now_ns: int,
    ) -> None:  # fmt: skip
        self._map = mapping
        self._frequency = frequency_hertz
        self._now_ns = now_ns
        self._zone = UTC if mapping.utc else LOCAL
        self._stations = {name: name for name in stations} | mapping.values.station
        self._terminals = {name: name for name in terminals} | mapping.values.terminal
        self._nothing = frozenset(mapping.values.nothing_heard)
        self._neighbour = frozenset(mapping.values.neighbour)
        heads = {field: mapping.head(field) for field in mapping.columns.__class__.model_fields}
        # GPX and GeoJSON have these without a map.
        self._latitude = heads["latitude"] or "latitude"
        self._longitude = heads["longitude"] or "longitude"
        self._time = heads["time"] or "time"
        self._signal, self._ber, self._quality = heads["signal"], heads["ber"], heads["quality"]
        self._station, self._terminal, self._role = heads["station"], heads["terminal"], heads["role"]

    def sample(self, line: int, row: Mapping[str, str]) -> Sample:
        """The sample of a row.

        Raises:
            BadRow: it is none.
        """
        latitude = _degrees(row, self._latitude, 90)
        longitude = _degrees(row, self._longitude, 180)
        if self._map.datum == "gcj02":
            latitude, longitude = wgs84_from_gcj02(latitude, longitude)
        word = row.get(self._signal, "").strip() if self._signal else ""
        heard = word not in self._nothing if self._nothing else True
        signal = self._dbm(word) if heard and word else None
        ber = self._share(row.get(self._ber, "").strip()) if self._ber else None
        quality = _number(row.get(self._quality, ""), self._quality) if self._quality else None
        if heard and signal is None and ber is None and quality is None:
            raise BadRow(
                _(
                    "nothing was measured; if that means that nothing was heard, write the word {word} into the map"
                ).format(word=shown(word))
            )
        station = self._word(row, self._station, self._stations, self._map.station) if heard else ""
        return Sample(
            line=line,
            at_ns=self._moment(row.get(self._time, "").strip()),
            latitude=latitude,
            longitude=longitude,
            terminal=self._word(row, self._terminal, self._terminals, self._map.terminal, needed=True),
            station=station,
            serving=not self._role or row.get(self._role, "").strip() not in self._neighbour,
            signal_dbm=signal,
            ber_ratio=ber,
            quality=quality,
            heard=heard,
        )

    def _dbm(self, word: str) -> float:
        number = _number(word, self._signal)
        if number is None:
            raise BadRow(_("{column}: {value} is no number").format(column=self._signal, value=shown(word)))
        if self._map.signal_unit == "dbuv_per_m":
            number = dbm_from_field_strength(number, self._frequency)
        if not WEAKEST_DBM <= number <= STRONGEST_DBM:
            raise BadRow(
                _("{column}: {value:g} dBm is no received power; look at signal_unit of the map").format(
                    column=self._signal, value=number
                )
            )
        return number

    def _share(self, word: str) -> float | None:
        number = _number(word.removesuffix("%"), self._ber)
        if number is None:
            return None
        if self._map.ber_unit == "percent" or word.endswith("%"):
            number /= 100
        if not 0 <= number <= 1:
            raise BadRow(_("{column}: {value} is no share of bits").format(column=self._ber, value=shown(word)))
        return number

    def _moment(self, word: str) -> int:
        try:
            moment = datetime.fromisoformat(word.replace("/", "-"))
        except ValueError:
            write = _("day and time, such as 2026-05-01 08:30:00")
            raise BadRow(_("{value} is no moment; write {write}").format(value=shown(word), write=write)) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        try:
            at_ns = round(moment.timestamp() * 1e6) * 1000
        except (OverflowError, ValueError):
            at_ns = -1
        if not EARLIEST_NS <= at_ns <= self._now_ns:
            raise BadRow(_("{value} is before 2000 or in the future").format(value=shown(word)))
        return at_ns

    def _word(
        self, row: Mapping[str, str], head: str, known: Mapping[str, str], otherwise: str, *, needed: bool = False
    ) -> str:
        word = row.get(head, "").strip() if head else ""
        if not word and (otherwise or not needed):
            return otherwise
        found = known.get(word)
        if found is None:
            text = _("{column}: nobody knows {value}").format(column=head, value=shown(word))
            if near := nearest(word, known):
                text += _("; did you mean {word}?").format(word=near)
            raise BadRow(text)
        return found


def _degrees(row: Mapping[str, str], head: str, most: float) -> float:
    number = _number(row.get(head, ""), head)
    if number is None or not -most <= number <= most:
        raise BadRow(_("{column}: {value} is no degree").format(column=head, value=shown(row.get(head, ""))))
    return number


def _number(word: str, head: str) -> float | None:
    """``None`` where nothing stands."""
    text = word.strip()
    if not text:
        return None
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadRow(_("{column}: {value} is no number").format(column=head, value=shown(word)))
    return number
