"""The JSON interface ``/api/v1``."""

from netmon.web.api.operations import Api

__all__ = ["Api"]
