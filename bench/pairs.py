"""Runs commands in turn, A B A B ..., and compares them pair by pair: this machine's speed drifts, ratios hold.

CPU is user + system time of the whole process and its children, by the operating system's own accounting (wait4).
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

__all__ = ["Run", "cpu_of", "in_pairs", "process_cpu_seconds", "summary"]


@dataclass(frozen=True, slots=True)
class Run:
    """One whole process."""

    cpu_seconds: float
    wall_seconds: float
    max_rss_bytes: int
    output: str
    exit_code: int


def cpu_of(command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> Run:
    """Run a command to its end and account for it."""
    started = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd, env=env
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, output, process.returncode)


def process_cpu_seconds(pid: int) -> float:
    """User and system seconds of a running process so far, in the kernel's ticks (proc(5), fields 14 and 15)."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def in_pairs(one: Callable[[], float], other: Callable[[], float], pairs: int) -> list[tuple[float, float]]:
    """Measure both in turn."""
    return [(one(), other()) for _ in range(pairs)]


def summary(name: str, other: str, pairs: Sequence[tuple[float, float]], *, unit: str, scale: float = 1.0) -> str:
    """Medians of both, and the median and range of the ratio pair by pair."""
    ratios = sorted(a / b for a, b in pairs)
    return (
        f"{name} {median(a for a, _ in pairs) * scale:.3g} {unit}, {other} {median(b for _, b in pairs) * scale:.3g} "
        f"{unit}: ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} pairs)"
    )
