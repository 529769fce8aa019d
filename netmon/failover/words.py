"""A failover in words. Check ids are written in the inventory; names are the caller's to escape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from netmon.failover.record import Failover, Outcome, Use
from netmon.i18n import _
from netmon.words import duration, moment

__all__ = ["gap_text", "result_text", "use_lines"]

LISTED = 6


def gap_text(gap: tuple[float, float] | None) -> str:
    """How long services did not answer, with both bounds."""
    if gap is None:
        return _("not known")
    low, high = gap
    most = duration(math.ceil(high))  # a bound is never rounded to the wrong side
    if low < 1:
        return _("at most {high}").format(high=most)
    return _("between {low} and {high}").format(low=duration(low), high=most)


def result_text(failover: Failover, name: Callable[[str], str]) -> str:
    """What came of it as a drill, and why.

    Args:
        name: what a check is called, by its id.
    """
    failed, unclear = failover.of(Outcome.FAILED), failover.of(Outcome.UNCLEAR)
    if not failover.taken_over:
        return _("failed: no backup took over, the site was cut off")
    if failed:
        return _("failed: on the backup these did not work: {names}").format(names=_names(failed, name))
    if failover.passed:
        count = len(failover.of(Outcome.WORKED))
        return _("passed: on the backup everything worked that had worked before ({count} checks)").format(count=count)
    if unclear:
        return _("not judged: too little is known of {names}").format(names=_names(unclear, name))
    return _("not judged: nothing behind the uplink worked before")


def use_lines(use: Use, name: Callable[[str], str]) -> list[str]:
    """What to know while the backup is in use: since when, what it cost, what does not work; empty otherwise.

    Args:
        name: as in :func:`result_text`.
    """
    if use.word != "backup":
        return []
    last = use.last
    if last is None or last.ended_ns is not None:
        since = _("not known") if use.since_ns is None else moment(use.since_ns)
        return [_("on the backup since: {moment}; nothing is in reserve").format(moment=since)]
    lines = [
        _("on the backup since: {moment}; nothing is in reserve").format(moment=moment(last.noticed_ns)),
        _("gap until services answered again: {gap}").format(gap=gap_text(last.gap)),
    ]
    failed = last.of(Outcome.FAILED)
    if failed:
        lines.append(_("on the backup these do not work: {names}").format(names=_names(failed, name)))
    return lines


def _names(checks: Iterable[str], name: Callable[[str], str]) -> str:
    names = sorted(set(map(name, checks)))
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (_(" and {count} more").format(count=more) if more > 0 else "")
