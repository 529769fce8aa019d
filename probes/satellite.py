"""Kind ``satellite``: a satellite terminal answers over the satellite, and what its modem says about itself.

Light sets a bound that nothing beats: a packet to the other end of a geostationary link and back takes 477.5 ms at the
very least, and more the lower the satellite stands. What comes back sooner did not go over the satellite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import acos, atan2, cos, degrees, hypot, radians, sin
from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import Field, model_validator

from probes.base import Endpoint, ProbeKind, ProbeResult, Reading, State, StateClass, Trace
from probes.profiles import declared_readings, declared_states, load
from probes.profiles.poll import POLL_READINGS, Polled, poll, reached_or_polled
from probes.wire.echo import ECHO_READINGS
from probes.wire.reachability import EchoParams, Reach, reach
from probes.wire.together import together

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "SatelliteParams", "View", "probe_satellite", "round_trip_seconds", "view"]

LIGHT_METERS_PER_SECOND = 299_792_458.0
EARTH_RADIUS_METERS = 6_378_137.0
ALTITUDE_METERS = 35_786_000.0
"""Of the geostationary orbit above the equator: the shortest way from any station to any such satellite."""
ORBIT_RADIUS_METERS = EARTH_RADIUS_METERS + ALTITUDE_METERS
HORIZON_METERS = (ORBIT_RADIUS_METERS**2 - EARTH_RADIUS_METERS**2) ** 0.5
"""The longest way: the satellite stands on the horizon."""


class View(NamedTuple):
    """A geostationary satellite as a station sees it; below the horizon the elevation is negative."""

    range_meters: float
    elevation_degrees: float


def view(latitude: float, longitude: float, satellite_longitude: float) -> View:
    """How far away and how high the satellite stands; all arguments in degrees north and east.

    From the triangle of Earth's centre, station and satellite (Maral and Bousquet, Satellite Communications Systems,
    chapter 2). Earth is a sphere here, which is good to a tenth of a millisecond of round trip.
    """
    apart = acos(cos(radians(latitude)) * cos(radians(longitude - satellite_longitude)))
    up, along = ORBIT_RADIUS_METERS * cos(apart) - EARTH_RADIUS_METERS, ORBIT_RADIUS_METERS * sin(apart)
    return View(hypot(up, along), degrees(atan2(up, along)))


def round_trip_seconds(near_meters: float, far_meters: float) -> float:
    """From one station over the satellite to another and back, at the speed of light: each leg twice."""
    return 2 * (near_meters + far_meters) / LIGHT_METERS_PER_SECOND


LONGEST_HOP_SECONDS = round_trip_seconds(HORIZON_METERS, HORIZON_METERS)


class SatelliteParams(EchoParams):
    """How to ping, how to ask the modem, and where satellite and stations stand."""

    auth: str = Field(default="", description="name of the SNMP credentials in the inventory; empty: no SNMP")
    profile: str = Field(default="uhp-vsat", description="the modem's vendor profile")
    satellite_longitude: float | None = Field(
        default=None, ge=-180, le=180, description="where the satellite stands, degrees east; absent: not known"
    )
    latitude: float | None = Field(
        default=None, ge=-90, le=90, description="of the terminal, degrees north; absent: its place in the inventory"
    )
    longitude: float | None = Field(
        default=None, ge=-180, le=180, description="of the terminal, degrees east; absent: its place in the inventory"
    )
    hub_latitude: float | None = Field(default=None, ge=-90, le=90, description="of the hub, degrees north")
    hub_longitude: float | None = Field(default=None, ge=-180, le=180, description="of the hub, degrees east")
    allowance_seconds: float = Field(
        default=0.3, ge=0, le=10,
        description="how much longer than the longest possible hop (556.1 ms) the shortest round trip may be: "
        "modem, access to the channel, and the way beyond the hub",
    )  # fmt: skip

    @property
    def terminal_view(self) -> View | None:
        """The satellite as the terminal sees it, if both places are known."""
        return _view(self.latitude, self.longitude, self.satellite_longitude)

    @property
    def hub_view(self) -> View | None:
        """The satellite as the hub sees it, if both places are known."""
        return _view(self.hub_latitude, self.hub_longitude, self.satellite_longitude)

    @property
    def rtt_floor_seconds(self) -> float:
        """The least possible round trip. A station whose place is not known is taken to stand right below."""
        seen = (self.terminal_view, self.hub_view)
        return round_trip_seconds(*(ALTITUDE_METERS if one is None else one.range_meters for one in seen))

    @model_validator(mode="after")
    def _above_the_horizon(self) -> Self:
        for station, seen in (("terminal", self.terminal_view), ("hub", self.hub_view)):
            if seen is not None and seen.elevation_degrees <= 0:
                raise ValueError(
                    f"a satellite at {self.satellite_longitude:g} degrees east stands {-seen.elevation_degrees:.1f} "
                    f"degrees below the horizon of the {station}: west is negative"
                )
        return self


def _view(latitude: float | None, longitude: float | None, satellite_longitude: float | None) -> View | None:
    if latitude is None or longitude is None or satellite_longitude is None:
        return None
    return view(latitude, longitude, satellite_longitude)


async def probe_satellite(
    endpoints: Mapping[str, Endpoint], params: SatelliteParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Ping the terminal and, where it is named, the hub, and read the modem, all at once and within ``timeout``.

    Raises:
        MonitorFault: this machine could not send.
    """
    trace = Trace()
    floor = params.rtt_floor_seconds
    seen = params.terminal_view
    place = "at an unknown place" if seen is None else f"{seen.elevation_degrees:.1f} degrees above the horizon"
    trace.step(f"the satellite stands {place}: least possible round trip {floor * 1e3:.1f} ms")
    terminal = endpoints["host"]
    (reached, hub), polled = await together(
        together(
            reach(replace(terminal, port=None), params, wires=wires, timeout=timeout, trace=trace),
            _ping_hub(endpoints.get("hub"), params, wires=wires, timeout=timeout, trace=trace),
        ),
        _ask_modem(terminal, params, wires=wires, timeout=timeout, trace=trace),
    )
    readings = {"icmp_up": float(reached.failure is None), "rtt_floor_seconds": floor, **reached.readings}
    states: dict[str, State] = {}
    facts: Mapping[str, str] = {}
    failure, detail = reached.failure, reached.detail
    notes = []
    if polled is not None:
        failure, detail = reached_or_polled(reached, polled)
        readings |= polled.readings
        states |= polled.states
        facts = polled.facts
    if (rtt := reached.readings.get("rtt_min_seconds")) is not None:
        readings["rtt_over_floor_seconds"] = rtt - floor
        states["path"], note = _path(rtt, floor, params.allowance_seconds)
        notes.append(note)
    if hub is not None:
        readings["hub_up"] = float(hub.failure is None)
        if (hub_rtt := hub.readings.get("rtt_min_seconds")) is not None:
            readings["hub_rtt_min_seconds"] = hub_rtt
        if failure is not None:
            notes.append("the hub answers" if hub.failure is None else "the hub does not answer either")
        elif hub.failure is not None:
            notes.append(f"the hub does not answer: {hub.detail}")
    return ProbeResult(
        failure=failure,
        detail="; ".join(filter(None, (detail, *notes))),
        readings=readings,
        samples=reached.samples,
        states=states,
        facts=facts,
        steps=trace.steps,
    )


