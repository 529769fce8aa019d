"""When something is raised and cleared: by hand, and for random sequences."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.alerts.desk import Desk, NoticeKind, Severity, Silence
from netmon.alerts.machine import VANTAGE, Change, Machine, World
from netmon.impact import down_assets, effects, known
from netmon.model import Asset, Check, LocalText, Observation, Reason, ReasonCode, Status, Window
from probes.base import Failure, ProbeResult, Scheduling
from tests.lab.checks import check
from tests.lab.soak import scale

S = 1_000_000_000
UP, DOWN, DEGRADED, UNKNOWN, STANDBY = Status.UP, Status.DOWN, Status.DEGRADED, Status.UNKNOWN, Status.STANDBY


class Net:
    """core <- uplink <- a, b; and another root."""

    def __init__(self, *, kinds: dict[str, str] | None = None) -> None:
        parents = {"core": None, "friend": None, "uplink": "x/core", "a": "x/uplink", "b": "x/uplink"}
        self.under_test: set[str] = set()
        self.assets = {
            f"x/{name}": Asset(
                id=f"x/{name}", site="x", kind=(kinds or {}).get(name, "router"), name=LocalText(en=name), parent=parent
            )
            for name, parent in parents.items()
        }
        self.checks: dict[str, Check] = {
            f"{name}/ping": check(f"{name}/ping", interval_seconds=60, timeout_seconds=5) for name in self.assets
        }
        self.latest: dict[str, Observation] = {}
        self.windows: list[Window] = []
        self.machine, self.desk = Machine(), Desk()
        self.notices: list[tuple[NoticeKind, tuple[str, ...]]] = []
        self.now_ns = 1_000_000 * S

    def world(self) -> World:
        states = {name: known(each, self.latest.get(name), self.now_ns) for name, each in self.checks.items()}
        down = down_assets(self.checks.values(), states)
        return World(
            checks=self.checks, assets=self.assets, down=down,
            effective=effects(self.checks.values(), self.assets, states, down, self.windows, self.now_ns),
            seen_ns={name: each.started_ns for name, each in self.latest.items()},
        )  # fmt: skip

    def say(self, name: str, status: Status, *, attempt: int = 1, loss: float = 0.5) -> list[Change]:
        reasons = {
            DOWN: (Reason(code=ReasonCode.FAILURE, status=DOWN, subject=Failure.TIMEOUT),),
            DEGRADED: (Reason(code=ReasonCode.ABOVE, status=DEGRADED, subject="loss_ratio", value=loss, limit=0.05),),
        }.get(status, ())
        self.now_ns += S
        readings = {"loss_ratio": loss} if status is DEGRADED else {"loss_ratio": 0.0} if status is UP else {}
        observation = Observation(
            check_id=f"x/{name}/ping", vantage="main", scheduled_ns=self.now_ns, started_ns=self.now_ns,
            duration_seconds=0.1, attempt=attempt, status=status, reasons=reasons,
            result=ProbeResult(failure=Failure.TIMEOUT if status is DOWN else None, readings=readings),
        )  # fmt: skip
        self.latest[observation.check_id] = observation
        self.machine.observe(observation, under_test=name in self.under_test)
        return self.decide()

    def decide(self) -> list[Change]:
        world = self.world()
        changes = self.machine.decide(world, self.now_ns)
        self.desk.take(changes, world)
        self.notices += [
            (notice.kind, tuple(alert.asset for alert in notice.alerts)) for notice in self.desk.notices(self.now_ns)
        ]
        return changes

    def round(self, **statuses: Status) -> None:
        for name in ("core", "friend", "uplink", "a", "b"):
            self.say(name, statuses.get(name, UP))
        self.now_ns += 55 * S


def test_one_bad_run_and_its_repetition_raise_nothing() -> None:
    net = Net()
    net.round()
    net.say("a", DOWN)
    net.say("a", DOWN, attempt=2)
    net.round()
    assert net.notices == []


def test_a_dead_uplink_is_one_mail_and_another_one_when_it_is_back() -> None:
    net = Net()
    net.round()
    for _turn in range(4):
        net.round(uplink=DOWN, a=DOWN, b=DOWN)
    assert net.notices == [(NoticeKind.RAISED, ("x/uplink",))]
    (alert,) = net.desk.open_alerts()
    assert (alert.behind, alert.severity) == (("x/a", "x/b"), Severity.CRITICAL)
    for _turn in range(3):
        net.round()
    assert net.notices[1:] == [(NoticeKind.RESOLVED, ("x/uplink",))]
    assert not net.desk.threads
    for _turn in range(70):
        net.round()
    assert net.machine.idle


def test_a_child_that_is_asked_first_waits_for_its_parent() -> None:
    net = Net()
    net.round()
    net.say("a", DOWN)
    net.now_ns += 60 * S
    net.say("a", DOWN)  # ready, and nobody has looked at the uplink since
    assert net.notices == []
    net.say("core", UP)
    net.say("uplink", DOWN)
    assert net.notices == []
    net.now_ns += 60 * S
    net.say("core", UP)
    net.say("uplink", DOWN)
    assert net.notices == [(NoticeKind.RAISED, ("x/uplink",))]


def test_nobody_waits_for_a_test_once_a_day() -> None:
    """Nor does one that was made say that somebody looked whether the line is there."""
    net = Net()
    test = check("x/uplink/capacity", interval_seconds=86_400, scheduling=Scheduling.EXCLUSIVE)
    net.checks[test.id] = test
    net.round()
    net.say("a", DOWN)
    net.latest[test.id] = replace(net.latest["x/a/ping"], check_id=test.id, started_ns=net.now_ns + 30 * S)
    net.now_ns += 60 * S
    net.say("core", UP)
    net.say("a", DOWN)
    assert net.notices == []
    net.now_ns += 60 * S
    net.say("core", UP)
    net.say("a", DOWN)
    net.now_ns += 10 * S
    net.decide()
    assert net.notices == [(NoticeKind.RAISED, ("x/a",))]


def test_children_that_say_down_for_a_moment_after_their_parent_is_back_raise_nothing() -> None:
    net = Net()
    net.round()
    for _turn in range(3):
        net.round(uplink=DOWN, a=DOWN, b=DOWN)
    net.say("uplink", UP)
    net.say("a", DOWN)  # asked before the line was back
    net.say("a", UP, attempt=2)
    for _turn in range(3):
        net.round()
    assert [kind for kind, _assets in net.notices] == [NoticeKind.RAISED, NoticeKind.RESOLVED]


def test_another_check_of_the_equipment_does_not_clear_it() -> None:
    net = Net()
    net.checks["x/a/snmp"] = check("x/a/snmp", interval_seconds=60, timeout_seconds=5)
    net.round()
    for _turn in range(2):
        net.say("core", UP)
        net.say("uplink", UP)
        net.now_ns += 60 * S
        net.latest["x/a/snmp"] = replace(net.latest["x/uplink/ping"], check_id="x/a/snmp", status=DOWN)
        net.machine.observe(net.latest["x/a/snmp"])
        net.decide()
    assert net.notices == [(NoticeKind.RAISED, ("x/a",))]
    for _turn in range(10):
        net.say("a", UP)
    assert len(net.desk.open_alerts()) == 1


def test_nothing_from_anywhere_is_one_alert_about_netmon() -> None:
    net = Net()
    net.round()
    everything = dict.fromkeys(("core", "friend", "uplink", "a", "b"), DOWN)
    for _turn in range(4):
        net.round(**everything)
    assert net.notices == [(NoticeKind.RAISED, (VANTAGE,))]
    for _turn in range(4):
        net.round()
    assert net.notices[1:] == [(NoticeKind.RESOLVED, (VANTAGE,))]


def test_agreed_work_raises_nothing_and_what_goes_on_after_it_does() -> None:
    net = Net()
    net.round()
    net.windows = [Window(id="w", from_ns=0, until_ns=net.now_ns + 300 * S, entered_ns=0, assets=frozenset({"x/a"}))]
    for _turn in range(4):
        net.round(a=DOWN)
    assert net.notices == []
    for _turn in range(4):
        net.round(a=DOWN)
    assert net.notices == [(NoticeKind.RAISED, ("x/a",))]


def test_a_test_that_loads_the_line_raises_nothing_and_what_outlasts_it_does() -> None:
    net = Net()
    net.round()
    net.under_test = {"uplink", "a"}
    for _turn in range(6):
        net.round(uplink=DEGRADED, a=DOWN, b=UP)
    assert net.notices == []
    net.under_test = set()
    for _turn in range(2):
        net.round(a=DOWN)
    assert net.notices == [(NoticeKind.RAISED, ("x/a",))]
    net.under_test = {"a"}
    for _turn in range(3):
        net.round(a=UP)  # what is good under load is good
    assert net.notices[1:] == [(NoticeKind.RESOLVED, ("x/a",))]


def test_what_raises_again_and_again_flaps_and_is_mailed_no_more_until_it_is_calm() -> None:
    net = Net()
    for _turn in range(12):
        net.round(a=DOWN)
        net.round(a=DOWN)
        net.round()
        net.round()
    kinds = [kind for kind, _assets in net.notices]
    assert kinds.count(NoticeKind.RAISED) == 3
    assert kinds[-1] is not NoticeKind.RESOLVED
    (alert,) = net.desk.open_alerts()
    assert alert.flapping
    for _turn in range(32):
        net.round()
    assert net.notices[-1][0] is NoticeKind.RESOLVED


def test_a_figure_near_its_limit_does_not_clear_at_once() -> None:
    net = Net()
    net.round()
    for _turn in range(5):
        net.round(a=DEGRADED)
    assert net.notices == [(NoticeKind.RAISED, ("x/a",))]
    assert net.desk.open_alerts()[0].severity is Severity.MINOR
    for _turn in range(7):
        net.round()
    assert len(net.notices) == 1
    net.round()
    assert net.notices[1:] == [(NoticeKind.RESOLVED, ("x/a",))]


def test_degraded_that_becomes_down_is_an_update_in_the_same_thread() -> None:
    net = Net(kinds={"a": "base_station"})
    net.round()
    for _turn in range(5):
        net.round(a=DEGRADED)
    for _turn in range(6):
        net.round(a=DOWN)
    assert [kind for kind, _assets in net.notices] == [NoticeKind.RAISED, NoticeKind.UPDATED]
    assert net.desk.open_alerts()[0].severity is Severity.CRITICAL  # radio coverage is lost


def test_faults_at_once_share_a_thread() -> None:
    net = Net()
    net.round()
    for _turn in range(12):
        net.round(a=DOWN, b=DOWN)
    assert [kind for kind, _assets in net.notices] == [NoticeKind.RAISED, NoticeKind.UPDATED]
    assert net.notices[1][1] == ("x/a", "x/b")
    for _turn in range(4):
        net.round()
    assert [kind for kind, _assets in net.notices[2:]] == [NoticeKind.RESOLVED]


def test_what_is_silenced_is_told_when_the_silence_ends() -> None:
    net = Net()
    net.round()
    net.desk.silences["s"] = Silence(
        id="s", what="x/a", from_ns=0, until_ns=net.now_ns + 400 * S, reason="r", author="o"
    )
    for _turn in range(4):
        net.round(a=DOWN)
    assert net.notices == []
    assert len(net.desk.open_alerts()) == 1
    for _turn in range(4):
        net.round(a=DOWN)
    assert net.notices == [(NoticeKind.RAISED, ("x/a",))]


def test_what_a_reload_takes_away_is_over() -> None:
    net = Net()
    net.round()
    for _turn in range(3):
        net.round(a=DOWN)
    del net.checks["x/a/ping"]
    del net.assets["x/a"]
    net.decide()
    assert net.notices[-1] == (NoticeKind.RESOLVED, ("x/a",))


NAMES = ("core", "friend", "uplink", "a", "b")


@settings(max_examples=scale(40, 400), deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(list(Status)), st.sampled_from((1, 1, 2))),
            st.tuples(st.just("clock"), st.integers(-3600, 3600), st.just(0)),
            st.tuples(st.just("reload"), st.booleans(), st.just(0)),
            st.tuples(st.just("restart"), st.booleans(), st.just(0)),
        ),
        max_size=150,
    )
)
def test_invariants_hold_whatever_happens(steps: list[tuple[str, object, int]]) -> None:
    """Each thread is raised first, then updated, then resolved once; nothing is forgotten."""
    net = Net()
    gone = (net.checks["x/b/ping"], net.assets["x/b"])
    threads: dict[str, list[NoticeKind]] = {}
    for what, value, attempt in steps:
        if what == "clock":
            net.now_ns += int(value) * S  # type: ignore[call-overload] # a number here
        elif what == "reload":
            if value:
                net.checks.pop("x/b/ping", None)
                net.assets.pop("x/b", None)
            else:
                net.checks["x/b/ping"], net.assets["x/b"] = gone
        elif what == "restart":
            net.machine = Machine(conditions=net.machine.conditions.values())
        elif f"x/{what}/ping" in net.checks:
            assert isinstance(value, Status)
            net.now_ns += 20 * S
            observation = Observation(
                check_id=f"x/{what}/ping", vantage="main", scheduled_ns=net.now_ns, started_ns=net.now_ns,
                duration_seconds=0.1, attempt=attempt, status=value, reasons=(),
                result=ProbeResult(failure=Failure.TIMEOUT if value is DOWN else None),
            )  # fmt: skip
            net.latest[observation.check_id] = observation
            net.machine.observe(observation)
        world = net.world()
        for change in (changes := net.machine.decide(world, net.now_ns)):
            hidden = world.effective.get(change.condition.check_id)
            if change.kind == "raised" and hidden is not None and change.condition.check_id != VANTAGE:
                assert hidden.status.value not in ("unreachable", "maintenance")
        net.desk.take(changes, world)
        for notice in net.desk.notices(net.now_ns):
            threads.setdefault(notice.thread, []).append(notice.kind)
            assert notice.number == len(threads[notice.thread])
        lasting = {alert.asset for alert in net.desk.open_alerts()}
        raised = {net.checks[name].asset if name in net.checks else name for name in net.machine.conditions}
        assert lasting == raised
    for kinds in threads.values():
        assert kinds[0] is NoticeKind.RAISED
        assert kinds.count(NoticeKind.RAISED) == 1
        assert NoticeKind.RESOLVED not in kinds[:-1]
