"""What a report is about: a year, several years, a month, or any days, in Asia/Shanghai."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from netmon.i18n import _
from netmon.model import midnight_ns

__all__ = ["Period", "PeriodError", "period_of"]


class PeriodError(ValueError):
    """It is no period: the message says why."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days.

    Attributes:
        first, last: both inclusive.
    """

    first: date
    last: date

    @property
    def name(self) -> str:
        """``2025``, ``2021-2025``, ``2025-03``, or both days."""
        first, last = self.first, self.last
        if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
            return f"{first.year}" if first.year == last.year else f"{first.year}-{last.year}"
        if (
            first.day == 1
            and (last + timedelta(days=1)).day == 1
            and (first.year, first.month) == (last.year, last.month)
        ):
            return f"{first:%Y-%m}"
        return f"{first.isoformat()}_{last.isoformat()}"

    @property
    def since_ns(self) -> int:
        """Begin, UTC nanoseconds since the epoch."""
        return midnight_ns(self.first)

    @property
    def until_ns(self) -> int:
        """End, exclusive."""
        return midnight_ns(self.last + timedelta(days=1))

    def parts(self) -> Iterator[Period]:
        """The years of several years; else itself."""
        if "-" in self.name and len(self.name) == len("2021-2025"):
            for year in range(self.first.year, self.last.year + 1):
                yield Period(date(year, 1, 1), date(year, 12, 31))
        else:
            yield self


def period_of(*, year: str = "", month: str = "", since: str = "", until: str = "") -> Period:
    """The period that somebody asked for.

    Args:
        year: ``2025`` or ``2021-2025``.
        month: ``2025-03``.
        since, until: days, both inclusive.

    Raises:
        PeriodError: it is none, or not exactly one.
    """
    if [bool(year), bool(month), bool(since or until)].count(True) != 1:
        raise PeriodError(_("say one of --year, --month, and --since with --until"))
    try:
        if year:
            first, _dash, last = year.partition("-")
            found = Period(date(int(first), 1, 1), date(int(last or first), 12, 31))
        elif month:
            begin = date.fromisoformat(f"{month}-01")
            found = Period(begin, (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1))
        else:
            found = Period(date.fromisoformat(since), date.fromisoformat(until))
    except ValueError:
        wrong = year or month or f"{since} {until}"
        raise PeriodError(_("{value} is no period: 2025, 2021-2025, 2025-03 or days such as 2025-03-01").format(
            value=wrong)) from None  # fmt: skip
    if found.last < found.first:
        raise PeriodError(_("{value} ends before it begins").format(value=found.name))
    return found
