"""Who gets in: the web configuration in force, sessions, and what slows guessing down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from netmon.config import ConfigError
from netmon.config.errors import Problem
from netmon.i18n import _
from netmon.logs import fields
from netmon.web.auth.book import Book, NoBook
from netmon.web.auth.limits import Guesses, TokenBucket, source_of
from netmon.web.auth.passwords import Passwords
from netmon.web.auth.requests import is_local
from netmon.web.auth.roles import User
from netmon.web.auth.sessions import Sessions
from netmon.web.auth.shape import MAX_USER_LENGTH
from netmon.web.auth.tls import ChangingContext
from netmon.web.auth.visit import Visit
from netmon.web.auth.web_config import WebConfig, load_web_config, state_of

__all__ = ["Access", "ExposedError", "WaitError"]

log = logging.getLogger(__name__)

BUSY_SECONDS = 2.0
REFUSAL_NOTE_SECONDS = 10.0
REFUSAL_NOTES = 1000
WATCH_SECONDS = 5.0


class ExposedError(Exception):
    """Other machines would get in without a password, or passwords would cross the network in clear text."""


class WaitError(Exception):
    """Too many attempts to log in.

    Attributes:
        seconds: when the next one is looked at.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds:.0f} s")
        self.seconds = seconds


class Access:
    """Who gets in. Must be closed.

    Attributes:
        config: the web configuration in force.
        fault: why the file on disk is not the one in force; empty when it is.
        log_ins: attempts by outcome: ``done``, ``refused`` (wrong) or ``delayed`` (too many, not looked at).
        any_host: answer under whatever host name a request gives, also where nobody has to log in.
        book: takes down who did what.
        tls: for the server; hands on to the context in force. ``None``: no TLS.
    """

    def __init__(self, config: WebConfig | None = None, *, any_host: bool = False) -> None:
        self.config = config or WebConfig()
        self.fault = ""
        self.log_ins = {"done": 0, "refused": 0, "delayed": 0}
        self.any_host = any_host
        self.book: Book = NoBook()
        self.tls = ChangingContext.of(self.config.tls) if self.config.tls is not None else None
        self.passwords = Passwords()
        self.sessions = Sessions()
        self._guesses = Guesses()
        self._refusals = TokenBucket(REFUSAL_NOTE_SECONDS, REFUSAL_NOTES)
        self._bucket = self._new_bucket()
        self._check: Callable[[WebConfig], None] = lambda _config: None
        self._state = state_of(self.config.files)

    @classmethod
    def open(cls, file: Path | None, *, hosts: Iterable[str], plain_http: bool = False) -> Self:
        """The access that a file asks for; without a file everybody on this machine may look.

        Args:
            hosts: the addresses that the server listens on.
            plain_http: passwords may cross the network in clear text.

        Raises:
            ConfigError: the file has mistakes.
            ExposedError: the addresses are not for what the file says.
        """
        listening = tuple(hosts)
        config = load_web_config(file) if file is not None else WebConfig()
        _refuse_exposure(config, listening, plain_http)
        for warning in config.warnings:
            log.warning("web configuration", extra=fields(warning=warning))
        access = cls(config)
        access._check = lambda changed: _refuse_exposure(changed, listening, plain_http)
        return access

    def close(self) -> None:
        """Let nobody in any more."""
        self.passwords.close()

    def has_room(self) -> bool:
        """Whether ``rate_limit`` lets another request through."""
        return self._bucket is None or self._bucket.take()

    async def log_in(self, source: str, name: str, password: str) -> User | None:
        """The user, or ``None`` if name or password are wrong.

        Raises:
            WaitError: after too many attempts; nothing was looked at.
        """
        place, who = source_of(source), name[:MAX_USER_LENGTH]
        wait = BUSY_SECONDS if self.passwords.busy else self._guesses.attempt(place, who)
        if wait > 0:
            self.log_ins["delayed"] += 1
            raise WaitError(wait)
        user = await self.passwords.verify(self.config.users, name, password)
        self.log_ins["refused" if user is None else "done"] += 1
        if user is not None:
            self._guesses.succeeded(place, who)
        return user

    async def basic(self, source: str, name: str, password: str) -> User | None:
        """As :meth:`log_in`, for a program that sends its password each time.

        Raises:
            WaitError: after too many attempts; nothing was looked at.
        """
        user = self.passwords.remembered(self.config.users, name, password)
        if user is not None:
            return user
        user = await self.log_in(source, name, password)
        if user is None:
            self.failed(source, name, "basic authentication")
        else:
            self.passwords.remember(user, password)
        return user

    def failed(self, source: str, name: str, how: str) -> None:
        """Take down a failed log-in. A name that nobody has is left out: people type passwords there."""
        self.note(Visit(user=self.config.users.get(name), source=source), "log in", how, "refused")

    def note(self, visit: Visit, action: str, subject: str, outcome: str) -> None:
        """Take down what a visitor did, or was refused (``outcome`` is ``done`` or ``refused``).

        Of refusals only so many as no flood of them can fill the disk.
        """
        if outcome == "refused" and not self._refusals.take():
            return
        role = visit.user.role if visit.user is not None else ""
        self.book.record(
            actor=visit.name, role=role, source=visit.source, action=action, subject=subject, outcome=outcome
        )  # fmt: skip

    async def reload(self) -> None:
        """Read the file again. Sessions of users who did not change go on.

        Raises:
            ConfigError: the file has mistakes; the configuration before stays in force.
        """
        if not self.config.files:
            return
        file = self.config.files[0]
        try:
            config = await asyncio.to_thread(load_web_config, file)
            self._accept(config, file)
        except ConfigError as error:
            self.fault = str(error)
            log.warning("the web configuration was not reloaded", extra=fields(error=error))
            raise
        self.fault = ""
        log.info("web configuration reloaded", extra=fields(users=len(config.users)))

    def _accept(self, config: WebConfig, file: Path) -> None:
        try:
            self._check(config)
        except ExposedError as error:
            raise ConfigError([Problem(str(file), 1, 1, str(error))]) from error
        if (config.tls is None) != (self.tls is None):
            raise ConfigError([Problem(str(file), 1, 1, _("turning TLS on or off needs a restart"))])
        if self.tls is not None and config.tls is not None:
            self.tls.current = config.tls
        self.config = config
        self._bucket = self._new_bucket()

    async def watch(self) -> None:
        """Reload whenever the file or a certificate changes; never ends."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            state = await asyncio.to_thread(state_of, self.config.files)
            if state == self._state:
                continue
            self._state = state
            try:
                await self.reload()
            except ConfigError:
                continue  # logged, and tried again at the next change
            self._state = await asyncio.to_thread(state_of, self.config.files)

    def _new_bucket(self) -> TokenBucket | None:
        return TokenBucket(*self.config.rate_limit) if self.config.rate_limit is not None else None


def _refuse_exposure(config: WebConfig, hosts: tuple[str, ...], plain_http: bool) -> None:
    outside = next((host for host in hosts if not is_local(f"[{host}]" if ":" in host else host)), None)
    if outside is None:
        return
    if not config.protected:
        what = _(
            "{host} can be reached from other machines, and nobody would have to log in: write basic_auth_users into a "
            "file for --web-config, or listen on 127.0.0.1"
        )
        raise ExposedError(what.format(host=outside))
    if config.tls is None and not plain_http:
        what = _(
            "passwords for {host} would cross the network in clear text: write tls_server_config into the file of "
            "--web-config, or give --plain-http if a proxy speaks TLS for netmon"
        )
        raise ExposedError(what.format(host=outside))
