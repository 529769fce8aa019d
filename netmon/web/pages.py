"""The pages of the board."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from netmon.archive import ArchiveError
from netmon.detail_words import in_words
from netmon.i18n import _, _n
from netmon.impact import EffectiveStatus
from netmon.model import LOCAL, Check, Observation, Status
from netmon.web import board
from netmon.web.history import History, TimelineEvent, read_history, read_timeline
from netmon.web.plot import HEIGHT, WIDTH, make_plot, status_bands, time_ticks
from netmon.web.render import Renderer
from netmon.web.view import View
from netmon.words import (
    duration,
    effective_word,
    event_word,
    fact_name,
    figure,
    missed_word,
    printable,
    reading_name,
    role_word,
    state_name,
    state_word,
    status_word,
)
from probes.base import split_key

__all__ = ["SPANS", "Pages"]

HOUR_NS: Final = 3_600_000_000_000
SPANS: Final[Mapping[str, tuple[int, str]]] = {
    "1h": (HOUR_NS, _n("1 hour")),
    "24h": (24 * HOUR_NS, _n("24 hours")),
    "7d": (7 * 24 * HOUR_NS, _n("7 days")),
}
TEST_SPANS: Final[Mapping[str, tuple[int, str]]] = {
    "30d": (30 * 24 * HOUR_NS, _n("30 days")),
    "90d": (90 * 24 * HOUR_NS, _n("90 days")),
    "365d": (365 * 24 * HOUR_NS, _n("a year")),
}
"""Of tests that load a line: there are few of them, and each one counts for the year."""
PLOTS_AT_MOST: Final = 12
AGAINST_TARGET: Final = frozenset({"capacity_bits_per_second", "carried_bits_per_second"})
PLAIN_KEY: Final = re.compile(r"[\w.\[\]/: -]{1,120}")
"""A reading whose index a device chose may hold anything: such a one is shown, and not looked up."""
TIMELINE_AT_ONCE: Final = 200
WHAT: Final[Mapping[str, str]] = {
    "": _n("everything"),
    "changes": _n("changes of status"),
    "missed": _n("runs that did not take place"),
    "netmon": _n("netmon itself"),
}


class Pages:
    """Answers requests for pages; the archive is read in a thread."""

    def __init__(self, view: View, renderer: Renderer) -> None:
        self._view = view
        self._renderer = renderer

    async def county(self, request: Request) -> Response:
        """What is wrong, the sites, the equipment."""
        county = await self._renderer.shared(request, "county_main.html", partial(board.county, self._view))
        return await self._renderer.page(request, "county.html", lambda: {"here": "county", "county": county})

    async def site(self, request: Request) -> Response:
        """One site."""
        site = self._view.config.sites.get(request.path_params["site"])
        if site is None:
            raise HTTPException(404)
        return await self._renderer.page(request, "site.html", partial(board.site_page, self._view, site))

    async def search(self, request: Request) -> Response:
        """Sites and checks by words and status."""
        query, status = request.query_params.get("q", "")[:100], request.query_params.get("status", "")
        return await self._renderer.page(request, "search.html", lambda: self._search(query, status))

    async def check(self, request: Request) -> Response:
        """One check: now, over time, and its last runs."""
        check = self.check_of(request)
        spans, span = (TEST_SPANS, "90d") if check.exclusive else (SPANS, "24h")
        asked = request.query_params.get("span", "")
        span = asked if asked in spans else span
        now_ns = self._view.clock.wall_ns()
        since_ns = now_ns - spans[span][0]
        keys = self._plotted(check)
        history, fault = None, ""
        try:
            history = await asyncio.to_thread(
                read_history,
                self._view.folder,
                check.id,
                keys,
                since_ns=since_ns,
                now_ns=now_ns,
                with_missed=check.exclusive,
            )
        except ArchiveError as error:
            fault = str(error)

        def content() -> dict[str, Any]:
            return self._check(check) | {
                "spans": [
                    {"id": name, "word": _(word), "current": name == span} for name, (_length, word) in spans.items()
                ],
                "history_fault": fault,
                **(_history(check, keys, history, since_ns, now_ns) if history else NO_HISTORY),
            }

        return await self._renderer.page(request, "check.html", content)

    async def events(self, request: Request) -> Response:
        """What happened, newest first."""
        site, what = request.query_params.get("site", ""), request.query_params.get("what", "")
        if site not in self._view.config.sites:
            site = ""
        before_ns = _number(request.query_params.get("before", ""))
        events: list[TimelineEvent] = []
        fault = ""
        try:
            events = await asyncio.to_thread(
                read_timeline, self._view.folder, site=site, what=what if what in WHAT else "", before_ns=before_ns,
                limit=TIMELINE_AT_ONCE,
            )  # fmt: skip
        except ArchiveError as error:
            fault = str(error)
        return await self._renderer.page(request, "events.html", lambda: self._events(events, site, what, fault))

    def check_of(self, request: Request) -> Check:
        """The check that a path names: one of the inventory's, and no other."""
        wanted = request.path_params["check"]
        for check in self._view.checks:
            if check.id == wanted:
                return check
        raise HTTPException(404)

    def _plotted(self, check: Check) -> list[str]:
        observation = self._view.latest.get(check.id)
        keys = board.main_readings(observation.readings) if observation is not None else []
        if not keys:  # a check that is down now has no readings, and had some before
            keys = list(board.MAIN[:2])
        plain = [key for key in keys if PLAIN_KEY.fullmatch(key)]
        # One of each first: the end of a line that is the site's.
        firsts = list({split_key(key)[0]: key for key in reversed(plain)}.values())[::-1]
        return [*firsts, *(key for key in plain if key not in firsts)][:PLOTS_AT_MOST]

    def _search(self, query: str, status: str) -> dict[str, Any]:
        found = board.found(self._view, query, status)
        options = [("", _("all"), found["number"]), ("wrong", _("not well"), found["wrong"])]
        options += [(item, effective_word(item), found["counts"][item]) for item in reversed(EffectiveStatus)]
        title = _("Search: {words}").format(words=printable(query)) if query else _("All checks")
        return found | {
            "query": query,
            "title": title,
            "status_options": [
                {"link": urlencode({"q": query, "status": name}), "word": word, "number": number,
                 "current": name == status}
                for name, word, number in options if number or name == status or not name
            ],
        }  # fmt: skip

    def _check(self, check: Check) -> dict[str, Any]:
        row = board.check_row(self._view, check, self._view.effective()[check.id], with_site=True)
        observation = self._view.latest.get(check.id)
        content: dict[str, Any] = {
            "row": row,
            "kind": check.kind,
            "every": duration(check.interval_seconds),
            "ends": [
                {
                    "role": role_word(role),
                    "where": f"{end.host} ({end.family.value})" + (f":{end.port}" if end.port else ""),
                }
                for role, end in check.endpoints.items()
            ],
            "figures": [], "facts": [], "steps": [],
        }  # fmt: skip
        if observation is None:
            return content
        first = board.main_readings(observation.readings)
        keys = [*first, *sorted(observation.readings.keys() - set(first))]
        content["figures"] = [
            {
                "name": printable(reading_name(key)),
                "key": printable(key) if reading_name(key) != key else "",
                "text": figure(key, observation.readings[key]),
            }
            for key in keys
        ]
        states = {state_name(name): state_word(name, state.word) for name, state in observation.result.states.items()}
        content["facts"] = [
            {"name": printable(name), "text": printable(text)}
            for name, text in {
                **states,
                **{fact_name(name): in_words(text) for name, text in observation.result.facts.items()},
            }.items()
        ]
        content["steps"] = [
            {"at": f"{step.at_seconds * 1e3:.1f} ms", "text": printable(step.text)} for step in observation.result.steps
        ]
        return content

    def _events(self, events: list[TimelineEvent], site: str, what: str, fault: str) -> dict[str, Any]:
        days: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            moment = datetime.fromtimestamp(event.at_ns / 1e9, LOCAL)
            days.setdefault(moment.strftime("%Y-%m-%d"), []).append(
                self._event(event) | {"time": moment.strftime("%H:%M:%S"), "iso": moment.isoformat()}
            )
        sites = self._view.config.sites
        older = {"site": site, "what": what, "before": str(events[-1].at_ns)} if len(events) >= TIMELINE_AT_ONCE else {}
        return {
            "here": "events",
            "days": [{"name": name, "events": items} for name, items in days.items()],
            "filter": {"site": site, "what": what},
            "site_options": [{"id": item.id, "name": board.name_of(item.name, item.id)} for item in sites.values()],
            "what_options": [{"id": name, "name": _(word)} for name, word in WHAT.items()],
            "older": urlencode(older),
            "fault": fault,
        }

    def _event(self, event: TimelineEvent) -> dict[str, Any]:
        if event.check is None:
            text = board.failover_text(event.kind, event.detail, self._view.config) or ", ".join(
                f"{key} {value}" for key, value in event.detail.items()
            )
            return {
                "status": "note", "word": "netmon", "check": "", "text": printable(text),
                "subject": event_word(event.kind),
            }  # fmt: skip
        asset = self._view.config.assets.get(event.check.rpartition("/")[0])
        name = board.name_of(asset.name, asset.id) if asset else event.check
        there = any(check.id == event.check for check in self._view.checks)
        site = self._view.config.sites.get(event.check.partition("/")[0])
        return {
            "check": event.check if there else "",
            "subject": f"{name} · {event.check.rpartition('/')[2]}",
            "text": " · ".join(
                filter(None, (board.name_of(site.name, site.id) if site else "", missed_word(event.missed)))
            ),
            "status": event.status.value if event.status else "note",
            "word": status_word(event.status) if event.status else _("not run"),
        }


