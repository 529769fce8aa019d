"""A real VictoriaMetrics on loopback that can be stopped, killed and started again, behind a relay that can be slow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.lab.need import program
from tests.lab.servers import unused_port

__all__ = ["Victoria"]


class Victoria:
    """Attributes:
    url: where it answers.
    """

    def __init__(self, folder: Path, *, scraping: Path | None = None) -> None:
        """``scraping``: a Prometheus configuration, whose targets it scrapes itself."""
        self._folder = folder
        self._more = [] if scraping is None else [f"-promscrape.config={scraping}", "-search.latencyOffset=0s"]
        self._program = program("victoria-metrics", "victoria-metrics")
        self._port = unused_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        command = [
            self._program, f"-httpListenAddr=127.0.0.1:{self._port}", f"-storageDataPath={self._folder}",
            "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms", "-memory.allowedBytes=268435456", *self._more,
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while True:
            try:
                self._get("/health")
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait()

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def samples(self, metric: str) -> dict[str, list[tuple[int, float]]]:
        """Every sample, by check: milliseconds since the epoch, value."""
        self._get("/internal/force_flush")
        found: dict[str, list[tuple[int, float]]] = {}
        for line in self._get("/api/v1/export", {"match[]": metric, "start": "0"}).splitlines():
            series = json.loads(line)
            found.setdefault(series["metric"]["check"], []).extend(
                zip(series["timestamps"], series["values"], strict=True)
            )
        return found

    def _get(self, path: str, query: dict[str, str] | None = None) -> str:
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query or {})}", timeout=60) as answer:
            return str(answer.read().decode())
