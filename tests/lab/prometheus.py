"""A real Prometheus on loopback that scrapes netmon every two seconds."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab.need import program
from tests.lab.servers import unused_port

__all__ = ["Prometheus", "Series", "ask"]

Series = dict[str, Any]
"""One series of an answer: ``metric`` (labels) and ``value`` or ``values``."""


class Prometheus:
    """Attributes:
    url: where it answers.

    Args:
        jobs: it scrapes the target once for each.
    """

    def __init__(self, folder: Path, target: str, jobs: Sequence[str] = ("netmon",)) -> None:
        self._jobs = [{"job_name": job, "static_configs": [{"targets": [target]}]} for job in jobs]
        self._program = program("prometheus", "prometheus")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = unused_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        every = {"scrape_interval": "2s", "scrape_timeout": "2s"}
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps({"global": every, "scrape_configs": self._jobs}))  # which is YAML, too
        command = [
            self._program, f"--config.file={config}", f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=error",
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                    return
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def ask(self, expr: str, at: float | None = None) -> list[Series]:
        """As :func:`ask`."""
        return ask(self.url, expr, at)


def ask(url: str, expr: str, at: float | None = None) -> list[Series]:
    """What an expression says at a moment; empty for a scalar.

    Raises:
        AssertionError: it is refused.
    """
    parameters = {"query": expr, **({} if at is None else {"time": f"{at:.3f}"})}
    request = urllib.request.Request(
        f"{url}/api/v1/query", data=urllib.parse.urlencode(parameters).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{expr}: {error.read().decode()}") from None
    return found if isinstance(found, list) else []
