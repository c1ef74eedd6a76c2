"""Every field of the rule language in one table: the parser, the editors' schema and lint read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assist_rules.events import Severity


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what kind of value it takes.

    Kinds: ``text``, ``texts`` (one or a list), ``phrases`` (a list of phrases), ``int``,
    ``number``, ``ratio`` (0 to 1), ``bool``, ``duration`` (8s, 500ms, 2m), ``choice``,
    ``choices`` (one or a list), ``condition``, ``conditions`` (a list), ``map`` (text to
    anything), ``phrase_map`` (text to phrases), ``any``, or the name of another table here.
    A kind ending in ``[]`` is a list of such.
    """

    kind: str
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()


SEVERITIES = tuple(str(s) for s in Severity)
ROLES = ("customer", "agent", "any")

SAY: dict[str, Field] = {
    "role": Field("choice", "who says it", True, ROLES),
    "say": Field("phrases", "any of these phrases", True),
    "except": Field("phrases", "a hit inside one of these longer phrases is none"),
    "unless_before": Field("phrases", "no hit when one of these stands shortly before"),
    "unless_after": Field("phrases", "no hit when one of these stands shortly after"),
    "needs_before": Field("phrases", "must stand shortly before"),
    "needs_after": Field("phrases", "must stand shortly after"),
    "near": Field("int", "how many characters 'shortly' is, 1 to 20 (6)"),
    "negation": Field(
        "choice", "what a negation before it does", choices=("cancel", "keep", "flip")
    ),
    "quoted": Field("choice", "what 他说/您说 before it does", choices=("cancel", "keep")),
    "conditional": Field(
        "choice", "what 如果/要是 before it does", choices=("keep", "lower", "cancel")
    ),
    "asked": Field("choice", "what a question does", choices=("keep", "cancel")),
    "boundary": Field("choice", "must it end where words end", choices=("auto", "on", "off")),
    "homophones": Field("choice", "match by sound too", choices=("auto", "on", "off")),
    "min_confidence": Field("ratio", "homophone hits below are dropped (0.6)"),
    "literal": Field("bool", "tell 您 from 你, see fillers"),
    "capture": Field("text", "the heard words become this slot"),
}

ABSENT: dict[str, Field] = {
    **SAY,
    "within": Field("duration", "deadline on audio time"),
    "clock": Field("choice", "which time runs", choices=("audio", "agent_turn")),
    "turns": Field("int", "also decided after so many turns of that party"),
    "min_chars": Field("int", "shorter turns do not count (4)"),
    "until": Field("choice", "decided when the call ends", choices=("end",)),
    "of": Field("choice", "what is looked at, with until: end", choices=("call", "last_turn")),
    "after": Field(
        "choice", "since when: the trigger or the call's start", choices=("when", "start")
    ),
}

STEPS: dict[str, Field] = {
    "role": Field("choice", "who says it", True, ROLES),
    "within": Field("duration", "deadline", True),
    "clock": Field("choice", "which time runs", choices=("audio", "agent_turn")),
    "steps": Field("phrase_map", "name of a step: its phrases", True),
}

COUNT: dict[str, Field] = {
    "of": Field("condition", "what is counted", True),
    "n": Field("int", "at least so often", True),
    "within": Field("duration", "in this window"),
}
N_OF: dict[str, Field] = {
    "n": Field("int", "at least so many hold", True),
    "of": Field("conditions", "of these", True),
}
SEQ: dict[str, Field] = {
    "of": Field("conditions", "in this order", True),
    "gap": Field("duration", "each within this of the one before", True),
}
REPEAT: dict[str, Field] = {
    "role": Field("choice", "who", True, ROLES),
    "n": Field("int", "said for the n-th time (2)"),
    "similar": Field("ratio", "how alike (0.75)"),
    "min_chars": Field("int", "shorter utterances do not count (6)"),
    "within": Field("duration", "in this window"),
}
LIKE: dict[str, Field] = {
    "role": Field("choice", "who", True, ROLES),
    "category": Field("text", "worded like this category; there must be weights for it", True),
    "above": Field("number", "log-odds of at least this (0 is even)"),
    "min_chars": Field("int", "shorter utterances do not count (4)"),
}
METRIC: dict[str, Field] = {
    "party": Field("choice", "whose sound", True, ROLES),
    "name": Field(
        "choice",
        "which measure",
        True,
        ("speaking", "rate", "level", "pitch", "silence", "overlap", "talk_share"),
    ),
    "above": Field("number", "more than this"),
    "below": Field("number", "less than this"),
    "for": Field("duration", "for so long (at once)"),
}
TIME: dict[str, Field] = {
    "after": Field("duration", "not earlier in the call"),
    "before": Field("duration", "not later in the call"),
}
TALK: dict[str, Field] = {
    "role": Field("choice", "who", True, ROLES),
    "chars": Field("int", "at least so many characters so far", True),
}

