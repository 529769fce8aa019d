"""Availability by the second (ITU-T Y.1563) of a year: over failed runs, closed days and lost rows."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import probes
from netmon.archive import Journal, Reader, close_days
from netmon.archive.past import MEASURED_WHEN_DOWN
from netmon.model import Observation, Status
from netmon.targets.evidence import ArchiveEvidence
from netmon.targets.register import load_register
from netmon.targets.rules import TimeEvidence, share_of_time
from netmon.targets.standing import standings
from netmon.targets.verdict import Verdict, Why
from probes.base import Failure, ProbeResult
from tests.lab.observations import SECOND_NS, ignore

DAY = 86_400
BEGIN, END = 2 * DAY - 7_200, 2 * DAY + 7_200
"""Over a day's end."""
DUE = (END - BEGIN) // 60
SAMPLED = 57
INVENTORY = """\
defaults: {ping: {interval: 60s, timeout: 5s}}
sites:
  - id: a
    kind: battalion
    equipment:
      - {id: core, kind: router, address: 192.0.2.1}
      - id: line
        kind: uplink
        parent: core
        endpoints: {near: 192.0.2.2, far: 192.0.2.3}
        checks: {stream: {kind: stream}}
      - {id: other, kind: uplink, endpoints: {near: 192.0.2.2, far: 192.0.2.4}}
"""
REGISTER = """\
plan: {en: p}
targets:
  - id: link-quality
    name: {en: n}
    clause: {chapter: 3, section: 6, says: {en: s}}
    indicator: {en: i}
    criteria:
      - {id: seconds, name: {en: c}, rule: available_seconds, equipment: [uplink], at_least: 99.9%}
"""


def stream(at: int, available: float, unavailable: float, status: Status = Status.UP, attempt: int = 1) -> Observation:
    return Observation(
        check_id="a/line/stream", vantage="main", scheduled_ns=at * SECOND_NS, started_ns=at * SECOND_NS,
        duration_seconds=58.0, attempt=attempt, status=status, reasons=(), config_id="v1",
        result=ProbeResult(
            failure=Failure.TIMEOUT if status is Status.DOWN else None,
            readings={"measured_seconds": float(SAMPLED)} if status is not Status.UNKNOWN else {},
        ),
        derived={"available_seconds": available, "unavailable_seconds": unavailable},
    )  # fmt: skip


def core(at: int, status: Status) -> Observation:
    return Observation(
        check_id="a/core/ping", vantage="main", scheduled_ns=at * SECOND_NS, started_ns=at * SECOND_NS,
        duration_seconds=0.1, attempt=1, status=status, reasons=(), config_id="v1",
        result=ProbeResult(failure=Failure.TIMEOUT if status is Status.DOWN else None),
    )  # fmt: skip


async def write(folder: Path, rows: Sequence[Observation], *, close: bool = False) -> None:
    async with Journal.open(folder, on_durable=ignore) as journal:
        journal.record_config("v1", INVENTORY, 0)
        for row in sorted(rows, key=lambda row: row.started_ns):
            journal.append(row)
    if close:
        close_days(folder, now_ns=2 * DAY * SECOND_NS + 3_601 * SECOND_NS)


def time_of(folder: Path) -> TimeEvidence:
    with Reader.open(folder) as reader:
        evidence = ArchiveEvidence(reader, kinds=probes.KINDS, since_ns=BEGIN * SECOND_NS, until_ns=END * SECOND_NS)
        lines = evidence.timelines()
        first = evidence.available_time({"a/line/stream": lines["a/line/stream"]})
        assert evidence.available_time({"a/line/stream": lines["a/line/stream"]}) == first  # from what was kept
    return first["a/line/stream"]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), close=st.booleans())
async def test_seconds_of_every_run_that_measured_any(seed: int, close: bool) -> None:
    """Also of those that failed; and whatever is lost is unknown, so that nothing becomes met by it."""
    chance = random.Random(seed)
    rows = []
    for at in range(BEGIN, END, 60):
        status = chance.choice([*[Status.UP] * 20, Status.DOWN, Status.DEGRADED, Status.UNKNOWN])
        bad = float(SAMPLED) if status is Status.DOWN else chance.choice([0.0] * 9 + [12.0])
        good = SAMPLED - bad
        if status is Status.UNKNOWN:
            good = bad = 0.0
        rows.append(stream(at + 1, good, bad, status))
    kept = [row for row in rows if chance.random() < chance.choice([1, 0.95])]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        await write(Path(one), rows, close=close)
        await write(Path(two), kept, close=close)
        whole, poorer = time_of(Path(one)), time_of(Path(two))

    for found, made in ((whole, rows), (poorer, kept)):
        told = [row for row in made if row.status is not Status.UNKNOWN]
        assert found.good == sum(row.derived["available_seconds"] for row in told)
        assert found.bad == sum(row.derived["unavailable_seconds"] for row in told)
        assert found.good + found.bad + found.unknown == pytest.approx(DUE * SAMPLED)
    at_least = chance.choice([0.5, 0.9, 0.95, 0.999])
    if share_of_time(whole, at_least=at_least, least_evidence=0.9).verdict is not Verdict.MET:
        assert share_of_time(poorer, at_least=at_least, least_evidence=0.9).verdict is not Verdict.MET


