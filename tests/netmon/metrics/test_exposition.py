from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from netmon.metrics import CheckMetrics, Internals
from netmon.metrics.exposition import Family, render, to_metric
from netmon.runner import Clock
from tests.lab import need
from tests.lab.metrics import KINDS, SITES, hostile, many


def parsed(text: bytes) -> list[tuple[str, str, str, list[tuple[str, tuple[tuple[str, str], ...], str]]]]:
    """Everything that a reader of the text learns, in its order; values by repr, so that -0.0 is not 0.0."""
    return [
        (
            family.name,
            family.type,
            family.documentation,
            [
                (sample.name, tuple(sorted(sample.labels.items())), repr(float(sample.value)))
                for sample in family.samples
            ],
        )
        for family in text_string_to_metric_families(text.decode())
    ]


class Collected:
    """The metrics as prometheus_client sees them."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self.collect = families


def by_prometheus_client(families: Callable[[], Iterable[Metric]]) -> bytes:
    registry = CollectorRegistry()
    registry.register(Collected(families))
    return generate_latest(registry)


def filled(count: int) -> CheckMetrics:
    checks, observations = many(count)
    metrics = CheckMetrics(KINDS, clock=Clock())
    metrics.configure(sites=SITES, assets=(), checks=checks)
    metrics.update(observations)
    return metrics


def series_of(text: bytes) -> int:
    return sum(not line.startswith(b"#") for line in text.splitlines())


def test_the_fast_writer_says_the_same_as_prometheus_client() -> None:
    checks, observations = many(30)
    metrics = CheckMetrics(KINDS, clock=Clock())
    metrics.configure(sites=SITES, assets=(), checks=checks)
    metrics.update([hostile(observation) for observation in observations])

    fast = parsed(b"".join(metrics.render()))
    slow = parsed(by_prometheus_client(metrics.collect))

    assert fast == slow
    assert sum(len(family[3]) for family in fast) > 1500


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@pytest.mark.soak
@given(
    help=words,
    rows=st.lists(
        st.tuples(words, words, st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**53)), max_size=5
    ),
)
def test_any_labels_and_values_are_written_as_prometheus_client_writes_them(
    help: str,  # noqa: A002 (the format's own word)
    rows: list[tuple[str, str, float]],
) -> None:
    family = Family("netmon_x", help, "gauge")
    for number, (one, other, value) in enumerate(rows):
        family.add((str(number),), {"one": one, "other": other}, value)

    # The parser strips and joins blanks in help texts and labels alike, so the lines are compared first.
    fast = b"".join(render([family])).decode()
    slow = by_prometheus_client(lambda: [to_metric(family)] if rows else []).decode()

    assert [line.rpartition(" ")[0] for line in fast.split("\n")] == [
        line.rpartition(" ")[0] for line in slow.split("\n")
    ]
    values = [line.rpartition(" ")[2] for line in fast.split("\n") if line.startswith("netmon_x{")]
    assert [repr(float(text)) for text in values] == [repr(float(value)) for _, _, value in rows]


def test_a_half_surrogate_from_a_device_does_not_break_the_text() -> None:
    family = Family("netmon_x", "x", "gauge")
    family.add(("a",), {"word": "\ud800"}, 1.0)
    assert b'netmon_x{word="?"} 1.0' in b"".join(render([family]))


def test_the_text_comes_in_chunks_of_whole_lines() -> None:
    metrics = filled(100)
    chunks = list(metrics.render())
    assert len(chunks) > 3
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    assert max(map(series_of, chunks)) < 1_100


async def longest_block(work: Callable[[], Awaitable[None]]) -> float:
    """The longest time for which the event loop did not come to a ticking coroutine while ``work`` ran."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest = max(longest, now - before)
            before = now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await work()
    await asyncio.sleep(0)
    ticking.cancel()
    return longest


@pytest.mark.alone
async def test_a_scrape_of_ten_thousand_series_blocks_the_loop_far_less_than_prometheus_client_does() -> None:
    """A ratio of the same run: figures in seconds depend on the machine (see bench/exposition.py)."""
    metrics = filled(220)

    async def fast() -> None:
        for _chunk in metrics.render():
            await asyncio.sleep(0)

    async def slow() -> None:
        by_prometheus_client(metrics.collect)

    assert series_of(b"".join(metrics.render())) > 10_000
    ratios = [await longest_block(fast) / await longest_block(slow) for _ in range(5)]
    assert min(ratios) < 0.1


def test_promtool_has_nothing_to_say() -> None:
    promtool = need.program("promtool", "prometheus")
    metrics = filled(3)
    text = b"".join(metrics.render()) + Internals().render()
    result = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (result.stdout.decode(), result.stderr.decode(), result.returncode) == ("", "", 0)
