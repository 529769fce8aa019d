"""Kind ``path``: which of a site's uplinks is in use, as the site's router tells it, and whether another one is ready.

What is read is the outgoing interface of a route, the default route unless another prefix is written: the router's own
decision, whatever brought it about (a routing protocol, a tracked static route, a person). Which uplink it is follows
from the names of the interfaces. Nothing is assumed: a router that cannot be asked is a failure, and a router that
tells no routes at all is not a router without a route.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final, Self

from pydantic import Field, model_validator

from probes.base import (
    Draft,
    Endpoint,
    Failure,
    NetworkFailure,
    Params,
    ProbeKind,
    ProbeResult,
    Reading,
    State,
    StateClass,
)
from probes.wire.failures import network
from probes.wire.interface import (
    IF_ALIAS,
    IF_DESCR,
    IF_NAME,
    IF_OPER_STATUS,
    OPER_STATUS,
    SYS_UP_TIME,
    interfaces_named,
)
from probes.wire.route import ROUTE_COUNTS, best_routes, route_columns, route_objects
from probes.wire.snmp_message import Oid, Value

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "PathParams", "probe_path"]

IN_USE: Final[Mapping[str, StateClass]] = {
    "primary": StateClass.OK,
    "backup": StateClass.DEGRADED,
    "shared": StateClass.OK,
    "other": StateClass.DEGRADED,
    "none": StateClass.FAULT,
}
RESERVE: Final[Mapping[str, StateClass]] = {
    "ready": StateClass.OK,
    "down": StateClass.DEGRADED,
    "unknown": StateClass.NOT_MONITORED,
}


class PathParams(Params):
    """Which interfaces lead to which uplink, and which route is looked at."""

    auth: str = Field(default="default", description="name of the router's SNMP credentials in the inventory")
    primary_interface: str = Field(
        default="", description="the router's interface to the primary uplink: ifName, ifDescr or ifAlias"
    )
    backup_interfaces: tuple[str, ...] = Field(
        default=(), max_length=8, description="its interfaces to the backup uplinks"
    )
    prefix: str = Field(
        default="0.0.0.0/0", description="the route that is looked at; the default route of IPv4, or ::/0 for IPv6's"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            ip_network(self.prefix)
        except ValueError as error:
            raise ValueError(f"prefix: {error}") from None
        if self.primary_interface in self.backup_interfaces or len(set(self.backup_interfaces)) < len(
            self.backup_interfaces
        ):
            raise ValueError("one interface stands for two uplinks")
        return self


@dataclass(frozen=True, slots=True)
class _Router:
    """What was read: values of both requests, and the interface (ifIndex) of each uplink; ``None``: not found."""

    values: Mapping[Oid, Value]
    primary: int | None
    backups: tuple[int | None, ...]


async def probe_path(
    endpoints: Mapping[str, Endpoint], params: PathParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ask the router which way it sends, within ``timeout``."""
    draft = Draft(timeout)
    failure = None
    try:
        router = await _read(endpoints["host"], params, draft, wires=wires)
        draft.states |= _states(router, params, draft)
    except NetworkFailure as error:
        failure = error
    return draft.finish(failure)


async def _read(endpoint: Endpoint, params: PathParams, draft: Draft, *, wires: Wires) -> _Router:
    async with network(f"looking up {endpoint.host}", draft.seconds_left, on_timeout=Failure.NAME_SERVER):
        address = await wires.names.resolve(endpoint.host, endpoint.family)
    prefix = ip_network(params.prefix)
    columns = (IF_NAME, IF_DESCR, IF_ALIAS, *route_columns(prefix))
    walked = await wires.snmp.walk(address, endpoint.port, params.auth, columns, timeout=0.6 * draft.seconds_left)
    draft.readings["snmp_up"] = float(bool(walked.values))
    if walked.failure is not None:
        raise NetworkFailure(walked.failure, walked.detail)
    primary, *backups = (
        _interface(walked.values, name) for name in (params.primary_interface, *params.backup_interfaces)
    )
    known = [index for index in (primary, *backups) if index is not None]
    objects = [SYS_UP_TIME, *route_objects(prefix), *((*IF_OPER_STATUS, index) for index in known)]
    told = await wires.snmp.get(address, endpoint.port, params.auth, objects, timeout=draft.seconds_left)
    if told.failure is not None:
        raise NetworkFailure(told.failure, told.detail)
    return _Router({**walked.values, **told.values}, primary, tuple(backups))


