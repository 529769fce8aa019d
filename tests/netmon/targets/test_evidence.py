"""Seconds of evidence against an oracle that looks at every second for itself and knows nothing of slices."""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import probes
from netmon.archive import Journal, Reader, close_days
from netmon.model import Observation, Reason, ReasonCode, Status
from netmon.targets.evidence import ArchiveEvidence, seconds
from netmon.targets.rules import TimeEvidence
from probes.base import Failure, ProbeResult
from tests.lab.observations import SECOND_NS, ignore

DAY = 86_400
BEGIN = 2 * DAY - 7_200
"""Two hours before midnight UTC: a period runs over a day's end."""
HOLD = 2 * 60 + 5
INVENTORY = """\
defaults: {{ping: {{interval: 60s, timeout: 5s}}}}
sites:
  - id: a
    kind: battalion
    equipment:
      - {{id: core, kind: router, address: 192.0.2.1{more}}}
      - {{id: link, kind: router, address: 192.0.2.2, parent: core}}
      - {{id: leaf, kind: router, address: 192.0.2.3, parent: link}}
"""
PLAIN = INVENTORY.format(more="")
PARENTS = {"core": None, "link": "core", "leaf": "link"}


def of(asset: str, at: int, status: Status, config_id: str) -> Observation:
    failure = Failure.TIMEOUT if status is Status.DOWN else None
    reasons = (Reason(code=ReasonCode.FAILURE, status=status, subject="timeout"),) if failure else ()
    return Observation(
        check_id=f"a/{asset}/ping", vantage="main", scheduled_ns=at * SECOND_NS, started_ns=at * SECOND_NS,
        duration_seconds=0.1, attempt=1, status=status, reasons=reasons, result=ProbeResult(failure=failure),
        config_id=config_id,
    )  # fmt: skip


def oracle(runs: dict[str, dict[int, Status]], windows: list[tuple[str, int, int, int]], begin: int, end: int,
           asset: str) -> dict[str, int]:  # fmt: skip
    """Seconds of one asset, second by second."""
    counts = dict.fromkeys(TimeEvidence.__dataclass_fields__, 0)
    known: dict[str, tuple[int, Status] | None] = dict.fromkeys(PARENTS)
    for second in range(begin - HOLD, end):
        for name, of_asset in runs.items():
            if second in of_asset:
                known[name] = (second, of_asset[second])
        if second < begin:
            continue
        now = {
            # An age of exactly HOLD is the last that says something; the second after it begins at that instant.
            name: seen[1] if seen and second - seen[0] < HOLD else None
            for name, seen in known.items()
        }
        cause, here = None, PARENTS[asset]
        while here:
            cause = here if now[here] is Status.DOWN else cause
            here = PARENTS[here]
        state = now[asset]
        if state in (Status.UP, Status.DEGRADED):
            name, explained = "good", {asset}
        elif state is Status.DOWN and cause is None:
            name, explained = "bad", {asset}
        else:
            name, explained = "unknown", {asset, cause}
        agreed = any(
            worked_on in explained and max(start, entered) <= second < stop
            for worked_on, start, stop, entered in windows
        )
        counts[f"maintenance_{name}" if agreed else name] += 1
    return counts


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
async def test_every_second_is_where_an_oracle_puts_it(seed: int) -> None:
    generator = random.Random(seed)
    begin, end = BEGIN, BEGIN + 4 * 3600
    text = PLAIN
    runs: dict[str, dict[int, Status]] = {}
    for name in PARENTS:
        at, status = begin - 600 + generator.randrange(60), Status.UP
        runs[name] = {}
        while at < end:
            if generator.random() < 0.06:
                status = generator.choice(
                    [Status.UP, Status.UP, Status.DOWN, Status.DOWN, Status.DEGRADED, Status.UNKNOWN]
                )
            if generator.random() < 0.97:
                runs[name][at] = status
            at += 60 * (generator.randrange(2, 12) if generator.random() < 0.02 else 1)
    windows = []
    for _number in range(generator.randrange(4)):
        start = generator.randrange(begin, end)
        stop = start + generator.randrange(60, 3600)
        windows.append((generator.choice(list(PARENTS)), start, stop, start - generator.randrange(1, 600)))
    rows = [of(name, at, status, "v1") for name, line in runs.items() for at, status in line.items()]
    rows.sort(key=lambda row: row.started_ns)
    late = [row for row in rows if generator.random() < 0.01]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with Journal.open(path, on_durable=ignore) as journal:
            journal.record_config("v1", text, 0)
            for number, (name, start, stop, entered) in enumerate(windows):
                journal.append_event(
                    "maintenance", entered * SECOND_NS,
                    {"id": f"w{number}", "from_ns": start * SECOND_NS, "until_ns": stop * SECOND_NS, "sites": [],
                     "assets": [f"a/{name}"], "reason": "work", "author": "tester"},
                )  # fmt: skip
            for row in rows:
                if row not in late:
                    journal.append(row)
        if generator.random() < 0.7:
            close_days(path, now_ns=generator.choice([2, 4]) * DAY * SECOND_NS + 3_601 * SECOND_NS)
        async with Journal.open(path, on_durable=ignore) as journal:
            for row in late:
                journal.append(row)
        with Reader.open(path) as reader:
            evidence = ArchiveEvidence(reader, kinds=probes.KINDS, since_ns=begin * SECOND_NS, until_ns=end * SECOND_NS)
        lines = evidence.timelines()
        for name in PARENTS:
            found = seconds([lines[f"a/{name}/ping"]])
            expected = oracle(runs, windows, begin, end, name)
            assert {key: getattr(found, key) for key in expected} == expected, name


