"""Each command: what it prints, its exit code, and no traceback for anything that a person may write."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.lab.servers import unused_port

ROOT = Path(__file__).parents[2]
INVENTORY = """\
sites:
  - id: here
    kind: fire_station
    name: {zh: 一号站, en: Station 1}
    equipment:
      - {id: self, kind: router, address: 127.0.0.1, checks: {ping: {interval: 1s, timeout: 500ms, params: {count: 3}}}}
      - id: shut
        kind: voice_service
        address: {host: 127.0.0.1, port: 1}
        checks: {tcp: {interval: 1s, timeout: 500ms}}
"""

EXPECTED = {"here/self/ping": "up", "here/shut/tcp": "down"}


def netmon(*arguments: str, language: str = "en", timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run the program; warnings are errors in it, too."""
    environment = {
        **os.environ,
        "NETMON_LANG": language,
        "PYTHONWARNINGS": "error",
        "COLUMNS": "200",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "netmon", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, cwd=ROOT)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "sites.yaml"
    path.write_text(INVENTORY, encoding="utf-8")
    return path


def test_check_config_counts_what_an_inventory_asks_for(inventory: Path) -> None:
    """A right file is answered with what follows from it."""
    done = netmon("check-config", str(inventory), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) | {"config_id": ""} == {
        "sites": 1, "equipment": 2, "checks": 2, "sample": False, "config_id": "",
    }  # fmt: skip


