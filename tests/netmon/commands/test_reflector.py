"""``netmon reflector``: a key, a service that answers, and clear words for what is wrong."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netmon.cli import app
from probes.base import Family
from probes.wire.capacity import CapacityWire, Stop
from tests.lab.reflector import Steady


@pytest.fixture(autouse=True)
def own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is run within this process: its log, which goes to where its output goes, ends with the test."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    first = CliRunner().invoke(app, ["--lang", "en", "reflector", "--new-key", str(file)])
    again = CliRunner().invoke(app, ["--lang", "en", "reflector", "--new-key", str(file)])

    assert first.exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().strip()) >= 40
    assert (again.exit_code, "File exists" in again.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--key-file"),
        (["--key-file", "nowhere"], "cannot read nowhere"),
        (["--key-file", "short"], "shorter than 16"),
        (["--key-file", "key", "--listen", "9736"], "write host:port"),
        (["--key-file", "key", "--allow", "10.0.0.300"], "10.0.0.300"),
        (["--key-file", "key", "--most", "fast"], "fast"),
    ],
)
def test_mistakes_are_told(arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short").write_text("abc")
    Path("key").write_text("0123456789abcdef")
    result = CliRunner().invoke(app, ["--lang", "en", "reflector", *arguments])

    assert result.exit_code == 2
    assert words in result.output
    assert "0123456789abcdef" not in result.output


async def test_it_answers_until_it_is_told_to_end(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef")
    command = [sys.executable, "-m", "netmon", "--lang", "en", "reflector", "--key-file", str(key)]
    # It says where it listens before anything waits for it.
    process = subprocess.Popen(  # noqa: ASYNC220
        [*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = await CapacityWire({"default": b"0123456789abcdef"}).run(
            "127.0.0.1", int(line.rpartition(":")[2]), family=Family.IPV4, key="default", down=True,
            datagram_bytes=972, packet_bits=8000, highest=5e6, seconds=5.0,
            conductor=lambda now, _round_trip: Steady(now, 0.2), stop=Stop(), timeout=5.0,
        )  # fmt: skip
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=10)

    assert found.packets_sent > 0
    assert process.returncode == 0
    assert "1 tests, 0 refused" in rest
