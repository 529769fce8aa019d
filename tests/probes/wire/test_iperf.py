"""What iperf3 prints, true, damaged and hostile; and that it ends at its deadline with everything that it started."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.base import Failure, Family, MonitorFault, NetworkFailure
from probes.wire.iperf import IperfReport, IperfWire, read_report

TRUE: dict[str, Any] = {
    "start": {"version": "iperf 3.12", "tcp_mss_default": 1448},
    "intervals": [],
    "end": {
        "sum_sent": {"bytes": 6_300_000, "seconds": 1.0, "retransmits": 3},
        "sum_received": {"bytes": 6_000_000, "seconds": 1.04},
    },
}


def read(report: Any) -> IperfReport:
    return read_report(json.dumps(report).encode(), "iperf3")


def test_the_receiver_counts() -> None:
    assert read(TRUE) == IperfReport(
        received_bytes=6e6, received_seconds=1.04, sent_bytes=6.3e6, retransmits=3.0, mss_bytes=1448,
        version="iperf 3.12",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "failure"),
    [
        ("unable to connect to server: Connection refused", Failure.REFUSED),
        ("unable to connect to server: No route to host", Failure.NO_ROUTE),
        ("unable to connect to server: Network is unreachable", Failure.NO_ROUTE),
        ("unable to connect to server: Connection timed out", Failure.TIMEOUT),
        ("control socket has closed unexpectedly", Failure.RESET),
    ],
)
def test_what_says_something_about_the_network(words: str, failure: Failure) -> None:
    with pytest.raises(NetworkFailure) as caught:
        read({"error": words})
    assert caught.value.failure is failure


@pytest.mark.parametrize(
    "words", ["the server is busy running a test. try again later", "total required bandwidth is larger", 7, ["x"]]
)
def test_a_refusal_is_no_fault_of_the_line(words: object) -> None:
    with pytest.raises(MonitorFault):
        read({"error": words})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["bytes", "seconds", "x"]), inner),
    max_leaves=8,
)


@given(
    place=st.sampled_from(["start", "end", "sum_sent", "sum_received", "bytes", "seconds", "tcp_mss_default"]),
    value=JSON,
)
def test_wrong_values_are_no_figures(place: str, value: Any) -> None:
    """Whatever stands anywhere: a report with lawful figures, or a fault that says so."""

    def put(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        return {key: value if key == place else put(inner) for key, inner in part.items()}

    try:
        found = read(put(TRUE))
    except MonitorFault:
        return
    assert found.received_bytes >= 0
    assert found.received_seconds > 0
    assert found.mss_bytes is None or 1 <= found.mss_bytes <= 65_535
    assert all(number < float("inf") for number in (found.received_bytes, found.received_seconds, found.sent_bytes))


@given(st.binary(max_size=200))
def test_garbage_is_no_report(data: bytes) -> None:
    with pytest.raises(MonitorFault):
        read_report(data, "iperf3")


def test_deep_json_is_no_report() -> None:
    with pytest.raises(MonitorFault):
        read_report(b"[" * 500_000, "iperf3")


def program(folder: Path, text: str) -> None:
    file = folder / "iperf3"
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)


async def run(wire: IperfWire, timeout: float) -> IperfReport | str:
    return await wire.run(
        "192.0.2.1", 5201, family=Family.IPV4, reverse=False, seconds=1, highest=1e6, timeout=timeout,
        ended=asyncio.get_running_loop().create_future(),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while alive(pid):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_it_is_killed_at_the_deadline_with_its_children(folder: Path) -> None:
    program(folder, f"sleep 600 & echo $! > {folder}/child; wait")
    begun = time.monotonic()
    with pytest.raises(NetworkFailure) as caught:
        await run(IperfWire(), 1.0)

    assert caught.value.failure is Failure.TIMEOUT
    assert time.monotonic() - begun < 30
    await gone(int((folder / "child").read_text()))


async def test_it_can_be_ended(folder: Path) -> None:
    program(folder, "exec sleep 600")
    wire = IperfWire()
    running = asyncio.create_task(run(wire, 60))
    async with asyncio.timeout(20):
        while not wire._running:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    wire.abort("an emergency was declared")

    assert await running == "an emergency was declared"


async def test_too_much_is_no_report(folder: Path) -> None:
    program(folder, "exec yes")
    with pytest.raises(MonitorFault, match="no JSON"):
        await run(IperfWire(), 20)


async def test_no_option_comes_from_an_address(folder: Path) -> None:
    program(folder, f'echo "$@" > {folder}/words; echo {{}}')
    with pytest.raises(MonitorFault):
        await run(IperfWire(), 20)

    words = (folder / "words").read_text().split()
    assert words[:4] == ["--client", "192.0.2.1", "--port", "5201"]
