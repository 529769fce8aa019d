"""Limits on guessing passwords, and on requests: pure but for the clock that is given."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Guesses", "TokenBucket", "source_of"]

FREE_FAILURES = 4
FIRST_DELAY_SECONDS = 1.0
MAX_SOURCE_DELAY_SECONDS = 300.0
# Short, because anybody can make it happen to anybody's name.
MAX_USER_DELAY_SECONDS = 30.0
FORGOTTEN_AFTER_SECONDS = 900.0
MAX_KEYS = 10_000
MAX_KNOWN = 1000
IPV6_SITE_BITS = 64


def source_of(host: str) -> str:
    """What counts as one source: an IPv4 address, or the network of an IPv6 address, whose hosts choose the rest."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    if address.version == 6:
        return str(ipaddress.ip_network((address, IPV6_SITE_BITS), strict=False))
    return str(address)


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0
    until: float = 0.0


class Guesses:
    """Makes whoever guesses wait, by source and by user: 1 s after the fifth failure, and twice that after each more.

    Counts an attempt as a failure until it has succeeded, so that many at once gain nothing. A user who has logged in
    from a source before does not wait there for what others do with the name.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def attempt(self, source: str, user: str) -> float:
        """Seconds to wait before an attempt; 0 if it may go on, which then counts as a failure."""
        now = self._monotonic()
        limits = {("source", source): MAX_SOURCE_DELAY_SECONDS}
        if (source, user) not in self._known:
            limits["user", user] = MAX_USER_DELAY_SECONDS
        wait = max(self._of(key, now).until - now for key in limits)
        if wait > 0:
            return wait
        for key, longest in limits.items():
            failures = self._of(key, now)
            failures.count += 1
            failures.last = now
            beyond = failures.count - FREE_FAILURES
            if beyond > 0:
                failures.until = now + min(longest, FIRST_DELAY_SECONDS * 2.0 ** min(beyond - 1, 30))
            self._failures[key] = failures
            self._failures.move_to_end(key)
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)
        return 0.0

    def succeeded(self, source: str, user: str) -> None:
        """The attempt was right: it and those before it are forgiven."""
        self._failures.pop(("source", source), None)
        self._failures.pop(("user", user), None)
        self._known[source, user] = None
        self._known.move_to_end((source, user))
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def _of(self, key: tuple[str, str], now: float) -> _Failures:
        failures = self._failures.get(key)
        if failures is None or now - failures.last > FORGOTTEN_AFTER_SECONDS:
            return _Failures()
        return failures


class TokenBucket:
    """``burst`` requests at once, and one more each ``interval_seconds``."""

    def __init__(self, interval_seconds: float, burst: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval_seconds
        self._burst = burst
        self._monotonic = monotonic
        self._tokens = float(burst)
        self._filled = monotonic()

    def take(self) -> bool:
        """Whether a request may go on."""
        now = self._monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) / self._interval)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
