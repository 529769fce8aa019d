"""What stands on the pages of a pdf, and where."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.lab.need import program

__all__ = ["apart", "text_of", "within_the_page"]

WIDTH, HEIGHT = 595.28, 841.89
MARGIN = 15 / 25.4 * 72
TOP = 20
SHARED = 0.35


def text_of(path: Path) -> str:
    """All text of a pdf, as it is written."""
    command = [program("pdftotext", "poppler-utils"), "-raw", str(path), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


Box = tuple[float, float, float, float]


def boxes_of(path: Path) -> list[list[tuple[Box, str]]]:
    """Of each page, where each word stands (left, top, right, bottom, in points), and the word."""
    command = [program("pdftotext", "poppler-utils"), "-bbox", str(path), "-"]
    made = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    sides = " ".join(rf'{side}="([-\d.]+)"' for side in ("xMin", "yMin", "xMax", "yMax"))
    word = re.compile(rf"<word {sides}>(.*?)</word>", re.DOTALL)
    pages = []
    for page in made.split("<page ")[1:]:
        found = [((float(a), float(b), float(c), float(d)), text) for a, b, c, d, text in word.findall(page)]
        pages.append(found)
    return pages


def within_the_page(path: Path) -> None:
    """Every word lies within its page's margins of 15 mm, and on no other word: none is cut, none printed over."""
    pages = boxes_of(path)
    assert sum(map(len, pages)) > 20
    for page in pages:
        for (left, top, right, bottom), word in page:
            assert MARGIN <= left <= right <= WIDTH - MARGIN, word
            assert TOP <= top <= bottom <= HEIGHT - TOP, word
    apart(path)


def apart(path: Path) -> None:
    """No word is printed over another one, as lines that do not fit their row are."""
    for number, page in enumerate(boxes_of(path), start=1):
        for place, (one, word) in enumerate(page):
            for other, over in page[place + 1 :]:
                assert _shared(one, other) < SHARED, (path.name, number, word, over)


def _shared(one: Box, other: Box) -> float:
    """The share of the smaller box that lies on the other."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (min(areas) or 1.0)
