from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.web.auth import Role, User, hash_password
from netmon.web.auth.passwords import MAX_WAITING, BusyError, Passwords
from tests.lab.web_config import HASHES, PASSWORDS, hash_of

USERS = {name: User(name=name, role=Role.VIEWER, password_hash=HASHES[name]) for name in PASSWORDS}


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_the_right_password_of_the_right_user(passwords: Passwords) -> None:
    assert await passwords.verify(USERS, "anna", PASSWORDS["anna"]) == USERS["anna"]
    assert await passwords.verify(USERS, "anna", PASSWORDS["ole"]) is None
    assert await passwords.verify(USERS, "anna", "") is None
    assert await passwords.verify(USERS, "nobody", PASSWORDS["anna"]) is None
    assert await passwords.verify({}, "anna", PASSWORDS["anna"]) is None


async def test_what_bcrypt_would_cut_off_counts(passwords: Passwords) -> None:
    longest = "x" * 72
    users = {"long": User(name="long", role=Role.VIEWER, password_hash=hash_of(longest))}
    assert await passwords.verify(users, "long", longest) is not None
    assert await passwords.verify(users, "long", longest + "y") is None
    assert await passwords.verify(users, "long", longest[:-1]) is None


async def test_hashes_of_other_tools_are_understood(passwords: Passwords) -> None:
    for prefix in ("$2y$", "$2a$"):
        user = User(name="a", role=Role.VIEWER, password_hash=prefix + HASHES["anna"][4:])
        assert await passwords.verify({"a": user}, "a", PASSWORDS["anna"]) == user


async def test_a_name_that_nobody_has_costs_the_same_hash(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = []
    real = bcrypt.checkpw

    def watched(password: bytes, hashed: bytes) -> bool:
        costs.append(hashed[:7])
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", watched)
    await passwords.verify(USERS, "anna", "wrong")
    await passwords.verify(USERS, "nobody", "wrong")
    await passwords.verify(USERS, "nobody", "x" * 100)
    assert costs == [b"$2b$04$"] * 3


async def test_the_event_loop_goes_on_and_few_may_wait(passwords: Passwords) -> None:
    slow = {"a": User(name="a", role=Role.VIEWER, password_hash="$2b$10$" + "." * 53)}
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    waiting = [asyncio.create_task(passwords.verify(slow, "a", "wrong")) for _ in range(3 * MAX_WAITING)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    turning.cancel()

    assert [type(answer) for answer in answers].count(BusyError) == 2 * MAX_WAITING
    assert turns > 10 * MAX_WAITING
    assert await passwords.verify(USERS, "anna", PASSWORDS["anna"]) is not None


def test_a_right_password_is_remembered_for_a_while_and_while_the_user_is_the_same() -> None:
    now = 0.0
    passwords = Passwords(monotonic=lambda: now)
    anna = USERS["anna"]
    assert passwords.remembered(USERS, "anna", "pw") is None
    passwords.remember(anna, "pw")

    assert passwords.remembered(USERS, "anna", "pw") == anna
    assert passwords.remembered(USERS, "anna", "pW") is None
    assert passwords.remembered(USERS, "ole", "pw") is None
    changed = dataclasses.replace(anna, password_hash=HASHES["ole"])
    assert passwords.remembered({"anna": changed}, "anna", "pw") is None
    now = 601.0
    assert passwords.remembered(USERS, "anna", "pw") is None
    assert "pw" not in repr(vars(passwords))
    passwords.close()


@given(st.text(min_size=8, max_size=30))
@settings(max_examples=30, deadline=None)
def test_any_password_that_can_be_hashed_is_right_afterwards(password: str) -> None:
    try:
        line = hash_password(password, 4)
    except ValueError:
        return
    assert bcrypt.checkpw(password.encode(), line.encode())


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "密" * 25, "with\0nothing", "two\nlines here"])
def test_what_cannot_be_a_password(password: str) -> None:
    with pytest.raises(ValueError, match="a password has"):
        hash_password(password, 4)
