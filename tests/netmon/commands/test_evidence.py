"""Entering evidence by command, and how the targets of a running netmon stand then."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pwd
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

import probes
from netmon.app import App, Settings, running
from netmon.cli import app
from netmon.config import load

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def netmon(tmp_path: Path) -> AsyncIterator[tuple[Path, App, str]]:
    """A netmon with the sample's phones and the register as shipped; its folder and the address of its pages."""
    (tmp_path / "sites.yaml").write_text(
        "sites: [{id: here, kind: fire_station, equipment: [{id: phone, kind: satellite_phone}]}]\n", encoding="utf-8"
    )
    shutil.copy(ROOT / "config" / "targets.yaml", tmp_path)
    settings = Settings(config=tmp_path / "sites.yaml", data=tmp_path / "data")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        async with running(load(settings.config, kinds=probes.KINDS), settings, [sock]) as made:
            yield tmp_path, made, url


async def command(folder: Path, *words: str) -> Result:
    arguments = ["--lang", "en", *words, "--data", str(folder / "data")]
    return await asyncio.to_thread(CliRunner(env={"COLUMNS": "200"}).invoke, app, arguments)


def verdict(netmon: App, target: str) -> str:
    assert netmon.targets.report is not None
    return next(standing.verdict for standing in netmon.targets.report.standings if standing.target.id == target)


async def test_entries_count_until_they_are_taken_back(netmon: tuple[Path, App, str]) -> None:
    folder, made, url = netmon
    paper = folder / "survey.pdf"
    paper.write_bytes(b"paper")
    await made.journal.flush()
    async with httpx.AsyncClient(base_url=url) as client:
        assert "being evaluated" in (await client.get("/targets?lang=en")).text
        assert "netmon_target_verdict" not in (await client.get("/metrics")).text
        await made.targets.refresh(made.journal)
        assert made.targets.fault == ""
        assert (verdict(made, "satellite-phone"), verdict(made, "radio-coverage")) == ("not_met", "not_enough_data")
        today = ("evidence", "drill", "satellite-phone", "here/phone")
        assert (await command(folder, *today)).exit_code == 0
        said = await command(
            folder, "evidence", "figure", "radio-coverage", "93%", "--file", str(paper), "--note", "<b>"
        )
        assert said.exit_code == 0, said.output
        rows = [json.loads(line) for line in (await command(folder, "evidence", "list", "--json")).output.splitlines()]
        me = pwd.getpwuid(os.geteuid()).pw_name
        assert [(row["kind"], row["author"]) for row in rows] == [("drill", me), ("figure", me)]
        assert rows[1]["sha256"] == hashlib.sha256(b"paper").hexdigest()
        await made.targets.refresh(made.journal)
        assert (verdict(made, "satellite-phone"), verdict(made, "radio-coverage")) == ("met", "met_by_documents")
        page = (await client.get("/targets?lang=zh")).text
        for word in ("达标（人工佐证）", "卫星电话", "93 %", "未实现"):
            assert word in page, word
        metrics = (await client.get("/metrics")).text
        assert 'netmon_target_verdict{target="satellite-phone",verdict="met"} 1.0' in metrics
        assert 'netmon_target_verdict{target="satellite-phone",verdict="not_met"} 0.0' in metrics
    assert (await command(folder, "evidence", "withdraw", rows[0]["id"])).exit_code == 0
    await made.targets.refresh(made.journal)
    assert verdict(made, "satellite-phone") == "not_met"
    listed = (await command(folder, "evidence", "list")).output
    assert "survey.pdf" in listed
    assert rows[0]["id"] not in listed


async def test_refusals_have_a_sentence_and_an_exit_code(netmon: tuple[Path, App, str]) -> None:
    folder, _made, _url = netmon
    unknown = await command(folder, "evidence", "figure", "radio", "93%")
    assert unknown.exit_code == 1
    assert "no target radio" in unknown.stderr
    assert (await command(folder, "evidence", "figure", "radio-coverage", "much")).exit_code == 2
    assert (await command(folder, "evidence", "figure", "radio-coverage", "93%", "--on", "soon")).exit_code == 2
    assert (await command(folder, "evidence", "document", "radio-coverage", "/nowhere/paper")).exit_code == 2
    assert (await command(folder, "evidence", "withdraw", "e-1")).exit_code == 1


async def test_a_register_with_mistakes_keeps_the_report_before(netmon: tuple[Path, App, str]) -> None:
    folder, made, url = netmon
    await made.journal.flush()
    await made.targets.refresh(made.journal)
    before = made.targets.report
    (folder / "targets.yaml").write_text("targets: [\n", encoding="utf-8")
    await made.targets.refresh(made.journal)
    assert made.targets.report is before
    assert "targets.yaml:" in made.targets.fault
    async with httpx.AsyncClient(base_url=url) as client:
        assert "could not be evaluated" in (await client.get("/targets?lang=en")).text
    (folder / "targets.yaml").unlink()
    await made.targets.refresh(made.journal)
    assert made.targets.report is before


async def test_a_table_is_entered_whole_or_not_at_all(netmon: tuple[Path, App, str]) -> None:
    folder, made, _url = netmon
    await made.journal.flush()
    table = folder / "table.csv"
    head = "target,kind,day,value,subject,passed\n"
    good = "radio-coverage,figure,2024-06-30,93%,,\nsatellite-phone,drill,2024-07-01,,here/phone,yes\n"
    table.write_text(head + good + "radio,figure,2024-06-30,93%,,\n", encoding="utf-8")
    refused = await command(folder, "evidence", "import", str(table))
    assert refused.exit_code == 1
    assert "entry 3: no target radio" in refused.stderr
    assert (await command(folder, "evidence", "list", "--json")).output == ""
    table.write_text(head + good, encoding="utf-8")
    assert (await command(folder, "evidence", "import", str(table))).exit_code == 0
    assert len((await command(folder, "evidence", "list", "--json")).output.splitlines()) == 2
    table.write_text("target\n", encoding="utf-8")
    assert (await command(folder, "evidence", "import", str(table))).exit_code == 2
