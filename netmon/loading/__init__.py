"""When tests that load a line run: one at a time, when nobody needs the line, and every one that could not is told."""

from netmon.loading.queue import Blocked, Due, Queue, resources
from netmon.loading.service import Loading

__all__ = ["Blocked", "Due", "Loading", "Queue", "resources"]
