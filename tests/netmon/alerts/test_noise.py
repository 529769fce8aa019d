"""Simulated weeks: no mail without a fault, and how soon true faults are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netmon.alerts.desk import Desk, NoticeKind
from netmon.alerts.machine import Machine, World
from netmon.impact import down_assets, effects, known
from netmon.model import Asset, Check, LocalText, Observation, Reason, ReasonCode, Status
from probes.base import Failure, ProbeResult
from tests.lab.checks import check
from tests.lab.noisy_county import INTERVAL, NoisyCounty, Said
from tests.lab.soak import SEED, scale

S = 1_000_000_000
START_NS = 1_800_000_000 * S
EVERY_NS = 20 * S


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


def observation_of(said: Said, like: Observation) -> Observation:
    reasons = {
        "down": (Reason(code=ReasonCode.FAILURE, status=Status.DOWN, subject=Failure.TIMEOUT),),
        "degraded": (
            Reason(code=ReasonCode.ABOVE, status=Status.DEGRADED, subject="loss_ratio", value=said.loss, limit=0.05),
        ),
    }.get(said.word, ())
    failure = Failure.TIMEOUT if said.word == "down" else None
    at_ns = START_NS + round(said.at * S)
    return replace(
        like, check_id=f"x/{said.name}/ping", started_ns=at_ns, scheduled_ns=at_ns, attempt=said.attempt,
        status=Status(said.word), reasons=reasons,
        result=ProbeResult(failure=failure, readings={} if failure else {"loss_ratio": said.loss}),
    )  # fmt: skip


def weeks() -> int:
    return scale(2, 20)


@pytest.mark.timeout(1800)
def test_no_mail_without_a_fault_and_true_faults_are_told() -> None:
    """Two weeks of 202 checks (20 in soak)."""
    told = {"dead": 0, "lossy": 0}
    of = {"dead": 0, "lossy": 0}
    delays: list[float] = []
    for week in range(weeks()):
        county = NoisyCounty(SEED + week)
        netmon = Netmon(county)
        machine, desk = Machine(), Desk()
        like = Observation(
            check_id="", vantage="main", scheduled_ns=0, started_ns=0, duration_seconds=0.1, attempt=1,
            status=Status.UP, reasons=(), result=ProbeResult(),
        )  # fmt: skip
        mails: list[tuple[float, str]] = []
        due_ns = 0
        for said in county.runs():
            observation = observation_of(said, like)
            netmon.latest[observation.check_id] = observation
            machine.observe(observation)
            if machine.idle and not desk.threads:
                continue
            now_ns = observation.started_ns
            if now_ns < due_ns:
                continue
            due_ns = now_ns + EVERY_NS
            world = netmon.world(now_ns)
            desk.take(machine.decide(world, now_ns), world)
            for notice in desk.notices(now_ns):
                if notice.kind is NoticeKind.RAISED:
                    mails += [(said.at, alert.asset.partition("/")[2]) for alert in notice.alerts]
        for at, name in mails:
            fitting = [each for each in county.faults if each.name == name and each.begin <= at <= each.end + 300]
            assert fitting, f"week {week}: a mail about {name} at {at}, and nothing was wrong"
        for fault in county.faults:
            kind = "dead" if fault.loss == 1 else "lossy"
            heard = [
                at - fault.begin for at, name in mails if name == fault.name and fault.begin <= at <= fault.end + 300
            ]
            assert len(heard) <= 1, f"week {week}: {len(heard)} mails about {fault}"
            of[kind] += 1
            told[kind] += len(heard)
            if kind == "dead":
                delays += heard
                lasts = fault.end - fault.begin > 2 * INTERVAL + CONFIRM_AND_BREAK
                assert heard or not lasts, f"week {week}: nobody was told of {fault}"
    assert max(delays) <= 2 * INTERVAL + CONFIRM_AND_BREAK
    assert told["lossy"] >= 0.8 * of["lossy"]


CONFIRM_AND_BREAK = 25 + INTERVAL
"""The monitor itself is away for a minute, three times a week; it is decided every 20 s."""
