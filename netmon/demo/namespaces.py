"""A network of this process's own: a user and network namespace (namespaces(7)), and TUN devices in it.

Needs no root where the system lets ordinary users make namespaces. A socket that was bound before :func:`enter` stays
in the network where it was bound, so a browser still reaches the pages.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Final

__all__ = ["NamespaceError", "add_address", "enter", "open_tun", "overlay", "settle", "why_not"]

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000
# sys/mount.h
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
TUN_DEVICE: Final = Path("/dev/net/tun")

# linux/if_tun.h, linux/sockios.h, linux/if.h
TUNSETIFF: Final = 0x400454CA
IFF_TUN: Final = 0x0001
IFF_NO_PI: Final = 0x1000
SIOCSIFFLAGS: Final = 0x8914
SIOCSIFADDR: Final = 0x8916
SIOCSIFNETMASK: Final = 0x891C
SIOCSIFMTU: Final = 0x8922
SIOCGIFINDEX: Final = 0x8933
SIOCSIFTXQLEN: Final = 0x8943
IFF_UP: Final = 0x1
IFF_RUNNING: Final = 0x40
NAME_BYTES: Final = 16
SETTLE_SECONDS: Final = 10.0
SETTLE_PAUSE_SECONDS: Final = 0.002
QUEUE_PACKETS: Final = 10_000
"""The kernel's 500 overflow as soon as a reader is late: a loss that nobody asked for, and that no record shows."""


class NamespaceError(Exception):
    """The system does not allow it; the message says what and why."""


def why_not() -> str:
    """Why this system does not let us have a network of our own with a TUN device; empty if it does."""
    program = "from netmon.demo import namespaces as n; n.enter(); n.open_tun('probe0', [])"
    command = [sys.executable, "-W", "ignore", "-c", program]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        # Our own interpreter with a fixed program.
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip().rpartition("\n")[2].rpartition("NamespaceError: ")[2] if done.returncode else ""


def enter() -> None:
    """Move this process, which must have one thread only, into a new network with nothing but loopback.

    Raises:
        NamespaceError: the system does not allow it; the process is where it was.
    """
    uid, gid = os.geteuid(), os.getegid()
    # Root needs no user namespace, and one of its own would take its rights over everything else.
    if uid != 0 or _unshare(CLONE_NEWNET):
        error = _unshare(CLONE_NEWUSER | CLONE_NEWNET)
        if error:
            raise NamespaceError(f"this system allows no user and network namespaces: {os.strerror(error)}")
        _map_to_root(uid, gid)
    _set_up("lo")


def settle(address: IPv6Interface) -> None:
    """Wait until an address of this machine can be used: the kernel takes an IPv6 address on in its own time.

    Raises:
        NamespaceError: it does not come about.
    """
    until = time.monotonic() + SETTLE_SECONDS
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        while True:
            try:
                sock.bind((str(address.ip), 0))
            except OSError as error:
                if time.monotonic() > until:
                    raise NamespaceError(f"{address.ip} cannot be used: {error.strerror}") from error
                time.sleep(SETTLE_PAUSE_SECONDS)
            else:
                return


def overlay(files: Mapping[Path, Path]) -> None:
    """Let this process and its children read other files (values) at some paths (keys); needs :func:`enter` before.

    Raises:
        NamespaceError: the system does not allow it.
    """
    error = _unshare(CLONE_NEWNS) or _mount("none", "/", MS_REC | MS_PRIVATE)
    if error:
        raise NamespaceError(f"this system allows no mounts of our own: {os.strerror(error)}")
    for path, instead in files.items():
        if error := _mount(str(instead), str(path), MS_BIND):
            raise NamespaceError(f"{path} cannot be replaced: {os.strerror(error)}")


def _mount(source: str, target: str, flags: int) -> int:
    """0, or the error's number."""
    libc = ctypes.CDLL(None, use_errno=True)
    failed = libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(flags), None)
    return ctypes.get_errno() if failed else 0


def open_tun(name: str, addresses: Sequence[IPv4Interface | IPv6Interface], *, mtu: int = 1500) -> int:
    """Make a TUN device in this network, up, with addresses whose prefixes the kernel then routes into it.

    Returns:
        Its file descriptor, not blocking: each read gives one IP packet, each write takes one.

    Raises:
        NamespaceError: the system does not allow it.
    """
    try:
        descriptor = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NamespaceError(f"{TUN_DEVICE} cannot be opened: {error.strerror}") from error
    try:
        fcntl.ioctl(descriptor, TUNSETIFF, _request(name, struct.pack("H", IFF_TUN | IFF_NO_PI)))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, SIOCSIFMTU, _request(name, struct.pack("i", mtu)))
            with contextlib.suppress(PermissionError):  # in a user namespace the kernel does not let us
                fcntl.ioctl(sock, SIOCSIFTXQLEN, _request(name, struct.pack("i", QUEUE_PACKETS)))
        for address in addresses:
            add_address(name, address)
        _set_up(name)
        for address in addresses:
            if isinstance(address, IPv6Interface):
                settle(address)
    except OSError as error:
        os.close(descriptor)
        raise NamespaceError(f"no TUN device {name}: {error.strerror}") from error
    except NamespaceError:
        os.close(descriptor)
        raise
    return descriptor


def _unshare(flags: int) -> int:
    """0, or the error's number."""
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if libc.unshare(flags) else 0


def _map_to_root(uid: int, gid: int) -> None:
    own = Path("/proc/self")
    try:
        (own / "setgroups").write_text("deny")  # user_namespaces(7): before gid_map
        (own / "uid_map").write_text(f"0 {uid} 1")
        (own / "gid_map").write_text(f"0 {gid} 1")
    except OSError as error:
        raise NamespaceError(f"this system gives no rights in a user namespace: {error.strerror}") from error


def _request(name: str, value: bytes) -> bytes:
    """An ifreq (netdevice(7))."""
    return struct.pack(f"{NAME_BYTES}s24s", name.encode(), value)


def _set_up(name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            fcntl.ioctl(sock, SIOCSIFFLAGS, _request(name, struct.pack("H", IFF_UP | IFF_RUNNING)))
        except OSError as error:
            raise NamespaceError(f"the device {name} cannot be used: {error.strerror}") from error


def _accept_ipv6(name: str) -> None:
    """No duplicate address detection: addresses are ours, and must work at once."""
    folder = Path("/proc/sys/net/ipv6/conf") / name
    (folder / "disable_ipv6").write_text("0")
    (folder / "accept_dad").write_text("0")


def add_address(name: str, address: IPv4Interface | IPv6Interface) -> None:
    """Give a device an address; a second IPv4 address needs a label, such as ``lo:1``.

    Raises:
        OSError: the system does not allow it, or has no such family.
    """
    if isinstance(address, IPv4Interface):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for code, part in ((SIOCSIFADDR, address.ip), (SIOCSIFNETMASK, address.netmask)):
                value = struct.pack("HH4s8x", socket.AF_INET, 0, part.packed)
                fcntl.ioctl(sock, code, _request(name, value))
        return
    _accept_ipv6(name)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock, SIOCGIFINDEX, _request(name, b""))
        index = struct.unpack_from("i", answer, NAME_BYTES)[0]
        prefix = address.network.prefixlen
        fcntl.ioctl(sock, SIOCSIFADDR, struct.pack("16sIi", address.ip.packed, prefix, index))  # in6_ifreq
