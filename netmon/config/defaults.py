"""What follows from a kind of equipment: which checks, how often, and by which limits. docs/inventory.md shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from netmon.model import Threshold

__all__ = ["CHECK_DEFAULTS", "EQUIPMENT_CHECKS", "NORMALLY_OFF", "ONLY_WITH_ENDS", "SAME_SERVICE", "CheckDefaults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDefaults:
    """What holds for every check of a probe kind unless the inventory says otherwise.

    Attributes:
        confirm_seconds: wait before the confirming re-probe; ``None`` for none.
    """

    interval_seconds: float = 60.0
    timeout_seconds: float = 10.0
    confirm_seconds: float | None = 5.0
    thresholds: tuple[Threshold, ...] = field(default_factory=tuple)


LOSS = Threshold(reading="loss_ratio", degraded_above=0.05)
CERTIFICATE = Threshold(reading="certificate_remaining_seconds", degraded_below=14 * 86400.0)

CHECK_DEFAULTS: Final[Mapping[str, CheckDefaults]] = {
    "ping": CheckDefaults(timeout_seconds=5.0, thresholds=(LOSS,)),
    "tcp": CheckDefaults(thresholds=(CERTIFICATE,)),
    "dns": CheckDefaults(timeout_seconds=5.0),
    "http": CheckDefaults(thresholds=(CERTIFICATE,)),
    "snmp": CheckDefaults(),
    "base_station": CheckDefaults(
        thresholds=(
            LOSS,
            Threshold(reading="icmp_up", degraded_below=1.0),
            Threshold(reading="snmp_up", degraded_below=1.0),
        )
    ),
    "uplink": CheckDefaults(
        thresholds=(
            # The plan's 50M, read as 50 Mbit/s of the provisioned service.
            Threshold(reading="provisioned_bits_per_second", degraded_below=50e6),
            Threshold(reading="interface_speed_bits_per_second", degraded_below=50e6),
            Threshold(reading="provisioned_speed_ratio", degraded_below=1.0),
            Threshold(reading="negotiated_speed_ratio", degraded_below=1.0),
            Threshold(reading="implausible_counters", degraded_above=0.0),
            LOSS,
        )
    ),
    # A few packets an hour; where large ones vanish, forty.
    "path_mtu": CheckDefaults(
        interval_seconds=3600.0,
        timeout_seconds=60.0,
        confirm_seconds=60.0,
        thresholds=(Threshold(reading="path_mtu_bytes", degraded_below=1500.0),),
    ),
    # A test a day; it is repeated by its own rules, not at once.
    "capacity": CheckDefaults(interval_seconds=86_400.0, timeout_seconds=60.0, confirm_seconds=None),
    # Once a day, and entered within the six hours after that.
    "roll_call": CheckDefaults(interval_seconds=86_400.0, timeout_seconds=6 * 3600.0, confirm_seconds=None),
    # MOS 3.6 is R = 70, below which many users are dissatisfied (ITU-T G.107, annex B). It lasts for its interval.
    "stream": CheckDefaults(confirm_seconds=None, thresholds=(LOSS, Threshold(reading="mos_cqe", degraded_below=3.6))),
    # It moves a lot, and what it says is for people.
    "iperf3": CheckDefaults(interval_seconds=7 * 86_400.0, timeout_seconds=40.0, confirm_seconds=None),
    "ipv6": CheckDefaults(
        thresholds=(
            Threshold(reading="failed_addresses", degraded_above=0.0),
            # The certificate that IPv4 presents is judged by the equipment's http check.
            Threshold(reading="certificate_remaining_seconds[ipv6]", degraded_below=14 * 86400.0),
        )
    ),
    "satellite": CheckDefaults(
        thresholds=(
            LOSS,
            Threshold(reading="icmp_up", degraded_below=1.0),
            Threshold(reading="snmp_up", degraded_below=1.0),
            Threshold(reading="hub_up", degraded_below=1.0),
        )
    ),
}
"""Limits by probe kind. A kind that is not listed has :class:`CheckDefaults` as it stands."""

EQUIPMENT_CHECKS: Final[Mapping[str, Mapping[str, str]]] = {
    "base_station": {"base-station": "base_station"},
    "uplink": {"uplink": "uplink", "path-mtu": "path_mtu", "capacity": "capacity"},
    "application": {"http": "http", "ipv6": "ipv6"},
    "router": {"ping": "ping"},
    "name_server": {"dns": "dns"},
    "power": {"power": "power"},
    "video_terminal": {"ping": "ping"},
    "mesh_node": {"ping": "ping"},
    "gateway": {"ping": "ping"},
    "public_network_terminal": {"ping": "ping"},
    "voice_service": {"tcp": "tcp"},
    "sensor": {"ping": "ping"},
    "satellite_terminal": {"satellite": "satellite"},
    "satellite_phone": {},
    "command_vehicle": {},
}
"""Check name -> probe kind, for each kind of equipment. Where there is none, readiness is a matter of drills."""

ONLY_WITH_ENDS: Final = frozenset({"satellite", "ipv6", "capacity", "path_mtu"})
"""Probe kinds whose check equipment brings only if it names the ends that are needed; the others' lack is an error."""

SAME_SERVICE: Final[Mapping[str, str]] = {"ipv6": "http"}
"""A check of the first kind looks at the service of the equipment's check of the second: what is written there about
parameters that both have holds for it too, and it is left out where that check has a mistake."""

NORMALLY_OFF: Final = frozenset({"satellite_terminal", "satellite_phone", "command_vehicle"})
