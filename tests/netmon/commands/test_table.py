"""The table in the terminal: what a test that loads a line disturbed says so."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from rich.console import Console

from netmon.commands.table import status_table
from netmon.model import Status
from probes.base import Scheduling
from tests.lab.checks import check
from tests.lab.observations import ping
from tests.lab.pages import NOW_NS, Inventory

PING = check("hunchun/router/ping")
TEST = check(
    "hunchun/router/capacity", kind="capacity", interval_seconds=86_400, scheduling=Scheduling.EXCLUSIVE
)  # fmt: skip


def shown(test_began_ns: int) -> str:
    inventory = Inventory()
    config = SimpleNamespace(
        checks={each.id: each for each in (PING, TEST)}, assets=inventory.assets, sites=inventory.sites, sample=False
    )
    bad = replace(ping(1), check_id=PING.id, started_ns=NOW_NS - 10**10, status=Status.DEGRADED)
    test = replace(ping(2), check_id=TEST.id, started_ns=test_began_ns, duration_seconds=15.0)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(status_table(config, {PING.id: bad, TEST.id: test}, NOW_NS))
    return capture.get()


def test_what_a_test_disturbed_says_so() -> None:
    assert shown(NOW_NS - 20 * 10**9).count("under test:") == 1
    assert "under test" not in shown(NOW_NS - 100 * 10**9)
