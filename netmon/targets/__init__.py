"""The plan's targets: what is known, which rule judges it, and what follows."""