NO_HISTORY: Final[Mapping[str, Any]] = {
    "width": WIDTH, "height": HEIGHT, "bands": (), "plots": (), "time_ticks": (), "status_text": "", "failures": (),
    "successes": (), "marks": (), "marks_text": "",
}  # fmt: skip


def _history(check: Check, keys: list[str], history: History, since_ns: int, now_ns: int) -> dict[str, Any]:
    holds_ns = round(check.holds_seconds * 1e9)
    bands = status_bands(history.statuses, since_ns=since_ns, until_ns=now_ns, holds_ns=holds_ns)
    marks = _marks(history, since_ns, now_ns) if check.exclusive else []
    plots = []
    for key in keys:
        made = make_plot(
            key, history.series[key], since_ns=since_ns, until_ns=now_ns, holds_ns=holds_ns,
            limits=_limits(check, key), target=_target(check, key), text=partial(figure, key),
        )  # fmt: skip
        if made is not None:
            low, middle, high = made.summary
            words = _("least {low}, median {middle}, greatest {high}").format(low=low, middle=middle, high=high)
            plots.append({"name": printable(reading_name(key)), "words": words, "figures": made})
    return {
        "width": WIDTH, "height": HEIGHT, "bands": bands, "plots": plots, "time_ticks": time_ticks(since_ns, now_ns),
        "status_text": _shares(history.statuses, bands), "marks": marks,
        "marks_text": "; ".join(f"{word} {number}" for word, number in Counter(mark["word"] for mark in marks).items()),
        "failures": [_run(run) for run in history.failures], "successes": [_run(run) for run in history.successes],
    }  # fmt: skip


