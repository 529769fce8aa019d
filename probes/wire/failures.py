"""The one place where errors of the operating system and of TLS become :class:`~probes.base.NetworkFailure`.

An error that is not listed here is the monitor's own fault (no descriptors left, no IPv6 on this machine, EPERM from
its own packet filter) and passes unchanged, so that no site is blamed for it.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from probes.base import Failure, NetworkFailure

__all__ = ["chain", "failure_of", "network", "shown"]

# Linux reports ICMP errors by these numbers (icmp_err_convert, icmpv6_err_convert in the kernel's net/ipv4, net/ipv6).
OS_FAILURES = {
    errno.ETIMEDOUT: (Failure.TIMEOUT, "the system gave up waiting"),
    errno.ECONNREFUSED: (Failure.REFUSED, "refused, nothing listens there"),
    errno.ECONNRESET: (Failure.RESET, "the other end broke off the connection"),
    errno.EPIPE: (Failure.RESET, "the other end broke off the connection"),
    errno.ECONNABORTED: (Failure.RESET, "the connection was broken off"),
    errno.ENETUNREACH: (Failure.NO_ROUTE, "network unreachable"),
    errno.EHOSTUNREACH: (Failure.NO_ROUTE, "host unreachable"),
    errno.ENETDOWN: (Failure.NO_ROUTE, "network down"),
    errno.EHOSTDOWN: (Failure.NO_ROUTE, "host down"),
    errno.EACCES: (Failure.PROHIBITED, "administratively prohibited"),
    errno.EMSGSIZE: (Failure.TOO_BIG, "the packet is too big for the path"),
}

# X.509 verification results of OpenSSL (X509_V_ERR_* in openssl/x509_vfy.h); the others are told in OpenSSL's words.
CERTIFICATE_FAULTS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "unknown CA: the certificate is self-signed",
    19: "unknown CA: the chain ends in a self-signed certificate that is not trusted",
    20: "unknown CA: the issuer's certificate is not trusted",
    21: "unknown CA: the issuer's certificate is missing",
    23: "the certificate was revoked",
    62: "wrong name: the certificate is for another host",
    64: "wrong name: the certificate is for another address",
}


def shown(text: str | bytes, limit: int = 80) -> str:
    """A foreign text quoted for a sentence: printable, at most ``limit`` characters of it."""
    if isinstance(text, bytes):
        text = text[: 4 * limit].decode("utf-8", "backslashreplace")
    return repr(text[:limit] + ("..." if len(text) > limit else ""))


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, outermost first: libraries wrap the system's error several times."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def failure_of(error: BaseException, doing: str) -> NetworkFailure | None:
    """The network's failure behind ``error``, or ``None`` if it says nothing about the network.

    Args:
        doing: what was being done, as a sentence begins: ``"TCP connection to 192.0.2.1 port 80"``.
    """
    for link in chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            return NetworkFailure(Failure.TLS, f"{doing}: {CERTIFICATE_FAULTS.get(link.verify_code, _words(link))}")
        if isinstance(link, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return NetworkFailure(Failure.RESET, f"{doing}: the other end closed the connection inside TLS")
        if isinstance(link, ssl.SSLError):
            # OpenSSL's own numbers overlap with errno, so this must come before the table of the system's errors.
            return NetworkFailure(Failure.TLS, f"{doing}: {_words(link)}")
        if isinstance(link, OSError) and link.errno in OS_FAILURES:
            failure, words = OS_FAILURES[link.errno]
            return NetworkFailure(failure, f"{doing}: {words}")
    return None


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    reason = getattr(error, "reason", None)  # only errors that OpenSSL itself reports have one
    return f"TLS failed: {reason.replace('_', ' ').lower() if reason else error}"


@asynccontextmanager
async def network(doing: str, seconds: float, *, on_timeout: Failure = Failure.TIMEOUT) -> AsyncIterator[None]:
    """Run the block for at most ``seconds``.

    Raises:
        NetworkFailure: for a state of the network. Everything else passes unchanged.
    """
    try:
        async with asyncio.timeout(seconds) as deadline:
            yield
    except OSError as error:
        if deadline.expired():
            raise NetworkFailure(on_timeout, f"{doing}: no answer within {max(seconds, 0.0):.3g} s") from error
        failure = failure_of(error, doing)
        if failure is None:
            raise
        raise failure from error
