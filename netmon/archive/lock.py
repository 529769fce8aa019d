"""One process writes to an archive: an advisory lock that the kernel drops when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from netmon.archive.schema import ArchiveError
from netmon.i18n import _

__all__ = ["FolderLock"]

FILE_NAME = "journal.lock"


class FolderLock:
    """Held from construction to :meth:`release`, or to the end of a ``with`` block.

    Raises:
        ArchiveError: another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise ArchiveError(
                _("the archive in {folder} is in use by process {process}: stop it, or use another folder").format(
                    folder=folder, process=holder or "?"
                )
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_how: object) -> None:
        self.release()

    def release(self) -> None:
        """Let another process write."""
        os.close(self._descriptor)
