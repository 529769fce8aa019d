"""Kind ``stream``: what it says of emulated lines, packet by packet; seconds, shape and voice from made-up echoes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from netmon.demo.link import Fate, PacketRecord
from probes.base import Endpoint, Failure, Family
from probes.stream import SECONDS, StreamParams, probe_stream, voice_of
from probes.wire import Wires
from probes.wire.bursts import loss_shape
from probes.wire.echo import LAST_ANSWERS_SECONDS, Echo, EchoError
from probes.wire.emodel import CODECS, rating
from probes.wire.names import Names
from tests.lab.streamed import BURSTY, CUT, RATE, RUN_SECONDS, Found, measure

AWAY = Echo()


def back(rtt: float) -> Echo:
    return Echo(rtt_seconds=rtt, received=True)


class Icmp:
    """A wire that gives these echoes, whatever it is asked for."""

    def __init__(self, *echoes: Echo) -> None:
        self.echoes = echoes
        self.asked: dict[str, Any] = {}

    async def ping(self, address: str, **options: Any) -> list[Echo]:
        self.asked = options
        return list(self.echoes)


async def stream(icmp: Icmp, timeout: float = 59.0, host: str = "192.0.2.1", **params: Any) -> Any:
    wires = cast("Wires", SimpleNamespace(icmp=icmp, names=Names()))
    ends = {"far": Endpoint(host=host, family=Family.IPV4)}
    return await probe_stream(ends, StreamParams(**params), wires=wires, timeout=timeout)


# Over emulated lines


@pytest.fixture(scope="module")
def found() -> dict[str, Found]:
    return measure()


def lost(records: list[PacketRecord]) -> list[bool]:
    """Those that came later than a stream waits are lost."""
    return [record.fate is not Fate.PASSED for record in records]


def test_the_readings_are_the_emulators_record_packet_by_packet(found: dict[str, Found]) -> None:
    """Loss in all, by the second, and its shape; of lines with random and late packets, a cut, and a dropped class."""
    fates = {record.fate for run in found.values() for record in run.records}
    assert fates == {Fate.PASSED, Fate.LOST, Fate.LATE, Fate.DOWN}
    for run in found.values():
        flags = lost(run.records)
        assert len(flags) == RATE * RUN_SECONDS == run.readings["sent"]
        assert run.readings["loss_ratio"] == sum(flags) / len(flags)
        assert run.losses == [sum(flags[at : at + RATE]) / RATE for at in range(0, len(flags), RATE)]
        shape = loss_shape(flags)
        assert run.readings["burst_loss_ratio"] == shape.burst_loss_ratio
        assert run.readings["longest_loss_seconds"] == shape.longest_packets / RATE
        assert run.readings["burst_ratio"] == shape.burst_ratio
        assert run.readings["measured_seconds"] == RUN_SECONDS


def test_a_cut_that_lasts_over_two_runs_is_unavailable_time_from_its_first_second(found: dict[str, Found]) -> None:
    """Its first seconds, at the end of the first run, are counted by the second."""
    before, after = found[CUT], found[f"{CUT} again"]
    assert before.losses[:10] == [0.0] * 10
    bad = [loss > 0.5 for loss in before.losses + after.losses]
    cut = sum(bad)
    assert cut >= 10
    assert not any(bad[bad.index(True) + cut :])
    assert before.readings["available_seconds"] == bad.index(True)
    assert before.readings["undecided_seconds"] == RUN_SECONDS - bad.index(True) > 0
    assert after.readings["unavailable_seconds"] == cut
    assert after.readings["available_seconds"] == 0
    assert after.readings["undecided_seconds"] == 2 * RUN_SECONDS - bad.index(True) - cut
    assert (before.readings["line_available"], after.readings["line_available"]) == (1, 0)


def test_each_class_has_its_code_point_on_the_wire_and_its_own_loss(found: dict[str, Found]) -> None:
    """A line that drops what is not marked loses nothing that is."""
    plain, marked = found["0"], found["46"]
    assert {record.dscp for record in plain.records} == {0}
    assert {record.dscp for record in marked.records} == {46}
    assert (plain.readings["loss_ratio"], marked.readings["loss_ratio"]) == (1, 0)
    assert (plain.readings["unavailable_seconds"], marked.readings["available_seconds"]) == (RUN_SECONDS, RUN_SECONDS)
    assert "r_factor" not in plain.readings  # no packet says what the delay would be
    assert 85 < marked.readings["r_factor"] < 93.3


def test_jitter_costs_voice_what_the_buffer_does_not_hold(found: dict[str, Found]) -> None:
    """Up to 100 ms of it, evenly spread, over a buffer of 60 ms."""
    readings = found[BURSTY].readings
    assert readings["voice_loss_ratio"] > readings["loss_ratio"] + 0.1


# From made-up echoes


async def test_it_sends_for_most_of_its_time_in_whole_seconds() -> None:
    icmp = Icmp(back(0.01))
    await stream(icmp, 59.0, packets_per_second=50, dscp=46, payload_bytes=200)
    assert (icmp.asked["count"], icmp.asked["gap_seconds"]) == (57 * 50, 0.02)
    assert (icmp.asked["dscp"], icmp.asked["payload_bytes"]) == (46, 200)
    assert 58 < icmp.asked["timeout"] <= 59


async def test_a_second_of_which_packets_were_not_sent_is_not_measured() -> None:
    """The wire leaves out what could not be sent."""
    result = await stream(Icmp(*[back(0.01)] * 39, AWAY), packets_per_second=20)
    assert result.samples[SECONDS] == (0.0, 0.05)
    result = await stream(Icmp(*[back(0.01)] * 39), packets_per_second=20)
    assert result.samples[SECONDS] == (0.0,)
    assert result.readings["measured_seconds"] == 1


async def test_an_answer_for_which_the_last_packet_could_not_have_waited_is_none() -> None:
    in_time, late = back(LAST_ANSWERS_SECONDS), back(LAST_ANSWERS_SECONDS + 0.001)
    result = await stream(Icmp(in_time, late), packets_per_second=2)
    assert result.readings["received"] == 1
    assert result.samples[SECONDS] == (0.5,)


async def test_a_line_that_is_silent_fails_and_says_why() -> None:
    result = await stream(Icmp(*[Echo(error=EchoError(Failure.NO_ROUTE, "192.0.2.254"))] * 20))
    assert result.failure is Failure.NO_ROUTE
    assert "192.0.2.254" in result.detail
    assert result.samples[SECONDS] == (1.0,)


def test_voice_is_that_of_half_the_round_trip_the_buffer_and_the_codec() -> None:
    """One packet lost and two too late for the buffer, one after another."""
    echoes = [back(0.1)] * 16 + [AWAY, back(0.161), back(0.159), back(0.17)]
    found = voice_of(echoes, StreamParams(codec="g729a", jitter_buffer_seconds=0.06))
    assert found["voice_delay_seconds"] == pytest.approx(0.05 + 0.06 + 0.035)
    assert found["voice_loss_ratio"] == 3 / 20
    burst_ratio = (3 / 2) * (1 - 3 / 20)
    assert found["r_factor"] == rating(
        delay_seconds=0.145, loss_ratio=0.15, burst_ratio=burst_ratio, codec=CODECS["g729a"]
    )
