"""Kind roll_call: what people heard becomes an observation, an alert at once, and evidence to the day."""

from __future__ import annotations

from pathlib import Path

import probes
from netmon.alerts.machine import Change, Machine, World, _roots
from netmon.app import App, Settings
from netmon.archive import Reader, Stretch
from netmon.config import load, recall
from netmon.impact import EffectiveStatus, Known, down_assets, effects
from netmon.model import Asset, Check, Heard, LocalText, Observation, RollCall, Status
from netmon.runner import Clock
from netmon.targets.evidence import Slice, Version, best_known, timelines
from netmon.targets.standing import standings
from netmon.targets.words import sentence
from netmon.upkeep import roll_call_result
from netmon.verdict import judge
from probes.base import Failure
from probes.roll_call import KIND, RollCallParams, probe_roll_call
from tests.lab.checks import check
from tests.lab.observations import SECOND_NS
from tests.lab.servers import service_wires
from tests.netmon.targets.test_standing import REGISTER, Made

DAY_NS = 86_400 * SECOND_NS
STATION, WATCHED = "hill/police/roll-call", "hill/router/ping"
INVENTORY = """\
sites:
  - id: hill
    kind: radio_site
    equipment:
      - id: police
        kind: base_station
        checks: {base-station: off, roll-call: {kind: roll_call}}
"""
ROLL = check(STATION, kind="roll_call", interval_seconds=86_400, timeout_seconds=21_600)


def heard(word: Heard, at_ns: int) -> Observation:
    result = roll_call_result(RollCall(asset="hill/police", heard=word, at_ns=at_ns, author="li"))
    verdict = judge(ROLL, result, result.readings, required=frozenset(), hearsay=True)
    return Observation(
        check_id=STATION, vantage="main", scheduled_ns=at_ns, started_ns=at_ns, duration_seconds=0.0, attempt=1,
        status=verdict.status, reasons=verdict.reasons, result=result,
    )  # fmt: skip


async def test_nothing_is_asked() -> None:
    result = await probe_roll_call({}, RollCallParams(), wires=service_wires("127.0.0.1"), timeout=1)
    assert result.failure is Failure.NOT_SEEN
    assert judge(ROLL, result, {}, required=frozenset(), hearsay=KIND.hearsay).status is Status.UNKNOWN


def test_how_it_came_through_is_how_it_is_judged() -> None:
    found = {word: heard(word, 5).status for word in Heard}
    assert found == {Heard.CLEAR: Status.UP, Heard.WEAK: Status.DEGRADED, Heard.SILENT: Status.DOWN}
    assert heard(Heard.CLEAR, 5).result.steps[0].text == "entered by li"


