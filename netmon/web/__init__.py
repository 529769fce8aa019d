"""The pages: the table of checks, ``/metrics`` and the two health endpoints."""

from netmon.web.app import View, create_app
from netmon.web.server import serve

__all__ = ["View", "create_app", "serve"]
