"""Sessions of browsers: kept in memory only, so they end with the process; the token itself is kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from netmon.web.auth.roles import Role, User

__all__ = ["Session", "Sessions"]

HOUR = 3600.0
# Idle and absolute. A viewer's is for the screen on the wall; who may act logs in for each shift.
LIFETIMES = {
    Role.VIEWER: (7 * 24 * HOUR, 30 * 24 * HOUR),
    Role.OPERATOR: (2 * HOUR, 12 * HOUR),
    Role.ADMIN: (2 * HOUR, 12 * HOUR),
}
MAX_SESSIONS = 1000
MAX_SESSIONS_OF_A_USER = 20
TOKEN_BYTES = 32


@dataclass(slots=True, kw_only=True)
class Session:
    """One browser that has logged in.

    Attributes:
        csrf_token: what its forms carry.
        began, seen: on the monotonic clock.
    """

    user: str
    role: Role
    fingerprint: str
    csrf_token: str = field(repr=False)
    began: float
    seen: float

    def ends(self, now: float) -> bool:
        """Whether it is over at ``now``."""
        idle, absolute = LIFETIMES[self.role]
        return now - self.seen > idle or now - self.began > absolute

    def has_token(self, given: str) -> bool:
        """Whether a form carries this session's token."""
        return hmac.compare_digest(given.encode(), self.csrf_token.encode())


class Sessions:
    """Who is logged in. A session ends by time, by logging out, and when its user is removed or changed."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._sessions: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, user: User) -> str:
        """A new session's token, for the cookie. The oldest sessions make room."""
        now = self._monotonic()
        self._sessions = {key: session for key, session in self._sessions.items() if not session.ends(now)}
        own = [key for key, session in self._sessions.items() if session.user == user.name]
        for key in own[: max(0, len(own) - MAX_SESSIONS_OF_A_USER + 1)]:
            del self._sessions[key]
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._sessions[_digest(token)] = Session(
            user=user.name, role=user.role, fingerprint=user.fingerprint,
            csrf_token=secrets.token_urlsafe(TOKEN_BYTES), began=now, seen=now,
        )  # fmt: skip
        return token

    def find(self, token: str, users: Mapping[str, User], *, seen: bool = True) -> tuple[User, Session] | None:
        """The session of a cookie, and its user as the configuration in force has it.

        Args:
            seen: count this as activity; a page that refreshes itself does not.
        """
        key, now = _digest(token), self._monotonic()
        session = self._sessions.get(key)
        if session is None:
            return None
        user = users.get(session.user)
        if session.ends(now) or user is None or user.fingerprint != session.fingerprint:
            del self._sessions[key]
            return None
        if seen:
            session.seen = now
        return user, session

    def end(self, token: str) -> None:
        """Log out."""
        self._sessions.pop(_digest(token), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
