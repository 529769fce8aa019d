"""Runs the program iperf3 as a client, and reads its report. It is killed, with its process group, at the deadline."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import shutil
import signal
from dataclasses import dataclass
from typing import Any, Final, cast

from probes.base import Failure, Family, MonitorFault, NetworkFailure
from probes.wire.failures import OS_FAILURES

__all__ = ["IperfReport", "IperfWire", "read_report"]

PROGRAM: Final = "iperf3"
MOST_BYTES: Final = 1 << 20
"""Of a report: one of 60 s has 30 KB."""
MOST_TEXT: Final = 200
MOST_MSS: Final = 65_535
FAILURES: Final = {
    **{os.strerror(number).lower(): failure for number, (failure, _words) in OS_FAILURES.items()},
    "control socket has closed unexpectedly": Failure.RESET,
}
"""Words of the C library and of iperf3 (src/iperf_error.c), and what they say about the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IperfReport:
    """What one test moved. Short tests end with data under way: what the receiver counted is what was carried.

    Attributes:
        received_bytes, received_seconds: TCP payload as the receiving end counted it.
        sent_bytes: as the sending end did, acknowledged or not.
        retransmits: segments that the sender sent again; ``None`` where it cannot tell.
        mss_bytes: TCP payload of a full segment; ``None`` if it was not said.
        version: of the program here.
    """

    received_bytes: float
    received_seconds: float
    sent_bytes: float
    retransmits: float | None
    mss_bytes: int | None
    version: str


def read_report(data: bytes, doing: str) -> IperfReport:
    """Read what ``iperf3 --json`` printed; part of it comes from the other end, so nothing in it is trusted.

    Args:
        doing: what was being done, as a sentence begins.

    Raises:
        NetworkFailure: the server cannot be reached, or fell silent.
        MonitorFault: it refuses (it is busy, or the test exceeds its limits), or this is no report.
    """
    try:
        report = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MonitorFault(f"{doing}: iperf3 printed no JSON") from error
    words = _at(report, "error")
    if words is not None:
        text = " ".join(str(words).split())[:MOST_TEXT]
        for sign, failure in FAILURES.items():
            if sign in text.lower():
                raise NetworkFailure(failure, f"{doing}: {text}")
        raise MonitorFault(f"{doing}: {text}")
    received = _number(report, "end", "sum_received", "bytes")
    seconds = _number(report, "end", "sum_received", "seconds")
    sent = _number(report, "end", "sum_sent", "bytes")
    if received is None or sent is None or not seconds:
        raise MonitorFault(f"{doing}: iperf3's report lacks what the receiver counted")
    mss = _number(report, "start", "tcp_mss_default")
    return IperfReport(
        received_bytes=received, received_seconds=seconds, sent_bytes=sent,
        retransmits=_number(report, "end", "sum_sent", "retransmits"),
        mss_bytes=int(mss) if mss is not None and 1 <= mss <= MOST_MSS else None,
        version=str(_at(report, "start", "version") or "")[:MOST_TEXT],
    )  # fmt: skip


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(report: Any, *path: str) -> float | None:
    """A finite number that is not negative."""
    value = _at(report, *path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


class IperfWire:
    """Runs iperf3; every run can be ended."""

    def __init__(self) -> None:
        self._running: dict[int, str] = {}

    def abort(self, reason: str) -> None:
        """End every test under way."""
        for group in tuple(self._running):
            self._stop(group, reason)

    def _stop(self, group: int, reason: str) -> None:
        if group in self._running:
            self._running[group] = reason
            _kill(group)

    async def run(
        self, address: str, port: int, *, family: Family, reverse: bool, seconds: int, highest: float, timeout: float,
        ended: asyncio.Future[str],
    ) -> IperfReport | str:  # fmt: skip
        """One direction: what it moved, or why it was ended before it could say.

        Args:
            reverse: the server sends; otherwise we do.
            highest: bits per second of payload that are never exceeded.
            timeout: seconds, after which it is killed.
            ended: ends it, with the reason, once that is there.

        Raises:
            NetworkFailure: the server cannot be reached, or fell silent.
            MonitorFault: the program is not there, the server refuses, or what was printed is no report.
        """
        program = shutil.which(PROGRAM)
        if program is None:
            raise MonitorFault("the program iperf3 is not here: apt-get install iperf3")
        doing = f"iperf3 with {address} port {port}"
        words = [
            "--client", address, "--port", str(port), "-6" if family is Family.IPV6 else "-4", "--json",
            "--time", str(seconds), "--bitrate", f"{highest:.0f}", *(["--reverse"] if reverse else []),
        ]  # fmt: skip
        # A process group of its own: whatever it starts ends with it.
        process = await asyncio.create_subprocess_exec(
            program, *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, start_new_session=True, env={"PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C"},
        )  # fmt: skip
        self._running[process.pid] = ""
        ended.add_done_callback(lambda _ended: self._stop(process.pid, ended.result()))
        try:
            async with asyncio.timeout(timeout):
                data = await _read(cast("asyncio.StreamReader", process.stdout))
                if len(data) > MOST_BYTES:
                    _kill(process.pid)
                await process.wait()
        except TimeoutError as error:
            raise NetworkFailure(Failure.TIMEOUT, f"{doing}: no report within {timeout:.3g} s") from error
        finally:
            reason = self._running.pop(process.pid)
            _kill(process.pid)
            await process.communicate()  # what is left in its pipe, which is closed then
        return reason or read_report(data, doing)


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Everything, or the first of too much, which is no report then."""
    data = bytearray()
    while (part := await stream.read(65_536)) and len(data) <= MOST_BYTES:
        data += part
    return bytes(data)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
