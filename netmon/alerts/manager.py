"""What an Alertmanager is told (API v2): its picture is to be that of the desk, over restarts of either."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import httpx

from netmon.alerts.desk import OWN, Alert, Silence
from netmon.alerts.machine import VANTAGE
from netmon.alerts.outbox import Message
from netmon.logs import fields

__all__ = ["Manager", "is_told", "plain", "try_out"]

log = logging.getLogger(__name__)

STATE: Final = "alertmanager"
LASTS_NS: Final = 7 * 86_400 * 1_000_000_000
"""An alert that is not said again ends by itself after this: far longer than any outage of netmon, because the end of
netmon must not read as the end of a fault."""
TEST_LASTS_NS: Final = 120 * 1_000_000_000
REPLACED: Final = {"replaced": "yes"}
"""Of one that ends because the same alert goes on with other labels, as with a higher severity."""


class Store(Protocol):
    """Where it is kept what the Alertmanager was told."""

    def state(self, name: str) -> Any:
        """What was saved last under a name; ``None`` if nothing was."""

    def save(self, states: Mapping[str, Any], messages: Iterable[Message], now_ns: int) -> None:
        """On the disk when this returns."""


def is_told(alert: Alert, silences: Iterable[Silence], now_ns: int) -> bool:
    """Whether the Alertmanager is told: nobody asked for silence, and no rule of Prometheus tells it."""
    ours = alert.site != OWN or alert.asset == VANTAGE
    return ours and (alert.told or not any(silence.covers(alert, now_ns) for silence in silences))


def plain(alert: Alert, annotations: Mapping[str, str], board: str) -> dict[str, Any]:
    """An alert without its end."""
    labels = {
        "alertname": "NetmonAlert", "alert": alert.id, "site": alert.site, "asset": alert.asset,
        "severity": alert.severity.value,
    }  # fmt: skip
    body = {"labels": labels, "annotations": dict(annotations), "startsAt": _time(alert.since_ns)}
    return {**body, "generatorURL": f"{board}/alerts/{alert.id}"} if board else body


class Manager:
    """Says what lasts and what ended.

    Attributes:
        up: whether it took what it was told last; ``None`` while none is told.
    """

    def __init__(self, store: Store) -> None:
        self.up: bool | None = None
        self._store = store
        self._standing: dict[str, dict[str, Any]] = store.state(STATE) or {}

    async def tell(self, url: str, lasting: Mapping[str, dict[str, Any]], now_ns: int) -> None:
        """Say what lasts, by id of the alert as :func:`plain` gives it, and what of the last time does not any more.

        Raises:
            ArchiveError: it is told, and what was told is not on the disk.
        """
        ended = [
            {**body, "annotations": body["annotations"] | (REPLACED if name in lasting else {})}
            for name, body in self._standing.items()
            if name not in lasting or lasting[name]["labels"] != body["labels"]
        ]
        bodies = [{**body, "endsAt": _time(now_ns + LASTS_NS)} for body in lasting.values()]
        bodies += [{**body, "endsAt": _end(body, now_ns)} for body in ended]
        fault = await _post(url, bodies)
        if fault:
            log.warning("the Alertmanager does not take alerts", extra=fields(answer=fault))
            self.up = False
            return
        self.up = True
        if self._standing != lasting:
            self._standing = dict(lasting)
            self._store.save({STATE: self._standing}, (), now_ns)


async def try_out(url: str, annotations: Mapping[str, str], now_ns: int) -> str:
    """Tell of an alert that says of itself that it is a test; why it was not taken, empty when it was."""
    labels = {"alertname": "NetmonTest", "site": OWN, "asset": f"{OWN}/test", "severity": "major"}
    ends = _time(now_ns + TEST_LASTS_NS)
    return await _post(url, [{"labels": labels, "annotations": dict(annotations), "endsAt": ends}])


async def _post(url: str, bodies: list[dict[str, Any]]) -> str:
    """Why it was not taken; empty when it was."""
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.post(f"{url}/api/v2/alerts", json=bodies)
    except httpx.HTTPError as error:
        return str(error) or repr(error)
    return "" if answer.is_success else f"{answer.status_code} {answer.text[:200]}"


def _end(body: Mapping[str, Any], now_ns: int) -> str:
    """Now, but after the begin: where the clock was set back meanwhile, the alert would be refused and never end."""
    first = datetime.fromisoformat(body["startsAt"]) + timedelta(seconds=1)
    return max(first, datetime.fromtimestamp(now_ns / 1e9, UTC)).isoformat()


def _time(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat()
