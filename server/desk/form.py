"""A rule file as forms: its rules' fields, and the text with some of them changed. Pure.

The text stays the one truth. A form shows what it can of a rule; what it cannot (a trigger made
of several conditions, tests of whole calls) it leaves alone and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from assist_rules.errors import Problem
from assist_rules.language.source import Node, compose_text
from server.desk.splice import (
    SpliceError,
    block,
    drop,
    end,
    find,
    flow,
    in_brackets,
    items,
    put,
    start,
)

TEXTS: Mapping[str, tuple[str, ...]] = {
    "title": ("title",),
    "category": ("category",),
    "severity": ("severity",),
    "role": ("when", "role"),
    "suggestion": ("suggest", "say"),
}
LISTS: Mapping[str, tuple[str, ...]] = {
    "tier": ("tier",),
    "brand": ("brand",),
    "queue": ("queue",),
    "phrases": ("when", "say"),
    "except": ("when", "except"),
}
TESTS = ("fires", "silent")
ORDER = (
    *("id", "category", "severity", "title", "brand", "tier", "queue", "role", "say", "except"),
    *("when", "and", "not", "suggest", "tests"),
)
"""How people write a rule: a new field stands behind those before it here."""


class FormError(ValueError):
    """The change cannot be made in a form; the text says why."""


def read(text: str, name: str) -> dict[str, Any]:
    """``rules``: each with its fields, and with the lines they stand in; ``lists``: the file's."""
    problems: list[Problem] = []
    root = compose_text(text, name, problems)
    if root is None:
        first = problems[0] if problems else None
        raise FormError(str(first) if first else "the file is empty")
    return {
        "rules": [_rule(node) for node in _rules(root)],
        "lists": {k.value: _texts(v) for k, v in _pairs(_value(root, ("lists",)))},
    }


def write(text: str, rule: str, changes: Mapping[str, Any]) -> str:
    """The text with these fields of that rule changed; :func:`read` has their names.

    An empty list, or no suggestion, takes the field away. Raises :class:`FormError`.
    """
    if not changes:
        return text
    others = _raw(text, rule)
    for field, value in changes.items():
        try:
            text = _changed(text, rule, field, value)
        except SpliceError as error:
            raise FormError(f"{field}: {error}") from None
    # Whatever was typed: only what was asked for may have changed.
    now = _rule(_find(text, rule))
    wrong = [field for field, value in changes.items() if now[field] != value]
    if wrong or _raw(text, rule) != others:
        raise FormError(f"{', '.join(wrong or changes)}: this can only be changed in the text")
    return text


def add(text: str, rule: str, title: str, category: str, phrase: str) -> str:
    """The text with one more rule behind the others, which fires on that phrase.

    A check then asks for what it still lacks. Raises :class:`FormError`.
    """
    before = read(text, "")["rules"]
    rules = _value(_root(text), ("rules",))
    if not before or rules is None or in_brackets(rules):
        raise FormError("a file's first rule is written in the text")
    if any(one["id"] == rule for one in before):
        raise FormError(f"there is a rule {rule} already")
    lead = " " * (rules.value[-1].start_mark.column - 2)
    role = category.partition(".")[0]
    lines = (
        f"- id: {block(rule)}",
        f"  category: {block(category)}",
        "  severity: medium",
        f"  title: {block(title)}",
        "  when:",
        f"    role: {role if role in ('agent', 'customer') else 'any'}",
        f"    say: {flow([phrase])}",
        "  tests:",
        f"    - fires: {flow([phrase])}",
        "    - silent: []",
    )
    place = text.find("\n", end(rules))
    place = len(text) if place < 0 else place
    text = text[:place] + "".join(f"\n{lead}{line}" for line in lines) + text[place:]
    now = read(text, "")["rules"]
    wanted = {"id": rule, "title": title, "category": category, "phrases": [phrase]}
    if len(now) != len(before) + 1 or any(now[-1][k] != v for k, v in wanted.items()):
        raise FormError("this rule can only be written in the text")
    return text


def remove(text: str, rule: str) -> str:
    """The text without that rule; what stands before it stays. Raises :class:`FormError`."""
    node = _find(text, rule)
    if len(_rules(_root(text))) == 1:
        raise FormError("the only rule of a file cannot go")
    begin = text.rfind("\n", 0, start(node)) + 1
    if text[begin : start(node)].strip() != "-":
        raise FormError("this rule can only be taken away in the text")
    stop = text.find("\n", end(node))
    return text[:begin] + ("" if stop < 0 else text[stop + 1 :])


def write_list(text: str, name: str, phrases: Sequence[str]) -> str:
    """The text with other phrases in one of its lists. Raises :class:`FormError`."""
    node = _value(_root(text), ("lists", name))
    if node is None:
        raise FormError(f"there is no list {name} in this file")
    try:
        return items(text, [node], phrases, _text)
    except SpliceError as error:
        raise FormError(f"{name}: {error}") from None


def _changed(text: str, rule: str, field: str, value: Any) -> str:
    node = _find(text, rule)
    if field in TESTS:
        return _tests(text, node, field, value)
    if field == "brands":
        return _brands(text, rule, value)
    if field == "suggestion" and not value:
        return drop(text, node, "suggest")
    path = {**TEXTS, **LISTS}[field]
    holder = node if len(path) == 1 else _value(node, path[:1])
    if path[0] == "when" and (holder is None or find(holder, "say") is None):
        raise FormError(f"{field}: the trigger is not plain words")
    if holder is None:
        return put(text, node, path[0], {path[1]: value}, _before(path[0]))
    found = find(holder, path[-1])
    if field in TEXTS or found is None:
        return put(text, holder, path[-1], value, _before(path[-1])) if value else text
    if not value and field != "phrases":
        return drop(text, holder, path[-1])
    return items(text, [found[1]], value, _text)


