"""The metric families about the network: their names, kinds and help texts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from netmon.metrics.exposition import Family, Kind, metric_name
from probes.base import ProbeKind

__all__ = ["COUNTED", "ECHOES", "FIXED", "RTT", "RTT_BUCKETS", "Families", "reading_metric"]

FIXED: Final[Mapping[str, tuple[Kind, str]]] = {
    "netmon_site_info": ("gauge", "A site of the inventory; join on site."),
    "netmon_asset_info": ("gauge", "A piece of equipment of the inventory; join on asset."),
    "netmon_check_info": ("gauge", "A check that the inventory asks for; join on check and vantage."),
    "netmon_required_equipment": ("gauge", "Pieces of equipment of a kind that a site must have."),
    "netmon_equipment_present": ("gauge", "Pieces of equipment of a kind that a site has in service today."),
    "netmon_check_interval_seconds": ("gauge", "Seconds between two runs of a check."),
    "netmon_check_timeout_seconds": ("gauge", "Seconds after which a run of a check is given up."),
    "netmon_threshold": ("gauge", "A limit that a reading is judged by; reading is a metric's name without netmon_."),
    "netmon_check_status": (
        "gauge",
        "Raw status of the last run, 1 for the one that holds; unknown where there is none or it is too old.",
    ),
    "netmon_check_effective_status": (
        "gauge",
        "What the status means now (dependencies, maintenance), 1; cause is what is to blame, or the window.",
    ),
    "netmon_check_runs_total": ("counter", "Runs of a check, confirming ones included."),
    "netmon_check_failures_total": ("counter", "Runs that did not get what they asked for, by failure."),
    "netmon_check_last_run_timestamp_seconds": ("gauge", "When the last run of a check started."),
    "netmon_probe_duration_seconds": ("gauge", "How long the last run of a check took."),
    "netmon_echo_requests_total": ("counter", "ICMP echo requests sent."),
    "netmon_echo_replies_total": ("counter", "ICMP echo requests that were answered in time, each counted once."),
    "netmon_available_seconds_total": ("counter", "Seconds that were available time, by the stream over a line."),
    "netmon_unavailable_seconds_total": ("counter", "Seconds that were unavailable time (ITU-T Y.1563)."),
    "netmon_severely_errored_seconds_total": ("counter", "Seconds of available time with more than half of it lost."),
    "netmon_rtt_seconds": ("histogram", "Round-trip times of all answered echo requests (RFC 2681)."),
    "netmon_device_state": ("gauge", "What a state that the device reports means, 1 for the meaning that holds."),
    "netmon_device_state_info": ("gauge", "A state that the device reports, in the device's word."),
}

# Counted instead of shown: a ratio over any time needs both of its parts as counters.
COUNTED: Final = {
    "sent": "netmon_echo_requests_total",
    "received": "netmon_echo_replies_total",
    "available_seconds": "netmon_available_seconds_total",
    "unavailable_seconds": "netmon_unavailable_seconds_total",
    "severely_errored_seconds": "netmon_severely_errored_seconds_total",
}
ECHOES: Final = frozenset({"sent", "received"})
"""A kind that has these sends echo requests, and keeps every round trip unless it does so all the time."""

RTT: Final = "rtt_seconds"
# 50 us doubled up to 26.2 s: a LAN and a geostationary satellite (0.6 s) both have buckets around them.
RTT_BUCKETS: Final = tuple(round(50e-6 * 2**power, 6) for power in range(20))


def reading_metric(name: str) -> tuple[str, float]:
    """A reading's metric, and what its value is multiplied by.

    Bits per second become bytes per second; ``_count`` is left out, because it marks a histogram's series.
    """
    if name.endswith("_bits_per_second"):
        return f"netmon_{metric_name(name.removesuffix('_bits_per_second'))}_bytes_per_second", 0.125
    return f"netmon_{metric_name(name.removesuffix('_count'))}", 1.0


class Families:
    """All families: the fixed ones, and one for each reading that was seen.

    Args:
        kinds: declare the readings' help texts; where two declare the same reading, the first is taken.
    """

    def __init__(self, kinds: Mapping[str, ProbeKind[Any]]) -> None:
        self._fixed = {name: Family(name, text, kind) for name, (kind, text) in FIXED.items()}
        self._readings: dict[str, Family] = {}
        self._help: dict[str, str] = {}
        for kind in kinds.values():
            for reading in kind.readings:
                self._help.setdefault(reading.name, reading.help)
            for counter in kind.counters:
                self._help.setdefault(counter.rate, counter.help)

    def __getitem__(self, name: str) -> Family:
        """A fixed family."""
        return self._fixed[name]

    def __iter__(self) -> Iterator[Family]:
        return iter((*self._fixed.values(), *self._readings.values()))

    def drop(self, checks: Collection[tuple[str, str]]) -> None:
        """Take away all blocks of these (check, vantage)."""
        if checks:
            for family in self:
                family.blocks = {key: block for key, block in family.blocks.items() if key[:2] not in checks}

    def reading(self, name: str) -> tuple[Family, float] | None:
        """A reading's family and factor; ``None`` where a vendor profile chose the name of a fixed family."""
        metric, factor = reading_metric(name)
        if metric in self._fixed:
            return None
        family = self._readings.get(metric)
        if family is None:
            text = self._help.get(name, "A reading of a vendor profile.")
            if factor != 1.0:
                text += " Bytes per second."
            family = self._readings[metric] = Family(metric, text, "gauge")
        return family, factor
