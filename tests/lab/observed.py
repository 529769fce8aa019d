"""The demo's county with a running netmon, its pages outside its own network, and faults on request.

Run as a program it prints a line of JSON for each line of JSON that it reads: see :class:`Observed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import probes
from netmon.app import App, Settings, running
from netmon.archive import Reader
from netmon.config import load
from netmon.demo.county import County
from netmon.demo.network import Network, prepare
from netmon.demo.script import faults
from tests.lab import need

__all__ = ["BOARD", "INTERVAL_SECONDS", "Observed"]

ROOT = Path(__file__).parents[2]
BOARD = "https://netmon.example.org"
INTERVAL_SECONDS = 2.5


class Observed:
    """A county in a process of its own.

    Attributes:
        target: where its metrics are.
    """

    def __init__(self) -> None:
        need.namespaces()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.observed"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        self.target: str = self._read()["target"]

    def inject(self, what: str, site: str) -> Mapping[str, str]:
        """Bring a fault about; returns the status that each check will show."""
        found: Mapping[str, str] = self._do(do="inject", what=what, site=site)
        return found

    def end_fault(self) -> None:
        self._do(do="end")

    def declare_emergency(self) -> None:
        self._do(do="emergency")

    def observed(self, check: str) -> list[dict[str, Any]]:
        """What the archive has of a check: ``started_ns``, ``status``, ``readings``, ``states`` of each run."""
        found: list[dict[str, Any]] = self._do(do="history", check=check)
        return found

    def stop(self) -> None:
        """End it; twice is once."""
        if self._process.poll() is None:
            self._process.communicate(timeout=30)

    def _do(self, **order: str) -> Any:
        stream = self._process.stdin
        assert stream is not None
        stream.write(json.dumps(order) + "\n")
        stream.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the county ended with exit code {self._process.wait()}"
        return json.loads(line)


def _history(folder: Path, check: str) -> list[dict[str, Any]]:
    with Reader.open(folder) as reader:
        return [
            {
                "started_ns": each.started_ns,
                "status": each.status,
                "duration_seconds": each.duration_seconds,
                "readings": dict(each.readings),
                "states": {name: state.meaning for name, state in each.result.states.items()},
            }
            for each in reader.history(check)
        ]


async def _serve(app: App, county: County, folder: Path, say: Callable[[Any], None]) -> None:
    async with contextlib.AsyncExitStack() as injected:
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            answer: Any = None
            match order["do"]:
                case "inject":
                    fault = next(
                        each
                        for each in faults(county)
                        if each.what == order["what"] and all(check.startswith(order["site"]) for check in each.effects)
                    )
                    await injected.enter_async_context(fault.inject())
                    answer = dict(fault.effects)
                case "end":
                    await injected.aclose()
                case "emergency":
                    await app.upkeep.declare("drill", "test")
                case "history":
                    await app.journal.flush()
                    answer = await asyncio.to_thread(_history, folder / "data", order["check"])
            say(answer)


async def _main(folder: Path, network: Network, listening: socket.socket) -> None:
    (folder / "alerts.yaml").write_text(f"board: {BOARD}\n")
    # Nothing listens there in a network of its own: what waits to be forwarded is counted.
    (folder / "forward.yaml").write_text("{url: 'http://127.0.0.1:9', org: county, bucket: netmon}\n")
    county = County(folder, network, interval_seconds=INTERVAL_SECONDS)
    try:
        config = load(await county.start(), kinds=probes.KINDS)
        settings = Settings(
            config=folder / "sites.yaml", data=folder / "data", targets=ROOT / "config" / "targets.yaml", simulated=True
        )
        async with running(config, settings, [listening]) as app:
            host, port = listening.getsockname()
            evaluating = asyncio.create_task(_evaluate(app))

            def say(answer: Any) -> None:
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()

            say({"target": f"{host}:{port}"})
            await _serve(app, county, folder, say)
            evaluating.cancel()
    finally:
        await county.stop()


async def _evaluate(app: App) -> None:
    """Targets, as soon as there is something to evaluate: by itself netmon waits for a minute."""
    await asyncio.sleep(INTERVAL_SECONDS)
    await app.targets.refresh(app.journal)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listening, tempfile.TemporaryDirectory() as name:
        network = prepare(Path(name))
        try:
            asyncio.run(_main(Path(name), network, listening))
        finally:
            network.close()
