"""The real server, and a real Prometheus that scrapes it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from netmon.archive import Journal, Reader
from netmon.model import Status
from netmon.web import create_app, serve
from probes.base import Failure, ProbeResult
from tests.lab import need
from tests.lab.checks import check
from tests.lab.observations import ping
from tests.lab.pages import FakeNetmon


def listening() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


@contextlib.asynccontextmanager
async def served(view: FakeNetmon) -> AsyncIterator[str]:
    """The address of a server for ``view``."""
    sock, stop = listening(), asyncio.Event()
    port = sock.getsockname()[1]
    serving = asyncio.create_task(serve(create_app(view), sockets=[sock], stop=stop))
    try:
        yield f"127.0.0.1:{port}"
    finally:
        stop.set()
        await serving
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()


async def test_it_serves_on_a_socket_that_was_bound_before_and_stops(caplog: pytest.LogCaptureFixture) -> None:
    async with served(FakeNetmon()) as address, httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/-/healthy")).status_code == 200
        answer = await client.head(f"http://{address}/metrics")
        assert (answer.status_code, answer.content) == (200, b"")
        assert "server" not in answer.headers
    assert caplog.text == ""


async def test_it_leaves_signals_to_the_application() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    async with served(FakeNetmon()) as address, httpx.AsyncClient() as client:
        await client.get(f"http://{address}/-/healthy")
        assert {number: signal.getsignal(number) for number in before} == before


async def test_cancelling_it_stops_it_too() -> None:
    sock = listening()
    port = sock.getsockname()[1]
    serving = asyncio.create_task(serve(create_app(FakeNetmon()), sockets=[sock], stop=asyncio.Event()))
    async with httpx.AsyncClient() as client:
        await client.get(f"http://127.0.0.1:{port}/-/healthy")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\nGET /"])
async def test_who_never_ends_a_request_does_not_hold_a_place(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netmon.web.server.HEAD_SECONDS", 0.5)
    async with served(FakeNetmon()) as address, httpx.AsyncClient() as client:
        host, _colon, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                await asyncio.sleep(0.1)
                writer.write(b"X-Header: x\r\n" if sent else b"")  # one more line does not buy more time
                await writer.drain()
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):
                await reader.read(-1)
        assert reader.at_eof() or writer.is_closing()
        writer.close()
        assert (await client.get(f"http://{address}/-/healthy")).status_code == 200


CONFIG = """
global: {{scrape_interval: 250ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: netmon
    static_configs: [{{targets: ["{address}"]}}]
"""
DEADLINE_SECONDS = 45


@contextlib.asynccontextmanager
async def prometheus(folder: Path, scraped: str) -> AsyncIterator[str]:
    """The address of Debian's Prometheus, which scrapes ``scraped`` and keeps everything in ``folder``."""
    program = need.program("prometheus", "prometheus")
    (folder / "prometheus.yml").write_text(CONFIG.format(address=scraped))
    with listening() as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address={address}", "--log.level=error",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield address
    finally:
        process.terminate()
        await process.wait()


async def values_of(client: httpx.AsyncClient, address: str, query: str) -> dict[tuple[tuple[str, str], ...], float]:
    """An instant query's series by their labels, but for those that Prometheus adds; nothing while it starts."""
    try:
        answer = await client.get(f"http://{address}/api/v1/query", params={"query": query})
    except httpx.TransportError:
        return {}
    if answer.status_code != 200:
        return {}
    series: list[Mapping[str, Any]] = answer.json()["data"]["result"]
    return {
        tuple(sorted((k, v) for k, v in one["metric"].items() if k not in ("__name__", "job", "instance"))): float(
            one["value"][1]
        )
        for one in series
    }


async def test_a_real_prometheus_reads_what_the_archive_holds(tmp_path: Path) -> None:
    """Observations go the whole way: journal, metrics, HTTP, Prometheus and its API; the archive is the truth."""
    ids = [f"hunchun/router/ping-{number}" for number in range(3)]
    view = FakeNetmon(checks=[check(one) for one in ids])
    observations = [ping(number, ids[number % 3]) for number in range(12)]
    observations.append(replace(ping(99, ids[2]), status=Status.DOWN, result=ProbeResult(failure=Failure.TIMEOUT)))
    async with Journal.open(tmp_path / "archive", on_durable=view.durable) as journal:
        for observation in observations:
            journal.append(observation)
        await journal.flush()
    with Reader.open(tmp_path / "archive") as reader:
        latest = {check_id: observation for (check_id, _vantage), observation in reader.latest().items()}
        runs = {one: len(list(reader.history(one))) for one in ids}

    def by_check(**values: float) -> dict[tuple[tuple[str, str], ...], float]:
        return {(("check", one), ("vantage", "main")): value for one, value in values.items()}

    expected: dict[str, dict[tuple[tuple[str, str], ...], float]] = {
        f"netmon_{name}": by_check(
            **{one: row.result.readings[name] for one, row in latest.items() if name in row.result.readings}
        )
        for name in ("loss_ratio", "rtt_min_seconds", "rtt_median_seconds", "rtt_max_seconds", "reply_hop_limit")
    }
    expected["netmon_check_runs_total"] = by_check(**runs)
    expected["netmon_check_last_run_timestamp_seconds"] = by_check(
        **{one: row.started_ns / 1e9 for one, row in latest.items()}
    )
    expected["netmon_probe_duration_seconds"] = by_check(**{one: row.duration_seconds for one, row in latest.items()})
    expected["netmon_rtt_seconds_count"] = by_check(**{one: 20.0 * (runs[one] - (one == ids[2])) for one in ids})
    expected['netmon_check_failures_total{failure="timeout"}'] = {
        (("check", one), ("failure", "timeout"), ("vantage", "main")): float(one == ids[2]) for one in ids
    }
    expected["netmon_check_status == 1"] = {
        (("check", one), ("status", row.status.value), ("vantage", "main")): 1.0 for one, row in latest.items()
    }

    async with served(view) as address, prometheus(tmp_path, address) as server, httpx.AsyncClient() as client:
        async with asyncio.timeout(DEADLINE_SECONDS):
            # Another process: there is nothing to wait on but its answer.
            while not await values_of(client, server, "up == 1"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        for query, values in expected.items():
            assert await values_of(client, server, query) == values, query
