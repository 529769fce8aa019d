"""What a scrape and an update cost: python -m bench.exposition [SERIES]

Own writer and prometheus_client.generate_latest over the same families, in turn in one process.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from statistics import median

from prometheus_client import CollectorRegistry, generate_latest

from netmon.metrics import CheckMetrics
from netmon.runner import Clock
from tests.lab.metrics import KINDS, SITES, many

ROUNDS = 15


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this thread."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


async def longest_block(metrics: CheckMetrics) -> float:
    """The longest time between two ticks of a coroutine while a scrape is written."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    for _chunk in metrics.render():
        await asyncio.sleep(0)
    ticking.cancel()
    return longest


def main(wanted: int) -> None:
    """Print the figures."""
    checks, observations = many(max(1, wanted // 60))
    metrics = CheckMetrics(KINDS, clock=Clock())
    metrics.configure(sites=SITES, assets=(), checks=checks)
    metrics.update(observations)
    registry = CollectorRegistry()
    registry.register(metrics)
    text = b"".join(metrics.render())
    count = sum(not line.startswith(b"#") for line in text.splitlines())
    own = [seconds(lambda: b"".join(metrics.render())) for _ in range(ROUNDS)]
    theirs = [seconds(lambda: generate_latest(registry)) for _ in range(ROUNDS)]
    blocks = [asyncio.run(longest_block(metrics)) for _ in range(ROUNDS)]
    updates = [seconds(lambda: metrics.update(observations)) for _ in range(ROUNDS)]
    print(
        f"{count:,} series, {len(text):,} bytes: own writer {median(own) * 1e3:.1f} ms CPU"
        f" ({median(own) / count * 1e6:.2f} us a series), generate_latest {median(theirs) * 1e3:.1f} ms,"
        f" ratio {median(own) / median(theirs):.3f}; the loop is blocked for {median(blocks) * 1e3:.1f} ms at most"
        f" (worst of {ROUNDS}: {max(blocks) * 1e3:.1f} ms); an update takes"
        f" {median(updates) / len(observations) * 1e6:.1f} us an observation"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
