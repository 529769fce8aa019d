"""From what the inventory announces to windows in time. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from netmon.model import LOCAL, MaintenancePlan, Window

__all__ = ["occurrences"]

SECOND_NS: Final = 1_000_000_000


def occurrences(plan: MaintenancePlan, since_ns: int, until_ns: int, *, entered_ns: int) -> list[Window]:
    """The windows of a plan that overlap ``since_ns <= t < until_ns`` (UTC nanoseconds), in order of time.

    Args:
        entered_ns: when the inventory that holds the plan was first loaded.
    """
    if plan.once is not None:
        start_ns, end_ns = plan.once
        there = start_ns < until_ns and end_ns > since_ns
        return [_window(plan, plan.id, start_ns, end_ns, entered_ns)] if there else []
    length_ns = round(plan.length_seconds * SECOND_NS)
    first = datetime.fromtimestamp((since_ns - length_ns) / SECOND_NS, LOCAL).date() - timedelta(days=1)
    last = datetime.fromtimestamp(until_ns / SECOND_NS, LOCAL).date()
    windows = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.weekday() not in plan.weekdays:
            continue
        begin = datetime.combine(day, time(tzinfo=LOCAL)) + timedelta(seconds=plan.at_seconds)
        start_ns = round(begin.timestamp()) * SECOND_NS
        if start_ns < until_ns and start_ns + length_ns > since_ns:
            windows.append(_window(plan, f"{plan.id}@{day}", start_ns, start_ns + length_ns, entered_ns))
    return windows


def _window(plan: MaintenancePlan, window_id: str, start_ns: int, end_ns: int, entered_ns: int) -> Window:
    return Window(
        id=window_id, from_ns=start_ns, until_ns=end_ns, entered_ns=entered_ns, sites=plan.sites, assets=plan.assets,
        reason=plan.reason,
    )  # fmt: skip
