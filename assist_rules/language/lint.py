"""What is wrong with rules beyond their grammar. Warnings do not keep a pack from loading."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from assist_rules.engine.cards import CALL_SLOTS, MADE_SLOTS, SLOT
from assist_rules.engine.conditions import (
    CommitmentRule,
    Condition,
    Fact,
    Phase,
    Say,
    Tail,
    conditions_of,
)
from assist_rules.engine.text import norm
from assist_rules.errors import Place, Problem
from assist_rules.events import CATEGORIES
from assist_rules.language.source import suggest

if TYPE_CHECKING:
    from assist_rules.language.examples import ListTest
    from assist_rules.language.parse import Draft, Packs

LONGEST_CARD = 40
"""Characters that people read in two seconds."""
OVERLAYS = ("opening", "complaint", "danger")
"""Phases that need no words of their own."""


def lint(packs: Packs) -> list[Problem]:
    """All faults and warnings that show without compiling."""
    problems: list[Problem] = []
    captured = {
        c.capture for d in packs.drafts for c in conditions_of(d.rule) if isinstance(c, Say)
    }
    known = {*packs.settings, *captured, *MADE_SLOTS, "rate", "silence", "overlap"}
    phases = {*OVERLAYS, *(name for name, _ in packs.phases)}
    names = [d.rule.id for d in packs.drafts] + [d.rule.category for d in packs.drafts]
    for draft in packs.drafts:
        problems.extend(_tests(draft))
        problems.extend(_card(draft, known))
        problems.extend(_names(conditions_of(draft.rule), draft.place, names, phases))
        problems.extend(_sounds(draft, packs.rivals))
        problems.extend(_shadowed(draft))
    tails: list[Tail] = [*packs.checklists, *packs.commitments]
    for one in tails:
        place = packs.places[one.name]
        problems.extend(_names(conditions_of(one), place, names, phases))
        problems.extend(_list_tests(one, place, packs.list_tests))
        if isinstance(one, CommitmentRule) and one.due and one.due not in captured:
            what = f"{one.name}: no phrase captures the slot {one.due}"
            problems.append(Problem(place, what, suggest(one.due, captured)))
    for name, place in packs.lists.places.items():
        if name not in packs.lists.used:
            problems.append(Problem(place, f"no rule uses the list @{name}", "", warning=True))
    return problems


def _tests(draft: Draft) -> Iterator[Problem]:
    name = draft.rule.id
    if not any(e.fires for e in draft.examples):
        yield Problem(draft.place, f"{name} has no test that must fire", "fires: […]")
    if all(e.fires for e in draft.examples):
        yield Problem(draft.place, f"{name} has no test that must not fire", "silent: […]")


def _list_tests(one: Tail, place: Place, tests: Sequence[ListTest]) -> Iterator[Problem]:
    mine = [test for test in tests if test.owner == one.name]
    if isinstance(one, CommitmentRule):
        if not any(test.made for test in mine):
            yield Problem(place, f"{one.name} has no test that makes one", "made: [words]")
        if all(test.made for test in mine):
            yield Problem(place, f"{one.name} has no test that makes none", "made: no")
        return
    for step in one.steps:
        states = {test.steps[step.name] for test in mine if test.steps and step.name in test.steps}
        if "done" not in states:
            what = f"{one.name}: no test has the step {step.name} done"
            yield Problem(place, what, f"steps: {{{step.name}: done}}")
        if not states - {"done", "none"}:
            what = f"{one.name}: every test has the step {step.name} done"
            yield Problem(place, what, f"steps: {{{step.name}: open}}")


def sentences(draft: Draft) -> list[str]:
    """What the rule's card may say."""
    card = draft.rule.card
    return [] if card is None else [card.say, *(say for _, say in card.brands)]


