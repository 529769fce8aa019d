"""What people declare about the network: maintenance windows and emergencies."""

from netmon.upkeep.record import EVENT_KINDS, Declared, roll_call_result
from netmon.upkeep.upkeep import Upkeep, UpkeepError
from netmon.upkeep.windows import occurrences

__all__ = ["EVENT_KINDS", "Declared", "Upkeep", "UpkeepError", "occurrences", "roll_call_result"]
