"""From YAML to checklists and commitment rules."""

from __future__ import annotations

import yaml

from assist_rules.engine.conditions import Checklist, CommitmentRule, Condition, ListStep, Tail
from assist_rules.language import grammar
from assist_rules.language.conditions import ConditionReader
from assist_rules.language.examples import ListTest, read_commitment_tests, read_list_tests
from assist_rules.language.source import Node, Reader, suggest

FoundList = tuple[Tail, list[ListTest]]
TRIGGERS = ("fact", "any", "all", "seq", "count", "repeat", "like", "metric", "call")
"""Conditions that hold at moments; the others only hold or not at a given one."""


class ListReader:
    """Reads the checklists and commitments of one file; what is wrong becomes problems."""

    def __init__(self, reader: Reader, conditions: ConditionReader, pack: str) -> None:
        self.reader, self.conditions, self.pack = reader, conditions, pack

    def checklist(self, node: Node) -> FoundList | None:
        """None when it lacks what nothing can stand in for."""
        reader = self.reader
        fields = reader.table(node, grammar.CHECKLIST, "a checklist")
        if not {"list", "begins", "steps"} <= fields.keys():
            return None
        name = self._name(fields["list"])
        steps: list[ListStep] = []
        for item in reader.items(fields["steps"]):
            step = self._step(item, steps)
            if step is not None:
                steps.append(step)
        title = reader.text(fields["title"]) if "title" in fields else name
        begins = self._trigger(fields["begins"])
        tests: list[ListTest] = []
        if "tests" in fields:
            tests = read_list_tests(reader, fields["tests"], name, [s.name for s in steps])
        return Checklist(name, title, begins, tuple(steps), self.pack), tests

    def commitment(self, node: Node) -> FoundList | None:
        """None when it lacks what nothing can stand in for."""
        reader = self.reader
        fields = reader.table(node, grammar.COMMITMENT, "a commitment")
        if not {"commitment", "when"} <= fields.keys():
            return None
        name = self._name(fields["commitment"])
        due = reader.text(fields["due"]) if "due" in fields else ""
        tests: list[ListTest] = []
        if "tests" in fields:
            tests = read_commitment_tests(reader, fields["tests"], name)
        return CommitmentRule(name, self._trigger(fields["when"]), due, self.pack), tests

    def _step(self, node: Node, earlier: list[ListStep]) -> ListStep | None:
        reader = self.reader
        fields = reader.table(node, grammar.STEP, "a step")
        if not {"step", "title", "done"} <= fields.keys():
            return None
        name = self._name(fields["step"])
        names = [step.name for step in earlier]
        if name in names:
            reader.wrong(fields["step"], f'another step is called "{name}"', "choose another name")
        after = reader.text(fields["after"]) if "after" in fields else ""
        if after and after not in names:
            reader.wrong(fields["after"], f'"{after}" is no earlier step', suggest(after, names))
        clock = "clock" in fields and reader.choice(fields["clock"], grammar.STEP["clock"].choices)
        return ListStep(
            name=name,
            title=reader.text(fields["title"]),
            done=self._trigger(fields["done"], generous=True),
            after=after,
            due_ms=reader.duration_ms(fields["due"]) if "due" in fields else None,
            agent_clock=clock == "agent_turn",
            due_when=self._trigger(fields["due_when"]) if "due_when" in fields else None,
            skip_when=self._trigger(fields["skip_when"]) if "skip_when" in fields else None,
        )

    def _trigger(self, node: Node, generous: bool = False) -> Condition:
        if isinstance(node, yaml.MappingNode):
            for key, _ in node.value:
                kind = str(key.value)
                if kind in grammar.CONDITIONS and kind not in TRIGGERS:
                    what = f'"{kind}" does not say when something happens'
                    self.reader.wrong(key, what, "heard words, or one of " + ", ".join(TRIGGERS))
        read = self.conditions.heard_or_other if generous else self.conditions.condition
        return read(node)

    def _name(self, node: Node) -> str:
        name = self.reader.text(node)
        plain = name.replace("_", "")
        if not plain.isascii() or not plain.isalnum() or name != name.lower():
            self.reader.wrong(
                node, f'"{name}" cannot be a name', "lower case letters, digits and _"
            )
        return name
