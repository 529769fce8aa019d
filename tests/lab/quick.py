"""netmon, whose files of users and certificates and whose pages are looked at more often than a person needs.

python -m tests.lab.quick run ...
"""

from __future__ import annotations

from netmon.cli import main
from netmon.web import render
from netmon.web.auth import access

if __name__ == "__main__":
    access.WATCH_SECONDS = 0.5
    render.REFRESH_SECONDS = 2  # type: ignore[misc]  # final, but for tests
    main()
