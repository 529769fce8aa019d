"""The page of what people enter: seen by everybody, added to by operators, each act taken down."""

from __future__ import annotations

from pathlib import Path

import pytest

import probes
from netmon.archive import Journal
from netmon.targets.board import TargetsBoard
from netmon.web import Access
from tests.lab.observations import ignore
from tests.lab.pages import FakeNetmon, nothing
from tests.netmon.web.test_upkeep import visitor

ROOT = Path(__file__).parents[3]
FORM = {
    "kind": "document", "about": "voice-video:calls", "day": "2023-01-02", "passed": "yes", "note": "<i>signed</i>",
    "file": "paper.pdf", "sha256": "a" * 64,
}  # fmt: skip


def netmon_in(folder: Path) -> FakeNetmon:
    board = TargetsBoard(ROOT / "config" / "targets.yaml", folder, kinds=probes.KINDS, run=nothing)
    return FakeNetmon(folder=folder, targets=board)


async def test_an_operator_enters_a_document_and_takes_it_back(tmp_path: Path, access: Access) -> None:
    netmon = netmon_in(tmp_path)
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        netmon = replace_journal(netmon, journal)
        async with visitor(netmon, access, "ole") as client:
            answer = await client.post("/evidence", data=FORM)
            assert (answer.status_code, answer.headers.get("location")) == (303, "/evidence"), answer.text
            page = (await client.get("/evidence?lang=zh")).text
            assert "&lt;i&gt;signed&lt;/i&gt;" in page
            assert "paper.pdf" in page
            assert "融合通信与语音图像互通" in page
            name = page.partition('name="id" value="')[2].partition('"')[0]
            assert (await client.post("/evidence/withdraw", data={"id": name})).status_code == 303
            assert "paper.pdf" not in (await client.get("/evidence")).text
            assert (await client.post("/evidence/withdraw", data={"id": name})).status_code == 422
    done = [(entry["action"], entry["outcome"]) for entry in access.book.taken]  # type: ignore[attr-defined] # a MemoryBook
    assert done == [("enter evidence", "done"), ("withdraw evidence", "done"), ("withdraw evidence", "refused")]


def replace_journal(netmon: FakeNetmon, journal: object) -> FakeNetmon:
    netmon.journal = journal  # type: ignore[assignment] # a real one
    return netmon


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "song"}, "choose what it is"),
        ({"about": "moon"}, "no target moon"),
        ({"day": "soon"}, "soon is no date"),
        ({"day": "2999-01-01"}, "in the future"),
        ({"sha256": ""}, "needs its file"),
        ({"kind": "figure", "value": "much"}, "much"),
        ({"kind": "drill"}, "not judged by drills"),
        ({"note": "a\u202eb"}, "cannot be shown"),
    ],
)
async def test_a_mistake_is_said_and_nothing_is_entered(
    tmp_path: Path, access: Access, changes: dict[str, str], sentence: str
) -> None:
    netmon = netmon_in(tmp_path)
    async with visitor(netmon, access, "ole") as client:
        answer = await client.post("/evidence?lang=en", data={**FORM, **changes})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert netmon.journal.events == []


async def test_a_viewer_sees_and_cannot_enter(tmp_path: Path, access: Access) -> None:
    netmon = netmon_in(tmp_path)
    async with visitor(netmon, access, "anna") as client:
        assert 'action="/evidence"' not in (await client.get("/evidence")).text
        assert (await client.post("/evidence", data=FORM)).status_code == 403
