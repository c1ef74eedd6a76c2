"""Rulebooks, loaded once for all tests of the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from assist_rules.rulebook import Rulebook, load_rulebook

PRACTICE = Path(__file__).parent / "practice.yaml"


@pytest.fixture(scope="session")
def practice() -> Rulebook:
    """A small pack that only tests change."""
    return load_rulebook([PRACTICE])


@pytest.fixture(scope="session")
def shipped() -> Rulebook:
    return load_rulebook()
