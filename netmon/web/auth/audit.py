"""``/audit``: who did what, for admins."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from netmon.archive import Event
from netmon.i18n import _, _n, current_language, use_language
from netmon.web.auth.access import Access
from netmon.web.language import preferred

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
    "end emergency", "not allowed",
)  # fmt: skip

_template = Environment(
    loader=PackageLoader("netmon.web.auth", "."), autoescape=True, undefined=StrictUndefined
).get_template("audit.html")


class AuditPage:
    """The record, newest first, a hundred rows a page."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def show(self, request: Request) -> Response:
        """A page of it; ``actor`` and ``action`` choose, ``before`` goes on."""
        query = request.query_params
        actor, action, before = query.get("actor", ""), query.get("action", ""), query.get("before", "")
        found = await self._access.book.actions(
            actor=actor, action=action, before_ns=_moment(before), limit=PAGE_ROWS + 1
        )
        language = preferred(query.get("lang", ""), request.headers.get("accept-language", ""))
        root = request.scope.get("root_path", "")
        text = copy_context().run(_render, found, actor=actor, action=action, language=language, root=root)
        return HTMLResponse(text, headers={"Content-Language": language, "Vary": "Accept-Language"})


def _moment(text: str) -> int | None:
    usable = text.isascii() and text.isdecimal() and len(text) <= MAX_NS_DIGITS and int(text) <= MAX_NS
    return int(text) if usable else None


def _render(found: Sequence[Event], *, actor: str, action: str, language: str, root: str) -> str:
    use_language(language)
    rows = found[:PAGE_ROWS]
    older = {"actor": actor, "action": action, "before": rows[-1].at_ns} if len(found) > PAGE_ROWS else {}
    return _template.render(
        language=current_language(), root=root, actor=actor, action=action, older=urlencode(older),
        rows=[_row(event) for event in rows],
        actions=[(name, _(WORDS[name])) for name in ACTIONS],
        words={
            "title": _("Who did what"),
            "home": _("to the first page"),
            "time": _("time"),
            "actor": _("user"),
            "role": _("role"),
            "source": _("from"),
            "action": _("action"),
            "subject": _("on what"),
            "outcome": _("outcome"),
            "all": _("all"),
            "filter": _("Show"),
            "nobody": _("unknown"),
            "none": _("nothing is recorded"),
            "older": _("older"),
        },
    )  # fmt: skip


def _row(event: Event) -> dict[str, str]:
    detail = {name: str(value) for name, value in event.detail.items()}
    words = {name: _(WORDS[text]) if (text := detail.get(name, "")) in WORDS else text for name in (
        "role", "source", "action", "subject", "outcome",
    )}  # fmt: skip
    moment = datetime.fromtimestamp(event.at_ns / 1e9, UTC).astimezone()
    plain = {"actor": detail.get("actor", "")}
    return {"time": moment.isoformat(sep=" ", timespec="seconds"), **plain, **words}