CONDITIONS: dict[str, Field] = {
    "fact": Field("texts", "an alert of this category or rule is alive"),
    "all": Field("conditions", "each of these"),
    "any": Field("conditions", "at least one of these"),
    "not": Field("condition", "this does not hold"),
    "n_of": Field("N_OF", "at least n of these"),
    "seq": Field("SEQ", "in this order"),
    "count": Field("COUNT", "so often"),
    "repeat": Field("REPEAT", "the same said again"),
    "like": Field("LIKE", "worded like a category"),
    "absent": Field("ABSENT", "not said by the deadline"),
    "metric": Field("METRIC", "a measure of the sound"),
    "phase": Field("texts", "the call is in one of these phases"),
    "tier": Field("texts", "the call's service tier"),
    "brand": Field("texts", "the call's brand"),
    "queue": Field("texts", "the call's queue"),
    "attribute": Field("map", "the call's attributes have these values"),
    "time": Field("TIME", "the moment lies there in the call"),
    "talk": Field("TALK", "a party has spoken so much"),
    "call": Field("choice", "the call began or is over", choices=("started", "ended")),
    "open_steps": Field("STEPS", "at the deadline a step is missing"),
}
"""A condition has exactly one of these keys, or is heard words (``role`` and ``say``)."""

FACT_EXTRA: dict[str, Field] = {"within": Field("duration", "only facts as fresh as this")}

SUGGEST: dict[str, Field] = {
    "say": Field("text", "the sentence, at most 40 characters", True),
    "brands": Field("map", "another sentence for a brand"),
    "keep": Field("duration", "time on screen (20s)"),
    "cooldown": Field("duration", "quiet time of the rule after it (45s)"),
    "group": Field("text", "cards of one group merge (the category)"),
}
ESCALATE: dict[str, Field] = {
    "n": Field("int", "from the n-th living alert on", True),
    "within": Field("duration", "in this window"),
    "to": Field("choice", "the severity then", True, SEVERITIES),
}
TEST: dict[str, Field] = {
    "fires": Field("any", "texts that must fire; with call: yes, no, how often, or {at: 8.0..9.0}"),
    "silent": Field("any", "texts that must not fire"),
    "call": Field("texts", "lines: 客户 0.0 …, 坐席 3.0 …, 测量 5.0 agent rate 320, 结束 20.0"),
    "info": Field("map", "what is known of the call: brand, tier, queue, agent, others"),
    "name": Field("text", "what it shows"),
}
RULE: dict[str, Field] = {
    "id": Field("text", "unique name, lower case with dots", True),
    "category": Field("text", "the label", True),
    "title": Field("text", "what a team lead reads", True),
    "severity": Field("choice", "how much it matters", True, SEVERITIES),
    "when": Field("condition", "the trigger", True),
    "and": Field("conditions", "what else must hold"),
    "not": Field("conditions", "what forbids it"),
    "suggest": Field("SUGGEST", "the sentence for the agent"),
    "escalate": Field("ESCALATE[]", "severity rises with repetition"),
    "tests": Field("TEST[]", "what must fire and what must not", True),
    "version": Field("int", "of the rule (1)"),
    "owner": Field("text", "who answers for it"),
    "seeds": Field("texts", "ids of the inventory that it meets"),
    "note": Field("text", "for the next author"),
    "score": Field("number", "points while its alert lives"),
    "unlike": Field("number", "the least log-odds of the words around a hit, for this rule"),
    "brand": Field("texts", "only on calls of these brands"),
    "tier": Field("texts", "only on calls of these tiers"),
    "queue": Field("texts", "only on calls of these queues"),
    "enabled": Field("bool", "false switches it off"),
}
PHASE: dict[str, Field] = {
    "role": Field("choice", "who says it", True, ROLES),
    "say": Field("phrases", "words that begin the phase", True),
}
STEP: dict[str, Field] = {
    "step": Field("text", "unique name within the list, lower case", True),
    "title": Field("text", "what people read", True),
    "done": Field("condition", "what does it", True),
    "after": Field("text", "an earlier step: only what follows that one counts"),
    "due": Field("duration", "when it should have been done, from the list's beginning"),
    "clock": Field("choice", "which time runs until then", choices=("audio", "agent_turn")),
    "due_when": Field("condition", "what makes it due"),
    "skip_when": Field("condition", "what makes it needless"),
}
LIST_TEST: dict[str, Field] = {
    "call": Field("texts", "lines: 客户 0.0 …, 坐席 3.0 …, 结束 20.0", True),
    "steps": Field("map", "name of a step: open, done, due, skipped or none", True),
    "info": Field("map", "what is known of the call"),
    "name": Field("text", "what it shows"),
}
CHECKLIST: dict[str, Field] = {
    "list": Field("text", "unique name; flow and 7a have their place on the screens", True),
    "title": Field("text", "what people read", True),
    "begins": Field("condition", "from when on its steps are to be done", True),
    "steps": Field("STEP[]", "in their order", True),
    "tests": Field("LIST_TEST[]", "every step done in one, not done in another", True),
}
COMMITMENT_TEST: dict[str, Field] = {
    "call": Field("texts", "lines: 客户 0.0 …, 坐席 3.0 …", True),
    "made": Field("any", "no, or words of each commitment that stands in the end", True),
    "due": Field("texts", "the promised times"),
    "info": Field("map", "what is known of the call"),
    "name": Field("text", "what it shows"),
}
COMMITMENT: dict[str, Field] = {
    "commitment": Field("text", "unique name", True),
    "when": Field("condition", "each time this holds the agent has promised something", True),
    "due": Field("text", "the slot that holds the promised time"),
    "tests": Field("COMMITMENT_TEST[]", "what is one and what is none", True),
}
FILE: dict[str, Field] = {
    "pack": Field("text", "the pack this file belongs to", True),
    "settings": Field("map", "defaults that a site overrides"),
    "lists": Field("phrase_map", "named lists of phrases"),
    "rivals": Field("phrase_map", "words that sound alike and mean something else"),
    "unlike": Field("map", "log-odds by category: phrases in words less like it count for nothing"),
    "phases": Field("PHASE{}", "phases of a call and the words that begin them"),
    "rules": Field("RULE[]", "the rules"),
    "checklists": Field("CHECKLIST[]", "steps of a call that tick themselves"),
    "commitments": Field("COMMITMENT[]", "what counts as promised by the agent"),
}
TABLES: dict[str, dict[str, Field]] = {
    "SAY": SAY, "ABSENT": ABSENT, "STEPS": STEPS, "COUNT": COUNT, "N_OF": N_OF, "SEQ": SEQ,
    "REPEAT": REPEAT,
    "LIKE": LIKE, "METRIC": METRIC, "TIME": TIME, "TALK": TALK, "SUGGEST": SUGGEST,
    "ESCALATE": ESCALATE, "TEST": TEST, "RULE": RULE, "PHASE": PHASE, "FILE": FILE,
    "STEP": STEP, "LIST_TEST": LIST_TEST, "CHECKLIST": CHECKLIST,
    "COMMITMENT_TEST": COMMITMENT_TEST, "COMMITMENT": COMMITMENT,
}  # fmt: skip

