"""Every alert has a page, and the page says what the mail says, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from netmon.alerts.runbook import PAGES, first_steps, page_of
from netmon.config.defaults import EQUIPMENT_CHECKS
from netmon.i18n import use_language

DOCS = Path(__file__).parents[3] / "docs" / "runbooks"


@pytest.mark.parametrize("page", PAGES)
def test_the_page_says_what_the_mail_says(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    for language in ("zh", "en"):
        use_language(language)
        for number, step in enumerate(first_steps(page), 1):
            assert f"{number}. {step}\n" in text


def test_every_kind_of_equipment_has_one() -> None:
    # Pages of Prometheus's alerts are named after them; tests/config/test_rules.py looks at those.
    assert {path.stem for path in DOCS.glob("*.md") if not path.stem.startswith("Netmon")} == set(PAGES)
    for kind in (*EQUIPMENT_CHECKS, "", "none"):
        assert page_of(kind) in PAGES
        assert page_of(kind, degraded=True) in PAGES