def _marks(history: History, since_ns: int, now_ns: int) -> list[dict[str, Any]]:
    """Tests without a figure: those that decided nothing, and those that did not take place."""
    undecided = [
        (at_ns, "undecided", _("decided nothing")) for at_ns, status in history.statuses if status is Status.UNKNOWN
    ]
    missed = [
        (at_ns, "missed", _("did not take place: {why}").format(why=missed_word(reason)))
        for at_ns, reason in history.missed if since_ns <= at_ns <= now_ns
    ]  # fmt: skip
    return [
        {"x": round((at_ns - since_ns) / (now_ns - since_ns) * WIDTH, 1), "class": name, "word": word}
        for at_ns, name, word in sorted(undecided + missed)
    ]


def _shares(statuses: Any, bands: Any) -> str:
    """How much of the time each status held, in words: what the band shows for who cannot see it."""
    if not statuses:
        return _("nothing is recorded")
    shares: dict[Status, float] = {}
    for band in bands:
        shares[band.status] = shares.get(band.status, 0.0) + band.width / WIDTH
    words = [
        f"{status_word(status)} {share:.1%}" for status, share in sorted(shares.items(), key=lambda item: -item[1])
    ]
    missing = 1 - sum(shares.values())
    return ", ".join([*words, *([_("not recorded {share:.1%}").format(share=missing)] if missing > 0.001 else [])])


def _run(observation: Observation) -> dict[str, Any]:
    started = datetime.fromtimestamp(observation.started_ns / 1e9, LOCAL)
    return {
        "started": started.strftime("%Y-%m-%d %H:%M:%S"), "status": observation.status.value,
        "word": status_word(observation.status), "attempt": observation.attempt, "lines": board.run_lines(observation),
    }  # fmt: skip


def _target(check: Check, key: str) -> float | None:
    """What a test has to reach: 50 Mbit/s in each direction."""
    target: float | None = getattr(check.params, "target_bits_per_second", None)
    return target if split_key(key)[0] in AGAINST_TARGET else None


def _limits(check: Check, key: str) -> list[float]:
    limits = []
    for threshold in check.thresholds:
        if threshold.reading in (key, split_key(key)[0]):
            limits += [
                limit
                for limit in (
                    threshold.degraded_above, threshold.degraded_below, threshold.down_above, threshold.down_below,
                )
                if limit is not None
            ]  # fmt: skip
    return limits


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 20 else None
