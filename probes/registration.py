"""Kind ``registration``: what a terminal of ours says of a base station that is not ours.

A radio or gateway that is registered with a station proves that the station serves. Nothing else follows: one that is
registered elsewhere, or nowhere, may have moved, be off the air or be broken, and the station is then not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from probes.base import Endpoint, Failure, Params, ProbeKind, ProbeResult, Reading, State, StateClass, Trace
from probes.profiles import Profile, load
from probes.profiles.decode import holds
from probes.profiles.poll import POLL_READINGS, Polled, poll

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "RegistrationParams", "probe_registration"]

HERE = State("here", StateClass.OK)
ELSEWHERE = State("elsewhere", StateClass.NOT_MONITORED)
NOWHERE = State("nowhere", StateClass.NOT_MONITORED)
IN_SERVICE = State("in_service", StateClass.OK)


class RegistrationParams(Params):
    """Whom to ask, and by what the station is known to it."""

    auth: str = Field(default="default", description="name of the SNMP credentials in the inventory")
    profile: str = Field(default="host-system", description="the terminal's profile, which says what registered is")
    site: str | int = Field(default="", description="what the terminal gives as serving site while this station serves")


async def probe_registration(
    endpoints: Mapping[str, Endpoint], params: RegistrationParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ask the terminal once where it is registered. What it measures of itself is no matter of the station."""
    trace = Trace()
    profile = load(params.profile)
    polled = await poll(
        profile.modules, endpoint=endpoints["host"], auth=params.auth, wires=wires, timeout=timeout, trace=trace
    )
    site, found, failure, detail = "", None, polled.failure, polled.detail
    if failure is None:
        site, found, detail = _registration(profile, polled, str(params.site))
        failure = Failure.BAD_REPLY if found is None else None if found is HERE else Failure.NOT_SEEN
        trace.step(detail)
    readings = {key: polled.readings[key] for key in ("snmp_up", "rejected_values") if key in polled.readings}
    if found is HERE and profile.serving_level in polled.readings:
        readings["terminal_level_dbm"] = polled.readings[profile.serving_level]
    return ProbeResult(
        failure=failure,
        detail="" if found is HERE else detail,
        readings=readings,
        states={
            **({"service_state": IN_SERVICE} if found is HERE else {}),
            **({"registration": found} if found else {}),
        },
        facts={"serving_site": site} if site else {},
        steps=trace.steps,
    )


def _registration(profile: Profile, polled: Polled, station: str) -> tuple[str, State | None, str]:
    """The serving site, what that says of the station (``None`` if the terminal does not tell), and a sentence."""
    if profile.registered.keys().isdisjoint(polled.states):
        return "", None, "the terminal does not say whether it is registered"
    if not holds(profile.registered, polled.states):
        return (
            "",
            NOWHERE,
            "the terminal is not registered with any station: it is off the air, or no station reaches it",
        )
    site = _said(profile.serving_site, polled)
    if not site:
        return "", None, "the terminal does not say with which station it is registered"
    if site == station:
        return site, HERE, f"the terminal is registered with {site}"
    return site, ELSEWHERE, f"the terminal is registered with {site}, not with {station}"


def _said(name: str, polled: Polled) -> str:
    """What the terminal gives as a fact, a state or a number of this name; nothing where it gives none."""
    if name in polled.facts:
        return polled.facts[name]
    if name in polled.states:
        return polled.states[name].word
    return f"{polled.readings[name]:.10g}" if name in polled.readings else ""


KIND = ProbeKind(
    name="registration",
    help="Whether a terminal of ours is registered with a base station that is not ours: then it serves.",
    params=RegistrationParams,
    probe=probe_registration,
    readings=(
        *(reading for reading in POLL_READINGS if reading.name != "module_success"),
        Reading(name="terminal_level_dbm", help="How the terminal receives the station.", optional=True),
    ),
    states={
        "service_state": "What the station does for its users: in service, as the registration proves.",
        "registration": "Where the terminal is registered: here, elsewhere or nowhere.",
    },
    hearsay=True,
)
