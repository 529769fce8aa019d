"""Reports of a running netmon: by schedule and when asked, in a process of their own, and to whom they are mailed."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Any, Final, Protocol

from netmon.alerts import letter
from netmon.alerts.outbox import Message
from netmon.alerts.settings import AlertSettings
from netmon.archive import ArchiveError, Reader
from netmon.i18n import _, use_language
from netmon.logs import fields
from netmon.report.manifest import ReportError, read_facts
from netmon.report.shelf import BEGUN, FOLDER, Kept, due, kept, put, reports_in
from netmon.runner import Clock
from netmon.targets.verdict import Verdict

__all__ = ["Mailbox", "ReportOffice"]

log = logging.getLogger(__name__)

MAILED: Final = "reports"
"""Under this name the outbox keeps which reports were mailed."""
KEPT_NAMES: Final = 100
LARGEST_ATTACHMENT: Final = 8_000_000
"""Bytes; beyond, the mail has the link alone. Servers take 10 MB of Base64 at least (RFC 5321 sets no limit)."""
HANDOVER_SECONDS: Final = 60.0

Run = Callable[..., Awaitable[tuple[int, str, str]]]
"""Runs ``netmon`` with arguments in a process of its own: exit code, output, last line of errors."""


class Mailbox(Protocol):
    """What sends: the alerts' durable outbox."""

    @property
    def settings(self) -> AlertSettings:
        """Who is told."""

    def noted(self, name: str) -> Any:
        """What was saved under a name."""

    async def tell(self, messages: Sequence[Message], notes: Mapping[str, Any]) -> None:
        """Write messages and notes down together, and send the messages."""


class ReportOffice:
    """Makes reports, one at a time.

    Attributes:
        fault: why the last one could not be made or mailed; empty when it could.
        working: what is being made; empty when nothing is.
        overdue: reports that were due by schedule when it was last looked, and could not be made or mailed.
    """

    def __init__(self, data: Path, register: Path, mailbox: Mailbox, clock: Clock, *, run: Run) -> None:
        self.fault = ""
        self.working = ""
        self.overdue = 0
        self._data = data
        self._register = register
        self._mailbox = mailbox
        self._clock = clock
        self._run = run
        self._one = asyncio.Lock()
        self._asked: asyncio.Task[None] | None = None
        self._sheets: dict[str, tuple[float, bytes]] = {}

    async def refresh(self) -> None:
        """Make what is due, and mail what was made by schedule and was not mailed."""
        settings = self._mailbox.settings
        if not (settings.reports_monthly or settings.reports_yearly) or not self._register.is_file():
            self.overdue = 0
            return
        begun_ns = await asyncio.to_thread(self._begun_ns)
        have = {each.name for each in await asyncio.to_thread(reports_in, self._data)}
        wanted = due(
            self._clock.wall_ns(), monthly=settings.reports_monthly, yearly=settings.reports_yearly,
            at_seconds=settings.reports_at_seconds, begun_ns=begun_ns, have=(),
        )  # fmt: skip
        for name in wanted:
            if name not in have:
                await self.make("--month" if "-" in name else "--year", name)
        mailed = await self._mail(wanted)
        self.overdue = sum(name not in mailed for name in wanted)

    def ask(self, *words: str) -> bool:
        """Begin to make a report by the words of ``netmon report``; whether nothing else was being made."""
        if self.working:
            return False
        self.working = " ".join(words)
        self._asked = asyncio.create_task(self.make(*words))
        return True

    async def make(self, *words: str) -> None:
        """Make a report and put it on the shelf; :attr:`fault` says why that could not be."""
        async with self._one:
            self.working = " ".join(words)
            made = self._data / FOLDER / f"{BEGUN}report"
            try:
                await asyncio.to_thread(shutil.rmtree, made, ignore_errors=True)
                code, _output, error = await self._run(
                    "report", *words, "--register", str(self._register), "--data", str(self._data), "--out", str(made)
                )
                if not code:
                    await asyncio.to_thread(put, self._data, made)
                self.fault = error or str(code) if code else ""
            except (OSError, ReportError) as error:
                self.fault = str(error)
            finally:
                self.working = ""
            if self.fault:
                log.warning("a report could not be made", extra=fields(what=" ".join(words), error=self.fault))

    async def handover(self, language: str) -> bytes:
        """The sheet of the shift as PDF, at most a minute old.

        Raises:
            ReportError: it could not be made.
        """
        async with self._one:
            now = self._clock.monotonic()
            made_at, sheet = self._sheets.get(language, (-HANDOVER_SECONDS, b""))
            if sheet and now - made_at < HANDOVER_SECONDS:
                return sheet
            folder = self._data / FOLDER / f"{BEGUN}handover"
            code, _output, error = await self._run(
                "report", "handover", "--data", str(self._data), "--out", str(folder), "--lang", language
            )
            try:
                if code:
                    raise ReportError(error or str(code))
                sheet = await asyncio.to_thread((folder / f"netmon-handover.{language}.pdf").read_bytes)
            except OSError as fault:
                raise ReportError(str(fault)) from fault
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            self._sheets[language] = (now, sheet)
            return sheet

    async def stop(self) -> None:
        """Give up what is being made."""
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.gather(self._asked, return_exceptions=True)

    def _begun_ns(self) -> int | None:
        try:
            with Reader.open(self._data) as reader:
                loads = reader.configurations()
        except (ArchiveError, sqlite3.Error) as error:
            log.warning("no report is due: the archive cannot be read", extra=fields(error=error))
            return None
        return loads[0].since_ns if loads else None

    async def _mail(self, names: Sequence[str]) -> list[str]:
        """Which reports were mailed, now or before."""
        mailed = list(self._mailbox.noted(MAILED) or ())
        for name in names:
            report = await asyncio.to_thread(kept, self._data, name)
            if name in mailed or report is None:
                continue
            try:
                messages = await asyncio.to_thread(copy_context().run, self._letters, report)
                await self._mailbox.tell(messages, {MAILED: [*mailed, name][-KEPT_NAMES:]})
                mailed.append(name)
            except (ArchiveError, ReportError, OSError) as error:
                self.fault = str(error)
                log.warning("a report could not be mailed", extra=fields(name=name, error=error))
        return mailed

    def _letters(self, report: Kept) -> list[Message]:
        settings, facts, made = self._mailbox.settings, read_facts(report.folder, report.name), []
        targets = facts["years"][-1]["targets"] if facts["kind"] == "targets" and facts["years"] else []
        met = sum(target["verdict"] in (Verdict.MET, Verdict.MET_BY_DOCUMENTS) for target in targets)
        missed = sum(target["verdict"] == Verdict.NOT_MET for target in targets)
        for recipient in settings.recipients:
            if not recipient.reports:
                continue
            use_language(recipient.language)
            text = _("Of {count} targets {met} are met, {missed} are not, and {open} cannot be told yet.").format(
                count=len(targets), met=met, missed=missed, open=len(targets) - met - missed
            )
            pdf = report.pdf(recipient.language)
            small = pdf is not None and pdf.stat().st_size <= LARGEST_ATTACHMENT
            mail = letter.report_mail(
                recipient, settings, name=report.name, text=text, now_ns=self._clock.wall_ns(),
                organisation=facts["organisation"]["zh" if recipient.language == "zh" else "en"],
                simulated=facts["sample"],
                attached=(pdf.name, pdf.read_bytes()) if pdf is not None and small else None,
            )  # fmt: skip
            made.append(
                Message(
                    message_id=str(mail["Message-ID"]), channel="mail", recipient=recipient.address,
                    content=mail.as_bytes(),
                )
            )  # fmt: skip
        return made
