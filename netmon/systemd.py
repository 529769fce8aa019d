"""What systemd is told about this process: sd_notify(3), nothing where systemd did not start it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

__all__ = ["notify", "notify_ready", "notify_reloading", "notify_stopping", "watchdog"]


def notify(*lines: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send a message to the service manager; whether there is one that took it."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # an abstract socket, unix(7)
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto("\n".join(lines).encode(), address)
        return True
    return False


def notify_ready() -> None:
    """The service does its work."""
    notify("READY=1")


def notify_reloading() -> None:
    """A reload begins; :func:`notify_ready` ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def notify_stopping() -> None:
    """The service ends."""
    notify("STOPPING=1")


async def watchdog(alive: Callable[[], str], *, environ: Mapping[str, str] = os.environ) -> None:
    """Tell the watchdog that the service lives, at half of the time that it allows, until cancelled.

    Args:
        alive: why the service cannot do its work and a restart would help; empty while it can. A watchdog that is told
            nothing restarts the service.
    """
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while True:
        if reason := alive():
            notify(f"STATUS={reason}", environ=environ)
        else:
            notify("WATCHDOG=1", environ=environ)
        await asyncio.sleep(int(microseconds) / 2e6)
