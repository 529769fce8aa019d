"""Kind ``power``: a UPS, rectifier or battery says how it is, what it runs on, and how long that will last.

The time left on battery is the device's own estimate where it gives one. Else it is the capacity that is left, by the
discharge current: for a lead-acid battery that is the longest that it can be, since a large current takes more out
of it than it delivers (Peukert), so only ``usable_ratio`` of it is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from probes.base import Endpoint, Params, ProbeKind, ProbeResult, Reading, State, StateClass, Trace, split_key
from probes.profiles import Profile, declared_readings, declared_states
from probes.profiles.auto import poll_by
from probes.profiles.decode import holds
from probes.profiles.poll import POLL_READINGS

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "PowerParams", "autonomy", "probe_power"]

SECONDS_PER_HOUR = 3600.0


class PowerParams(Params):
    """What to read, which credentials to use, and what the device does not know of its battery."""

    auth: str = Field(default="default", description="name of the SNMP credentials in the inventory")
    profile: str = Field(default="ups", description="the vendor profile to read, or `auto`")
    battery_ampere_hours: float | None = Field(
        default=None, gt=0, le=100_000, description="rated capacity of the battery, where the device does not tell"
    )
    usable_ratio: float = Field(default=0.8, gt=0, le=1, description="how much of the capacity may be used")


async def probe_power(
    endpoints: Mapping[str, Endpoint], params: PowerParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Read the device once. A failure takes nothing away that was answered before it."""
    trace = Trace()
    profile, polled = await poll_by(
        params.profile, endpoint=endpoints["host"], auth=params.auth, wires=wires, timeout=timeout, trace=trace
    )
    readings, states = source(profile, polled.states)
    if readings.get("on_battery"):
        more, basis = autonomy(polled.readings, params)
        readings |= more
        states |= basis
    return ProbeResult(
        failure=polled.failure,
        detail=polled.detail,
        readings={**polled.readings, **readings},
        states={**states, **polled.states},
        facts=polled.facts,
        steps=trace.steps,
    )


def source(profile: Profile, states: Mapping[str, State]) -> tuple[dict[str, float], dict[str, State]]:
    """Whether it runs on its battery, as a reading and a state; nothing where the device does not tell."""
    told = {split_key(key)[0] for key in states}
    if profile.on_battery.keys().isdisjoint(told):
        return {}, {}
    if holds(profile.on_battery, states):
        return {"on_battery": 1.0}, {"power_source": State("battery", StateClass.DEGRADED)}
    return {"on_battery": 0.0}, {"power_source": State("mains", StateClass.OK)}


def autonomy(readings: Mapping[str, float], params: PowerParams) -> tuple[dict[str, float], dict[str, State]]:
    """Seconds until the battery ends, and on what that figure rests; nothing where nobody can tell.

    The capacity left is the device's, or the rated one times its charge. The current is the battery's own, whichever
    sign the vendor gives it, or the load's.
    """
    own = readings.get("battery_runtime_seconds")
    if own is not None:
        return {"autonomy_seconds": own}, {"autonomy_basis": State("device", StateClass.OK)}
    left = _capacity_left(readings, params)
    amperes = abs(readings.get("battery_current_amperes", 0.0)) or readings.get("dc_current_amperes", 0.0)
    if left is None or amperes <= 0:
        return {}, {}
    seconds = left * params.usable_ratio / amperes * SECONDS_PER_HOUR
    return {"autonomy_seconds": seconds}, {"autonomy_basis": State("capacity", StateClass.OK)}


def _capacity_left(readings: Mapping[str, float], params: PowerParams) -> float | None:
    """Ampere hours."""
    strings = [
        value for key, value in readings.items() if split_key(key)[0] == "battery_string_capacity_ampere_hours"
    ]  # fmt: skip
    if strings:
        return sum(strings)
    own = readings.get("battery_capacity_ampere_hours")
    if own is not None or params.battery_ampere_hours is None:
        return own
    charges = [
        value
        for key, value in readings.items()
        if split_key(key)[0] in ("battery_charge_ratio", "battery_string_charge_ratio")
    ]
    return params.battery_ampere_hours * min(charges) if charges else None


KIND = ProbeKind(
    name="power",
    help="A UPS, rectifier or battery: its own measurements and states, what it runs on, and how long that lasts.",
    params=PowerParams,
    probe=probe_power,
    readings=(
        *POLL_READINGS,
        Reading(name="on_battery", help="1 while it runs on its battery, else 0.", optional=True),
        Reading(name="autonomy_seconds", help="Estimated time left, while it runs on its battery.", optional=True),
        *declared_readings(),
    ),
    states={
        "power_source": "What it runs on.",
        "autonomy_basis": "On what the estimate of the time left rests: the device's own, or capacity and current.",
        **declared_states(),
    },
    open_ended=True,
)
