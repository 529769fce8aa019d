"""A disk that is full under a running netmon, and one that is read-only when it starts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from netmon.archive import Reader
from tests.lab.disk import SmallDisk
from tests.lab.servers import unused_port

ROOT = Path(__file__).parents[2]
INVENTORY = """\
sites:
  - id: here
    kind: fire_station
    equipment:
      - id: shut
        kind: sensor
        address: 127.0.0.1
        checks: {ping: off, tcp: {kind: tcp, interval: 1s, timeout: 500ms, params: {port: 1}}}
"""


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def eventually(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for something to become true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def last_run(port: int) -> float:
    """When the check last ran, as the metrics say."""
    found = re.search(r"^netmon_check_last_run_timestamp_seconds\{.*\} (\S+)$", get(port, "/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_full_disk_loses_nothing_and_blinds_nobody(tmp_path: Path) -> None:
    """Probing and showing go on; readiness says why it is not well; afterwards the archive has every run."""
    config, data, port = tmp_path / "sites.yaml", tmp_path / "data", unused_port()
    config.write_text(INVENTORY, encoding="utf-8")
    command = [
        sys.executable, "-m", "netmon", "run", "--config", str(config), "--data", str(data),
        "--listen", f"127.0.0.1:{port}",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    with SmallDisk(command, data, size_bytes=2_000_000, environment=environment, cwd=ROOT) as disk:
        eventually(lambda: last_run(port) > 0 and get(port, "/-/ready")[0] == 200)
        disk.fill()
        eventually(lambda: get(port, "/-/ready")[0] == 503)
        assert "archive cannot be written" in get(port, "/-/ready")[1]
        assert get(port, "/-/healthy")[0] == 200
        seen = last_run(port)
        eventually(lambda: last_run(port) > seen + 2)
        disk.empty()
        eventually(lambda: get(port, "/-/ready")[0] == 200)
        seen = last_run(port)
        eventually(lambda: last_run(port) > seen)
        kept = disk.keep()
        disk.process.send_signal(signal.SIGTERM)
        assert disk.process.wait(timeout=30) == 0
        copy = shutil.copytree(kept, tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))
    with Reader.open(copy) as reader:
        due = {row.scheduled_ns for row in reader.history("here/shut/tcp")}
        due |= {run.scheduled_ns for run in reader.missed()}
    assert len(due) >= 4
    assert sorted(due) == list(range(min(due), max(due) + 1, 10**9))


def test_a_data_folder_that_cannot_be_written_is_said_before_anything_is_probed(tmp_path: Path) -> None:
    """Exit code 3, one line, no traceback."""
    config, data = tmp_path / "sites.yaml", tmp_path / "data"
    config.write_text(INVENTORY, encoding="utf-8")
    command = [
        "sh", "-c", 'mount -o remount,ro "$1" && shift && exec "$@"', "sh", str(data),
        sys.executable, "-m", "netmon", "run", "--config", str(config), "--data", str(data), "--listen", "127.0.0.1:0",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NETMON_LANG": "en"}
    with SmallDisk(command, data, size_bytes=2_000_000, environment=environment, cwd=ROOT) as disk:
        _, errors = disk.process.communicate(timeout=60)
        assert disk.process.returncode == 3
    assert f"no archive can be written in {data}" in errors
    assert "Traceback" not in errors
