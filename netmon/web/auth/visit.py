"""Who makes a request, for the pages that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from netmon.web.auth.roles import Role, User, may

__all__ = ["CSRF_FIELD", "Visit", "cookie_name", "visit_of"]

CSRF_FIELD: Final = "csrf_token"
STATE_KEY: Final = "visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who makes a request.

    Attributes:
        user: ``None`` where a page is open to everybody and did not ask.
        source: the address it comes from.
        csrf_token: what a form must carry as ``CSRF_FIELD``; empty without a session.
        form: the fields of a form that was sent, the last of each name.
    """

    user: User | None
    source: str
    csrf_token: str = ""
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The user's name; empty where nobody has to log in."""
        return self.user.name if self.user is not None else ""

    def may(self, role: Role) -> bool:
        """Whether the visitor may do what needs ``role``; nobody may act without having logged in."""
        if self.user is None or (not self.user.name and role is not Role.VIEWER):
            return False
        return may(self.user.role, role)

    def attach(self, scope: Scope) -> None:
        """Make this the visit of a request."""
        scope.setdefault("state", {})[STATE_KEY] = self


def visit_of(request: Request) -> Visit:
    """The visit that the guard has attached."""
    visit = getattr(request.state, STATE_KEY)
    if not isinstance(visit, Visit):
        raise TypeError("no guard stands before this page")
    return visit


def cookie_name(scope: Scope) -> str:
    """The session cookie; under TLS its prefix forbids other hosts and paths to set it (RFC 6265bis, 4.1.3.2)."""
    return "__Host-netmon" if scope["scheme"] == "https" else "netmon"
