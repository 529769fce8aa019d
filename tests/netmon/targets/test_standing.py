"""Verdicts of whole counties: five years against a truth that knows nothing of the rules; the register as shipped."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import probes
from netmon.archive import Event, Stretch
from netmon.config import Config, load, recall
from netmon.coverage.load import Surveys
from netmon.failover import Failover, Outcome, Service
from netmon.impact import EffectiveStatus
from netmon.model import Status, Window
from netmon.targets.documents import ENTERED, WITHDRAWN, Entry, entries_of
from netmon.targets.evidence import Means, Samples, Slice, Version, due_runs, due_tests, timelines
from netmon.targets.register import Register, load_register
from netmon.targets.rules import ScheduledTest, TimeEvidence
from netmon.targets.standing import Standing, standings, year
from netmon.targets.verdict import Verdict, Why
from netmon.targets.words import figure_of, sentence
from tests.lab.known_county import STATIONS, TICK_SECONDS, County
from tests.lab.soak import SEED, scale

ROOT = Path(__file__).parents[3]
S = 1_000_000_000
REGISTER = load_register(ROOT / "config" / "targets.yaml", kinds=probes.KINDS)
SAMPLE = load(ROOT / "config" / "sites.yaml", kinds=probes.KINDS)


class Made:
    """Evidence that was made for a test."""

    def __init__(
        self, versions: Sequence[Version], stretches: Mapping[str, Sequence[Stretch]], windows: Sequence[Window] = (),
        words: Mapping[str, str] | None = None, *, since_ns: int, until_ns: int,
        surveys: Mapping[str, Surveys] | None = None,
    ) -> None:  # fmt: skip
        self.since_ns = since_ns
        self.until_ns = until_ns
        self.versions = versions
        self.stretches = stretches
        self.windows = windows
        self.words = words or {}
        self.made_surveys = surveys or {}

    def timelines(self) -> Mapping[str, Sequence[Slice]]:
        return timelines(self.versions, self.stretches, self.windows)

    def samples(
        self, lines: Mapping[str, Sequence[Slice]], readings: Sequence[str]
    ) -> Mapping[tuple[str, str], Samples]:
        """As many as the time in which checks worked gives, none of them lost."""
        found = {}
        for name, line in lines.items():
            known = [each for each in line if each.status is not EffectiveStatus.UNKNOWN]
            due = due_runs(self.versions, name, line)
            one = Samples(due=due, count=min(due, due_runs(self.versions, name, known)), total=0.0)
            found |= {(reading, name): one for reading in readings}
        return found

    def means(self, lines: Mapping[str, Sequence[Slice]], readings: Sequence[str]) -> Mapping[tuple[str, str], Means]:
        """Idle lines, known while anything is known."""
        samples = self.samples(lines, readings)
        return {key: Means(due=each.due, values=[0.0] * each.count) for key, each in samples.items()}

    def available_time(self, lines: Mapping[str, Sequence[Slice]]) -> Mapping[str, TimeEvidence]:
        """No link has a stream."""
        return {name: TimeEvidence() for name in lines}

    def tests(
        self, lines: Mapping[str, Sequence[Slice]], state: str, word: str
    ) -> Mapping[str, Sequence[ScheduledTest]]:
        """None took place."""
        return {name: [ScheduledTest(None)] * due_tests(self.versions, name, line) for name, line in lines.items()}

    def surveys(self) -> Mapping[str, Surveys]:
        return self.made_surveys

    def word(self, check_id: str, state: str) -> str | None:
        return self.words.get(f"{check_id} {state}")


def county_config() -> Config:
    stations = "".join(
        f"      - {{id: {name}, kind: router, address: 192.0.2.{n}}}\n" for n, name in enumerate(STATIONS, 1)
    )
    text = (
        f"defaults: {{ping: {{interval: {TICK_SECONDS}s, timeout: 10s}}}}\n"
        f"sites:\n  - id: hill\n    kind: radio_site\n    equipment:\n{stations}"
    )
    return recall(text, "county", kinds=probes.KINDS)


def availability(tmp_path: Path) -> Register:
    path = tmp_path / "targets.yaml"
    path.write_text(
        "plan: {en: p}\ntargets:\n  - id: sites\n    name: {en: x}\n"
        "    clause: {chapter: 1, section: 1, says: {en: y}}\n    indicator: {en: z}\n    criteria:\n"
        "      - {id: up, name: {en: n}, rule: availability, equipment: [router], at_least: 99.9%}\n",
        encoding="utf-8",
    )
    return load_register(path, kinds=probes.KINDS)


def test_what_comes_into_service_at_midnight_is_not_of_the_year_before(tmp_path: Path) -> None:
    text = (
        "sites:\n  - id: s\n    kind: fire_station\n    required: {router: 1}\n    equipment:\n"
        "      - {id: r, kind: router, address: 192.0.2.1, commissioned: 2027-01-01}\n"
    )
    path = tmp_path / "targets.yaml"
    path.write_text(
        "plan: {en: p}\ntargets:\n  - id: t\n    name: {en: x}\n"
        "    clause: {chapter: 1, section: 1, says: {en: y}}\n    indicator: {en: z}\n    criteria:\n"
        "      - {id: c, name: {en: n}, rule: count, equipment: [router]}\n",
        encoding="utf-8",
    )
    since_ns, until_ns = year(2026)
    version = Version(recall(text, "s", kinds=probes.KINDS), since_ns, until_ns)

    (found,) = standings(
        load_register(path, kinds=probes.KINDS), Made([version], {}, since_ns=since_ns, until_ns=until_ns)
    )

    assert found.parts[0].finding.figures["present"] == 0


def stretches_of(county: County, config: Config) -> dict[str, list[Stretch]]:
    found: dict[str, list[Stretch]] = {}
    words = {"up": Status.UP, "down": Status.DOWN}
    for name, line in county.ticks.items():
        made: list[Stretch] = []
        for place, word in enumerate(line):
            if word == "lost":
                continue
            at_ns = (county.begin + place) * TICK_SECONDS * S
            last = made[-1] if made else None
            if last is not None and last.status is words[word] and at_ns - last.last_ns == TICK_SECONDS * S:
                made[-1] = replace(last, last_ns=at_ns)
            else:
                made.append(Stretch(at_ns, at_ns, words[word], "timeout" if word == "down" else "", config.config_id))
        found[f"hill/{name}/ping"] = made
    return found


def windows_of(county: County) -> list[Window]:
    return [
        Window(
            id=f"{name}{start}", from_ns=start * TICK_SECONDS * S, until_ns=stop * TICK_SECONDS * S, entered_ns=0,
            assets=frozenset({f"hill/{name}"}),
        )
        for name, spans in county.windows.items()
        for start, stop in spans
    ]  # fmt: skip


@pytest.mark.parametrize("turn", range(scale(1, 10)))
def test_five_years_of_a_county_are_judged_right(turn: int, tmp_path: Path) -> None:
    """2022 to 2026, 15-minute checks: every verdict, figure, range and share of evidence."""
    county, config, register = County(SEED + turn, 2022, 5), county_config(), availability(tmp_path)
    stretches, windows = stretches_of(county, config), windows_of(county)
    verdicts = set()
    for number in range(2022, 2027):
        since_ns, until_ns = year(number)
        version = Version(config, since_ns, until_ns)
        (found,) = standings(register, Made([version], stretches, windows, since_ns=since_ns, until_ns=until_ns))
        truths = {name: county.truth(name, number) for name in STATIONS}
        assert {part.subject for part in found.parts} == {f"hill/{name}" for name in STATIONS}
        for part in found.parts:
            truth, finding = truths[part.subject.partition("/")[2]], part.finding
            verdicts.add(truth.verdict)
            assert finding.verdict == truth.verdict, (number, part.subject)
            assert finding.figures["maintenance_seconds"] == sum(truth.agreed.values())
            for name in ("good", "bad", "unknown"):
                assert finding.figures[f"{name}_seconds"] == getattr(truth, name), (number, part.subject, name)
            known = truth.good + truth.bad
            assert finding.value == (pytest.approx(truth.good / known, rel=1e-12) if known else None)
            assert finding.range is not None
            assert finding.range.low == pytest.approx(float(truth.low), rel=1e-12)
            assert finding.range.high == pytest.approx(float(truth.high), rel=1e-12)
            assert finding.evidence_ratio == pytest.approx(known / (known + truth.unknown), rel=1e-12)
        order = [verdict.value for verdict in Verdict]
        assert found.verdict == max((truth.verdict for truth in truths.values()), key=order.index)
    assert verdicts == {"met", "not_met", "not_enough_data"}


def sample_evidence(seed: int, *, outage: float = 0.0, lost: float = 0.0) -> Made:
    """Two hours of the sample county. The same seed breaks the same things first, and more of them with more outage."""
    chance = random.Random(seed)
    since_ns, until_ns = year(2026)[0], year(2026)[0] + 7200 * S
    stretches: dict[str, list[Stretch]] = {}
    words = {}
    for check in SAMPLE.checks.values():
        made = []
        base = chance.choice([0.0, 0.0, 0.0, 0.02, 0.3])
        for minute in range(-2, 120):
            broken, gone = chance.random(), chance.random()
            if gone < lost:
                continue
            down = broken < max(base, outage)
            at_ns = since_ns + minute * 60 * S
            status = Status.DOWN if down else Status.UP
            made.append(Stretch(at_ns, at_ns, status, "timeout" if down else "", SAMPLE.config_id))
        stretches[check.id] = made
        if check.kind == "ipv6" and chance.random() >= lost:
            words[f"{check.id} stage"] = "dual_stack" if chance.random() >= max(0.3, outage) else "aaaa"
    version = Version(SAMPLE, since_ns, until_ns)
    return Made([version], stretches, (), words, since_ns=since_ns, until_ns=until_ns)


def met(found: Sequence[Standing]) -> set[tuple[str, str, str]]:
    return {
        (standing.target.id, part.criterion.id, part.subject)
        for standing in found
        for part in standing.parts
        if part.finding.verdict in (Verdict.MET, Verdict.MET_BY_DOCUMENTS)
    }


@settings(max_examples=scale(15, 500), deadline=None)
@given(seed=st.integers(0, 2**32), more=st.floats(0, 1))
def test_lost_evidence_makes_nothing_met(seed: int, more: float) -> None:
    """Every target of the register as shipped.

    The last minutes are not lost: what works at the end is what the last run said, and if that one were gone, the one
    before it would still hold.
    """
    whole = sample_evidence(seed)
    chance = random.Random(seed + 1)
    last_ns = whole.until_ns - 4 * 60 * S
    poorer = {
        check_id: [stretch for stretch in line if chance.random() >= more or stretch.first_ns >= last_ns]
        for check_id, line in whole.stretches.items()
    }
    words = {key: word for key, word in whole.words.items() if chance.random() >= more}
    lost = Made(whole.versions, poorer, (), words, since_ns=whole.since_ns, until_ns=whole.until_ns)
    before, after = standings(REGISTER, whole), standings(REGISTER, lost)
    assert met(after) <= met(before)


@settings(max_examples=scale(15, 500), deadline=None)
@given(seed=st.integers(0, 2**32), more=st.floats(0, 1))
def test_more_outage_makes_nothing_met(seed: int, more: float) -> None:
    before, after = sample_evidence(seed), sample_evidence(seed, outage=more)
    assert met(standings(REGISTER, after)) <= met(standings(REGISTER, before))


def test_a_county_without_any_data_meets_nothing_but_what_stands_in_the_inventory() -> None:
    found = standings(REGISTER, sample_evidence(1, lost=1.0))
    assert {standing.target.id: standing.verdict for standing in found} == {
        "radio-coverage": Verdict.NOT_ENOUGH_DATA,
        "radio-sites": Verdict.NOT_ENOUGH_DATA,
        "uplink-bandwidth": Verdict.NOT_ENOUGH_DATA,
        "dispatch-network": Verdict.CANNOT_BE_JUDGED,
        "link-quality": Verdict.NOT_ENOUGH_DATA,
        "ipv6": Verdict.NOT_ENOUGH_DATA,
        "dispatch-hd": Verdict.NOT_ENOUGH_DATA,
        "adhoc-network": Verdict.NOT_ENOUGH_DATA,
        "public-network": Verdict.NOT_ENOUGH_DATA,
        "satellite": Verdict.NOT_MET,
        "satellite-phone": Verdict.NOT_MET,
        "voice-video": Verdict.NOT_ENOUGH_DATA,
        "command-vehicle": Verdict.NOT_MET,
        "sensing": Verdict.NOT_ENOUGH_DATA,
        "offline-resilience": Verdict.NOT_MET,
    }
    for standing in found:
        for part in standing.parts:
            assert sentence(part)
            figure_of(part)


def test_nothing_monitored_means_nothing_judged() -> None:
    since_ns, until_ns = year(2021)
    found = standings(REGISTER, Made([], {}, since_ns=since_ns, until_ns=until_ns))
    assert not any(standing.verdict in (Verdict.MET, Verdict.NOT_MET) for standing in found)


def entry(**changes: object) -> Entry:
    since_ns, _until = year(2026)
    made = Entry(
        id="e1", target="radio-coverage", kind="figure", at_ns=since_ns + 60 * S, entered_ns=0, author="li", value=0.93
    )
    return replace(made, **changes)  # type: ignore[arg-type] # passed through


def judged(*entries: Entry, target: str = "radio-coverage", failovers: Sequence[Failover] = ()) -> Standing:
    found = standings(REGISTER, sample_evidence(1), entries, failovers)
    return next(standing for standing in found if standing.target.id == target)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.MET_BY_DOCUMENTS),
        ({"value": 0.89}, Verdict.NOT_MET),
        ({"kind": "document", "value": None, "passed": True}, Verdict.MET_BY_DOCUMENTS),
        ({"kind": "document", "value": None, "passed": False}, Verdict.NOT_MET),
        ({"criterion": "surveyed"}, Verdict.MET_BY_DOCUMENTS),
        ({"criterion": "other"}, Verdict.NOT_ENOUGH_DATA),
        ({"at_ns": year(2026)[0] - 1}, Verdict.NOT_ENOUGH_DATA),
        ({"target": "sensing"}, Verdict.NOT_ENOUGH_DATA),
    ],
)
def test_what_people_enter_counts_where_nothing_is_measured(changes: dict[str, object], verdict: Verdict) -> None:
    assert judged(entry(**changes)).verdict is verdict


def test_no_document_outweighs_what_is_measured() -> None:
    assert judged(entry(target="sensing", value=1.0), target="sensing") == judged(target="sensing")


def test_drills_are_of_one_piece_of_equipment() -> None:
    phone = "station-1/satellite-phone"
    drill = entry(target="satellite-phone", kind="drill", subject=phone, passed=True, value=None)
    found = {part.subject: part.finding for part in judged(drill, target="satellite-phone").parts}
    assert found[phone].verdict is Verdict.MET
    assert found["battalion/satellite-phone-1"].why is Why.NEVER_DRILLED


def observed(*, failed: bool = False, taken_over: bool = True, unclear: bool = False) -> Failover:
    outcomes = [Outcome.WORKED, *([Outcome.FAILED] if failed else []), *([Outcome.UNCLEAR] if unclear else [])]
    at_ns = year(2026)[0] + 60 * S
    return Failover(
        id="f", site="station-1", check_id="station-1/router/path", primary="station-1/uplink", taken_over=taken_over,
        lost_ns=at_ns - 10 * S, noticed_ns=at_ns,
        services=tuple(Service(check_id=f"c{n}", outcome=each) for n, each in enumerate(outcomes)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("failover", "verdict", "figures"),
    [
        (observed(), Verdict.MET, {"failed_drills": 0, "seen_drills": 1, "at_least": 1}),
        (observed(failed=True), Verdict.NOT_MET, {"failed_drills": 1, "seen_drills": 0, "at_least": 1}),
        (observed(taken_over=False), Verdict.NOT_MET, {"failed_drills": 1, "seen_drills": 0, "at_least": 1}),
        (observed(unclear=True), Verdict.NOT_MET, {"failed_drills": 0, "seen_drills": 0, "at_least": 1}),
    ],
    ids=["passed", "failed", "not taken over", "not known"],
)
def test_a_failover_that_was_seen_is_a_drill_of_its_station(
    failover: Failover, verdict: Verdict, figures: dict[str, float]
) -> None:
    parts = judged(target="offline-resilience", failovers=[failover]).parts
    found = {part.subject: part.finding for part in parts}

    assert found["station-1"].verdict is verdict
    assert found["station-1"].figures == figures
    assert found["station-2"].verdict is Verdict.NOT_MET


def test_an_entry_that_was_taken_back_counts_no_more() -> None:
    detail = {"id": "e1", "target": "radio-coverage", "kind": "figure", "at_ns": 1, "author": "li", "value": 0.9}
    entered = Event(kind=ENTERED, at_ns=5, detail=detail)
    (found,) = entries_of([entered])
    assert (found.author, found.entered_ns, found.value) == ("li", 5, 0.9)
    assert entries_of([entered, Event(kind=WITHDRAWN, at_ns=6, detail={"id": "e1"})]) == ()
