"""What every test shares: skips count as failures in CI, so that a green run has run everything."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A deadline would assert speed, and fail whenever the machine is busy with something else.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

NO_SKIPS = os.environ.get("TINGBAN_NO_SKIPS") == "1"
"""Set by CI. Tests for hardware that CI lacks (marker ``gpu``) may still be skipped."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    report = outcome.get_result()
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        if item.get_closest_marker("gpu"):
            return
        report.outcome = "failed"
        report.longrepr = f"skipped, which TINGBAN_NO_SKIPS=1 does not allow: {report.longrepr}"
