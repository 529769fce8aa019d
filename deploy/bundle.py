"""The offline bundle: wheels for every supported Python and processor, checksums, an installer that needs no registry.

    python deploy/bundle.py DIST [--python 3.11]... [--arch x86_64]...

A folder and a tar file of it in DIST. Wheels are fetched by pip, in the versions of constraints.txt.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PYTHONS: Final = ("3.11", "3.12", "3.13")
ARCHITECTURES: Final = ("x86_64", "aarch64")
# glibc 2.28 and earlier: Debian 10 and later, and what is built on it.
GLIBCS: Final = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
SHIPPED: Final = (
    "config", "deploy", "docs", "grafana", "docker-compose.yml", "constraints.txt", "LICENSE", "README.md",
    "README.zh-CN.md", "CHANGELOG.md",
)  # fmt: skip
CHECKSUMS: Final = "SHA256SUMS"


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("dist", type=Path)
    parser.add_argument("--python", action="append", choices=PYTHONS, dest="pythons")
    parser.add_argument("--arch", action="append", choices=ARCHITECTURES, dest="architectures")
    arguments = parser.parse_args()
    made = bundle(arguments.dist, arguments.pythons or PYTHONS, arguments.architectures or ARCHITECTURES)
    sys.stdout.write(f"{made}\n")


def bundle(dist: Path, pythons: Sequence[str], architectures: Sequence[str]) -> Path:
    """Make the bundle; the path of its tar file, beside which its checksum is.

    Raises:
        subprocess.CalledProcessError: pip or git failed, and said why.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    folder = dist / f"netmon-{version}-offline"
    if folder.exists():
        shutil.rmtree(folder)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
    (wheel,) = wheels.glob("netmon-*.whl")
    for number, (python, architecture) in enumerate((p, a) for p in pythons for a in architectures):
        total = len(pythons) * len(architectures)
        sys.stderr.write(f"[{number + 1}/{total}] Python {python}, {architecture}\n")
        platforms = [f"--platform=manylinux_{glibc}_{architecture}" for glibc in GLIBCS]
        platforms += [f"--platform=manylinux2014_{architecture}"]
        _pip(
            "download", "--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms,
            f"--constraint={ROOT / 'constraints.txt'}", f"--dest={wheels}", str(wheel), "pip",
        )  # fmt: skip
    for name in _tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "deploy" / "install.sh", folder)
    lines = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in sorted(_files(folder))]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    packed = dist / f"{folder.name}.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(folder, folder.name)
    packed.with_suffix(".tar.sha256").write_text(f"{_sha256(packed)}  {packed.name}\n", encoding="utf-8")
    return packed


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def _tracked() -> list[str]:
    """Files that git knows: what somebody keeps beside them, such as passwords, stays here."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--", *SHIPPED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in done.stdout.split("\0") if name]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
