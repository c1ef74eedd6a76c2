"""From the YAML of one pack file to rules: every field read, every phrase expanded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import yaml

from assist_rules.engine import weights
from assist_rules.engine.conditions import (
    About,
    AnyOf,
    Card,
    Checklist,
    CommitmentRule,
    Condition,
    Escalation,
    Rule,
    Say,
)
from assist_rules.errors import Place, Problem
from assist_rules.events import CATEGORIES
from assist_rules.language.conditions import ConditionReader
from assist_rules.language.examples import Example, ListTest, read_examples
from assist_rules.language.grammar import ESCALATE, FILE, PHASE, RULE, SEVERITIES, SUGGEST
from assist_rules.language.lists import ListBook
from assist_rules.language.source import Node, Reader, suggest
from assist_rules.language.steps import FoundList, ListReader

T = TypeVar("T")


@dataclass(slots=True)
class Draft:
    """A rule as read, with what lint and the test runner still need of its source."""

    rule: Rule
    place: Place
    examples: tuple[Example, ...]
    card_place: Place = field(default_factory=Place)


@dataclass(slots=True)
class Packs:
    """What all files say together, while they are being read."""

    settings: dict[str, str] = field(default_factory=dict)
    lists: ListBook = field(default_factory=ListBook)
    rivals: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unlike: dict[str, float] = field(default_factory=dict)
    """Categories whose phrases are weighed too, with the least log-odds."""
    phases: list[tuple[str, Say]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    checklists: list[Checklist] = field(default_factory=list)
    commitments: list[CommitmentRule] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    """Where each checklist and commitment rule stands."""
    list_tests: list[ListTest] = field(default_factory=list)


def read_shared(path: Path, node: Node, packs: Packs, problems: list[Problem]) -> None:
    """First pass: settings, lists and rivals, which any file may then use."""
    reader = Reader(path, problems, packs.settings)
    fields = reader.table(node, FILE, "a pack file")
    if "settings" in fields:
        for name, value in reader.mapping(fields["settings"], "settings"):
            if isinstance(value, yaml.SequenceNode):
                packs.settings.setdefault(name, ",".join(reader.texts(value)))
            else:
                packs.settings.setdefault(name, reader.text(value))
    if "lists" in fields:
        for name, value in reader.mapping(fields["lists"], "lists"):
            packs.lists.add(name, value, reader)
    if "rivals" in fields:
        for name, value in reader.mapping(fields["rivals"], "rivals"):
            old = packs.rivals.get(name, ())
            packs.rivals[name] = tuple(dict.fromkeys((*old, *reader.texts(value))))
    if "unlike" in fields:
        for name, value in reader.mapping(fields["unlike"], "unlike"):
            if name not in weights.names():
                reader.wrong(
                    value, f'nothing was learnt for "{name}"', suggest(name, weights.names())
                )
            else:
                packs.unlike[name] = reader.number(value, -100, 100)


def read_rules(path: Path, node: Node, packs: Packs, problems: list[Problem]) -> None:
    """Second pass: phases and rules."""
    if not isinstance(node, yaml.MappingNode):
        return
    reader = Reader(path, problems, packs.settings)
    # Complaints about the file's own fields were made in the first pass.
    fields = {str(key.value): value for key, value in node.value}
    pack = reader.text(fields["pack"]) if "pack" in fields else ""
    conditions = ConditionReader(reader, packs.lists)
    if "phases" in fields:
        for name, value in reader.mapping(fields["phases"], "phases"):
            part = reader.table(value, PHASE, "a phase")
            if "role" in part and "say" in part:
                packs.phases.append((name, conditions.say(part)))
    if "rules" in fields:
        for item in reader.items(fields["rules"]):
            _RuleReader(reader, conditions, packs, pack).read(item)
    lists = ListReader(reader, conditions, pack)
    for key, read in (("checklists", lists.checklist), ("commitments", lists.commitment)):
        for item in reader.items(fields[key]) if key in fields else ():
            found = read(item)
            if found is not None:
                _keep(found, reader.place(item), packs, reader, item)


def _keep(found: FoundList, place: Place, packs: Packs, reader: Reader, node: Node) -> None:
    one, tests = found
    if one.name in packs.places:
        reader.wrong(node, f'"{one.name}" already stands at {packs.places[one.name]}', "rename it")
    packs.places[one.name] = place
    packs.list_tests.extend(tests)
    if isinstance(one, Checklist):
        packs.checklists.append(one)
    else:
        packs.commitments.append(one)


def weighed(when: Condition, category: str, unlike: Mapping[str, float]) -> Condition:
    """The trigger, its heard words weighed where the packs ask for it."""
    if category not in unlike:
        return when
    match when:
        case Say():
            return replace(when, unlike=(category, unlike[category]))
        case AnyOf(of):
            return AnyOf(tuple(weighed(c, category, unlike) for c in of))
        case _:
            return when


class _RuleReader:
    def __init__(
        self, reader: Reader, conditions: ConditionReader, packs: Packs, pack: str
    ) -> None:
        self.reader, self.conditions, self.packs, self.pack = reader, conditions, packs, pack

    def read(self, node: Node) -> None:
        """Add the rule to the packs, unless it is switched off or broken beyond use."""
        reader = self.reader
        errors = len(reader.problems)
        fields = reader.table(node, RULE, "a rule")
        if not {"id", "when", "category"} <= fields.keys():
            return
        if "enabled" in fields and not reader.flag(fields["enabled"]):
            return
        name = self._name(fields["id"])
        category = self._category(fields["category"])
        unlike = self.packs.unlike
        if "unlike" in fields:
            unlike = {category: reader.number(fields["unlike"], -100, 100)}
        when = weighed(self.conditions.condition(fields["when"]), category, unlike)
        rest = [self.conditions.condition(n) for n in self._items(fields, "and")]
        rest += [self.conditions.negated(n) for n in self._items(fields, "not")]
        examples = read_examples(reader, fields["tests"]) if "tests" in fields else ()
        rule = Rule(
            id=name,
            category=category,
            title=self._get(fields, "title", reader.text, ""),
            severity=self._get(fields, "severity", lambda n: reader.choice(n, SEVERITIES), "low"),
            when=when,
            conditions=tuple(rest),
            card=self._get(fields, "suggest", self._card, None),
            escalate=tuple(self._escalation(n) for n in self._items(fields, "escalate")),
            version=self._get(fields, "version", lambda n: reader.integer(n, 1, 10**6), 1),
            score=self._get(fields, "score", lambda n: reader.number(n, -1000, 1000), 0.0),
            pack=self.pack,
            about=tuple(
                About(key, frozenset(reader.texts(fields[key])))
                for key in ("brand", "tier", "queue")
                if key in fields
            ),
            seeds=tuple(self._get(fields, "seeds", reader.texts, [])),
            owner=self._get(fields, "owner", reader.text, ""),
            note=self._get(fields, "note", reader.text, ""),
        )
        card_place = reader.place(fields["suggest"]) if "suggest" in fields else Place()
        if len(reader.problems) == errors or name:
            place = reader.place(fields["id"])
            self.packs.drafts.append(Draft(rule, place, examples, card_place))

    def _name(self, node: Node) -> str:
        name = self.reader.text(node)
        plain = name.replace(".", "").replace("_", "").replace("-", "")
        if not plain.isascii() or not plain.isalnum() or name != name.lower():
            fix = "lower case letters, digits, dots, _ and -"
            self.reader.wrong(node, f'"{name}" cannot be a rule id', fix)
        if name in self.packs.names:
            self.reader.wrong(node, f'another rule is called "{name}"', "choose another id")
        self.packs.names.add(name)
        return name

    def _category(self, node: Node) -> str:
        category = self.reader.text(node)
        if category not in CATEGORIES and not category.startswith("customer.type."):
            fix = suggest(category, CATEGORIES)
            self.reader.wrong(node, f'"{category}" is no category', fix)
        return category

    def _items(self, fields: dict[str, Node], key: str) -> list[Node]:
        return self.reader.items(fields[key]) if key in fields else []

    def _get(self, fields: dict[str, Node], key: str, read: Callable[[Node], T], default: T) -> T:
        return read(fields[key]) if key in fields else default

    def _card(self, node: Node) -> Card | None:
        reader = self.reader
        fields = reader.table(node, SUGGEST, "suggest")
        if "say" not in fields:
            return None
        brands: list[tuple[str, str]] = []
        if "brands" in fields:
            brands = [(k, reader.text(v)) for k, v in reader.mapping(fields["brands"], "brands")]
        return Card(
            say=reader.text(fields["say"]),
            brands=tuple(brands),
            keep_ms=self._get(fields, "keep", reader.duration_ms, 20_000),
            cooldown_ms=self._get(fields, "cooldown", reader.duration_ms, 45_000),
            group=self._get(fields, "group", reader.text, ""),
        )

    def _escalation(self, node: Node) -> Escalation:
        reader = self.reader
        fields = reader.table(node, ESCALATE, "escalate")
        return Escalation(
            n=self._get(fields, "n", lambda n: reader.integer(n, 1, 1000), 1),
            within_ms=reader.duration_ms(fields["within"]) if "within" in fields else None,
            to=self._get(fields, "to", lambda n: reader.choice(n, SEVERITIES), "medium"),
        )
