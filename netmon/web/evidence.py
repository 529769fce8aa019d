"""``/evidence``: what people entered about targets, seen by everybody and added to by operators."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netmon.archive import ArchiveError, Reader
from netmon.config import ConfigError, parse_share
from netmon.i18n import _, current_language
from netmon.model import LOCAL, midnight_ns
from netmon.targets.documents import Entry, read_entries
from netmon.targets.entering import EntryError, enter, withdraw
from netmon.targets.register import Register
from netmon.web import board
from netmon.web.acting import ActingPages
from netmon.web.auth.roles import Role
from netmon.web.auth.visit import visit_of
from netmon.words import moment, printable

__all__ = ["EvidencePages", "entries_in"]

EMPTY_FORM: Final[Mapping[str, str]] = {
    "kind": "document", "about": "", "day": "", "subject": "", "value": "", "passed": "yes", "note": "", "file": "",
    "sha256": "",
}  # fmt: skip

KINDS: Final[Mapping[str, Literal["figure", "document", "drill"]]] = {
    "figure": "figure", "document": "document", "drill": "drill",
}  # fmt: skip


def entries_in(folder: Path) -> tuple[Entry, ...]:
    """What was entered and counts.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    with Reader.open(folder) as reader:
        return read_entries(reader)


class EvidencePages(ActingPages):
    """The list, and the form; each act is taken down with its author."""

    async def show(self, request: Request) -> Response:
        """Everything."""
        return await self._page(request)

    async def add(self, request: Request) -> Response:
        """An entry from the form."""
        visit, view = visit_of(request), self._view
        form = {**EMPTY_FORM, **{name: text for name, text in visit.form.items() if name in EMPTY_FORM}}
        note = partial(self._access.note, visit, "enter evidence")
        try:
            register = await asyncio.to_thread(view.targets.register)
            entry = _entry(form, visit.name, view.clock.wall_ns())
            subjects = {*view.config.sites, *view.config.assets}
            (made,) = await enter(view.journal, register, [entry], subjects=subjects, now_ns=view.clock.wall_ns())
        except (EntryError, ConfigError) as error:
            note(form["about"][:130], "refused")
            return await self._page(request, str(error), HTTPStatus.UNPROCESSABLE_ENTITY, form)
        except ArchiveError as error:
            note(form["about"][:130], "done")
            return await self._not_yet(request, error)
        note(made.id, "done")
        return self._back(request)

    async def take_back(self, request: Request) -> Response:
        """Take an entry back."""
        visit, view = visit_of(request), self._view
        name = visit.form.get("id", "")[:64]
        note = partial(self._access.note, visit, "withdraw evidence", name)
        try:
            entries = await asyncio.to_thread(entries_in, view.folder)
            await withdraw(view.journal, entries, name, author=visit.name, now_ns=view.clock.wall_ns())
        except EntryError as error:
            note("refused")
            return await self._page(request, str(error), HTTPStatus.UNPROCESSABLE_ENTITY)
        except ArchiveError as error:
            note("done")
            return await self._not_yet(request, error)
        note("done")
        return self._back(request)

    async def _not_yet(self, request: Request, error: ArchiveError) -> Response:
        text = _("This is in force, and not yet on the disk: {fault}").format(fault=error)
        return await self._page(request, text, HTTPStatus.SERVICE_UNAVAILABLE)

    @staticmethod
    def _back(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/evidence", HTTPStatus.SEE_OTHER)

    async def _page(
        self, request: Request, mistake: str = "", status: int = 200, form: Mapping[str, str] = EMPTY_FORM
    ) -> Response:
        may_act = visit_of(request).may(Role.OPERATOR)
        content = partial(self._content, may_act=may_act, mistake=mistake, form=form)
        return await self._renderer.page(request, "evidence.html", content, status=status)

    def _content(self, *, may_act: bool, mistake: str, form: Mapping[str, str]) -> dict[str, Any]:
        view = self._view
        fault = ""
        entries: tuple[Entry, ...] = ()
        register = None
        try:
            register = view.targets.register()
            entries = entries_in(view.folder)
        except (ConfigError, ArchiveError) as error:
            fault = str(error)
        names = {} if register is None else {each.id: each.name for each in register.targets.values()}
        language = current_language()
        return {
            "here": "targets",
            "may_act": may_act,
            "mistake": printable(mistake),
            "fault": printable(fault),
            "form": dict(form),
            "today": datetime.fromtimestamp(view.clock.wall_ns() / 1e9, LOCAL).date().isoformat(),
            "targets": [] if register is None else _options(register),
            "subjects": [
                *({"id": site.id, "name": board.name_of(site.name, site.id)} for site in view.config.sites.values()),
                *({"id": each.id, "name": board.asset_name(view.config, each)} for each in view.config.assets.values()),
            ],
            "entries": [
                self._entry(entry, names[entry.target].in_language(language) if entry.target in names else entry.target)
                for entry in reversed(entries)
            ],
        }

    def _entry(self, entry: Entry, target: str) -> dict[str, Any]:
        config = self._view.config
        subject = entry.subject
        if subject in config.sites:
            subject = board.name_of(config.sites[subject].name, subject)
        elif subject in config.assets:
            subject = board.asset_name(config, config.assets[subject])
        kinds = {"figure": _("figure"), "document": _("document"), "drill": _("drill")}
        says = "" if entry.value is None else f"{entry.value * 100:g} %"
        if entry.kind == "drill":
            says = _("passed") if entry.passed else _("failed")
        elif entry.kind == "document":
            says = _("met") if entry.passed else _("not met")
        texts = {
            "target": target, "criterion": entry.criterion, "subject": subject, "note": entry.note, "file": entry.file,
            "author": entry.author,
        }  # fmt: skip
        return {
            "id": entry.id, "kind": kinds[entry.kind], "says": says, "day": moment(entry.at_ns)[:10],
            "entered": moment(entry.entered_ns), "sha256": entry.sha256,
            **{name: printable(text) for name, text in texts.items()},
        }  # fmt: skip


def _options(register: Register) -> list[dict[str, Any]]:
    language = current_language()
    return [
        {
            "id": target.id,
            "name": target.name.in_language(language),
            "criteria": [
                {"id": f"{target.id}:{each.id}", "name": each.name.in_language(language)} for each in target.criteria
            ],
        }
        for target in register.targets.values()
    ]


def _entry(form: Mapping[str, str], author: str, now_ns: int) -> Entry:
    """The form's words as an entry.

    Raises:
        EntryError: a word is none.
    """
    target, _colon, criterion = form["about"].partition(":")
    if form["kind"] not in KINDS:
        raise EntryError(_("choose what it is"))
    kind = KINDS[form["kind"]]
    try:
        day = date.fromisoformat(form["day"]) if form["day"] else datetime.fromtimestamp(now_ns / 1e9, LOCAL).date()
    except ValueError:
        raise EntryError(_("{value} is no date").format(value=printable(form["day"]))) from None
    try:
        value = parse_share(form["value"]) if kind == "figure" else None
    except ValueError as error:
        raise EntryError(str(error)) from None
    entry = Entry(
        id="", target=target, kind=kind, at_ns=midnight_ns(day), entered_ns=0, author=author, criterion=criterion,
        subject=form["subject"] if kind == "drill" else "", value=value,
        passed=kind != "figure" and form["passed"] == "yes", note=form["note"], file=form["file"],
        sha256=form["sha256"],
    )  # fmt: skip
    if not all(text.isprintable() for text in asdict(entry).values() if isinstance(text, str)):
        raise EntryError(_("the text holds characters that cannot be shown"))
    return entry
