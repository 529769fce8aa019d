"""Commands that act on a running netmon, over its control socket."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from netmon.app import Settings, running
from netmon.archive import Reader
from netmon.cli import app
from netmon.config import load

INVENTORY = """\
sites:
  - {id: here, kind: fire_station, equipment: [{id: phone, kind: satellite_phone}]}
maintenance:
  - {id: weekly, sites: [here], every: day, at: "02:00", length: 1h, reason: reboot}
"""


@pytest.fixture
async def netmon(tmp_path: Path) -> AsyncIterator[Path]:
    """A netmon that runs; the folder above its inventory and data. The path is longer than a socket's address."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    (folder / "sites.yaml").write_text(INVENTORY)
    settings = Settings(config=folder / "sites.yaml", data=folder / "data")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        async with running(load(settings.config, kinds={}), settings, [sock]):
            yield folder


async def command(folder: Path, *words: str) -> Result:
    arguments = ["--lang", "en", *words, "--data", str(folder / "data")]
    return await asyncio.to_thread(CliRunner(env={"COLUMNS": "160"}).invoke, app, arguments)


async def test_a_window_and_an_emergency_by_command(netmon: Path) -> None:
    made = await command(netmon, "maintenance", "add", "new mast", "--site", "here", "--for", "30m", "--json")
    assert made.exit_code == 0, made.output
    window = json.loads(made.output)
    me = pwd.getpwuid(os.geteuid()).pw_name
    assert (window["sites"], window["author"]) == (["here"], me)
    listed = json.loads((await command(netmon, "maintenance", "list", "--json")).output)
    assert [item["id"] for item in listed if item["open"] and item["author"]] == [window["id"]]
    assert sum(item["id"].startswith("weekly@") for item in listed) in (14, 15)
    assert window["id"] in (await command(netmon, "maintenance", "list")).output
    assert (await command(netmon, "maintenance", "end", window["id"])).exit_code == 0
    assert (await command(netmon, "emergency", "show")).exit_code == 1
    assert (await command(netmon, "emergency", "declare", "flood")).exit_code == 0
    assert "flood" in (await command(netmon, "emergency", "show")).output
    assert (await command(netmon, "emergency", "end")).exit_code == 0
    await asyncio.sleep(0.5)  # the record of an act is durable soon after the act is
    audit = [json.loads(line) for line in (await command(netmon, "audit", "--json")).output.splitlines()]
    assert [entry["action"] for entry in reversed(audit)] == [
        "announce maintenance", "end maintenance", "declare emergency", "end emergency",
    ]  # fmt: skip
    assert {(entry["actor"], entry["source"], entry["outcome"]) for entry in audit} == {(me, "control socket", "done")}
    assert "declare emergency" in (await command(netmon, "audit")).output.replace("\n", " ")
    with Reader.open(netmon / "data") as reader:
        kinds = [event.kind for event in reader.events() if event.kind.startswith(("maint", "emerg"))]
    assert kinds == ["maintenance", "maintenance_ended", "emergency", "emergency_ended"]


async def test_refusals_have_a_sentence_and_an_exit_code(netmon: Path) -> None:
    unknown = await command(netmon, "maintenance", "add", "x", "--site", "nowhere")
    assert (unknown.exit_code, unknown.stderr) == (1, "the inventory does not have nowhere\n")
    assert (await command(netmon, "maintenance", "add", "x")).exit_code == 2
    assert (await command(netmon, "maintenance", "add", "x", "--everything", "--for", "long")).exit_code == 2
    assert (await command(netmon, "maintenance", "add", "x", "--everything", "--start", "soon")).exit_code == 2
    assert (await command(netmon, "maintenance", "end", "m1")).exit_code == 1
    (netmon / "sites.yaml").write_text("sites: 3\n")
    refused = await command(netmon, "reload")
    assert refused.exit_code == 1
    assert "sites.yaml:1:8" in refused.stderr
    (netmon / "sites.yaml").write_text(INVENTORY)
    assert (await command(netmon, "reload")).exit_code == 0


async def test_only_the_owner_and_the_group_reach_the_socket(netmon: Path) -> None:
    assert stat.S_IMODE((netmon / "data" / "control.sock").stat().st_mode) == 0o660


async def test_no_netmon_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    nobody = await command(tmp_path, "reload")
    assert nobody.exit_code == 3
    assert "no netmon runs on" in nobody.stderr
    assert (await command(tmp_path / "nowhere", "reload")).exit_code == 3


async def test_windows_and_emergencies_outlive_a_restart(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(INVENTORY)
    settings = Settings(config=tmp_path / "sites.yaml", data=tmp_path / "data")
    for start in range(2):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            async with running(load(settings.config, kinds={}), settings, [sock]) as netmon:
                if start == 0:
                    await command(tmp_path, "maintenance", "add", "mast", "--everything")
                    await command(tmp_path, "emergency", "declare", "flood")
                assert [window.reason for window in netmon.upkeep.in_force() if window.author] == ["mast"]
                assert netmon.upkeep.emergency is not None
