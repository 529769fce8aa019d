"""Primary and backup uplinks: which stands in for which, and about which a check of kind ``path`` tells."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from netmon.config.errors import nearest, shown
from netmon.config.yaml_positions import Document, Path
from netmon.i18n import _
from netmon.model import Asset, Check

__all__ = ["backups_of", "check_backup", "check_paths", "primary_of"]

UPLINK = "uplink"


def backups_of(primary: str, assets: Mapping[str, Asset]) -> tuple[str, ...]:
    """Ids of the uplinks that stand in for this one."""
    return tuple(asset.id for asset in assets.values() if asset.backup_of == primary)


def primary_of(check: Check, assets: Mapping[str, Asset]) -> str | None:
    """The uplink whose use a check of kind ``path`` watches: its own equipment, or the one of its site with a backup.

    ``None`` if there is none, or if it could be several.
    """
    primaries = {asset.backup_of for asset in assets.values() if asset.site == check.site and asset.backup_of}
    if check.asset in primaries:
        return check.asset
    return primaries.pop() if len(primaries) == 1 else None


def check_backup(
    document: Document, path: Path, asset: Asset, assets: Mapping[str, Asset], broken: Collection[str]
) -> None:
    """Report what is wrong with ``backup_of`` of this asset, which stands at ``path``.

    Args:
        broken: ids of equipment that has mistakes of its own.
    """
    name = asset.backup_of
    if name is None or name in broken:
        return
    spot = (*path, "backup_of")
    uplinks = [other.id for other in assets.values() if other.site == asset.site and other.kind == UPLINK]
    other = assets.get(name)
    if asset.kind != UPLINK:
        document.report(spot, _("only an uplink can be a backup"), key=True, write=_("it at equipment of kind uplink"))
    elif name == asset.id:
        document.report(
            spot, _("{name} is its own backup").format(name=asset.id), write=_("another uplink of its site")
        )
    elif other is None:
        what = _("no equipment {name}").format(name=shown(name))
        document.report(spot, what, nearest=nearest(name, uplinks), write=_("another uplink of its site"))
    elif other.site != asset.site:
        what = _("{name} is at another site").format(name=name)
        document.report(spot, what, write=_("another uplink of its site"))
    elif other.kind != UPLINK:
        document.report(spot, _("{name} is no uplink").format(name=name), write=_("another uplink of its site"))
    elif other.backup_of is not None:
        what = _("{name} is a backup itself").format(name=name)
        document.report(spot, what, write=_("the uplink that both stand in for"))


def check_paths(
    document: Document, checks: Mapping[str, Check], assets: Mapping[str, Asset], places: Mapping[str, Path]
) -> None:
    """Report checks of kind ``path`` that could be about no uplink, or about several.

    Args:
        places: where each asset stands.
    """
    for check in checks.values():
        if check.kind == "path" and primary_of(check, assets) is None:
            spot = (*places[check.asset], "checks", check.id.rpartition("/")[2])
            if any(asset.backup_of for asset in assets.values() if asset.site == check.site):
                what = _("this site has several uplinks with a backup, and the check could be about each")
                document.report(spot, what, key=True, write=_("it at the primary uplink, with the router's `address:`"))
            else:
                what = _("no uplink of this site has a backup")
                document.report(spot, what, key=True, write=_("`backup_of:` at the second uplink"))
