"""The emulator as seen by who uses it: starts the process, changes behaviours, fetches the record."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from netmon.demo.link.behaviour import Behaviour
from netmon.demo.link.record import PacketRecord

__all__ = ["Emulator"]

ANSWER_SECONDS = 60.0
END_SECONDS = 5.0


class Emulator:
    """One process that plays hosts behind one TUN device, or the link between two.

    Args:
        ports: descriptors of TUN devices, which may be in different networks; closed here: they are the process's.
        seed: the same seed and the same packets make the same fates.
        recording: keep each packet's fate until :meth:`records` fetches it.
        spinning: look at the devices all the time instead of sleeping, which takes a core and is exact to microseconds.
        cpu: run on this core alone.
    """

    def __init__(
        self, ports: Sequence[int], *, seed: int = 0, recording: bool = False, spinning: bool = False,
        cpu: int | None = None,
    ) -> None:  # fmt: skip
        if len(ports) not in (1, 2):
            raise ValueError(f"one device with hosts or two with a link, not {len(ports)}")
        ours, its = socket.socketpair()
        ours.settimeout(ANSWER_SECONDS)
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "netmon.demo.link.process",
            str(its.fileno()),
            *map(str, ports),
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        # Our own module with numbers as arguments.
        self._process = subprocess.Popen(  # noqa: S603
            command,
            pass_fds=[its.fileno(), *ports],
            env=environment,
        )
        its.close()
        for port in ports:
            os.close(port)
        self._control = ours
        self._stream = ours.makefile("rw", encoding="ascii")
        self.longest_gap_ns = 0
        self._ask({"seed": seed, "recording": recording, "spinning": spinning, "cpu": cpu})

    def set_hosts(self, behaviours: Mapping[str, Behaviour | None]) -> None:
        """Add hosts by address or change how they behave; ``None`` takes one away. Holds from the next packet on."""
        self._ask({"set": {address: item and item.as_plain() for address, item in behaviours.items()}})

    def set_line(self, direction: int, behaviour: Behaviour) -> None:
        """Change a direction of a link: 0 is from the first device to the second."""
        self._ask({"set": {str(direction): behaviour.as_plain()}})

    def records(self) -> list[PacketRecord]:
        """Every packet since the last call, in the order of arrival; for spinning, sets ``longest_gap_ns``, too."""
        answer = self._ask({"records": True})
        self.longest_gap_ns = answer["gap_ns"]
        return [PacketRecord.of(plain) for plain in answer["records"]]

    def close(self) -> None:
        """End the process; its devices vanish with it."""
        self._stream.close()
        self._control.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        print(json.dumps(request), file=self._stream, flush=True)
        line = self._stream.readline()
        if not line:
            raise RuntimeError(f"the link emulator ended with code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer
