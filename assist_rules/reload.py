"""New packs for a running service: all checks first, and the old ones stay if any fails.

``reload_rulebook`` reads files and takes its time (seconds for large packs): run it in a thread.
Swapping is the caller's one assignment; calls that have begun keep the rulebook they began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assist_rules.errors import InputError, Place, Problem
from assist_rules.rulebook import Rulebook, check_rulebook
from assist_rules.tools.compare import Difference
from assist_rules.tools.dialogues import read_dialogues
from assist_rules.tools.selftest import run_list_tests, run_tests

MOST_NEW_CARDS_PER_HOUR = 30.0
"""Packs that would flood agents more than this do not pass the gate."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The rulebook to use from now on, and how that was decided."""

    rulebook: Rulebook
    """The new one, or the old one when ``problems`` is not empty."""
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    difference: Difference | None = None
    """Cards that change on the gate's calls; None when it was not reached."""

    @property
    def swapped(self) -> bool:
        return not self.problems


def reload_rulebook(
    current: Rulebook,
    paths: Sequence[Path] | None = None,
    settings: Mapping[str, str] | None = None,
    gate: Sequence[Path] = (),
    most_new_cards_per_hour: float = MOST_NEW_CARDS_PER_HOUR,
) -> Reloaded:
    """Parse, check, compile, test, and replay the calls of ``gate`` (JSON lines) under both.

    Never raises for what stands in the files: ``problems`` says it, and ``current`` stays.
    """
    new, drafts, found = check_rulebook(paths, settings)
    warnings = tuple(p for p in found if p.warning)
    if new is None:
        return Reloaded(current, tuple(p for p in found if not p.warning), warnings)
    failed = [*run_tests(new, drafts, growing=False), *run_list_tests(new, growing=False)]
    if failed:
        return Reloaded(current, tuple(failed), warnings)
    difference = Difference()
    for path in gate:
        for dialogue in read_dialogues(path):
            if isinstance(dialogue, InputError):
                place = Place(dialogue.path, dialogue.line, 1)
                return Reloaded(current, (Problem(place, dialogue.what),), warnings, difference)
            difference.add(dialogue, current, new)
    more = difference.figures()["change_per_agent_hour"]
    if difference.calls and more > most_new_cards_per_hour:
        what = f"on {difference.calls} recorded calls agents would see {more:g} more cards an hour"
        fix = f"at most {most_new_cards_per_hour:g}; `tingban rules diff` shows which"
        return Reloaded(current, (Problem(Place("replay gate"), what, fix),), warnings, difference)
    return Reloaded(new, (), warnings, difference)
