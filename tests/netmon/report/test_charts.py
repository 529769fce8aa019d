"""Which figures a chart draws as what."""

from __future__ import annotations

from typing import get_args

from netmon.report.charts import SHARES
from netmon.targets.register import Rule


def test_every_rule_s_figure_is_drawn_as_what_it_is() -> None:
    """A rule that nobody thought of would be drawn as a number of drills."""
    assert set(get_args(Rule)) - SHARES == {"count", "drill_age", "drill_count"}
