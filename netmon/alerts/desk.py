"""From conditions to notices: one alert for a piece of equipment, one thread for what happens at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from netmon.alerts.machine import VANTAGE, Change, Condition, World
from netmon.impact import EffectiveStatus
from netmon.model import Status

__all__ = ["OWN", "Alert", "Desk", "Notice", "NoticeKind", "Severity", "Silence"]

SECOND_NS: Final = 1_000_000_000
TOGETHER_NS: Final = 60 * SECOND_NS
"""What is raised within this time of another alert that lasts goes into its thread."""
UPDATES_NS: Final = 300 * SECOND_NS
"""From one mail of a thread to its next update."""
OWN: Final = "netmon"
"""Site of alerts about netmon itself."""


class Severity(StrEnum):
    """The least first."""

    MINOR = "minor"
    """It works, and not as it should."""
    MAJOR = "major"
    """It does not work."""
    CRITICAL = "critical"
    """It does not work, and others are cut off by it, or radio coverage is lost."""


class NoticeKind(StrEnum):
    """What a notice says of its thread."""

    RAISED = "raised"
    UPDATED = "updated"
    RESOLVED = "resolved"


@dataclass(slots=True, kw_only=True)
class Alert:
    """One piece of equipment that is not well for a reason of its own.

    Attributes:
        id: unique for ever.
        asset: its id; for netmon itself ``netmon/`` and what is wrong.
        thread: id of the alert whose mails it shares; its own if it is the first.
        conditions: what its checks found, the last of each.
        behind: equipment of which nothing can be known because of it, at its worst.
        raised_ns, since_ns, cleared_ns: when it was raised, since when it is so, when it was over.
        acknowledged: by whom; empty while nobody has.
        told: somebody was told of it.
    """

    id: str
    asset: str
    site: str
    thread: str
    since_ns: int
    raised_ns: int
    severity: Severity = Severity.MINOR
    cleared_ns: int | None = None
    conditions: dict[str, Condition] = field(default_factory=dict)
    behind: tuple[str, ...] = ()
    acknowledged: str = ""
    acknowledged_ns: int | None = None
    told: bool = False

    @property
    def flapping(self) -> bool:
        """It comes and goes."""
        return any(condition.flapping for condition in self.conditions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nobody is told about some sites or equipment for a time; all of it is shown and recorded all the same."""

    id: str
    what: str
    from_ns: int
    until_ns: int
    reason: str
    author: str

    def covers(self, alert: Alert, now_ns: int) -> bool:
        """Whether it holds for an alert now."""
        return self.from_ns <= now_ns < self.until_ns and self.what in ("", alert.site, alert.asset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What people are to be told now.

    Attributes:
        number: 1 for a thread's first.
        alerts: all of the thread that people were told of or are told of now.
    """

    kind: NoticeKind
    thread: str
    number: int
    at_ns: int
    alerts: tuple[Alert, ...]


@dataclass(slots=True, kw_only=True)
class Thread:
    """How far the telling has come."""

    id: str
    sent: int = 0
    last_ns: int = 0
    pending: bool = False


class Desk:
    """Keeps alerts, silences and threads; everything in it can be stored and taken up again.

    Attributes:
        alerts: those that last, and those that ended and whose thread goes on, by id.
        silences: by id.
        threads: by id.
        count: how many alerts there ever were.
    """

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.silences: dict[str, Silence] = {}
        self.threads: dict[str, Thread] = {}
        self.count = 0

    def open_alerts(self) -> list[Alert]:
        """Those that last, the worst first."""
        lasting = [alert for alert in self.alerts.values() if alert.cleared_ns is None]
        return sorted(lasting, key=lambda alert: (-list(Severity).index(alert.severity), alert.raised_ns, alert.id))

    def take(self, changes: Iterable[Change], world: World) -> bool:
        """Take over what the machine decided; whether anything changed."""
        changed = False
        for change in changes:
            changed = True
            check = world.checks.get(change.condition.check_id)
            name = change.condition.check_id
            asset, site = (check.asset, check.site) if check is not None else (name, name.partition("/")[0])
            self._take(change, asset, site)
        return self._weigh(world) or changed

    def own(self, name: str, wrong: bool, now_ns: int, condition: Condition | None = None) -> bool:
        """Something about netmon itself is wrong, or no longer; whether that is news."""
        asset = f"{OWN}/{name}"
        lasting = self._lasting(asset)
        if wrong == (lasting is not None):
            return False
        what = condition or Condition(check_id=asset, since_ns=now_ns, last_bad_ns=now_ns, raised_ns=now_ns)
        self._take(Change(what, "raised" if wrong else "cleared", now_ns), asset, OWN)
        return True

    def acknowledge(self, alert_id: str, author: str, now_ns: int) -> Alert | None:
        """Somebody has it in hand; ``None`` if no such alert lasts."""
        alert = self.alerts.get(alert_id)
        if alert is None or alert.cleared_ns is not None:
            return None
        alert.acknowledged, alert.acknowledged_ns = author, now_ns
        return alert

    def notices(self, now_ns: int) -> list[Notice]:
        """What people are to be told now; it counts as told."""
        found = []
        for name in [*self.threads]:
            thread = self.threads[name]
            alerts = [alert for alert in self.alerts.values() if alert.thread == name]
            notice = self._notice(thread, alerts, now_ns)
            if notice is not None:
                found.append(notice)
            if all(alert.cleared_ns is not None for alert in alerts):
                del self.threads[name]
                for alert in alerts:
                    del self.alerts[alert.id]
        return found

    def _notice(self, thread: Thread, alerts: list[Alert], now_ns: int) -> Notice | None:
        lasting = [alert for alert in alerts if alert.cleared_ns is None]
        silent = {
            alert.id for alert in alerts
            if not alert.told and (
                alert.cleared_ns is not None or any(each.covers(alert, now_ns) for each in self.silences.values())
            )
        }  # fmt: skip
        fresh = [alert for alert in lasting if not alert.told and alert.id not in silent]
        told = tuple(alert for alert in alerts if alert.told or alert in fresh)
        if not told:
            return None
        if not lasting:
            kind = NoticeKind.RESOLVED
        elif not thread.sent:
            kind = NoticeKind.RAISED
        elif (fresh or thread.pending) and now_ns - thread.last_ns >= UPDATES_NS:
            kind = NoticeKind.UPDATED
        else:
            return None
        for alert in fresh:
            alert.told = True
        thread.sent += 1
        thread.last_ns, thread.pending = now_ns, False
        return Notice(kind=kind, thread=thread.id, number=thread.sent, at_ns=now_ns, alerts=told)

    def _take(self, change: Change, asset: str, site: str) -> None:
        alert = self._lasting(asset)
        name = change.condition.check_id
        if change.kind == "cleared":
            # A check that a reload took away has no asset any more.
            alert = alert or next((each for each in self.open_alerts() if name in each.conditions), None)
            if alert is not None and all(
                other == name or not condition.raised_ns for other, condition in alert.conditions.items()
            ):
                alert.cleared_ns = change.at_ns
            elif alert is not None:
                alert.conditions.pop(name, None)
                self.threads[alert.thread].pending = True
            return
        if alert is None:
            self.count += 1
            name_of = f"{self.count}-{change.at_ns // SECOND_NS:x}"
            thread = self._thread_for(change.at_ns) or name_of
            alert = Alert(
                id=name_of, asset=asset, site=site, thread=thread, since_ns=change.condition.since_ns,
                raised_ns=change.at_ns,
            )  # fmt: skip
            self.alerts[alert.id] = alert
            self.threads.setdefault(thread, Thread(id=thread))
        elif change.kind != "raised" or name not in alert.conditions:
            self.threads[alert.thread].pending = True
        alert.conditions[name] = change.condition
        alert.since_ns = min(alert.since_ns, change.condition.since_ns)

    def _thread_for(self, at_ns: int) -> str | None:
        for alert in reversed(self.alerts.values()):
            if alert.cleared_ns is None and at_ns - alert.raised_ns <= TOGETHER_NS:
                return alert.thread
        return None

    def _lasting(self, asset: str) -> Alert | None:
        return next((each for each in self.alerts.values() if each.asset == asset and each.cleared_ns is None), None)

    def _weigh(self, world: World) -> bool:
        """How bad each lasting alert is, by what hangs on it."""
        behind: dict[str, dict[str, None]] = {}
        for state in world.effective.values():
            if state.status is EffectiveStatus.UNREACHABLE and state.check_id in world.checks:
                behind.setdefault(state.cause, {})[world.checks[state.check_id].asset] = None
        changed = False
        for alert in self.alerts.values():
            if alert.cleared_ns is not None or alert.site == OWN:
                continue
            cut_off = tuple(dict.fromkeys([*alert.behind, *behind.get(alert.asset, ())]))
            severity = _severity(alert, cut_off, world.assets)
            changed = changed or (severity, cut_off) != (alert.severity, alert.behind)
            alert.severity, alert.behind = severity, cut_off
        return changed


def _severity(alert: Alert, behind: tuple[str, ...], assets: Mapping[str, object]) -> Severity:
    if VANTAGE in alert.conditions:
        return Severity.CRITICAL
    if not any(condition.status is Status.DOWN for condition in alert.conditions.values()):
        return Severity.MINOR
    kind = getattr(assets.get(alert.asset), "kind", "")
    return Severity.CRITICAL if behind or kind == "base_station" else Severity.MAJOR
