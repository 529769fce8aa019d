"""The 95th percentile of utilisation from an archive: which five minutes count, and which are missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import probes
from netmon.archive import Journal, Reader, close_days
from netmon.model import Observation, Status, midnight_ns
from netmon.report.facts import collect
from netmon.report.period import period_of
from netmon.targets.evidence import ArchiveEvidence, Means
from netmon.targets.register import Register, load_register
from netmon.targets.standing import Part, monthly, standings
from netmon.targets.verdict import Verdict, Why
from netmon.targets.words import figure_of, sentence
from probes.base import ProbeResult
from tests.lab.observations import SECOND_NS, ignore

ROOT = Path(__file__).parents[3]
INVENTORY = """\
reflector_keys: {default: {key_env: NETMON_KEY}}
defaults: {uplink: {interval: INTERVAL}}
sites:
  - id: a
    kind: battalion
    equipment:
      - {id: aggregate, kind: uplink, endpoints: {near: 192.0.2.1, far: 192.0.2.2}}
      - id: uplink
        kind: uplink
        parent: aggregate
        endpoints: {near: 192.0.2.4, far: 192.0.2.5, reflector: 192.0.2.6}
"""
UPLINK, AGGREGATE, CAPACITY = "a/uplink/uplink", "a/aggregate/uplink", "a/uplink/capacity"
IN, OUT, NEAR = "in_utilisation_ratio[far]", "out_utilisation_ratio[far]", "out_utilisation_ratio[near]"
BEGIN = midnight_ns(date(2026, 3, 1)) // SECOND_NS
HOUR = 3600


def asked(at: int, used: dict[str, float], check_id: str = UPLINK, status: Status = Status.UP) -> Observation:
    at_ns = (BEGIN + at) * SECOND_NS
    return Observation(
        check_id=check_id, vantage="main", scheduled_ns=at_ns, started_ns=at_ns, duration_seconds=0.5, attempt=1,
        status=status, reasons=(), result=ProbeResult(), derived=used, config_id="v",
    )  # fmt: skip


class Book:
    """An archive of one configuration."""

    def __init__(self, folder: Path, rows: list[Observation], until: int, interval: str = "60s") -> None:
        self.folder, self.rows, self.until, self.interval = folder, rows, until, interval

    async def write(self) -> None:
        async with Journal.open(self.folder, on_durable=ignore) as journal:
            journal.record_config("v", INVENTORY.replace("INTERVAL", self.interval), BEGIN * SECOND_NS)
            for row in self.rows:
                journal.append(row)

    def evidence(self, reader: Reader) -> ArchiveEvidence:
        return ArchiveEvidence(
            reader, kinds=probes.KINDS, since_ns=BEGIN * SECOND_NS, until_ns=(BEGIN + self.until) * SECOND_NS
        )

    def means(self, check_id: str = UPLINK, reading: str = IN) -> Means:
        with Reader.open(self.folder) as reader:
            evidence = self.evidence(reader)
            return evidence.means({check_id: evidence.timelines()[check_id]}, [reading])[reading, check_id]

    def parts(self, register: Register) -> dict[tuple[str, str], Part]:
        with Reader.open(self.folder) as reader:
            found = {each.target.id: each for each in standings(register, self.evidence(reader))}["link-quality"]
        return {(part.criterion.id, part.subject): part for part in found.parts}


def minutes(until: int, used: Callable[[int], float], check_id: str = UPLINK, step: int = 60) -> list[Observation]:
    return [asked(at, {IN: used(at), OUT: used(at) / 2}, check_id) for at in range(30, until, step)]


@pytest.fixture
def register() -> Register:
    return load_register(ROOT / "config" / "targets.yaml", kinds=probes.KINDS)


async def test_five_minutes_are_the_mean_of_their_rates(tmp_path: Path) -> None:
    book = Book(tmp_path, minutes(HOUR, lambda at: 0.5 if at < 60 else 0.0), HOUR)
    await book.write()

    found = book.means()

    assert (found.due, list(found.values)) == (12, pytest.approx([0.1, *[0.0] * 11]))


async def test_less_than_half_of_the_rates_is_no_mean_and_a_gap_is_no_zero(tmp_path: Path) -> None:
    rows = [row for row in minutes(HOUR, lambda _: 0.5) if not BEGIN + 300 <= row.started_ns // SECOND_NS < BEGIN + 480]
    rows = [row for row in rows if not BEGIN + 900 <= row.started_ns // SECOND_NS < BEGIN + 1020]
    rows = [row for row in rows if not BEGIN + 1800 <= row.started_ns // SECOND_NS < BEGIN + 3000]
    book = Book(tmp_path, rows, HOUR)
    await book.write()

    found = book.means()

    assert found.due == 12
    assert list(found.values) == [0.5] * 7


async def test_a_check_each_quarter_of_an_hour_has_no_five_minutes(tmp_path: Path, register: Register) -> None:
    """Its means smooth what the percentile is about: a third of the evidence, and no figure."""
    rows = minutes(24 * HOUR, lambda _: 0.5, step=900)
    book = Book(tmp_path, rows, 24 * HOUR, interval="900s")
    await book.write()

    part = book.parts(register)["utilisation-to-site", "a/uplink"]

    assert part.finding.value is None
    assert part.finding.evidence_ratio == pytest.approx(1 / 3, abs=0.01)


async def test_time_that_the_line_was_down_is_not_due(tmp_path: Path) -> None:
    rows = [
        replace(row, status=Status.DOWN, derived={}) if 600 <= row.started_ns // SECOND_NS - BEGIN < 1500 else row
        for row in minutes(HOUR, lambda _: 0.5)
    ]
    book = Book(tmp_path, rows, HOUR)
    await book.write()

    found = book.means()

    # Down from 630 to 1530: the five minutes from 600, 900, 1200 and 1500 are not wholly of the line that worked.
    assert (found.due, list(found.values)) == (8, [0.5] * 8)


async def test_the_traffic_of_a_test_is_no_utilisation(tmp_path: Path) -> None:
    """On its own line and on the one above; also where the next rate tells of it in the next five minutes."""
    test = replace(asked(1190, {}, CAPACITY), duration_seconds=8.0)
    for check_id in (UPLINK, AGGREGATE):
        folder = tmp_path / check_id.replace("/", "-")
        rows = [test, *minutes(HOUR, lambda at: 1.0 if at == 1230 else 0.2, check_id)]
        book = Book(folder, rows, HOUR)
        await book.write()

        found = book.means(check_id)

        assert (found.due, list(found.values)) == (10, pytest.approx([0.2] * 10))


async def test_closed_days_and_the_journal_are_one_and_kept_means_say_the_same(tmp_path: Path) -> None:
    until = 60 * HOUR
    book = Book(tmp_path, minutes(until, lambda at: (at * 7919 % 1000) / 1000), until)
    await book.write()
    before = book.means()
    close_days(tmp_path, now_ns=(BEGIN + until) * SECOND_NS)

    first, again = book.means(), book.means()

    assert before.due == first.due == again.due == 720
    assert list(first.values) == pytest.approx(list(before.values), rel=1e-6)
    assert list(first.values) == list(again.values)
    assert (tmp_path / "sums.sqlite").is_file()


async def test_the_register_reports_both_directions_and_judges_once_a_figure_is_set(
    tmp_path: Path, register: Register
) -> None:
    book = Book(tmp_path, minutes(24 * HOUR, lambda at: 0.9 if at < 2 * HOUR else 0.4), 24 * HOUR)
    await book.write()

    parts = book.parts(register)

    to_site, from_site = (parts[f"utilisation-{way}-site", "a/uplink"] for way in ("to", "from"))
    assert (to_site.finding.verdict, to_site.finding.why) == (Verdict.CANNOT_BE_JUDGED, Why.NO_THRESHOLD)
    assert figure_of(to_site) == "90 %"
    assert figure_of(from_site) == "45 %"
    assert sentence(to_site) == "nobody has set the figure that has to be reached; 100 % known"
    text = (ROOT / "config" / "targets.yaml").read_text(encoding="utf-8")
    for at_most, verdict in (("70%", Verdict.NOT_MET), ("95%", Verdict.MET)):
        path = tmp_path / "targets.yaml"
        path.write_text(
            text.replace("rule: percentile", f"rule: percentile\n        at_most: {at_most}"), encoding="utf-8"
        )
        judged = book.parts(load_register(path, kinds=probes.KINDS))
        assert judged["utilisation-to-site", "a/uplink"].finding.verdict is verdict


async def test_the_near_end_stands_in_where_the_far_end_has_no_counters(tmp_path: Path, register: Register) -> None:
    rows = [replace(row, derived={NEAR: 0.3}) for row in minutes(24 * HOUR, lambda _: 0.0)]
    book = Book(tmp_path, rows, 24 * HOUR)
    await book.write()

    parts = book.parts(register)

    assert figure_of(parts["utilisation-to-site", "a/uplink"]) == "30 %"
    assert figure_of(parts["utilisation-from-site", "a/uplink"]) == ""


async def test_each_month_has_its_own_figure(tmp_path: Path, register: Register) -> None:
    march = 31 * 24 * HOUR
    until = march + 12 * HOUR
    book = Book(tmp_path, minutes(until, lambda at: 0.2 if at < march else 0.6, step=300), until, interval="300s")
    await book.write()
    close_days(tmp_path, now_ns=(BEGIN + until) * SECOND_NS)
    with Reader.open(tmp_path) as reader:
        facts = collect(
            reader, register, probes.KINDS, period_of(month="2026-03"), issued=date(2026, 4, 2),
            until_ns=(BEGIN + until) * SECOND_NS,
        )  # fmt: skip
        found = [
            (since, figure_of(part), part.finding.figures["due_intervals"])
            for since, _until, _target, part in monthly(register, book.evidence(reader))
            if (part.criterion.id, part.subject) == ("utilisation-to-site", "a/uplink")
        ]

    assert found == [
        (BEGIN * SECOND_NS, "20 %", 31 * 288),
        (midnight_ns(date(2026, 4, 1)), "60 %", 144),
    ]
    (row,) = (
        row for row in facts["months"] if (row["subject"], row["criterion"]) == ("a/uplink", "utilisation-to-site")
    )
    assert (row["first"], row["last"], row["value"]) == ("2026-03-01", "2026-03-31", 0.2)
    assert (row["due_intervals"], row["known_intervals"], row["evidence_ratio"]) == (8928, 8928, 1)
