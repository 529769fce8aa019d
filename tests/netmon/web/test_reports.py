"""The page of reports: viewers look and fetch, operators have one made, names lead nowhere else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from netmon.report.office import ReportOffice
from netmon.report.shelf import reports_in
from netmon.web import Access
from tests.lab.pages import FakeNetmon
from tests.lab.small_report import NAME, put_sheet, write_small
from tests.netmon.web.test_upkeep import visitor


def netmon_in(folder: Path) -> tuple[FakeNetmon, list[tuple[str, ...]]]:
    calls: list[tuple[str, ...]] = []

    async def run(*words: str) -> tuple[int, str, str]:
        calls.append(words)
        out = Path(words[words.index("--out") + 1])
        if words[1] == "handover":
            put_sheet(out, words[-1])
        else:
            write_small(out, words[2])
        return 0, "", ""

    netmon = FakeNetmon(folder=folder)
    netmon.reports = ReportOffice(folder, Path("targets.yaml"), netmon.alerts, netmon.clock, run=run)
    return netmon, calls


async def test_a_viewer_looks_and_fetches_and_has_none_write_small(tmp_path: Path, access: Access) -> None:
    netmon, calls = netmon_in(tmp_path)
    write_small(tmp_path / "reports" / "2025", "2025")
    async with visitor(netmon, access, "anna") as client:
        shelf = (await client.get("/reports?lang=zh")).text
        assert '<a href="/reports/2025">2025</a>' in shelf
        assert "/reports/2025/netmon-2025.zh.pdf" in shelf
        assert '<form class="act"' not in shelf
        page = await client.get("/reports/2025?lang=zh")
        assert page.status_code == 200
        assert NAME not in page.text
        assert "&lt;script&gt;" in page.text
        assert "不达标" in page.text
        pdf = await client.get("/reports/2025/netmon-2025.zh.pdf")
        assert (pdf.status_code, pdf.content, pdf.headers["content-type"]) == (
            200,
            b"%PDF-1.7 pages",
            "application/pdf",
        )
        assert pdf.headers["content-disposition"].startswith("attachment")
        sheet = await client.get("/handover?lang=zh")
        assert (sheet.content, sheet.headers["content-type"]) == (b"%PDF-1.7 sheet", "application/pdf")
        assert (await client.post("/reports", data={"what": "2025"})).status_code == 403
    assert [call[1] for call in calls] == ["handover"]


@pytest.mark.parametrize(
    "path",
    ["/reports/2024", "/reports/..%2f..%2fetc", "/reports/2025/manifest.json", "/reports/2025/..%2f..%2fweb.yaml"],
)
async def test_what_is_not_on_the_shelf_is_not_found(tmp_path: Path, access: Access, path: str) -> None:
    netmon, _calls = netmon_in(tmp_path)
    write_small(tmp_path / "reports" / "2025", "2025")
    async with visitor(netmon, access, "anna") as client:
        assert (await client.get(path)).status_code == 404


async def test_an_operator_has_one_write_small(tmp_path: Path, access: Access) -> None:
    netmon, calls = netmon_in(tmp_path)
    async with visitor(netmon, access, "ole") as client:
        answer = await client.post("/reports", data={"what": "2022", "site": "hunchun"})
        assert (answer.status_code, answer.headers.get("location")) == (303, "/reports"), answer.text
        for _turn in range(100):
            if reports_in(tmp_path):
                break
            await asyncio.sleep(0.01)
        assert [report.name for report in reports_in(tmp_path)] == ["2022"]
    assert calls[0][:5] == ("report", "--year", "2022", "--site", "hunchun")
    done = [(entry["action"], entry["subject"], entry["outcome"]) for entry in access.book.taken]  # type: ignore[attr-defined] # a MemoryBook
    assert done == [("make report", "2022 hunchun", "done")]
    await netmon.reports.stop()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"what": "soon"}, "is no period"),
        ({"what": "2199"}, "has not begun"),
        ({"what": "--out=/etc"}, "is no period"),
        ({"what": "2022", "site": "nowhere"}, "does not have nowhere"),
    ],
)
async def test_a_mistake_is_said(tmp_path: Path, access: Access, form: dict[str, str], said: str) -> None:
    netmon, calls = netmon_in(tmp_path)
    async with visitor(netmon, access, "ole") as client:
        answer = await client.post("/reports?lang=en", data=form)
    assert answer.status_code == 422
    assert said in answer.text
    assert calls == []


async def test_one_at_a_time(tmp_path: Path, access: Access) -> None:
    netmon, _calls = netmon_in(tmp_path)
    netmon.reports.working = "--year 2025"
    async with visitor(netmon, access, "ole") as client:
        assert (await client.post("/reports", data={"what": "2022"})).status_code == 409
        assert "is being made" in (await client.get("/reports?lang=en")).text
