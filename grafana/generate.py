"""``python -m grafana.generate``: writes every dashboard in every language; with ``--check`` only says what differs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.page import build_page, uid
from grafana.pages import PAGES
from netmon.i18n import LANGUAGES, current_language, use_language

__all__ = ["FOLDER", "files"]

FOLDER: Final = Path(__file__).parent / "dashboards"


def files() -> Mapping[str, str]:
    """Every dashboard as JSON, by its path below :data:`FOLDER`."""
    before = current_language()
    made = {}
    try:
        for language in LANGUAGES:
            use_language(language)
            for page in PAGES:
                text = JSONEncoder(indent=1, ensure_ascii=False, sort_keys=True).encode(build_page(page, PAGES))
                made[f"{language}/{uid(page.name)}.json"] = text + "\n"
    finally:
        use_language(before)
    return made


def main() -> int:
    """Write them, or compare."""
    parser = argparse.ArgumentParser(prog="python -m grafana.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file would change")
    check = parser.parse_args().check
    wanted = {FOLDER / name: text for name, text in files().items()}
    stale = [path for path in FOLDER.glob("*/*.json") if path not in wanted]
    changed = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in (*stale, *changed):
        sys.stdout.write(f"{path.relative_to(FOLDER)}\n")
    if check:
        return int(bool(stale or changed))
    for path in stale:
        path.unlink()
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
