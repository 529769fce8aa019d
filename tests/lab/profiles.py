"""Vendor profiles that do not come with the program, known for as long as a test runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from probes import profiles

__all__ = ["known_profile", "terminal_profile"]


@contextmanager
def known_profile(name: str, text: str) -> Iterator[None]:
    """The profile of this text, known beside the others within the block."""
    before = profiles.added()
    profiles.use({**before, name: profiles.parse(name, text)})
    try:
        yield
    finally:
        profiles.use(before)


@contextmanager
def terminal_profile() -> Iterator[None]:
    """The demo's radio terminal, as ``terminal``."""
    with known_profile("terminal", (files("netmon.demo") / "radio-terminal.yaml").read_text(encoding="utf-8")):
        yield
