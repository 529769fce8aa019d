from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from netmon.web.auth.limits import MAX_KEYS, Guesses, TokenBucket, source_of


class Time:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_delay_begins_after_the_fifth_failure_and_doubles_up_to_a_limit() -> None:
    time = Time()
    guesses = Guesses(monotonic=time)
    waits = []
    for number in range(20):
        assert guesses.attempt("192.0.2.1", f"user{number}") == 0
        waits.append(guesses.attempt("192.0.2.1", "another"))
        time.now += waits[-1]

    assert waits[:2] == [0, 0]  # each of these two attempts counted
    assert waits[2:6] == [1, 2, 4, 8]
    assert max(waits) == 300


def test_a_name_is_guessed_slowly_from_any_number_of_sources() -> None:
    time = Time()
    guesses = Guesses(monotonic=time)
    waits = []
    for number in range(20):
        waits.append(guesses.attempt(f"192.0.2.{number}", "ada"))
        time.now += waits[-1]
        if waits[-1]:
            assert guesses.attempt(f"192.0.2.{number}", "ada") == 0
    assert waits[:5] == [0, 0, 0, 0, 0]
    assert waits[5:9] == [1, 2, 4, 8]
    assert max(waits) == 30


def test_who_logged_in_from_a_source_before_is_not_locked_out_by_others() -> None:
    guesses = Guesses(monotonic=Time())
    guesses.attempt("192.0.2.1", "ada")
    guesses.succeeded("192.0.2.1", "ada")
    for number in range(10):
        guesses.attempt(f"198.51.100.{number}", "ada")

    assert guesses.attempt("198.51.100.50", "ada") > 0
    assert guesses.attempt("192.0.2.1", "ada") == 0


def test_success_and_time_forgive() -> None:
    time = Time()
    guesses = Guesses(monotonic=time)
    for _ in range(5):
        guesses.attempt("192.0.2.1", "ada")
    assert guesses.attempt("192.0.2.1", "ada") > 0
    guesses.succeeded("192.0.2.1", "ada")
    assert guesses.attempt("192.0.2.1", "ada") == 0

    for _ in range(10):
        guesses.attempt("192.0.2.2", "ole")
    assert guesses.attempt("192.0.2.2", "ole") > 0
    time.now += 901
    assert guesses.attempt("192.0.2.2", "ole") == 0


def test_memory_is_bounded() -> None:
    guesses = Guesses(monotonic=Time())
    for number in range(MAX_KEYS):
        guesses.attempt(f"source{number}", f"user{number}")
        guesses.succeeded(f"known{number}", "ada")
    assert len(guesses._failures) == MAX_KEYS
    assert len(guesses._known) == 1000


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_source_is_an_address_or_an_ipv6_network(host: str, source: str) -> None:
    assert source_of(host) == source


class OneSourceGuesses(RuleBasedStateMachine):
    """However one source mixes names and waits: within an hour it cannot try much more than the delays allow."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.guesses = Guesses(monotonic=self.time)
        self.tries = 0

    @rule(user=st.sampled_from("abc"), wait=st.floats(0, 60))
    def guess(self, user: str, wait: float) -> None:
        self.time.now += wait
        self.tries += self.guesses.attempt("192.0.2.1", user) == 0

    @invariant()
    def few_tries(self) -> None:
        elapsed = self.time.now - 1000
        # 5 free ones, and the delays 1, 2, 4 ... before each further one; a pause of 900 s forgives, 60 s does not.
        allowed = 5
        while elapsed >= (delay := min(300, 2 ** (allowed - 5))):
            elapsed -= delay
            allowed += 1
        assert self.tries <= allowed


TestOneSourceGuesses = OneSourceGuesses.TestCase


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50))
def test_a_token_bucket_lets_through_its_burst_and_its_rate(waits: list[float]) -> None:
    time = Time()
    bucket = TokenBucket(2.0, 3, monotonic=time)
    taken = 0
    for wait in waits:
        time.now += wait
        taken += bucket.take()
        assert taken <= 3 + (time.now - 1000) / 2 + 1e-9
    time.now += 2
    assert bucket.take()