def _card(draft: Draft, known: set[str]) -> Iterator[Problem]:
    for say in sentences(draft):
        length = len(SLOT.sub("", say))
        if length > LONGEST_CARD:
            what = f"the suggestion has {length} characters"
            yield Problem(draft.card_place, what, f"at most {LONGEST_CARD} are read in time")
        if "{" in SLOT.sub("", say):
            yield Problem(draft.card_place, "a slot cannot be read", "{company} or {title|您}")
        for found in SLOT.finditer(say):
            if found[2] is not None or found[1] in known:
                continue
            if found[1] in CALL_SLOTS:
                what = f"{{{found[1]}}} is not known on every call"
                fix = f"{{{found[1]}|…}}"
                yield Problem(draft.card_place, what, fix, warning=True)
            else:
                what = f"nothing fills the slot {{{found[1]}}}"
                fix = f"{suggest(found[1], known)} or a default: {{{found[1]}|…}}"
                yield Problem(draft.card_place, what, fix)


def _names(
    conditions: Iterable[Condition], place: Place, names: Sequence[str], phases: set[str]
) -> Iterator[Problem]:
    for condition in conditions:
        if isinstance(condition, Fact):
            for name in condition.names:
                if any(fnmatch.fnmatchcase(n, name) for n in names):
                    continue
                # A category without rules yet is a gap in the packs, not a slip of the pen.
                standard = any(fnmatch.fnmatchcase(c, name) for c in CATEGORIES)
                what = f"no rule establishes the fact {name}"
                yield Problem(place, what, suggest(name, names), warning=standard)
        elif isinstance(condition, Phase):
            for name in sorted(condition.names - phases):
                yield Problem(place, f"there is no phase {name}", suggest(name, phases))


def _sounds(draft: Draft, rivals: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    words = {norm(word) for word in rivals}
    for condition in conditions_of(draft.rule):
        if not isinstance(condition, Say) or condition.homophones != "on":
            continue
        for source, sequence in zip(condition.sources, condition.phrases, strict=True):
            for text in (t for part in sequence.parts for t in part if len(t) == 2):
                if not any(word in text for word in words) and sequence.shortest < 4:
                    what = f'"{source}" is matched by sound, but {text} has no rivals'
                    yield Problem(
                        draft.place, what, f"rivals: {{{text}: [words that sound alike]}}"
                    )


def _shadowed(draft: Draft) -> Iterator[Problem]:
    """A phrase each of whose texts holds another phrase of the same list finds nothing new."""
    for condition in conditions_of(draft.rule):
        if not isinstance(condition, Say) or len(condition.phrases) > 400:
            continue
        plain = [
            (source, sequence.parts[0])
            for source, sequence in zip(condition.sources, condition.phrases, strict=True)
            if len(sequence.parts) == 1 and not (sequence.at_start or sequence.at_end)
        ]
        owner = {text: source for source, texts in plain for text in texts}
        lengths = sorted({len(text) for text in owner})
        for source, texts in plain:
            other = _cover(texts, source, owner, lengths)
            if other:
                what = f'"{source}" finds nothing that "{other}" does not find'
                yield Problem(draft.place, f"{draft.rule.id}: {what}", "remove it", warning=True)


def _cover(
    texts: frozenset[str], source: str, owner: Mapping[str, str], lengths: Sequence[int]
) -> str:
    """Another phrase that is inside every one of the texts; its texts have these lengths."""
    covering = ""
    for text in texts:
        inside = (
            owner[text[i : i + length]]
            for length in lengths
            if length < len(text)
            for i in range(len(text) - length + 1)
            if owner.get(text[i : i + length], source) != source
        )
        covering = next(inside, "")
        if not covering:
            return ""
    return covering


def forbidden_cards(drafts: Sequence[Draft], heard: Mapping[str, str]) -> list[Problem]:
    """``heard``: sentence to the forbidden words that the packs' own rules find in it."""
    return [
        Problem(d.card_place, f'the suggestion itself says "{heard[say]}"', "say it otherwise")
        for d in drafts
        for say in sentences(d)
        if say in heard
    ]
