"""Rules for every test: on a plain machine a test may be skipped with its reason, in CI nothing may be."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.lab.soak import SEED, SOAK, scale

NO_SKIP = os.environ.get("NETMON_NO_SKIP") == "1"

# No deadlines: a busy machine is no defect. Derandomized: the same inputs each time, new ones are for the soak run.
settings.register_profile(
    "netmon", deadline=None, derandomize=not SOAK, print_blob=True, max_examples=scale(100, 20_000)
)
settings.load_profile("netmon")


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """With NETMON_NO_SKIP=1 what was skipped has failed."""
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, and NETMON_NO_SKIP=1 allows no skip: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself, or by its mark or a fixture."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that skips itself when it is read."""
    report = yield
    _forbid_skip(report)
    return report


def pytest_report_header() -> str:
    """The seed, without which a failure of a soak run could not be repeated."""
    return f"soak run, NETMON_SEED={SEED}" if SOAK else f"seed {SEED}"
