"""``/alerts``: what lasts, who has it in hand, and what nobody is told about.

A link shows a page, a button acts: programs that look at mails open links.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netmon.alerts.desk import OWN, Alert, Severity, Silence
from netmon.alerts.letter import own_words, tested_words
from netmon.alerts.runbook import first_steps, page_of
from netmon.alerts.service import AlertsError
from netmon.archive import ArchiveError
from netmon.config import parse_duration
from netmon.i18n import _, current_language
from netmon.impact import Effective
from netmon.model import Status
from netmon.web import board
from netmon.web.acting import ActingPages
from netmon.web.auth.roles import Role
from netmon.web.auth.visit import visit_of
from netmon.words import duration, effective_word, moment, printable, reason_sentence

__all__ = ["AlertPages"]

LENGTHS: Final = ("1h", "4h", "8h", "1d", "3d", "7d")
LOOKS: Final = {Severity.MINOR: "degraded", Severity.MAJOR: "down", Severity.CRITICAL: "down"}


class AlertPages(ActingPages):
    """Shows alerts; each act is taken down with its author."""

    async def show(self, request: Request) -> Response:
        """Everything."""
        return await self._page(request)

    async def one(self, request: Request) -> Response:
        """One alert: where the link of a mail leads."""
        return await self._page(request, only=request.path_params["alert"])

    async def acknowledge(self, request: Request) -> Response:
        """Take an alert in hand."""
        visit = visit_of(request)
        name = visit.form.get("id", "")[:64]
        return await self._act(request, "acknowledge", name, self._view.alerts.acknowledge(name, visit.name))

    async def silence(self, request: Request) -> Response:
        """Tell nobody about something for a time."""
        visit = visit_of(request)
        what = visit.form.get("what", "")[:130]

        async def act() -> Silence:
            try:
                seconds = parse_duration(visit.form.get("length", ""))
            except ValueError as error:
                raise AlertsError(str(error)) from None
            until_ns = self._view.clock.wall_ns() + round(seconds * 1e9)
            return await self._view.alerts.silence(what, until_ns, visit.form.get("reason", ""), visit.name)

        return await self._act(request, "silence", what, act())

    async def end_silence(self, request: Request) -> Response:
        """Tell again."""
        name = visit_of(request).form.get("id", "")[:64]
        return await self._act(request, "end silence", name, self._view.alerts.end_silence(name))

    async def _act(self, request: Request, action: str, subject: str, act: Awaitable[object]) -> Response:
        note = partial(self._access.note, visit_of(request), action, subject)
        try:
            await act
        except AlertsError as error:
            note("refused")
            return await self._page(request, str(error), HTTPStatus.UNPROCESSABLE_ENTITY)
        except ArchiveError as error:
            note("done")
            text = _("This is in force, and not yet on the disk: {fault}").format(fault=error)
            return await self._page(request, text, HTTPStatus.SERVICE_UNAVAILABLE)
        note("done")
        return RedirectResponse(f"{request.scope.get('root_path', '')}/alerts", HTTPStatus.SEE_OTHER)

    async def _page(self, request: Request, mistake: str = "", status: int = 200, only: str = "") -> Response:
        alerts = self._view.alerts.lasting()
        if only:
            alerts = [alert for alert in alerts if alert.id == only]
            if not alerts:
                raise HTTPException(404)
        may_act = visit_of(request).may(Role.OPERATOR)
        content = partial(self._content, alerts, may_act=may_act, mistake=mistake, only=bool(only))
        return await self._renderer.page(request, "alerts.html", content, status=status)

    def _content(self, alerts: list[Alert], *, may_act: bool, mistake: str, only: bool) -> dict[str, Any]:
        config, service, effective = self._view.config, self._view.alerts, self._view.effective()
        counts = service.outbox_counts()
        return {
            "here": "alerts",
            "may_act": may_act,
            "mistake": printable(mistake),
            "only": only,
            "alerts": [self._alert(alert, effective) for alert in alerts],
            "silences": [self._silence(each) for each in service.silences()],
            "lengths": [{"id": length, "name": duration(parse_duration(length))} for length in LENGTHS],
            "places": [
                *({"id": site.id, "name": board.name_of(site.name, site.id)} for site in config.sites.values()),
                *({"id": each.id, "name": board.asset_name(config, each)} for each in config.assets.values()),
            ],
            "told": bool(service.settings.recipients or service.settings.alertmanager or service.settings.chat_urls),
            "waiting": counts.waiting,
            "refused": counts.refused,
            "messages": [
                {
                    "to": printable(recipient), "status": _message_word(state), "look": _message_look(state),
                    "answer": printable(answer), "attempts": attempts, "when": moment(at_ns),
                }
                for recipient, state, answer, attempts, at_ns in service.recent_messages()
            ] if may_act else [],
        }  # fmt: skip

    def _alert(self, alert: Alert, effective: Mapping[str, Effective]) -> dict[str, Any]:
        config, now_ns = self._view.config, self._view.clock.wall_ns()
        asset = config.assets.get(alert.asset)
        degraded = all(each.status is Status.DEGRADED for each in alert.conditions.values())
        if asset is None:
            own = alert.site == OWN
            title, page = own_words(alert.asset.partition("/")[2]) if own else alert.asset, "netmon" if own else "other"
        else:
            title, page = board.asset_name(config, asset), page_of(asset.kind, degraded=degraded)
        words = {Severity.MINOR: _("minor"), Severity.MAJOR: _("major"), Severity.CRITICAL: _("critical")}
        return {
            "id": alert.id, "title": printable(title), "look": LOOKS[alert.severity], "severity": words[alert.severity],
            "state": "" if asset is None else effective_word("degraded" if degraded else "down"),
            "since": moment(alert.since_ns), "length": duration((now_ns - alert.since_ns) / 1e9),
            "wrong": [
                {"check": name if asset is not None else "", "text": printable(reason_sentence(reason))}
                for name, condition in alert.conditions.items()
                for reason in condition.reasons
            ],
            "flapping": alert.flapping,
            "tested": tested_words() if any(
                effective[name].under_test for name in alert.conditions if name in effective
            ) else "",
            "behind": [
                board.asset_name(config, config.assets[name]) for name in alert.behind if name in config.assets
            ],
            "targets": [
                each.name.in_language(current_language()) for each in self._view.alerts.touched_by(alert)
            ],
            "steps": first_steps(page),
            "acknowledged": printable(alert.acknowledged),
            "told": alert.told,
        }  # fmt: skip

    def _silence(self, silence: Silence) -> dict[str, Any]:
        config = self._view.config
        what = _("everything")
        if silence.what in config.sites:
            what = board.name_of(config.sites[silence.what].name, silence.what)
        elif silence.what in config.assets:
            what = board.asset_name(config, config.assets[silence.what])
        elif silence.what:
            what = silence.what
        return {
            "id": silence.id, "what": what, "until": moment(silence.until_ns), "reason": printable(silence.reason),
            "author": printable(silence.author),
        }  # fmt: skip


def _message_word(state: str) -> str:
    return {"sent": _("taken by the server"), "waiting": _("waits"), "refused": _("refused for good")}.get(state, state)


def _message_look(state: str) -> str:
    return {"sent": "up", "waiting": "degraded", "refused": "down"}.get(state, "unknown")
