"""The two commands about users, as a person runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bcrypt

from tests.lab.web_config import users_text


def netmon(*arguments: str, typed: str = "", language: str = "en") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netmon", "--lang", language, *arguments]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60)


def test_a_password_comes_from_standard_input_and_goes_out_as_a_hash() -> None:
    done = netmon("hash-password", "--cost", "10", typed="a good password\n")
    assert done.returncode == 0
    assert done.stderr == ""
    assert bcrypt.checkpw(b"a good password", done.stdout.strip().encode())


def test_a_password_is_never_an_argument() -> None:
    done = netmon("hash-password", "a good password")
    assert done.returncode == 2
    assert netmon("hash-password", typed="short\n").returncode == 2


def test_a_web_configuration_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(users_text())
    file.chmod(0o640)
    done = netmon("check-web-config", str(file))
    assert (done.returncode, done.stdout) == (0, f"{file} is right: 3 users, TLS off\n")
    assert "bcrypt cost below 10" in done.stderr
    assert "个用户" in netmon("check-web-config", str(file), language="zh").stdout

    file.write_text("basic_auth_user: {}\n")
    done = netmon("check-web-config", str(file))
    assert done.returncode == 2
    assert "did you mean basic_auth_users?" in done.stderr
