"""Weeks of a county with noise and true faults, as what each probe would have said. It knows nothing of alerts.

Noise: bursts of loss (Gilbert-Elliott: a line is good for minutes and loses most packets for a second or two), single
lost probes, runs of the monitor that fail. Faults: equipment that dies and comes back, links that lose packets for a
while, some of it just over the threshold.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["INTERVAL", "Fault", "NoisyCounty", "Said"]

INTERVAL = 60
DAY = 86_400
PACKETS = 10
CONFIRM = 6


@dataclass(frozen=True, slots=True)
class Fault:
    """Something truly wrong with one piece of equipment.

    Attributes:
        begin, end: seconds since the week began.
        loss: of packets; 1 for dead.
    """

    name: str
    begin: int
    end: int
    loss: float


@dataclass(frozen=True, slots=True)
class Said:
    """What one run said: ``up``, ``degraded``, ``down`` or ``unknown``, and the share of packets that was lost."""

    at: float
    name: str
    attempt: int
    word: str
    loss: float


@dataclass(slots=True)
class NoisyCounty:
    """One week. ``parents`` is a tree: a core router, stations below it, devices below those.

    Attributes:
        faults: the truth.
    """

    seed: int
    days: int = 7
    stations: int = 20
    devices: int = 9
    faults: list[Fault] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    _felt: dict[str, list[Fault]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self.parents["core"] = ""
        self.parents["probe-friend"] = ""
        for station in range(self.stations):
            self.parents[f"s{station}"] = "core"
            for device in range(self.devices):
                self.parents[f"s{station}-d{device}"] = f"s{station}"
        names = list(self.parents)
        busy: dict[str, int] = {}
        for _ in range(4 * self.days):
            name = chance.choice(names)
            begin = chance.randrange(3600, self.days * DAY - 4 * 3600)
            loss = chance.choice((1.0, 1.0, 1.0, 0.5, 0.2, 0.08))
            length = chance.choice((150, 200, 600, 3600, 7200)) if loss == 1 else chance.choice((900, 3600, 7200))
            if all(abs(begin - other) > 4 * 3600 for other in busy.values()):  # one at a time: so the truth is plain
                busy[name + str(begin)] = begin
                self.faults.append(Fault(name, begin, begin + length, loss))
        self.faults.sort(key=lambda fault: fault.begin)
        for fault in self.faults:
            for name in names:
                if fault.name == name or (fault.loss >= 1 and fault.name in self._ancestors(name)):
                    self._felt.setdefault(name, []).append(fault)

    def runs(self) -> Iterator[Said]:
        """Everything that was said, in order of time."""
        chance = random.Random(self.seed + 1)
        phases = {name: chance.random() * INTERVAL for name in self.parents}
        order = sorted(phases, key=lambda name: phases[name])
        bursts = {name: self._burst(chance, 0.0) for name in order}
        restarts = {chance.randrange(self.days * DAY // INTERVAL) for _ in range(3)}
        for minute in range(self.days * DAY // INTERVAL):
            if minute in restarts:
                continue  # the monitor was away
            for name in order:
                at = minute * INTERVAL + phases[name]
                if chance.random() < 0.0005:
                    yield Said(at, name, 1, "unknown", 0.0)
                    continue
                first = self._probe(chance, name, at, bursts)
                yield first
                if first.word != "up":
                    again = self._probe(chance, name, at + CONFIRM, bursts)
                    yield Said(at + CONFIRM, name, 2, again.word, again.loss)

    def _ancestors(self, name: str) -> set[str]:
        found = set()
        while name := self.parents[name]:
            found.add(name)
        return found

    def _loss(self, name: str, at: float) -> float:
        """Of its own faults, and of dead equipment that it hangs on."""
        return max((each.loss for each in self._felt.get(name, ()) if each.begin <= at < each.end), default=0.0)

    @staticmethod
    def _burst(chance: random.Random, after: float) -> tuple[float, float]:
        begin = after + chance.expovariate(1 / 600)
        return begin, begin + chance.expovariate(1 / 1.5)

    def _probe(self, chance: random.Random, name: str, at: float, bursts: dict[str, tuple[float, float]]) -> Said:
        while bursts[name][1] < at:
            bursts[name] = self._burst(chance, bursts[name][1])
        begin, end = bursts[name]
        true_loss = self._loss(name, at) if name in self._felt else 0.0
        if true_loss >= 1 or (begin > at + 1 and not true_loss):
            loss = true_loss
            if not loss and chance.random() < 0.0002:
                loss = 1.0  # a probe that came to nothing for no reason
        else:
            lost = 0
            for packet in range(PACKETS):
                moment = at + packet / PACKETS
                share = 0.8 if begin <= moment < end else 0.0
                lost += chance.random() < max(share, true_loss)
            loss = lost / PACKETS
        word = "down" if loss >= 1 else "degraded" if loss > 0.05 else "up"
        return Said(at, name, 1, word, loss)
