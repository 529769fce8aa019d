"""``netmon profile``: names, files, devices and what they once said."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netmon.cli import app
from netmon.demo.agent import SnmpAgent
from netmon.demo.devices import hytera_repeater, system
from probes import profiles
from probes.profiles.walk_file import read_walk
from probes.wire.snmp_message import Syntax, Value, parse_oid

runner = CliRunner()

WALK = """\
.1.3.6.1.2.1.1.3.0 = Timeticks: (12345) 0:02:03.45
.1.3.6.1.4.1.40297.1.2.1.2.1.0 = Hex-STRING: 9A 99 59 41
.1.3.6.1.4.1.40297.1.2.1.2.9.0 = INTEGER: -96
.1.3.6.1.4.1.40297.1.2.1.1.6.0 = INTEGER: alarm(1)
.1.3.6.1.4.1.40297.1.2.4.1.0 = STRING: "RD625"
.1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.40297.1
nothing of this line
"""


@contextmanager
def device(tree: dict) -> Iterator[int]:
    """An agent in a thread of its own, since the command has its own event loop."""
    loop = asyncio.new_event_loop()
    agent = SnmpAgent(tree)
    _, port = loop.run_until_complete(agent.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(agent.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def inventory(folder: Path, port: int) -> list[str]:
    (folder / "community").write_text("public")
    path = folder / "sites.yaml"
    path.write_text(
        f"""
sample: true
snmp_auths: {{default: {{version: "2c", community_file: community}}}}
sites:
  - id: hill
    kind: radio_site
    equipment:
      - {{id: repeater, kind: base_station, address: {{host: 127.0.0.1, port: {port}}}}}
"""
    )
    return ["--config", str(path)]


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    profiles.use({})


def run(*words: str) -> tuple[int, str]:
    result = runner.invoke(app, ["--lang", "en", "profile", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_profiles_are_listed_and_shown() -> None:
    code, output = run("list", "--json", "--config", "none.yaml")
    assert code == 0
    assert {"hytera-repeater", "huawei-smu"} <= {each["name"] for each in json.loads(output)}

    code, output = run("show", "hytera-repeater", "--config", "none.yaml")
    assert code == 0
    assert "1.3.6.1.4.1.40297" in output


def test_a_name_that_nobody_knows_is_told_with_the_nearest() -> None:
    code, output = run("show", "hytera-repeter", "--config", "none.yaml")
    assert code == 2
    assert "no vendor profile 'hytera-repeter'; did you mean hytera-repeater?" in output


def test_a_device_is_read_object_by_object(tmp_path: Path) -> None:
    with device(hytera_repeater("hill")) as port:
        where = inventory(tmp_path, port)
        code, output = run("test", "hytera-repeater", "hill/repeater", "--json", *where)
        assert (code, json.loads(output)["readings"]["supply_voltage_volts"]) == (0, 13.6)
        code, output = run("identify", "hill/repeater/base-station", "--json", *where)
        assert (code, json.loads(output)["profiles"]) == (0, ["hytera-repeater"])
        code, output = run("test", "ups", "hill/repeater", *where)
        assert code == 0  # the system group is there
        assert "not supported" in output


def test_an_unknown_device_is_unknown(tmp_path: Path) -> None:
    with device(system("Something else", "1.3.6.1.4.1.99999", "x")) as port:
        code, output = run("identify", "hill/repeater", *inventory(tmp_path, port))
    assert code == 1
    assert "unknown: no profile fits" in output


def test_only_what_is_in_the_inventory_is_asked(tmp_path: Path) -> None:
    code, output = run("identify", "hill/repeter", *inventory(tmp_path, 1))
    assert code == 2
    assert "'hill/repeter' is no check with SNMP" in output
    assert "did you mean hill/repeater?" in output


def test_a_walk_stands_for_the_device(tmp_path: Path) -> None:
    walk = tmp_path / "walk.txt"
    walk.write_text(WALK)
    code, output = run("test", "hytera-repeater", "--walk", str(walk), "--json", "--config", "none.yaml")

    found = json.loads(output)
    assert code == 0
    assert found["readings"]["supply_voltage_volts"] == 13.6
    assert found["readings"]["rssi_dbm[1]"] == -96
    assert found["states"]["vswr_alarm"]["word"] == "alarm"


def test_values_that_cannot_be_make_the_test_fail(tmp_path: Path) -> None:
    walk = tmp_path / "walk.txt"
    walk.write_text(WALK.replace("9A 99 59 41", "FF FF FF FF"))
    code, output = run("test", "hytera-repeater", "--walk", str(walk), "--config", "none.yaml")
    assert code == 1
    assert "left out: supply_voltage_volts: 0xffffffff" in output


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("test", "ups"), "say either a check of the inventory or --walk"),
        (("test", "ups", "--walk", "no-such-file"), "cannot be read"),
        (("show", "no-such-file.yaml"), "cannot be read"),
    ],
)
def test_wrong_usage_is_told(words: tuple[str, ...], text: str) -> None:
    code, output = run(*words, "--config", "none.yaml")
    assert code == 2
    assert text in output


def test_both_forms_of_a_walk_give_the_same() -> None:
    rec = "1.3.6.1.2.1.1.3.0|67|12345\n1.3.6.1.4.1.40297.1.2.1.2.1.0|4x|9a995941\n1.3.6.1.4.1.1.1.0|4|a|b\n"
    values = read_walk(rec)
    assert values[parse_oid("1.3.6.1.2.1.1.3.0")] == Value(Syntax.TIMETICKS, 12345)
    assert values[parse_oid("1.3.6.1.4.1.1.1.0")] == Value(Syntax.OCTETS, b"a|b")
    assert (
        read_walk(WALK).items()
        >= {
            parse_oid("1.3.6.1.2.1.1.3.0"): Value(Syntax.TIMETICKS, 12345),
            parse_oid("1.3.6.1.4.1.40297.1.2.1.2.1.0"): Value(Syntax.OCTETS, bytes.fromhex("9a995941")),
        }.items()
    )
    assert len(read_walk(WALK)) == 6
