"""New packs for a running service: all checks first, and the old ones stay if any fails.

``reload_rulebook`` reads files and takes its time (seconds for large packs): run it in a thread.
Swapping is the caller's one assignment; calls that have begun keep the rulebook they began with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assist_rules import compiled
from assist_rules.errors import InputError, Place, Problem
from assist_rules.rulebook import Rulebook, RuleError, check_rulebook
from assist_rules.tools.compare import Difference
from assist_rules.tools.dialogues import Dialogue, read_call, read_dialogues, replay
from assist_rules.tools.evaluation import Score
from assist_rules.tools.selftest import run_list_tests, run_tests

MOST_NEW_CARDS_PER_HOUR = 30.0
"""Packs that would flood agents more than this do not pass the gate."""
MOST_F1_LOST = 0.02
"""Packs that notice less on labelled calls, or more falsely, do not pass the gate."""
FEWEST_LABELS = 5
"""Of a category, before its F1 says anything."""
MOST_NEW_FALSE_PER_10MIN = 0.5
"""False alerts on calls that people labelled clean."""


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
    calls: Iterable[Mapping[str, Any]] = (),
) -> Reloaded:
    """Parse, check, compile, test, and replay recorded calls under both rulebooks.

    ``gate``: files or folders with labelled dialogues, labels of recordings, recognition streams or
    stored calls. ``calls``: such calls as JSON objects, from a store for instance; each is read when
    its turn comes. ``most_new_cards_per_hour`` of infinity only asks what would change: nothing
    is judged.
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
    before, after = Score(), Score()
    for dialogue in _recorded(gate, calls):
        if isinstance(dialogue, InputError):
            place = Place(dialogue.path, dialogue.line, 1)
            return Reloaded(current, (Problem(place, dialogue.what),), warnings, difference)
        was, now = replay(current, dialogue), replay(new, dialogue)
        difference.count(dialogue, was, now)
        if dialogue.labelled:
            before.add(dialogue, was)
            after.add(dialogue, now)
    if not math.isinf(most_new_cards_per_hour):
        found = [*_flood(difference, most_new_cards_per_hour), *_worse(before, after)]
        if found:
            return Reloaded(current, tuple(found), warnings, difference)
    return Reloaded(new, (), warnings, difference)


def start_rulebook(
    paths: Sequence[Path] | None = None,
    settings: Mapping[str, str] | None = None,
    cache: Path | None = None,
) -> Rulebook:
    """The rulebook that a service begins with.

    A site's packs must pass their own tests; those we ship have passed them. What passed is kept
    compiled in the folder ``cache``, and taken from there the next time. Raises ``RuleError``.
    """
    name = compiled.name_of(paths, settings) if cache is not None else ""
    known = compiled.take(cache, name) if cache is not None else None
    if known is not None:
        return known
    rulebook, drafts, problems = check_rulebook(paths, settings)
    if rulebook is None:
        raise RuleError([p for p in problems if not p.warning])
    if paths is not None:
        failed = [
            *run_tests(rulebook, drafts, growing=False),
            *run_list_tests(rulebook, growing=False),
        ]
        if failed:
            raise RuleError(failed)
    if cache is not None:
        compiled.keep(cache, name, rulebook)
    return rulebook


def _recorded(
    gate: Sequence[Path], calls: Iterable[Mapping[str, Any]]
) -> Iterator[Dialogue | InputError]:
    for path in gate:
        yield from read_dialogues(path)
    for number, call in enumerate(calls, 1):
        yield read_call(call, "stored calls", number)


def _flood(difference: Difference, most: float) -> list[Problem]:
    more = difference.figures()["change_per_agent_hour"]
    if not difference.calls or more <= most:
        return []
    what = f"on {difference.calls} recorded calls agents would see {more:g} more cards an hour"
    fix = f"at most {most:g}; `tingban rules diff` shows which"
    return [Problem(Place("replay gate"), what, fix)]


def _worse(before: Score, after: Score) -> list[Problem]:
    """What labelled calls say against the new packs."""
    old, new = before.figures(), after.figures()
    problems = []
    for category, row in old["categories"].items():
        was, now = row["f1"], new["categories"].get(category, {}).get("f1")
        if row["tp"] + row["fn"] < FEWEST_LABELS:
            continue
        if was is not None and (now is None or now < was - MOST_F1_LOST):
            what = f"on labelled calls {category} falls from F1 {was:g} to {now or 0:g}"
            fix = "`tingban rules eval --wrong` shows what is missed"
            problems.append(Problem(Place("replay gate"), what, fix))
    key = "clean_calls_false_alerts_per_10min"
    if new[key] > old[key] + MOST_NEW_FALSE_PER_10MIN:
        what = f"on clean calls false alerts rise from {old[key]:g} to {new[key]:g} in 10 minutes"
        fix = "`tingban rules eval --wrong` shows them"
        problems.append(Problem(Place("replay gate"), what, fix))
    return problems