async def test_a_second_attempt_counts_nothing_twice(tmp_path: Path) -> None:
    rows = [stream(at + 1, SAMPLED, 0) for at in range(BEGIN, END, 60)]
    await write(tmp_path, [*rows, stream(BEGIN + 30, SAMPLED, 0, attempt=2)])

    assert time_of(tmp_path) == TimeEvidence(good=DUE * SAMPLED, bad=0, unknown=0)


async def test_what_something_else_cuts_off_is_unknown(tmp_path: Path) -> None:
    outage = range(BEGIN + 3_600, BEGIN + 5_400)
    rows = [core(at, Status.DOWN if at in outage else Status.UP) for at in range(BEGIN, END, 60)]
    rows += [
        stream(at + 1, 0, SAMPLED, Status.DOWN) if at in outage else stream(at + 1, SAMPLED, 0)
        for at in range(BEGIN, END, 60)
    ]
    await write(tmp_path, rows)

    found = time_of(tmp_path)
    assert found.bad == 0
    assert found.unknown == pytest.approx(1_800 / 60 * SAMPLED, abs=2 * SAMPLED)


async def test_a_criterion_is_about_lines_that_have_a_stream(tmp_path: Path) -> None:
    register = tmp_path / "targets.yaml"
    register.write_text(REGISTER, encoding="utf-8")
    loaded = load_register(register, kinds=probes.KINDS)
    rows = [stream(at + 1, SAMPLED, 0) for at in range(BEGIN, END, 60)]
    for place, more, verdict in (
        ("good", [], Verdict.MET),
        ("bad", [stream(BEGIN + 7_201, 0, SAMPLED, Status.DOWN)], Verdict.NOT_MET),
    ):
        folder = tmp_path / place
        folder.mkdir()
        replaced = {row.started_ns: row for row in [*rows, *more]}
        await write(folder, list(replaced.values()))
        with Reader.open(folder) as reader:
            evidence = ArchiveEvidence(
                reader, kinds=probes.KINDS, since_ns=BEGIN * SECOND_NS, until_ns=END * SECOND_NS
            )  # fmt: skip
            (standing,) = standings(loaded, evidence)
        (part,) = standing.parts
        assert (part.subject, part.finding.verdict) == ("a/line", verdict)


async def test_without_any_stream_it_cannot_be_judged(tmp_path: Path) -> None:
    register = tmp_path / "targets.yaml"
    register.write_text(REGISTER, encoding="utf-8")
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        journal.record_config("v1", INVENTORY.replace("        checks: {stream: {kind: stream}}\n", ""), 0)
    with Reader.open(tmp_path) as reader:
        evidence = ArchiveEvidence(reader, kinds=probes.KINDS, since_ns=BEGIN * SECOND_NS, until_ns=END * SECOND_NS)
        (standing,) = standings(load_register(register, kinds=probes.KINDS), evidence)

    assert [part.finding.why for part in standing.parts] == [Why.NO_SUBJECT]


async def test_other_readings_are_of_runs_that_worked(tmp_path: Path) -> None:
    """Asked for together, each is summed over its own runs."""
    await write(tmp_path, [stream(BEGIN + 1, SAMPLED, 0), stream(BEGIN + 61, 0, SAMPLED, Status.DOWN)])
    spans = {"a/line/stream": [(BEGIN * SECOND_NS, END * SECOND_NS)]}
    with Reader.open(tmp_path) as reader:
        found = reader.totals(spans, ("unavailable_seconds", "loss_ratio"))

    assert "unavailable_seconds" in MEASURED_WHEN_DOWN
    assert found == {
        ("unavailable_seconds", "a/line/stream"): (2, float(SAMPLED)), ("loss_ratio", "a/line/stream"): (0, 0.0),
    }  # fmt: skip
