"""The composition root: builds everything from a configuration, joins it, starts it and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import probes
from netmon import systemd
from netmon.alerts.outbox import Outbox
from netmon.alerts.service import Alerts
from netmon.alerts.settings import AlertSettings, load_settings
from netmon.archive import ArchiveError, Journal, Reader
from netmon.config import Config, ConfigError, load
from netmon.coverage.board import CoverageBoard, Now, station_works
from netmon.failover import FAILOVER, FAILOVER_ENDED, Failovers, Use
from netmon.forward.service import Forward
from netmon.i18n import _
from netmon.impact import Effective, effective, span, under_test
from netmon.left_open import left_open
from netmon.loading import Loading
from netmon.logs import fields
from netmon.metrics import CheckMetrics, Internals
from netmon.model import Check, MissedRun, Observation, Retention, RollCall
from netmon.report.office import ReportOffice
from netmon.runner import Clock, Runner
from netmon.schedule import Schedule
from netmon.targets.board import TargetsBoard
from netmon.traps import Traps
from netmon.upkeep import EVENT_KINDS, Upkeep, roll_call_result
from probes.base import ProbeKind, Scheduling
from probes.wire import Wires

__all__ = ["App", "Settings", "build_wires", "run", "running"]

log = logging.getLogger(__name__)

GARBAGE_THRESHOLD = 20_000
"""New objects until the collector looks; 700 by default, which 30 runs make."""
STOP_GRACE_SECONDS = 5.0
EVENT_TEXT_LIMIT = 4000
FIRST_HOURLY_SECONDS = 60.0
HOURLY_SECONDS = 3600.0
STEP_WORTH_TELLING_NS = 2_000_000_000
LONGEST_MONTH_NS = 31 * 86_400 * 1_000_000_000
STEP_TOLD_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this process runs, as opposed to what it watches.

    Attributes:
        config: the inventory.
        data: the archive's folder.
        vantage: which checks of the inventory this process runs.
        concurrency: probes under way at once.
        web_config: who may log in, and TLS; without it everybody on this machine may look, and nobody may act.
        plain_http: passwords may cross the network in clear text.
        targets: the register of targets; ``targets.yaml`` beside the inventory if it is not given.
        alerts: who is told of what is wrong; ``alerts.yaml`` beside the inventory if it is not given. Without a file
            nobody is.
        forward: the store that gets observations; ``forward.yaml`` beside the inventory if it is not given. Without a
            file nothing is forwarded.
        simulated: every mail says so.
    """

    config: Path
    data: Path
    vantage: str = "main"
    concurrency: int = 1000
    web_config: Path | None = None
    plain_http: bool = False
    targets: Path | None = None
    alerts: Path | None = None
    forward: Path | None = None
    simulated: bool = False


def build_wires(config: Config) -> Wires:
    """The wires for an inventory: they know its credentials and its hosts, and open nothing yet."""

    from probes.wire.capacity import CapacityWire
    from probes.wire.dns import DnsWire
    from probes.wire.http import HttpWire
    from probes.wire.icmp import IcmpWire
    from probes.wire.iperf import IperfWire
    from probes.wire.names import Names
    from probes.wire.snmp import SnmpWire
    from probes.wire.tcp import TcpWire

    return Wires(
        names=Names(),
        icmp=IcmpWire(),
        snmp=SnmpWire(config.snmp_auths),
        tcp=TcpWire(),
        dns=DnsWire(),
        http=HttpWire(allowed_hosts=config.allowed_hosts),
        capacity=CapacityWire(config.reflector_keys),
        iperf=IperfWire(),
    )


