"""A county in figures: what is wrong and what is to blame for it, and what equipment is lacking. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from netmon.impact import Effective, EffectiveStatus
from netmon.model import Asset, Check, Site

__all__ = ["WORST_LAST", "Completeness", "Trouble", "complete", "troubles", "works", "worst"]

WORST_LAST = tuple(EffectiveStatus)
"""Effective statuses, the worst last."""
FINE = frozenset({EffectiveStatus.UP, EffectiveStatus.STANDBY, EffectiveStatus.MAINTENANCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A check that is not well for a reason of its own.

    Attributes:
        behind: checks of which nothing can be said because of the same asset.
    """

    check_id: str
    status: EffectiveStatus
    behind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """Equipment of one kind: 应配, 实配, 完好.

    Attributes:
        required: how many there must be; present ones where nobody said.
        present: commissioned and not retired.
        serviceable: present, and known to work or to be ready.
        unknown: present, and not known to work nor to be broken: nothing is checked, or nothing came of it.
    """

    kind: str
    required: int
    present: int
    serviceable: int
    unknown: int


def worst(states: Iterable[Effective]) -> EffectiveStatus:
    """The worst of some checks; UNKNOWN where nothing is checked."""
    return max((state.status for state in states), key=WORST_LAST.index, default=EffectiveStatus.UNKNOWN)


def troubles(
    checks: Mapping[str, Check], assets: Mapping[str, Asset], effective: Mapping[str, Effective]
) -> list[Trouble]:
    """What is wrong for a reason of its own, the worst first; what hangs on it is counted and not listed.

    A check that is UNREACHABLE is behind every check of the asset to blame, and is counted with the first of them.
    """
    behind = Counter(state.cause for state in effective.values() if state.status is EffectiveStatus.UNREACHABLE)
    found = []
    for check_id, state in effective.items():
        if state.status in FINE or state.status is EffectiveStatus.UNREACHABLE:
            continue
        asset = checks[check_id].asset
        hidden = behind.pop(asset, 0) if state.status is EffectiveStatus.DOWN and asset in assets else 0
        found.append(Trouble(check_id=check_id, status=state.status, behind=hidden))
    return sorted(found, key=lambda trouble: (-WORST_LAST.index(trouble.status), -trouble.behind, trouble.check_id))


def complete(
    sites: Iterable[Site], assets: Iterable[Asset], checks: Mapping[str, Check], effective: Mapping[str, Effective],
    today: date,
) -> list[Completeness]:  # fmt: skip
    """Equipment of these sites by kind, in the order in which the inventory first asks for it."""
    chosen = list(sites)
    ids = {site.id for site in chosen}
    required = Counter[str]()
    for site in chosen:
        required.update(site.required)
    states: dict[str, list[EffectiveStatus]] = {}
    for check in checks.values():
        if not check.aside:
            states.setdefault(check.asset, []).append(effective[check.id].status)
    present, serviceable, unknown = Counter[str](), Counter[str](), Counter[str]()
    for asset in assets:
        if asset.site not in ids or not asset.in_service(today):
            continue
        present[asset.kind] += 1
        does = works(states.get(asset.id, []))
        serviceable[asset.kind] += does is True
        unknown[asset.kind] += does is None
    return [
        Completeness(
            kind=kind, required=required[kind], present=present[kind], serviceable=serviceable[kind],
            unknown=unknown[kind],
        )
        for kind in dict.fromkeys([*required, *present])
    ]  # fmt: skip


def works(states: Iterable[EffectiveStatus]) -> bool | None:
    """Whether equipment works, from its checks; ``None`` if that is not known. Degraded equipment works."""
    known = [
        state is not EffectiveStatus.DOWN
        for state in states
        if state not in (EffectiveStatus.UNKNOWN, EffectiveStatus.UNREACHABLE, EffectiveStatus.MAINTENANCE)
    ]
    return all(known) if known else None
