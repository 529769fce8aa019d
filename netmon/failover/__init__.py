"""Failovers: a site's uplink was lost, and its backup took over, or did not."""

from netmon.failover.record import (
    FAILOVER,
    FAILOVER_ENDED,
    Failover,
    Outcome,
    Service,
    Use,
    failovers_of,
    read_failovers,
)
from netmon.failover.service import Failovers
from netmon.failover.words import gap_text, result_text, use_lines

__all__ = [
    "FAILOVER",
    "FAILOVER_ENDED",
    "Failover",
    "Failovers",
    "Outcome",
    "Service",
    "Use",
    "failovers_of",
    "gap_text",
    "read_failovers",
    "result_text",
    "use_lines",
]
