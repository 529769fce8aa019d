"""When tests run that load a line, or that one which does would disturb; every one that could not run is told."""

from netmon.loading.queue import MOST_SLIP_SHARE, Blocked, Due, Queue, resources
from netmon.loading.service import Loading

__all__ = ["MOST_SLIP_SHARE", "Blocked", "Due", "Loading", "Queue", "resources"]
