"""The real Prometheus and Alertmanager, on loopback, by the flags of docker-compose.yml and the files of config/.

Only what cannot be the same is changed in a copy of the files: host names, ports, folders, and times if a test says so.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.lab.need import program
from tests.lab.servers import unused_port

__all__ = ["ROOT", "SCRAPE_PASSWORD", "Program", "Stack", "compose", "flags", "wait_for"]

ROOT: Final = Path(__file__).parents[2]
SCRAPE_PASSWORD: Final = "a-password-of-a-scraper"
UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
DURATION: Final = re.compile(r"^(\d+)([smhd])$")
TIMES: Final = (
    "for", "interval", "group_wait", "group_interval", "scrape_interval", "scrape_timeout", "evaluation_interval",
)  # fmt: skip
BINARIES: Final = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}


@cache
def compose() -> dict[str, Any]:
    """docker-compose.yml, with the defaults of its variables."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    return read


def flags(service: str, places: Mapping[str, str]) -> list[str]:
    """A service's command, with the beginnings of values (folders, addresses) exchanged, each of which must occur."""
    given = list(compose()["services"][service]["command"])
    for old, new in places.items():
        changed = [re.sub(rf"(^|=){re.escape(old)}", lambda found, new=new: found[1] + new, each) for each in given]
        assert changed != given, f"{service} has no {old}"
        given = changed
    return given


def wait_for(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What a question answers as soon as the answer is true, or at the end."""
    end = time.monotonic() + seconds
    while not (answer := what()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer


class Program:
    """A program that is ended with the test; what it says is in its log."""

    def __init__(self, command: Sequence[str], log: Path, url: str, ready: str) -> None:
        self.url = url
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        if not wait_for(lambda: self._process.poll() is not None or self.answers(ready)) or not self.answers(ready):
            self.stop()
            raise AssertionError(f"{command} is not ready: {self.log()[-3000:]}")

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def get(self, path: str, **query: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
            return json.loads(answer.read())

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self) -> int:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()


class Stack:
    """Both servers, with copies of their files.

    Attributes:
        ports: of each service.
        folder: where the copies are, in a folder for each service.

    Args:
        quicker: times of the files are divided by it, down to a second; 1 leaves them. How long a rule waits is divided
            by a quarter of it: Prometheus takes five seconds to find its targets, whatever the files say.
    """

    def __init__(self, folder: Path, *, quicker: float = 1.0, smtp_port: int = 9) -> None:
        self.ports = {name: unused_port() for name in ("netmon", *BINARIES)}
        self.folder = folder
        self._quicker = quicker
        self._running: list[Program] = []
        for service in BINARIES:
            shutil.copytree(ROOT / "config" / service, folder / service)
            (folder / f"{service}-data").mkdir()
        (folder / "scrape-password").write_text(SCRAPE_PASSWORD)
        self.change(folder / "alertmanager" / "alertmanager.yml", lambda plain: plain["global"].update(
            smtp_smarthost=f"127.0.0.1:{smtp_port}", smtp_require_tls=False))  # fmt: skip
        for file in (folder / "prometheus").glob("rules/*.yml"):
            self.change(file, lambda _plain: None)
        self.change(folder / "prometheus" / "prometheus.yml", self._point)

    def _point(self, plain: dict[str, Any]) -> None:
        for job in plain["scrape_configs"]:
            job["static_configs"] = [{"targets": [f"127.0.0.1:{self.ports[job['job_name']]}"]}]
            if "basic_auth" in job:
                job["basic_auth"]["password_file"] = str(self.folder / "scrape-password")
        plain["alerting"]["alertmanagers"] = [
            {"static_configs": [{"targets": [f"127.0.0.1:{self.ports['alertmanager']}"]}]}
        ]

    def change(self, file: Path, how: Callable[[dict[str, Any]], None]) -> None:
        """Change a file of the copy, and make its times shorter."""
        plain = yaml.safe_load(file.read_text(encoding="utf-8"))
        how(plain)
        file.write_text(yaml.safe_dump(self._shorter(plain), allow_unicode=True, sort_keys=False), encoding="utf-8")

    def _shorter(self, plain: Any, name: str = "") -> Any:
        if isinstance(plain, dict):
            return {key: self._shorter(value, key) for key, value in plain.items()}
        if isinstance(plain, list):
            return [self._shorter(each) for each in plain]
        if name in TIMES and (found := DURATION.match(plain)):
            quicker = max(1.0, self._quicker / 4) if name == "for" else self._quicker
            return f"{max(1, round(int(found[1]) * UNITS[found[2]] / quicker))}s"
        return plain

    def start_alertmanager(self) -> Program:
        folder, port = self.folder, self.ports["alertmanager"]
        places = {"/etc/alertmanager": f"{folder}/alertmanager", "/alertmanager": f"{folder}/alertmanager-data",
                  "0.0.0.0:9093": f"127.0.0.1:{port}"}  # fmt: skip
        return self._start("alertmanager", places, port)

    def start_prometheus(self) -> Program:
        folder, port = self.folder, self.ports["prometheus"]
        places = {"/etc/prometheus": f"{folder}/prometheus", "/prometheus": f"{folder}/prometheus-data",
                  "0.0.0.0:9090": f"127.0.0.1:{port}"}  # fmt: skip
        return self._start("prometheus", places, port)

    def _start(self, service: str, places: Mapping[str, str], port: int) -> Program:
        command = [program(BINARIES[service], BINARIES[service]), *flags(service, places)]
        started = Program(command, self.folder / f"{service}.log", f"http://127.0.0.1:{port}", "/-/ready")
        self._running.append(started)
        return started

    def run(self, command: Sequence[str], log: str, url: str, ready: str) -> Program:
        """Another program that is ended with the stack."""
        started = Program(command, self.folder / log, url, ready)
        self._running.append(started)
        return started

    def close(self) -> None:
        for each in reversed(self._running):
            each.stop()
