"""The page of base stations: at one look which station, which channel, and why it is not well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netmon.archive import ArchiveError
from netmon.i18n import _
from netmon.impact import Effective, EffectiveStatus
from netmon.model import Asset, Check, Heard, Observation
from netmon.summary import WORST_LAST
from netmon.upkeep import UpkeepError
from netmon.web.acting import ActingPages
from netmon.web.auth.roles import Role
from netmon.web.auth.visit import visit_of
from netmon.web.board import asset_name, check_row, name_of
from netmon.web.view import View
from netmon.words import (
    duration,
    effective_word,
    figure,
    printable,
    reading_name,
    reason_sentence,
    state_name,
    state_word,
)
from probes.base import State, split_key

__all__ = ["StationsPage", "station_row"]

RADIO: Final = (
    "terminal_level_dbm",
    "vswr_ratio", "tx_forward_power_watts", "tx_reflected_power_watts", "pa_temperature_celsius",
    "reciter_temperature_celsius", "supply_voltage_volts", "battery_voltage_volts",
)  # fmt: skip
SYNC: Final = ("transmitter_sync", "clock_detail")
MEGAHERTZ: Final = 1e6
DAY_NS: Final = 86_400_000_000_000
FIELD: Final = "heard:"
HEARD_STATUS: Final = {
    Heard.CLEAR: EffectiveStatus.UP,
    Heard.WEAK: EffectiveStatus.DEGRADED,
    Heard.SILENT: EffectiveStatus.DOWN,
}


class StationsPage(ActingPages):
    """Answers requests for the page, and takes the daily roll call (点名) down."""

    async def show(self, request: Request) -> Response:
        """All stations, the worst first, and the power of their sites."""
        return await self._page(request)

    async def call_roll(self, request: Request) -> Response:
        """How stations came through, from the form; stations of which nothing was chosen are left out."""
        visit = visit_of(request)
        heard = {name.removeprefix(FIELD): word for name, word in visit.form.items() if name.startswith(FIELD) and word}
        note = partial(self._access.note, visit, "roll call")
        try:
            count = await self._view.upkeep.call_roll(heard, visit.name, known_assets=self._view.config.assets)
        except UpkeepError as error:
            note("", "refused")
            return await self._page(request, str(error), HTTPStatus.UNPROCESSABLE_ENTITY)
        except ArchiveError as error:
            note("", "done")
            text = _("This is in force, and not yet on the disk: {fault}").format(fault=error)
            return await self._page(request, text, HTTPStatus.SERVICE_UNAVAILABLE)
        note(str(count), "done")
        return RedirectResponse(f"{request.scope.get('root_path', '')}/stations", HTTPStatus.SEE_OTHER)

    async def _page(self, request: Request, mistake: str = "", status: int = 200) -> Response:
        content = partial(self._content, may_act=visit_of(request).may(Role.OPERATOR), mistake=mistake)
        return await self._renderer.page(request, "stations.html", content, status=status)

    def _content(self, *, may_act: bool, mistake: str) -> dict[str, Any]:
        view = self._view
        effective = view.effective()
        stations = [check for check in view.checks if _is_station(view, check)]
        power = [check for check in view.checks if check.kind == "power"]
        sites = {check.site for check in stations}
        by_station: dict[str, list[Check]] = {}
        for check in stations:
            by_station.setdefault(check.asset, []).append(check)
        known = {
            asset: _of_station(effective[check.id].status for check in checks) for asset, checks in by_station.items()
        }
        # All ways in which one station is known stand together.
        rows = sorted(
            _worst_first(stations, effective),
            key=lambda check: (-WORST_LAST.index(known[check.asset]), check.asset),
        )
        counts = list(known.values())
        return {
            "here": "stations",
            "counts": [
                {"status": status, "word": effective_word(status), "number": counts.count(status)}
                for status in reversed(WORST_LAST) if status in counts
            ],
            "may_act": may_act,
            "mistake": printable(mistake),
            "rows": [station_row(view, check, effective[check.id]) for check in rows],
            "called": [_called(view, asset) for asset in view.config.assets.values() if asset.kind == "base_station"],
            "words": [{"id": word.value, "name": state_word("heard", word.value)} for word in Heard],
            "power": [
                _power_row(view, check, effective[check.id])
                for check in _worst_first((check for check in power if check.site in sites), effective)
            ],
        }  # fmt: skip


def _called(view: View, asset: Asset) -> dict[str, Any]:
    """What the last roll call says of a station: a person's word, with its age, and no measurement."""
    last = view.upkeep.roll_calls.get(asset.id)
    made = {"field": FIELD + asset.id, "name": asset_name(view.config, asset), "status": "", "word": "", "said": ""}
    if last is None:
        return made
    age_ns = view.clock.wall_ns() - last.at_ns
    said = _("{duration} ago by {author}") if last.author else _("{duration} ago")
    return made | {
        "status": HEARD_STATUS[last.heard] if age_ns < DAY_NS else EffectiveStatus.UNKNOWN,
        "word": state_word("heard", last.heard.value) if age_ns < DAY_NS else _("not called today"),
        "said": printable(said.format(duration=duration(age_ns / 1e9), author=last.author)),
    }


