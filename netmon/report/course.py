"""The course of things over hours: what each piece of equipment did, and what was to blame. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from netmon.config import Config
from netmon.impact import EffectiveStatus
from netmon.targets.evidence import ArchiveEvidence, Slice, together

__all__ = ["OUTAGES", "Course", "Span"]

BEST_FIRST: Final = (
    EffectiveStatus.STANDBY, EffectiveStatus.UP, EffectiveStatus.DEGRADED, EffectiveStatus.UNKNOWN,
    EffectiveStatus.UNREACHABLE, EffectiveStatus.DOWN,
)  # fmt: skip
"""Equipment is as its worst check: as targets count it."""
OUTAGES: Final = frozenset({EffectiveStatus.DOWN, EffectiveStatus.UNREACHABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time in which equipment was in one state.

    Attributes:
        from_ns, until_ns: UTC nanoseconds since the epoch, the end exclusive.
        agreed: work on it was agreed for some of this time.
        cause: the topmost equipment that it hangs on and that was down when it was cut off; empty otherwise.
    """

    asset: str
    from_ns: int
    until_ns: int
    status: EffectiveStatus
    agreed: bool
    cause: str = ""


class Course:
    """What the equipment of the newest inventory did.

    Attributes:
        spans: of each piece of equipment that was checked, in order of time.
    """

    def __init__(self, evidence: ArchiveEvidence, config: Config) -> None:
        lines: dict[str, list[Sequence[Slice]]] = {}
        timelines = evidence.timelines()
        for check in config.checks.values():
            if check.id in timelines:
                lines.setdefault(check.asset, []).append(timelines[check.id])
        self._config = config
        self.spans: Mapping[str, list[Span]] = {
            asset: list(_merged(asset, lines[asset])) for asset in config.assets if asset in lines
        }
        for asset, found in self.spans.items():
            for number, span in enumerate(found):
                if span.status is EffectiveStatus.UNREACHABLE:
                    found[number] = replace(span, cause=self._cause(asset, span.from_ns))

    def between(self, asset: str, since_ns: int, until_ns: int) -> list[Span]:
        """The spans of a time, cut to it."""
        return [
            replace(span, from_ns=max(span.from_ns, since_ns), until_ns=min(span.until_ns, until_ns))
            for span in self.spans.get(asset, ())
            if span.from_ns < until_ns and span.until_ns > since_ns
        ]

    def outages(self) -> list[Span]:
        """When anything was down or cut off, in order of time; what is to blame before what it cut off."""
        found = [span for line in self.spans.values() for span in line if span.status in OUTAGES]
        return sorted(found, key=lambda span: (span.from_ns, span.status is not EffectiveStatus.DOWN, span.asset))

    def at_end(self, asset: str, until_ns: int) -> Span | None:
        """The last span, if it lasts until then."""
        line = self.spans.get(asset)
        return line[-1] if line and line[-1].until_ns == until_ns else None

    def _cause(self, asset: str, at_ns: int) -> str:
        found, seen = "", {asset}
        here = self._config.assets[asset].parent
        while here is not None and here not in seen:
            seen.add(here)
            line = self.spans.get(here, [])
            place = bisect_right(line, at_ns, key=lambda span: span.from_ns) - 1
            if place >= 0 and line[place].until_ns > at_ns and line[place].status is EffectiveStatus.DOWN:
                found = here
            here = self._config.assets[here].parent
        return found


def _merged(asset: str, lines: Iterable[Sequence[Slice]]) -> Iterator[Span]:
    """One line of several checks."""
    last: Span | None = None
    for begin, end, here in together(lines):
        if not here:
            continue
        status = max((part.status for part in here), key=BEST_FIRST.index)
        agreed = any(part.maintenance for part in here)
        if last is not None and (last.until_ns, last.status) == (begin, status):
            last = replace(last, until_ns=end, agreed=last.agreed or agreed)
            continue
        if last is not None:
            yield last
        last = Span(asset=asset, from_ns=begin, until_ns=end, status=status, agreed=agreed)
    if last is not None:
        yield last
