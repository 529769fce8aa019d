"""A simulated day into a real VictoriaMetrics that is stopped, killed, frozen and refuses."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from netmon.archive import Journal, Reader
from netmon.forward.influx import InfluxStore
from netmon.forward.pump import Pump
from netmon.forward.settings import ForwardSettings
from netmon.forward.store import Answer, Outcome
from tests.lab.observations import ping
from tests.lab.servers import http_server
from tests.lab.soak import scale
from tests.lab.victoria import Victoria

SECOND_NS = 1_000_000_000
DAY = 86_400
CHECKS = 20


async def a_day(folder: Path, interval: int) -> Counter[tuple[str, int]]:
    """Each run of a day, by check and milliseconds."""
    start = (1_790_000_000 // DAY) * DAY
    expected: Counter[tuple[str, int]] = Counter()
    async with Journal.open(folder, on_durable=lambda _rows: None) as journal:
        for second in range(0, DAY, interval):
            for number in range(CHECKS):
                at_ns = (start + second) * SECOND_NS + number * 1_000_000
                row = replace(ping(1), check_id=f"x/a{number}/ping", started_ns=at_ns, scheduled_ns=at_ns)
                journal.append(row)
                expected[row.check_id, at_ns // 1_000_000] += 1
            await asyncio.sleep(0)
    return expected


@pytest.fixture
async def victoria(tmp_path: Path) -> AsyncIterator[Victoria]:
    server = Victoria(tmp_path / "victoria")
    server.start()
    yield server
    server.stop()


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_each_observation_is_visible_once_with_its_time(tmp_path: Path, victoria: Victoria) -> None:
    expected = await a_day(tmp_path, scale(600, 60))
    settings = ForwardSettings(url=victoria.url, batch=100, timeout_seconds=1.0)
    pump = Pump(tmp_path, InfluxStore(settings), batch=100)
    started = time.monotonic()
    frozen = False

    def killed() -> None:
        victoria.kill()
        victoria.start()

    def restarted() -> None:
        victoria.stop()
        victoria.start()

    def away() -> None:
        victoria.kill()

    mishaps: dict[int, Callable[[], object]] = {4: killed, 8: restarted, 12: victoria.freeze, 16: away, 20: killed}
    steps = 0
    while time.monotonic() - started < 300:
        wait = pump.step(time.monotonic())
        steps += 1
        if steps in mishaps:
            mishaps[steps]()
            frozen = steps == 12
        elif pump.fault:
            if frozen:
                victoria.thaw()
                frozen = False
            elif steps > 16 and "refused" in pump.fault.lower():
                victoria.start()
            await asyncio.sleep(0.05)
        elif not pump.waiting and wait and steps > 20:
            break
    pump.close()
    assert pump.failures >= 2
    found: Counter[tuple[str, int]] = Counter()
    for check, samples in victoria.samples("netmon_loss_ratio").items():
        found.update((check, at) for at, _value in samples)
    assert found == expected
    statuses = victoria.samples("netmon_status_code")
    with Reader.open(tmp_path) as reader:
        one = {row.started_ns // 1_000_000: row for row in reader.history("x/a3/ping")}
    assert dict(statuses["x/a3/ping"]) == dict.fromkeys(one, 0.0)


@pytest.mark.parametrize(
    ("answer", "outcome", "wait"),
    [
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy", Outcome.LATER, 7.0),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", Outcome.LATER, 0.0),
        (b"HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\nline1", Outcome.REFUSED, 0.0),
        (b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n", Outcome.REFUSED, 0.0),
        (b"rubbish\r\n\r\n", Outcome.LATER, 0.0),
        (b"", Outcome.LATER, 0.0),
    ],
)
async def test_what_a_store_says(answer: bytes, outcome: Outcome, wait: float) -> None:
    async with http_server([answer]) as server:
        store = InfluxStore(ForwardSettings(url=f"http://127.0.0.1:{server.port}", token="secret", timeout_seconds=2))
        said = await asyncio.to_thread(store.write, b"netmon,check=a b=1 17")
        store.close()
    assert (said.outcome, said.wait_seconds) == (outcome, wait)
    assert said.text
    assert "secret" not in said.text


async def test_nobody_there() -> None:
    store = InfluxStore(ForwardSettings(url="http://127.0.0.1:9", timeout_seconds=2))
    said = await asyncio.to_thread(store.write, b"netmon,check=a b=1 17")
    store.close()
    assert said.outcome is Outcome.LATER
    assert said == Answer(Outcome.LATER, said.text)
