"""A process that closes days and ends, without any clean-up, at the n-th line that it reaches.

Reads lines ``n folder now_ns`` and answers each with the number of lines reached; n = 0 never ends. Lines are those of
the package netmon.archive, each counted when it is reached for the first or second time. A child is forked for each,
from a process without threads.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb  # noqa: F401 (loaded once, before forking)

from netmon.archive import days

PACKAGE = Path(days.__file__).parent


def close_days(folder: Path, now_ns: int, end_at: int, answer: int) -> None:
    """Close days; write the number of lines reached to ``answer``."""
    seen: Counter[tuple[str, int]] = Counter()
    count = 0

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        if Path(frame.f_code.co_filename).parent != PACKAGE:
            return None
        if event == "line":
            key = (frame.f_code.co_filename, frame.f_lineno)
            seen[key] += 1
            if seen[key] <= 2:
                count += 1
                if count == end_at:
                    os.write(answer, b"%d" % count)
                    os._exit(0)
        return trace

    sys.settrace(trace)
    days.close_days(folder, now_ns=now_ns)
    sys.settrace(None)
    os.write(answer, b"%d" % count)


def main() -> None:
    """Serve until standard input ends."""
    for line in sys.stdin:
        end_at, folder, now_ns = line.split()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            close_days(Path(folder), int(now_ns), int(end_at), writing)
            os._exit(0)
        os.close(writing)
        _child, status = os.waitpid(child, 0)
        sys.stdout.buffer.write(os.read(reading, 20) + b"\n")
        os.close(reading)
        if status:
            sys.exit(1)


if __name__ == "__main__":
    main()
