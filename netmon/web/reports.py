"""``/reports``: what was made for the office, to be looked at and fetched; operators have one made. And the sheet that
one shift hands to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from netmon.i18n import _, current_language
from netmon.model import LOCAL
from netmon.report.manifest import ReportError, read_facts
from netmon.report.period import PeriodError, period_of
from netmon.report.shelf import Kept, kept, reports_in
from netmon.report.texts import minute
from netmon.targets.verdict import Verdict
from netmon.targets.words import verdict_word
from netmon.web import board
from netmon.web.acting import ActingPages
from netmon.web.auth.roles import Role
from netmon.web.auth.visit import visit_of
from netmon.web.render import language_of
from netmon.web.targets import LOOKS
from netmon.words import printable

__all__ = ["ReportPages"]

TYPES: Final = {
    "pdf": "application/pdf", "json": "application/json", "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
EMPTY_FORM: Final[Mapping[str, str]] = {"what": "", "site": ""}
MOST_ROWS: Final = 100


class ReportPages(ActingPages):
    """The shelf, one report, its files; what is asked for is taken down with its author."""

    async def show(self, request: Request) -> Response:
        """What there is."""
        return await self._page(request)

    async def one(self, request: Request) -> Response:
        """What one report says, in short."""
        report = await self._kept(request)
        try:
            facts = await asyncio.to_thread(read_facts, report.folder, report.name)
        except ReportError as error:
            raise HTTPException(404) from error
        return await self._renderer.page(request, "report.html", partial(_preview, report, facts))

    async def file(self, request: Request) -> Response:
        """A file of a report, to be saved."""
        report = await self._kept(request)
        name = request.path_params["file"]
        if name not in dict(report.files):
            raise HTTPException(404)
        media = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        return FileResponse(report.folder / name, filename=name, media_type=media)

    async def order(self, request: Request) -> Response:
        """Have a report made: a year, a month, several years, or an emergency."""
        visit = visit_of(request)
        form = {**EMPTY_FORM, **{name: text.strip() for name, text in visit.form.items() if name in EMPTY_FORM}}
        note = partial(self._access.note, visit, "make report", " ".join(form.values())[:130].strip())
        try:
            words = self._asked(form)
        except PeriodError as error:
            note("refused")
            return await self._page(request, str(error), HTTPStatus.UNPROCESSABLE_ENTITY, form)
        if not self._view.reports.ask(*words):
            note("refused")
            return await self._page(request, _("A report is being made."), HTTPStatus.CONFLICT, form)
        note("done")
        return RedirectResponse(f"{request.scope.get('root_path', '')}/reports", HTTPStatus.SEE_OTHER)

    async def handover(self, request: Request) -> Response:
        """The sheet of the last 24 hours, made at most once a minute."""
        language = language_of(request)
        try:
            sheet = await self._view.reports.handover(language)
        except ReportError as error:
            text = _("The sheet could not be made: {error}").format(error=printable(str(error)))
            return await self._page(request, text, HTTPStatus.SERVICE_UNAVAILABLE)
        now = datetime.fromtimestamp(self._view.clock.wall_ns() / 1e9, LOCAL)
        name = f"netmon-handover-{now:%Y%m%d-%H%M}.{language}.pdf"
        return Response(
            sheet, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    async def _kept(self, request: Request) -> Kept:
        report = await asyncio.to_thread(kept, self._view.folder, request.path_params["report"])
        if report is None:
            raise HTTPException(404)
        return report

    def _asked(self, form: Mapping[str, str]) -> list[str]:
        """The words for the command.

        Raises:
            PeriodError: it is no period, no emergency and no site.
        """
        what, site = form["what"], form["site"]
        if site and site not in self._view.config.sites:
            raise PeriodError(_("the inventory does not have {name}").format(name=printable(site[:64])))
        if what in {each.id for each in self._view.upkeep.emergencies()}:
            return ["--emergency", what]
        kind = "--month" if what.count("-") == 1 and len(what.partition("-")[2]) == len("12") else "--year"
        period = period_of(month=what) if kind == "--month" else period_of(year=what)
        if period.since_ns >= self._view.clock.wall_ns():
            raise PeriodError(_("{period} has not begun").format(period=period.name))
        return [kind, what, *(["--site", site] if site else [])]

    async def _page(
        self, request: Request, mistake: str = "", status: int = 200, form: Mapping[str, str] = EMPTY_FORM
    ) -> Response:
        reports = await asyncio.to_thread(reports_in, self._view.folder)
        may_act = visit_of(request).may(Role.OPERATOR)
        content = partial(self._content, reports, may_act=may_act, mistake=mistake, form=form)
        return await self._renderer.page(request, "reports.html", content, status=status)

    def _content(self, reports: list[Kept], *, may_act: bool, mistake: str, form: Mapping[str, str]) -> dict[str, Any]:
        view, language = self._view, current_language()
        return {
            "here": "reports",
            "may_act": may_act,
            "mistake": printable(mistake),
            "fault": printable(view.reports.fault),
            "working": bool(view.reports.working),
            "form": dict(form),
            "sites": [
                {"id": site.id, "name": board.name_of(site.name, site.id)} for site in view.config.sites.values()
            ],
            "emergencies": [
                {"id": each.id, "name": f"{each.id} {printable(each.reason)}"} for each in view.upkeep.emergencies()
            ],
            "reports": [
                {
                    "name": report.name, "issued": report.issued,
                    "pages": "" if report.pdf(language) is None else f"netmon-{report.name}.{language}.pdf",
                    "book": next((name for name, _size in report.files if name.endswith(f".{language}.xlsx")), ""),
                }
                for report in reports
            ],
        }  # fmt: skip


def _preview(report: Kept, facts: Mapping[str, Any]) -> dict[str, Any]:
    language = current_language()
    last = facts["years"][-1]["targets"] if facts["kind"] == "targets" and facts["years"] else []
    return {
        "here": "reports",
        "name": report.name,
        "issued": report.issued,
        "sample_report": facts["sample"],
        "organisation_then": facts["organisation"][language],
        "damaged": [printable(name) for name in facts["damaged"]],
        "counts": [
            {"look": LOOKS[verdict], "word": verdict_word(verdict), "count": count}
            for verdict in Verdict
            if (count := sum(target["verdict"] == verdict for target in last))
        ],
        "targets": [
            {
                "name": target["name"][language], "look": LOOKS[Verdict(target["verdict"])],
                "word": target["verdict_text"][language], "figure": target["parts"][0]["figure_text"][language],
                "why": target["parts"][0]["why_text"][language],
                "subject": target["parts"][0]["subject_name"][language],
            }
            for target in last
        ],
        "happened": [
            {
                "at": minute(each["at"]), "until": minute(each["until"] or ""),
                "what": each["what_text"][language], "subject": each["subject_name"][language],
                "cause": each["cause_name"][language],
            }
            for each in facts.get("timeline", ())[:MOST_ROWS]
        ],
        "files": [{"name": name, "size": f"{size / 1e3:,.0f} kB"} for name, size in report.files],
    }  # fmt: skip
