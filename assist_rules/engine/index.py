"""What a rulebook works out once: which rules rest on which, and what to look at after what."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assist_rules.engine.conditions import (
    Absent,
    Asker,
    Checklist,
    CommitmentRule,
    Edge,
    Fact,
    Like,
    Measured,
    Phase,
    Repeat,
    Rule,
    Say,
    Steps,
    Tail,
    Talk,
    conditions_of,
)

OVERLAYS = (("customer.complaint",), ("customer.danger",))
"""Facts that every question for the phase asks for."""


@dataclass(frozen=True, slots=True)
class Indexes:
    """Which rules have to be looked at again after what."""

    by_leaf: Mapping[int, tuple[int, ...]]
    by_metric: Mapping[str, tuple[int, ...]]
    by_talk: tuple[int, ...]
    """Rules that ask about whole utterances."""
    by_edge: tuple[int, ...]
    """Rules that ask about the call's beginning or end."""
    dependents: Mapping[int, tuple[int, ...]]
    """Rules that ask for a fact which that rule establishes."""
    facts: Mapping[tuple[str, ...], tuple[int, ...]]
    """Rules that establish one of these facts."""
    choosy: tuple[int, ...]
    """Rules that exist only on some calls."""
    answers: Mapping[str, tuple[int, ...]]
    """Rule id to the leaves of what its card asks the agent to say."""


def _establishes(rule: Rule, names: tuple[str, ...]) -> bool:
    return any(
        fnmatch.fnmatchcase(rule.category, name) or fnmatch.fnmatchcase(rule.id, name)
        for name in names
    )


def _facts_asked(asker: Asker) -> set[tuple[str, ...]]:
    asked: set[tuple[str, ...]] = set()
    for condition in conditions_of(asker):
        if isinstance(condition, Fact):
            asked.add(condition.names)
        elif isinstance(condition, Phase):
            asked.update(OVERLAYS)
    return asked


def needs(rules: Sequence[Rule], tails: Sequence[Asker] = ()) -> list[set[int]]:
    """For each rule, and then for each of ``tails``, the rules whose facts it asks for."""
    known: dict[tuple[str, ...], set[int]] = {}
    found = []
    for asker in (*rules, *tails):
        mine: set[int] = set()
        for names in _facts_asked(asker):
            if names not in known:
                known[names] = {i for i, r in enumerate(rules) if _establishes(r, names)}
            mine |= known[names]
        found.append(mine)
    return found


def unordered(asked: list[set[int]]) -> set[int]:
    """Those of which no order puts what they ask for first."""
    left = {i: set(n) for i, n in enumerate(asked) if n}
    ready = [i for i, n in enumerate(asked) if not n]
    users: dict[int, list[int]] = {}
    for i, n in left.items():
        for j in n:
            users.setdefault(j, []).append(i)
    while ready:
        done = ready.pop()
        for user in users.get(done, ()):
            if user in left:
                left[user].discard(done)
                if not left[user]:
                    del left[user]
                    ready.append(user)
    return set(left)


def _asked_for(rule: Rule, leaf_of: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(leaf_of[id(c.say)] for c in rule.conditions if isinstance(c, Absent))


def in_order_of_facts(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Rules that ask for facts come after those that establish them."""
    asked = needs(rules)
    depth = [0] * len(rules)
    for _ in range(len(rules) + 1):
        moved = False
        for i, mine in enumerate(asked):
            wanted = 1 + max((depth[j] for j in mine), default=-1)
            if wanted > depth[i]:
                depth[i], moved = wanted, True
        if not moved:
            break
    return tuple(rules[i] for i in sorted(range(len(rules)), key=lambda i: (depth[i], i)))


def leaves(
    askers: Sequence[Asker], phases: Sequence[tuple[str, Say]]
) -> tuple[tuple[Say, ...], dict[int, int]]:
    """Distinct heard-words conditions; equal ones share a number."""
    leaves: list[Say] = []
    numbers: dict[tuple[object, ...], int] = {}
    leaf_of: dict[int, int] = {}
    says = [c for asker in askers for c in conditions_of(asker) if isinstance(c, Say)]
    for say in [*says, *(say for _, say in phases)]:
        # What phrases were read from tells them apart as well as they do, and is hashed sooner.
        names = (n for n in Say.__slots__ if n != "phrases" or not say.sources)
        key = tuple(getattr(say, name) for name in names)
        if key not in numbers:
            numbers[key] = len(leaves)
            leaves.append(say)
        leaf_of[id(say)] = numbers[key]
    return tuple(leaves), leaf_of


def indexes(
    rules: Sequence[Rule],
    tails: Sequence[Tail],
    phases: Sequence[tuple[str, Say]],
    leaf_of: Mapping[int, int],
) -> Indexes:
    """``tails`` are numbered after the rules, on which they rest."""
    by_leaf: dict[int, set[int]] = {}
    by_metric: dict[str, set[int]] = {}
    # The end of a call skips open steps; the end of an utterance completes a promise.
    by_edge = {i for i, tail in enumerate(tails, len(rules)) if isinstance(tail, Checklist)}
    by_talk = {i for i, tail in enumerate(tails, len(rules)) if isinstance(tail, CommitmentRule)}
    facts: dict[tuple[str, ...], tuple[int, ...]] = {}
    phase_leaves = {leaf_of[id(say)] for _, say in phases}
    askers: tuple[Asker, ...] = (*rules, *tails)
    for i, asker in enumerate(askers):
        for condition in conditions_of(asker):
            if isinstance(condition, Say):
                by_leaf.setdefault(leaf_of[id(condition)], set()).add(i)
            elif isinstance(condition, Measured):
                by_metric.setdefault(condition.name, set()).add(i)
            elif isinstance(condition, Like | Repeat | Talk):
                by_talk.add(i)
            elif isinstance(condition, Edge | Absent | Steps):
                by_edge.add(i)
            elif isinstance(condition, Phase):
                for leaf in phase_leaves:
                    by_leaf.setdefault(leaf, set()).add(i)
        facts.update(dict.fromkeys(_facts_asked(asker), ()))
    facts.update(dict.fromkeys(OVERLAYS, ()))
    facts = {n: tuple(i for i, r in enumerate(rules) if _establishes(r, n)) for n in facts}
    dependents: dict[int, set[int]] = {}
    for i, mine in enumerate(needs(rules, tails)):
        for j in mine:
            dependents.setdefault(j, set()).add(i)
    return Indexes(
        by_leaf={k: tuple(sorted(v)) for k, v in by_leaf.items()},
        by_metric={k: tuple(sorted(v)) for k, v in by_metric.items()},
        by_talk=tuple(sorted(by_talk)),
        by_edge=tuple(sorted(by_edge)),
        dependents={k: tuple(sorted(v)) for k, v in dependents.items()},
        facts=facts,
        choosy=tuple(i for i, r in enumerate(rules) if r.about),
        answers={r.id: found for r in rules if (found := _asked_for(r, leaf_of))},
    )
