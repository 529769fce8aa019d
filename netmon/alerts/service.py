"""Alerts of a running netmon: observations in, messages out; what is to be told is on the disk before it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
from pydantic import TypeAdapter

from netmon.alerts import letter
from netmon.alerts.desk import Alert, Desk, Notice, Silence, Thread
from netmon.alerts.machine import VANTAGE, Condition, Machine, Policy, World
from netmon.alerts.manager import Manager, is_told, plain
from netmon.alerts.outbox import Counts, Message, Outbox, Pending
from netmon.alerts.senders import Answer, Outcome, send_chat, send_mail
from netmon.alerts.settings import AlertSettings, load_settings
from netmon.archive import ArchiveError, Reader
from netmon.coverage.board import CoverageBoard, station_works
from netmon.coverage.words import area_name, available_words, basis, share_words, terminal_name
from netmon.failover import Use, use_lines
from netmon.i18n import _, current_language, use_language
from netmon.impact import Effective, down_assets, known
from netmon.logs import fields
from netmon.model import LOCAL, Asset, Check, LocalText, Observation, Reason, ReasonCode, Site, Status
from netmon.runner import Clock
from netmon.summary import works
from netmon.targets.board import TargetsBoard
from netmon.targets.scope import touched
from netmon.targets.standing import Part
from netmon.targets.words import figure_of, verdict_word
from netmon.words import duration

__all__ = ["Alerts", "AlertsError", "Watched", "kept_alerts"]

log = logging.getLogger(__name__)

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
STEP_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.25
"""What comes within this time is decided on together."""
BACK_OFF_SECONDS: Final = (10, 30, 60, 120, 300, 600, 900)
FALLBACK_AFTER: Final = 3
"""So many attempts by mail, and a message goes to the chat, too."""
TELL_SECONDS: Final = 60.0
"""An Alertmanager that was restarted has forgotten everything for at most this long."""
TELL_AGAIN_SECONDS: Final = 5.0
LEAST_FREE_BYTES: Final = 200_000_000
LEAST_FREE_RATIO: Final = 0.02
MOST_AREAS: Final = 15
OUTBOX_LATE_NS: Final = 3600 * SECOND_NS
LONGEST_SILENCE_NS: Final = 31 * DAY_NS
MAX_REASON: Final = 200
STATE: Final = "desk"
STATES: Final = TypeAdapter(
    tuple[int, dict[str, Alert], dict[str, Silence], dict[str, Thread], dict[str, Condition], str]
)
WORST_LAST: Final = ("", "up", "standby", "unknown", "degraded", "down")


class AlertsError(ValueError):
    """What was asked for is not possible; the message says why, in a sentence."""


class County(Protocol):
    """What alerts need of a configuration."""

    @property
    def organisation(self) -> LocalText:
        """Whose network it is."""

    @property
    def sample(self) -> bool:
        """It describes no real network."""

    @property
    def sites(self) -> Mapping[str, Site]:
        """By id."""

    @property
    def assets(self) -> Mapping[str, Asset]:
        """By id."""


class Watched(Protocol):
    """What alerts need of a running netmon."""

    @property
    def config(self) -> County:
        """The inventory in force."""

    @property
    def checks(self) -> Iterable[Check]:
        """The checks that this process runs."""

    @property
    def latest(self) -> Mapping[str, Observation]:
        """The last observation by check."""

    @property
    def clock(self) -> Clock:
        """The application's clocks."""

    @property
    def folder(self) -> Path:
        """Where the archive is."""

    @property
    def targets(self) -> TargetsBoard:
        """How the targets of the plan stand."""

    @property
    def coverage(self) -> CoverageBoard:
        """What the last surveys of radio coverage say."""

    @property
    def emergency(self) -> bool:
        """Whether an emergency is declared."""

    def effective(self) -> Mapping[str, Effective]:
        """What each check's status means now, by check."""

    def uses(self) -> Sequence[Use]:
        """Which uplink is in use, for each site with a backup."""

    def under_test(self, observation: Observation) -> bool:
        """Whether a test loaded the line while this was measured."""

    def own_faults(self) -> Mapping[str, str]:
        """What is wrong with netmon itself, by a name that :func:`netmon.alerts.letter.own_words` knows."""


