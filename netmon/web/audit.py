"""``/audit``: who did what, for admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from netmon.archive import Event
from netmon.i18n import _, _n
from netmon.model import LOCAL
from netmon.web.auth.access import Access
from netmon.web.render import Renderer
from netmon.words import printable

__all__ = ["AuditPage"]

PAGE_ROWS: Final = 100
MAX_NS_DIGITS: Final = 19
MAX_NS: Final = 2**63 - 1
WORDS: Final = {
    "log in": _n("log in"),
    "log out": _n("log out"),
    "reload": _n("reload"),
    "announce maintenance": _n("announce maintenance"),
    "end maintenance": _n("end maintenance"),
    "enter evidence": _n("enter evidence"),
    "withdraw evidence": _n("withdraw evidence"),
    "make report": _n("make report"),
    "declare emergency": _n("declare emergency"),
    "end emergency": _n("end emergency"),
    "not allowed": _n("not allowed"),
    "probe": _n("probe"),
    "done": _n("done"),
    "refused": _n("refused"),
    "form": _n("form"),
    "basic authentication": _n("basic authentication"),
    "inventory": _n("inventory"),
    "viewer": _n("viewer"),
    "operator": _n("operator"),
    "admin": _n("admin"),
    "local": _n("on this machine"),
    "control socket": _n("control socket"),
}
ACTIONS: Final = (
    "log in", "log out", "reload", "probe", "announce maintenance", "end maintenance", "declare emergency",
    "end emergency", "enter evidence", "withdraw evidence", "make report", "not allowed",
)  # fmt: skip


class AuditPage:
    """The record, newest first, a hundred rows a page."""

    def __init__(self, renderer: Renderer, access: Access) -> None:
        self._renderer = renderer
        self._access = access

    async def show(self, request: Request) -> Response:
        """A page of it; ``actor`` and ``action`` choose, ``before`` goes on."""
        query = request.query_params
        actor, action = query.get("actor", ""), query.get("action", "")
        found = await self._access.book.actions(
            actor=actor, action=action, before_ns=_moment(query.get("before", "")), limit=PAGE_ROWS + 1
        )
        return await self._renderer.page(request, "audit.html", partial(_content, found, actor=actor, action=action))


def _moment(text: str) -> int | None:
    usable = text.isascii() and text.isdecimal() and len(text) <= MAX_NS_DIGITS and int(text) <= MAX_NS
    return int(text) if usable else None


def _content(found: Sequence[Event], *, actor: str, action: str) -> dict[str, Any]:
    rows = found[:PAGE_ROWS]
    older = {"actor": actor, "action": action, "before": rows[-1].at_ns} if len(found) > PAGE_ROWS else {}
    return {
        "here": "audit",
        "actor": printable(actor[:64]),
        "action": action,
        "actions": [{"id": name, "name": _(WORDS[name])} for name in ACTIONS],
        "columns": {
            "time": _("time"), "actor": _("user"), "role": _("role"), "source": _("where from"), "action": _("action"),
            "subject": _("on what"), "outcome": _("outcome"),
        },
        "rows": [_row(event) for event in rows],
        "older": urlencode(older),
    }  # fmt: skip


def _row(event: Event) -> dict[str, str]:
    detail = {name: str(value) for name, value in event.detail.items()}
    words = {name: _(WORDS[text]) if (text := detail.get(name, "")) in WORDS else printable(text) for name in (
        "role", "source", "action", "subject", "outcome",
    )}  # fmt: skip
    moment = datetime.fromtimestamp(event.at_ns / 1e9, LOCAL)
    return {
        "time": moment.strftime("%Y-%m-%d %H:%M:%S"), "actor": printable(detail.get("actor", "")) or _("unknown"),
        **words,
    }  # fmt: skip
