"""A process that works and ends, without any clean-up, at the n-th line that it reaches.

Reads lines ``work n folder argument`` and answers each with the number of lines reached; n = 0 never ends. Lines are
those of the work and of its package, each counted when it is reached for the first or second time. A child is forked
for each, from a process without threads.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb  # noqa: F401 (loaded once, before forking)

from netmon.alerts import outbox, senders
from netmon.alerts.settings import Server
from netmon.archive import days

__all__ = ["end_at_lines"]

ROOT = Path(__file__).parents[2]


def end_at_lines(work: str, runs: Iterable[tuple[int, Path]], argument: int) -> list[int]:
    """Work in processes that end at these lines, each in its folder; how many lines each reached."""
    asked = "".join(f"{work} {end_at} {folder} {argument}\n" for end_at, folder in runs)
    command = [sys.executable, "-m", "tests.lab.end_at_line"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def close_days(folder: Path, now_ns: int) -> None:
    """Close the days of an archive."""
    days.close_days(folder, now_ns=now_ns)


def send(folder: Path, port: int) -> None:
    """Save a mail to somebody of the folder's name, send it, note what the server said."""
    sender, recipient = "netmon@example.org", f"{folder.name}@example.org"
    content = f"From: {sender}\r\nTo: {recipient}\r\nMessage-ID: <{folder.name}@x>\r\n\r\nbody\r\n".encode()
    message = outbox.Message(message_id=f"<{folder.name}@x>", channel="mail", recipient=recipient, content=content)
    server = Server(host="127.0.0.1", port=port, security="none", timeout_seconds=5.0)
    box = outbox.Outbox.open(folder)
    box.save({"n": 1}, [message], 1)
    for pending in box.due(2):
        answer = asyncio.run(senders.send_mail([server], sender, pending.message))
        box.note(pending.number, answer.outcome.value, answer.text, 2)
    box.close()


WORKS = {work.__name__: (work, Path(module.__file__).parent) for work, module in ((close_days, days), (send, outbox))}


def run(work: str, end_at: int, folder: Path, argument: int, answer: int) -> None:
    """Work; write the number of lines reached to ``answer``."""
    function, package = WORKS[work]
    seen: Counter[tuple[str, int]] = Counter()
    count = 0

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        if frame.f_code is not function.__code__ and Path(frame.f_code.co_filename).parent != package:
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
    function(folder, argument)
    sys.settrace(None)
    os.write(answer, b"%d" % count)


def main() -> None:
    """Serve until standard input ends."""
    for line in sys.stdin:
        work, end_at, folder, argument = line.split()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            run(work, int(end_at), Path(folder), int(argument), writing)
            os._exit(0)
        os.close(writing)
        _child, status = os.waitpid(child, 0)
        sys.stdout.buffer.write(os.read(reading, 20) + b"\n")
        os.close(reading)
        if status:
            sys.exit(1)


if __name__ == "__main__":
    main()
