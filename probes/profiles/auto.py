"""``profile: auto``: the device itself says which profile fits. Known from its first answer, and looked at again when
what it says that it is changes, when its agent starts anew, or when other profiles are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from probes.base import Endpoint, Failure, NetworkFailure, Trace
from probes.profiles import Profile, added, load
from probes.profiles.identify import Identity, identify
from probes.profiles.poll import Polled, look_up, poll
from probes.profiles.spec import Module
from probes.wire.failures import shown

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["AUTO", "AUTO_KINDS", "Recognised", "poll_by"]

AUTO = "auto"
AUTO_KINDS = frozenset({"base_station", "power", "snmp"})
"""Kinds that take it."""
ANYTHING = "host-system"
"""What every agent has: enough to see that it is another device."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a device was when it was last asked.

    Attributes:
        said: sysObjectID and sysDescr.
        uptime_seconds: sysUpTime at the last poll.
        known: the profiles that were known besides those of the program.
    """

    identity: Identity
    said: tuple[str, str]
    uptime_seconds: float
    known: Mapping[str, Profile]

    @property
    def profile(self) -> str:
        """The one that fits; empty if none does, or several do."""
        return self.identity.profiles[0] if len(self.identity.profiles) == 1 else ""


async def poll_by(
    name: str,
    *,
    endpoint: Endpoint,
    auth: str,
    wires: Wires,
    timeout: float,
    trace: Trace,
    more: Mapping[str, Module] | None = None,
) -> tuple[Profile, Polled]:
    """Read a device by the profile of this name, or by the one that fits it.

    Args:
        more: modules of the operator's own.

    Returns: the profile, and what the device said. A device that no profile fits, or several, has no readings and the
        failure ``unknown_device``; the profile is then the one that every agent has.
    """
    until = trace.elapsed_seconds + timeout

    async def read(profile: Profile, extra: Mapping[str, Module]) -> Polled:
        modules = {**extra, **profile.modules, **(more or {})}
        return await poll(
            modules, endpoint=endpoint, auth=auth, wires=wires, timeout=until - trace.elapsed_seconds, trace=trace
        )

    if name != AUTO:
        profile = load(name)
        return profile, await read(profile, {})
    system = {"identity": load(ANYTHING).modules["system"]}
    key = (endpoint, auth)
    before = wires.recognised.get(key)
    if before is not None and before.known is added():
        profile = load(before.profile or ANYTHING)
        polled = await read(profile, system)
        if polled.failure is not None:
            return profile, _told(before, polled)
        if _same(before, polled):
            wires.recognised[key] = replace(before, uptime_seconds=_uptime(polled))
            return profile, _told(before, polled)
        trace.step("the device says that it is another one, or it has started anew: looking again what it is")
    try:
        address = await look_up(endpoint, wires, until - trace.elapsed_seconds)
    except NetworkFailure as error:
        identity = Identity(failure=error.failure, detail=error.detail)
    else:
        identity = await identify(address, endpoint.port, auth, wires=wires, timeout=until - trace.elapsed_seconds)
    if identity.failure is not None:
        trace.step(identity.detail)
        return load(ANYTHING), Polled(failure=identity.failure, detail=identity.detail, readings={"snmp_up": 0.0})
    trace.step(f"profiles that fit: {', '.join(identity.profiles) or 'none'}")
    profile = load(identity.profiles[0] if len(identity.profiles) == 1 else ANYTHING)
    polled = await read(profile, system)
    found = Recognised(identity, _said(polled), _uptime(polled), added())
    if polled.failure is None:
        wires.recognised[key] = found
    return profile, _told(found, polled)


def _said(polled: Polled) -> tuple[str, str]:
    return polled.facts.get("system_object_id", ""), polled.facts.get("system_description", "")


def _uptime(polled: Polled) -> float:
    return polled.readings.get("agent_uptime_seconds", 0.0)


def _same(before: Recognised, polled: Polled) -> bool:
    """Whether it is the device that it was, and its agent has run since."""
    return before.said == _said(polled) and _uptime(polled) >= before.uptime_seconds


def _told(found: Recognised, polled: Polled) -> Polled:
    """What was read, with the profile as a fact; of a device that is not known, nothing but what it says it is."""
    if found.profile:
        return replace(polled, facts={**polled.facts, "profile": found.profile})
    if polled.failure is not None:
        return replace(polled, readings={"snmp_up": polled.readings["snmp_up"]}, states={}, counters={})
    fitting = found.identity.profiles
    what = f"the profiles {' and '.join(fitting)} fit" if fitting else "no profile fits"
    object_id, description = found.said
    return Polled(
        failure=Failure.UNKNOWN_DEVICE,
        detail=f"{what} this device, which says that it is {shown(description)}, {shown(object_id)}",
        readings={"snmp_up": 1.0},
        facts=polled.facts,
    )
