"""What is wrong with rules beyond their grammar; a pack with such a fault does not load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assist_rules.errors import Problem

if TYPE_CHECKING:
    from assist_rules.language.parse import Draft, Packs


def lint(packs: Packs) -> list[Problem]:
    """All faults and warnings of all rules."""
    problems: list[Problem] = []
    for draft in packs.drafts:
        problems.extend(_tests(draft))
    return problems


def _tests(draft: Draft) -> list[Problem]:
    problems = []
    if not any(e.fires for e in draft.examples):
        problems.append(
            Problem(draft.place, f"{draft.rule.id} has no test that must fire", "fires: […]")
        )
    if all(e.fires for e in draft.examples):
        problems.append(
            Problem(draft.place, f"{draft.rule.id} has no test that must not fire", "silent: […]")
        )
    return problems
