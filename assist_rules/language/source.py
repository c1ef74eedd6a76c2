"""Pack files as YAML nodes that know where they stand, and readers that collect what is wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from assist_rules.errors import Place, Problem
from assist_rules.language.grammar import Field

MAX_FILE_BYTES = 16 * 1024 * 1024

Node = yaml.Node
_TAGS: dict[type[Node], str] = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Every scalar is text here; guessing types would only take time and turn no into false."""

    def resolve(self, kind: type[Node], value: object, implicit: object) -> str:
        return _TAGS[kind]


_BARE_AT = re.compile(r"(?m)(^\s*(?:- +)+|[\[,]\s*|:[ \t]+)@(?=[A-Za-z])")
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m)$")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000}


def compose(path: Path, problems: list[Problem]) -> Node | None:
    """The file's YAML tree; what cannot be read becomes a problem and None."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            problems.append(Problem(Place(name), "the file is larger than 16 MB", "split it"))
            return None
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problems.append(Problem(Place(name), f"cannot be read: {error.strerror}"))
        return None
    except UnicodeDecodeError:
        problems.append(Problem(Place(name), "is not UTF-8 text", "save it as UTF-8"))
        return None
    return compose_text(text, name, problems)


def compose_text(text: str, name: str, problems: list[Problem]) -> Node | None:
    """The same of a file's text; ``name`` is what problems call it."""
    # YAML reserves a leading @. The full-width one has the same column and is accepted as a name.
    text = _BARE_AT.sub(r"\1＠", text)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
        what = f"not valid YAML: {error.problem or error.context}"
        problems.append(Problem(place, what, "check indentation, quotes and colons here"))
        return None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problems.append(Problem(Place(name), f"not valid YAML: {str(error).splitlines()[0]}"))
        return None
    return node


class Reader:
    """Reads typed values out of nodes of one file; every complaint goes to ``problems``."""

    def __init__(self, path: Path, problems: list[Problem], settings: Mapping[str, str]) -> None:
        self.file = str(path)
        self.problems = problems
        self.settings = settings

    def place(self, node: Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def wrong(self, node: Node, what: str, fix: str = "") -> None:
        self.problems.append(Problem(self.place(node), what, fix))

    def table(self, node: Node, fields: Mapping[str, Field], what: str) -> dict[str, Node]:
        """A mapping with these fields; unknown, double and missing ones are problems."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{what} must be a mapping of fields", f"such as {first(fields)}: …")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in fields:
                self.wrong(key, f'"{name}" is not a field of {what}', suggest(name, fields))
            elif name in found:
                self.wrong(key, f'"{name}" stands here twice', "keep one of them")
            else:
                found[name] = value
        for name, field in fields.items():
            if field.required and name not in found:
                self.wrong(node, f'{what} needs "{name}"', f"{name}: {field.doc}")
        return found

    def mapping(self, node: Node, what: str) -> list[tuple[str, Node]]:
        """A mapping with free keys."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{what} must be a mapping", "name: value")
            return []
        pairs: dict[str, Node] = {}
        for key, value in node.value:
            if str(key.value) in pairs:
                self.wrong(key, f'"{key.value}" stands here twice', "keep one of them")
            pairs[str(key.value)] = value
        return list(pairs.items())

    def items(self, node: Node) -> list[Node]:
        """A list, or one value standing for a list of one."""
        return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]

    def text(self, node: Node) -> str:
        """A scalar as it is written; full-width @ of the loader becomes the plain one."""
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(node, "a text is needed here", "put it in quotes if it holds : or [ ]")
            return ""
        value = str(node.value).replace("＠", "@").strip()
        if not value:
            self.wrong(node, "this is empty", "write the text, or remove the line")
        return value

    def texts(self, node: Node) -> list[str]:
        return [text for item in self.items(node) if (text := self.text(item))]

    def choice(self, node: Node, choices: Iterable[str]) -> str:
        value = self.text(node)
        choices = tuple(choices)
        # YAML reads a bare on and off as themselves here: nodes keep what was written.
        if value not in choices:
            self.wrong(node, f'"{value}" is not possible here', suggest(value, choices))
            return choices[0] if choices else ""
        return value

    def number(self, node: Node, low: float, high: float) -> float:
        value = self._setting(node)
        try:
            number = float(value)
        except ValueError:
            self.wrong(node, f'"{value}" is not a number', f"a number from {low:g} to {high:g}")
            return low
        if not low <= number <= high:
            self.wrong(node, f"{value} is out of range", f"a number from {low:g} to {high:g}")
            return low
        return number

    def integer(self, node: Node, low: int, high: int) -> int:
        number = self.number(node, low, high)
        if number != int(number):
            self.wrong(node, f"{number:g} is not a whole number", "a whole number")
        return int(number)

    def flag(self, node: Node) -> bool:
        value = self.text(node).lower()
        if value not in ("true", "false", "yes", "no"):
            self.wrong(node, f'"{value}" is neither true nor false', "true or false")
        return value in ("true", "yes")

    def duration_ms(self, node: Node) -> int:
        value = self._setting(node)
        found = _DURATION.match(value)
        if found is None:
            self.wrong(node, f'"{value}" is no time', "8s, 500ms or 2m")
            return 1000
        return int(float(found[1]) * _UNIT_MS[found[2]])

    def _setting(self, node: Node) -> str:
        value = self.text(node)
        if not value.startswith("$"):
            return value
        if value[1:] not in self.settings:
            self.wrong(node, f"no setting {value[1:]}", suggest(value[1:], self.settings))
            return "0"
        return self.settings[value[1:]]


def suggest(word: str, choices: Iterable[str]) -> str:
    """The fix for a misspelt word."""
    choices = list(choices)
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return "one of " + ", ".join(sorted(choices)[:20])


def first(fields: Mapping[str, Field]) -> str:
    return next(iter(fields))
