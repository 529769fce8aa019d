"""``netmon demo``: a simulated county, monitored over real protocols."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from netmon.commands.table import status_table
from netmon.commands.terminal import DEFAULT_LISTEN, EXIT_NO, EXIT_USAGE, JsonOption, complete, fail, listen_on, say
from netmon.i18n import _, _n

__all__ = ["demo"]

SIMULATION = _n("SIMULATION: every device here is made up")


def demo(
    seconds: Annotated[str, typer.Option("--for", help="End after this long, such as 30s; default: Ctrl-C.")] = "",
    listen: Annotated[str, typer.Option(help="Where pages and metrics are served.")] = DEFAULT_LISTEN,
    as_json: JsonOption = False,
) -> None:
    """Simulate a county on loopback, with faults that come and go, and monitor it over real protocols."""
    from netmon.config import parse_duration

    try:
        limit = parse_duration(seconds) if seconds else None
    except ValueError as error:
        fail(f"--for: {error}", EXIT_USAGE)
    with listen_on(listen) as listening:
        report = complete(_demo(listening, limit, quiet=as_json))
    if as_json:
        say(json.dumps(report, ensure_ascii=False))
    raise typer.Exit(EXIT_NO if report["missed"] or report["false_alarms"] else 0)


async def _demo(listening: socket.socket, seconds: float | None, *, quiet: bool) -> dict[str, Any]:
    import signal
    import tempfile

    import probes
    from netmon.app import Settings, running
    from netmon.config import load
    from netmon.demo.county import County
    from netmon.demo.scenario import Scenario

    interval = 3.0
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    url = "http://{}:{}/".format(*listening.getsockname()[:2])
    with tempfile.TemporaryDirectory(prefix="netmon-demo-") as folder:
        county = County(Path(folder), interval)
        try:
            config = load(await county.start(), kinds=probes.KINDS)
            settings = Settings(config=Path(folder) / "sites.yaml", data=Path(folder) / "data")
            scenario = Scenario(county.faults, patience_seconds=4 * interval)
            async with running(config, settings, [listening], notice=SIMULATION) as netmon:
                netmon.observe(scenario.observe)
                faults = asyncio.create_task(scenario.run())
                table = asyncio.create_task(_show_demo(netmon, url, quiet=quiet))
                try:
                    await asyncio.wait_for(stop.wait(), seconds)
                except TimeoutError:
                    pass
                finally:
                    faults.cancel()
                    table.cancel()
                    await asyncio.gather(faults, table, return_exceptions=True)
            return scenario.report() | {"set_requests_seen": county.writes_seen}
        finally:
            await county.stop()


async def _show_demo(netmon: Any, url: str, *, quiet: bool) -> None:
    if quiet:
        return
    console = Console(highlight=False)
    title = f"{_(SIMULATION)} - {url} - Ctrl-C"
    if not console.is_terminal:
        console.print(title)
        await asyncio.Event().wait()
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            live.update(status_table(netmon.config, netmon.latest, time.time_ns(), title=title), refresh=True)
            await asyncio.sleep(1)
