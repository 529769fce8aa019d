"""Capacity tests as evidence: which count, which are missing, and what they do to other checks' figures."""

from __future__ import annotations

from pathlib import Path

import pytest

import probes
from netmon.archive import Journal, Reader
from netmon.config import recall
from netmon.impact import Known, down_assets, loaded
from netmon.model import Asset, LocalText, Observation, Status
from netmon.targets.evidence import ArchiveEvidence
from netmon.targets.register import load_register
from netmon.targets.rules import ScheduledTest
from netmon.targets.standing import standings
from netmon.targets.verdict import Verdict, Why
from probes.base import ProbeResult, State, StateClass
from tests.lab.observations import SECOND_NS, ignore

ROOT = Path(__file__).parents[3]
DAY = 86_400
INVENTORY = """\
reflector_keys: {default: {key_env: NETMON_KEY}}
sites:
  - id: a
    kind: fire_station
    equipment:
      - {id: uplink, kind: uplink, endpoints: {near: 192.0.2.1, far: 192.0.2.2, reflector: 192.0.2.3}}
      - {id: router, kind: router, address: 192.0.2.2, parent: uplink}
"""
MEANING = {"reached": StateClass.OK, "below": StateClass.DEGRADED, "undecided": StateClass.NOT_MONITORED}
CAPACITY, UPLINK = "a/uplink/capacity", "a/uplink/uplink"


def outcome(day: int, *words: str, attempt: int = 1) -> Observation:
    """A test of a day; ``words`` of the directions to and from the site."""
    states = {
        f"bandwidth[{direction}]": State(word, MEANING[word])
        for direction, word in zip(("to_site", "from_site"), words, strict=False)
    }
    at = (day * DAY + 3600 + attempt * 1800) * SECOND_NS
    return Observation(
        check_id=CAPACITY, vantage="main", scheduled_ns=day * DAY * SECOND_NS, started_ns=at, duration_seconds=20.0,
        attempt=attempt, status=Status.UP, reasons=(), result=ProbeResult(states=states), config_id="v",
    )  # fmt: skip


def measured(check_id: str, at: int, readings: dict[str, float]) -> Observation:
    return Observation(
        check_id=check_id, vantage="main", scheduled_ns=at * SECOND_NS, started_ns=at * SECOND_NS, duration_seconds=0.5,
        attempt=1, status=Status.UP, reasons=(), result=ProbeResult(readings=readings), config_id="v",
    )  # fmt: skip


def pinged(at: int, loss: float) -> Observation:
    return measured(UPLINK, at, {"loss_ratio[far]": loss})


async def write(folder: Path, rows: list[Observation], inventory: str = INVENTORY) -> None:
    async with Journal.open(folder, on_durable=ignore) as journal:
        journal.record_config("v", inventory, 0)
        for row in rows:
            journal.append(row)


async def judged(folder: Path, rows: list[Observation], days: int) -> tuple[ScheduledTest, ...]:
    await write(folder, rows)
    with Reader.open(folder) as reader:
        evidence = ArchiveEvidence(reader, kinds=probes.KINDS, since_ns=0, until_ns=days * DAY * SECOND_NS)
        lines = evidence.timelines()
        return tuple(evidence.tests({CAPACITY: lines[CAPACITY]}, "bandwidth", "reached")[CAPACITY])


async def test_a_test_is_what_both_directions_say_and_a_missing_one_is_none(tmp_path: Path) -> None:
    rows = [
        outcome(0, "reached", "reached"),
        outcome(1, "reached", "below"),
        outcome(1, "reached", "reached", attempt=2),
        outcome(2, "undecided"),
        outcome(2, "reached", "reached", attempt=2),
        outcome(3, "reached", "undecided"),
    ]

    assert await judged(tmp_path, rows, 6) == (
        ScheduledTest(True), ScheduledTest(False, True), ScheduledTest(True), ScheduledTest(None), ScheduledTest(None),
        ScheduledTest(None),
    )  # fmt: skip


async def test_an_observation_without_any_state_decides_nothing(tmp_path: Path) -> None:
    """The reflector did not answer, or netmon itself failed."""
    assert await judged(tmp_path, [outcome(0)], 1) == (ScheduledTest(None),)


