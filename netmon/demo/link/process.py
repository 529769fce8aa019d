"""The emulator's process: reads packets, asks a handler what becomes of them, writes what is due. One loop, no threads.

``python -m netmon.demo.link.process CONTROL PORT [PORT]`` with descriptors that were inherited; see ``emulator.py``.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from random import Random
from typing import Any, Final

from netmon.demo.link.behaviour import Behaviour
from netmon.demo.link.line import Host, Line
from netmon.demo.link.packets import Packet, parse
from netmon.demo.link.record import Fate, PacketRecord

__all__ = ["Forward", "Hosts", "Loop", "main"]

READ_BYTES: Final = 65536
READS_AT_ONCE: Final = 64
LONGEST_SLEEP_SECONDS: Final = 1.0

Outgoing = tuple[int, int, bytes]
"""When it is due, which port it leaves by, and the packet."""


def seeded(seed: int, name: object) -> Random:
    """A generator for one host or direction, whatever happens at the others."""
    return Random(f"{seed} {name}")  # noqa: S311 (for repeatable faults, not for secrets)


class Hosts:
    """One port, behind which hosts answer."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._hosts: dict[bytes, Host] = {}

    def set(self, behaviours: dict[str, dict[str, Any] | None]) -> None:
        """Add hosts or change how they behave; ``None`` takes one away."""
        for text, plain in behaviours.items():
            address = ip_address(text).packed
            if plain is None:
                self._hosts.pop(address, None)
            elif address in self._hosts:
                self._hosts[address].line.behaviour = Behaviour(**plain)
            else:
                self._hosts[address] = Host(Line(Behaviour(**plain), seeded(self._seed, text)))

    def handle(self, port: int, packet: Packet, now_ns: int) -> tuple[Fate, list[Outgoing]]:
        """What becomes of a packet."""
        host = self._hosts.get(packet.destination)
        if host is None:
            return Fate.NO_HOST, []
        fate, answers = host.receive(packet, now_ns)
        return fate, [(answer.due_ns, port, answer.data) for answer in answers]


class Forward:
    """Two ports: what comes in at one goes out at the other, each direction over a line of its own."""

    def __init__(self, seed: int) -> None:
        self._lines = [Line(Behaviour(), seeded(seed, direction)) for direction in range(2)]

    def set(self, behaviours: dict[str, dict[str, Any] | None]) -> None:
        """Change how a direction behaves: "0" is from the first port to the second."""
        for direction, plain in behaviours.items():
            self._lines[int(direction)].behaviour = Behaviour(**(plain or {}))

    def handle(self, port: int, packet: Packet, now_ns: int) -> tuple[Fate, list[Outgoing]]:
        """What becomes of a packet."""
        line = self._lines[port]
        if refusal := line.refuses(packet, packet.destination):
            fate, data = refusal
            return fate, [(now_ns, port, data)] if data else []
        fate, due = line.carry(len(packet.data), now_ns)
        return fate, [(due_ns, 1 - port, packet.data) for due_ns in due]


class Loop:
    """Moves packets between devices and a handler.

    Attributes:
        longest_gap_ns: between two looks at the devices while spinning: how long this process was without its core.
    """

    def __init__(
        self, ports: list[int], control: int, handle: Callable[[int, Packet, int], tuple[Fate, list[Outgoing]]],
        *, recording: bool, spinning: bool,
    ) -> None:  # fmt: skip
        self.records: list[PacketRecord] = []
        self.longest_gap_ns = 0
        self._ports = ports
        self._control = control
        self._devices = [*ports, control]
        self._handle = handle
        self._recording = recording
        self._spinning = spinning
        self._waiting: list[tuple[int, int, int, bytes, PacketRecord | None]] = []
        self._count = 0
        self._looked_ns = time.monotonic_ns()

    def step(self) -> bool:
        """Write what is due, wait, read what came; whether the control channel has something to say."""
        timeout = 0.0
        if not self._spinning:
            left_ns = self._waiting[0][0] - time.monotonic_ns() if self._waiting else 10**9
            timeout = min(max(0.0, left_ns / 1e9), LONGEST_SLEEP_SECONDS)
        ready, _, _ = select.select(self._devices, [], [], timeout)
        now_ns = time.monotonic_ns()
        self.longest_gap_ns = max(self.longest_gap_ns, now_ns - self._looked_ns) if self._spinning else 0
        self._looked_ns = now_ns
        for number, port in enumerate(self._ports):
            if port in ready:
                self._read(number, port)
        self._write_due()
        return self._control in ready

    def _read(self, number: int, port: int) -> None:
        # All first, and then what becomes of them: the time taken for one packet must not be the next one's delay.
        came: list[tuple[int, bytes]] = []
        with contextlib.suppress(BlockingIOError):
            while len(came) < READS_AT_ONCE:
                data = os.read(port, READ_BYTES)
                came.append((time.monotonic_ns(), data))
        for now_ns, data in came:
            packet = parse(data)
            if packet is None:
                continue
            fate, outgoing = self._handle(number, packet, now_ns)
            record = None
            if self._recording:
                record = PacketRecord(
                    packet.address, packet.identifier, packet.sequence, len(data), now_ns, fate,
                    [due_ns for due_ns, _port, _data in outgoing], dscp=packet.dscp,
                )  # fmt: skip
                self.records.append(record)
            for due_ns, to, answer in outgoing:
                self._count += 1
                heapq.heappush(self._waiting, (due_ns, self._count, to, answer, record))

    def _write_due(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic_ns():
            _due_ns, _count, to, data, record = heapq.heappop(self._waiting)
            now_ns = time.monotonic_ns()  # before the write, within which the kernel already takes the packet in
            try:
                os.write(self._ports[to], data)
            except OSError:  # the device is down or full: what a real link would drop, too
                continue
            if record is not None:
                record.written_ns.append(now_ns)


def main(arguments: list[str]) -> None:
    """Run until the control channel closes. Each line is a JSON object, and is answered with one."""
    # Ctrl-C goes to the whole group of processes; this one ends when it is no longer needed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(arguments[0]))
    ports = [int(port) for port in arguments[1:]]
    stream = control.makefile("rw", encoding="ascii")
    options = json.loads(stream.readline())
    handler = Hosts(options["seed"]) if len(ports) == 1 else Forward(options["seed"])
    loop = Loop(ports, control.fileno(), handler.handle, recording=options["recording"], spinning=options["spinning"])
    if options["cpu"] is not None:
        os.sched_setaffinity(0, {options["cpu"]})
    gc.disable()  # nothing here makes cycles, and a pause would be a fault of the measure
    print("{}", file=stream, flush=True)
    while True:
        if not loop.step():
            continue
        line = stream.readline()
        if not line:
            return
        request = json.loads(line)
        answer: dict[str, Any] = {}
        if "set" in request:
            handler.set(request["set"])
        else:
            answer = {"records": [record.as_plain() for record in loop.records], "gap_ns": loop.longest_gap_ns}
            loop.records.clear()
            loop.longest_gap_ns = 0
        print(json.dumps(answer), file=stream, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
