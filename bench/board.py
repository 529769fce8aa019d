"""The board with many checks: how long the first page takes, and whether viewers delay probes.

The page is made in this process, with 1,000 checks of which each fifth is down. The viewers are 50 connections from
another process, each asking for the first page every two seconds, beside a netmon that runs 200 TCP checks a second.

Usage: python bench/board.py [--seconds 15] [--viewers 50]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
from netmon.model import Asset, LocalText, Reason, ReasonCode, Site, Status
from netmon.runner import Clock
from probes.base import Failure
from tests.lab.checks import check
from tests.lab.observations import SECOND_NS, ping
from tests.lab.pages import NOW_NS, FakeNetmon, Inventory

VIEWER = """
import asyncio, sys, httpx
async def look(client, url, seconds):
    loop = asyncio.get_running_loop(); end = loop.time() + seconds
    while loop.time() < end:
        (await client.get(url)).raise_for_status()
        await asyncio.sleep(2)
async def main(url, viewers, seconds):
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=viewers)) as client:
        await asyncio.gather(*(look(client, url, seconds) for _ in range(viewers)))
asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
"""


def county(checks: int) -> FakeNetmon:
    """A county of sites with five checks each, a fifth of them down."""
    down = Reason(code=ReasonCode.FAILURE, status=Status.DOWN, subject=Failure.TIMEOUT.value)
    sites, assets = {}, {}
    for n in range(checks):
        site = f"s{n // 5}"
        sites[site] = Site(
            id=site, kind="fire_station", name=LocalText(zh=f"消防救援站{n // 5}"), required={"router": 5}
        )
        assets[f"{site}/e{n}"] = Asset(id=f"{site}/e{n}", site=site, kind="router", name=LocalText(zh=f"设备{n}"))
    made = tuple(check(f"{asset}/ping") for asset in assets)
    # Each look at the clock is two seconds later: nothing that is kept for a second is measured.
    clock = Clock(wall_ns=lambda: NOW_NS, monotonic=count(0, 2).__next__)
    view = FakeNetmon(clock=clock, config=Inventory(sites=sites, assets=assets), checks=made)
    rows = [replace(ping(1), check_id=item.id, started_ns=NOW_NS - 30 * SECOND_NS) for item in made]
    view.durable(
        [replace(row, status=Status.DOWN, reasons=(down,)) if n % 5 == 0 else row for n, row in enumerate(rows)]
    )
    return view


async def page_times(view: FakeNetmon, requests: int) -> tuple[list[float], int]:
    """Seconds of each of so many requests for the first page, and its bytes."""
    import httpx

    from netmon.web import create_app

    transport = httpx.ASGITransport(app=create_app(view))
    times, size = [], 0
    async with httpx.AsyncClient(transport=transport, base_url="http://netmon.test") as client:
        for _ in range(requests):
            begun = time.perf_counter()
            size = len((await client.get("/?lang=zh")).content)
            times.append(time.perf_counter() - begun)
    return times, size


async def lateness(seconds: float, viewers: int) -> list[float]:
    """How much later than due each probe began, in seconds, with so many viewers."""
    import socket

    import probes
    from netmon.app import Settings, running
    from netmon.config import load

    lines = ["sites:", "  - id: bench", "    kind: battalion", "    equipment:"]
    lines += [
        f"      - {{id: s{n}, kind: sensor, address: 127.0.0.1, checks: {{ping: off, tcp: {{kind: tcp, interval: 1s, "
        "timeout: 500ms, confirm: off, params: {port: 9}}}}"
        for n in range(200)
    ]
    late: list[float] = []
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        path = Path(folder) / "sites.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        settings = Settings(config=path, data=Path(folder) / "data")
        async with running(load(path, kinds=probes.KINDS), settings, [listening]) as netmon:
            await asyncio.sleep(3)
            netmon.observe(
                lambda rows: late.extend((row.started_ns - row.scheduled_ns) / 1e9 for row in rows if row.attempt == 1)
            )
            looking = None
            if viewers:
                command = [sys.executable, "-c", VIEWER, url, str(viewers), str(seconds)]
                looking = await asyncio.create_subprocess_exec(*command)
            await asyncio.sleep(seconds)
            if looking is not None and await looking.wait():
                raise SystemExit("a viewer was refused")
    return sorted(late)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--viewers", type=int, default=50)
    options = parser.parse_args()
    times, size = asyncio.run(page_times(county(1000), 20))
    print(f"1,000 checks: {median(times) * 1e3:.0f} ms median, {max(times) * 1e3:.0f} ms at most, {size / 1e3:.0f} kB")
    for viewers in (0, options.viewers):
        late = asyncio.run(lateness(options.seconds, viewers))
        p99 = late[int(len(late) * 0.99)] * 1e3
        print(f"{viewers} viewers, {len(late)} probes: late {median(late) * 1e3:.1f} ms median, {p99:.1f} ms p99")


if __name__ == "__main__":
    main()
