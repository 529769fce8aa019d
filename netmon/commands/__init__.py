"""Groups of commands, each in a module of its own; :mod:`netmon.cli` joins them."""
