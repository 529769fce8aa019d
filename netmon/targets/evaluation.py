"""How the targets of an archive stand in a period: the one way from a reader to standings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netmon.archive import Reader
from netmon.failover import Failover, read_failovers
from netmon.targets.documents import Entry, read_entries
from netmon.targets.evidence import ArchiveEvidence
from netmon.targets.register import Register
from netmon.targets.standing import Standing, standings
from probes.base import ProbeKind

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is known of a period, and what follows from it.

    Attributes:
        entries: what people entered and did not take back, of all times.
        failovers: those that were seen, of all times.
    """

    evidence: ArchiveEvidence
    entries: tuple[Entry, ...]
    failovers: tuple[Failover, ...]
    standings: tuple[Standing, ...]

    @property
    def begun_ns(self) -> int | None:
        """From when on something was monitored in the period; ``None`` if nothing was."""
        return self.evidence.versions[0].since_ns if self.evidence.versions else None


def evaluate(
    reader: Reader, register: Register, *, kinds: Mapping[str, ProbeKind[Any]], since_ns: int, until_ns: int
) -> Evaluation:
    """Judge every target.

    Args:
        kinds: the probe kinds, to understand configurations of earlier times.
        since_ns, until_ns: UTC nanoseconds since the epoch, the end exclusive.

    Raises:
        ArchiveError: the archive cannot be read.
        ConfigError: a configuration that was in force is none for this netmon.
    """
    entries, failovers = read_entries(reader), read_failovers(reader)
    evidence = ArchiveEvidence(reader, kinds=kinds, since_ns=since_ns, until_ns=until_ns)
    return Evaluation(
        evidence=evidence,
        entries=entries,
        failovers=failovers,
        standings=standings(register, evidence, entries, failovers),
    )
