"""Counties whose truth is known: what every radio site did in each quarter of an hour for years, and the verdicts that
follow. It knows the rules only from the plan's words: nothing of netmon's targets is imported."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction

__all__ = ["HOLD_SECONDS", "LOST", "STATIONS", "TICK_SECONDS", "UP", "County", "Truth", "first_tick"]

TICK_SECONDS = 900
HOLD_SECONDS = 2 * TICK_SECONDS + 10
"""How long a figure says something: two intervals and the timeout."""
UP, DOWN, LOST = "up", "down", "lost"
STATIONS = ("perfect", "good", "bad", "lossy", "dark", "mixed")


def first_tick(year: int) -> int:
    """The tick with which a year begins in Shanghai, eight hours before it does in UTC; ticks count from 1970."""
    return (round(datetime(year, 1, 1, tzinfo=UTC).timestamp()) - 8 * 3600) // TICK_SECONDS


@dataclass(slots=True)
class Truth:
    """Seconds of one station in one year, and what follows for a share of at least 99.9 %."""

    good: int = 0
    bad: int = 0
    unknown: int = 0
    agreed: dict[str, int] = field(default_factory=lambda: {"good": 0, "bad": 0, "unknown": 0})

    @property
    def verdict(self) -> str:
        """Met: reached even if all that is unknown were bad. Not met: missed by what is known, if 90 % of it is known,
        or whatever the unknown was."""
        known, all_of_it, wanted = self.good + self.bad, self.good + self.bad + self.unknown, Fraction(999, 1000)
        if not all_of_it:
            return "not_enough_data"
        if Fraction(self.good, all_of_it) >= wanted:
            return "met"
        if Fraction(self.good + self.unknown, all_of_it) < wanted:
            return "not_met"
        if known and Fraction(known, all_of_it) >= Fraction(9, 10) and Fraction(self.good, known) < wanted:
            return "not_met"
        return "not_enough_data"

    @property
    def low(self) -> Fraction:
        """The share at its least: unknown counted bad; maintenance counted or left out, whichever is less."""
        outside = self.good + self.bad + self.unknown
        whole = outside + sum(self.agreed.values())
        return min(Fraction(self.good, outside), Fraction(self.good + self.agreed["good"], whole))

    @property
    def high(self) -> Fraction:
        """The share at its most."""
        outside = self.good + self.bad + self.unknown
        whole = outside + sum(self.agreed.values())
        return max(
            Fraction(self.good + self.unknown, outside),
            Fraction(self.good + self.unknown + self.agreed["good"] + self.agreed["unknown"], whole),
        )


class County:
    """Radio sites over some years.

    Attributes:
        ticks: for each station what its check said at each tick: up, down, or lost (no figure).
        windows: for each station, ticks between which work was agreed.
    """

    def __init__(self, seed: int, first_year: int, years: int) -> None:
        self.first_year = first_year
        self.years = years
        self.begin = first_tick(first_year)
        self.end = first_tick(first_year + years)
        chance = random.Random(seed)
        self.ticks = {name: self._line(name, chance) for name in STATIONS}
        self.windows = {name: self._work(chance) for name in STATIONS}

    def _line(self, name: str, chance: random.Random) -> list[str]:
        count = self.end - self.begin
        line = [LOST if name == "dark" else UP] * count
        faults = {"good": (0.0003, DOWN), "bad": (0.004, DOWN), "lossy": (0.2, LOST), "mixed": (0.0007, DOWN)}
        if name in faults:
            share, what = faults[name]
            self._spread(line, round(share * count), what, chance)
        if name == "mixed":
            self._spread(line, round(0.0006 * count), LOST, chance)
        if name == "bad":
            new_year = first_tick(self.first_year + 1) - self.begin
            line[new_year - 20 : new_year + 30] = [DOWN] * 50  # an outage over New Year
        return line

    @staticmethod
    def _spread(line: list[str], wanted: int, what: str, chance: random.Random) -> None:
        while wanted > 0:
            length = min(wanted, chance.randrange(1, 40))
            start = chance.randrange(len(line) - length)
            line[start : start + length] = [what] * length
            wanted -= length

    def _work(self, chance: random.Random) -> list[tuple[int, int]]:
        starts = sorted(chance.sample(range(self.begin, self.end - 20), 6 * self.years))
        return [(start, start + chance.randrange(1, 16)) for start in starts]

    def truth(self, station: str, year: int) -> Truth:
        """What one station did in one year, second by second, by whole quarters and their remainders."""
        truth = Truth()
        line, begin, end = self.ticks[station], first_tick(year), first_tick(year + 1)
        agreed = {tick for start, stop in self.windows[station] for tick in range(start, stop)}
        for tick in range(begin, end):
            for name, seconds in self._said(line, tick - self.begin):
                if tick in agreed:
                    truth.agreed[name] += seconds
                else:
                    setattr(truth, name, getattr(truth, name) + seconds)
        return truth

    @staticmethod
    def _said(line: Sequence[str], place: int) -> list[tuple[str, int]]:
        """What the seconds of one tick were: a figure says something for two ticks and ten seconds."""
        words = {UP: "good", DOWN: "bad"}
        for back in range(3):
            if place - back >= 0 and line[place - back] != LOST:
                holds = min(TICK_SECONDS, HOLD_SECONDS - back * TICK_SECONDS)
                rest = TICK_SECONDS - holds
                return [(words[line[place - back]], holds), *([("unknown", rest)] if rest else [])]
        return [("unknown", TICK_SECONDS)]
