"""Simulated weeks: no mail without a fault, and how soon true faults are told."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from tests.lab.alert_weeks import Week, week
from tests.lab.noisy_county import INTERVAL
from tests.lab.soak import SEED, scale

LONGEST = 2 * INTERVAL + 25 + INTERVAL
"""Of equipment that is dead: two runs, what a re-probe and 20 s between decisions take, and a monitor that was away for
a minute."""


WEEKS = range(scale(2, 20))


@pytest.fixture(scope="module")
def weeks() -> Iterator[list[Future[Week]]]:
    """All weeks, two at a time."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield [pool.submit(week, SEED + number) for number in WEEKS]


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", WEEKS)
def test_no_mail_without_a_fault_and_true_faults_are_told(weeks: list[Future[Week]], number: int) -> None:
    """A week of 202 checks; two of them, 20 in soak."""
    told = weeks[number].result()
    assert not told.false
    assert len(told.heard) > 10
    lossy = []
    for fault, heard in told.heard:
        # A line that loses 8 % seems good eight times in a row by chance now and then; so it is over, and told anew.
        assert len(heard) <= (2 if fault.loss < 0.1 else 1), f"{len(heard)} mails about {fault}"
        if fault.loss < 1:
            lossy.append(bool(heard))
        elif fault.end - fault.begin > LONGEST:
            assert heard, f"nobody was told of {fault}"
            assert heard[0] <= LONGEST
    assert sum(lossy) >= 0.7 * len(lossy)