class Alerts:
    """Keeps the machine, the desk and the outbox together.

    Attributes:
        settings: who is told.
        fault: why the settings on disk are not the ones in force; empty when they are.
    """

    def __init__(
        self,
        netmon: Watched,
        outbox: Outbox,
        settings: AlertSettings,
        *,
        policy: Policy | None = None,
        simulated: bool = False,
        send: Callable[[AlertSettings, Message], Awaitable[Answer]] | None = None,
    ) -> None:
        self.settings = settings
        self.fault = ""
        self._netmon = netmon
        self._outbox = outbox
        self._simulated = simulated
        self._send = send or _send
        self._desk = Desk()
        self._digest = ""
        self._unsaved: dict[str, Message] = {}
        self._ended = 0
        conditions: Mapping[str, Condition] = {}
        stored = outbox.state(STATE)
        if stored is not None:
            desk = self._desk
            desk.count, desk.alerts, desk.silences, desk.threads, conditions, self._digest = STATES.validate_python(
                stored, strict=False
            )
            for alert in desk.alerts.values():
                # One condition, not two that are alike: the machine goes on changing it.
                alert.conditions = {name: conditions.get(name, each) for name, each in alert.conditions.items()}
        self._machine = Machine(policy, conditions.values())
        self._news = asyncio.Event()
        self._mail = asyncio.Event()
        self._manager = Manager(outbox)
        self._to_tell = asyncio.Event()
        self._to_tell.set()
        self._stepping = asyncio.Lock()
        self._free_checked_ns = 0
        self._disk_full = False

    # What others ask.

    def lasting(self) -> list[Alert]:
        """Alerts that last, the worst first."""
        return self._desk.open_alerts()

    def silences(self) -> list[Silence]:
        """Silences that hold or will."""
        now_ns = self._netmon.clock.wall_ns()
        return [each for each in self._desk.silences.values() if each.until_ns > now_ns]

    def outbox_counts(self) -> Counts:
        """How the outbox stands."""
        return self._outbox.counts()

    @property
    def alertmanager_up(self) -> bool | None:
        """Whether the Alertmanager took what it was told last; ``None`` while none is told."""
        return self._manager.up

    def recent_messages(self) -> list[tuple[str, str, str, int, int]]:
        """See :meth:`Outbox.recent`."""
        return self._outbox.recent()

    def touched_by(self, alert: Alert) -> list[letter.Touched]:
        """The targets that an alert touches, in the current language."""
        return self._touched(alert)

    async def acknowledge(self, alert_id: str, author: str) -> Alert:
        """Take an alert in hand.

        Raises:
            AlertsError: there is no such alert, or it is over.
            ArchiveError: it holds, and is not on the disk.
        """
        now_ns = self._netmon.clock.wall_ns()
        alert = self._desk.acknowledge(alert_id, author, now_ns)
        if alert is None:
            raise AlertsError(_("no alert {name} lasts").format(name=alert_id[:64]))
        await asyncio.to_thread(self._save, (), now_ns)
        return alert

    async def silence(self, what: str, until_ns: int, reason: str, author: str) -> Silence:
        """Tell nobody about a site or a piece of equipment (empty: everything) for a time; as :meth:`acknowledge`."""
        now_ns = self._netmon.clock.wall_ns()
        config = self._netmon.config
        line = " ".join(reason.split())
        if what and what not in config.sites and what not in config.assets:
            raise AlertsError(_("the inventory does not have {name}").format(name=what[:130]))
        if not line or len(line) > MAX_REASON or not line.isprintable():
            raise AlertsError(_("a reason is one line of at most {limit} characters").format(limit=MAX_REASON))
        if not now_ns < until_ns <= now_ns + LONGEST_SILENCE_NS:
            raise AlertsError(_("a silence lasts at most 31 days"))
        made = Silence(
            id=f"s-{secrets.token_hex(3)}", what=what, from_ns=now_ns, until_ns=until_ns, reason=line, author=author
        )
        self._desk.silences[made.id] = made
        await asyncio.to_thread(self._save, (), now_ns)
        return made

    async def end_silence(self, silence_id: str) -> Silence:
        """Tell again; as :meth:`acknowledge`."""
        found = self._desk.silences.pop(silence_id, None)
        if found is None:
            raise AlertsError(_("there is no silence {name}").format(name=silence_id[:64]))
        await asyncio.to_thread(self._save, (), self._netmon.clock.wall_ns())
        return found

    def reload(self, path: Path) -> None:
        """Read the settings again.

        Raises:
            ConfigError: they have mistakes; those before stay in force.
        """
        self.settings = load_settings(path, os.environ) if path.is_file() else AlertSettings()

    def noted(self, name: str) -> Any:
        """What :meth:`tell` saved under a name; ``None`` if nothing was."""
        return self._outbox.state(name)

    async def tell(self, messages: Sequence[Message], notes: Mapping[str, Any]) -> None:
        """Send messages that others wrote. They and the notes are on the disk together when this returns.

        Raises:
            ArchiveError: the disk does not take it; nothing is sent.
        """
        await asyncio.to_thread(self._outbox.save, notes, messages, self._netmon.clock.wall_ns())
        self._mail.set()

    # What happens.

    def take(self, observations: Sequence[Observation]) -> None:
        """Take observations into account."""
        for observation in observations:
            self._machine.observe(observation, under_test=self._netmon.under_test(observation))
        self._news.set()

    async def run(self) -> None:
        """Decide, write and send, until cancelled."""
        turns = (self._decide_on, self._deliver, self._tell_on, self._beat)
        await asyncio.gather(*(self._forever(turn) for turn in turns))

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception:
                # Alerting goes on whatever happens; the next turn tries again.
                log.exception("alerts: a turn failed")
                await asyncio.sleep(STEP_SECONDS)

    async def _decide_on(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), STEP_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)
        self._news.clear()
        await self.step()

    async def step(self) -> None:
        """Decide what is to be told now, and write it down."""
        async with self._stepping:
            now_ns = self._netmon.clock.wall_ns()
            changed = self._watch_own(now_ns)
            notices: list[Notice] = []
            if not self._machine.idle or self._desk.threads:
                world = await asyncio.to_thread(self._world, now_ns)
                before = set(self._desk.threads)
                changed = self._desk.take(self._machine.decide(world, now_ns), world) or changed
                notices = self._desk.notices(now_ns)
                self._ended += len(before - set(self._desk.threads))
            messages = [] if not notices else await asyncio.to_thread(copy_context().run, self._compose, notices)
            messages += await asyncio.to_thread(copy_context().run, self._morning, now_ns)
            if changed or messages:
                await asyncio.to_thread(self._save, messages, now_ns)
                self._mail.set()
                self._to_tell.set()

    def _world(self, now_ns: int) -> World:
        netmon = self._netmon
        checks = {check.id: check for check in netmon.checks}
        latest = dict(netmon.latest)
        states = {name: known(check, latest.get(name), now_ns) for name, check in checks.items()}
        effective = netmon.effective()
        return World(
            checks={name: check for name, check in checks.items() if name in effective},
            assets=netmon.config.assets,
            effective=effective,
            seen_ns={name: observation.started_ns for name, observation in latest.items()},
            down=down_assets(checks.values(), states),
        )

    def _watch_own(self, now_ns: int) -> bool:
        faults = dict(self._netmon.own_faults())
        if now_ns - self._free_checked_ns > 60 * SECOND_NS or now_ns < self._free_checked_ns:
            self._free_checked_ns = now_ns
            usage = shutil.disk_usage(self._netmon.folder)
            self._disk_full = usage.free < max(LEAST_FREE_BYTES, usage.total * LEAST_FREE_RATIO)
        if self._disk_full:
            faults["disk"] = ""
        counts = self._outbox.counts()
        if counts.oldest_ns is not None and now_ns - counts.oldest_ns > OUTBOX_LATE_NS:
            faults["outbox"] = _("{count} messages wait").format(count=counts.waiting)
        changed = False
        for name in ("probing", "archive", "disk", "clock", "outbox"):
            text = faults.get(name, "")
            reasons = (
                (Reason(code=ReasonCode.MONITOR_FAULT, status=Status.UNKNOWN, subject=name, text=text),) if text else ()
            )
            condition = Condition(
                check_id=f"netmon/{name}", since_ns=now_ns, last_bad_ns=now_ns, raised_ns=now_ns, reasons=reasons
            )
            changed = self._desk.own(name, name in faults, now_ns, condition) or changed
        return changed

    def _save(self, messages: Iterable[Message], now_ns: int) -> None:
        """Everything to the disk; what it does not take is sent all the same, and written when it does."""
        desk = self._desk
        for name in [name for name, each in desk.silences.items() if each.until_ns <= now_ns]:
            del desk.silences[name]
        self._unsaved |= {message.message_id: message for message in messages}
        state = (desk.count, desk.alerts, desk.silences, desk.threads, self._machine.conditions, self._digest)
        self._outbox.save({STATE: STATES.dump_python(state, mode="json")}, tuple(self._unsaved.values()), now_ns)
        self._unsaved.clear()

    # Words.

    def _compose(self, notices: Sequence[Notice]) -> list[Message]:
        settings, made = self.settings, []
        for notice in notices:
            worst = max((alert.severity for alert in notice.alerts), key=list(type(notice.alerts[0].severity)).index)
            if not settings.alertmanager:
                for recipient in settings.recipients:
                    if recipient.wants(worst):
                        use_language(recipient.language)
                        mail = letter.compose(notice, recipient, settings, self._context(notice.alerts, notice.at_ns))
                        made.append(_mail(mail, recipient.address))
            delivered = settings.recipients or (settings.alertmanager and self._manager.up is not False)
            if settings.chat_urls and (settings.chat_always or not delivered):
                made.append(self._chat(notice))
        return made

    def _chat(self, notice: Notice) -> Message:
        use_language(self.settings.chat_language)
        text = letter.chat_text(notice, self.settings, self._context(notice.alerts, notice.at_ns))
        return Message(
            message_id=f"chat.{notice.thread}.{notice.number}", channel="chat", recipient="chat", content=text.encode()
        )

    def _morning(self, now_ns: int) -> list[Message]:
        local = datetime.fromtimestamp(now_ns / 1e9, LOCAL)
        day = local.date().isoformat()
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        if self._digest == day or seconds < self.settings.digest_at_seconds:
            return []
        first = not self._digest
        self._digest = day
        if first or self.settings.alertmanager:
            return []  # netmon has just been installed: there is no day to speak of
        unknown = [name for name, state in self._netmon.effective().items() if state.raw in (None, Status.UNKNOWN)]
        made = []
        lasting = self._desk.open_alerts()
        for recipient in self.settings.recipients:
            if recipient.digest:
                use_language(recipient.language)
                mail = letter.digest(
                    recipient, self.settings, self._context(lasting, now_ns), now_ns=now_ns, lasting=lasting,
                    ended=self._ended, unknown=unknown,
                )  # fmt: skip
                made.append(_mail(mail, recipient.address))
        self._ended = 0
        return made

    def _context(self, alerts: Sequence[Alert], now_ns: int) -> letter.Context:
        netmon = self._netmon
        effective = netmon.effective()
        states: dict[str, list[Effective]] = {}
        for check in netmon.checks:
            if check.id in effective:
                states.setdefault(check.asset, []).append(effective[check.id])
        return letter.Context(
            organisation=netmon.config.organisation,
            sites=netmon.config.sites,
            assets=netmon.config.assets,
            checks={check.id: check for check in netmon.checks},
            past=self._past(alerts, now_ns),
            touched={alert.id: self._touched(alert) for alert in alerts},
            failovers={use.check_id: use_lines(use, self._called) for use in netmon.uses()},
            coverage={alert.id: self._coverage(alert, effective) for alert in alerts},
            works={asset: works(state.status for state in found) for asset, found in states.items()},
            tested={name for name, state in effective.items() if state.under_test},
            emergency=netmon.emergency,
            simulated=self._simulated or netmon.config.sample,
        )

    def _called(self, check_id: str) -> str:
        """What the equipment of a check is called, in the current language."""
        asset = self._netmon.config.assets.get(check_id.rpartition("/")[0])
        return check_id if asset is None else asset.name.in_language(current_language()) or asset.id

    def _past(self, alerts: Sequence[Alert], now_ns: int) -> dict[str, letter.Past]:
        found: dict[str, letter.Past] = {}
        begin_ns = now_ns - letter.STRIP_CELLS * letter.STRIP_SECONDS * SECOND_NS
        try:
            with Reader.open(self._netmon.folder) as reader:
                for alert in alerts:
                    for name, condition in alert.conditions.items():
                        if name == VANTAGE or name.startswith("netmon/"):
                            continue
                        keys = [reason.subject for reason in condition.reasons if reason.limit is not None]
                        found[name] = _past_of(reader, name, keys, begin_ns)
        except ArchiveError as error:
            log.warning("a mail goes without its last 24 hours", extra=fields(error=error))
        return found

    def _touched(self, alert: Alert) -> list[letter.Touched]:
        config, report = self._netmon.config, self._netmon.targets.report
        chosen = [config.assets[name] for name in (alert.asset, *alert.behind) if name in config.assets]
        if report is None or not chosen:
            return []
        standings = {standing.target.id: standing for standing in report.standings}
        targets = touched((standing.target for standing in report.standings), chosen, config.sites, self._netmon.checks)
        return [
            letter.Touched(
                name=target.name, chapter=target.clause.chapter, section=target.clause.section,
                figures={
                    current_language(): "; ".join(
                        _part_words(part) for part in standings[target.id].parts if part.subject == alert.asset
                    )
                },
            )
            for target in targets
        ]  # fmt: skip

    def _coverage(self, alert: Alert, effective: Mapping[str, Effective]) -> list[str]:
        """What an outage costs of the radio coverage, by township, in the current language."""
        board, states = self._netmon.coverage, station_works(self._netmon.checks, effective)
        groups: dict[str, list[str]] = {}
        for now, without in board.cost([alert.asset, *alert.behind], states):
            surveyed = now.surveyed
            lines = groups.setdefault(surveyed.terminal.id, [basis(surveyed)])
            lines.append(
                _("{area} ({terminal}): {now} available now, {before} before; {surveyed} by the survey").format(
                    area=area_name(surveyed, now.area),
                    terminal=terminal_name(surveyed.terminal),
                    now=available_words(now.figures, now.available),
                    before=available_words(now.figures, without),
                    surveyed=share_words(now.figures.covered, now.figures.planned),
                )
            )
        for lines in groups.values():
            more = len(lines) - 1 - MOST_AREAS
            if more > 0:
                lines[MOST_AREAS + 1 :] = [_("and {count} more").format(count=more)]
        return [line for lines in groups.values() for line in lines]

    # The ways out.

    async def _deliver(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._mail.wait(), STEP_SECONDS)
        self._mail.clear()
        await self.deliver()

    async def deliver(self) -> None:
        """Send what is due."""
        now_ns = self._netmon.clock.wall_ns()
        for message in tuple(self._unsaved.values()):
            # The disk takes nothing: whoever is on call hears of it all the same, perhaps twice.
            await self._send(self.settings, message)
        for pending in await asyncio.to_thread(self._outbox.due, now_ns):
            answer = await self._send(self.settings, pending.message)
            await asyncio.to_thread(self._note, pending, answer)

    def _note(self, pending: Pending, answer: Answer) -> None:
        now_ns = self._netmon.clock.wall_ns()
        level = logging.INFO if answer.outcome is Outcome.SENT else logging.WARNING
        log.log(level, "a message", extra=fields(outcome=answer.outcome.value, answer=answer.text))
        if answer.outcome is Outcome.LATER:
            wait = BACK_OFF_SECONDS[min(pending.attempts, len(BACK_OFF_SECONDS) - 1)]
            self._outbox.note(pending.number, "waiting", answer.text, now_ns, next_ns=now_ns + wait * SECOND_NS)
        else:
            self._outbox.note(pending.number, answer.outcome.value, answer.text, now_ns)
        failed = answer.outcome is Outcome.REFUSED or pending.attempts + 1 == FALLBACK_AFTER
        if (
            failed
            and answer.outcome is not Outcome.SENT
            and pending.message.channel == "mail"
            and self.settings.chat_urls
        ):
            text = _as_text(pending.message.content)
            chat = Message(
                message_id=f"{pending.message.message_id}.chat", channel="chat", recipient="chat", content=text.encode()
            )
            self._outbox.save({}, (chat,), now_ns)

    async def _tell_on(self) -> None:
        wait = TELL_SECONDS if self._manager.up is not False else TELL_AGAIN_SECONDS
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._to_tell.wait(), wait)
        self._to_tell.clear()
        await self.tell_manager()

    async def tell_manager(self) -> None:
        """Tell the Alertmanager how things are, if there is one."""
        url, now_ns = self.settings.alertmanager, self._netmon.clock.wall_ns()
        if not url:
            self._manager.up = None
            return
        lasting = await asyncio.to_thread(copy_context().run, self._plain, now_ns)
        await self._manager.tell(url, lasting, now_ns)

    def _plain(self, now_ns: int) -> dict[str, dict[str, Any]]:
        silences = tuple(self._desk.silences.values())
        alerts = [alert for alert in self._desk.open_alerts() if is_told(alert, silences, now_ns)]
        words: dict[str, dict[str, str]] = {alert.id: {} for alert in alerts}
        for language in ("zh", "en") if alerts else ():
            use_language(language)
            context = self._context(alerts, now_ns)
            for alert in alerts:
                words[alert.id] |= letter.in_annotations(alert, self.settings, context, now_ns)
        return {alert.id: plain(alert, words[alert.id], self.settings.board) for alert in alerts}

    async def _beat(self) -> None:
        """The heartbeat."""
        settings = self.settings
        if settings.heartbeat and not self._netmon.own_faults():
            try:
                async with httpx.AsyncClient(timeout=10) as client:
                    await client.get(settings.heartbeat)
            except httpx.HTTPError as error:
                log.warning("the heartbeat is not taken", extra=fields(error=str(error) or repr(error)))
        await asyncio.sleep(settings.heartbeat_seconds)


