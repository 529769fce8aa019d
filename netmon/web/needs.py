"""What each route needs: the one table. A route that is not in it keeps the application from starting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from netmon.web.auth.guard import OPEN, Need
from netmon.web.auth.roles import Role

__all__ = ["NEEDS"]

NEEDS: Final[Mapping[str, Need]] = {
    "GET /": Role.VIEWER,
    "GET /sites/{site}": Role.VIEWER,
    "GET /checks/{check:path}": Role.VIEWER,
    "GET /events": Role.VIEWER,
    "GET /search": Role.VIEWER,
    "GET /targets": Role.VIEWER,
    "GET /stations": Role.VIEWER,
    "POST /stations/roll-call": Role.OPERATOR,
    "GET /coverage": Role.VIEWER,
    "GET /coverage/areas/{area}": Role.VIEWER,
    "GET /coverage/tiles/{tile}": Role.VIEWER,
    "GET /alerts": Role.VIEWER,
    "GET /alerts/{alert}": Role.VIEWER,
    "POST /alerts/acknowledge": Role.OPERATOR,
    "POST /silences": Role.OPERATOR,
    "POST /silences/end": Role.OPERATOR,
    "GET /evidence": Role.VIEWER,
    "POST /evidence": Role.OPERATOR,
    "POST /evidence/withdraw": Role.OPERATOR,
    "GET /reports": Role.VIEWER,
    "POST /reports": Role.OPERATOR,
    "GET /reports/{report}": Role.VIEWER,
    "GET /reports/{report}/{file}": Role.VIEWER,
    "GET /handover": Role.VIEWER,
    "GET /maintenance": Role.VIEWER,
    "POST /maintenance": Role.OPERATOR,
    "POST /maintenance/end": Role.OPERATOR,
    "POST /emergency": Role.OPERATOR,
    "POST /emergency/end": Role.OPERATOR,
    "GET /probe": Role.VIEWER,
    "GET /api/v1/openapi.json": Role.VIEWER,
    "GET /api/v1/summary": Role.VIEWER,
    "GET /api/v1/sites": Role.VIEWER,
    "GET /api/v1/checks": Role.VIEWER,
    "GET /api/v1/checks/{site}/{equipment}/{check}": Role.VIEWER,
    "GET /api/v1/checks/{site}/{equipment}/{check}/history": Role.VIEWER,
    "GET /api/v1/events": Role.VIEWER,
    "GET /static/{file}": OPEN,
    "GET /metrics": Role.VIEWER,
    "GET /-/healthy": OPEN,
    "GET /-/ready": OPEN,
    "POST /-/reload": Role.OPERATOR,
    "GET /login": OPEN,
    "POST /login": OPEN,
    "POST /logout": Role.VIEWER,
    "GET /audit": Role.ADMIN,
}
"""By ``METHOD path``; HEAD counts as GET. Whatever changes anything is not a GET."""