async def evidence_of(
    folder: Path, texts: dict[int, str], rows: list[Observation], begin: int, end: int
) -> ArchiveEvidence:
    async with Journal.open(folder, on_durable=ignore) as journal:
        for number, (at, text) in enumerate(texts.items()):
            journal.record_config(f"v{number}", text, at * SECOND_NS)
        for row in rows:
            journal.append(row)
    with Reader.open(folder) as reader:
        return ArchiveEvidence(reader, kinds=probes.KINDS, since_ns=begin * SECOND_NS, until_ns=end * SECOND_NS)


async def test_monitoring_begins_with_the_first_configuration(tmp_path: Path) -> None:
    evidence = await evidence_of(tmp_path, {1000: PLAIN}, [], 0, 4000)
    found = seconds([evidence.timelines()["a/core/ping"]])
    assert found == TimeEvidence(unknown=3000.0)


async def test_a_check_counts_while_a_configuration_has_it(tmp_path: Path) -> None:
    without = "sites: [{id: a, kind: battalion}]\n"
    evidence = await evidence_of(tmp_path, {0: PLAIN, 500: without, 900: PLAIN}, [], 0, 1000)
    assert seconds([evidence.timelines()["a/core/ping"]]) == TimeEvidence(unknown=600.0)


async def test_a_longer_interval_holds_longer_from_when_it_is_in_force(tmp_path: Path) -> None:
    slow = PLAIN.replace("interval: 60s", "interval: 600s")
    rows = [of("core", 100, Status.UP, "v0"), of("core", 3000, Status.UP, "v1")]
    evidence = await evidence_of(tmp_path, {0: PLAIN, 2000: slow}, rows, 0, 6000)
    assert seconds([evidence.timelines()["a/core/ping"]]) == TimeEvidence(good=125.0 + 1205.0, unknown=6000 - 1330.0)


async def test_equipment_counts_from_its_first_to_its_last_day_in_shanghai(tmp_path: Path) -> None:
    more = ", commissioned: '2024-02-29', retired: '2024-03-02'"
    begin, end = (int(datetime(2024, month, 1, tzinfo=UTC).timestamp()) for month in (1, 6))
    evidence = await evidence_of(tmp_path, {0: INVENTORY.format(more=more)}, [], begin, end)
    (only,) = evidence.timelines()["a/core/ping"]
    assert only.until_ns - only.from_ns == 2 * DAY * SECOND_NS
    assert datetime.fromtimestamp(only.from_ns / 1e9, UTC) == datetime(2024, 2, 28, 16, tzinfo=UTC)


async def test_an_outage_over_new_year_is_split_where_the_year_ends_in_shanghai(tmp_path: Path) -> None:
    new_year = int(datetime(2025, 12, 31, 16, tzinfo=UTC).timestamp())
    rows = [of("core", new_year + 60 * n, Status.DOWN, "v0") for n in range(-30, 30)]
    text = {0: PLAIN}
    (tmp_path / "x").mkdir()
    before = await evidence_of(tmp_path / "x", text, rows, new_year - 3600, new_year)
    (tmp_path / "y").mkdir()
    after = await evidence_of(tmp_path / "y", text, rows, new_year, new_year + 3600)
    assert seconds([before.timelines()["a/core/ping"]]) == TimeEvidence(bad=1800.0, unknown=1800.0)
    assert seconds([after.timelines()["a/core/ping"]]) == TimeEvidence(
        bad=29 * 60 + 125.0, unknown=3600 - 29 * 60 - 125.0
    )


async def test_a_secret_file_that_is_gone_does_not_hide_the_past(tmp_path: Path) -> None:
    text = "snmp_auths: {radios: {version: 2c, community_file: /nowhere/gone}}\n" + PLAIN
    evidence = await evidence_of(tmp_path, {0: text}, [of("core", 10, Status.UP, "v0")], 0, 100)
    assert seconds([evidence.timelines()["a/core/ping"]]) == TimeEvidence(good=90.0, unknown=10.0)


async def test_windows_of_the_inventory_count_from_when_it_was_loaded(tmp_path: Path) -> None:
    moments = "start: '1970-01-01T00:10:00+00:00', end: '1970-01-01T00:30:00+00:00'"
    plan = f"maintenance: [{{id: w, equipment: [a/core], {moments}}}]\n"
    texts = {0: PLAIN, 900: plan + PLAIN, 1500: PLAIN}
    evidence = await evidence_of(tmp_path, texts, [], 0, 3600)
    found = seconds([evidence.timelines()["a/core/ping"]])
    assert found == TimeEvidence(unknown=3000.0, maintenance_unknown=600.0)


@pytest.mark.parametrize(("status", "bucket"), [(Status.STANDBY, ""), (Status.DEGRADED, "good"), (Status.DOWN, "bad")])
async def test_what_a_status_counts_as(tmp_path: Path, status: Status, bucket: str) -> None:
    rows = [of("core", 10 + 60 * n, status, "v0") for n in range(20)]
    evidence = await evidence_of(tmp_path, {0: PLAIN}, rows, 600, 1000)
    found = seconds([evidence.timelines()["a/core/ping"]])
    assert found == (replace(TimeEvidence(), **{bucket: 400.0}) if bucket else TimeEvidence())
