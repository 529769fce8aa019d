"""The control socket: what commands on this machine ask of the running netmon.

A Unix socket in the archive's folder. Whoever may write to it may act, which the file's mode decides; the kernel says
who it was (``SO_PEERCRED``, unix(7)), and that is taken down.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import stat
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from netmon.alerts.service import AlertsError
from netmon.archive import ArchiveError
from netmon.config import ConfigError
from netmon.i18n import _
from netmon.targets.documents import Entry
from netmon.targets.entering import EntryError, enter, withdraw
from netmon.upkeep import UpkeepError
from netmon.web.auth.book import Book
from netmon.web.evidence import entries_in
from netmon.web.view import View

__all__ = ["FILE_NAME", "control_app", "listen"]

FILE_NAME: Final = "control.sock"
MAX_BODY: Final = 4_194_304


class Ask(BaseModel):
    """What a command asks for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(default="", max_length=64)
    from_ns: int | None = None
    until_ns: int = 0
    sites: list[str] = []
    assets: list[str] = []
    reason: str = ""


class EntryForm(BaseModel):
    """Something that a person enters about a target."""

    model_config = ConfigDict(extra="forbid", strict=True)

    target: str = Field(max_length=64)
    kind: Literal["figure", "document", "drill"]
    at_ns: int
    criterion: str = Field(default="", max_length=64)
    subject: str = Field(default="", max_length=130)
    value: float | None = None
    passed: bool = False
    note: str = ""
    file: str = ""
    sha256: str = ""


