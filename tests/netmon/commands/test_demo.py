"""``netmon demo``: finds its faults by itself, as an ordinary user, and where the system gives it nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.lab import need

ROOT = Path(__file__).parents[3]

REFUSED = """
ip link set lo up
echo 0 >/proc/sys/user/max_user_namespaces
echo 0 >/proc/sys/user/max_net_namespaces
exec "$@"
"""
IN_A_SYSTEM_THAT = {
    # An account with no rights, as everybody has.
    "knows-an-ordinary-user": ["unshare", "--user", "--map-user=65534", "--map-group=65534"],
    "refuses-namespaces-and-ping": [
        "unshare", "--user", "--map-root-user", "--net", "sh", "-c", REFUSED, "sh",
        "setpriv", "--bounding-set=-all", "--inh-caps=-all",
    ],
}  # fmt: skip


def netmon_demo(*arguments: str, language: str = "en", prefix: Sequence[str] = ()) -> str:
    """What a run prints that must end by itself and be content; warnings are errors in it."""
    environment = {
        **os.environ,
        "NETMON_LANG": language,
        "PYTHONWARNINGS": "error",
        "COLUMNS": "200",
        "PYTHONPATH": str(ROOT),
    }
    command = [*prefix, sys.executable, "-m", "netmon", "demo", "--listen", "127.0.0.1:0", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def demo(*arguments: str, prefix: Sequence[str] = ()) -> dict[str, Any]:
    """The report of such a run."""
    report: dict[str, Any] = json.loads(netmon_demo("--json", *arguments, prefix=prefix))
    assert report["simulation"] is True
    assert report["missed"] == []
    assert report["false_alarms"] == []
    assert report["set_requests_seen"] == 0
    return report


def test_the_demo_finds_its_faults_and_ends_by_itself() -> None:
    """`netmon demo --for` injects real faults and reports what was found; nothing is invented, nothing is written."""
    need.namespaces()
    report = demo("--for", "12s")
    assert (report["network"], report["left_out"]) == ("emulated", [])
    # Some fifty on a machine that has nothing else to do.
    assert report["found"] >= 5
    assert len({entry["fault"] for entry in report["injected"] if entry["found"]}) >= 5
    assert report["kinds"].keys() >= {
        "ping",
        "tcp",
        "dns",
        "http",
        "snmp",
        "base_station",
        "uplink",
        "satellite",
        "ipv6",
    }
    assert set(report["statuses"]) >= {"up", "down", "degraded", "standby"}


@pytest.mark.parametrize("system", IN_A_SYSTEM_THAT)
def test_the_demo_runs_where_the_system(system: str) -> None:
    """Anybody can run it, and it does what it may: it says what it leaves out, and what it was not able to measure."""
    need.namespaces()
    report = demo("--for", "6s", prefix=IN_A_SYSTEM_THAT[system])
    assert report["found"] >= 3
    if system == "knows-an-ordinary-user":
        assert (report["network"], report["left_out"]) == ("emulated", [])
        return
    assert report["network"] == "loopback"
    assert "this system allows no user and network namespaces" in report["left_out"][0]
    assert "battalion/router/ping" in report["unmeasured"]


def test_a_person_who_watches_the_demo_is_told_what_happens() -> None:
    """Where the board is, that all is simulated, and each fault: begun, found, over; in Chinese where asked for."""
    printed = netmon_demo("--for", "6s", "--loopback", language="zh")
    assert "模拟：此处所有设备均为虚构" in printed
    assert "看板：http://127.0.0.1:" in printed
    assert "一号山顶基站（模拟）, 350 兆中继台一: 天线反射过大" in printed
    assert "秒后发现，已恢复" in printed
    assert "误报 0 个" in printed.splitlines()[-1]
