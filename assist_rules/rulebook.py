"""A set of packs, compiled: what every call's session reads, and the only way to make one."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asr.events import CallId, Party, Transcript
from assist_rules.engine.cards import SLOT
from assist_rules.engine.conditions import (
    Asker,
    Checklist,
    CommitmentRule,
    Rule,
    Say,
    Tail,
    conditions_of,
)
from assist_rules.engine.governor import Limits
from assist_rules.engine.hearing import Utterance
from assist_rules.engine.index import in_order_of_facts, indexes, leaves, needs, unordered
from assist_rules.engine.judge import Judges
from assist_rules.engine.matcher import Matcher
from assist_rules.errors import Place, Problem, RuleError
from assist_rules.language.examples import ListTest
from assist_rules.language.lint import forbidden_cards, lint, sentences
from assist_rules.language.parse import Draft, Packs, read_rules, read_shared
from assist_rules.language.source import compose

PACKS = Path(__file__).parent / "packs"
"""The packs that come with the program."""

__all__ = ["PACKS", "RuleError", "Rulebook", "check_rulebook", "load_rulebook"]


class Rulebook:
    """Immutable; shared by all sessions. ``rules`` are in an order in which facts come first."""

    def __init__(
        self,
        rules: Sequence[Rule],
        phases: Sequence[tuple[str, Say]] = (),
        rivals: Mapping[str, Sequence[str]] | None = None,
        settings: Mapping[str, str] | None = None,
        hash: str = "",
        checklists: Sequence[Checklist] = (),
        commitments: Sequence[CommitmentRule] = (),
        list_tests: Sequence[ListTest] = (),
    ) -> None:
        self.hash = hash
        self.settings = dict(settings or {})
        self.rules = in_order_of_facts(rules)
        self.number_of = {rule.id: i for i, rule in enumerate(self.rules)}
        self.phases = tuple(phases)
        self.rivals = dict(rivals or {})
        self.checklists, self.commitments = tuple(checklists), tuple(commitments)
        self.list_tests = tuple(list_tests)
        """Tests that stand beside checklists and commitments."""
        tails: tuple[Tail, ...] = (*self.checklists, *self.commitments)
        self.leaves, self.leaf_of = leaves((*self.rules, *tails), self.phases)
        self.matcher = Matcher(self.leaves, self.rivals)
        self.judges = Judges(self.leaves)
        self.index = indexes(self.rules, tails, self.phases, self.leaf_of)
        self.limits = _limits(self.settings)
        tiers = self.settings.get("priority_tiers", "")
        self.priority_tiers = frozenset(t for t in tiers.split(",") if t)

    def __getstate__(self) -> dict[str, object]:
        # Conditions are known by identity, and made anew when they are read back.
        says = {id(c): c for asker in self._askers() for c in conditions_of(asker)}
        says.update((id(say), say) for _, say in self.phases)
        numbered = [(says[name], leaf) for name, leaf in self.leaf_of.items()]
        return {**self.__dict__, "leaf_of": numbered, "judges": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.leaf_of = {id(say): leaf for say, leaf in state["leaf_of"]}
        self.judges = Judges(self.leaves)

    def _askers(self) -> tuple[Asker, ...]:
        return (*self.rules, *self.checklists, *self.commitments)

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
    files = pack_files([PACKS] if paths is None else list(paths), problems)
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
    rulebook = Rulebook(
        rules, packs.phases, packs.rivals, packs.settings, digest.hexdigest()[:16],
        packs.checklists, packs.commitments, packs.list_tests,
    )  # fmt: skip
    faults = forbidden_cards(packs.drafts, _forbidden_in(rulebook, packs.drafts))
    return None if faults else rulebook, packs.drafts, sorted([*problems, *faults])


def _forbidden_in(rulebook: Rulebook, drafts: Sequence[Draft]) -> dict[str, str]:
    """Suggestions in which the packs' own rules hear what an agent must not say."""
    forbidden = {
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
        for leaf in forbidden & utterance.cues.keys():
            heard[say] = utterance.cues[leaf][0].evidence.text
    return heard


def pack_files(paths: list[Path], problems: list[Problem]) -> list[Path]:
    """The pack files of these files and folders; what is not there becomes a problem."""
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


def _circles(drafts: Sequence[Draft]) -> list[Problem]:
    """Rules whose facts rest on themselves."""
    rules = [d.rule for d in drafts]
    asked = needs(rules)
    left = unordered(asked)
    if not left:
        return []
    names = ", ".join(sorted(rules[i].id for i in left)[:5])
    place = drafts[min(left)].place
    return [Problem(place, f"facts go in a circle: {names}", "let one of them ask for words")]


def _limits(settings: Mapping[str, str]) -> Limits:
    def whole(name: str, default: int) -> int:
        value = settings.get(name, "")
        return int(value) if value.isdigit() else default

    return Limits(
        cards=whole("max_cards", 3),
        gap_ms=1000 * whole("card_gap_s", 5),
        per_minute=whole("cards_per_minute", 6),
    )