def kept_alerts(folder: Path) -> tuple[list[Alert], list[Silence]]:
    """The alerts that last and the silences of an archive's folder, as a netmon that may be running has kept them.

    Raises:
        ArchiveError: they cannot be read.
    """
    outbox = Outbox.look_into(folder)
    if outbox is None:
        return [], []
    desk = Desk()
    try:
        with contextlib.closing(outbox):
            stored = outbox.state(STATE)
        if stored is None:
            return [], []
        _count, desk.alerts, silences, *_rest = STATES.validate_python(stored, strict=False)
    except (sqlite3.Error, ValueError) as error:
        raise ArchiveError(_("the alerts cannot be read: {error}").format(error=error)) from error
    return desk.open_alerts(), list(silences.values())


async def _send(settings: AlertSettings, message: Message) -> Answer:
    if message.channel == "chat":
        return await send_chat(settings.chat_urls, message)
    return await send_mail(settings.servers, settings.sender, message)


def _mail(mail: Any, address: str) -> Message:
    return Message(message_id=str(mail["Message-ID"]), channel="mail", recipient=address, content=mail.as_bytes())


def _as_text(content: bytes) -> str:
    from email import message_from_bytes
    from email.policy import default

    mail = message_from_bytes(content, policy=default)
    body = mail.get_body(("plain",))
    return f"{mail['Subject']}\n{'' if body is None else body.get_content()}"