class App:
    """One running netmon: inventory -> schedule -> runner -> archive -> metrics.

    Must be built within the running event loop.

    Attributes:
        config, checks: the inventory in force, and its checks that this process runs.
        config_fault: why the inventory on disk is not the one in force; empty when it is.
        metrics, internals: what is measured, and how netmon itself is doing.
        latest: the last observation of each check that is durable, or that the disk does not take
            (:meth:`not_ready` then says why); what tables and pages show.
    """

    def __init__(
        self,
        config: Config,
        settings: Settings,
        *,
        kinds: Mapping[str, ProbeKind[Any]] = probes.KINDS,
        clock: Clock | None = None,
    ) -> None:
        self.config = config
        self.settings = settings
        self.kinds = kinds
        self.clock = clock or Clock()
        self.latest: dict[str, Observation] = {}
        self.checks = self._checks_of(config)
        self.config_fault = ""
        self._since: dict[str, int] = {}
        self._started_ns = self.clock.wall_ns()
        self._newest_ns = 0
        self.metrics = CheckMetrics(kinds, clock=self.clock)
        self.metrics.configure(sites=config.sites.values(), assets=config.assets.values(), checks=self.checks)
        self.journal = Journal.open(settings.data, on_durable=self._show, on_stuck=self._show)
        self.upkeep = Upkeep(self.journal, self.clock, self._take_roll_call)
        self.upkeep.plan(config.maintenance)
        self.internals = Internals(self.journal)
        self.internals.watch_upkeep(self.upkeep)
        self.internals.watch_machine(settings.data, self.clock)
        register = settings.targets or settings.config.with_name("targets.yaml")
        self.targets = TargetsBoard(register, settings.data, kinds=kinds, run=_apart)
        self.internals.watch_targets(self.targets)
        self.coverage = CoverageBoard(settings.data, run=_apart)
        self.internals.watch_coverage(self.coverage_now)
        self.wires = build_wires(config)
        self.runner = Runner(
            kinds=kinds,
            wires=self.wires,
            emit=self._emit,
            missed=self._missed,
            clock=self.clock,
            concurrency=settings.concurrency,
        )
        self.loading = Loading(
            runs=self.runner, missed=self._missed, abort=self.wires.end_load, latest=lambda: self.latest,
            upkeep=self.upkeep, clock=self.clock,
        )  # fmt: skip
        self.loading.configure(self.checks, config.assets, config.load_tests)
        self.internals.watch_loading(self.loading)
        self.schedule = Schedule(start=self._start, missed=self._missed, stepped=self._stepped, clock=self.clock)
        self._outbox = Outbox.open(settings.data)
        self.alerts = Alerts(self, self._outbox, self._alert_settings(), simulated=settings.simulated)
        self.internals.watch_alerts(self.alerts)
        self.reports = ReportOffice(settings.data, register, self.alerts, self.clock, run=_apart)
        self.internals.watch_reports(self.reports)
        store = settings.forward or settings.config.with_name("forward.yaml")
        self.forward = Forward(settings.data, store, self.clock)
        self.internals.watch_forward(self.forward)
        self.traps = Traps(self.journal, self.clock, wires=self.wires, wake=self.runner.wake)
        self.internals.watch_traps(self.traps)
        self.failovers = Failovers(self.journal, self._announced)
        self.failovers.configure(self.checks, config)
        self.internals.watch_failovers(self.failovers.uses)
        self._observers: list[Callable[[Sequence[Observation]], None]] = [
            self.failovers.take, self.alerts.take, self.loading.take,
        ]  # fmt: skip
        self._last_step: tuple[int, int] | None = None
        self._alerting: asyncio.Task[None] | None = None
        self._testing: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._hourly: asyncio.Task[None] | None = None
        self._surveys: asyncio.Task[None] | None = None
        self._reloading = asyncio.Lock()

    def observe(self, observer: Callable[[Sequence[Observation]], None]) -> None:
        """Call ``observer`` with observations once they are durable, or stuck before a full disk."""
        self._observers.append(observer)

    @property
    def alerts_path(self) -> Path:
        """The file that says who is told."""
        return self.settings.alerts or self.settings.config.with_name("alerts.yaml")

    @property
    def emergency(self) -> bool:
        """Whether an emergency is declared."""
        return self.upkeep.emergency is not None

    def own_faults(self) -> Mapping[str, str]:
        """What is wrong with netmon itself."""
        faults = {}
        if self.journal.fault is not None:
            faults["archive"] = self.journal.fault
        if self._watch is not None and (reason := self.needs_restart() or self._silent()):
            faults["probing"] = reason
        if self._last_step is not None and self.clock.wall_ns() - self._last_step[0] < STEP_TOLD_NS:
            faults["clock"] = _("by {seconds:.1f} s").format(seconds=self._last_step[1] / 1e9)
        return faults

    def _silent(self) -> str:
        """Why it seems that nothing is probed although it should be; empty where it is."""
        age = (self.clock.wall_ns() - max(self._newest_ns, self._started_ns)) / 1e9
        if age <= 180 or not self.checks:
            return ""
        shortest = min((check.interval_seconds for check in self.checks if not check.by_hand), default=math.inf)
        return _("the last run is {seconds:.0f} s ago").format(seconds=age) if age > 5 * shortest else ""

    def _alert_settings(self) -> AlertSettings:
        path = self.alerts_path
        return load_settings(path, os.environ) if path.is_file() else AlertSettings()

    @property
    def folder(self) -> Path:
        """Where the archive is."""
        return self.settings.data

    def effective(self) -> dict[str, Effective]:
        """What the status of each check means now."""
        return effective(
            self.checks, self.config.assets, self.latest, self.upkeep.in_force(), self.clock.wall_ns(),
            self.loading.loads(),
        )  # fmt: skip

    def under_test(self, observation: Observation) -> bool:
        """Whether a test loaded the line while this was measured."""
        loads, check = self.loading.loads(), self.config.checks.get(observation.check_id)
        if not loads or check is None:
            return False
        return under_test(check, *span(observation), self.config.assets, loads)

    def uses(self) -> Sequence[Use]:
        """Which uplink is in use, for each site with a backup."""
        return self.failovers.uses()

    def coverage_now(self) -> Sequence[Now]:
        """The areas of the last surveys, with what is available of them now."""
        return self.coverage.now(station_works(self.checks, self.effective()))

    def since(self, check_id: str) -> int | None:
        """Since when a check has its present status, UTC nanoseconds; ``None`` if that is not known."""
        return self._since.get(check_id)

    async def probe(self, check: Check) -> Observation:
        """Run a check now, outside its schedule. Nothing of it is recorded, and no rate is derived from it."""
        runner = Runner(
            kinds=self.kinds, wires=self.wires, emit=lambda _o: None, missed=lambda _m: None, clock=self.clock
        )
        return await runner.run_once(check, self.clock.wall_ns())

    def exposition_of(self, check: Check, observation: Observation) -> bytes:
        """The metrics of one run of one check, in Prometheus's text format."""
        metrics = CheckMetrics(self.kinds, clock=self.clock)
        metrics.configure(sites=(), assets=(), checks=(check,))
        metrics.update((observation,))
        return b"".join(metrics.render())

    def exposition(self, effective: Mapping[str, Effective]) -> Iterator[bytes]:
        """All metrics in Prometheus's text format, in chunks; ``effective`` is what :meth:`effective` said just now."""
        self.metrics.show_effective(effective)
        yield from self.metrics.render()
        yield self.internals.render()

    def not_ready(self) -> str:
        """Why netmon does not do its work (yet); empty when it does."""
        if self._watch is None:
            return _("probing has not started")
        if self.journal.fault is not None:
            return _("the archive cannot be written: {fault}").format(fault=self.journal.fault)
        return ""

    def needs_restart(self) -> str:
        """What does not run although it should, so that a restart would help; empty when all does."""
        if not self.journal.alive:
            return _("the archive's writer has ended")
        if not self.schedule.alive:
            return _("the schedule has ended")
        return ""

    def start(self) -> None:
        """Record the configuration, take up where the archive ends, and begin to probe."""
        now_ns = self.clock.wall_ns()
        self.runner.config_id = self.config.config_id
        self.journal.record_config(self.config.config_id, self.config.text, now_ns, self.config.profiles)
        self.journal.append_event("start", now_ns, {"vantage": self.settings.vantage, "checks": len(self.checks)})
        self._seed()
        self.traps.use(self.config, self.checks)
        self._schedule()
        self.schedule.start()
        self._resume(now_ns)
        self.internals.config_loaded(now_ns / 1e9)
        self._watch = asyncio.create_task(self.internals.watch_loop())
        self._hourly = asyncio.create_task(self._work_hourly())
        self._surveys = asyncio.create_task(self.coverage.watch())
        self._alerting = asyncio.create_task(self.alerts.run())
        self._testing = asyncio.create_task(self.loading.run())
        self.forward.start()
        log.info("started", extra=fields(checks=len(self.checks), config=self.config.config_id[:12]))

    async def reload(self) -> None:
        """Read the inventory again. Checks that did not change go on undisturbed: no gap, no counter begins anew.

        Raises:
            ConfigError: the file has mistakes; the inventory before stays in force.
        """
        async with self._reloading:
            now_ns = self.clock.wall_ns()
            try:
                config = await asyncio.to_thread(load, self.settings.config, kinds=self.kinds)
            except ConfigError as error:
                self.config_fault = str(error)
                self.internals.config_refused()
                self.journal.append_event("reload_refused", now_ns, {"error": self.config_fault[:EVENT_TEXT_LIMIT]})
                log.warning("the inventory was not reloaded", extra=fields(error=error))
                raise
            before = {check.id: check.fingerprint for check in self.checks}
            self._take_over(config)
            after = {check.id: check.fingerprint for check in self.checks}
            changes = {
                "added": len(after.keys() - before.keys()),
                "removed": len(before.keys() - after.keys()),
                "changed": sum(before[check_id] != after[check_id] for check_id in before.keys() & after.keys()),
            }
            try:
                forward = self.forward.read()
                self.alerts.reload(self.alerts_path)
            except ConfigError as error:
                self.config_fault = str(error)
                self.internals.config_refused()
                raise
            await asyncio.to_thread(self.forward.use, forward)
            self.config_fault = ""
            self.internals.config_loaded(now_ns / 1e9)
            self.journal.record_config(config.config_id, config.text, now_ns, config.profiles)
            self.journal.append_event("reload", now_ns, changes)
            log.info("reloaded", extra=fields(**changes, config=config.config_id[:12]))

    def _checks_of(self, config: Config) -> tuple[Check, ...]:
        return tuple(check for check in config.checks.values() if check.vantage == self.settings.vantage)

    def _take_over(self, config: Config) -> None:
        self.config = config
        self.checks = self._checks_of(config)
        self.upkeep.plan(config.maintenance)
        self.runner.config_id = config.config_id
        self.wires.snmp.use(config.snmp_auths)
        self.wires.http.allow(config.allowed_hosts)
        self.wires.capacity.use(config.reflector_keys)
        self.metrics.configure(sites=config.sites.values(), assets=config.assets.values(), checks=self.checks)
        self.runner.keep(self.checks)
        self.loading.configure(self.checks, config.assets, config.load_tests)
        self.failovers.configure(self.checks, config)
        self._schedule()
        self.traps.use(config, self.checks)
        wanted = {check.id for check in self.checks}
        self.latest = {check_id: last for check_id, last in self.latest.items() if check_id in wanted}

    async def stop(self) -> None:
        """Start nothing more, let runs end, write everything, close everything."""
        await self.schedule.stop()
        await self.traps.stop()
        await self.reports.stop()
        started = (self._watch, self._hourly, self._surveys, self._alerting, self._testing)
        tasks = [task for task in started if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.loading.stop()
        await self.runner.stop(STOP_GRACE_SECONDS)
        await asyncio.to_thread(self.forward.stop)
        self.journal.append_event("stop", self.clock.wall_ns(), {"vantage": self.settings.vantage})
        try:
            await self.journal.close()
        finally:
            await self.wires.aclose()
            self._outbox.close()
        log.info("stopped", extra=fields(rows=self.journal.rows_written))

    async def _work_hourly(self) -> None:
        await asyncio.sleep(FIRST_HOURLY_SECONDS)
        # By now most series are made, and stay: to walk over those of 1,000 stations takes the collector 0.2 s, and
        # nothing else runs meanwhile.
        gc.freeze()
        while True:
            await self.close_days()
            await self.targets.refresh(self.journal)
            await self.reports.refresh()
            await asyncio.sleep(HOURLY_SECONDS)

    async def close_days(self) -> None:
        """Move days that have ended from the journal to files."""
        limits = self.config.retention != Retention()
        only = ("--config", str(self.settings.config)) if limits else ()
        code, _output, error = await _apart("archive", "close", "--data", str(self.settings.data), *only)
        if code:
            self.internals.closings_failed.inc()
            log.error("days could not be closed", extra=fields(error=error, exit_code=code))

    def _seed(self) -> None:
        try:
            with Reader.open(self.settings.data) as reader:
                latest, since = reader.latest(), reader.since()
                for kind in EVENT_KINDS:
                    self.upkeep.recall(reader.events(kind))
                since_ns = self.clock.wall_ns() - LONGEST_MONTH_NS
                recorded = [*reader.events(FAILOVER), *reader.events(FAILOVER_ENDED)]
                self.failovers.recall(recorded, reader, self.clock.wall_ns())
                for check in self.checks:
                    if check.exclusive:
                        self.loading.recall(reader.history(check.id, since_ns=since_ns))
        except (ArchiveError, sqlite3.Error) as error:
            # Rates begin anew; that is all that is lost.
            log.warning("the archive's last observations cannot be read", extra=fields(error=error))
            return
        for check in self.checks:
            last = latest.get((check.id, check.vantage))
            if last is not None:
                self.runner.seed(check, last)
                self.latest[check.id] = last
                self._since[check.id] = since[check.id, check.vantage]

    def _schedule(self) -> None:
        self.schedule.set_checks(check for check in self.checks if not check.by_hand)

    def _take_roll_call(self, call: RollCall) -> None:
        """What was heard of a station is the observation of its check, where the inventory has one."""
        for check in self.checks:
            if check.by_hand and check.asset == call.asset:
                self.runner.enter(check, roll_call_result(call), call.at_ns)

    def _announced(self, site: str, asset: str, at_ns: int) -> str:
        """Id of the announced work that covers this equipment at a moment; empty for none."""
        return next((window.id for window in self.upkeep.coming() if window.covers(site, asset, at_ns)), "")

    def _resume(self, started_ns: int) -> None:
        """Tests that were due when netmon was killed, or while it did not run."""
        try:
            with Reader.open(self.settings.data) as reader:
                left, last = left_open(reader, self.config, self.checks, started_ns, self.clock.wall_ns(), self.kinds)
        except (ArchiveError, sqlite3.Error) as error:
            log.warning("it cannot be read which tests were due", extra=fields(error=error))
            return
        self.loading.resume(left, last)

    def _start(self, check: Check, scheduled_ns: int) -> None:
        at_once = check.scheduling is Scheduling.BACKGROUND
        (self.runner.start if at_once else self.loading.due)(check, scheduled_ns)

    def _emit(self, observation: Observation) -> None:
        self.journal.append(observation)

    def _missed(self, run: MissedRun) -> None:
        self.internals.probes_missed.labels(run.reason).inc()
        self.journal.append_missed(run)

    def _stepped(self, step_ns: int) -> None:
        self.internals.clock_steps.inc()
        if abs(step_ns) >= STEP_WORTH_TELLING_NS:
            self._last_step = (self.clock.wall_ns(), step_ns)
        self.journal.append_event("clock_step", self.clock.wall_ns(), {"step_ns": step_ns})

    def _show(self, observations: Sequence[Observation]) -> None:
        self.metrics.update(observations)
        known = self.config.checks
        for observation in observations:
            self._newest_ns = max(self._newest_ns, observation.started_ns)
            if observation.check_id in known:  # not one that a reload took away while it ran
                before = self.latest.get(observation.check_id)
                if before is None or before.status is not observation.status:
                    self._since[observation.check_id] = observation.started_ns
                self.latest[observation.check_id] = observation
        for observer in self._observers:
            observer(observations)


@contextlib.asynccontextmanager
async def running(
    config: Config, settings: Settings, sockets: Sequence[socket.socket], *, notice: str = ""
) -> AsyncIterator[App]:
    """A netmon that probes and serves its pages while the block runs.

    Args:
        sockets: listening sockets for the pages; closed at the end.
        notice: message id of a line above every page, such as that this is a simulation.

    Raises:
        ArchiveError: the archive cannot be opened.
        ConfigError: the web configuration has mistakes.
        ExposedError: other machines would reach the pages without a password, or passwords in clear text.
    """
    from netmon.web import Access, ArchiveBook, control, create_app, serve

    hosts = [sock.getsockname()[0] for sock in sockets]
    with contextlib.closing(Access.open(settings.web_config, hosts=hosts, plain_http=settings.plain_http)) as access:
        app = App(config, settings)
        app.internals.watch_access(access)
        book = access.book = ArchiveBook(app.journal, settings.data, app.clock)
        pages = create_app(app, notice=notice, access=access)
        stop = asyncio.Event()
        local = control.listen(settings.data)
        servers = (
            asyncio.create_task(serve(pages, sockets=sockets, stop=stop, tls=access.tls)),
            asyncio.create_task(serve(control.control_app(app, book), sockets=[local], stop=stop)),
        )
        watching = asyncio.create_task(access.watch())
        try:
            app.start()
            with _calm_collector():
                yield app
        finally:
            stop.set()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await asyncio.gather(*servers)
            await app.stop()


@contextlib.contextmanager
def _calm_collector() -> Iterator[None]:
    """Let the garbage collector look at what is made within the block only, and less often.

    What was read and built before stays for as long as the process runs; to walk over it again and again takes
    processor time for nothing. Reference counts free nearly everything that a run leaves behind.
    """
    threshold = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, *threshold[1:])
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()


