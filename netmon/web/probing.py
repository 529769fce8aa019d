"""``/probe?check=ID``: one check of the inventory, run now. There is no way to name a host, or to load a line."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from netmon.model import Check, Observation
from netmon.web.auth.access import Access
from netmon.web.auth.visit import visit_of
from netmon.web.view import View
from netmon.words import figure, printable, reason_sentence, status_word

__all__ = ["Probing"]

EACH_SECONDS: Final = 5.0
"""A check is run at most so often, whoever asks: this is for looking, not for load."""
ALL_AT_ONCE: Final = 4


class Probing:
    """Runs checks on demand: one at a time of each, few at a time of all."""

    def __init__(self, view: View, access: Access) -> None:
        self._view = view
        self._access = access
        self._last: dict[str, float] = {}
        self._slots = asyncio.Semaphore(ALL_AT_ONCE)

    async def run(self, request: Request) -> Response:
        """Metrics of the run; with ``debug=true`` what happened, step by step, before them."""
        wanted = request.query_params.get("check", "")
        check = next((check for check in self._view.checks if check.id == wanted), None)
        if check is None:
            raise HTTPException(404)
        if check.exclusive or check.continuous:  # whoever looks at a page does not load a line, nor stay for a minute
            raise HTTPException(409)
        now = self._view.clock.monotonic()
        wait = self._last.get(check.id, -math.inf) + EACH_SECONDS - now
        if wait > 0 or self._slots.locked():
            raise HTTPException(429, headers={"Retry-After": str(math.ceil(max(wait, 1)))})
        self._last[check.id] = now
        async with self._slots:
            observation = await self._view.probe(check)
        self._access.note(visit_of(request), "probe", check.id, "done")
        text = self._view.exposition_of(check, observation).decode()
        if request.query_params.get("debug", "") == "true":
            text = _story(check, observation) + "\n" + text
        return PlainTextResponse(text)


def _story(check: Check, observation: Observation) -> str:
    result = observation.result
    lines = [
        f"{check.id} ({check.kind}), after {observation.duration_seconds:.3f} s: {status_word(observation.status)}"
    ]
    lines += [f"  {printable(reason_sentence(reason))}" for reason in observation.reasons]
    lines += ["", *(f"{step.at_seconds * 1e3:10.3f} ms  {printable(step.text)}" for step in result.steps), ""]
    lines += [f"{printable(key)} {figure(key, value)}" for key, value in sorted(observation.readings.items())]
    lines += [f"{printable(name)} {printable(state.word)}" for name, state in sorted(result.states.items())]
    lines += [f"{printable(name)} {printable(fact)}" for name, fact in sorted(result.facts.items())]
    return "\n".join(lines) + "\n"
