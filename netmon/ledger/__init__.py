"""The inventory from an equipment ledger that staff keep in Excel."""

from netmon.ledger.compare import Change, Comparison
from netmon.ledger.errors import LedgerError
from netmon.ledger.mapping import Mapping, load_map
from netmon.ledger.run import Outcome, import_ledger

__all__ = ["Change", "Comparison", "LedgerError", "Mapping", "Outcome", "import_ledger", "load_map"]
