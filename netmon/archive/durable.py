"""What it takes that a file and its name outlive a power failure."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["replace", "sha256", "sync"]


def sync(path: Path) -> None:
    """Make a file's content durable, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Give a finished file its name, in one step and durably; a file of that name before is gone."""
    sync(source)
    source.replace(target)
    sync(target.parent)


def sha256(file: Path) -> str:
    """A file's checksum, as 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
