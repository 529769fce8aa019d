"""A TUN device whose other end the test plays, in a network namespace of its own."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
from typing import Any

from tests.lab import need

__all__ = ["ip", "open_tun", "run_in_namespaces"]

# linux/if_tun.h
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def run_in_namespaces(module: str, *arguments: str, mounts: bool = False) -> Any:
    """Run a module as a program in new user and network namespaces; what it prints as JSON."""
    need.namespaces()
    unshare = ["unshare", "--user", "--map-root-user", "--net", *(["--mount"] if mounts else [])]
    command = [*unshare, sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)


def open_tun(name: str) -> int:
    """The descriptor of a new device: a read gives one IP packet that was sent to it, a write lets one arrive."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def ip(line: str) -> None:
    """Run the program ``ip``."""
    subprocess.run(["ip", *line.split()], check=True)
