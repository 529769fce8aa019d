"""What a target is about: which equipment, and which targets a piece of equipment touches. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netmon.impact import Effective
from netmon.model import Asset, Check, Site
from netmon.summary import works
from netmon.targets.register import Criterion, Target

__all__ = ["Now", "is_about", "now", "touched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The equipment that a target is about, at one moment: how much of it works, does not, and nobody knows."""

    works: int
    broken: int
    unknown: int


def is_about(criterion: Criterion, asset: Asset, kind_of_site: str, kinds_of_checks: Iterable[str]) -> bool:
    """Whether a criterion is about a piece of equipment.

    Args:
        kinds_of_checks: of the equipment's own checks.
    """
    if criterion.sites and kind_of_site not in criterion.sites:
        return False
    if criterion.equipment:
        return asset.kind in criterion.equipment
    return bool(criterion.checks.intersection(kinds_of_checks))


def touched(
    targets: Iterable[Target], assets: Iterable[Asset], sites: Mapping[str, Site], checks: Iterable[Check]
) -> tuple[Target, ...]:
    """The targets that are about any of this equipment, in the register's order."""
    chosen = list(assets)
    kinds = _kinds(checks)
    return tuple(
        target
        for target in targets
        if any(
            is_about(criterion, asset, sites[asset.site].kind, kinds.get(asset.id, ()))
            for criterion in target.criteria
            for asset in chosen
        )
    )


def now(
    target: Target, assets: Iterable[Asset], sites: Mapping[str, Site], checks: Iterable[Check],
    effective: Mapping[str, Effective],
) -> Now:  # fmt: skip
    """How the equipment of a target does at this moment, of what is checked."""
    states: dict[str, list[Effective]] = {}
    for check in (listed := [check for check in checks if not (check.exclusive or check.aside)]):
        states.setdefault(check.asset, []).append(effective[check.id])
    kinds = _kinds(listed)
    found = Counter(
        works(state.status for state in states[asset.id])
        for asset in assets
        if asset.id in states
        and any(is_about(each, asset, sites[asset.site].kind, kinds[asset.id]) for each in target.criteria)
    )
    return Now(works=found[True], broken=found[False], unknown=found[None])


def _kinds(checks: Iterable[Check]) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for check in checks:
        kinds.setdefault(check.asset, set()).add(check.kind)
    return kinds
