"""``/maintenance``: windows and emergencies, seen by everybody and changed by operators."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netmon.archive import ArchiveError
from netmon.config import parse_duration
from netmon.i18n import _
from netmon.model import LOCAL, Window
from netmon.upkeep import UpkeepError
from netmon.web import board
from netmon.web.acting import ActingPages
from netmon.web.auth.roles import Role
from netmon.web.auth.visit import visit_of
from netmon.words import duration, moment, printable

__all__ = ["UpkeepPages"]

LENGTHS: Final = ("30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d")
EMPTY_FORM: Final[Mapping[str, str]] = {"what": "", "start": "", "length": "2h", "reason": ""}


class UpkeepPages(ActingPages):
    """Shows what is announced and declared; each act is taken down with its author."""

    async def show(self, request: Request) -> Response:
        """Everything."""
        return await self._page(request)

    async def announce(self, request: Request) -> Response:
        """A window from the form."""
        form = {**EMPTY_FORM, **visit_of(request).form}
        kind, _colon, name = form["what"].partition(":")
        upkeep, config = self._view.upkeep, self._view.config

        async def act() -> str:
            from_ns = _moment_ns(form["start"])
            start_ns = self._view.clock.wall_ns() if from_ns is None else from_ns
            window = await upkeep.announce(
                from_ns=from_ns, until_ns=start_ns + _length_ns(form["length"]),
                sites=[name] if kind == "site" else [], assets=[name] if kind == "asset" else [],
                reason=form["reason"], author=visit_of(request).name, known_sites=config.sites,
                known_assets=config.assets,
            )  # fmt: skip
            return window.id

        return await self._act(request, "announce maintenance", act(), form["what"], form)

    async def end_window(self, request: Request) -> Response:
        """End or call off a window."""
        visit = visit_of(request)
        name = visit.form.get("id", "")[:64]

        async def act() -> str:
            return (await self._view.upkeep.end_window(name, visit.name)).id

        return await self._act(request, "end maintenance", act(), name)

    async def declare(self, request: Request) -> Response:
        """Declare an emergency."""
        visit = visit_of(request)

        async def act() -> str:
            return (await self._view.upkeep.declare(visit.form.get("reason", ""), visit.name)).id

        return await self._act(request, "declare emergency", act(), "")

    async def end_emergency(self, request: Request) -> Response:
        """Say that it is over."""
        visit = visit_of(request)

        async def act() -> str:
            return (await self._view.upkeep.end_emergency(visit.name)).id

        return await self._act(request, "end emergency", act(), "")

    async def _act(
        self, request: Request, action: str, act: Awaitable[str], subject: str, form: Mapping[str, str] = EMPTY_FORM
    ) -> Response:
        note = partial(self._access.note, visit_of(request), action)
        try:
            note(await act, "done")
        except UpkeepError as error:
            note(subject, "refused")
            return await self._page(request, str(error), HTTPStatus.UNPROCESSABLE_ENTITY, form)
        except ArchiveError as error:
            note(subject, "done")
            text = _("This is in force, and not yet on the disk: {fault}").format(fault=error)
            return await self._page(request, text, HTTPStatus.SERVICE_UNAVAILABLE)
        return RedirectResponse(f"{request.scope.get('root_path', '')}/maintenance", HTTPStatus.SEE_OTHER)

    async def _page(
        self, request: Request, mistake: str = "", status: int = 200, form: Mapping[str, str] = EMPTY_FORM
    ) -> Response:
        may_act = visit_of(request).may(Role.OPERATOR)
        content = partial(self._content, may_act=may_act, mistake=mistake, form=form)
        return await self._renderer.page(request, "maintenance.html", content, status=status)

    def _content(self, *, may_act: bool, mistake: str, form: Mapping[str, str]) -> dict[str, Any]:
        upkeep = self._view.upkeep
        emergency = upkeep.emergency
        return {
            "here": "maintenance",
            "may_act": may_act,
            "mistake": printable(mistake),
            "form": {name: form[name] for name in EMPTY_FORM},
            "windows": [self._window(window) for window in upkeep.coming()],
            "places": self._places() if may_act else [],
            "lengths": [{"id": length, "name": duration(parse_duration(length))} for length in LENGTHS],
            "emergency": None if emergency is None else {
                "start": moment(emergency.from_ns), "author": printable(emergency.author),
                "reason": printable(emergency.reason),
            },
        }  # fmt: skip

    def _window(self, window: Window) -> dict[str, Any]:
        config, now_ns = self._view.config, self._view.clock.wall_ns()
        what = [board.name_of(config.sites[name].name, name) for name in sorted(window.sites) if name in config.sites]
        what += [
            board.asset_name(config, asset)
            for name in sorted(window.assets)
            if (asset := config.assets.get(name)) is not None
        ]
        return {
            "id": window.id, "start": moment(window.from_ns), "end": moment(window.until_ns),
            "open": window.from_ns <= now_ns, "what": what or [_("everything")], "reason": printable(window.reason),
            "author": printable(window.author) or _("the inventory"), "declared": bool(window.author),
        }  # fmt: skip

    def _places(self) -> list[dict[str, Any]]:
        groups = {
            site.id: {
                "name": board.name_of(site.name, site.id),
                "options": [{"id": f"site:{site.id}", "name": _("the whole site")}],
            }
            for site in self._view.config.sites.values()
        }
        for asset in self._view.config.assets.values():
            option = {"id": f"asset:{asset.id}", "name": board.name_of(asset.name, asset.id)}
            groups[asset.site]["options"].append(option)  # type: ignore[attr-defined] # of the list just made
        return list(groups.values())


def _moment_ns(text: str) -> int | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        local = moment if moment.tzinfo is not None else moment.replace(tzinfo=LOCAL)
        return round(local.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        raise UpkeepError(_("{text} is no moment").format(text=printable(text[:40]))) from None


def _length_ns(text: str) -> int:
    try:
        return round(parse_duration(text) * 1e9)
    except ValueError as error:
        raise UpkeepError(str(error)) from None