def _interface(values: Mapping[Oid, Value], name: str) -> int | None:
    found = interfaces_named(values, name) if name else []
    return found[0] if len(found) == 1 else None


def _states(router: _Router, params: PathParams, draft: Draft) -> dict[str, State]:
    """Raises NetworkFailure if the router's answers do not tell which uplink is in use."""
    uptime = router.values.get(SYS_UP_TIME)
    if uptime is not None and isinstance(uptime.value, int):
        draft.readings["agent_uptime_seconds"] = uptime.value / 100
    names = [params.primary_interface, *params.backup_interfaces]
    lost = [
        name for name, index in zip(names, (router.primary, *router.backups), strict=True) if name and index is None
    ]
    if router.primary is None or lost:
        what = ", ".join(map(repr, lost)) or "the primary uplink: primary_interface is not given"
        raise NetworkFailure(Failure.BAD_REPLY, f"the router has not exactly one interface for {what}")
    prefix = ip_network(params.prefix)
    word, out = _in_use(router, prefix)
    draft.facts["out_interface"] = ", ".join(_name(router.values, index) for index in out)
    draft.trace.step(f"{prefix} goes out over {draft.facts['out_interface'] or 'nothing'}: {word}")
    states = {"in_use": State(word, IN_USE[word])}
    if word == "primary" and router.backups:
        reserve = _reserve(router)
        states["reserve"] = State(reserve, RESERVE[reserve])
    return states


def _in_use(router: _Router, prefix: IPv4Network | IPv6Network) -> tuple[str, Sequence[int]]:
    """Which uplink the route takes, and over which interfaces (ifIndex)."""
    out = sorted({route.interface for route in best_routes(router.values, prefix)})
    if not out:
        counts = [value.value for oid in ROUTE_COUNTS if (value := router.values.get(oid)) is not None]
        if not any(isinstance(count, int) and count > 0 for count in counts):
            raise NetworkFailure(
                Failure.BAD_REPLY, "the router tells no routes (IP-FORWARD-MIB): is it within what it may be asked for?"
            )
        return "none", ()
    over_backup = any(index in router.backups for index in out)
    if router.primary in out:
        return "shared" if over_backup else "primary", out
    return "backup" if over_backup else "other", out


def _reserve(router: _Router) -> str:
    """Whether any interface to a backup uplink passes packets. That the uplink itself works, its own checks tell."""
    meanings = []
    for index in router.backups:
        value = router.values.get((*IF_OPER_STATUS, index or 0))
        known = OPER_STATUS.get(value.value) if value is not None and isinstance(value.value, int) else None
        meanings.append(StateClass.NOT_MONITORED if known is None else known.meaning)
    if StateClass.OK in meanings:
        return "ready"
    return "unknown" if StateClass.NOT_MONITORED in meanings else "down"


def _name(values: Mapping[Oid, Value], index: int) -> str:
    value = values.get((*IF_NAME, index)) or values.get((*IF_DESCR, index))
    raw = value.value if value is not None else None
    return raw.decode(errors="replace") if isinstance(raw, bytes) else f"interface {index}"


KIND = ProbeKind(
    name="path",
    help="Which of a site's uplinks is in use, by the routes of the site's router, and whether a backup is ready.",
    params=PathParams,
    probe=probe_path,
    readings=(
        Reading(name="snmp_up", help="1 if the router's agent answered, else 0."),
        Reading(
            name="agent_uptime_seconds",
            help="Time since the management part of the device was started (sysUpTime; starts again after 497 days).",
            optional=True,
        ),
    ),
    states={
        "in_use": f"The uplink that the route takes: {', '.join(f'`{word}`' for word in IN_USE)}.",
        "reserve": f"The interfaces to the backups (ifOperStatus): {', '.join(f'`{word}`' for word in RESERVE)}.",
    },
    aside=True,
    hearsay=True,
)
