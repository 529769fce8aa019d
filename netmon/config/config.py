"""A configuration that was read without a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netmon.config.errors import Problem
from netmon.model import Asset, Check, LoadTests, LocalText, MaintenancePlan, Retention, Site
from probes.wire.snmp_auth import SnmpAuth

__all__ = ["Config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The inventory and what follows from it.

    Attributes:
        sample: it is an example and describes no real network.
        allowed_hosts: every host that may be contacted.
        text: the file as it was read; it holds no secrets.
        profiles: the texts of the vendor profiles beside it, by name.
        config_id: SHA-256 of ``text``, and of those of the profiles where there are any.
        maintenance: work that it announces.
        traps: address and port at which SNMP notifications are received; ``None`` for nowhere.
        retention: how long the archive keeps what.
        load_tests: when tests that load a line may run.
        warnings: what is not wrong and yet not well.
    """

    organisation: LocalText
    sample: bool
    sites: Mapping[str, Site]
    assets: Mapping[str, Asset]
    checks: Mapping[str, Check]
    snmp_auths: Mapping[str, SnmpAuth]
    reflector_keys: Mapping[str, bytes]
    allowed_hosts: frozenset[str]
    text: str
    config_id: str = ""
    profiles: Mapping[str, str] = field(default_factory=dict)
    maintenance: tuple[MaintenancePlan, ...] = ()
    retention: Retention = field(default_factory=Retention)
    load_tests: LoadTests = field(default_factory=LoadTests)
    traps: tuple[str, int] | None = None
    warnings: tuple[Problem, ...] = ()