class Enter(BaseModel):
    """What a person enters: all of it or nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    entries: list[EntryForm] = Field(min_length=1, max_length=5_000)


def listen(folder: Path) -> socket.socket:
    """The listening socket, in place of one that a netmon left that is no more; call it while the folder is locked.

    Raises:
        OSError: the folder takes no socket.
    """
    path = folder / FILE_NAME
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        before = os.umask(0o117)
        try:
            # A socket's address has at most 107 bytes, and a folder's path may be longer.
            sock.bind(f"/proc/self/fd/{directory}/{FILE_NAME}")
        finally:
            os.umask(before)
        sock.listen(8)
    except BaseException:
        sock.close()
        raise
    finally:
        os.close(directory)
    return sock


def control_app(view: View, book: Book) -> Starlette:
    """The application behind the socket: JSON in, JSON out, ``error`` where it was refused."""
    control = _Control(view, book)
    return Starlette(
        routes=[
            Route("/upkeep", control.upkeep),
            Route("/reload", control.acting("reload", control.reload), methods=["POST"]),
            Route("/maintenance", control.acting("announce maintenance", control.announce), methods=["POST"]),
            Route("/maintenance/end", control.acting("end maintenance", control.end_window), methods=["POST"]),
            Route("/emergency", control.acting("declare emergency", control.declare), methods=["POST"]),
            Route("/alerts", control.alerts),
            Route("/alerts/acknowledge", control.acting("acknowledge", control.acknowledge), methods=["POST"]),
            Route("/silences", control.acting("silence", control.silence), methods=["POST"]),
            Route("/silences/end", control.acting("end silence", control.end_silence), methods=["POST"]),
            Route("/evidence", control.acting("enter evidence", control.enter, Enter), methods=["POST"]),
            Route("/evidence/withdraw", control.acting("withdraw evidence", control.withdraw), methods=["POST"]),
            Route("/emergency/end", control.acting("end emergency", control.end_emergency), methods=["POST"]),
        ]
    )


class _Control:
    def __init__(self, view: View, book: Book) -> None:
        self._view = view
        self._book = book

    def acting(
        self, action: str, act: Callable[[Any, str], Awaitable[dict[str, Any]]], shape: type[BaseModel] = Ask
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            actor = _actor(request)
            subject, outcome = "", "refused"
            try:
                body = await request.body()
                if len(body) > MAX_BODY:
                    return JSONResponse({"error": _("too much at once")}, 413)
                ask = shape.model_validate_json(body or b"{}")
                subject = _subject(ask)
                done = await act(ask, actor)
                subject, outcome = str(done.get("id", subject)), "done"
                return JSONResponse(done)
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, 400)
            except (AlertsError, UpkeepError, EntryError, ConfigError) as error:
                return JSONResponse({"error": str(error)}, 422)
            except ArchiveError as error:
                outcome = "done"
                text = _("This is in force, and not yet on the disk: {fault}").format(fault=error)
                return JSONResponse({"error": text}, 503)
            finally:
                self._book.record(
                    actor=actor, role="local", source="control socket", action=action, subject=subject, outcome=outcome
                )

        return answer

    async def upkeep(self, _request: Request) -> Response:
        """What is announced and declared."""
        upkeep = self._view.upkeep
        now_ns = self._view.clock.wall_ns()
        emergency = upkeep.emergency
        return JSONResponse(
            {
                "emergency": None if emergency is None else asdict(emergency),
                "windows": [_plain(window) | {"open": window.from_ns <= now_ns} for window in upkeep.coming()],
            }
        )

    async def reload(self, _ask: Ask, _actor: str) -> dict[str, Any]:
        await self._view.reload()
        return {}

    async def announce(self, ask: Ask, actor: str) -> dict[str, Any]:
        config = self._view.config
        window = await self._view.upkeep.announce(
            from_ns=ask.from_ns, until_ns=ask.until_ns, sites=ask.sites, assets=ask.assets, reason=ask.reason,
            author=actor, known_sites=config.sites, known_assets=config.assets,
        )  # fmt: skip
        return _plain(window)

    async def end_window(self, ask: Ask, actor: str) -> dict[str, Any]:
        return _plain(await self._view.upkeep.end_window(ask.id, actor))

    async def declare(self, ask: Ask, actor: str) -> dict[str, Any]:
        return _plain(await self._view.upkeep.declare(ask.reason, actor))

    async def end_emergency(self, _ask: Ask, actor: str) -> dict[str, Any]:
        return _plain(await self._view.upkeep.end_emergency(actor))

    async def alerts(self, _request: Request) -> Response:
        """What lasts, what nobody is told about, and how the outbox stands."""
        service = self._view.alerts
        return JSONResponse(
            {
                "alerts": [
                    {
                        "id": alert.id, "asset": alert.asset, "site": alert.site, "severity": alert.severity,
                        "since_ns": alert.since_ns, "raised_ns": alert.raised_ns, "behind": list(alert.behind),
                        "acknowledged": alert.acknowledged, "told": alert.told, "flapping": alert.flapping,
                        "wrong": [
                            {"check": name, "status": each.status, "reasons": [asdict(why) for why in each.reasons]}
                            for name, each in alert.conditions.items()
                        ],
                    }
                    for alert in service.lasting()
                ],
                "silences": [asdict(silence) for silence in service.silences()],
                "outbox": asdict(service.outbox_counts()),
            }
        )  # fmt: skip

    async def acknowledge(self, ask: Ask, actor: str) -> dict[str, Any]:
        return {"id": (await self._view.alerts.acknowledge(ask.id, actor)).id}

    async def silence(self, ask: Ask, actor: str) -> dict[str, Any]:
        what = next(iter((*ask.sites, *ask.assets)), "")
        return asdict(await self._view.alerts.silence(what, ask.until_ns, ask.reason, actor))

    async def end_silence(self, ask: Ask, _actor: str) -> dict[str, Any]:
        return asdict(await self._view.alerts.end_silence(ask.id))

    async def enter(self, ask: Enter, actor: str) -> dict[str, Any]:
        view = self._view
        entries = [Entry(id="", entered_ns=0, author=actor, **each.model_dump()) for each in ask.entries]
        register = await asyncio.to_thread(view.targets.register)
        subjects = {*view.config.sites, *view.config.assets}
        made = await enter(self._view.journal, register, entries, subjects=subjects, now_ns=view.clock.wall_ns())
        return {"entries": [asdict(entry) for entry in made]}

    async def withdraw(self, ask: Ask, actor: str) -> dict[str, Any]:
        entries = await asyncio.to_thread(entries_in, self._view.folder)
        await withdraw(self._view.journal, entries, ask.id, author=actor, now_ns=self._view.clock.wall_ns())
        return {"id": ask.id}


def _subject(ask: BaseModel) -> str:
    match ask:
        case Enter():
            first = ask.entries[0]
            subject = " ".join(filter(None, (first.target, first.criterion, first.subject)))
            return subject if len(ask.entries) == 1 else f"{subject} ... ({len(ask.entries)})"
        case Ask():
            return ask.id or ", ".join([*ask.sites, *ask.assets])[:200]
    return ""


def _plain(item: Any) -> dict[str, Any]:
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(item).items()}


def _actor(request: Request) -> str:
    """The user that the kernel names; the server puts the number where a network peer's address stands."""
    user = int(request.client.host) if request.client is not None else -1
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"
