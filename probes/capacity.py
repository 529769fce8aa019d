"""Kind ``capacity``: what a line carries, by a short load between netmon and its reflector at the other end.

``verify`` loads the line a little above the target, and stops when it is sure (:mod:`probes.wire.capacity_verify`);
``search`` fills it (:mod:`probes.wire.capacity_search`, RFC 9097). One direction after the other. Each figure names its
layer; the one that is judged is at the layer at which the line is sold (:mod:`probes.wire.capacity_layer`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

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
    Scheduling,
    State,
    StateClass,
    indexed,
)
from probes.wire.capacity import CapacityRun, Conductor, Stop
from probes.wire.capacity_layer import Layer, datagram_bytes, packet_bits
from probes.wire.capacity_search import Search
from probes.wire.capacity_verify import Outcome, Verify, VerifyPlan
from probes.wire.directions import DIRECTIONS, FROM_SITE
from probes.wire.failures import network
from probes.wire.others import Others

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["KIND", "PORT", "CapacityParams", "probe_capacity"]

PORT: Final = 9736
HEADROOM: Final = 1.05
"""What a verification may send at the most, as a share of its target."""
HANDSHAKE_SECONDS: Final = 5.0
VERIFY_SECONDS, RAMP_SECONDS = 20.0, 10.0
SPARE_SECONDS: Final = 0.2
COUNTED_IN_FRAMES: Final = frozenset({Layer.ETHERNET, Layer.ETHERNET_FCS, Layer.PHYSICAL})
"""Where octets of frames can be added: at higher layers they would be too many, for the headers of unknown packets."""
MEANING: Final = {
    Outcome.REACHED: StateClass.OK,
    Outcome.BELOW: StateClass.DEGRADED,
    Outcome.UNDECIDED: StateClass.NOT_MONITORED,
}


class CapacityParams(Params):
    """What has to be carried, how it is counted, and how it is tested."""

    key: str = Field(default="default", description="name of the key that the reflector has, too (reflector_keys)")
    method: Literal["verify", "search"] = Field(default="verify", description="verify the target, or fill the line")
    directions: Literal["both", "to_site", "from_site"] = Field(default="both", description="which directions")
    target_bits_per_second: float = Field(
        default=50e6, ge=64e3, le=10e9, description="what the line has to carry in each direction"
    )
    layer: Layer = Field(
        default=Layer.ETHERNET,
        description="at which layer the line is sold: payload, ip, ethernet (without FCS), ethernet_fcs or physical",
    )
    tolerance_ratio: float = Field(
        default=0.01, gt=0, le=0.1, description="share of the target that is left to the error of measurement"
    )
    confidence_ratio: float = Field(default=0.99, ge=0.8, lt=1, description="of the decision")
    packet_bytes: int = Field(default=1250, ge=200, le=1500, description="IP packet: no larger than the path MTU")
    sustain_seconds: float = Field(
        default=2.25, ge=0.1, le=60,
        description="verify: length of the load; it empties a token bucket of up to that many seconds times the "
        "rate above the bucket's own, 8 MiB over 20 Mbit/s",
    )  # fmt: skip
    bucket_bytes: float = Field(
        default=0.0, ge=0, le=1e10,
        description="verify: what the line's token bucket holds, where its provider says so: it is refused unless "
        "sustain_seconds empties it",
    )  # fmt: skip
    late_after_seconds: float = Field(
        default=6.0,
        ge=0.2,
        le=60,
        description="verify: the load comes so long after a first touch of it, from which a line may count",
    )
    rise_seconds: float = Field(
        default=0.02, ge=0.002, le=1, description="verify: the load pauses when the delay has risen by so much"
    )
    highest_bits_per_second: float = Field(
        default=100e6, ge=64e3, le=10e9, description="search: it is never sent faster, at the layer of the line"
    )
    search_seconds: float = Field(default=6.0, ge=2, le=60, description="search: for how long the line is kept full")
    near_auth: str = Field(
        default="", description="SNMP credentials of the router at our end, whose interface counts others' traffic"
    )
    near_interface: str = Field(default="", description="its interface to the line: ifName, ifDescr or ifAlias")
    most_others_ratio: float = Field(
        default=0.3, gt=0, le=1, description="the test ends when others' traffic exceeds this share of the target"
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.near_auth) != bool(self.near_interface):
            raise ValueError("near_auth and near_interface belong together: give both or neither")
        return self

    @model_validator(mode="after")
    def _empties_the_bucket(self) -> Self:
        least = self.plan().emptying_seconds(8 * self.bucket_bytes)
        if least > self.sustain_seconds:
            raise ValueError(f"to empty a bucket of so many bytes, write sustain_seconds: {least:.2f}")
        return self

    def plan(self) -> VerifyPlan:
        """How the target is verified."""
        return VerifyPlan(
            target_bits_per_second=self.target_bits_per_second,
            tolerance=self.tolerance_ratio,
            confidence=self.confidence_ratio,
            sustain_seconds=self.sustain_seconds,
            late_after_seconds=self.late_after_seconds,
            rise_seconds=self.rise_seconds,
        )


@dataclass(slots=True, kw_only=True)
class _Test:
    """A probe under way."""

    params: CapacityParams
    endpoint: Endpoint
    near: Endpoint | None
    address: str
    wires: Wires
    draft: Draft
    bytes_sent: float = 0.0

    @property
    def datagram(self) -> int:
        return datagram_bytes(self.params.packet_bytes, self.endpoint.family)

    def bits(self, layer: Layer) -> int:
        return packet_bits(self.datagram, self.endpoint.family, layer)


async def probe_capacity(
    endpoints: Mapping[str, Endpoint], params: CapacityParams, *, wires: Wires, timeout: float
) -> ProbeResult:
    """Test each direction. A test that ended early gives what it has, and no capacity.

    Raises:
        MonitorFault: this machine could not send, has no such key, or the reflector refuses (another test is under way
            there, its limits are exceeded): nothing is said about the line.
    """
    endpoint, draft = endpoints["reflector"], Draft(timeout)
    draft.readings["target_bits_per_second"] = params.target_bits_per_second
    draft.facts["layer"] = params.layer.value
    try:
        async with network(f"looking up {endpoint.host}", timeout, on_timeout=Failure.NAME_SERVER):
            address = await wires.names.resolve(endpoint.host, endpoint.family)
    except NetworkFailure as error:
        return draft.finish(error)
    test = _Test(
        params=params, endpoint=endpoint, near=endpoints.get("near"), address=address, wires=wires, draft=draft
    )
    failure, carried = None, []
    for direction in DIRECTIONS[params.directions]:
        try:
            found = await _direction(test, direction)
        except NetworkFailure as error:
            failure = error
            break
        if found is None:
            break
        carried.append(found)
    if test.bytes_sent:
        draft.readings["test_bytes"] = test.bytes_sent
    if failure is None and len(carried) == len(DIRECTIONS[params.directions]):
        draft.readings["capacity_bits_per_second"] = min(carried)
    return draft.finish(failure)


async def _direction(test: _Test, direction: str) -> float | None:
    """Test one direction: what it carries at the line's layer, or ``None`` if that was not decided."""
    params, draft = test.params, test.draft
    bits = test.bits(params.layer)
    verify = params.method == "verify"
    highest = params.target_bits_per_second * HEADROOM if verify else params.highest_bits_per_second
    seconds = VERIFY_SECONDS + params.late_after_seconds + params.sustain_seconds
    if not verify:
        seconds = RAMP_SECONDS + params.search_seconds
    conductors: list[Verify | Search] = []

    def conductor(now: float, round_trip: float) -> Conductor:
        made: Verify | Search = (
            Verify(params.plan(), bits, now, round_trip=round_trip)
            if verify
            else Search(highest, bits, now, seconds=params.search_seconds, round_trip=round_trip)
        )
        conductors.append(made)
        return made

    stop = Stop()
    draft.trace.step(f"{direction}: {params.method} at {params.layer.value} layer with {test.address}")
    frame = test.bits(Layer.ETHERNET) / 8
    others = Others(
        test.wires, test.near, auth=params.near_auth, interface=params.near_interface, direction=direction,
        most_bits_per_second=params.most_others_ratio * params.target_bits_per_second,
        own_octets=lambda: stop.packets * frame, end=stop.set,
    )  # fmt: skip
    if fault := await others.begin():
        draft.trace.step(fault)
    watching = asyncio.create_task(others.watch())
    try:
        run = await test.wires.capacity.run(
            test.address, test.endpoint.port or PORT, family=test.endpoint.family, key=params.key,
            down=direction == FROM_SITE, datagram_bytes=test.datagram, packet_bits=bits, highest=highest,
            seconds=min(seconds, draft.seconds_left - SPARE_SECONDS), conductor=conductor, stop=stop,
            timeout=min(HANDSHAKE_SECONDS, draft.seconds_left - SPARE_SECONDS),
        )  # fmt: skip
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return _conclude(test, direction, conductors[0], run, others.mean)


