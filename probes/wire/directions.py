"""The directions of a test that loads a line, by name; the index of its readings."""

from __future__ import annotations

from typing import Final

__all__ = ["DIRECTIONS", "FROM_SITE", "TO_SITE"]

TO_SITE, FROM_SITE = "to_site", "from_site"
DIRECTIONS: Final = {"both": (TO_SITE, FROM_SITE), TO_SITE: (TO_SITE,), FROM_SITE: (FROM_SITE,)}
"""What the inventory says, and the directions that are tested one after the other."""
