"""``python -m netmon``."""

from netmon.cli import main

main()
