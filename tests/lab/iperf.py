"""Servers of iperf3 on loopback."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import need

__all__ = ["iperf_server"]


@contextmanager
def iperf_server(*options: str) -> Iterator[int]:
    """Run one; gives its port."""
    program = need.program("iperf3", "iperf3")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    server = subprocess.Popen(
        [program, "--server", "--port", str(port), "--bind", "127.0.0.1", *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        yield port
    finally:
        server.kill()
        server.wait()


def _wait(port: int) -> None:
    """Until it listens: by the kernel's table, since each connection would be a test to it."""
    sign = f"0100007F:{port:04X} 00000000:0000 0A"
    deadline = time.monotonic() + 10
    while True:
        if sign in Path("/proc/net/tcp").read_text(encoding="ascii"):
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)
