"""Checks the inventory of the handbooks against the packs: every item is met as it claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from assist_rules.errors import Problem
from assist_rules.language.parse import Draft
from assist_rules.language.source import Reader, compose, suggest

INVENTORY = Path(__file__).parent.parent / "inventory.yaml"
HOW = ("detected", "advised", "not_observable")
FIELDS = ("id", "source", "text", "how", "rules", "card", "why")


@dataclass(slots=True)
class Coverage:
    """How the items are met, and what is wrong with the claims."""

    items: int = 0
    how: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    unused_rules: list[str] = field(default_factory=list)
    """Rules that no item names: fine, but worth a look."""

    def figures(self) -> dict[str, Any]:
        return {
            "items": self.items,
            **{how: self.how[how] for how in HOW},
            "rules_without_item": self.unused_rules,
            "problems": [str(p) for p in self.problems],
        }


def read_coverage(drafts: Sequence[Draft], path: Path = INVENTORY) -> Coverage:
    """Read the inventory and hold it against the rules."""
    result = Coverage()
    node = compose(path, result.problems)
    if node is None:
        return result
    reader = Reader(path, result.problems, {})
    top = dict(reader.mapping(node, "the inventory"))
    if "items" not in top:
        reader.wrong(node, 'the inventory needs "items"', "items: […]")
        return result
    rules = {d.rule.id: d for d in drafts}
    named: set[str] = set()
    seen: set[str] = set()
    for item in reader.items(top["items"]):
        _item(reader, item, rules, named, seen, result)
    result.unused_rules = sorted(rules.keys() - named)
    return result


def _item(
    reader: Reader,
    node: yaml.Node,
    rules: dict[str, Draft],
    named: set[str],
    seen: set[str],
    result: Coverage,
) -> None:
    fields = dict(reader.mapping(node, "an item"))
    for name in fields.keys() - set(FIELDS):
        reader.wrong(fields[name], f'"{name}" is not a field of an item', suggest(name, FIELDS))
    missing = [name for name in ("id", "source", "text", "how") if name not in fields]
    if missing:
        reader.wrong(node, f"an item lacks {', '.join(missing)}", "add it")
        return
    name = reader.text(fields["id"])
    if name in seen:
        reader.wrong(fields["id"], f"{name} stands here twice", "keep one")
    seen.add(name)
    result.items += 1
    how = reader.choice(fields["how"], HOW)
    result.how[how] += 1
    claimed = reader.texts(fields["rules"]) if _given(fields, "rules") else []
    for rule in claimed:
        if rule in rules:
            named.add(rule)
        else:
            reader.wrong(fields["rules"], f"{name} names no rule {rule}", suggest(rule, rules))
    if how == "detected" and not claimed:
        reader.wrong(node, f"{name} is detected by no rule", "rules: [rule ids]")
    if how == "advised":
        card = reader.text(fields["card"]) if _given(fields, "card") else ""
        if card not in rules or rules[card].rule.card is None:
            fix = suggest(card, [r for r, d in rules.items() if d.rule.card])
            reader.wrong(node, f'{name}: no rule "{card}" has a card', fix)
        else:
            named.add(card)
    if how == "not_observable" and not _given(fields, "why"):
        reader.wrong(node, f"{name} does not say why it cannot be observed", "why: …")


def _given(fields: dict[str, yaml.Node], name: str) -> bool:
    node = fields.get(name)
    if node is None:
        return False
    if isinstance(node, yaml.ScalarNode):
        return node.value.strip() not in ("", "~", "null")
    return bool(node.value)