def _before(key: str) -> tuple[str, ...]:
    return ORDER[: ORDER.index(key)]


def _brands(text: str, rule: str, wanted: Mapping[str, str]) -> str:
    """Sentences of brands, one by one, so that those that stay keep their words."""
    path = ("suggest", "brands")
    if not wanted:
        holder = _value(_find(text, rule), path[:1])
        return text if holder is None else drop(text, holder, path[1])
    if _value(_find(text, rule), path) is None:
        holder = _value(_find(text, rule), path[:1])
        if holder is None:
            raise FormError("brands: a rule without a suggestion has no variants of it")
        return put(text, holder, path[1], dict(wanted), ("say",))
    for name, say in wanted.items():
        holder = _value(_find(text, rule), path)
        found = holder and find(holder, name)
        if holder and not (found and _text(found[1]) == say):
            text = put(text, holder, name, say, [str(k.value) for k, _ in _pairs(holder)])
    for name in [str(k.value) for k, _ in _pairs(_value(_find(text, rule), path))]:
        if name not in wanted:
            holder = _value(_find(text, rule), path)
            text = drop(text, holder, name) if holder else text
    return text


def _tests(text: str, node: Node, field: str, wanted: Sequence[str]) -> str:
    lists = _test_lists(node, field)
    if lists:
        return items(text, lists, wanted, _text)
    tests = _value(node, ("tests",))
    if not wanted:
        return text
    if not isinstance(tests, yaml.SequenceNode):
        return put(text, node, "tests", [{field: list(wanted)}], ORDER)
    line = f"{{{field}: {flow(list(wanted))}}}"
    if in_brackets(tests):
        place = end(tests) - 1
        return f"{text[:place]}{', ' if tests.value else ''}{line}{text[place:]}"
    indent = " " * (tests.value[0].start_mark.column - 2)
    place = text.find("\n", end(tests.value[-1]))
    place = len(text) if place < 0 else place
    return f"{text[:place]}\n{indent}- {field}: {flow(list(wanted))}{text[place:]}"


def _test_lists(rule: Node, field: str) -> list[Node]:
    """The lists of texts under ``tests``; whole calls are not texts."""
    tests = _value(rule, ("tests",))
    found = []
    for test in tests.value if isinstance(tests, yaml.SequenceNode) else ():
        value = find(test, field)
        if value is not None and find(test, "call") is None:
            found.append(value[1])
    return found


def _rule(node: Node) -> dict[str, Any]:
    when = _value(node, ("when",))
    plain = isinstance(when, yaml.MappingNode) and find(when, "say") is not None
    places = {**TEXTS, **LISTS, "brands": ("suggest", "brands")}
    values = {field: _value(node, path) for field, path in places.items()}
    tests = {field: _test_lists(node, field) for field in TESTS}
    lines = {field: _lines([value]) for field, value in values.items() if value is not None}
    return {
        "id": _text(_value(node, ("id",))),
        **{field: _text(values[field]) for field in TEXTS},
        **{field: _texts(values[field]) for field in LISTS},
        "brands": {str(k.value): _text(v) for k, v in _pairs(values["brands"])},
        **{field: [t for one in lists for t in _texts(one)] for field, lists in tests.items()},
        "plain": plain,
        "lines": {
            **lines,
            **{field: _lines(lists) for field, lists in tests.items() if lists},
            "rule": _lines([node]),
        },
    }


def _lines(nodes: Sequence[Node]) -> list[int]:
    """First and last line, from 1."""
    return [nodes[0].start_mark.line + 1, max(_last_line(node) for node in nodes)]


def _last_line(node: Node) -> int:
    if isinstance(node, yaml.ScalarNode) or in_brackets(node) or not node.value:
        return int(node.end_mark.line) + 1
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _root(text: str) -> Node:
    root = compose_text(text, "", [])
    if root is None:
        raise FormError("this is no YAML")
    return root


def _rules(root: Node) -> list[Node]:
    rules = _value(root, ("rules",))
    return list(rules.value) if isinstance(rules, yaml.SequenceNode) else []


def _find(text: str, rule: str) -> Node:
    for node in _rules(_root(text)):
        if _text(_value(node, ("id",))) == rule:
            return node
    raise FormError(f"there is no rule {rule} in this file")


def _raw(text: str, rule: str) -> list[str]:
    """Everything but that rule, as it is written."""
    node = _find(text, rule)
    return [text[: start(node)], text[end(node) :].lstrip("\n")]


def _value(node: Node | None, path: Sequence[str]) -> Node | None:
    for key in path:
        found = None if node is None else find(node, key)
        node = None if found is None else found[1]
    return node


def _pairs(node: Node | None) -> list[tuple[Node, Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _texts(node: Node | None) -> list[str]:
    if isinstance(node, yaml.SequenceNode):
        return [_text(one) for one in node.value]
    return [] if node is None else [_text(node)]


def _text(node: Node | None) -> str:
    """A scalar; of ``{text: …, quote: …}`` the text."""
    if isinstance(node, yaml.MappingNode):
        return _text(_value(node, ("text",)))
    if not isinstance(node, yaml.ScalarNode):
        return ""
    value = str(node.value)
    return "@" + value[1:] if value.startswith("＠") else value
