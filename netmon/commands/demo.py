"""``netmon demo``: a simulated county, monitored over real protocols."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from netmon.commands.terminal import (
    DEFAULT_LISTEN,
    DEFAULT_REGISTER,
    EXIT_NO,
    EXIT_USAGE,
    JsonOption,
    complete,
    fail,
    listen_on,
    say,
)
from netmon.i18n import _, _n

if TYPE_CHECKING:
    from netmon.config import Config
    from netmon.demo.network import Network
    from netmon.demo.scenario import Pace
    from netmon.failover import Failover

__all__ = ["demo"]

SIMULATION = _n("SIMULATION: every device here is made up")
ON_LOOPBACK = _n(
    "SIMULATION: every device here is made up. Left out: ICMP faults, satellites and IPv6, for all runs on loopback"
)


def demo(
    seconds: Annotated[str, typer.Option("--for", help="End after this long, such as 30s; default: Ctrl-C.")] = "",
    listen: Annotated[str, typer.Option(help="Where pages and metrics are served.")] = DEFAULT_LISTEN,
    loopback: Annotated[
        bool, typer.Option("--loopback", help="No network of its own: all on loopback, without ICMP faults.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate a county in a network of its own, with faults that come and go, and monitor it over real protocols.

    With --for everything goes wrong as fast as it can be found, and the exit code is 1 if netmon missed a fault or
    invented one; without it, a few faults at a time last long enough to be read.
    """
    from netmon.config import parse_duration
    from netmon.demo.network import prepare
    from netmon.demo.scenario import BRISK, CALM

    try:
        limit = parse_duration(seconds) if seconds else None
    except ValueError as error:
        fail(f"--for: {error}", EXIT_USAGE)
    pace = BRISK if limit else CALM
    # The pages are bound here, where a browser is; everything else happens in the network that comes after.
    with listen_on(listen) as listening, tempfile.TemporaryDirectory(prefix="netmon-demo-") as folder:
        network = prepare(Path(folder), loopback=loopback)
        try:
            report = complete(_demo(Path(folder), network, listening, limit, pace, quiet=as_json))
        finally:
            network.close()
    if as_json:
        say(json.dumps(report, ensure_ascii=False))
    else:
        text = _("{injected} faults: {found} found, {missed} missed, {cut} cut short; {alarms} false alarms")
        counts = {"injected": len(report["injected"]), "found": report["found"], "missed": len(report["missed"])}
        say(text.format(**counts, cut=report["unfinished"], alarms=len(report["false_alarms"])))
    raise typer.Exit(EXIT_NO if report["missed"] or report["false_alarms"] else 0)


async def _demo(
    folder: Path, network: Network, listening: socket.socket, seconds: float | None, pace: Pace, *, quiet: bool
) -> dict[str, Any]:
    import probes
    from netmon.app import Settings, running
    from netmon.commands.demo_view import show
    from netmon.config import load
    from netmon.demo.county import County
    from netmon.demo.scenario import Scenario
    from netmon.demo.script import faults
    from netmon.demo.survey import Survey

    # That a test waits for a line that is used is told in the report and on the board, not on the terminal.
    logging.getLogger("netmon.loading").setLevel(logging.ERROR)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host, port = listening.getsockname()[:2]
    url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    notice = SIMULATION if network.emulated else ON_LOOPBACK
    county = County(folder, network, interval_seconds=pace.interval_seconds)
    try:
        config = load(await county.start(), kinds=probes.KINDS)
        settings = Settings(config=folder / "sites.yaml", data=folder / "data", targets=DEFAULT_REGISTER)
        if not quiet:
            say(_("driving through the simulated county, to survey its radio coverage ..."))
        survey = await asyncio.to_thread(Survey, folder, config)
        await asyncio.to_thread(partial(survey.drive, settings.data, now_ns=time.time_ns()))
        tests = frozenset(check.id for check in config.checks.values() if check.exclusive)
        scenario = Scenario(faults(county), pace, county.standing, tests)
        async with running(config, settings, [listening], notice=notice) as netmon:
            netmon.observe(scenario.observe)
            work = [scenario.run()]
            if not quiet:
                notices = (_(notice), *([network.why_not] if network.why_not else []))
                work.append(show(netmon, scenario, Console(highlight=False), url=url, notices=notices))
            await _until(stop, seconds, work)
        kinds = Counter(check.kind for check in config.checks.values())
        return scenario.report() | {
            "kinds": dict(kinds),
            "network": "emulated" if network.emulated else "loopback",
            "left_out": _left_out(network),
            "not_tested": _not_tested(settings.data, config),
            "failovers": [_failover(failover) for failover in netmon.failovers.all()],
            "set_requests_seen": county.writes_seen,
        }
    finally:
        await county.stop()


def _not_tested(data: Path, config: Config) -> dict[str, dict[str, int]]:
    """Why tests that load a line did not take place, how often, by check."""
    from netmon.archive import Reader

    found: dict[str, Counter[str]] = {}
    with Reader.open(data) as reader:
        for run in reader.missed():
            if config.checks[run.check_id].exclusive:
                found.setdefault(run.check_id, Counter())[run.reason] += 1
    return {check_id: dict(reasons) for check_id, reasons in found.items()}


def _failover(failover: Failover) -> dict[str, Any]:
    return {"site": failover.site, "passed": failover.passed, "gap_seconds": failover.gap, **failover.detail()}


def _left_out(network: Network) -> list[str]:
    if not network.emulated:
        return [f"ICMP faults, slow lines, satellites, IPv6: {network.why_not}"]
    return [] if network.has_names else ["IPv6: this system lets no names of the demo's own resolve"]


async def _until(stop: asyncio.Event, seconds: float | None, work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Work until told to stop, or for so many seconds; what fails ends it, and is raised."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
        for task in tasks:
            task.cancel()
