"""The report of a year: 200 checks each minute, all formats, both languages.

The archive is the one of `python bench/years.py`, made here if FOLDER has none. Beside it stands the least that
has to be done: `netmon targets`, which judges the same year and writes no file. Usage: python bench/report.py
[--checks 200] [--days 365] [--interval 60] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.pairs import cpu_of
from bench.years import REGISTER


def measure(folder: Path) -> None:
    """Print time and memory: the first time, when each day is summed once, and the second time."""
    out = folder / "report"
    given = ["--register", str(REGISTER), "--data", str(folder), "--year", "2025"]
    netmon = [sys.executable, "-m", "netmon"]
    (folder / "sums.sqlite").unlink(missing_ok=True)
    first = cpu_of([*netmon, "report", *given, "--out", str(out), "--issued", "2026-01-05"])
    shutil.rmtree(out, ignore_errors=True)
    again = cpu_of([*netmon, "report", *given, "--out", str(out), "--issued", "2026-01-05"])
    bare = cpu_of([*netmon, "targets", *given, "--json"])
    for name, run in (("the first time", first), ("again", again), ("netmon targets", bare)):
        if run.exit_code:
            raise SystemExit(run.output)
        print(
            f"  {name}: {run.wall_seconds:.1f} s, {run.cpu_seconds:.1f} s of processor,"
            f" {run.max_rss_bytes / 2**20:.0f} MiB"
        )
    files = list(out.iterdir())
    print(f"  {len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB")
    print(f"  ratio of processor time to netmon targets: {again.cpu_seconds / bare.cpu_seconds:.2f}")
    shutil.rmtree(out)


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=200)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--interval", type=int, default=60)
    parser.add_argument("--folder", type=Path, help="keep the archive here; one that is there is used as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "days").exists():
            # In a process of its own: a child's greatest memory is at least its parent's.
            given = [f"--{name}={getattr(options, name)}" for name in ("checks", "days", "interval")]
            script = Path(__file__).with_name("years.py")
            subprocess.run([sys.executable, script, "--fill", f"--folder={folder}", *given], check=True)
        measure(folder)


if __name__ == "__main__":
    main()
