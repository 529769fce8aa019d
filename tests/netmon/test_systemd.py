"""What the service manager is told, through a real socket; and its unit file, read by systemd itself."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

import pytest

from netmon import systemd
from tests.lab import need

UNITS = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """The socket on which a service manager listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(tmp_path / "notify"))
    sock.settimeout(10)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    return sock


def test_the_manager_hears_what_happens(manager: socket.socket) -> None:
    with manager:
        systemd.notify_ready()
        systemd.notify_reloading()
        systemd.notify_stopping()
        heard = [manager.recv(200).decode() for _ in range(3)]
    assert heard[0] == "READY=1"
    assert heard[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert heard[2] == "STOPPING=1"


def test_an_abstract_socket_is_found() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0netmon-test")
        assert systemd.notify("READY=1", environ={"NOTIFY_SOCKET": "@netmon-test"})
        assert sock.recv(20) == b"READY=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nonexistent/socket"}])
def test_without_a_manager_nothing_happens(environ: dict[str, str]) -> None:
    assert not systemd.notify("READY=1", environ=environ)


async def test_the_watchdog_hears_nothing_good_of_a_process_that_does_not_work(manager: socket.socket) -> None:
    reasons = iter(["", "the schedule has ended"])
    environ = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "20000"}
    with manager:
        task = asyncio.create_task(systemd.watchdog(lambda: next(reasons, "still"), environ=environ))
        heard = [(await asyncio.to_thread(manager.recv, 200)).decode() for _ in range(3)]
        task.cancel()
    assert heard == ["WATCHDOG=1", "STATUS=the schedule has ended", "STATUS=still"]


@pytest.mark.parametrize("environ", [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}])
async def test_a_watchdog_that_is_not_ours_is_left_alone(environ: dict[str, str]) -> None:
    await asyncio.wait_for(systemd.watchdog(lambda: "", environ=environ), 5)


@pytest.mark.parametrize("name", ["netmon.service", "netmon-reflector.service"])
def test_the_unit_is_right_and_gives_away_little(name: str, tmp_path: Path) -> None:
    """systemd-analyze verifies it, and finds its exposure to be 2.0 of 10 at most."""
    analyze = need.program("systemd-analyze", "systemd")
    unit = tmp_path / name  # with programs that are there: the real ones depend on the installation
    text = (UNITS / name).read_text(encoding="utf-8").replace("/opt/netmon/.venv/bin/netmon", "/bin/true")
    unit.write_text(text, encoding="utf-8")
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    command = [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", unit]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
