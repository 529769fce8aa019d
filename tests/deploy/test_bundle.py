"""The offline bundle: installed where there is no network; damage and wrong Pythons are refused with a sentence.

A soak run fetches every wheel for every Python and processor and installs them; any other run uses a tiny stand-in.
"""

from __future__ import annotations

import ensurepip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from deploy import bundle
from netmon import __version__
from tests.lab import need
from tests.lab.soak import SOAK, scale
from tests.lab.stack import ROOT

METADATA = f"Metadata-Version: 2.1\nName: netmon\nVersion: {__version__}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def stand_in(*arguments: str) -> None:
    """What pip would make or fetch: a netmon that says its version, and pip itself."""
    if arguments[0] == "wheel":
        folder = Path(arguments[arguments.index("--wheel-dir") + 1])
        info = f"netmon-{__version__}.dist-info"
        with zipfile.ZipFile(folder / f"netmon-{__version__}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("netmon.py", f"def main(): print('netmon {__version__}')\n")
            wheel.writestr(f"{info}/METADATA", METADATA)
            wheel.writestr(f"{info}/WHEEL", WHEEL)
            wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\nnetmon = netmon:main\n")
            wheel.writestr(f"{info}/RECORD", "")
    else:
        folder = Path(next(each for each in arguments if each.startswith("--dest=")).removeprefix("--dest="))
        (pip,) = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
        shutil.copy(pip, folder)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        if not SOAK:
            patch.setattr(bundle, "_pip", stand_in)
        return bundle.bundle(tmp_path_factory.mktemp("dist"), bundle.PYTHONS, bundle.ARCHITECTURES)


@pytest.fixture
def unpacked(packed: Path, tmp_path: Path) -> Path:
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path / packed.stem


def install(folder: Path, target: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run the installer in a network of its own, in which nothing is."""
    need.namespaces()
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", str(folder / "install.sh"), str(target)],
        env={"PATH": "/usr/bin:/bin", "PYTHON": python}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_it_is_installed_without_a_network(unpacked: Path, tmp_path: Path) -> None:
    target = tmp_path / "opt"
    mine = target / "config" / "sites.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    for _turn in range(scale(1, 2)):
        done = install(unpacked, target)
        assert done.returncode == 0, done.stderr
        assert f"netmon {__version__}" in done.stdout
    assert mine.read_text() == "mine"
    assert (target / "share" / "docs" / "install.md").is_file()
    if SOAK:
        sample = target / "share" / "config" / "sites.yaml"
        assert subprocess.run([target / ".venv/bin/netmon", "check-config", sample]).returncode == 0


def test_checksums_are_right_and_only_what_git_knows_is_in_it(packed: Path, unpacked: Path) -> None:
    digest, name = packed.with_suffix(".tar.sha256").read_text().split()
    assert name == packed.name
    assert hashlib.sha256(packed.read_bytes()).hexdigest() == digest
    listed = {line.split("  ")[1] for line in (unpacked / "SHA256SUMS").read_text().splitlines()}
    present = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert listed == present - {"SHA256SUMS"}
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    made = {"install.sh", "SHA256SUMS"}
    assert {name for name in present - made if not name.startswith("wheels/")} <= set(done.stdout.splitlines())
    assert {"docker-compose.yml", "config/sites.yaml", "deploy/netmon.service", "constraints.txt"} <= present


def test_a_damaged_bundle_is_refused(unpacked: Path, tmp_path: Path) -> None:
    wheel = next((unpacked / "wheels").glob("netmon-*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"x")
    done = install(unpacked, tmp_path / "opt")
    assert done.returncode == 2
    assert "the bundle is damaged" in done.stderr
    assert not (tmp_path / "opt").exists()


@pytest.mark.parametrize(("python", "says"), [("no-such-python", "there is no"), ("old", "needs Python 3.11 to 3.13")])
def test_a_python_that_will_not_do_is_refused(unpacked: Path, tmp_path: Path, python: str, says: str) -> None:
    old = tmp_path / "old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.7.3"\nexit 1\n')
    old.chmod(0o755)
    done = install(unpacked, tmp_path / "opt", str(old) if python == "old" else python)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "opt").exists()