async def _ping_hub(
    hub: Endpoint | None, params: SatelliteParams, *, wires: Wires, timeout: float, trace: Trace
) -> Reach | None:
    if hub is None:
        return None
    return await reach(replace(hub, port=None), params, wires=wires, timeout=timeout, trace=trace)


async def _ask_modem(
    terminal: Endpoint, params: SatelliteParams, *, wires: Wires, timeout: float, trace: Trace
) -> Polled | None:
    if not params.auth:
        return None
    modules = load(params.profile).modules
    return await poll(modules, endpoint=terminal, auth=params.auth, wires=wires, timeout=timeout, trace=trace)


def _path(rtt: float, floor: float, allowance: float) -> tuple[State, str]:
    """What the shortest round trip says about the way that the packets went, and a sentence where it is a wrong one."""
    if rtt < floor:
        return State("terrestrial", StateClass.DEGRADED), (
            f"the way did not lead over the satellite: a round trip of {rtt * 1e3:.0f} ms is impossible there, "
            f"the least is {floor * 1e3:.1f} ms"
        )
    if rtt > LONGEST_HOP_SECONDS + allowance:
        return State("delayed", StateClass.DEGRADED), (
            f"the shortest round trip of {rtt * 1e3:.0f} ms is longer than one hop with {allowance * 1e3:.0f} ms for "
            "everything else: packets wait in a queue, or go over the satellite twice"
        )
    return State("satellite", StateClass.OK), ""


KIND = ProbeKind(
    name="satellite",
    help="A satellite terminal: reachability, proof that the way led over the satellite, and its modem by a profile.",
    params=SatelliteParams,
    probe=probe_satellite,
    optional_roles=("hub",),
    readings=(
        Reading(name="icmp_up", help="1 if the terminal answered at least one echo request, else 0."),
        *ECHO_READINGS,
        Reading(
            name="rtt_floor_seconds",
            help="Least possible round trip over the satellite at the speed of light, from the places of satellite and "
            "stations as far as they are known: computed, not measured.",
        ),
        Reading(
            name="rtt_over_floor_seconds",
            help="Shortest round trip minus the least possible one: modem, channel access, queues, way beyond the hub.",
            optional=True,
        ),
        Reading(name="hub_up", help="1 if the hub answered at least one echo request, else 0.", optional=True),
        Reading(name="hub_rtt_min_seconds", help="Shortest round trip to the hub (RFC 2681).", optional=True),
        *(replace(reading, optional=True) for reading in POLL_READINGS),
        *declared_readings(),
    ),
    states={
        **declared_states(),
        "path": "Whether the round trip is possible over a geostationary satellite: `satellite`, `terrestrial` (too "
        "short), `delayed` (longer than one hop).",
    },
    open_ended=True,
)