async def run(settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads the inventory.

    Raises:
        ConfigError: the inventory or the web configuration has mistakes.
        ArchiveError: the archive cannot be opened.
        ExposedError: see :func:`running`.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reload_asked = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, reload_asked.set)
    async with running(load(settings.config, kinds=probes.KINDS), settings, sockets) as app:
        tasks = (
            asyncio.create_task(_reload_when(reload_asked, app)),
            asyncio.create_task(systemd.watchdog(app.needs_restart)),
        )
        systemd.notify_ready()
        await stop.wait()
        systemd.notify_stopping()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _apart(*arguments: str) -> tuple[int, str, str]:
    """Run netmon in a process of its own with the lowest priority: exit code, output, last line of errors.

    For what takes the processor for seconds: probes must not wait for it. It is killed when the caller is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        "nice", "-n", "19", sys.executable, "-m", "netmon", *arguments,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    last = errors.decode(errors="replace").strip().rpartition("\n")[2]
    return process.returncode or 0, output.decode(errors="replace"), last


async def _reload_when(asked: asyncio.Event, app: App) -> None:
    while True:
        await asked.wait()
        asked.clear()
        systemd.notify_reloading()
        with contextlib.suppress(ConfigError):  # logged, counted and kept as an event by the application
            await app.reload()
        systemd.notify_ready()
