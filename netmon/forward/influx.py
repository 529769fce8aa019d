"""InfluxDB v2 as a store; influxdb-client's one door."""

from __future__ import annotations

import email.utils
import time
from typing import Any, Final

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from netmon.forward.settings import ForwardSettings
from netmon.forward.store import Answer, Outcome

__all__ = ["InfluxStore"]

LONGEST_TEXT: Final = 300
HANGS_UP: Final = 3
"""New connections in a row after which it is believed that the store hangs up after each answer."""
# What a store says of the lines themselves: they will not be taken later either.
REFUSALS: Final = frozenset({400, 413, 422})


class InfluxStore:
    """InfluxDB v2, or VictoriaMetrics, which speaks the same."""

    def __init__(self, settings: ForwardSettings) -> None:
        self._settings = settings
        self._client = InfluxDBClient(
            url=settings.url, token=settings.token, org=settings.org, timeout=round(settings.timeout_seconds * 1000),
            ssl_ca_cert=None if settings.ca_file is None else str(settings.ca_file), enable_gzip=False,
        )  # fmt: skip
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._connections = 0
        self._fresh = 0
        """How many batches in a row went over a new connection each."""
        self._count_connections()

    def write(self, lines: bytes) -> Answer:
        """Write lines in one request."""
        before = self._connections
        try:
            self._writer.write(bucket=self._settings.bucket, org=self._settings.org, record=lines)
        except ApiException as error:
            return _refusal(error)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(Outcome.LATER, f"{type(error).__name__}: {error}"[:LONGEST_TEXT])
        fresh = self._connections != before
        self._fresh = self._fresh + 1 if fresh else 0
        # A store that hangs up after each answer says nothing by doing so.
        return Answer(Outcome.TAKEN, anew=fresh and before > 0 and self._fresh <= HANGS_UP)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]

    def _count_connections(self) -> None:
        pool = self._client.api_client.rest_client.pool_manager.connection_from_url(self._settings.url)
        kind: Any = pool.ConnectionCls
        store = self

        class Counted(kind):  # type: ignore[misc]
            def connect(self) -> None:
                store._connections += 1
                super().connect()

        pool.ConnectionCls = Counted


def _refusal(error: ApiException) -> Answer:
    status = error.status or 0
    text = f"HTTP {status} {error.reason or ''} {error.body or ''}".strip()[:LONGEST_TEXT]
    if status in REFUSALS:
        return Answer(Outcome.REFUSED, text)
    headers = dict(error.headers or {})
    return Answer(Outcome.LATER, text, wait_seconds=_retry_after(headers.get("Retry-After", "")))


def _retry_after(text: str) -> float:
    """Seconds, or a date (RFC 9110, 10.2.3)."""
    if text.isdecimal():
        return min(float(text), 3600.0)
    try:
        return min(max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time()), 3600.0)
    except ValueError:
        return 0.0
