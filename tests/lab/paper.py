"""What stands on the pages of a pdf, and where."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.lab.need import program

__all__ = ["text_of", "within_the_page"]

WIDTH, HEIGHT = 595.28, 841.89
MARGIN = 15 / 25.4 * 72
TOP = 20


def text_of(path: Path) -> str:
    """All text of a pdf, as it is written."""
    command = [program("pdftotext", "poppler-utils"), "-raw", str(path), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def within_the_page(path: Path) -> None:
    """Every word lies within its page's margins of 15 mm: none is cut."""
    command = [program("pdftotext", "poppler-utils"), "-bbox", str(path), "-"]
    made = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    words = re.findall(r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">', made)
    assert len(words) > 20
    for box in words:
        left, top, right, bottom = map(float, box)
        assert MARGIN <= left <= right <= WIDTH - MARGIN, box
        assert TOP <= top <= bottom <= HEIGHT - TOP, box
