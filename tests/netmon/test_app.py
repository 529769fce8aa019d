"""The application joined together: reload beside running probes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

import probes
from netmon import app as app_module
from netmon.app import App, Settings
from netmon.archive import Reader
from netmon.config import ConfigError, load
from tests.lab.servers import say, tcp_server

MISTAKES = sorted((Path(__file__).parents[1] / "data" / "config").glob("*.yaml"))


def inventory(port: int, *names: str, interval: str = "1s") -> str:
    """One site with a TCP service for each name."""
    equipment = "".join(
        f"\n      - {{id: {name}, kind: sensor, address: 127.0.0.1, checks: "
        f"{{ping: off, tcp: {{kind: tcp, interval: {interval}, timeout: 500ms, params: {{port: {port}}}}}}}}}"
        for name in names
    )
    return f"sites:\n  - id: here\n    kind: fire_station\n    equipment:{equipment}\n"


class Fixture:
    """A running application over an inventory that a test may rewrite."""

    def __init__(self, app: App, file: Path, data: Path, port: int) -> None:
        self.app, self.file, self.data, self.port = app, file, data, port

    def write(self, *names: str, interval: str = "1s") -> None:
        self.file.write_text(inventory(self.port, *names, interval=interval), encoding="utf-8")

    def copy(self, file: Path) -> None:
        self.file.write_bytes(file.read_bytes())

    def metrics(self) -> str:
        return b"".join(self.app.exposition(self.app.effective())).decode()


async def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (there is no event to wait for: this is what a scrape sees)
            await asyncio.sleep(0.02)


@pytest.fixture
async def netmon(tmp_path: Path) -> AsyncIterator[Fixture]:
    """Two TCP checks, each second."""
    async with tcp_server(say(b"hello\n")) as port:
        file, data = tmp_path / "sites.yaml", tmp_path / "data"
        file.write_text(inventory(port, "a", "b"), encoding="utf-8")
        app = App(load(file, kinds=probes.KINDS), Settings(config=file, data=data))
        app.start()
        try:
            yield Fixture(app, file, data, port)
        finally:
            await app.stop()


async def test_reload_leaves_unchanged_checks_undisturbed(netmon: Fixture) -> None:
    """No gap in what was due, no counter that begins anew; what is gone vanishes, what is new begins."""
    app = netmon.app
    await eventually(lambda: {"here/a/tcp", "here/b/tcp"} <= app.latest.keys())
    netmon.write("a", "c")
    await app.reload()
    assert 'netmon_check_runs_total{check="here/b/tcp"' not in netmon.metrics()
    assert "here/b/tcp" not in app.latest
    await eventually(lambda: {"here/a/tcp", "here/c/tcp"} <= app.latest.keys())
    first = app.latest["here/a/tcp"].scheduled_ns
    await eventually(lambda: app.latest["here/a/tcp"].scheduled_ns >= first + 1_500_000_000)
    await app.journal.flush()
    with Reader.open(netmon.data) as reader:
        rows = [row for row in reader.history("here/a/tcp") if row.attempt == 1]
        configurations = {row.config_id for row in rows}
    assert [after.scheduled_ns - before.scheduled_ns for before, after in pairwise(rows)] == [10**9] * (len(rows) - 1)
    assert len(configurations) == 2
    assert f'netmon_check_runs_total{{check="here/a/tcp",vantage="main"}} {len(rows)}' in netmon.metrics()


async def test_a_changed_check_starts_with_its_new_interval(netmon: Fixture) -> None:
    """Its old readings are not shown as the new check's."""
    app = netmon.app
    await eventually(lambda: "here/a/tcp" in app.latest)
    netmon.write("a", "b", interval="2s")
    await app.reload()
    assert {check.interval_seconds for check in app.checks} == {2.0}
    assert 'netmon_check_status{check="here/a/tcp",vantage="main",status="unknown"} 1' in netmon.metrics()


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda path: path.stem)
async def test_a_bad_file_changes_nothing_and_says_why(netmon: Fixture, mistake: Path) -> None:
    """The inventory before stays in force, until a right file comes."""
    app, before = netmon.app, netmon.app.config
    netmon.copy(mistake)
    with pytest.raises(ConfigError):
        await app.reload()
    assert app.config is before
    assert str(netmon.file) in app.config_fault
    assert "netmon_config_last_reload_successful 0.0" in netmon.metrics()
    netmon.write("a", "b")
    await app.reload()
    assert app.config_fault == ""
    assert "netmon_config_last_reload_successful 1.0" in netmon.metrics()


async def test_a_file_that_vanished_is_a_bad_file(netmon: Fixture) -> None:
    """Editors write a new file and move it: for an instant there may be none."""
    netmon.file.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        await netmon.app.reload()
    assert netmon.app.checks


async def test_reloads_are_kept_as_events(netmon: Fixture) -> None:
    """Good and bad ones, with what they changed or why not."""
    netmon.write("a")
    await netmon.app.reload()
    netmon.file.write_text("sites: 7\n", encoding="utf-8")
    with contextlib.suppress(ConfigError):
        await netmon.app.reload()
    await netmon.app.journal.flush()
    with Reader.open(netmon.data) as reader:
        events = {event.kind: event.detail for event in reader.events()}
    assert events["reload"] == {"added": 0, "removed": 1, "changed": 0}
    assert "sites.yaml:1:8" in str(events["reload_refused"]["error"])


async def test_each_hour_days_are_closed_targets_evaluated_and_reports_made(
    netmon: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this order: a report stands on closed days; the same process of its own makes all of them."""
    done: list[str] = []

    def note(word: str) -> Callable[..., Awaitable[None]]:
        async def noted(*_arguments: object) -> None:
            done.append(word)

        return noted

    app = netmon.app
    monkeypatch.setattr(app_module, "FIRST_HOURLY_SECONDS", 0.0)
    monkeypatch.setattr(app, "close_days", note("days"))
    monkeypatch.setattr(app.targets, "refresh", note("targets"))
    monkeypatch.setattr(app.reports, "refresh", note("reports"))
    hourly = asyncio.create_task(app._work_hourly())
    await eventually(lambda: len(done) == 3)
    hourly.cancel()
    assert done == ["days", "targets", "reports"]
