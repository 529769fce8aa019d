"""A small disk of a process's own: a tmpfs in a mount namespace, which a test fills and empties."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.lab import need

__all__ = ["SmallDisk"]


class SmallDisk:
    """Runs a command whose folder ``place`` is a disk of ``size_bytes``. Use it as a context manager."""

    def __init__(
        self, command: Sequence[str], place: Path, *, size_bytes: int, environment: dict[str, str], cwd: Path
    ) -> None:
        need.namespaces()
        place.mkdir(exist_ok=True)
        self._place = place
        self._kept: int | None = None
        script = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'
        within = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(size_bytes), place]
        self.process = subprocess.Popen(
            [*within, *command],
            env=environment, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> SmallDisk:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.process.kill()
        self.process.communicate()
        if self._kept is not None:
            os.close(self._kept)

    @property
    def folder(self) -> Path:
        """The disk as this process sees it."""
        return Path(f"/proc/{self.process.pid}/root{self._place}")

    def keep(self) -> Path:
        """The disk as a folder that stays when the process has ended, until the block is left."""
        self._kept = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        return Path(f"/proc/self/fd/{self._kept}")

    def fill(self) -> None:
        """Leave no byte free."""
        descriptor = os.open(self.folder / "filler", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            for size in (65536, 4096, 1):
                self._write_until_full(descriptor, b"\0" * size)
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        """Give the room back."""
        (self.folder / "filler").unlink()

    @staticmethod
    def _write_until_full(descriptor: int, block: bytes) -> None:
        try:
            while True:
                os.write(descriptor, block)
        except OSError:
            return
