"""Changes to one value of a YAML text that leave every other byte where it is. Pure.

Rule files are written by people: comments, quotes, order and line breaks are theirs. A writer of
YAML would make them anew, and cannot even read a bare ``@list``, so only the span of the changed
value is written. Names of lists come with a full-width ``＠`` from the loader.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import yaml

Node = yaml.Node
Dump = Callable[[Any], str]


class SpliceError(ValueError):
    """This place cannot be changed without touching what stands around it."""


def flow(value: Any) -> str:
    """The value on one line, as it may stand inside brackets."""
    text: str = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10**9)
    return text.strip()[1:-1]


def block(value: Any) -> str:
    """The value on one line, as it may stand after a key or a dash."""
    if not isinstance(value, str):
        return flow(value)
    text: str = yaml.safe_dump(value, allow_unicode=True, width=10**9)
    return text.removesuffix("\n").removesuffix("\n...")


def end(node: Node) -> int:
    """Where the node's own text ends; the parser counts what follows a block as its part."""
    if isinstance(node, yaml.ScalarNode) or in_brackets(node):
        return int(node.end_mark.index)
    last = node.value[-1]
    return end(last[1] if isinstance(last, tuple) else last)


def in_brackets(node: Node) -> bool:
    """Whether a list or mapping is written in brackets, and not line by line."""
    return bool(getattr(node, "flow_style", False))


def start(node: Node) -> int:
    """Where the node's own text begins."""
    return int(node.start_mark.index)


def find(mapping: Node, key: str) -> tuple[Node, Node] | None:
    """Key and value of a field of a mapping."""
    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    return next(((k, v) for k, v in pairs if k.value == key), None)


def put(text: str, mapping: Node, key: str, value: Any, after: Sequence[str] = ()) -> str:
    """The field has this value; one that is new stands behind the last of ``after`` there is."""
    found = find(mapping, key)
    if found is not None:
        _plain(found[1])
        written = flow(value) if in_brackets(mapping) else block(value)
        # A block begins on a line of its own; what replaces it stands behind the key.
        begin = text.index(":", end(found[0])) + 1
        return f"{text[:begin]} {written}{text[end(found[1]) :]}"
    if in_brackets(mapping):
        line = f"{block(key)}: {flow(value)}"
        place = end(mapping) - 1
        return f"{text[:place]}{', ' if mapping.value else ''}{line}{text[place:]}"
    before = [v for k, v in mapping.value if k.value in after] or [mapping.value[0][1]]
    place = _line_end(text, end(before[-1]))
    indent = " " * mapping.value[0][0].start_mark.column
    return f"{text[:place]}\n{indent}{block(key)}: {block(value)}{text[place:]}"


def drop(text: str, mapping: Node, key: str) -> str:
    """The field is gone, if it was there."""
    found = find(mapping, key)
    if found is None:
        return text
    if in_brackets(mapping):
        kept = [text[start(k) : end(v)] for k, v in mapping.value if k.value != key]
        return f"{text[: start(mapping)]}{{{', '.join(kept)}}}{text[end(mapping) :]}"
    begin = text.rfind("\n", 0, start(found[0])) + 1
    if text[begin : start(found[0])].strip():
        raise SpliceError("a field on the line of a dash cannot go")
    return text[:begin] + text[_line_end(text, end(found[1])) + 1 :]


def items(
    text: str, lists: Sequence[Node], wanted: Sequence[str], read: Callable[[Node], str]
) -> str:
    """The lists hold these texts, one after the other; what stays keeps its place and its words.

    A list may also be one scalar that stands for itself. ``read`` gives an item's text.
    """
    old = [(i, node) for i, one in enumerate(lists) for node in _items(one)]
    new: list[list[Node | str]] = [[] for _ in lists]
    matcher = difflib.SequenceMatcher(None, [read(node) for _, node in old], list(wanted), False)
    at = 0
    for what, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        for offset in range(max(old_to - old_from, new_to - new_from)):
            if old_from + offset < old_to:
                at = old[old_from + offset][0]
            if new_from + offset < new_to:
                same = what == "equal"
                new[at].append(old[old_from + offset][1] if same else wanted[new_from + offset])
    for one, values in reversed(list(zip(lists, new, strict=True))):
        if list(_items(one)) != values:
            text = _written(text, one, values)
    return text


def _items(node: Node) -> list[Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def _written(text: str, node: Node, values: Sequence[Node | str]) -> str:
    """One list with other items: kept nodes as they stand, texts anew."""
    if isinstance(node, yaml.SequenceNode) and not in_brackets(node) and values:
        return _block_list(text, node, values)
    _without_comment(text, node)
    parts = [flow(v) if isinstance(v, str) else text[start(v) : end(v)] for v in values]
    begin = start(node)
    if isinstance(node, yaml.SequenceNode) and not in_brackets(node):
        begin = len(text[:begin].rstrip())
        return f"{text[:begin]} []{text[end(node) :]}"
    return f"{text[:begin]}[{', '.join(parts)}]{text[end(node) :]}"


def _block_list(text: str, node: Node, values: Sequence[Node | str]) -> str:
    """Line by line, so that comments between the items stay."""
    dash = text.rfind("-", 0, start(node.value[0]) + 1) if node.value else start(node)
    lead = text[text.rfind("\n", 0, dash) + 1 : dash]
    if lead.strip():
        raise SpliceError("a list that begins on another's line cannot be changed here")
    kept = [v for v in values if not isinstance(v, str)]
    spans = [(text.rfind("\n", 0, start(n)) + 1, _line_end(text, end(n)) + 1) for n in node.value]
    lines: list[str] = []
    place = spans[0][0]
    fresh = iter(values)
    for item, (begin, stop) in zip(node.value, spans, strict=True):
        lines.append(text[place:begin])
        place = stop
        if any(item is one for one in kept):
            for value in fresh:
                if value is item:
                    break
                lines.append(f"{lead}- {block(value)}\n")
            lines.append(_whole_line(text[begin:stop]))
    lines += [f"{lead}- {block(value)}\n" for value in fresh]
    rest = text[place:]
    made = "".join(lines)
    return (
        text[: spans[0][0]]
        + (made if rest or text.endswith("\n") else made.removesuffix("\n"))
        + rest
    )


def _whole_line(line: str) -> str:
    return line if line.endswith("\n") else line + "\n"


def _line_end(text: str, place: int) -> int:
    """The end of the line, without its break; a comment behind a value is passed over."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _without_comment(text: str, node: Node) -> None:
    inside = text[start(node) : end(node)]
    if "\n" in inside and any(" #" in f" {line}" for line in inside.splitlines()):
        raise SpliceError("a list with comments between its brackets is changed in the text")


def _plain(node: Node) -> None:
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        raise SpliceError("a text of several lines is changed in the text")