def _conclude(
    test: _Test, direction: str, conductor: Verify | Search, run: CapacityRun, others: float | None
) -> float | None:
    params, draft, readings = test.params, test.draft, test.draft.readings
    bits = test.bits(params.layer)
    test.bytes_sent += run.packets_sent * bits / 8
    readings["round_trip_seconds"] = run.round_trip_seconds
    if conductor.packets:
        loss = conductor.lost / (conductor.lost + conductor.packets)
        readings[indexed("load_loss_ratio", direction)] = loss
        readings[indexed("delay_rise_seconds", direction)] = conductor.rise_seconds
    threshold = params.plan().threshold
    if isinstance(conductor, Search):
        carried, outcome = conductor.sustained_bits_per_second, Outcome.UNDECIDED
        if conductor.maximum_bits_per_second is not None:
            readings[indexed("maximum_bits_per_second", direction)] = conductor.maximum_bits_per_second
        if carried is not None and conductor.done:
            outcome = Outcome.REACHED if carried >= threshold else Outcome.BELOW
    else:
        carried, outcome = conductor.carried_bits_per_second, conductor.outcome
    if carried is not None:
        readings[indexed("carried_bits_per_second", direction)] = carried
        readings[indexed("ip_bits_per_second", direction)] = carried * test.bits(Layer.IP) / bits
        readings[indexed("payload_bits_per_second", direction)] = carried * test.bits(Layer.PAYLOAD) / bits
    ended = run.stopped
    if others is not None:
        readings[indexed("others_bits_per_second", direction)] = others
        framed = params.layer in COUNTED_IN_FRAMES
        if framed and outcome is Outcome.BELOW and carried is not None and carried + others >= threshold:
            # What others sent at the same time, the line carried as well.
            carried, outcome = carried + others, Outcome.REACHED
    if run.overflow or run.stalled:
        draft.trace.step(
            f"{direction}: the receiving machine dropped {run.overflow} packets, the sending one was late "
            f"{run.stalled} times; what was disturbed says nothing about the line"
        )
    if outcome is Outcome.UNDECIDED:
        draft.facts[indexed("undecided", direction)] = ended or "what was seen fits both"
    test.draft.states[indexed("bandwidth", direction)] = State(outcome.value, MEANING[outcome])
    draft.trace.step(f"{direction}: {outcome.value}" + (f", {ended}" if ended else ""))
    return None if outcome is Outcome.UNDECIDED else carried


