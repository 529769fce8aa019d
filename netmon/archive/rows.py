"""What the archive holds besides the nouns of :mod:`netmon.model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netmon.model import Status

__all__ = ["ConfigurationInterval", "ConfigurationLoad", "Event", "Stretch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to netmon itself (``start``, ``clock_step``), or that a person did (``action``).

    Attributes:
        at_ns: when, UTC nanoseconds since the epoch.
        detail: values that JSON can hold; one that it cannot hold is stored as its ``str``.
    """

    kind: str
    at_ns: int
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationLoad:
    """A configuration came into force.

    Attributes:
        text: the configuration as it was read; it names secrets' files, never secrets.
        profiles: the texts of the vendor profiles beside it, by name.
    """

    config_id: str
    text: str
    loaded_at_ns: int
    profiles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationInterval:
    """When a version of the configuration was in force: from ``since_ns`` until the next one was loaded.

    A stopped netmon does not end an interval: what was expected and not measured is a gap in the evidence.

    Attributes:
        until_ns: exclusive; ``None`` for the newest.
        profiles: as in :class:`ConfigurationLoad`.
    """

    config_id: str
    text: str
    since_ns: int
    until_ns: int | None
    profiles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Observations of one check that follow each other and say the same.

    Attributes:
        first_ns, last_ns: start of the first and of the last of them.
        failure: the failure's word where the status is DOWN; empty otherwise.
        config_id: which configuration was in force.
    """

    first_ns: int
    last_ns: int
    status: Status
    failure: str
    config_id: str
