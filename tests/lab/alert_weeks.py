"""Simulated weeks through alerts: who was told of what, and when. As a program it prints the table of docs/alerts.md.

python -m tests.lab.alert_weeks 20
"""

from __future__ import annotations

import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from netmon.alerts.desk import Desk, NoticeKind
from netmon.alerts.machine import Machine, World
from netmon.impact import down_assets, effects, known
from netmon.model import Asset, Check, LocalText, Observation, Reason, ReasonCode, Status
from probes.base import Failure, ProbeResult
from tests.lab.checks import check
from tests.lab.noisy_county import INTERVAL, Fault, NoisyCounty, Said
from tests.lab.soak import SEED

__all__ = ["GRACE", "Week", "week"]

S = 1_000_000_000
START_NS = 1_800_000_000 * S
EVERY_NS = 20 * S
GRACE = 300
"""Seconds after the end of a fault in which it may still be told: what was seen last is counted."""
_GOOD = ProbeResult(readings={"loss_ratio": 0.0})


@dataclass(frozen=True, slots=True)
class Week:
    """What became of a week.

    Attributes:
        heard: each true fault with the seconds from its beginning to each of the first mails about it.
        false: mails about equipment that had nothing, with their second of the week.
    """

    heard: tuple[tuple[Fault, tuple[float, ...]], ...]
    false: tuple[tuple[str, float], ...]


class Netmon:
    """The part of netmon that alerts need, at the county's time."""

    def __init__(self, county: NoisyCounty) -> None:
        self.assets = {
            f"x/{name}": Asset(
                id=f"x/{name}", site="x", kind="router", name=LocalText(en=name),
                parent=f"x/{parent}" if parent else None,
            )
            for name, parent in county.parents.items()
        }  # fmt: skip
        self.checks: dict[str, Check] = {
            f"{name}/ping": check(f"{name}/ping", interval_seconds=INTERVAL, timeout_seconds=5) for name in self.assets
        }
        self.latest: dict[str, Observation] = {}

    def world(self, now_ns: int) -> World:
        states = {name: known(each, self.latest.get(name), now_ns) for name, each in self.checks.items()}
        down = down_assets(self.checks.values(), states)
        return World(
            checks=self.checks, assets=self.assets, down=down,
            effective=effects(self.checks.values(), self.assets, states, down, (), now_ns),
            seen_ns={name: observation.started_ns for name, observation in self.latest.items()},
        )  # fmt: skip


def observation_of(said: Said) -> Observation:
    at_ns = START_NS + round(said.at * S)
    reasons: tuple[Reason, ...] = ()
    result = _GOOD
    if said.word == "down":
        reasons = (Reason(code=ReasonCode.FAILURE, status=Status.DOWN, subject=Failure.TIMEOUT),)
        result = ProbeResult(failure=Failure.TIMEOUT)
    elif said.word == "degraded":
        reasons = (
            Reason(code=ReasonCode.ABOVE, status=Status.DEGRADED, subject="loss_ratio", value=said.loss, limit=0.05),
        )
        result = ProbeResult(readings={"loss_ratio": said.loss})
    elif said.loss:
        result = ProbeResult(readings={"loss_ratio": said.loss})
    return Observation(
        check_id=f"x/{said.name}/ping", vantage="main", scheduled_ns=at_ns, started_ns=at_ns, duration_seconds=0.1,
        attempt=said.attempt, status=Status(said.word), reasons=reasons, result=result,
    )  # fmt: skip


def week(seed: int, days: int = 7) -> Week:
    """One week of 202 checks each minute."""
    county = NoisyCounty(seed, days=days)
    netmon = Netmon(county)
    machine, desk = Machine(), Desk()
    mails: list[tuple[str, float]] = []
    due_ns = 0
    for said in county.runs():
        observation = observation_of(said)
        netmon.latest[observation.check_id] = observation
        machine.observe(observation)
        now_ns = observation.started_ns
        if now_ns < due_ns or (machine.idle and not desk.threads):
            continue
        due_ns = now_ns + EVERY_NS
        if not machine.idle:
            world = netmon.world(now_ns)
            desk.take(machine.decide(world, now_ns), world)
        for notice in desk.notices(now_ns):
            if notice.kind is NoticeKind.RAISED:
                mails += [(alert.asset.partition("/")[2], said.at) for alert in notice.alerts]
    heard = tuple(
        (fault, tuple(at - fault.begin for name, at in mails if fits(fault, name, at))) for fault in county.faults
    )
    return Week(
        heard=heard,
        false=tuple(mail for mail in mails if not any(fits(fault, *mail) for fault in county.faults)),
    )


def fits(fault: Fault, name: str, at: float) -> bool:
    return name == fault.name and fault.begin <= at <= fault.end + GRACE


def _kind(fault: Fault) -> str:
    length = fault.end - fault.begin
    if fault.loss >= 1:
        return "dead for up to 200 s" if length <= 200 else "dead for 10 min to 2 h"
    return f"loses {fault.loss:.0%} for {'15 min' if length <= 900 else '1 to 2 h'}"


def _main(count: int) -> None:
    kinds: dict[str, list[tuple[float, ...]]] = {}
    false = 0
    with ProcessPoolExecutor(2) as pool:
        for each in pool.map(week, range(SEED, SEED + count)):
            false += len(each.false)
            for fault, heard in each.heard:
                kinds.setdefault(_kind(fault), []).append(heard)
    sys.stdout.write("| fault | true faults | told | median | longest |\n|---|---|---|---|---|\n")
    for kind in sorted(kinds):
        delays = [heard[0] for heard in kinds[kind] if heard]
        row = f"{statistics.median(delays):.0f} s | {max(delays):.0f} s" if delays else "|"
        sys.stdout.write(f"| {kind} | {len(kinds[kind])} | {len(delays)} | {row} |\n")
    twice = sum(len(heard) > 1 for each in kinds.values() for heard in each)
    sys.stdout.write(f"\n{count} weeks, mails about what had nothing: {false}, faults told twice: {twice}\n")


if __name__ == "__main__":
    _main(int(sys.argv[1]))
