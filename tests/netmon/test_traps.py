"""A notification makes netmon look at once, is an event of the archive, and is believed in nothing."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netmon.app import App, Settings
from netmon.archive import Reader
from netmon.config import ConfigError, load
from netmon.model import Check
from netmon.runner import Clock
from netmon.traps import SAME_AGAIN_SECONDS, WAKE_GAP_SECONDS, Traps
from probes import KINDS
from probes.wire.traps import Trap
from tests.lab.servers import unused_port
from tests.lab.snmp import send_notification

INVENTORY = """
sample: true
snmp_auths: {{default: {{version: 2c, community_file: community}}}}
traps: {{listen: "{listen}"}}
sites:
  - id: hill
    kind: radio_site
    equipment:
      - id: radio
        kind: base_station
        address: 127.0.0.1
        checks: {{base-station: {{interval: 1h, timeout: 1s, confirm: off, params: {{count: 1}}}}}}
      - {{id: named, kind: power, address: localhost, checks: {{power: {{interval: 1h, timeout: 1s, confirm: off}}}}}}
      - {{id: router, kind: router, address: 127.0.0.9}}
"""


def inventory(folder: Path, listen: str) -> Path:
    (folder / "community").write_text("public")
    path = folder / "sites.yaml"
    path.write_text(INVENTORY.format(listen=listen))
    return path


class Journal:
    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def append_event(self, kind: str, at_ns: int, detail: dict[str, Any]) -> None:
        assert kind == "trap"
        self.events.append(dict(detail))


class Bench:
    """Traps without a socket, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.journal = Journal()
        self.woken: list[str] = []
        clock = Clock(wall_ns=lambda: 0, monotonic=lambda: self.now)
        self.traps = Traps(self.journal, clock, wires=SimpleNamespace(), wake=self.wake)  # type: ignore[arg-type]
        self.traps._checks = {"192.0.2.1": [SimpleNamespace(id="hill/radio/base-station", asset="hill/radio")]}  # type: ignore[list-item]

    def wake(self, check: Check) -> bool:
        self.woken.append(check.id)
        return True

    def trap(self, oid: str = "1.3.6.1.4.1.99.1") -> None:
        self.traps.take(Trap(source="192.0.2.1", oid=oid, values={"1.3.6.1.4.1.99.2": "high"}))


async def test_the_device_is_asked_at_once_and_the_event_says_which() -> None:
    bench = Bench()
    bench.trap()

    assert bench.woken == ["hill/radio/base-station"]
    assert bench.journal.events == [
        {
            "equipment": "hill/radio", "source": "192.0.2.1", "notification": "1.3.6.1.4.1.99.1",
            "1.3.6.1.4.1.99.2": "high",
        }
    ]  # fmt: skip


async def test_many_of_one_kind_are_one_event_and_a_few_runs() -> None:
    bench = Bench()
    for _ in range(500):
        bench.trap()
        bench.now += 0.01
    assert len(bench.journal.events) == 1
    assert len(bench.woken) == 1
    assert len(bench.traps._later) == 1  # what came last is looked after, too

    bench.now += SAME_AGAIN_SECONDS
    bench.trap()
    assert bench.journal.events[1]["the same before"] == "499"
    await bench.traps.stop()


async def test_what_comes_within_the_gap_is_asked_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netmon.traps.WAKE_GAP_SECONDS", 0.05)
    bench = Bench()
    bench.trap()
    bench.now += 0.01
    bench.trap()
    assert len(bench.woken) == 1
    await asyncio.sleep(0.1)
    assert len(bench.woken) == 2
    assert WAKE_GAP_SECONDS > 1


async def test_memory_is_bounded_whatever_a_known_device_sends() -> None:
    bench = Bench()
    for number in range(5000):
        bench.trap(f"1.3.6.1.4.1.99.{number}")
    assert len(bench.traps._told) <= 1000
    assert len(bench.journal.events) <= 1000
    await bench.traps.stop()


async def test_from_the_wire_to_the_archive(tmp_path: Path) -> None:
    """net-snmp's own sender, a running netmon: the station is asked although its next run is an hour away."""
    port = unused_port()
    config = load(inventory(tmp_path, f"127.0.0.1:{port}"), kinds=KINDS, environ={})
    app = App(config, Settings(config=tmp_path / "sites.yaml", data=tmp_path / "data"))
    app.start()
    await asyncio.sleep(0.3)  # names are looked up
    assert app.traps.listening
    await send_notification("snmptrap", "-v2c", "-c", "public", f"127.0.0.1:{port}", "1", "1.3.6.1.6.3.1.1.5.1")
    async with asyncio.timeout(10):
        while len(app.latest) < 2:  # noqa: ASYNC110  (what a person sees)
            await asyncio.sleep(0.02)
    assert b'netmon_traps_total{outcome="accepted"} 1.0' in app.internals.render()
    assert b"netmon_traps_listening 1.0" in app.internals.render()
    await app.stop()

    with Reader.open(tmp_path / "data") as reader:
        (event,) = reader.events("trap")
    assert event.detail["equipment"] == "hill/named, hill/radio"
    assert event.detail["notification"] == "1.3.6.1.6.3.1.1.5.1"


async def test_a_port_that_is_taken_is_told_and_nothing_else_suffers(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        config = load(inventory(tmp_path, f"127.0.0.1:{port}"), kinds=KINDS, environ={})
        app = App(config, Settings(config=tmp_path / "sites.yaml", data=tmp_path / "data"))
        app.start()
        assert not app.traps.listening
        assert "in use" in app.traps.fault
        assert b"netmon_traps_listening 0.0" in app.internals.render()
        await app.stop()


@pytest.mark.parametrize("listen", ["162", "0.0.0.0:0", "0.0.0.0:99999", "host:162", "[::]"])
def test_where_to_listen_is_checked(tmp_path: Path, listen: str) -> None:
    with pytest.raises(ConfigError, match=r"is no address to listen on; write 0\.0\.0\.0:162"):
        load(inventory(tmp_path, listen), kinds=KINDS, environ={})
