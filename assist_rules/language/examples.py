"""The tests that stand beside a rule, as read from its file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import yaml

from assist_rules.errors import Place
from assist_rules.events import StepState
from assist_rules.language.grammar import COMMITMENT_TEST, LIST_TEST, TEST
from assist_rules.language.source import Node, Reader, suggest

WHO = {"客户": "customer", "坐席": "agent", "未知": "unknown"}
_LINE = re.compile(r"^(客户|坐席|未知)\s+(\d+(?:\.\d+)?)\s+(=\s*)?(\S.*)$")
_METRIC = re.compile(
    r"^测量\s+(\d+(?:\.\d+)?)\s+(agent|customer|unknown)\s+([a-z_]+)\s+(-?\d+(?:\.\d+)?)$"
)
_END = re.compile(r"^结束\s+(\d+(?:\.\d+)?)$")
_RANGE = re.compile(r"^(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a scripted call. ``kind``: say, revise, metric, end."""

    kind: str
    at_ms: int
    who: str = ""
    text: str = ""
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Example:
    """What is said, and how often the rule must fire. ``text`` or ``call`` is given."""

    place: Place
    text: str = ""
    call: tuple[Line, ...] = ()
    fires: bool = True
    times: int | None = None
    quote: str = ""
    between_ms: tuple[int, int] | None = None
    info: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListTest:
    """A scripted call, and where the steps of a checklist or the commitments then stand."""

    place: Place
    owner: str
    """Name of the checklist, or of the commitment rule."""
    call: tuple[Line, ...]
    steps: Mapping[str, str] | None = None
    """Step to state, ``none`` while the list has not begun; None for commitments."""
    made: tuple[str, ...] = ()
    due: tuple[str, ...] | None = None
    info: Mapping[str, str] = field(default_factory=dict)


STEP_STATES = (*map(str, StepState), "none")


def read_list_tests(
    reader: Reader, node: Node, owner: str, steps: Collection[str]
) -> list[ListTest]:
    """Tests of a checklist."""
    tests = []
    for item in reader.items(node):
        fields = reader.table(item, LIST_TEST, "a test of a checklist")
        if not {"call", "steps"} <= fields.keys():
            continue
        states: dict[str, str] = {}
        for name, value in reader.mapping(fields["steps"], "steps"):
            if name not in steps:
                reader.wrong(value, f'the list has no step "{name}"', suggest(name, steps))
            states[name] = reader.choice(value, STEP_STATES)
        place, lines = reader.place(item), _lines(reader, fields["call"])
        tests.append(ListTest(place, owner, lines, states, info=_info(reader, fields)))
    return tests


def read_commitment_tests(reader: Reader, node: Node, owner: str) -> list[ListTest]:
    """Tests of a commitment rule."""
    tests = []
    for item in reader.items(node):
        fields = reader.table(item, COMMITMENT_TEST, "a test of a commitment")
        if not {"call", "made"} <= fields.keys():
            continue
        made = reader.texts(fields["made"])
        due = tuple(reader.texts(fields["due"])) if "due" in fields else None
        place, lines = reader.place(item), _lines(reader, fields["call"])
        said = () if made == ["no"] else tuple(made)
        tests.append(ListTest(place, owner, lines, made=said, due=due, info=_info(reader, fields)))
    return tests


def _info(reader: Reader, fields: dict[str, Node]) -> dict[str, str]:
    if "info" not in fields:
        return {}
    return {k: reader.text(v) for k, v in reader.mapping(fields["info"], "info")}


def _lines(reader: Reader, node: Node) -> tuple[Line, ...]:
    lines = []
    for item in reader.items(node):
        line = _line(reader.text(item))
        if line is None:
            fix = "客户 0.0 我要投诉, 坐席 3.0 好的, 测量 5.0 agent rate 320, or 结束 20.0"
            reader.wrong(item, "this line of a call cannot be read", fix)
        else:
            lines.append(line)
    return tuple(lines)


def read_examples(reader: Reader, node: Node) -> tuple[Example, ...]:
    """All tests of a rule; malformed ones are problems."""
    examples: list[Example] = []
    for item in reader.items(node):
        fields = reader.table(item, TEST, "a test")
        info = _info(reader, fields)
        if "call" in fields:
            examples.append(_call(reader, item, fields, info))
            continue
        if not fields.keys() & {"fires", "silent"}:
            reader.wrong(item, "a test says nothing", "fires: […] or silent: […]")
        for key in ("fires", "silent"):
            if key in fields:
                for text in reader.items(fields[key]):
                    examples.append(_text(reader, text, key == "fires", info))
    return tuple(examples)


def _text(reader: Reader, node: Node, fires: bool, info: Mapping[str, str]) -> Example:
    quote = ""
    place = reader.place(node)
    if isinstance(node, yaml.MappingNode):
        fields = dict(reader.mapping(node, "a test text"))
        quote = reader.text(fields["quote"]) if "quote" in fields else ""
        text = reader.text(fields["text"]) if "text" in fields else ""
        if not text:
            reader.wrong(node, "a test text needs text", "{text: 我要投诉, quote: 投诉}")
    else:
        text = reader.text(node)
    return Example(place, text=text, fires=fires, quote=quote, info=info)


def _call(reader: Reader, node: Node, fields: dict[str, Node], info: Mapping[str, str]) -> Example:
    lines = _lines(reader, fields["call"])
    fires, times, between = True, None, None
    if "fires" not in fields:
        reader.wrong(node, "a call needs to say what comes of it", "fires: yes, or fires: no")
    elif isinstance(fields["fires"], yaml.MappingNode):
        found = _RANGE.match(
            dict((k, reader.text(v)) for k, v in reader.mapping(fields["fires"], "fires")).get(
                "at", ""
            )
        )
        if found is None:
            reader.wrong(fields["fires"], "when it fires cannot be read", "{at: 8.0..9.5}")
        else:
            between = (int(float(found[1]) * 1000), int(float(found[2]) * 1000))
    else:
        value = reader.text(fields["fires"]).lower()
        if value.isdigit():
            times = int(value)
            fires = times > 0
        elif value in ("yes", "true", "no", "false"):
            fires = value in ("yes", "true")
        else:
            reader.wrong(fields["fires"], f'"{value}" is neither yes nor no', "yes, no or 2")
    return Example(
        reader.place(node),
        call=lines,
        fires=fires,
        times=times,
        between_ms=between,
        info=info,
    )


def _line(text: str) -> Line | None:
    if found := _LINE.match(text):
        kind = "revise" if found[3] else "say"
        return Line(kind, round(float(found[2]) * 1000), WHO[found[1]], found[4])
    if found := _METRIC.match(text):
        return Line("metric", round(float(found[1]) * 1000), found[2], found[3], float(found[4]))
    if found := _END.match(text):
        return Line("end", round(float(found[1]) * 1000))
    return None
