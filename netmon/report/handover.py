"""The sheet that one shift hands to the next (交接班): the last 24 hours on one page."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from netmon import __version__
from netmon.alerts.service import kept_alerts
from netmon.archive import ArchiveError, Reader
from netmon.config import Config
from netmon.i18n import _
from netmon.impact import EffectiveStatus
from netmon.model import LOCAL, Window
from netmon.report.course import OUTAGES, Course, Span
from netmon.report.emergency_pages import STATUS_COLOURS
from netmon.report.tables import Language
from netmon.report.texts import Names, texts
from netmon.report.typeset import typeset, width
from netmon.targets.evidence import ArchiveEvidence
from netmon.upkeep import EVENT_KINDS, Declared, occurrences
from netmon.words import duration, effective_word, moment, printable
from probes.base import ProbeKind

__all__ = ["handover"]

DAY_NS: Final = 86_400 * 1_000_000_000
MOST: Final[Mapping[str, int]] = {"now": 9, "outages": 9, "work": 4, "silences": 2}
"""Rows of each part: it stays one page that can be read, and what does not fit is counted."""
WIDEST_NAME: Final = 48
"""In digits; a Chinese letter is as wide as two."""


def handover(folder: Path, kinds: Mapping[str, ProbeKind[Any]], language: Language, *, now_ns: int) -> bytes:
    """The sheet as PDF, in the current language, which must be ``language``.

    Args:
        folder: the archive's.

    Raises:
        ArchiveError: the archive cannot be read, or nothing was monitored in these 24 hours.
        ConfigError: a configuration of the past is none for this netmon.
    """
    with Reader.open(folder) as reader:
        evidence = ArchiveEvidence(reader, kinds=kinds, since_ns=now_ns - DAY_NS, until_ns=now_ns)
        if not evidence.versions:
            raise ArchiveError(_("nothing was monitored in the last 24 hours"))
        declared = Declared()
        for kind in EVENT_KINDS:
            for event in reader.events(kind, until_ns=now_ns):
                declared.take(event)
        restarts = sum(1 for _event in reader.events("start", since_ns=now_ns - DAY_NS, until_ns=now_ns))
        damaged = sorted(reader.damaged)
    config = evidence.versions[-1].config
    sheet = _Sheet(config, Course(evidence, config), Names([config]), language, now_ns)
    alerts: Mapping[str, str] = {}
    silences: list[list[str]] = []
    with contextlib.suppress(ArchiveError):  # the sheet goes without who has what in hand
        lasting, silent = kept_alerts(folder)
        alerts = {alert.asset: printable(alert.acknowledged) for alert in lasting if alert.acknowledged}
        silences = [
            [
                sheet.name(each.what) if each.what else _("everything"),
                moment(each.until_ns),
                _short(printable(each.reason)),
            ]
            for each in silent
            if each.until_ns > now_ns
        ]
    parts = {
        "now": sheet.now(alerts),
        "outages": sheet.outages(),
        "work": sheet.work(_coming(config, declared, now_ns)),
        "silences": silences,
    }
    content = {
        "facts": {"organisation": texts(config.organisation), "name": ""},
        "words": _words(sheet, config, declared, restarts, damaged, now_ns),
        "colours": STATUS_COLOURS,
        "parts": {name: rows[: MOST[name]] for name, rows in parts.items()},
        "left": {name: max(0, len(rows) - MOST[name]) for name, rows in parts.items()},
    }
    return typeset("handover.typ", content, datetime.fromtimestamp(now_ns / 1e9, LOCAL).date(), language)


def _coming(config: Config, declared: Declared, now_ns: int) -> list[Window]:
    """Work that goes on or begins within the next 24 hours."""
    until_ns = now_ns + DAY_NS
    windows = [each for each in declared.windows.values() if each.from_ns < until_ns and each.until_ns > now_ns]
    for plan in config.maintenance:
        windows += occurrences(plan, now_ns, until_ns, entered_ns=0)
    return sorted(windows, key=lambda each: (each.from_ns, each.id))


def _short(text: str) -> str:
    """Short enough for two lines of a column."""
    found = ""
    for letter in text:
        if width(found) + width(letter) > WIDEST_NAME:
            return found + "…"
        found += letter
    return found


class _Sheet:
    """The parts of the sheet, as rows of words."""

    def __init__(self, config: Config, course: Course, names: Names, language: Language, now_ns: int) -> None:
        self._course = course
        self._names = names
        self._language = language
        self._now_ns = now_ns
        ends = [course.at_end(asset, now_ns) for asset in config.assets]
        self.ends = [span for span in ends if span is not None]

    def name(self, what: str) -> str:
        """Short enough for a line or two."""
        return _short(self._names.of(what)[self._language])

    def now(self, alerts: Mapping[str, str]) -> list[list[str]]:
        """What does not work now or only just, what is to blame first; who has it in hand."""
        order = [EffectiveStatus.DOWN, EffectiveStatus.DEGRADED, EffectiveStatus.UNREACHABLE]
        wrong = [span for span in self.ends if span.status in order]
        wrong.sort(key=lambda span: (order.index(span.status), span.from_ns))
        return [
            [
                span.status.value, effective_word(span.status.value), self.name(span.asset), self._since(span),
                self.name(span.cause) if span.cause else "", alerts.get(span.asset, ""),
            ]
            for span in wrong
        ]  # fmt: skip

    def outages(self) -> list[list[str]]:
        """What was down, the longest first; what was cut off by it is counted."""
        down = [span for span in self._course.outages() if span.status is EffectiveStatus.DOWN]
        found = sorted(down, key=lambda span: (span.from_ns - span.until_ns, span.asset))
        return [
            [
                self.name(span.asset), self._since(span), "" if self._lasts(span) else moment(span.until_ns),
                duration((span.until_ns - span.from_ns) / 1e9), str(self._behind(span)),
                _("work was agreed") if span.agreed else "",
            ]
            for span in found
        ]  # fmt: skip

    def work(self, windows: Sequence[Window]) -> list[list[str]]:
        """Agreed work."""
        return [
            [
                moment(window.from_ns), moment(window.until_ns),
                ", ".join(self.name(what) for what in sorted(window.sites | window.assets)[:2]) or _("everything"),
                _short(printable(window.reason)),
            ]
            for window in windows
        ]  # fmt: skip

    def count(self, *statuses: EffectiveStatus) -> int:
        """How much equipment is in one of these states now."""
        return sum(span.status in statuses for span in self.ends)

    def _behind(self, cause: Span) -> int:
        return sum(
            any(
                span.cause == cause.asset and span.from_ns < cause.until_ns and span.until_ns > cause.from_ns
                for span in line
            )
            for line in self._course.spans.values()
        )

    def _since(self, span: Span) -> str:
        whole = span.from_ns <= self._now_ns - DAY_NS
        return _("longer than 24 h") if whole else moment(span.from_ns)

    def _lasts(self, span: Span) -> bool:
        return span.until_ns >= self._now_ns


def _words(
    sheet: _Sheet, config: Config, declared: Declared, restarts: int, damaged: Sequence[str], now_ns: int
) -> dict[str, str]:
    emergency = declared.emergency
    bad = sheet.count(*OUTAGES)
    known = _(
        "Of {count} pieces of equipment {works} work, {bad} do not, {unknown} are not known, {stowed} are stowed."
    )
    netmon = _("netmon was started {count} times in these 24 hours.").format(count=restarts)
    if damaged:
        netmon += " " + _("{file} cannot be read: what it holds is missing").format(file=", ".join(damaged[:2]))
    return {
        "title": _("Shift hand-over: communications"),
        "span": f"{moment(now_ns - DAY_NS)} - {moment(now_ns)}",
        "sample": _("Made of a sample inventory: it describes no real network.") if config.sample else "",
        "emergency": "" if emergency is None else _("An emergency lasts since {since}: {reason}").format(
            since=moment(emergency.from_ns), reason=printable(emergency.reason)[:80]
        ),
        "sentence": known.format(
            count=len(sheet.ends), bad=bad, unknown=sheet.count(EffectiveStatus.UNKNOWN),
            works=sheet.count(EffectiveStatus.UP, EffectiveStatus.DEGRADED),
            stowed=sheet.count(EffectiveStatus.STANDBY),
        ),
        "netmon": netmon,
        "now": _("Not well now"), "now_none": _("All that is known works."),
        "outages": _("Down in the last 24 hours, the longest first"), "outages_none": _("Nothing was down."),
        "work": _("Agreed work in the next 24 hours"), "work_none": _("none"),
        "silences": _("Silences: nobody is told"), "silences_none": _("none"),
        "state": _("state"), "name": _("equipment"), "since": _("from"), "cause": _("cut off by"),
        "in_hand": _("in hand"), "from": _("from"), "to": _("to"), "length": _("length"), "behind": _("cut off by it"),
        "note": _("note"), "what": _("on what"), "reason": _("reason"),
        "more": _("and {count} more, on the board"),
        "open": _("To be done, and to watch"), "equipment": _("Equipment, keys and documents handed over"),
        "gives": _("Handed over by"), "takes": _("Taken over by"), "leads": _("Head of the shift"), "day": _("Time"),
        "made_by": _("Made by netmon {netmon}").format(netmon=__version__),
    }  # fmt: skip
