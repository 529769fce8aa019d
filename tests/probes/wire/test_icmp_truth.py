"""What the ICMP wire reports, packet by packet, against the record of a link emulator in a network of its own."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from netmon.demo.link import Behaviour, Fate, PacketRecord
from probes.base import Failure
from probes.wire.echo import Echo, readings_of
from tests.lab import need
from tests.lab.truth import Outcome, measure

pytestmark = pytest.mark.alone  # delays are compared with those of an emulator

COUNT = 10
CLOCK_SECONDS = 50e-6
"""How far two clocks that are read one after the other may be apart."""


def hosts(addresses: list[str], *, seed: int) -> dict[str, Behaviour]:
    """Addresses, each with its own delay, loss and other faults."""
    generator = random.Random(seed)
    return {
        address: Behaviour(
            delay_seconds=generator.uniform(0, 0.3),
            jitter_seconds=generator.choice((0.0, 0.05)),
            loss_ratio=generator.choice((0.0, 0.1, 0.5, 1.0)),
            duplicate_ratio=generator.choice((0.0, 0.2)),
            reorder_ratio=generator.choice((0.0, 0.3)),
            reorder_seconds=0.25,
            late_ratio=generator.choice((0.0, 0.1)),
            late_seconds=5.0,
            wrong_id_ratio=generator.choice((0.0, 0.1)),
        )
        for address in addresses
    }


def came_back(record: PacketRecord) -> bool:
    return record.fate in {Fate.PASSED, Fate.DUPLICATED, Fate.REORDERED}


def expected(records: list[PacketRecord]) -> list[tuple[bool, int | None, int]]:
    """Received, place among the answers, duplicates: of each packet."""
    order = sorted((record.written_ns[0], n) for n, record in enumerate(records) if came_back(record))
    places = {n: place for place, (_written_ns, n) in enumerate(order)}
    return [(came_back(record), places.get(n), int(record.fate is Fate.DUPLICATED)) for n, record in enumerate(records)]


def found(echoes: list[Echo]) -> list[tuple[bool, int | None, int]]:
    return [(echo.received, echo.arrival, echo.duplicates) for echo in echoes]


def errors(outcome: Outcome) -> list[float]:
    """Reported round trip less the time that the emulator held the packet, in seconds."""
    return [
        echo.rtt_seconds - (record.written_ns[0] - record.arrived_ns) / 1e9
        for address, echoes in outcome.echoes.items()
        for echo, record in zip(echoes, outcome.records[address], strict=True)
        if echo.rtt_seconds is not None
    ]


def reordered(records: list[PacketRecord]) -> int:
    """RFC 4737, section 3.3, from the record: packets whose answer left after the answer to a later one."""
    answered = [(record.written_ns[0], n) for n, record in enumerate(records) if came_back(record)]
    return sum(any(n > own and written < at for written, n in answered) for at, own in answered)


MANY = {
    "IPv4": [f"10.77.{n // 250 + 1}.{n % 250 + 1}" for n in range(1000)],
    "IPv6": [f"fd00:77::1:{n:x}" for n in range(100)],
}


@pytest.mark.parametrize("addresses", MANY.values(), ids=MANY)
def test_every_packets_fate_is_reported_as_it_was(addresses: list[str]) -> None:
    """Loss, duplicates and order, for hosts of which each has its own faults, late and wrong-id answers included."""
    behaviours = hosts(addresses, seed=1)
    outcome = measure(behaviours, count=COUNT, gap=0.1, timeout=4.0, settle_seconds=0.5)
    fates = {record.fate for records in outcome.records.values() for record in records}
    assert fates == {Fate.PASSED, Fate.LOST, Fate.DUPLICATED, Fate.REORDERED, Fate.LATE, Fate.WRONG_ID}
    for address, records in outcome.records.items():
        echoes = outcome.echoes[address]
        assert len(records) == len(echoes) == COUNT
        assert found(echoes) == expected(records), address
        readings = readings_of(echoes)
        assert readings["loss_ratio"] == (COUNT - sum(map(came_back, records))) / COUNT
        assert readings["reordered"] == reordered(records)
    assert min(errors(outcome)) > -CLOCK_SECONDS


@pytest.mark.parametrize("address", ["10.77.0.9", "fd00:77::9"])
@pytest.mark.parametrize("milliseconds", [20, 600])
def test_round_trips_are_the_links_and_not_the_event_loops(address: str, milliseconds: int) -> None:
    """An event loop that is held up in pieces of 20 ms adds nothing: both stamps are the kernel's.

    How exact, bench/rtt_accuracy.py says; here, on a machine that may be busy, only that the blocks are not in it.
    """
    outcome = measure(
        {address: Behaviour(delay_seconds=milliseconds / 1e3)}, count=50, gap=0.02, timeout=4.0, block_seconds=0.02
    )
    assert outcome.longest_block_seconds >= 0.02
    added = errors(outcome)
    assert len(added) == 50
    assert min(added) > -CLOCK_SECONDS
    assert median(added) < 0.005


@pytest.mark.parametrize("prefix", ["10.77.0.{}", "fd00:77::{}"], ids=["IPv4", "IPv6"])
def test_icmp_errors_are_told_apart(prefix: str) -> None:
    """With the router that sent them, and the MTU where they carry one."""
    wanted = {
        prefix.format(10): (Behaviour(error="net_unreachable"), Failure.NO_ROUTE, None),
        prefix.format(11): (Behaviour(error="host_unreachable"), Failure.NO_ROUTE, None),
        prefix.format(12): (Behaviour(error="prohibited"), Failure.PROHIBITED, None),
        prefix.format(13): (Behaviour(error="port_unreachable"), Failure.REFUSED, None),
        prefix.format(14): (Behaviour(mtu=1280), Failure.TOO_BIG, 1280),
        prefix.format(15): (Behaviour(hops=70), Failure.TTL_EXCEEDED, None),
    }
    outcome = measure(
        {address: behaviour for address, (behaviour, _failure, _mtu) in wanted.items()},
        count=1, timeout=1.0, payload_bytes=1400, dont_fragment=True,
    )  # fmt: skip
    told = {address: echoes[0].error for address, echoes in outcome.echoes.items()}
    assert {address: error and (error.failure, error.router, error.mtu_bytes) for address, error in told.items()} == {
        address: (failure, address, mtu) for address, (_behaviour, failure, mtu) in wanted.items()
    }


def test_a_hop_limit_that_is_too_small_is_told() -> None:
    outcome = measure(
        {"10.77.0.9": Behaviour(hops=3), "10.77.0.10": Behaviour(hops=2)}, count=1, timeout=1.0, hop_limit=3
    )
    assert outcome.echoes["10.77.0.9"][0].error is not None
    assert outcome.echoes["10.77.0.10"][0].received


def test_a_host_that_is_down_is_silent() -> None:
    outcome = measure({"10.77.0.9": Behaviour(down=True)}, count=3, gap=0.05, timeout=0.5)
    assert [(echo.received, echo.error) for echo in outcome.echoes["10.77.0.9"]] == [(False, None)] * 3
    assert [record.fate for record in outcome.records["10.77.0.9"]] == [Fate.DOWN] * 3


WITHOUT_RIGHTS = """
import asyncio
from probes.base import Family, MonitorFault
from probes.wire.icmp import IcmpWire
async def main():
    try:
        await IcmpWire().ping("127.0.0.1", family=Family.IPV4, count=1, gap_seconds=0.1, timeout=1.0)
    except MonitorFault as fault:
        print(fault)
asyncio.run(main())
"""


def test_without_the_right_to_ping_the_fault_names_the_capability_and_the_sysctl() -> None:
    """In a network whose ping_group_range is closed, as the kernel makes it, and without CAP_NET_RAW."""
    need.namespaces()
    setpriv = need.program("setpriv", "util-linux")
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", setpriv, "--bounding-set", "-all", "--inh-caps", "-all",
         sys.executable, "-c", WITHOUT_RIGHTS],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert done.stderr == ""
    assert "CAP_NET_RAW" in done.stdout
    assert "net.ipv4.ping_group_range" in done.stdout
