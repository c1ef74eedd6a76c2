"""The packs we ship: every test beside a rule passes, and nothing in them is left to mend."""

from __future__ import annotations

from assist_rules.rulebook import PACKS, check_rulebook
from assist_rules.tools.coverage import read_coverage
from assist_rules.tools.selftest import run_tests
from tests.rules.conftest import PRACTICE


def test_every_example_of_the_shipped_packs_holds() -> None:
    rulebook, drafts, problems = check_rulebook([PACKS])
    assert rulebook is not None, "\n".join(map(str, problems))
    assert [str(p) for p in run_tests(rulebook, drafts)] == []


def test_every_example_of_the_practice_pack_holds() -> None:
    rulebook, drafts, _ = check_rulebook([PRACTICE])
    assert rulebook is not None
    assert [str(p) for p in run_tests(rulebook, drafts)] == []
    assert [str(p) for p in run_tests(rulebook, drafts, growing=False)] == []


def test_the_inventory_is_met_as_it_claims() -> None:
    _, drafts, _ = check_rulebook([PACKS])
    assert [str(p) for p in read_coverage(drafts).problems] == []
