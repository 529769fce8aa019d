"""The pages: the table of checks, ``/metrics`` and the two health endpoints."""

from netmon.web.app import View, create_app
from netmon.web.auth.access import Access, ExposedError
from netmon.web.auth.book import ArchiveBook
from netmon.web.server import serve

__all__ = ["Access", "ArchiveBook", "ExposedError", "View", "create_app", "serve"]
