"""PromQL: series of checks with the names of their sites and equipment, statuses as codes. Metrics: docs/metrics.md.

Series carry only ``check`` and ``vantage``; names come by joins. Whatever an expression shows, it shows nothing when
netmon is not scraped: no expression here turns missing data into a figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from netmon.i18n import _, current_language
from netmon.impact import EffectiveStatus
from netmon.targets.verdict import BEST_FIRST

__all__ = [
    "ASSET",
    "EQUIPMENT",
    "PLACE",
    "Query",
    "at_place",
    "checks_of",
    "choosing",
    "coded",
    "counted",
    "ends",
    "limits",
    "of_asset",
    "of_criterion",
    "of_equipment",
    "of_target",
    "placed",
    "readings",
    "site_status",
    "status",
    "verdict",
]

PLACE: Final = "{{place}}"
EQUIPMENT: Final = "{{place}} {{equipment}}"
SITE: Final = "$site"
ASSET: Final = "$asset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of a panel.

    Attributes:
        legend: what a series is called, with ``{{label}}``.
        optional: it may rightly have no answer: a limit that nobody set, an alert that does not last.
        limit: colour in which it is drawn dashed, as a limit; empty for a measurement.
    """

    expr: str
    legend: str = ""
    optional: bool = False
    limit: str = ""


_chosen: ContextVar[str] = ContextVar("chosen", default=f'site=~"{SITE}"')


@contextmanager
def choosing(matcher: str) -> Iterator[None]:
    """For what is made in this block the chosen checks are those that a matcher of ``netmon_check_info`` finds."""
    token = _chosen.set(matcher)
    try:
        yield
    finally:
        _chosen.reset(token)


def checks_of(kind: str = "") -> str:
    """The chosen checks of a kind (all if empty), value 1; a dashboard's are those of the chosen sites."""
    wanted = f'kind=~"{kind}", ' if kind else ""
    return f"group by (check, vantage, site, asset) (netmon_check_info{{{wanted}{_chosen.get()}}})"


def named(expr: str, info: str, *keys: str, label: str) -> str:
    """``expr`` with a further label: the name, in the current language, that an ``_info`` metric has for its keys."""
    name, on = f"name_{current_language()}", ", ".join(keys)
    names = f'label_replace(group by ({on}, {name}) ({info}), "{label}", "$1", "{name}", "(.*)")'
    return f"{expr} * on ({on}) group_left ({label}) {names}"


def at_place(expr: str) -> str:
    """``expr`` with the name of its ``site`` as ``place``."""
    return named(expr, "netmon_site_info", "site", label="place")


def of_equipment(expr: str) -> str:
    """``expr`` with the names of its ``asset`` and ``site`` as ``equipment`` and ``place``."""
    return at_place(named(expr, "netmon_asset_info", "asset", label="equipment"))


def of_asset(expr: str) -> str:
    """Series of equipment of the chosen sites, by ``asset``, with ``site``, ``place`` and ``equipment``."""
    sites = f'group by (asset, site) (netmon_asset_info{{site=~"{SITE}"}})'
    return of_equipment(f"({expr}) * on (asset) group_left (site) {sites}")


def placed(expr: str, kind: str = "") -> str:
    """Series of the chosen checks of a kind (all if empty), with ``place`` and ``equipment``."""
    joined = f"({expr}) * on (check, vantage) group_left (site, asset) {checks_of(kind)}"
    return of_equipment(joined)


def ends(expr: str) -> str:
    """``expr`` with the ends of a line, its ``index``, in words."""
    for word, text in (("near", _("near end")), ("far", _("far end"))):
        expr = f'label_replace({expr}, "index", "{text}", "index", "{word}")'
    return expr


def coded(metric: str, label: str, words: Sequence[str], by: str, where: str = "") -> str:
    """A set of states as one number: the place among ``words`` of the one that holds, of several the last.

    Args:
        where: further matchers of the series.
    """
    and_where = f", {where}" if where else ""
    codes = " or ".join(f'{code} * {metric}{{{label}="{word}"{and_where}}}' for code, word in enumerate(words))
    return f"max by ({by}) ({codes})"


def readings() -> str:
    """Every reading of the chosen piece of equipment, with its name."""
    others = "check_.+|device_state.*|threshold|rtt_seconds_.+|echo_.+_total|probe_duration_seconds"
    return f'{{__name__=~"netmon_.+", __name__!~"netmon_({others})", check=~"{ASSET}/.+"}}'


def status() -> str:
    """What each check's status means now, as a code; the worst has the greatest."""
    return coded("netmon_check_effective_status", "status", tuple(EffectiveStatus), "check, vantage")


def site_status() -> str:
    """The worst status of each chosen site; unknown where nothing is checked."""
    unknown = list(EffectiveStatus).index(EffectiveStatus.UNKNOWN)
    worst = f"max by (site) ({status()} * on (check, vantage) group_left (site) {checks_of()})"
    nothing = f'{unknown} * group by (site) (netmon_site_info{{site=~"{SITE}"}})'
    return f"max by (site, place) ({at_place(f'({worst} or on (site) {nothing})')})"


def counted(status: str) -> str:
    """How many of the chosen checks have a status; 0 only where there are checks at all."""

    def count(matcher: str) -> str:
        held = f"group by (check, vantage) (netmon_check_effective_status{matcher})"
        return f"count({held} and on (check, vantage) {checks_of()})"

    return count(f'{{status="{status}"}}') + " or 0 * " + count("")


def limits(reading: str, kind: str = "", *, scale: float = 1) -> tuple[Query, Query]:
    """The strictest limits by which the chosen checks are judged, where there are any."""
    times = f"{scale:g} * " if scale != 1 else ""

    def strictest(word: str) -> str:
        sides = " or ".join(
            f'{which} by (limit) (netmon_threshold{{reading="{reading}", limit="{word}_{side}"}}'
            f" and on (check, vantage) {checks_of(kind)})"
            for side, which in (("above", "min"), ("below", "max"))
        )
        return f"{times}({sides})"

    return (
        Query(expr=strictest("degraded"), legend=_("limit: degraded"), optional=True, limit="orange"),
        Query(expr=strictest("down"), legend=_("limit: down"), optional=True, limit="red"),
    )


def of_target(expr: str) -> str:
    """``expr`` with the name of its ``target`` as ``aim``."""
    return named(expr, "netmon_target_info", "target", label="aim")


def of_criterion(expr: str) -> str:
    """``expr`` with the names of its ``target`` and ``criterion`` as ``aim`` and ``rule_name``."""
    return of_target(named(f"({expr})", "netmon_criterion_info", "target", "criterion", label="rule_name"))


def verdict(metric: str, by: str) -> str:
    """A verdict as a code; the worst has the greatest."""
    return coded(metric, "verdict", BEST_FIRST, by)
