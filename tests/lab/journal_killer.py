"""A process that appends to an archive as fast as it can and is killed.

Usage: python -m tests.lab.journal_killer FOLDER SEED RUNS

The interpreter is started once; each run is a fork of it. A run opens the archive, appends observations numbered from
RUN * 1,000,000 on in batches of random size, writes ``ack NUMBER`` to a pipe from ``on_durable``, and gets SIGKILL at
a random moment. For each run one line of JSON tells what was acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from netmon.archive import Journal
from netmon.model import Observation
from tests.lab.observations import SECOND_NS, ping

RUN_SIZE = 1_000_000
LONGEST_LIFE_SECONDS = 0.06
ARCHIVES = 10


def number_of(observation: Observation) -> int:
    """The number that the observation was made from."""
    return observation.scheduled_ns // (10 * SECOND_NS)


async def append_for_ever(folder: Path, first: int, generator: random.Random, acknowledge: int) -> None:
    """Append until killed; every acknowledgement is one write of one line."""

    def on_durable(observations: Sequence[Observation]) -> None:
        for observation in observations:
            os.write(acknowledge, b"ack %d\n" % number_of(observation))

    async with Journal.open(folder, on_durable=on_durable, gather_seconds=0) as journal:
        number = first
        while True:
            for _ in range(generator.randrange(1, 20)):
                journal.append(ping(number, check_id=f"site/router/ping-{number % 3}", packets=5))
                number += 1
            await asyncio.sleep(generator.choice((0, 0, 0.001)))


def run(folder: Path, number: int, generator: random.Random) -> list[int]:
    """One run; returns the numbers that were acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        asyncio.run(append_for_ever(folder, number * RUN_SIZE, random.Random(number), writing))
    os.close(writing)
    # Drained while the child runs: a full pipe would make it wait at an acknowledgement each time.
    output = b""
    deadline = time.monotonic() + generator.uniform(0, LONGEST_LIFE_SECONDS)
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            output += os.read(reading, 65536)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while rest := os.read(reading, 65536):
        output += rest
    os.close(reading)
    return [int(line.split()[1]) for line in output.decode().split("\n")[:-1]]


def main(folder: Path, seed: int, runs: int) -> None:
    """All runs, spread over a few archives, so that each run but the first finds what a killed one left."""
    generator = random.Random(seed)
    for number in range(runs):
        name = f"archive-{number % ARCHIVES}"
        acknowledged = run(folder / name, number, generator)
        print(json.dumps({"run": number, "archive": name, "acknowledged": acknowledged}), flush=True)  # noqa: T201 (this is its output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