def _past_of(reader: Reader, name: str, keys: Sequence[str], begin_ns: int) -> letter.Past:
    strip = [""] * letter.STRIP_CELLS
    figures: dict[str, tuple[float, float]] = {}
    for at_ns, status, values in reader.series(name, keys, since_ns=begin_ns):
        cell = min((at_ns - begin_ns) // (letter.STRIP_SECONDS * SECOND_NS), letter.STRIP_CELLS - 1)
        strip[cell] = max(strip[cell], status.value, key=WORST_LAST.index)
        for key, value in zip(keys, values, strict=True):
            if value is not None:
                least, greatest = figures.get(key, (value, value))
                figures[key] = (min(least, value), max(greatest, value))
    return letter.Past(strip=tuple(strip), figures=figures)


def _part_words(part: Part) -> str:
    criterion, found = part.criterion, part.finding
    text = f"{criterion.name.in_language(current_language())} {figure_of(part)}".strip()
    text = _("{figure} this year so far, {verdict}").format(figure=text, verdict=verdict_word(found.verdict))
    if criterion.rule == "availability" and criterion.at_least is not None and "bad_seconds" in found.figures:
        allowed = (1 - criterion.at_least) * 365 * 86_400
        text += _("; of {allowed} that a year allows, {bad} are used").format(
            allowed=duration(allowed), bad=duration(found.figures["bad_seconds"])
        )
    return text
