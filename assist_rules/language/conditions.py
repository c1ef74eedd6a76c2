"""From the YAML of a condition to what the engine asks."""

from __future__ import annotations

import yaml

from assist_rules.engine import weights
from assist_rules.engine.conditions import (
    About,
    Absent,
    All,
    AnyOf,
    Condition,
    Count,
    Edge,
    Fact,
    Like,
    Measured,
    NOf,
    Not,
    Phase,
    Repeat,
    Say,
    Seq,
    Steps,
    Talk,
    When,
)
from assist_rules.engine.text import normalise
from assist_rules.language import grammar
from assist_rules.language.lists import ListBook
from assist_rules.language.phrase import PhraseError, Sequence, parse_phrase
from assist_rules.language.source import Node, Reader, suggest

Fields = dict[str, Node]
NEVER = Edge(ended=True)
"""Stands in for a condition that could not be read; its problem keeps the pack from loading."""


def _keep(text: str) -> str:
    """Folds nothing but what is not a word, for ``literal`` conditions."""
    return "".join(text[place] for place in dict.fromkeys(normalise(text).places))


class ConditionReader:
    """Reads conditions of one file."""

    def __init__(self, reader: Reader, lists: ListBook) -> None:
        self.reader, self.lists = reader, lists
        self._parsed: dict[str, list[Sequence]] = {}

    def condition(self, node: Node) -> Condition:
        """Any condition: heard words, or exactly one of the other kinds."""
        if not isinstance(node, yaml.MappingNode):
            self.reader.wrong(node, "a condition is needed", "role: customer with say: […]")
            return NEVER
        names = {str(key.value) for key, _ in node.value}
        if names & {"say", "role"} and not names & grammar.CONDITIONS.keys():
            fields = self.reader.table(node, grammar.SAY, "heard words")
            return self.say(fields) if {"role", "say"} <= fields.keys() else NEVER
        kinds = names & grammar.CONDITIONS.keys()
        if len(kinds) != 1:
            known = [*grammar.CONDITIONS, "role", "say"]
            wrong = next(iter(names - set(known)), "")
            fix = suggest(wrong, known) if wrong else "make a list of conditions of it"
            what = f'"{wrong}" is no condition' if wrong else "one condition has two kinds"
            self.reader.wrong(node, what, fix)
            return NEVER
        kind = kinds.pop()
        extra = grammar.FACT_EXTRA if kind == "fact" else {}
        table = {kind: grammar.CONDITIONS[kind], **extra}
        fields = self.reader.table(node, table, f"the condition {kind}")
        return self._other(kind, fields) if kind in fields else NEVER

    def heard_or_other(self, node: Node) -> Condition:
        """As ``condition``, but plain words are heard generously: half understood is said."""
        if isinstance(node, yaml.MappingNode):
            names = {str(key.value) for key, _ in node.value}
            if "say" in names and not names & grammar.CONDITIONS.keys():
                fields = self.reader.table(node, grammar.SAY, "heard words")
                return self.say(fields, lenient=True) if "role" in fields else NEVER
        return self.condition(node)

    def negated(self, node: Node) -> Condition:
        return Not(self.condition(node))

    def say(self, fields: Fields, lenient: bool = False) -> Say:
        """Heard words; ``fields`` have ``role`` and ``say``.

        ``lenient``: for words whose absence is blamed; half understood is said.
        """
        r = self.reader
        role = r.choice(fields["role"], grammar.ROLES)
        phrases: list[Sequence] = []
        sources: list[str] = []
        for node, source, found in self._phrases(fields["say"]):
            for sequence in found:
                if sequence.shortest < 2 and not (sequence.at_start and sequence.at_end):
                    r.wrong(node, f'"{source}" is only one character', "a longer phrase")
                phrases.append(sequence)
                sources.append(source)

        def extra(name: str) -> tuple[Sequence, ...]:
            if name not in fields:
                return ()
            return tuple(s for _, _, found in self._phrases(fields[name]) for s in found)

        def choice(name: str, default: str) -> str:
            if name not in fields:
                return default
            return r.choice(fields[name], grammar.SAY[name].choices)

        literal = "literal" in fields and r.flag(fields["literal"])
        return Say(
            role=role,
            phrases=tuple(phrases),
            sources=tuple(sources),
            excepts=extra("except"),
            unless_before=extra("unless_before"),
            unless_after=extra("unless_after"),
            needs_before=extra("needs_before"),
            needs_after=extra("needs_after"),
            near=r.integer(fields["near"], 1, 20) if "near" in fields else 6,
            negation=choice("negation", "cancel"),
            quoted=choice("quoted", "cancel" if role == "agent" else "keep"),
            conditional=choice("conditional", "lower"),
            asked=choice("asked", "keep"),
            boundary=choice("boundary", "auto"),
            homophones="off" if literal else choice("homophones", "loose" if lenient else "auto"),
            min_confidence=(
                r.number(fields["min_confidence"], 0, 1)
                if "min_confidence" in fields
                else (0.25 if lenient else 0.6)
            ),
            literal=self._literal(fields["say"]) if literal else frozenset(),
            capture=r.text(fields["capture"]) if "capture" in fields else "",
        )

    def _phrases(self, node: Node) -> list[tuple[Node, str, list[Sequence]]]:
        """Each phrase below the node with its sequences; broken ones are problems."""
        found = []
        for item in self.reader.items(node):
            text = self.reader.text(item)
            if not text:
                continue
            try:
                for source in self.lists.flatten(text):
                    if source not in self._parsed:
                        self._parsed[source] = parse_phrase(source, self.lists.look_up)
                    found.append((item, source, self._parsed[source]))
            except PhraseError as error:
                self.reader.wrong(item, error.what, error.fix)
        return found

    def _literal(self, node: Node) -> frozenset[str]:
        texts: set[str] = set()
        for item in self.reader.items(node):
            try:
                for source in self.lists.flatten(self.reader.text(item)):
                    for sequence in parse_phrase(source, self.lists.look_up, _keep):
                        if len(sequence.parts) > 1:
                            raise PhraseError("literal phrases have no gaps", "list them plainly")
                        texts |= sequence.parts[0]
            except PhraseError as error:
                self.reader.wrong(item, error.what, error.fix)
        return frozenset(texts)

    def _several(self, node: Node) -> tuple[Condition, ...]:
        return tuple(self.condition(item) for item in self.reader.items(node))

    def _other(self, kind: str, fields: Fields) -> Condition:
        r, node = self.reader, fields[kind]
        if kind == "fact":
            within = r.duration_ms(fields["within"]) if "within" in fields else None
            return Fact(tuple(r.texts(node)), within)
        if kind == "all":
            return All(self._several(node))
        if kind == "any":
            return AnyOf(self._several(node))
        if kind == "not":
            return self.negated(node)
        if kind in ("phase",):
            return Phase(frozenset(r.texts(node)))
        if kind in ("tier", "brand", "queue"):
            return About(kind, frozenset(r.texts(node)))
        if kind == "call":
            return Edge(r.choice(node, grammar.CONDITIONS["call"].choices) == "ended")
        if kind == "attribute":
            pairs = r.mapping(node, "attribute")
            parts = [About("attribute", frozenset(r.texts(v)), k) for k, v in pairs]
            return All(tuple(parts))
        table = grammar.TABLES[grammar.CONDITIONS[kind].kind]
        inner = r.table(node, table, kind)
        if any(field.required and name not in inner for name, field in table.items()):
            return NEVER
        return self._table(kind, inner, node)

    def _table(self, kind: str, f: Fields, node: Node) -> Condition:
        r = self.reader

        def ms(name: str) -> int | None:
            return r.duration_ms(f[name]) if name in f else None

        def whole(name: str, default: int, high: int = 1000) -> int:
            return r.integer(f[name], 1, high) if name in f else default

        if kind == "n_of":
            return NOf(whole("n", 1), self._several(f["of"]))
        if kind == "seq":
            return Seq(self._several(f["of"]), r.duration_ms(f["gap"]))
        if kind == "count":
            return Count(self.condition(f["of"]), whole("n", 1), ms("within"))
        if kind == "repeat":
            role = r.choice(f["role"], grammar.ROLES)
            similar = r.number(f["similar"], 0, 1) if "similar" in f else 0.75
            return Repeat(role, whole("n", 2), similar, whole("min_chars", 6), ms("within"))
        if kind == "like":
            return self._like(f)
        if kind == "metric":
            return self._measured(f, node)
        if kind == "time":
            return When(ms("after") or 0, ms("before"))
        if kind == "talk":
            return Talk(r.choice(f["role"], grammar.ROLES), whole("chars", 1, 10**6))
        if kind == "open_steps":
            return self._steps(f)
        return self._absent(f, node)

    def _like(self, f: Fields) -> Like:
        r = self.reader
        return Like(
            r.choice(f["role"], grammar.ROLES),
            r.choice(f["category"], weights.names()),
            r.number(f["above"], -20, 20) if "above" in f else 0.0,
            r.integer(f["min_chars"], 1, 1000) if "min_chars" in f else 4,
        )

    def _measured(self, f: Fields, node: Node) -> Measured:
        r = self.reader
        above = r.number(f["above"], -1e6, 1e6) if "above" in f else None
        below = r.number(f["below"], -1e6, 1e6) if "below" in f else None
        if above is None and below is None:
            r.wrong(node, "a metric needs a threshold", "above: 300, or below: 200")
        party = r.choice(f["party"], grammar.ROLES)
        name = r.choice(f["name"], grammar.METRIC["name"].choices)
        for_ms = r.duration_ms(f["for"]) if "for" in f else 0
        return Measured(party, name, above, below, for_ms)

    def _steps(self, f: Fields) -> Steps:
        r = self.reader
        steps = []
        for name, value in r.mapping(f["steps"], "steps"):
            steps.append((name, self.say({"role": f["role"], "say": value}, lenient=True)))
        clock = "clock" in f and r.choice(f["clock"], grammar.STEPS["clock"].choices)
        return Steps(r.duration_ms(f["within"]), clock == "agent_turn", tuple(steps))

    def _absent(self, f: Fields, node: Node) -> Absent:
        r = self.reader
        if not f.keys() & {"within", "turns", "until"}:
            r.wrong(node, "absent has no deadline", "add within: 8s, turns: 1 or until: end")

        def choice(name: str) -> str:
            return r.choice(f[name], grammar.ABSENT[name].choices) if name in f else ""

        return Absent(
            say=self.say(f, lenient=True),
            within_ms=r.duration_ms(f["within"]) if "within" in f else None,
            agent_clock=choice("clock") == "agent_turn",
            turns=r.integer(f["turns"], 1, 20) if "turns" in f else 0,
            min_chars=r.integer(f["min_chars"], 0, 1000) if "min_chars" in f else 4,
            until_end=bool(choice("until")),
            last_turn=choice("of") == "last_turn",
            after_start=choice("after") == "start",
        )