@pytest.mark.parametrize(
    ("words", "verdict", "why"),
    [
        (["reached"] * 25, Verdict.MET, Why.REACHED),
        (["reached"] * 24 + ["below"], Verdict.MET, Why.REACHED),
        (["reached"] * 20 + ["below"] * 5, Verdict.NOT_MET, Why.MISSED),
        (["reached"] * 3, Verdict.NOT_ENOUGH_DATA, Why.TOO_FEW_TESTS),
        (["reached", "reached", "reached", "below"], Verdict.NOT_MET, Why.FAILED_TESTS),
        ([], Verdict.NOT_ENOUGH_DATA, Why.NOTHING_KNOWN),
    ],
)
async def test_the_register_judges_uplinks_by_their_tests(
    tmp_path: Path, words: list[str], verdict: Verdict, why: Why
) -> None:
    register = load_register(ROOT / "config" / "targets.yaml", kinds=probes.KINDS)
    await write(tmp_path, [outcome(day, word, word) for day, word in enumerate(words)])
    days = len(words) or 5
    with Reader.open(tmp_path) as reader:
        evidence = ArchiveEvidence(reader, kinds=probes.KINDS, since_ns=0, until_ns=days * DAY * SECOND_NS)
        found = {standing.target.id: standing for standing in standings(register, evidence)}["uplink-bandwidth"]

    (part,) = [part for part in found.parts if part.criterion.id == "capacity"]
    assert (part.subject, part.finding.verdict, part.finding.why) == ("a/uplink", verdict, why)


async def test_what_is_lost_during_a_test_is_left_out_of_the_mean(tmp_path: Path) -> None:
    test = outcome(0, "reached", "reached")
    during = test.started_ns // SECOND_NS + 5
    await write(
        tmp_path, [test, *(pinged(at, 0.5 if at == during else 0.0) for at in range(during - 600, during + 601, 60))]
    )
    with Reader.open(tmp_path) as reader:
        evidence = ArchiveEvidence(
            reader, kinds=probes.KINDS, since_ns=(during - 600) * SECOND_NS, until_ns=(during + 601) * SECOND_NS
        )
        line = evidence.timelines()[UPLINK]
        samples = evidence.samples({UPLINK: line}, ["loss_ratio[far]"])["loss_ratio[far]", UPLINK]

    assert (samples.count, samples.total) == (20, 0.0)
    assert samples.due == 20


async def test_a_stream_that_a_test_met_is_left_out_although_it_began_long_before(tmp_path: Path) -> None:
    """And what hangs on the line has its stream over that line, too."""
    streams = INVENTORY.replace("192.0.2.3}}", "192.0.2.3}, checks: {stream: {kind: stream}}}").replace(
        "parent: uplink}", "parent: uplink, endpoints: {far: 192.0.2.2}, checks: {stream: {kind: stream}}}"
    )
    test = outcome(0, "reached", "reached")
    begins = test.started_ns // SECOND_NS - 30  # it lasts for 59 s, and the test for 20
    names = ("a/uplink/stream", "a/router/stream")
    runs = [
        measured(name, at, {"loss_ratio": 0.5 if at == begins else 0.0})
        for name in names
        for at in range(begins - 600, begins + 601, 60)
    ]
    await write(tmp_path, [test, *runs], streams)
    with Reader.open(tmp_path) as reader:
        evidence = ArchiveEvidence(
            reader, kinds=probes.KINDS, since_ns=(begins - 600) * SECOND_NS, until_ns=(begins + 601) * SECOND_NS
        )
        lines = {name: evidence.timelines()[name] for name in names}
        found = evidence.samples(lines, ["loss_ratio"])

    assert {(samples.count, samples.total) for samples in found.values()} == {(20, 0.0)}


def test_a_load_is_on_what_hangs_on_the_line() -> None:
    def asset(name: str, parent: str | None) -> Asset:
        return Asset(id=name, site="a", kind="router", name=LocalText(), parent=parent)

    assets = {each.id: each for each in (asset("top", None), asset("line", "top"), asset("leaf", "line"))}
    loads = {"line": [(5, 9)], "leaf": [(1, 2)]}

    assert loaded("top", assets, loads) == []
    assert loaded("line", assets, loads) == [(5, 9)]
    assert loaded("leaf", assets, loads) == [(1, 2), (5, 9)]


def test_yesterdays_test_does_not_say_that_a_line_is_there() -> None:
    checks = [
        check for check in recall(INVENTORY, "x", kinds=probes.KINDS).checks.values() if check.asset == "a/uplink"
    ]

    assert {check.kind for check in checks} == {"uplink", "path_mtu", "capacity"}
    states = {UPLINK: Known(Status.DOWN, silent=True), CAPACITY: Known(Status.UP)}
    assert down_assets(checks, states) == {"a/uplink"}
