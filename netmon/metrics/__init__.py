"""What is measured, and how netmon itself is doing, as Prometheus metrics. Names and labels: docs/metrics.md."""

from netmon.metrics.checks import CheckMetrics
from netmon.metrics.internals import ArchiveCounters, Internals

__all__ = ["ArchiveCounters", "CheckMetrics", "Internals"]
