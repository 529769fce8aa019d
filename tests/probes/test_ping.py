"""Kind ping on addresses that the kernel answers, and on a name that does not exist."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from probes.base import Endpoint, Failure, Family, NetworkFailure
from probes.ping import KIND, PingParams
from probes.wire.icmp import IcmpWire
from probes.wire.names import Names


async def probe(names: Any, host: str) -> Any:
    icmp = IcmpWire()
    wires: Any = SimpleNamespace(names=names, icmp=icmp)
    endpoint = Endpoint(host=host, family=Family.IPV4)
    try:
        return await KIND.probe({"host": endpoint}, PingParams(count=4, gap_seconds=0.01), wires=wires, timeout=2.0)
    finally:
        await icmp.aclose()


async def test_loopback_answers_every_packet() -> None:
    """Every promised reading is there, and each round trip is kept."""
    result = await probe(Names(), "127.0.0.1")
    assert result.failure is None
    assert (result.readings["sent"], result.readings["loss_ratio"]) == (4, 0)
    assert len(result.samples["rtt_seconds"]) == 4
    assert {reading.name for reading in KIND.readings if not reading.optional} <= set(result.readings)


async def test_a_name_that_does_not_exist_fails_this_probe_alone() -> None:
    """Nothing is sent, and nothing is measured."""

    class NoNames:
        async def resolve(self, host: str, family: Family) -> str:
            raise NetworkFailure(Failure.NAME_NOT_FOUND, f"{host} has no {family} address")

    result = await probe(NoNames(), "nowhere.invalid")
    assert result.failure is Failure.NAME_NOT_FOUND
    assert dict(result.readings) == {}
