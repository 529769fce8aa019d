from __future__ import annotations

import dataclasses

import pytest

from netmon.web.auth import Role, User
from netmon.web.auth.sessions import LIFETIMES, MAX_SESSIONS, MAX_SESSIONS_OF_A_USER, Sessions
from tests.lab.web_config import HASHES, hash_of


class Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


OLE = User(name="ole", role=Role.OPERATOR, password_hash=HASHES["ole"])
USERS = {"ole": OLE}


def test_a_token_is_long_random_and_not_kept() -> None:
    sessions = Sessions()
    tokens = {sessions.begin(OLE) for _ in range(10)}

    assert len(tokens) == 10
    assert all(len(token) == 43 for token in tokens)  # 256 bits in base64
    assert not any(token in repr(vars(sessions)) for token in tokens)


def test_logging_out_ends_it() -> None:
    sessions = Sessions()
    token = sessions.begin(OLE)
    assert sessions.find(token, USERS) is not None
    sessions.end(token)
    assert sessions.find(token, USERS) is None
    assert sessions.find("", USERS) is None


@pytest.mark.parametrize(
    "users",
    [
        {},
        {"ole": dataclasses.replace(OLE, role=Role.ADMIN)},
        {"ole": dataclasses.replace(OLE, password_hash=hash_of("another-password"))},
    ],
)
def test_it_ends_when_the_user_is_removed_or_changed(users: dict[str, User]) -> None:
    sessions = Sessions()
    token = sessions.begin(OLE)
    assert sessions.find(token, users) is None
    assert sessions.find(token, USERS) is None


@pytest.mark.parametrize("role", Role)
def test_it_ends_after_idle_and_absolute_time(role: Role) -> None:
    idle, absolute = LIFETIMES[role]
    user = dataclasses.replace(OLE, role=role)
    time = Time()
    sessions = Sessions(monotonic=time)

    token = sessions.begin(user)
    time.now += idle - 1
    assert sessions.find(token, {"ole": user}, seen=False) is not None
    time.now += 2
    assert sessions.find(token, {"ole": user}) is None

    began = time.now
    token = sessions.begin(user)
    while time.now < began + absolute - idle:
        time.now += idle / 2
        assert sessions.find(token, {"ole": user}) is not None
    time.now = began + absolute + 1
    assert sessions.find(token, {"ole": user}) is None


def test_there_are_not_many_of_one_user_and_not_too_many_in_all() -> None:
    sessions = Sessions()
    first = sessions.begin(OLE)
    for _ in range(MAX_SESSIONS_OF_A_USER):
        sessions.begin(OLE)
    assert len(sessions) == MAX_SESSIONS_OF_A_USER
    assert sessions.find(first, USERS) is None
    for number in range(MAX_SESSIONS + 10):
        sessions.begin(dataclasses.replace(OLE, name=f"user{number}"))
    assert len(sessions) == MAX_SESSIONS


def test_forms_carry_a_token_of_their_session() -> None:
    sessions = Sessions()
    one, other = (found[1] for _ in range(2) if (found := sessions.find(sessions.begin(OLE), USERS)))
    assert one.has_token(one.csrf_token)
    assert not one.has_token(other.csrf_token)
    assert not one.has_token("")
    assert not one.has_token("口令")
    assert one.csrf_token not in repr(one)
