"""A set of packs, compiled: what every call's session reads, and the only way to make one."""

from __future__ import annotations

import fnmatch
import gc
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.events import CallId, Party, Transcript
from assist_rules.engine.cards import SLOT
from assist_rules.engine.conditions import (
    Absent,
    Edge,
    Fact,
    Like,
    Measured,
    Phase,
    Repeat,
    Rule,
    Say,
    Steps,
    Talk,
    conditions_of,
)
from assist_rules.engine.governor import Limits
from assist_rules.engine.hearing import Utterance
from assist_rules.engine.judge import Judges
from assist_rules.engine.matcher import Matcher
from assist_rules.errors import Place, Problem, RuleError
from assist_rules.language.lint import forbidden_cards, lint, sentences
from assist_rules.language.parse import Draft, Packs, read_rules, read_shared
from assist_rules.language.source import compose

PACKS = Path(__file__).parent / "packs"
"""The packs that come with the program."""

__all__ = ["PACKS", "RuleError", "Rulebook", "check_rulebook", "load_rulebook"]


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


class Rulebook:
    """Immutable; shared by all sessions. ``rules`` are in an order in which facts come first."""

    def __init__(
        self,
        rules: Sequence[Rule],
        phases: Sequence[tuple[str, Say]] = (),
        rivals: Mapping[str, Sequence[str]] | None = None,
        settings: Mapping[str, str] | None = None,
        hash: str = "",
    ) -> None:
        self.hash = hash
        self.settings = dict(settings or {})
        self.rules = _in_order_of_facts(rules)
        self.number_of = {rule.id: i for i, rule in enumerate(self.rules)}
        self.phases = tuple(phases)
        self.rivals = dict(rivals or {})
        self.leaves, self.leaf_of = _leaves(self.rules, self.phases)
        self.matcher = Matcher(self.leaves, self.rivals)
        self.judges = Judges(self.leaves)
        self.index = _indexes(self.rules, self.phases, self.leaf_of)
        self.limits = _limits(self.settings)
        tiers = self.settings.get("priority_tiers", "")
        self.priority_tiers = frozenset(t for t in tiers.split(",") if t)

    @property
    def phrase_count(self) -> int:
        """How many plain texts the automaton looks for."""
        return self.matcher.phrase_count


def load_rulebook(
    paths: Sequence[Path] | None = None, settings: Mapping[str, str] | None = None
) -> Rulebook:
    """Read, check and compile packs; None means those we ship.

    ``paths`` are files or folders; ``settings`` override those in the files. Raises ``RuleError``
    with every problem found.
    """
    rulebook, _, problems = check_rulebook(paths, settings)
    if rulebook is None:
        raise RuleError([p for p in problems if not p.warning])
    return rulebook


def check_rulebook(
    paths: Sequence[Path] | None = None, settings: Mapping[str, str] | None = None
) -> tuple[Rulebook | None, list[Draft], list[Problem]]:
    """As ``load_rulebook``, but gives drafts and problems, warnings too; None if it cannot load."""
    # Everything read here stays; looking for garbage in it would take half of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _check(paths, settings)
    finally:
        if collecting:
            gc.enable()


def _check(
    paths: Sequence[Path] | None, settings: Mapping[str, str] | None
) -> tuple[Rulebook | None, list[Draft], list[Problem]]:
    problems: list[Problem] = []
    files = _files([PACKS] if paths is None else list(paths), problems)
    overrides = {name: str(value) for name, value in (settings or {}).items()}
    packs = Packs(settings=overrides)
    digest = hashlib.sha256(repr(sorted(overrides.items())).encode())
    nodes = []
    for path in files:
        node = compose(path, problems)
        if node is not None:
            nodes.append((path, node))
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for path, node in nodes:
        read_shared(path, node, packs, problems)
    for path, node in nodes:
        read_rules(path, node, packs, problems)
    if files and not packs.drafts and not problems:
        problems.append(Problem(Place(str(files[0])), "there is no rule here", "write one"))
    problems.extend(_circles(packs.drafts))
    problems.extend(lint(packs))
    if any(not p.warning for p in problems):
        return None, packs.drafts, sorted(problems)
    rules = [draft.rule for draft in packs.drafts]
    rulebook = Rulebook(rules, packs.phases, packs.rivals, packs.settings, digest.hexdigest()[:16])
    faults = forbidden_cards(packs.drafts, _forbidden_in(rulebook, packs.drafts))
    return None if faults else rulebook, packs.drafts, sorted([*problems, *faults])


def _forbidden_in(rulebook: Rulebook, drafts: Sequence[Draft]) -> dict[str, str]:
    """Suggestions in which the packs' own rules hear what an agent must not say."""
    leaves = {
        rulebook.leaf_of[id(rule.when)]
        for rule in rulebook.rules
        if rule.category == "agent.forbidden" and isinstance(rule.when, Say)
    }
    heard: dict[str, str] = {}
    for say in {s for draft in drafts for s in sentences(draft)}:
        text = SLOT.sub("", say)
        spoken = Transcript(CallId(""), Party.AGENT, "card", 1, text, len(text), (), True, 0, 0, 0)
        utterance = Utterance(rulebook.matcher, rulebook.judges, spoken)
        utterance.hear(spoken)
        for leaf in leaves & utterance.cues.keys():
            heard[say] = utterance.cues[leaf][0].evidence.text
    return heard


