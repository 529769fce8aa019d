"""What the tests of pages share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from netmon.web import Access
from netmon.web.auth import load_web_config
from tests.lab.web_config import MemoryBook, users_text


@pytest.fixture
def access(tmp_path: Path) -> Iterator[Access]:
    """Users of every role, and a book that is read back."""
    file = tmp_path / "web.yaml"
    file.write_text(users_text())
    with contextlib.closing(Access(load_web_config(file))) as made:
        made.book = MemoryBook()
        yield made
