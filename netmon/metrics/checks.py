"""The latest observations as metric families."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from prometheus_client import Metric

from netmon.impact import Effective
from netmon.metrics.exposition import render, to_metric
from netmon.metrics.families import Families
from netmon.metrics.inventory import count_equipment, describe
from netmon.metrics.runs import RunSeries
from netmon.model import Asset, Check, Observation, Site
from netmon.runner import Clock
from probes.base import ProbeKind

__all__ = ["CheckMetrics"]


class CheckMetrics:
    """Inventory and latest observations. A Collector for prometheus_client too, and the fast :meth:`render`.

    What is older than two intervals and the timeout is not shown as if it were current: readings, device states and
    duration are left out and the status is ``unknown``, while counters and the time of the last run stay.

    Args:
        kinds: the table of kinds, for help texts and for counters that start at 0.
    """

    def __init__(self, kinds: Mapping[str, ProbeKind[Any]], *, clock: Clock) -> None:
        self._kinds = kinds
        self._clock = clock
        self._families = Families(kinds)
        self._runs: dict[tuple[str, str], RunSeries] = {}
        self._sites: tuple[Site, ...] = ()
        self._assets: tuple[Asset, ...] = ()
        self._counted_on: date | None = None

    def configure(self, *, sites: Iterable[Site], assets: Iterable[Asset], checks: Iterable[Check]) -> None:
        """Take over an inventory: series of removed checks vanish, counters of the others go on.

        A check that was changed loses its readings until it ran again; of another kind, it starts anew.
        """
        wanted = {(check.id, check.vantage): check for check in checks}
        removed = {key for key, runs in self._runs.items() if key not in wanted or wanted[key].kind != runs.check.kind}
        self._families.drop(removed)
        self._runs = {key: runs for key, runs in self._runs.items() if key not in removed}
        for key, check in wanted.items():
            runs = self._runs.get(key)
            if runs is None:
                self._runs[key] = RunSeries(check, self._kinds.get(check.kind), self._families)
            elif runs.check.fingerprint != check.fingerprint:
                runs.expire()
                runs.check = check
        self._sites, self._assets = tuple(sites), tuple(assets)
        self._counted_on = None
        describe(self._families, self._sites, self._assets, wanted.values())

    def update(self, observations: Sequence[Observation]) -> None:
        """Take over observations, oldest first; those of checks that were removed meanwhile are left out."""
        now = self._clock.monotonic()
        for observation in observations:
            runs = self._runs.get((observation.check_id, observation.vantage))
            if runs is not None:
                runs.update(observation, now)

    def show_effective(self, effective: Mapping[str, Effective]) -> None:
        """Take over what the status of each check means now."""
        family = self._families["netmon_check_effective_status"]
        family.blocks.clear()
        for (check_id, vantage), state in ((key, effective.get(key[0])) for key in self._runs):
            if state is not None:
                labels = {"check": check_id, "vantage": vantage, "status": state.status.value, "cause": state.cause}
                family.add((check_id, vantage), labels, 1.0)

    def render(self) -> Iterator[bytes]:
        """Everything in the text format 0.0.4, in chunks; the event loop may run between two of them."""
        self._refresh()
        return render(self._families)

    def collect(self) -> Iterator[Metric]:
        """Everything for a CollectorRegistry."""
        self._refresh()
        return (to_metric(family) for family in self._families if family.blocks)

    def _refresh(self) -> None:
        now = self._clock.monotonic()
        for runs in self._runs.values():
            if runs.expires is not None and runs.expires < now:
                runs.expire()
        today = datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC).astimezone().date()
        if today != self._counted_on:
            count_equipment(self._families, self._sites, self._assets, today)
            self._counted_on = today
