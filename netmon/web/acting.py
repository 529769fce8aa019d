"""What pages need on which people act: what is known, the frame, and who may do what."""

from __future__ import annotations

from netmon.web.auth.access import Access
from netmon.web.render import Renderer
from netmon.web.view import View

__all__ = ["ActingPages"]


class ActingPages:
    """Pages of which each act is taken down with its author."""

    def __init__(self, view: View, renderer: Renderer, access: Access) -> None:
        self._view = view
        self._renderer = renderer
        self._access = access