SETTING = {"type": "string", "pattern": r"^\$[a-z_0-9]+$"}
_SCALAR: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "number"]},
    "int": {"anyOf": [{"type": "integer"}, SETTING]},
    "number": {"anyOf": [{"type": "number"}, SETTING]},
    "ratio": {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, SETTING]},
    "bool": {"type": "boolean"},
    "duration": {
        "anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m)$"}, SETTING],
    },
    "map": {"type": "object"},
    "any": {},
}


def json_schema() -> dict[str, Any]:
    """The schema that editors use for completion; ``schema.json`` is its committed form."""
    definitions: dict[str, Any] = {name: _table(table) for name, table in TABLES.items()}
    texts = {"type": ["string", "number"]}
    definitions["PHRASES"] = {"anyOf": [texts, {"type": "array", "items": texts, "minItems": 1}]}
    single = [
        _table({key: field, **(FACT_EXTRA if key == "fact" else {})}, required=(key,))
        for key, field in CONDITIONS.items()
    ]
    definitions["CONDITION"] = {"anyOf": [{"$ref": "#/$defs/SAY"}, *single]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tingban rule pack file",
        "$ref": "#/$defs/FILE",
        "$defs": definitions,
    }


def _table(table: dict[str, Field], required: tuple[str, ...] = ()) -> dict[str, Any]:
    names = [name for name, field in table.items() if field.required]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": field.doc, **_kind(field)} for name, field in table.items()
        },
        "required": [*names, *(name for name in required if name not in names)],
    }


def _kind(field: Field) -> dict[str, Any]:
    kind = field.kind
    if kind in _SCALAR:
        return _SCALAR[kind]
    if kind == "choice":
        return {"enum": list(field.choices)}
    if kind in ("texts", "phrases"):
        return {"$ref": "#/$defs/PHRASES"}
    if kind == "phrase_map":
        return {"type": "object", "additionalProperties": {"$ref": "#/$defs/PHRASES"}}
    if kind == "condition":
        return {"$ref": "#/$defs/CONDITION"}
    if kind == "conditions":
        return {"type": "array", "items": {"$ref": "#/$defs/CONDITION"}, "minItems": 1}
    if kind.endswith("[]"):
        return {"type": "array", "items": {"$ref": f"#/$defs/{kind[:-2]}"}, "minItems": 1}
    if kind.endswith("{}"):
        return {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{kind[:-2]}"}}
    return {"$ref": f"#/$defs/{kind}"}