def station_row(view: View, check: Check, effective: Effective) -> dict[str, Any]:
    """One station in words. What is too old to say anything is left out, like everywhere."""
    row = check_row(view, check, effective, with_site=True)
    observation = view.latest.get(check.id) if effective.raw is not None else None
    content: dict[str, Any] = {
        "row": row, "service": "", "channel": (), "figures": (), "sync": (), "known_by": "", "why": row.lines
    }  # fmt: skip
    if observation is None:
        return content
    result = observation.result
    service = result.states.get("service_state")
    well = effective.status is EffectiveStatus.UP
    return content | {
        "service": state_word("service_state", service.word) if service else "",
        "why": () if well else _why(row.lines, effective, observation),
        "channel": tuple(_channel(observation)),
        "figures": tuple(_figures(observation)),
        "sync": tuple(_states(result.states, SYNC)),
        "known_by": _known_by(check.kind, observation),
    }


def _why(lines: Sequence[str], effective: Effective, observation: Observation) -> tuple[str, ...]:
    """The reasons, without the state of service, which has its own place."""
    if effective.status is EffectiveStatus.UNREACHABLE:
        return tuple(lines)
    return tuple(
        printable(reason_sentence(reason)) for reason in observation.reasons if reason.subject != "service_state"
    )


def _is_station(view: View, check: Check) -> bool:
    """Whether the check says what a base station does: by itself, or by what others say of it."""
    return check.kind == "base_station" or (check.hearsay and view.config.assets[check.asset].kind == "base_station")


def _of_station(statuses: Iterable[EffectiveStatus]) -> EffectiveStatus:
    """The status of a station that is known in several ways: the worst of those that know something."""
    found = list(statuses)
    knowing = [each for each in found if each not in (EffectiveStatus.UNKNOWN, EffectiveStatus.UNREACHABLE)]
    return max(knowing or found, key=WORST_LAST.index)


def _power_row(view: View, check: Check, effective: Effective) -> dict[str, Any]:
    row = check_row(view, check, effective, with_site=True)
    observation = view.latest.get(check.id) if effective.raw is not None else None
    readings: Mapping[str, float] = observation.readings if observation is not None else {}
    states: Mapping[str, State] = observation.result.states if observation is not None else {}
    source, basis = states.get("power_source"), states.get("autonomy_basis")
    left = readings.get("autonomy_seconds")
    feeds = [
        name_of(asset.name, asset.id) for asset in view.config.assets.values() if asset.parent == check.asset
    ]  # fmt: skip
    return {
        "row": row,
        "source": state_word("power_source", source.word) if source else "",
        "left": "" if left is None else duration(left),
        "basis": state_word("autonomy_basis", basis.word) if basis else "",
        "feeds": feeds,
    }


def _worst_first(checks: Iterable[Check], effective: Mapping[str, Effective]) -> list[Check]:
    return sorted(checks, key=lambda check: (-WORST_LAST.index(effective[check.id].status), check.id))


def _channel(observation: Observation) -> Iterator[str]:
    facts, readings, states = observation.result.facts, observation.readings, observation.result.states
    if facts.get("channel_name"):
        yield printable(facts["channel_name"])
    if "channel_number" in readings:
        yield _("channel {number:.0f}").format(number=readings["channel_number"])
    frequencies = [readings[key] for key in ("tx_frequency_hertz", "rx_frequency_hertz") if key in readings]
    if frequencies:
        # The unit must not stand in a line of its own.
        yield " / ".join(f"{value / MEGAHERTZ:.4f}" for value in frequencies) + "\N{NO-BREAK SPACE}MHz"
    yield from _states(states, ("channel_type", "system_type", "logical_channel_state"))


def _states(states: Mapping[str, State], names: Sequence[str]) -> Iterator[str]:
    for key, state in states.items():
        if split_key(key)[0] in names:
            yield f"{printable(state_name(key))}: {printable(state_word(key, state.word))}"


def _figures(observation: Observation) -> Iterator[dict[str, str]]:
    readings = observation.readings
    age = readings.get("transmission_age_seconds")
    for key in RADIO:
        if key in readings:
            # Both are as old as the last transmission.
            old = key in ("vswr_ratio", "tx_reflected_power_watts") and age is not None and age > 0
            note = _("{duration} ago").format(duration=duration(age or 0.0)) if old else ""
            yield {"name": reading_name(key), "text": figure(key, readings[key]), "note": note}


def _known_by(kind: str, observation: Observation) -> str:
    """How the station is known at all: a figure without its way would claim too much."""
    readings = observation.readings
    if kind == "roll_call":
        return _("what people heard at the roll call, to the day")
    if kind == "registration":
        return _("a terminal of ours that is registered with it")
    if kind == "export":
        age = readings.get("export_age_seconds")
        ago = _("{duration} ago").format(duration=duration(age)) if age is not None else ""
        return " ".join(filter(None, (_("another system's export"), ago)))
    if readings.get("snmp_up"):
        return _("the station's own report (SNMP)")
    return _("ping alone: its health is not known") if readings.get("icmp_up") else _("no answer")
