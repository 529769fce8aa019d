"""A library that measures: it knows no site, schedule, threshold, metric store, file or mail.

``KINDS`` is its table of contents: one row a kind, from which inventory, metrics, archive and documentation follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from probes import (
    base_station,
    capacity,
    dns,
    export,
    http,
    iperf3,
    ipv6,
    path,
    path_mtu,
    ping,
    power,
    registration,
    roll_call,
    satellite,
    snmp,
    stream,
    tcp,
    uplink,
)
from probes.base import ProbeKind

__all__ = ["KINDS"]

KINDS: Mapping[str, ProbeKind[Any]] = MappingProxyType(
    {
        module.KIND.name: module.KIND
        for module in (
            ping,
            tcp,
            dns,
            http,
            snmp,
            base_station,
            power,
            uplink,
            path,
            path_mtu,
            capacity,
            iperf3,
            stream,
            satellite,
            ipv6,
            export,
            registration,
            roll_call,
        )
    }
)  # fmt: skip
