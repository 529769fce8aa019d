"""What a test needs from the machine; if it is missing, the test is skipped with the reason and the apt line."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path

import pytest

__all__ = ["ipv6_loopback", "namespaces", "program", "recordings"]


def program(name: str, package: str) -> str:
    """The path of a program, or skip with the line that installs it."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return path


@cache
def _namespaces_work() -> bool:
    if not Path("/dev/net/tun").exists():
        return False
    command = ["unshare", "--user", "--map-root-user", "--net", "true"]
    return shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0


def namespaces() -> None:
    """Skip unless unprivileged user and network namespaces and /dev/net/tun can be used."""
    if not _namespaces_work():
        pytest.skip(
            "no user and network namespaces here (needs /dev/net/tun, util-linux, and where the system restricts them: "
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
        )
    program("ip", "iproute2")


def ipv6_loopback() -> None:
    """Skip unless ::1 exists."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")


def recordings() -> Path:
    """The folder of recordings of real devices, which are not part of this repository."""
    folder = os.environ.get("NETMON_RECORDINGS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("NETMON_RECORDINGS names no folder with SNMP recordings; they are not part of this repository")
    return Path(folder)
