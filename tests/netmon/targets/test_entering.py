"""What people enter: checked before it is recorded, and nothing is recorded that was refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import probes
from netmon.archive import ArchiveError
from netmon.targets.documents import Entry, entries_of
from netmon.targets.entering import EntryError, enter, withdraw
from netmon.targets.register import load_register
from tests.lab.pages import MemoryEvents

REGISTER = load_register(Path(__file__).parents[3] / "config" / "targets.yaml", kinds=probes.KINDS)
SUBJECTS = {"station-1", "station-1/satellite-phone"}
FIGURE = Entry(id="", entered_ns=0, target="radio-coverage", kind="figure", at_ns=5, author="li", value=0.93)
DRILL = Entry(
    id="", entered_ns=0, target="satellite-phone", kind="drill", at_ns=5, author="li", passed=True,
    subject="station-1/satellite-phone",
)  # fmt: skip


@pytest.mark.parametrize("entry", [FIGURE, DRILL, replace(FIGURE, kind="document", value=None, sha256="a" * 64)])
async def test_what_is_entered_comes_back(entry: Entry) -> None:
    book = MemoryEvents()
    (made,) = await enter(book, REGISTER, [entry], subjects=SUBJECTS, now_ns=9)
    assert replace(made, id="", entered_ns=0) == entry
    assert entries_of(book.events) == (made,)
    await withdraw(book, [made], made.id, author="wang", now_ns=10)
    assert entries_of(book.events) == ()
    assert book.events[-1].detail == {"id": made.id, "author": "wang"}


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (replace(FIGURE, target="radio"), "no target radio; write one of radio-coverage"),
        (replace(FIGURE, criterion="x"), "has no criterion x; write one of surveyed"),
        (replace(FIGURE, value=93.0), "a figure is a share"),
        (replace(FIGURE, value=None), "a figure is a share"),
        (replace(FIGURE, at_ns=10), "in the future"),
        (replace(FIGURE, note="x" * 501), "longer than 500"),
        (replace(FIGURE, kind="document"), "needs its file"),
        (replace(FIGURE, kind="drill", subject="station-1"), "not judged by drills"),
        (replace(DRILL, subject="station-9"), "no site and no equipment station-9"),
        (replace(DRILL, subject=""), "no site and no equipment nothing"),
    ],
)
async def test_what_cannot_be_is_refused(entry: Entry, sentence: str) -> None:
    book = MemoryEvents()
    with pytest.raises(EntryError, match=sentence):
        await enter(book, REGISTER, [entry], subjects=SUBJECTS, now_ns=9)
    assert book.events == []


async def test_nothing_is_taken_back_that_is_not_there() -> None:
    with pytest.raises(EntryError, match="no entry e-1"):
        await withdraw(MemoryEvents(), [], "e-1", author="wang", now_ns=1)


async def test_a_disk_that_takes_nothing_is_told() -> None:
    with pytest.raises(ArchiveError, match="full"):
        await enter(MemoryEvents(fault="full"), REGISTER, [FIGURE], subjects=SUBJECTS, now_ns=9)


async def test_of_several_entries_all_are_recorded_or_none() -> None:
    book = MemoryEvents()
    wrong = replace(FIGURE, value=2.0)
    with pytest.raises(EntryError) as raised:
        await enter(book, REGISTER, [FIGURE, wrong, DRILL, replace(FIGURE, target="x")], subjects=SUBJECTS, now_ns=9)
    assert [line[:8] for line in str(raised.value).splitlines()] == ["entry 2:", "entry 4:"]
    assert book.events == []
    assert len(await enter(book, REGISTER, [FIGURE, DRILL], subjects=SUBJECTS, now_ns=9)) == 2
    assert len(book.events) == 2