def _files(paths: list[Path], problems: list[Problem]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*.y*ml") if p.suffix in (".yaml", ".yml"))
            if not inside:
                problems.append(Problem(Place(str(path)), "holds no YAML file", "name a pack"))
            files.extend(inside)
        elif path.exists():
            files.append(path)
        else:
            problems.append(Problem(Place(str(path)), "does not exist", "check the path"))
    return list(dict.fromkeys(files))


def _establishes(rule: Rule, names: tuple[str, ...]) -> bool:
    return any(
        fnmatch.fnmatchcase(rule.category, name) or fnmatch.fnmatchcase(rule.id, name)
        for name in names
    )


def _facts_asked(rule: Rule) -> set[tuple[str, ...]]:
    asked = {c.names for c in conditions_of(rule) if isinstance(c, Fact)}
    if any(isinstance(c, Phase) for c in conditions_of(rule)):
        asked |= {("customer.complaint",), ("customer.danger",)}
    return asked


def _needs(rules: Sequence[Rule]) -> list[set[int]]:
    """For each rule, the rules whose facts it asks for."""
    known: dict[tuple[str, ...], set[int]] = {}
    needs = []
    for rule in rules:
        mine: set[int] = set()
        for names in _facts_asked(rule):
            if names not in known:
                known[names] = {i for i, r in enumerate(rules) if _establishes(r, names)}
            mine |= known[names]
        needs.append(mine)
    return needs


def _circles(drafts: Sequence[Draft]) -> list[Problem]:
    """Rules whose facts rest on themselves."""
    rules = [d.rule for d in drafts]
    needs = _needs(rules)
    left = _unordered(needs)
    if not left:
        return []
    names = ", ".join(sorted(rules[i].id for i in left)[:5])
    place = drafts[min(left)].place
    return [Problem(place, f"facts go in a circle: {names}", "let one of them ask for words")]


def _unordered(needs: list[set[int]]) -> set[int]:
    left = {i: set(n) for i, n in enumerate(needs) if n}
    ready = [i for i, n in enumerate(needs) if not n]
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


def _in_order_of_facts(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    needs = _needs(rules)
    depth = [0] * len(rules)
    for _ in range(len(rules) + 1):
        moved = False
        for i, mine in enumerate(needs):
            wanted = 1 + max((depth[j] for j in mine), default=-1)
            if wanted > depth[i]:
                depth[i], moved = wanted, True
        if not moved:
            break
    return tuple(rules[i] for i in sorted(range(len(rules)), key=lambda i: (depth[i], i)))


def _leaves(
    rules: Sequence[Rule], phases: Sequence[tuple[str, Say]]
) -> tuple[tuple[Say, ...], dict[int, int]]:
    """Distinct heard-words conditions; equal ones share a number."""
    leaves: list[Say] = []
    numbers: dict[tuple[object, ...], int] = {}
    leaf_of: dict[int, int] = {}
    says = [c for rule in rules for c in conditions_of(rule) if isinstance(c, Say)]
    for say in [*says, *(say for _, say in phases)]:
        key = tuple(getattr(say, name) for name in Say.__slots__)
        if key not in numbers:
            numbers[key] = len(leaves)
            leaves.append(say)
        leaf_of[id(say)] = numbers[key]
    return tuple(leaves), leaf_of


def _indexes(
    rules: Sequence[Rule], phases: Sequence[tuple[str, Say]], leaf_of: Mapping[int, int]
) -> Indexes:
    by_leaf: dict[int, set[int]] = {}
    by_metric: dict[str, set[int]] = {}
    by_talk, by_edge = set(), set()
    facts: dict[tuple[str, ...], tuple[int, ...]] = {}
    phase_leaves = {leaf_of[id(say)] for _, say in phases}
    for i, rule in enumerate(rules):
        for condition in conditions_of(rule):
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
        for names in _facts_asked(rule):
            facts.setdefault(names, ())
    facts = {n: tuple(i for i, r in enumerate(rules) if _establishes(r, n)) for n in facts}
    facts.setdefault(("customer.complaint",), ())
    facts.setdefault(("customer.danger",), ())
    dependents: dict[int, set[int]] = {}
    for i, mine in enumerate(_needs(rules)):
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
    )


def _limits(settings: Mapping[str, str]) -> Limits:
    def whole(name: str, default: int) -> int:
        value = settings.get(name, "")
        return int(value) if value.isdigit() else default

    return Limits(
        cards=whole("max_cards", 3),
        gap_ms=1000 * whole("card_gap_s", 5),
        per_minute=whole("cards_per_minute", 6),
    )