def _of_direction(name: str, help: str) -> Reading:  # noqa: A002 (the field's name)
    return Reading(name=name, help=help, optional=True, index="direction")


KIND = ProbeKind(
    name="capacity",
    help="What a line carries in each direction, by a short load between netmon and its reflector at the other end.",
    params=CapacityParams,
    probe=probe_capacity,
    roles=("reflector",),
    optional_roles=("near",),
    scheduling=Scheduling.EXCLUSIVE,
    readings=(
        Reading(
            name="capacity_bits_per_second",
            help="What the line carried in its weaker direction, at the layer at which it is sold; absent where that "
            "was not decided. A verification sends no more than its target, so the line may carry more.",
        ),
        Reading(
            name="target_bits_per_second",
            help="What it has to carry, as the inventory says; not a measurement.",
            optional=True,
        ),
        _of_direction(
            "carried_bits_per_second",
            "What came through at the layer at which the line is sold; below the target, since it became slow.",
        ),
        _of_direction("ip_bits_per_second", "The same as IP packets (RFC 9097)."),
        _of_direction("payload_bits_per_second", "The same as UDP payload."),
        _of_direction(
            "maximum_bits_per_second",
            "search: the best second at the layer of the line (Maximum IP-Layer Capacity of RFC 9097, at that layer).",
        ),
        _of_direction(
            "others_bits_per_second",
            "What others sent under the load, Ethernet frames, by ifHCOutOctets or ifHCInOctets at our end (RFC 2863).",
        ),
        _of_direction("load_loss_ratio", "Packets of the load that did not come."),
        _of_direction("delay_rise_seconds", "How much the one-way delay rose over that of the empty line (RFC 3393)."),
        Reading(
            name="test_bytes", help="What the test sent in all, at the layer at which the line is sold.", optional=True
        ),
        Reading(name="round_trip_seconds", help="Of the test's own handshake, before any load.", optional=True),
    ),
    states={"bandwidth": "Whether the line carries the target in this direction: reached, below or undecided."},
)
