"""When something is an alert, and when it is over. Pure: no clock, no file, no mail.

Each check has a state of its own: what one check says never clears what another one found. Only the raw
status is counted; that a parent is down or work is agreed keeps an alert from being raised, never from being cleared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from netmon.impact import Effective, EffectiveStatus
from netmon.model import Asset, Check, Observation, Reason, ReasonCode, Status

__all__ = ["VANTAGE", "Change", "Condition", "Machine", "Policy", "World"]

VANTAGE: Final = "netmon/vantage"
"""The condition that this netmon itself is cut off; no asset can have this id."""
BAD: Final = frozenset({Status.DOWN, Status.DEGRADED})
GOOD: Final = frozenset({Status.UP, Status.STANDBY})
HIDDEN: Final = frozenset({EffectiveStatus.UNREACHABLE, EffectiveStatus.MAINTENANCE})
SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How much it takes. Counts are of observations.

    A single bad run says little, and neither does its re-probe some seconds later: a burst of loss takes both. So runs
    on schedule are counted, an interval apart. What a person heard and entered counts at once, for worse or better.

    Attributes:
        down: so many runs on schedule DOWN, with nothing better between them, raise.
        degraded, often: so many bad of the last so many runs on schedule raise.
        clear: so many good in a row clear what was DOWN, if each figure is well on the good side of its limit, by
            ``margin_ratio`` of it.
        clear_slowly: so many good in a row clear anything: a line that loses some packets has good runs, too.
        flaps, flap_seconds: raised so often in this time is flapping.
        calm_seconds: what flaps is over when it was good for so long.
    """

    down: int = 2
    degraded: tuple[int, int] = (4, 5)
    often: tuple[int, int] = (5, 10)
    clear: int = 2
    clear_slowly: int = 8
    margin_ratio: float = 0.1
    flaps: int = 3
    flap_seconds: float = 3600.0
    calm_seconds: float = 1800.0


@dataclass(slots=True, kw_only=True)
class Condition:
    """What is wrong with one check.

    Attributes:
        status: DOWN or DEGRADED, as last seen while it was bad.
        since_ns: start of the first bad run.
        last_bad_ns: start of the last bad run.
        raised_ns: when it became an alert; ``None`` while it is none.
        flapping: raised again and again.
    """

    check_id: str
    status: Status = Status.DOWN
    since_ns: int = 0
    last_bad_ns: int = 0
    raised_ns: int | None = None
    reasons: tuple[Reason, ...] = ()
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Something was raised, got worse or better, or is over."""

    condition: Condition
    kind: str
    """``raised``, ``changed`` (another status), ``flapping``, ``cleared``."""
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is known at one moment.

    Attributes:
        seen_ns: start of each check's last run, UTC nanoseconds since the epoch.
        down: assets from which nothing comes back (:func:`netmon.impact.down_assets`).
    """

    checks: Mapping[str, Check]
    assets: Mapping[str, Asset]
    effective: Mapping[str, Effective]
    seen_ns: Mapping[str, int]
    down: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Memory:
    """The last runs of a check.

    Attributes:
        bad: of each run on schedule, whether it was bad.
        down, degraded: runs on schedule with this status since the last with another one.
        first_bad_ns: start of the first bad run that counts.
        streak_ns: start of the first bad run since the last good one; 0 after a good one.
    """

    bad: deque[bool]
    down: int = 0
    degraded: int = 0
    first_bad_ns: int = 0
    last_bad_ns: int = 0
    streak_ns: int = 0
    good: int = 0
    clearly_good: int = 0
    status: Status = Status.DOWN
    reasons: tuple[Reason, ...] = ()
    raised: deque[int] = field(default_factory=lambda: deque(maxlen=16))

    @property
    def quiet(self) -> bool:
        """Nothing bad is remembered."""
        return not self.streak_ns and not any(self.bad)

    def forget(self) -> None:
        """Count anew."""
        self.bad.clear()
        self.down = self.degraded = self.streak_ns = 0


