"""The archive: the durable record of everything that was measured, written before anything is shown."""

from netmon.archive.backup import Manifest, back_up, restore
from netmon.archive.journal import Journal
from netmon.archive.reader import Counts, Reader
from netmon.archive.rows import ConfigurationInterval, ConfigurationLoad, Event
from netmon.archive.schema import ArchiveError

__all__ = [
    "ArchiveError",
    "ConfigurationInterval",
    "ConfigurationLoad",
    "Counts",
    "Event",
    "Journal",
    "Manifest",
    "Reader",
    "back_up",
    "restore",
]
