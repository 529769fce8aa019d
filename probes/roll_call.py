"""Kind ``roll_call``: what people hear of a base station at the daily roll call by radio (点名).

Nothing is asked: operators enter on the board how the station came through, and that is the observation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from probes.base import Endpoint, Failure, Params, ProbeKind, ProbeResult, State, StateClass, Trace

if TYPE_CHECKING:
    from probes.wire import Wires

__all__ = ["HEARD", "KIND", "RollCallParams", "probe_roll_call"]

HEARD = {
    "clear": State("clear", StateClass.OK),
    "weak": State("weak", StateClass.DEGRADED),
    "silent": State("silent", StateClass.FAULT),
}
"""How a station came through, and what that means for its users."""


class RollCallParams(Params):
    """There is nothing to say."""


async def probe_roll_call(
    endpoints: Mapping[str, Endpoint],  # noqa: ARG001 (the one signature)
    params: RollCallParams,  # noqa: ARG001
    *,
    wires: Wires,  # noqa: ARG001
    timeout: float,  # noqa: ARG001
) -> ProbeResult:
    """Nothing: only a person can call the roll."""
    trace = Trace()
    detail = "a roll call is entered on the page of base stations; nothing is asked"
    trace.step(detail)
    return ProbeResult(failure=Failure.NOT_SEEN, detail=detail, steps=trace.steps)


KIND = ProbeKind(
    name="roll_call",
    help="How a base station came through at the daily roll call, as operators enter it.",
    params=RollCallParams,
    probe=probe_roll_call,
    roles=(),
    states={"heard": "How the station came through."},
    hearsay=True,
    by_hand=True,
)
