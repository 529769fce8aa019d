"""An inventory of many checks, and what their runs observed, for tests and benchmarks of the metrics."""

from __future__ import annotations

from dataclasses import replace

from netmon.model import Check, LocalText, Observation, Site, Threshold
from probes.base import Params, ProbeKind, ProbeResult, Reading, State, StateClass
from tests.lab.checks import check
from tests.lab.observations import ping

__all__ = ["KINDS", "SITES", "hostile", "many"]


async def _never(*_arguments: object, **_named: object) -> ProbeResult:
    raise AssertionError("no test of the metrics runs a probe")


KINDS = {
    "ping": ProbeKind(
        name="ping",
        help="Pings.",
        params=Params,
        probe=_never,
        readings=(
            Reading(name="sent", help="Requests."),
            Reading(name="received", help="Replies."),
            Reading(name="loss_ratio", help="Share without an answer; a \\ and\na line break."),
            Reading(name="rtt_median_seconds", help="Median.", optional=True),
            Reading(name="capacity_bits_per_second", help="Capacity of the link.", optional=True),
        ),
    )
}
SITES = (Site(id="hunchun", kind="battalion", name=LocalText(zh="珲春", en="Hunchun"), required={"uplink": 2}),)


def many(count: int) -> tuple[list[Check], list[Observation]]:
    """``count`` ping checks with one threshold, and one observation each."""
    thresholds = (Threshold(reading="loss_ratio", degraded_above=0.1),)
    checks = [check(f"site-{number}/router/ping", thresholds=thresholds) for number in range(count)]
    return checks, [ping(number, one.id) for number, one in enumerate(checks)]


def hostile(observation: Observation) -> Observation:
    """The same with everything that a device may choose: names, words and indices that want to break a text format."""
    nasty = 'a"b\\c\nd{e}%s 中文 \u2028#'
    result = replace(
        observation.result,
        readings={
            **observation.result.readings,
            f"slot_celsius[{nasty}]": 21.5,
            "tiny_ratio": 1e-300,
            "huge_hertz": 1.7976931348623157e308,
            "minus_dbm": -101.0,
            "zero_db": -0.0,
            "nothing_volts": float("nan"),
            "endless_volts": float("inf"),
            "capacity_bits_per_second": 5e7,
            "word-with.dots_count": 3.0,
        },
        states={nasty: State(nasty, StateClass.DEGRADED), f"fan[{nasty}]": State("stopped", StateClass.FAULT)},
    )
    return replace(observation, result=result)