def test_check_config_prints_every_mistake_in_the_users_language(tmp_path: Path) -> None:
    """Exit code 2; Chinese where Chinese is asked for."""
    path = tmp_path / "sites.yaml"
    path.write_text("sits: []\nsites: [{id: a, kind: townshp}]\n", encoding="utf-8")
    done = netmon("check-config", str(path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert f"{path}:1:1: unknown key 'sits'; did you mean sites?" in done.stderr
    assert "未知的键 'sits'；是否指 sites？" in netmon("check-config", str(path), language="zh").stderr


def test_probe_says_what_happened_step_by_step(inventory: Path) -> None:
    """Steps, figures and the verdict; exit code 1 when the check is not up."""
    good = netmon("probe", "here/self/ping", "--config", str(inventory))
    assert (good.returncode, good.stderr) == (0, "")
    assert "pinging 127.0.0.1" in good.stdout
    assert "3 of 3 packets answered" in good.stdout
    bad = netmon("probe", "here/shut/tcp", "--config", str(inventory), "--json")
    assert bad.returncode == 1
    answer = json.loads(bad.stdout)
    assert (answer["status"], answer["failure"]) == ("down", "refused")


def test_probe_prints_which_end_a_figure_is_of(tmp_path: Path) -> None:
    """`loss_ratio[far]` and `loss_ratio[near]` are two figures; brackets are no markup."""
    path = tmp_path / "sites.yaml"
    line = (
        "{id: line, kind: uplink, endpoints: {near: 127.0.0.1, far: 127.0.0.2}, checks: {uplink: {params: {count: 1}}}}"
    )
    path.write_text(f"sites:\n- {{id: a, kind: fire_station, equipment: [{line}]}}\n", encoding="utf-8")

    done = netmon("probe", "a/line/uplink", "--config", str(path))

    assert "loss_ratio[far]" in done.stdout
    assert "loss_ratio[near]" in done.stdout


def test_probe_loads_no_line_unless_it_is_told_to(tmp_path: Path) -> None:
    """Who runs a capacity test by hand says so."""
    (tmp_path / "key").write_text("0123456789abcdef")
    (tmp_path / "key").chmod(0o600)
    path = tmp_path / "sites.yaml"
    line = (
        "{id: line, kind: uplink, endpoints: {near: 127.0.0.1, far: 127.0.0.2, reflector: {host: 127.0.0.1, port: 9}}}"
    )
    path.write_text(
        "reflector_keys: {default: {key_file: key}}\nsites:\n"
        f"- {{id: a, kind: fire_station, equipment: [{line}]}}\n",
        encoding="utf-8",
    )

    refused = netmon("probe", "a/line/capacity", "--config", str(path))
    assert (refused.returncode, "--load verify" in refused.stderr) == (2, True)
    odd = netmon("probe", "a/line/uplink", "--load", "verify", "--config", str(path))
    assert (odd.returncode, "loads no line" in odd.stderr) == (2, True)
    done = netmon("probe", "a/line/capacity", "--load", "search", "--config", str(path))
    assert (done.returncode, "to_site: search" in done.stdout) == (1, True)


def test_probe_runs_nothing_that_is_not_in_the_inventory(inventory: Path) -> None:
    """There is no way to name a host."""
    done = netmon("probe", "here/self/pin", "--config", str(inventory))
    assert done.returncode == 2
    assert "did you mean here/self/ping?" in done.stderr


@pytest.mark.parametrize("command", ["status", "query"])
def test_without_an_archive_there_is_a_clear_word(command: str, inventory: Path, tmp_path: Path) -> None:
    """Exit code 3: netmon cannot tell."""
    arguments = ["--config", str(inventory)] if command == "status" else ["here/self/ping"]
    done = netmon(command, *arguments, "--data", str(tmp_path / "none"))
    assert done.returncode == 3
    assert "there is no archive" in done.stderr


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:x", "203.0.113.77:9"])
def test_an_address_that_cannot_be_listened_on_is_a_usage_error(listen: str, inventory: Path, tmp_path: Path) -> None:
    """Before anything is probed or written."""
    done = netmon("run", "--config", str(inventory), "--data", str(tmp_path / "data"), "--listen", listen)
    assert done.returncode == 2
    assert not (tmp_path / "data").exists()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def eventually(condition: Any, seconds: float = 20) -> Any:
    """Wait for something to become true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            value = condition()
        except OSError:
            value = None
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def test_run_probes_records_shows_and_stops(inventory: Path, tmp_path: Path) -> None:
    """The whole main line in one process: page, metrics, archive, table, history, and a graceful stop."""
    port, data = unused_port(), tmp_path / "data"
    environment = {**os.environ, "PYTHONWARNINGS": "error", "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable, "-m", "netmon", "run", "--config", str(inventory), "--data", str(data),
        "--listen", f"127.0.0.1:{port}",
    ]  # fmt: skip
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            metrics = eventually(
                lambda: (text := get(f"http://127.0.0.1:{port}/metrics")).count("netmon_rtt_seconds_bucket") and text
            )
            # Each check's first result: they start at their own phases, and the first ping pays for loading its wire.
            for check, word in EXPECTED.items():
                sample = f'netmon_check_status{{check="{check}",vantage="main",status="{word}"}} 1'
                assert eventually(lambda sample=sample: sample in get(f"http://127.0.0.1:{port}/metrics"))
            assert 'netmon_check_info{check="here/self/ping"' in metrics
            assert get(f"http://127.0.0.1:{port}/-/ready")
            page = get(f"http://127.0.0.1:{port}/?lang=zh")
            assert "一号站" in page
            status = json.loads(netmon("status", "--config", str(inventory), "--data", str(data), "--json").stdout)
            assert {row["check"]: row["status"] for row in status} == EXPECTED
            inventory.write_text(INVENTORY.replace("  - id: here", "  - id: there"), encoding="utf-8")
            process.send_signal(signal.SIGHUP)
            assert eventually(lambda: 'check="there/self/ping"' in get(f"http://127.0.0.1:{port}/metrics"))
            assert 'check="here/self/ping"' not in get(f"http://127.0.0.1:{port}/metrics")
        finally:
            process.send_signal(signal.SIGTERM)
            errors = process.communicate(timeout=20)[1]
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    inventory.write_text(INVENTORY, encoding="utf-8")
    table = netmon("status", "--config", str(inventory), "--data", str(data), "--once", language="zh").stdout
    assert "拒绝连接" in table or "没有近期数据" in table  # by now the last figures may be too old to count
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    taken = json.loads(netmon("archive", "backup", str(backup), "--data", str(data), "--json").stdout)
    assert netmon("archive", "restore", str(backup), "--data", str(restored)).returncode == 0
    history = netmon("query", "here/shut/tcp", "--data", str(restored), "--json").stdout.splitlines()
    assert 0 < len(history) < taken["observations"]
    rows = [json.loads(line) for line in history]
    assert {row["status"] for row in rows} == {"down"}
    assert {row["attempt"] for row in rows} >= {1}
    starts = [row["started"] for row in rows]
    assert starts == sorted(starts, reverse=True)


async def test_days_are_closed_verified_and_exported(tmp_path: Path) -> None:
    """Days that have ended become files; a byte that changes is found, named, and fails the command."""
    from dataclasses import replace

    from netmon.archive import Journal
    from tests.lab.observations import ignore, ping

    day_ns = 86_400 * 10**9
    start_ns = (time.time_ns() // day_ns - 3) * day_ns
    check = "here/router/ping"
    async with Journal.open(tmp_path, on_durable=ignore) as journal:
        for n in range(12):
            at_ns = start_ns + n * day_ns // 4
            journal.append(replace(ping(n, check), started_ns=at_ns, scheduled_ns=at_ns))
    data = ["--data", str(tmp_path)]
    closed = json.loads(netmon("archive", "close", *data, "--json").stdout)
    assert [file["rows"] for file in closed][:2] == [4, 4]
    assert "在文件" in netmon("archive", "close", *data, language="zh").stdout
    verified = netmon("archive", "verify", *data)
    assert verified.returncode == 0
    assert "0 damaged" in verified.stdout
    table = tmp_path / "table.csv"
    assert netmon("archive", "export", str(table), *data, "--since", "7d", "--check", check).returncode == 0
    lines = table.read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 13
    assert netmon("archive", "export", str(table), *data).returncode == 3  # it exists
    assert netmon("archive", "export", "-", *data, "--check", "no/such/check").returncode == 2
    file = tmp_path / "days" / closed[0]["name"]
    file.write_bytes(file.read_bytes()[:-20] + bytes(20))
    damaged = netmon("archive", "verify", *data)
    assert damaged.returncode == 1
    assert closed[0]["name"] in damaged.stdout
    queried = netmon("query", check, *data, "--since", "7d", "--json")
    assert closed[0]["name"] in queried.stderr
    assert len(queried.stdout.splitlines()) == 8


def test_targets_say_how_they_stand(tmp_path: Path) -> None:
    """The sample's targets, from an archive that a netmon wrote; in Chinese, and for a script."""
    register = ["--register", str(ROOT / "config" / "targets.yaml")]
    assert netmon("targets", *register, "--data", str(tmp_path)).returncode == 3
    fill = (
        "import asyncio, sys, time; from pathlib import Path; from netmon.archive import Journal\n"
        "async def fill():\n"
        "    async with Journal.open(Path(sys.argv[1]), on_durable=lambda rows: None) as journal:\n"
        "        journal.record_config('v1', Path(sys.argv[2]).read_text(encoding='utf-8'), time.time_ns() - 10**9)\n"
        "asyncio.run(fill())\n"
    )
    sample = str(ROOT / "config" / "sites.yaml")
    subprocess.run([sys.executable, "-c", fill, str(tmp_path), sample], check=True, cwd=ROOT)
    told = json.loads(netmon("targets", *register, "--data", str(tmp_path), "--json").stdout)
    verdicts = {target["id"]: target["verdict"] for target in told["targets"]}
    assert len(verdicts) == 15
    assert verdicts["radio-coverage"] == "not_enough_data"  # nobody has imported a survey
    assert verdicts["satellite-phone"] == "not_met"
    assert verdicts["sensing"] == "not_enough_data"
    table = netmon("targets", *register, "--data", str(tmp_path), "--all", language="zh").stdout
    for word in ("数据不足", "未实现", "不达标", "应配 1", "仅为该年的一部分"):
        assert word in table, word
    assert netmon("targets", *register, "--data", str(tmp_path), "--year", "2199").returncode == 2
    assert netmon("schema", "targets").returncode == 0
    assert netmon("schema", "nothing").returncode == 2


@pytest.mark.parametrize("option", ["--alerts", "--forward"])
def test_a_file_that_is_named_must_be_there(inventory: Path, tmp_path: Path, option: str) -> None:
    done = netmon("run", "--config", str(inventory), "--data", str(tmp_path / "data"), option, str(tmp_path / "none"))
    assert done.returncode == 2
    assert option in done.stderr
    assert "does not exist" in done.stderr
