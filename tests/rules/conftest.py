"""The shipped packs, loaded once for all tests of the rules."""

from __future__ import annotations

import pytest

from assist_rules.rulebook import Rulebook, load_rulebook


@pytest.fixture(scope="session")
def shipped() -> Rulebook:
    return load_rulebook()
