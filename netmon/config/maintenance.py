"""Maintenance windows of the inventory: from the shape of the file to what it announces."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from netmon.config.shape import WEEKDAYS, MaintenanceShape
from netmon.config.units import UnitError
from netmon.i18n import _
from netmon.model import MaintenancePlan

__all__ = ["plan"]

DAY_SECONDS: Final = 86_400


def plan(shape: MaintenanceShape) -> MaintenancePlan:
    """What a window of the file announces.

    Raises:
        UnitError: it is neither a window with a start and an end nor one that recurs.
    """
    recurs = shape.every or shape.at is not None or shape.length is not None
    if recurs and (shape.start is not None or shape.end is not None):
        raise UnitError(_("a window happens once or recurs, not both"), _("start and end, or every, at and length"))
    sites, assets = frozenset(shape.sites), frozenset(shape.equipment)
    if not recurs:
        if shape.start is None or shape.end is None:
            raise UnitError(_("it is not said when"), _("start and end, or every, at and length"))
        if shape.end <= shape.start:
            raise UnitError(_("it ends before it begins"), _("an end after the start"))
        once = _ns(shape.start), _ns(shape.end)
        return MaintenancePlan(id=shape.id, sites=sites, assets=assets, reason=shape.reason, once=once)
    if not shape.every or shape.at is None or shape.length is None:
        raise UnitError(
            _("a window that recurs lacks a part"), _("every: a day, at: a time of day, length: a duration")
        )
    if shape.length > DAY_SECONDS:
        raise UnitError(_("a window that recurs lasts more than a day"), _("a length of at most 1d"))
    return MaintenancePlan(
        id=shape.id, sites=sites, assets=assets, reason=shape.reason,
        weekdays=frozenset(WEEKDAYS.index(day) for day in shape.every), at_seconds=shape.at,
        length_seconds=shape.length,
    )  # fmt: skip


def _ns(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000_000
