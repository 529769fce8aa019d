"""The other ends of the county's capacity tests: the real reflector, in threads of this process."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from queue import Queue
from typing import Any, Final

from probes.wire.capacity_reflector import Limits, serve

__all__ = ["Reflectors"]

LIMITS: Final = Limits(bits_per_second=5e6, seconds=60.0, tests=4, tests_an_hour=100_000)
"""Several at once, since a slow line can lose the message that ends a test."""
READY_SECONDS: Final = 10.0
KEY_FILE: Final = "reflector-key"


class Reflectors:
    """One for each line that is tested; all have the same key."""

    def __init__(self) -> None:
        self._key = secrets.token_hex(32)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def write_key(self, folder: Path) -> str:
        """Write the key where the inventory finds it; the file's name."""
        path = folder / KEY_FILE
        path.touch(mode=0o600)
        path.write_text(self._key + "\n", encoding="ascii")
        return KEY_FILE

    def add(self, host: str, port: int) -> int:
        """Start one, 0 for any port; the port at which it listens."""
        listening: Queue[int | OSError] = Queue()

        def ready(names: list[Any]) -> None:
            listening.put(int(names[0][1]))

        def work() -> None:
            try:
                serve([(host, port)], self._key.encode(), LIMITS, stopped=self._stop.is_set, ready=ready)
            except OSError as error:
                listening.put(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)
        found = listening.get(timeout=READY_SECONDS)
        if isinstance(found, OSError):
            raise found
        return found

    def stop(self) -> None:
        """End them all."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
