"""The same tests, longer: `make soak` runs every test marked `soak` with many times the inputs.

Any other run takes the small figure and a fixed seed, so that it finds today what it found yesterday. A soak run takes
a new seed, which pytest prints; `NETMON_SEED=<that seed>` with `NETMON_SOAK=1` repeats the run.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["SEED", "SOAK", "damaged", "generator", "scale"]

SOAK: Final = os.environ.get("NETMON_SOAK") == "1"
SEED: Final = int(os.environ.setdefault("NETMON_SEED", str(time.time_ns() if SOAK else 20260801)))
"""In the environment: of every process that this one starts, too, and so of each that runs tests beside it."""

# Signs, lengths and limits that parsers trip over, as octets.
AWKWARD: Final = (0x00, 0x01, 0x0A, 0x20, 0x30, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xC0, 0xFE, 0xFF)


def scale(usual: int, soak: int) -> int:
    """How many: ``soak`` in a soak run, ``usual`` in any other."""
    return soak if SOAK else usual


def generator() -> random.Random:
    """Randomness of this run's seed; each call begins anew."""
    return random.Random(SEED)


def damaged(originals: Sequence[bytes], count: int) -> Iterator[bytes]:
    """``count`` inputs made of ``originals``: octets changed, cut out, doubled, moved between originals, cut short."""
    chance = generator()
    for _ in range(count):
        data = bytearray(chance.choice(originals))
        for _turn in range(chance.randint(1, 4)):
            start = chance.randint(0, len(data))
            end = min(len(data), start + chance.choice((1, 1, 2, 4, 16)))
            match chance.randrange(7):
                case 0:
                    data[start:end] = bytes([chance.choice(AWKWARD)])
                case 1:
                    data[start:end] = chance.randbytes(end - start)
                case 2:
                    del data[start:end]
                case 3:
                    data[start:start] = data[start:end]
                case 4:
                    data[start:start] = chance.randbytes(chance.choice((1, 2, 8)))
                case 5:
                    other = chance.choice(originals)
                    at = chance.randint(0, len(other))
                    data[start:end] = other[at : at + chance.choice((1, 4, 16, 64))]
                case _:
                    del data[start:]
        yield bytes(data)
