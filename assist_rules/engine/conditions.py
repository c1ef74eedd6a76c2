"""What a rule can ask, as plain data: the parser makes these, the session answers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from assist_rules.language.phrase import Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Say:
    """Heard words of one party, with the guards that a hit must pass."""

    role: str
    phrases: tuple[Sequence, ...]
    sources: tuple[str, ...] = ()
    """The phrases as written, one per entry of ``phrases``."""
    excepts: tuple[Sequence, ...] = ()
    unless_before: tuple[Sequence, ...] = ()
    unless_after: tuple[Sequence, ...] = ()
    needs_before: tuple[Sequence, ...] = ()
    needs_after: tuple[Sequence, ...] = ()
    near: int = 6
    negation: str = "cancel"
    quoted: str = "keep"
    conditional: str = "lower"
    asked: str = "keep"
    boundary: str = "auto"
    homophones: str = "auto"
    min_confidence: float = 0.6
    literal: frozenset[str] = frozenset()
    """When not empty: the raw texts of which a hit must be one."""
    capture: str = ""
    unlike: tuple[str, float] | None = None
    """A category and log-odds: met in words less like the category than that, a hit is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    names: tuple[str, ...]
    within_ms: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class All:
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf:
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    of: Condition


@dataclass(frozen=True, slots=True, eq=False)
class NOf:
    n: int
    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Seq:
    of: tuple[Condition, ...]
    gap_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Count:
    of: Condition
    n: int
    within_ms: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    role: str
    n: int
    similar: float
    min_chars: int
    within_ms: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Absent:
    say: Say
    within_ms: int | None
    agent_clock: bool
    turns: int
    min_chars: int
    until_end: bool
    last_turn: bool
    after_start: bool


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    within_ms: int
    agent_clock: bool
    steps: tuple[tuple[str, Say], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Like:
    """A whole utterance worded like a category (``engine/weights.py``)."""

    role: str
    category: str
    above: float
    min_chars: int


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    party: str
    name: str
    above: float | None
    below: float | None
    for_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    names: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """A condition on what is known of the call: it never changes while the call lasts."""

    field: str
    values: frozenset[str]
    key: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class When:
    after_ms: int
    before_ms: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Talk:
    role: str
    chars: int


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """The call's beginning or end."""

    ended: bool


Condition = (
    Say | Fact | All | AnyOf | Not | NOf | Seq | Count | Repeat | Like | Absent | Steps | Measured
    | Phase | About | When | Talk | Edge
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Escalation:
    n: int
    within_ms: int | None
    to: str


@dataclass(frozen=True, slots=True)
class Card:
    """The suggestion of a rule."""

    say: str
    brands: tuple[tuple[str, str], ...] = ()
    keep_ms: int = 20_000
    cooldown_ms: int = 45_000
    group: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be compiled into a rulebook."""

    id: str
    category: str
    title: str
    severity: str
    when: Condition
    conditions: tuple[Condition, ...] = ()
    """All must hold; a ``not`` of the file is a ``Not`` here."""
    card: Card | None = None
    escalate: tuple[Escalation, ...] = ()
    version: int = 1
    score: float = 0.0
    pack: str = ""
    about: tuple[About, ...] = ()
    """The rule exists only on calls for which all of these hold."""
    seeds: tuple[str, ...] = ()
    owner: str = ""
    note: str = ""
    extra: dict[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class ListStep:
    """A step of a checklist: what does it, and when it should have been done."""

    name: str
    title: str
    done: Condition
    after: str = ""
    """Only what comes after this earlier step was done counts."""
    due_ms: int | None = None
    """Since the list began."""
    agent_clock: bool = False
    due_when: Condition | None = None
    skip_when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    """Steps that tick themselves once ``begins`` holds for sure."""

    name: str
    title: str
    begins: Condition
    steps: tuple[ListStep, ...]
    pack: str = ""


@dataclass(frozen=True, slots=True)
class CommitmentRule:
    """Each moment of ``when`` is something the agent promised; ``due`` is the slot of its time."""

    name: str
    when: Condition
    due: str
    pack: str = ""


Tail = Checklist | CommitmentRule
"""What rests on rules, but on which no rule rests."""
Asker = Rule | Tail
"""What asks conditions and is looked at again when their answers may have changed."""


def walk(condition: Condition) -> Iterator[Condition]:
    """The condition and everything inside it."""
    yield condition
    match condition:
        case All(of) | AnyOf(of) | NOf(_, of) | Seq(of):
            for inner in of:
                yield from walk(inner)
        case Not(inner) | Count(inner):
            yield from walk(inner)
        case Absent(say):
            yield say
        case Steps():
            for _, say in condition.steps:
                yield say
        case _:
            pass


def conditions_of(asker: Asker) -> Iterator[Condition]:
    """Every condition that it asks, the trigger's first."""
    match asker:
        case Rule():
            yield from walk(asker.when)
            for condition in asker.conditions:
                yield from walk(condition)
        case CommitmentRule():
            yield from walk(asker.when)
        case Checklist():
            yield from walk(asker.begins)
            for step in asker.steps:
                for asked in (step.done, step.due_when, step.skip_when):
                    if asked is not None:
                        yield from walk(asked)
