"""What the page shows of each check: pure, takes the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netmon.i18n import _, current_language
from netmon.model import Asset, Check, Observation, Site, Status
from netmon.words import duration, reason_sentence, status_word

__all__ = ["CheckRow", "SiteRows", "rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check, in words of the current language. Reasons may hold a device's words: escape them."""

    asset: str
    check: str
    status: Status
    word: str
    last_run: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRows:
    """One site and its checks."""

    name: str
    checks: tuple[CheckRow, ...]


def rows(
    sites: Mapping[str, Site],
    assets: Mapping[str, Asset],
    checks: Iterable[Check],
    latest: Mapping[str, Observation],
    now_ns: int,
) -> tuple[SiteRows, ...]:
    """Sites in the order of the inventory, those without a check left out.

    An observation older than two intervals and the timeout says nothing of the present: the status is unknown.
    """
    by_site: dict[str, list[CheckRow]] = {site_id: [] for site_id in sites}
    for check in checks:
        by_site[check.site].append(_row(check, assets[check.asset], latest.get(check.id), now_ns))
    language = current_language()
    return tuple(
        SiteRows(name=sites[site_id].name.in_language(language) or site_id, checks=tuple(checks_of_site))
        for site_id, checks_of_site in by_site.items()
        if checks_of_site
    )


def _row(check: Check, asset: Asset, observation: Observation | None, now_ns: int) -> CheckRow:
    status, last_run = Status.UNKNOWN, ""
    reasons: tuple[str, ...] = (_("not measured yet"),)
    if observation is not None:
        seconds = (now_ns - observation.started_ns) / 1e9
        last_run = _("{duration} ago").format(duration=duration(seconds))
        if seconds > 2 * check.interval_seconds + check.timeout_seconds:
            reasons = (_("no recent figure"),)
        else:
            status = observation.status
            reasons = tuple(reason_sentence(reason) for reason in observation.reasons)
    return CheckRow(
        asset=asset.name.in_language(current_language()) or asset.id,
        check=check.id.rpartition("/")[2],
        status=status,
        word=status_word(status),
        last_run=last_run,
        reasons=reasons,
    )
