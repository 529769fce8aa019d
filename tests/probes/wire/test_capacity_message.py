"""Messages of capacity tests: what was packed is read back, and nothing that was changed is valid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.capacity_message import (
    CONTROL_BYTES,
    NONCE_BYTES,
    Answer,
    Beat,
    Kind,
    Refusal,
    Snapshot,
    Start,
    pack,
    session_id,
    session_key,
    unpack,
)
from tests.lab.soak import damaged, scale

KEY = b"0123456789abcdef"
NONCE = b"n" * NONCE_BYTES
WHOLE = st.integers(-(2**63), 2**63 - 1)
MESSAGES = [
    pack(Kind.HELLO, NONCE, 1, b"", KEY),
    pack(Kind.START, NONCE, 2, Start(b"c" * 16, True, 1222, 200_000, 20_000).body(), KEY),
    pack(Kind.BEAT, NONCE, 3, Beat(200_000).body(), KEY),
    pack(Kind.REPORT, NONCE, 4, Snapshot(packets=5).body(), KEY),
]


@given(kind=st.sampled_from(Kind), who=st.binary(min_size=16, max_size=16), counter=st.integers(0, 2**64 - 1))
def test_a_message_is_read_back(kind: Kind, who: bytes, counter: int) -> None:
    data = pack(kind, who, counter, b"body", KEY)
    message = unpack(data)

    assert message is not None
    assert (message.kind, message.who, message.counter, message.body[:4]) == (kind, who, counter, b"body")
    assert message.valid(KEY)
    assert not message.valid(KEY[::-1])


def test_every_message_has_one_length() -> None:
    """So an answer is never longer than its question."""
    assert {len(message) for message in MESSAGES} == {CONTROL_BYTES}


@given(place=st.integers(0, CONTROL_BYTES - 1), bit=st.integers(0, 7))
def test_a_changed_message_is_not_valid(place: int, bit: int) -> None:
    data = bytearray(MESSAGES[1])
    data[place] ^= 1 << bit
    message = unpack(bytes(data))

    assert message is None or not message.valid(KEY)


@given(values=st.tuples(*[WHOLE] * 12))
def test_a_snapshot_is_read_back(values: tuple[int, ...]) -> None:
    assert Snapshot.of(Snapshot(*values).body()) == Snapshot(*values)


@pytest.mark.parametrize("answer", [Answer(refusal, 7) for refusal in Refusal])
def test_an_answer_is_read_back(answer: Answer) -> None:
    assert Answer.of(answer.body()) == answer


def test_a_start_is_read_back() -> None:
    start = Start(b"c" * 16, True, 1222, 202_240, 31_000)

    assert Start.of(start.body()) == start
    assert Beat.of(Beat(5).body()) == Beat(5)


def test_each_session_has_a_key_and_a_name_of_its_own() -> None:
    keys = {session_key(KEY, nonce, challenge) for nonce in (NONCE, b"m" * 16) for challenge in (NONCE, b"m" * 16)}

    assert len(keys) == 4
    assert len({session_id(key) for key in keys}) == 4


@pytest.mark.soak
def test_nothing_damaged_is_valid() -> None:
    for data in damaged(MESSAGES, scale(2_000, 200_000)):
        message = unpack(data)
        assert message is None or data in MESSAGES or not message.valid(KEY)
