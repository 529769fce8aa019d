"""The status board, ``/metrics``, health endpoints, and who may see and do what."""

from netmon.web import control
from netmon.web.app import create_app
from netmon.web.auth.access import Access, ExposedError
from netmon.web.auth.book import ArchiveBook
from netmon.web.server import serve
from netmon.web.view import View

__all__ = ["Access", "ArchiveBook", "ExposedError", "View", "control", "create_app", "serve"]
