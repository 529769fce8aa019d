"""What the board shows, for programs: the operations, from which ``/api/v1/openapi.json`` is made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from netmon.archive import ArchiveError, Reader
from netmon.impact import Effective, EffectiveStatus
from netmon.model import LOCAL, Check
from netmon.summary import complete, worst
from netmon.web.api.openapi import PREFIX, Operation, describe
from netmon.web.api.shapes import (
    CheckQuery,
    CheckShape,
    Equipment,
    EventQuery,
    EventShape,
    Fault,
    History,
    HistoryQuery,
    Name,
    NoQuery,
    Point,
    SiteShape,
    Summary,
)  # fmt: skip
from netmon.web.history import read_timeline
from netmon.web.view import View

__all__ = ["Api"]

POINTS_AT_MOST: Final = 50_000


class FaultError(Exception):
    """A status other than 200, with a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Api:
    """The routes under ``/api/v1``."""

    def __init__(self, view: View) -> None:
        self._view = view
        check = "/checks/{site}/{equipment}/{check}"
        self._operations = (
            Operation(path="/summary", summary="The county at a glance", query=NoQuery, answer=Summary,
                      handler=self._summary),
            Operation(path="/sites", summary="All sites", query=NoQuery, answer=list[SiteShape], handler=self._sites),
            Operation(path="/checks", summary="All checks, or some", query=CheckQuery, answer=list[CheckShape],
                      handler=self._checks),
            Operation(path=check, summary="One check", query=NoQuery, answer=CheckShape, handler=self._check),
            Operation(path=f"{check}/history", summary="The runs of a check", query=HistoryQuery, answer=History,
                      handler=self._history),
            Operation(path="/events", summary="What happened, newest first", query=EventQuery,
                      answer=list[EventShape], handler=self._events),
        )  # fmt: skip

    def routes(self) -> list[Route]:
        """For the application."""
        described = Route(f"{PREFIX}/openapi.json", self._describe)
        return [described, *(Route(PREFIX + operation.path, _answering(operation)) for operation in self._operations)]

    async def _describe(self, _request: Request) -> Response:
        return _json(TypeAdapter(dict[str, Any]).dump_json(describe(self._operations)))

    async def _summary(self, _request: Request, _query: NoQuery) -> Summary:
        view, effective = self._view, self._view.effective()
        return Summary(
            as_of=_iso(view.clock.wall_ns()),
            organisation=Name(zh=view.config.organisation.zh, en=view.config.organisation.en),
            sample=view.config.sample,
            status=worst(effective.values()),
            counts=_counts(effective.values()),
            equipment=self._equipment(view.config.sites.values(), effective),
            emergency=view.upkeep.emergency is not None,
            not_ready=view.not_ready(),
            config_fault=view.config_fault,
        )

    async def _sites(self, _request: Request, _query: NoQuery) -> list[SiteShape]:
        effective = self._view.effective()
        by_site: dict[str, list[Effective]] = {}
        for check in self._view.checks:
            by_site.setdefault(check.site, []).append(effective[check.id])
        return [
            SiteShape(
                id=site.id,
                kind=site.kind,
                name=Name(zh=site.name.zh, en=site.name.en),
                status=worst(by_site.get(site.id, [])),
                counts=_counts(by_site.get(site.id, [])),
                equipment=self._equipment([site], effective),
            )
            for site in self._view.config.sites.values()
        ]

    async def _checks(self, _request: Request, query: CheckQuery) -> list[CheckShape]:
        effective = self._view.effective()
        return [
            self._shape(check, effective[check.id])
            for check in self._view.checks
            if query.site in ("", check.site) and query.status in ("", effective[check.id].status)
        ]

    async def _check(self, request: Request, _query: NoQuery) -> CheckShape:
        check = self._named(request)
        return self._shape(check, self._view.effective()[check.id])

    async def _history(self, request: Request, query: HistoryQuery) -> History:
        check = self._named(request)
        keys = [key for key in query.readings.split(",") if key]
        since_ns = self._view.clock.wall_ns() - round(query.hours * 3.6e12)

        def read() -> list[Point]:
            with Reader.open(self._view.folder) as reader:
                rows = reader.series(check.id, keys, since_ns=since_ns, limit=POINTS_AT_MOST)
                return [Point(at=_iso(at_ns), status=status, values=list(values)) for at_ns, status, values in rows]

        return History(check=check.id, readings=keys, points=await _from_archive(read))

    async def _events(self, _request: Request, query: EventQuery) -> list[EventShape]:
        def read() -> list[EventShape]:
            found = read_timeline(
                self._view.folder, site=query.site, what=query.what, before_ns=query.before_ns, limit=query.limit
            )
            return [
                EventShape(
                    at=_iso(event.at_ns),
                    check=event.check,
                    status=event.status,
                    what=event.kind or ("change" if event.status else "missed"),
                )
                for event in found
            ]

        return await _from_archive(read)

    def _named(self, request: Request) -> Check:
        wanted = "/".join(request.path_params[part] for part in ("site", "equipment", "check"))
        for check in self._view.checks:
            if check.id == wanted:
                return check
        raise FaultError(404, "there is no such check")

    def _shape(self, check: Check, effective: Effective) -> CheckShape:
        observation, since_ns = self._view.latest.get(check.id), self._view.since(check.id)
        return CheckShape(
            id=check.id, site=check.site, asset=check.asset, kind=check.kind, status=effective.status,
            raw=effective.raw, cause=effective.cause, under_test=effective.under_test,
            since=None if since_ns is None else _iso(since_ns),
            last_run=None if observation is None else _iso(observation.started_ns),
            interval_seconds=check.interval_seconds,
            readings={} if observation is None else {
                key: value if value - value == 0 else None for key, value in observation.readings.items()
            },
            reasons=[] if observation is None else [
                f"{reason.code.value} {reason.subject}" for reason in observation.reasons
            ],
        )  # fmt: skip

    def _equipment(self, sites: Any, effective: Any) -> list[Equipment]:
        today = datetime.fromtimestamp(self._view.clock.wall_ns() / 1e9, LOCAL).date()
        checks = {check.id: check for check in self._view.checks}
        counts = complete(sites, self._view.config.assets.values(), checks, effective, today)
        return [
            Equipment(
                kind=item.kind, required=item.required, present=item.present, serviceable=item.serviceable,
                unknown=item.unknown,
            )
            for item in counts
        ]  # fmt: skip


def _answering(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    adapter = TypeAdapter(operation.answer)

    async def answer(request: Request) -> Response:
        try:
            query = operation.query.model_validate(dict(request.query_params))
            return _json(adapter.dump_json(await operation.handler(request, query)))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return _fault(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        except FaultError as error:
            return _fault(error.status, str(error))

    return answer


async def _from_archive(read: Callable[[], list[Any]]) -> list[Any]:
    try:
        return await asyncio.to_thread(read)
    except ArchiveError as error:
        raise FaultError(503, str(error)) from error


def _json(data: bytes, status: int = 200) -> Response:
    return Response(data, status_code=status, media_type="application/json")


def _fault(status: int, reason: str) -> Response:
    return _json(Fault(error=reason).model_dump_json().encode(), status)


def _counts(states: Any) -> dict[EffectiveStatus, int]:
    counts: dict[EffectiveStatus, int] = {}
    for state in states:
        counts[state.status] = counts.get(state.status, 0) + 1
    return counts


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
