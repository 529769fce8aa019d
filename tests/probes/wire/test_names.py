"""Names: one family and never the other, and a resolver that hangs holds up nobody else."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from probes.base import Failure, Family, NetworkFailure
from probes.wire.names import LOOKUPS_AT_ONCE, Names

HANGING = "hanging.example"


class Resolver:
    """Stands in for the system's resolver: ``HANGING`` and its subdomains block until ``let_go``."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, *_: object, **__: object) -> list[Any]:
        self.asked.append(host)
        if host.endswith(HANGING):
            self.let_go.wait(60)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("192.0.2.7", 0))]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    yield made
    made.let_go.set()


@pytest.mark.parametrize(("family", "address"), [(Family.IPV4, "192.0.2.1"), (Family.IPV6, "2001:db8::1")])
async def test_a_literal_passes_in_its_own_family_only(family: Family, address: str) -> None:
    other = Family.IPV6 if family is Family.IPV4 else Family.IPV4
    assert await Names().resolve_all(address, family) == (address,)
    with pytest.raises(NetworkFailure) as caught:
        await Names().resolve(address, other)
    assert caught.value.failure is Failure.NAME_NOT_FOUND


async def test_the_system_is_asked() -> None:
    """/etc/hosts, resolv.conf and nsswitch.conf hold, as for every other program of this machine."""
    assert await Names().resolve("localhost", Family.IPV4) == "127.0.0.1"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (socket.EAI_NONAME, Failure.NAME_NOT_FOUND),
        (socket.EAI_NODATA, Failure.NAME_NOT_FOUND),
        (socket.EAI_AGAIN, Failure.NAME_SERVER),
        (socket.EAI_FAIL, Failure.NAME_SERVER),
    ],
)
async def test_no_such_name_and_no_answer_are_told_apart(
    number: int, expected: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "as the system says it")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(NetworkFailure, match="as the system says it") as caught:
        await Names().resolve("device.example", Family.IPV4)
    assert caught.value.failure is expected


async def test_what_cannot_be_a_name_is_not_found() -> None:
    with pytest.raises(NetworkFailure) as caught:
        await Names().resolve("a" * 64 + ".example", Family.IPV4)
    assert caught.value.failure is Failure.NAME_NOT_FOUND


async def test_a_hanging_name_holds_up_no_other_name_and_no_other_thread(resolver: Resolver) -> None:
    """Probes ask again and again for the name that hangs: more often than there are threads of any pool."""
    names = Names()
    for _probe in range(3 * LOOKUPS_AT_ONCE):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await names.resolve(HANGING, Family.IPV4)

    assert await names.resolve("device.example", Family.IPV4) == "192.0.2.7"
    assert await asyncio.to_thread(lambda: "done") == "done"
    assert resolver.asked.count(HANGING) == 1


async def test_a_name_that_answers_again_is_looked_up_again(resolver: Resolver) -> None:
    names = Names()
    waiting = [asyncio.create_task(names.resolve(HANGING, Family.IPV4)) for _ in range(3)]
    await asyncio.sleep(0)
    resolver.let_go.set()
    assert await asyncio.gather(*waiting) == ["192.0.2.7"] * 3

    await names.resolve(HANGING, Family.IPV4)

    assert resolver.asked == [HANGING] * 2


async def test_threads_are_bounded_and_the_next_names_have_their_turn(resolver: Resolver) -> None:
    names = Names()
    hosts = [f"device-{number}.{HANGING}" for number in range(LOOKUPS_AT_ONCE + 10)]
    waiting = [asyncio.create_task(names.resolve(host, Family.IPV4)) for host in hosts]
    while len(resolver.asked) < LOOKUPS_AT_ONCE:
        await asyncio.to_thread(lambda: None)
    assert sum(thread.name.endswith(HANGING) for thread in threading.enumerate()) == LOOKUPS_AT_ONCE

    resolver.let_go.set()

    assert await asyncio.gather(*waiting) == ["192.0.2.7"] * len(hosts)
    assert resolver.asked == hosts


HANGING_PROCESS = """
import asyncio, socket, threading
from probes.base import Family
from probes.wire.names import Names

socket.getaddrinfo = lambda *_, **__: threading.Event().wait()

async def main():
    try:
        async with asyncio.timeout(0.1):
            await Names().resolve("device.example", Family.IPV4)
    except TimeoutError:
        print("ended")

asyncio.run(main())
"""


def test_a_process_ends_while_the_resolver_hangs() -> None:
    """Threads of a pool would be waited for."""
    done = subprocess.run([sys.executable, "-c", HANGING_PROCESS], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")