async def test_what_is_entered_is_recorded_as_the_run_of_its_check(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(INVENTORY)
    config = load(tmp_path / "sites.yaml", kinds=probes.KINDS)
    now = [1_700_000_000 * SECOND_NS]
    app = App(
        config, Settings(config=tmp_path / "sites.yaml", data=tmp_path / "data"), clock=Clock(wall_ns=lambda: now[0])
    )
    app.start()
    try:
        assert app.schedule._grids == {}  # nobody is asked
        for word in ("silent", "clear"):
            now[0] += DAY_NS
            await app.upkeep.call_roll({"hill/police": word}, "li", known_assets=config.assets)
        assert app.effective()[STATION].status.value == "up"
        now[0] += 2 * DAY_NS
        # The roll call of a day that nobody called is missing: it is not the one before.
        assert app.effective()[STATION].status.value == "unknown"
    finally:
        await app.stop()
    with Reader.open(tmp_path / "data") as reader:
        rows = list(reader.history(STATION))
    assert [(row.status, row.config_id) for row in rows] == [
        (Status.DOWN, config.config_id), (Status.UP, config.config_id)
    ]  # fmt: skip


class Desk:
    """A station that is called, and a router that answers."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.now_ns = 1000 * DAY_NS
        self.checks: dict[str, Check] = {STATION: ROLL, WATCHED: check(WATCHED)}
        self.states: dict[str, Known] = {}
        self.seen: dict[str, int] = {}

    def say(self, word: Heard) -> list[str]:
        self.now_ns += DAY_NS
        found = heard(word, self.now_ns)
        self.machine.observe(found)
        self.states[STATION], self.seen[STATION] = Known(found.status), self.now_ns
        return self.decide()

    def decide(self, router: Status = Status.UP) -> list[str]:
        self.now_ns += SECOND_NS
        self.states[WATCHED] = Known(router, silent=router is Status.DOWN)
        self.seen[WATCHED] = self.now_ns
        assets = {
            name: Asset(id=name, site="hill", kind="x", name=LocalText()) for name in ("hill/police", "hill/router")
        }
        down = down_assets(self.checks.values(), self.states)
        world = World(
            checks=self.checks, assets=assets, seen_ns=self.seen, down=down,
            effective=effects(self.checks.values(), assets, self.states, down, (), self.now_ns),
        )  # fmt: skip
        changes: list[Change] = self.machine.decide(world, self.now_ns)
        return [f"{change.kind} {change.condition.check_id}" for change in changes]


def test_a_station_that_was_not_heard_is_one_alert_until_it_is_heard_again() -> None:
    desk = Desk()
    assert desk.say(Heard.CLEAR) == []
    assert desk.say(Heard.SILENT) == [f"raised {STATION}"]
    assert desk.say(Heard.SILENT) == []
    assert desk.decide() == []
    assert desk.say(Heard.CLEAR) == [f"cleared {STATION}"]


def test_one_that_came_through_badly_once_is_no_alert() -> None:
    desk = Desk()
    assert desk.say(Heard.WEAK) == []
    assert desk.say(Heard.CLEAR) == []


def test_that_people_hear_a_station_does_not_hide_that_netmon_is_cut_off() -> None:
    """The router is silent and there is nothing else that is asked: not heard by radio is another matter."""
    desk = Desk()
    other = "hill/core/ping"
    desk.checks[other] = check(other)
    desk.say(Heard.CLEAR)
    assets = {
        name: Asset(id=name, site="hill", kind="x", name=LocalText())
        for name in ("hill/police", "hill/router", "hill/core")
    }
    world = World(checks=desk.checks, assets=assets, effective={}, seen_ns={})
    assert set(_roots(world)) == {"hill/router", "hill/core"}


# --- evidence ---------------------------------------------------------------------------------------------------------


def line(*parts: tuple[int, int, str]) -> list[Slice]:
    return [Slice(begin * SECOND_NS, end * SECOND_NS, EffectiveStatus(word), False) for begin, end, word in parts]


def test_roll_calls_count_where_no_finer_way_knows_and_are_told() -> None:
    told = [line((0, 10, "up"), (10, 30, "unknown"), (30, 40, "down")), line((0, 40, "unknown"))]
    called = [line((0, 20, "down"), (20, 40, "up"))]
    found, seconds = best_known([], told, called)
    assert [(part.from_ns // SECOND_NS, part.until_ns // SECOND_NS, part.status.value) for part in found] == [
        (0, 10, "up"), (10, 20, "down"), (20, 30, "up"), (30, 40, "down")
    ]  # fmt: skip
    assert seconds == 20


def test_what_others_say_does_not_fill_gaps_of_a_station_that_is_asked_itself() -> None:
    own = [line((0, 20, "unknown"))]
    found, seconds = best_known(own, [line((0, 30, "up"))], [line((0, 40, "up"))])
    assert [(part.from_ns // SECOND_NS, part.until_ns // SECOND_NS) for part in found] == [(20, 40)]
    assert seconds == 10


def test_availability_by_roll_calls_is_named_and_a_missed_one_is_a_gap() -> None:
    """Ten days: called on eight, not heard on one of them."""
    config = recall(INVENTORY, "police", kinds=probes.KINDS)
    since_ns, until_ns = 1000 * DAY_NS, 1010 * DAY_NS
    words = [Status.UP] * 10
    words[3] = Status.DOWN
    stretches = [
        Stretch(since_ns + day * DAY_NS, since_ns + day * DAY_NS, word, "", config.config_id)
        for day, word in enumerate(words)
        if day not in (6, 7)
    ]
    version = Version(config, since_ns, until_ns)
    evidence = Made([version], {STATION: stretches}, since_ns=since_ns, until_ns=until_ns)
    assert list(timelines([version], {STATION: stretches}, ())) == [STATION]
    found = next(each for each in standings(REGISTER, evidence) if each.target.id == "radio-sites")
    part = next(each for each in found.parts if each.criterion.id == "available")
    figures = part.finding.figures
    # What was heard on the sixth day holds for six hours of the seventh, and no longer.
    assert figures["unknown_seconds"] == 2 * 86_400 - 21_600
    assert figures["bad_seconds"] == 86_400
    assert figures["roll_call_seconds"] == figures["good_seconds"] + figures["bad_seconds"]
    assert "by roll calls alone, to the day" in sentence(part)
