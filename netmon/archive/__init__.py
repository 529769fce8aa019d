"""The archive: the durable record of everything that was measured, written before anything is shown."""

from netmon.archive.backup import Manifest, back_up, restore
from netmon.archive.days import close_days
from netmon.archive.durable import sha256
from netmon.archive.export import write_csv
from netmon.archive.journal import Journal
from netmon.archive.means import SLOT_NS, SLOTS
from netmon.archive.reader import Counts, Reader
from netmon.archive.rows import ConfigurationInterval, ConfigurationLoad, Event, Stretch
from netmon.archive.schema import ArchiveError
from netmon.archive.surveys import Box, Sample, SurveyFile, SurveyFiles
from netmon.archive.verify import Problem, Verified, verify

__all__ = [
    "SLOTS",
    "SLOT_NS",
    "ArchiveError",
    "Box",
    "ConfigurationInterval",
    "ConfigurationLoad",
    "Counts",
    "Event",
    "Journal",
    "Manifest",
    "Problem",
    "Reader",
    "Sample",
    "Stretch",
    "SurveyFile",
    "SurveyFiles",
    "Verified",
    "back_up",
    "close_days",
    "restore",
    "sha256",
    "verify",
    "write_csv",
]
