"""Two networks joined by the link emulator, a command in each: real programs over an emulated link.

A program, since a process can enter a new network only before it has threads: see :func:`run_linked`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from netmon.demo import namespaces
from netmon.demo.link import Behaviour, Emulator, PacketRecord
from tests.lab import need

__all__ = ["FAR", "NEAR", "Linked", "run_linked"]

NEAR = ("10.78.0.1", "fd00:78::1")
FAR = ("10.78.0.2", "fd00:78::2")
PREFIXES = (24, 64)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What came of it.

    Attributes:
        near, far: what the commands printed.
        near_code: the near command's exit code.
        seconds: how long the near command took.
        records: of every packet in both directions.
    """

    near: str
    far: str
    near_code: int
    seconds: float
    records: list[PacketRecord]


def run_linked(near: Sequence[str], far: Sequence[str], *, out: Behaviour, back: Behaviour, seed: int = 0) -> Linked:
    """Start ``far`` behind the link, then run ``near`` to its end, and end ``far``.

    Args:
        out: of the direction from near to far.
        back: of the other one.
    """
    need.namespaces()
    task = {"near": near, "far": far, "lines": [out.as_plain(), back.as_plain()], "seed": seed}
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.linked"], input=json.dumps(task), capture_output=True, text=True, cwd=ROOT,
        timeout=120,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    records = [PacketRecord.of(plain) for plain in found.pop("records")]
    return Linked(records=records, **found)


def _addresses(side: tuple[str, str]) -> list[Any]:
    return [ip_interface(f"{address}/{prefix}") for address, prefix in zip(side, PREFIXES, strict=True)]


def _far_side(descriptor: str) -> None:
    """Enter a network, hand its device out, wait for the link, become the command."""
    namespaces.enter()
    with socket.socket(fileno=int(descriptor)) as channel:
        port = namespaces.open_tun("link0", _addresses(FAR))
        socket.send_fds(channel, [b"."], [port])
        command = json.loads(channel.recv(65536))
    os.execvp(command[0], command)


def main() -> None:
    """Read a task, print what came of it."""
    task = json.load(sys.stdin)
    namespaces.enter()
    port = namespaces.open_tun("link0", _addresses(NEAR))
    ours, its = socket.socketpair()
    far = subprocess.Popen(
        [sys.executable, "-m", "tests.lab.linked", str(its.fileno())], pass_fds=[its.fileno()], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    its.close()
    _message, (far_port,), _flags, _address = socket.recv_fds(ours, 1, 1)
    with Emulator([port, far_port], seed=task["seed"], recording=True) as emulator:
        for direction, plain in enumerate(task["lines"]):
            emulator.set_line(direction, Behaviour(**plain))
        ours.send(json.dumps(task["far"]).encode())
        time.sleep(0.5)  # for a server to listen; nothing says when
        begun = time.monotonic()
        near = subprocess.run(task["near"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90)
        seconds = time.monotonic() - begun
        far.terminate()
        far_output, _ = far.communicate(timeout=10)
        records = emulator.records()
    json.dump(
        {
            "near": near.stdout, "far": far_output, "near_code": near.returncode, "seconds": seconds,
            "records": [record.as_plain() for record in records],
        },
        sys.stdout,
    )  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _far_side(sys.argv[1])
    else:
        main()
