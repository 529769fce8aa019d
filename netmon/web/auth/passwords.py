"""Passwords: bcrypt in one thread of low priority, the same effort for every name, and a short memory of right ones."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

from netmon.i18n import _
from netmon.web.auth.roles import User

__all__ = ["BusyError", "Passwords", "hash_password"]

MAX_BYTES = 72
MIN_CHARACTERS = 8
MAX_WAITING = 8
NICENESS = 10
REMEMBERED_SECONDS = 600.0
MAX_REMEMBERED = 1000


def hash_password(password: str, cost: int) -> str:
    """A line for ``basic_auth_users``.

    Args:
        cost: bcrypt's: each step more doubles the time of guessing and of logging in.

    Raises:
        ValueError: the password is too short, or longer than what bcrypt looks at.
    """
    data = password.encode()
    if len(password) < MIN_CHARACTERS:
        raise ValueError(_("a password has at least {count} characters").format(count=MIN_CHARACTERS))
    if len(data) > MAX_BYTES or not password.isprintable():
        what = _("a password has at most {count} bytes of UTF-8 and no control characters")
        raise ValueError(what.format(count=MAX_BYTES))
    return bcrypt.hashpw(data, bcrypt.gensalt(cost)).decode()


class BusyError(Exception):
    """So many passwords wait to be verified that this one is not looked at."""


class Passwords:
    """Verifies passwords without holding up the event loop or the probes.

    bcrypt runs in a single thread that yields to everything else, and few may wait for it: a flood of log-ins costs a
    share of one core and is refused beyond that. Must be closed.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bcrypt", initializer=_give_way)
        self._waiting = 0
        self._secret = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, float] = OrderedDict()

    @property
    def busy(self) -> bool:
        """Whether the next one would not be looked at."""
        return self._waiting >= MAX_WAITING

    async def verify(self, users: Mapping[str, User], name: str, password: str) -> User | None:
        """The user whose name and password these are; takes as long for a name that nobody has.

        Raises:
            BusyError: too many are waiting.
        """
        if self.busy:
            raise BusyError
        user = users.get(name)
        password_hash = user.password_hash if user is not None else _nobody_s_hash(users)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(self._pool, _matches, password.encode(), password_hash.encode())
        finally:
            self._waiting -= 1
        return user if right else None

    def remembered(self, users: Mapping[str, User], name: str, password: str) -> User | None:
        """The user, if these were right a short while ago and the user has not changed since."""
        user = users.get(name)
        if user is None:
            return None
        until = self._remembered.get(self._key(user, password))
        return user if until is not None and self._monotonic() < until else None

    def remember(self, user: User, password: str) -> None:
        """Let ``remembered`` answer for these: a scraper comes every few seconds."""
        key = self._key(user, password)
        self._remembered[key] = self._monotonic() + REMEMBERED_SECONDS
        self._remembered.move_to_end(key)
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)

    def close(self) -> None:
        """Verify nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _key(self, user: User, password: str) -> bytes:
        # The key is this process's own and never leaves it: the memory is worth nothing without it.
        text = f"{user.name}\0{user.fingerprint}\0{password}"
        return hmac.digest(self._secret, text.encode(), hashlib.sha256)


def _matches(password: bytes, password_hash: bytes) -> bool:
    # What bcrypt would not look at cannot be right; the effort is the same.
    right = bcrypt.checkpw(password[:MAX_BYTES], password_hash)
    return right and len(password) <= MAX_BYTES


def _nobody_s_hash(users: Mapping[str, User]) -> str:
    """A hash that no password has, of the greatest cost that a user's hash has."""
    cost = max((user.password_hash[4:6] for user in users.values()), default="10")
    return f"$2b${cost}${'.' * 53}"


def _give_way() -> None:
    # On Linux a thread has a priority of its own.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
