"""`make test` on a small clone: both parts run, either can fail it, and in CI a skip of any kind does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab.need import program

ROOT = Path(__file__).parents[1]

ONE = """
import pytest

def test_good(): pass

@pytest.mark.skipif(True, reason="a mark")
def test_by_mark(): pass

@pytest.fixture
def lacking(): pytest.skip("a fixture")

def test_by_fixture(lacking): pass

def test_by_itself(): pytest.skip("itself")

@pytest.mark.alone
def test_alone(): {alone}
"""
OTHER = """
import pytest

pytest.importorskip("no_such_module")
"""
REASONS = ("could not import 'no_such_module'", "a mark", "a fixture", "itself", "alone")
FORBIDDEN = "skipped, and NETMON_NO_SKIP=1 allows no skip: Skipped: "
SKIPPED_ALONE = ONE.format(alone="pytest.skip('alone')")


def make_test(folder: Path, tests: dict[str, str], **environment: str) -> tuple[int, str]:
    """The exit code and what a person reads."""
    for name in ("Makefile", "pyproject.toml", "tests/conftest.py", "tests/lab/soak.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name, text in tests.items():
        (folder / "tests" / name).write_text(text)
    command = [program("make", "make"), "--old-file=.venv/.dev", "test", f"BIN={Path(sys.executable).parent}"]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "NETMON_", "MAKE"))}
    own |= {"PYTEST_DEBUG_TEMPROOT": str(folder)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=own | environment)
    return done.returncode, done.stdout + done.stderr


def test_what_cannot_run_here_is_skipped_and_told(tmp_path: Path) -> None:
    code, said = make_test(tmp_path, {"test_one.py": SKIPPED_ALONE, "test_two.py": OTHER})
    assert code == 0, said
    assert "1 passed, 4 skipped in" in said
    assert "2 skipped, 4 deselected in" in said
    for reason in REASONS:
        assert f": {reason}" in said, reason


def test_in_ci_every_skip_in_the_first_part_is_a_failure_and_the_second_part_runs(tmp_path: Path) -> None:
    code, said = make_test(
        tmp_path, {"test_one.py": ONE.format(alone="pass"), "test_two.py": OTHER}, NETMON_NO_SKIP="1"
    )
    assert code != 0
    first, second = said.split("== tests that need the machine for themselves")
    assert "1 failed, 1 passed, 3 errors in" in first
    for reason in REASONS[:-1]:
        assert f"{FORBIDDEN}{reason}" in first, reason
    assert f"{FORBIDDEN}{REASONS[0]}" in second


def test_in_ci_a_skip_in_the_second_part_is_a_failure(tmp_path: Path) -> None:
    tests = "import pytest\n\n@pytest.mark.alone\ndef test_alone(): pytest.skip('alone')\n\ndef test_good(): pass\n"
    code, said = make_test(tmp_path, {"test_one.py": tests}, NETMON_NO_SKIP="1")
    assert code != 0
    first, second = said.split("== tests that need the machine for themselves")
    assert "1 passed in" in first
    assert "1 failed, 1 deselected in" in second
    assert f"{FORBIDDEN}alone" in second