class Machine:
    """Takes observations in the order of their runs, and decides from time to time.

    Attributes:
        conditions: what is raised, by check; :data:`VANTAGE` stands for this netmon.
    """

    def __init__(self, policy: Policy | None = None, conditions: Iterable[Condition] = ()) -> None:
        self.policy = policy or Policy()
        self.conditions: dict[str, Condition] = {condition.check_id: condition for condition in conditions}
        self._memory: dict[str, _Memory] = {}
        for condition in self.conditions.values():
            memory = self._remember(condition.check_id)
            memory.first_bad_ns, memory.last_bad_ns = condition.since_ns, condition.last_bad_ns
            memory.status, memory.reasons = condition.status, condition.reasons
            memory.raised.append(condition.raised_ns or condition.since_ns)

    def observe(self, observation: Observation, *, under_test: bool = False) -> None:
        """Take one run into account. UNKNOWN says nothing about the site, for better or worse.

        Args:
            under_test: a test loaded the line meanwhile: what is bad then says nothing either.
        """
        status = observation.status
        if under_test and status in BAD:
            return
        memory = self._memory.get(observation.check_id)
        if memory is None:
            if status not in BAD:
                return
            memory = self._remember(observation.check_id)
        scheduled = observation.attempt == 1
        if status in BAD:
            if memory.quiet:
                memory.first_bad_ns = observation.started_ns
            memory.streak_ns = memory.streak_ns or observation.started_ns
            memory.last_bad_ns = observation.started_ns
            memory.status, memory.reasons = status, observation.reasons
            memory.good = memory.clearly_good = 0
            memory.down = 0 if status is Status.DEGRADED else memory.down + scheduled
            memory.degraded = 0 if status is Status.DOWN else memory.degraded + scheduled
        elif status in GOOD:
            memory.down = memory.degraded = memory.streak_ns = 0
            memory.good += 1
            memory.clearly_good = memory.clearly_good + 1 if self._clearly_good(memory, observation) else 0
        else:
            return
        if scheduled:
            memory.bad.append(status in BAD)
        if memory.quiet and not memory.raised and observation.check_id not in self.conditions:
            del self._memory[observation.check_id]

    @property
    def idle(self) -> bool:
        """There is nothing to decide."""
        return not self._memory and not self.conditions

    def decide(self, world: World, now_ns: int) -> list[Change]:
        """What is raised, changes or is over, at ``now_ns``."""
        changes = [change for name in list(self.conditions) for change in self._go_on(name, world, now_ns)]
        cut_off = self._cut_off(world)
        for name in [name for name in self._memory if name not in self.conditions]:
            check = world.checks.get(name)
            if check is None:
                del self._memory[name]
                continue
            memory = self._memory[name]
            if memory.quiet:
                if not memory.raised or now_ns - memory.raised[-1] > self.policy.flap_seconds * SECOND_NS:
                    del self._memory[name]
                continue
            if world.effective[name].status in HIDDEN or VANTAGE in self.conditions:
                # Suppressed: it is counted anew from here, so that what was seen under a parent's fault raises nothing
                # once the parent is back.
                memory.forget()
                continue
            if not self._ready(memory, check) or not self._witnessed(check, memory, world, now_ns):
                continue
            changes.append(self._raise(VANTAGE if cut_off else name, memory, self._down(check), now_ns))
        return changes

    def _remember(self, name: str) -> _Memory:
        return self._memory.setdefault(name, _Memory(deque(maxlen=self.policy.often[1])))

    def _down(self, check: Check) -> int:
        """So many runs DOWN raise."""
        return 1 if check.by_hand else self.policy.down

    def _ready(self, memory: _Memory, check: Check) -> bool:
        policy, bad = self.policy, list(memory.bad)
        return (
            memory.down >= self._down(check)
            or sum(bad[-policy.degraded[1] :]) >= policy.degraded[0]
            or sum(bad) >= policy.often[0]
        )

    def _raise(self, name: str, memory: _Memory, enough: int, now_ns: int) -> Change:
        down = memory.down >= enough
        condition = Condition(
            check_id=name,
            status=Status.DOWN if down else memory.status,
            since_ns=memory.streak_ns if down else memory.first_bad_ns,
            last_bad_ns=memory.last_bad_ns,
            raised_ns=now_ns,
            reasons=memory.reasons,
        )
        self.conditions[name] = condition
        memory.raised.append(now_ns)
        memory.good = memory.clearly_good = 0
        return Change(condition, "raised", now_ns)

    def _go_on(self, name: str, world: World, now_ns: int) -> Iterable[Change]:
        condition = self.conditions[name]
        if name == VANTAGE:
            if not self._cut_off(world):
                yield self._clear(name, now_ns)
            return
        check = world.checks.get(name)
        if check is None:
            yield self._clear(name, now_ns)  # a reload took it away
            return
        memory = self._remember(name)
        condition.last_bad_ns = memory.last_bad_ns
        policy = self.policy
        begun_ns = now_ns - round(policy.flap_seconds * SECOND_NS)
        if not condition.flapping and sum(at_ns > begun_ns for at_ns in memory.raised) >= policy.flaps:
            condition.flapping = True
            yield Change(condition, "flapping", now_ns)
        quickly = condition.status is Status.DOWN and memory.clearly_good >= policy.clear
        if quickly or memory.good >= (1 if check.by_hand else policy.clear_slowly):
            if not condition.flapping or now_ns - condition.last_bad_ns >= policy.calm_seconds * SECOND_NS:
                yield self._clear(name, now_ns)
            return
        if memory.good == 0 and memory.last_bad_ns:
            condition.reasons = memory.reasons
            enough = (memory.down if memory.status is Status.DOWN else memory.degraded) >= self._down(check)
            if enough and memory.status is not condition.status:
                condition.status = memory.status
                yield Change(condition, "changed", now_ns)

    def _clear(self, name: str, now_ns: int) -> Change:
        memory = self._memory.get(name)
        if memory is not None:
            memory.forget()
        return Change(self.conditions.pop(name), "cleared", now_ns)

    def _clearly_good(self, memory: _Memory, observation: Observation) -> bool:
        """Whether each figure that was beyond its limit is now well within it."""
        readings = observation.readings
        for reason in memory.reasons:
            value = readings.get(reason.subject)
            if value is None or reason.limit is None:
                continue
            margin = abs(reason.limit) * self.policy.margin_ratio
            if reason.code is ReasonCode.ABOVE and value > reason.limit - margin:
                return False
            if reason.code is ReasonCode.BELOW and value < reason.limit + margin:
                return False
        return True

    def _witnessed(self, check: Check, memory: _Memory, world: World, now_ns: int) -> bool:
        """Whether all that could be to blame was looked at since this went wrong, so that blame falls right.

        Everything that it hangs on; for what hangs on nothing, something else that hangs on nothing and answers, or all
        of it. What is not looked at within the time for which its runs hold is not waited for.
        """
        above = list(_above(check.asset, world.assets))
        if above:
            return all(self._looked_at(asset, memory.first_bad_ns, world, now_ns) for asset in above)
        others = [asset for asset in _roots(world) if asset != check.asset]
        if any(asset not in world.down and self._seen(asset, memory.first_bad_ns, world) for asset in others):
            return True
        return all(self._looked_at(asset, memory.first_bad_ns, world, now_ns) for asset in others)

    @staticmethod
    def _seen(asset: str, since_ns: int, world: World) -> bool:
        return any(world.seen_ns.get(check.id, 0) >= since_ns for check in _asked(asset, world))

    @classmethod
    def _looked_at(cls, asset: str, since_ns: int, world: World, now_ns: int) -> bool:
        checks = _asked(asset, world)
        if not checks or cls._seen(asset, since_ns, world):
            return True
        return now_ns - since_ns > min(check.holds_seconds for check in checks) * SECOND_NS

    @staticmethod
    def _cut_off(world: World) -> bool:
        """Whether nothing comes back from anywhere: then it is this machine that is cut off."""
        roots = _roots(world)
        return len(roots) > 1 and all(asset in world.down for asset in roots)


def _asked(asset: str, world: World) -> list[Check]:
    """The checks by which equipment is found to be down; a test once a day is none that anybody waits for."""
    return [
        check
        for check in world.checks.values()
        if check.asset == asset and not (check.exclusive or check.aside or check.hearsay)
    ]


def _above(asset_id: str, assets: Mapping[str, Asset]) -> Iterable[str]:
    seen = {asset_id}
    here = assets.get(asset_id)
    while here is not None and here.parent is not None and here.parent not in seen:
        seen.add(here.parent)
        yield here.parent
        here = assets.get(here.parent)


def _roots(world: World) -> Sequence[str]:
    """Assets that hang on nothing, are asked themselves, and are normally on."""
    found: dict[str, None] = {}
    for check in world.checks.values():
        asset = world.assets.get(check.asset)
        spoken_of = check.normally_off or check.hearsay
        if asset is not None and not any(_above(asset.id, world.assets)) and not spoken_of:
            found[asset.id] = None
    return tuple(found)
