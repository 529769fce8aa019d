from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from netmon import __version__
from netmon.alerts.outbox import Message, Outbox
from netmon.archive import Journal
from netmon.failover import Failover, Service, Use
from netmon.failover import Outcome as ServiceOutcome
from netmon.metrics import Internals
from netmon.runner import Clock
from netmon.web import Access
from tests.lab.observations import ping
from tests.netmon.alerts.test_service import Netmon


async def test_the_journal_tells_about_itself(tmp_path: Path) -> None:
    async with Journal.open(tmp_path, on_durable=lambda _rows: None) as journal:
        internals = Internals(archive=journal)
        journal.append(ping(1))
        assert internals.registry.get_sample_value("netmon_archive_backlog_rows") == 1
        await journal.flush()

        value = internals.registry.get_sample_value
        assert value("netmon_archive_backlog_rows") == 0
        assert value("netmon_archive_rows_written_total") == 1
        assert value("netmon_archive_rows_refused_total") == 0
        assert value("netmon_archive_commits_total") == 1
        assert value("netmon_archive_commit_seconds_total") == journal.commit_seconds
        assert value("netmon_archive_writable") == 1
        journal.fault = "disk full"
        assert value("netmon_archive_writable") == 0


def test_uplinks_and_their_failovers_are_shown() -> None:
    use = Use(check_id="s/router/path", site="s", primary="s/uplink", word=None, since_ns=None, last=None)
    uses = [use]
    internals = Internals()
    internals.watch_failovers(lambda: uses)

    def value(name: str) -> float | None:
        return internals.registry.get_sample_value(f"netmon_{name}", {"site": "s", "uplink": "s/uplink"})

    names = ("uplink_on_backup", "failover_timestamp_seconds", "failover_gap_high_seconds", "failover_passed")
    assert [value(name) for name in names] == [None] * 4
    service = Service(check_id="s/hd/ping", outcome=ServiceOutcome.WORKED, gap=(2.0, 4.5))
    last = Failover(
        id="f", site="s", check_id="s/router/path", primary="s/uplink", taken_over=True, lost_ns=1, noticed_ns=10**9,
        services=(service,),
    )  # fmt: skip
    uses[:] = [replace(use, word="backup", last=last)]
    assert [value(name) for name in names] == [1, 1, 4.5, 1]
    assert value("failover_gap_low_seconds") == 2
    unclear = replace(service, outcome=ServiceOutcome.UNCLEAR, gap=None)
    uses[:] = [replace(use, word="primary", last=replace(last, services=(unclear,)))]
    assert [value(name) for name in names] == [0, 1, None, None]


def test_log_ins_are_counted() -> None:
    access = Access()
    internals = Internals()
    internals.watch_access(access)
    access.log_ins["refused"] = 3

    value = internals.registry.get_sample_value
    assert value("netmon_log_ins_total", {"outcome": "refused"}) == 3
    assert value("netmon_log_ins_total", {"outcome": "done"}) == 0
    assert value("netmon_web_config_last_reload_successful") == 1
    access.fault = "web.yaml:1:1: unknown key"
    assert value("netmon_web_config_last_reload_successful") == 0
    access.close()


def test_configuration_reloads() -> None:
    internals = Internals()
    value = internals.registry.get_sample_value
    internals.config_loaded(1234.5)
    assert value("netmon_config_last_reload_successful") == 1
    internals.config_refused()
    assert value("netmon_config_last_reload_successful") == 0
    assert value("netmon_config_last_reload_success_timestamp_seconds") == 1234.5


def test_counters_start_at_zero() -> None:
    value = Internals().registry.get_sample_value
    assert value("netmon_probes_missed_total", {"reason": "overlap"}) == 0
    assert value("netmon_clock_steps_total") == 0
    assert value("netmon_build_info", {"version": __version__}) == 1


def test_two_of_them_do_not_share_a_registry() -> None:
    one, other = Internals(), Internals()
    one.clock_steps.inc()
    assert other.registry.get_sample_value("netmon_clock_steps_total") == 0


async def test_a_blocked_loop_is_seen() -> None:
    internals = Internals()
    watching = asyncio.create_task(internals.watch_loop(period_seconds=0.01))
    await asyncio.sleep(0.005)
    time.sleep(0.15)  # noqa: ASYNC251 (the fault that is to be seen)
    await asyncio.sleep(0.02)
    watching.cancel()
    value = internals.registry.get_sample_value
    late = value("netmon_event_loop_lag_seconds_count") or 0
    assert late - (value("netmon_event_loop_lag_seconds_bucket", {"le": "0.1"}) or 0) >= 1


def test_the_disk_of_the_records_and_the_clock_are_shown(tmp_path: Path) -> None:
    internals = Internals()
    internals.watch_machine(tmp_path, Clock(wall_ns=lambda: 5 * 10**9))
    value = internals.registry.get_sample_value
    free, size = value("netmon_disk_free_bytes"), value("netmon_disk_size_bytes")
    assert free is not None
    assert size is not None
    assert 0 < free <= size
    assert value("netmon_time_seconds") == 5

    gone = Internals()
    gone.watch_machine(tmp_path / "gone", Clock())
    assert gone.registry.get_sample_value("netmon_disk_free_bytes") is None


async def test_an_outbox_says_since_when_its_oldest_message_waits(tmp_path: Path) -> None:
    netmon, box = Netmon(tmp_path), Outbox.open(tmp_path)
    internals = Internals()
    internals.watch_alerts(netmon.alerts(box))
    value = internals.registry.get_sample_value
    assert value("netmon_outbox_oldest_waiting_timestamp_seconds") == 0
    assert value("netmon_alertmanager_up") is None, "no Alertmanager is told"
    box.save({}, [Message(message_id="<1@x>", channel="mail", recipient="a@b.c", content=b"x")], 7 * 10**9)
    assert value("netmon_outbox_oldest_waiting_timestamp_seconds") == 7
    box.close()
