"""One seam turns the errors of the system and of TLS into failures of the network; the monitor's own faults pass."""

from __future__ import annotations

import asyncio
import errno
import ssl
import time

import pytest

from probes.base import Failure, NetworkFailure
from probes.wire.failures import failure_of, network, shown


@pytest.mark.parametrize(
    ("number", "failure"),
    [
        (errno.ETIMEDOUT, Failure.TIMEOUT),
        (errno.ECONNREFUSED, Failure.REFUSED),
        (errno.ECONNRESET, Failure.RESET),
        (errno.EPIPE, Failure.RESET),
        (errno.ENETUNREACH, Failure.NO_ROUTE),
        (errno.EHOSTUNREACH, Failure.NO_ROUTE),
        (errno.EACCES, Failure.PROHIBITED),
        (errno.EMSGSIZE, Failure.TOO_BIG),
    ],
)
async def test_an_error_of_the_network_becomes_a_failure(number: int, failure: Failure) -> None:
    with pytest.raises(NetworkFailure) as caught:
        async with network("asking the device", 1.0):
            raise OSError(number, "text of the system")

    assert caught.value.failure is failure
    assert caught.value.detail.startswith("asking the device: ")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.EPERM, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
async def test_the_monitors_own_fault_passes_unchanged(number: int) -> None:
    with pytest.raises(OSError, match="text of the system") as caught:
        async with network("asking the device", 1.0):
            raise OSError(number, "text of the system")

    assert caught.value.errno == number


async def test_the_deadline_becomes_a_timeout() -> None:
    start = time.monotonic()
    with pytest.raises(NetworkFailure) as caught:
        async with network("asking", 0.05, on_timeout=Failure.NAME_SERVER):
            await asyncio.sleep(10)

    assert caught.value.failure is Failure.NAME_SERVER
    assert time.monotonic() - start < 1.0


async def test_a_timeout_inside_that_is_not_ours_is_no_deadline() -> None:
    """A TimeoutError without the system's number is a bug in the block, and must be seen."""
    with pytest.raises(TimeoutError, match="a bug"):
        async with network("asking", 10):
            raise TimeoutError("a bug")


async def test_being_cancelled_is_not_a_failure_of_the_network() -> None:
    async def ask() -> None:
        async with network("asking", 10):
            await asyncio.sleep(10)

    task = asyncio.create_task(ask())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_cause_is_found_behind_wrappers() -> None:
    inner = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    middle, outer = OSError("all attempts failed"), RuntimeError("wrapped")
    middle.__cause__, outer.__cause__ = inner, middle

    failure = failure_of(outer, "asking")

    assert failure is not None
    assert failure.failure is Failure.REFUSED


def test_a_loop_of_causes_ends() -> None:
    one, other = RuntimeError("one"), RuntimeError("other")
    one.__cause__, other.__cause__ = other, one

    assert failure_of(one, "asking") is None


def test_tls_numbers_are_not_taken_for_the_systems() -> None:
    """ssl.SSLError(1) has the number of EPERM."""
    failure = failure_of(ssl.SSLError(errno.EPERM, "wrong version"), "asking")

    assert failure is not None
    assert failure.failure is Failure.TLS


def test_foreign_text_is_quoted_and_cut() -> None:
    assert shown(b"\x1b[31mred\xff") == r"'\x1b[31mred\\xff'"
    assert shown("x" * 500, 10) == "'xxxxxxxxxx...'"
