"""The one JSON form of a call event: ``type``, ``call``, ``seq``, ``at_ms``, the body's fields flat.

Wall-clock stamps travel in ``stamps``; nothing in a replay compares them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from asr.events import CallId, Char, Metric, Transcript
from assist_rules.events import (
    Alert,
    Commitment,
    Evidence,
    Retraction,
    Step,
    Suggestion,
    Suppressed,
)
from server.events import Action, Body, CallEvent, Hand, Mark, Status, Whisper

TYPES: dict[str, type[Any]] = {
    "transcript": Transcript,
    "alert": Alert,
    "suggestion": Suggestion,
    "suppressed": Suppressed,
    "retraction": Retraction,
    "step": Step,
    "commitment": Commitment,
    "metric": Metric,
    "whisper": Whisper,
    "hand": Hand,
    "mark": Mark,
    "action": Action,
    "status": Status,
}
NAMES = {body: name for name, body in TYPES.items()}


_AS_IT_IS = frozenset((str, int, float, bool, type(None)))


class WireError(ValueError):
    """A message that is not a call event; the text says which part is wrong."""


def to_wire(event: CallEvent) -> dict[str, Any]:
    """The JSON object of an event, keys in a fixed order."""
    body = _plain(event.body)
    body.pop("call", None)
    body.pop("at_ms", None)
    wire = {
        "type": NAMES[type(event.body)],
        "call": event.call,
        "seq": event.seq,
        "at_ms": event.at_ms,
        **body,
    }
    if event.heard_ms is not None:
        wire["heard_ms"] = event.heard_ms
    if event.stamps:
        wire["stamps"] = dict(event.stamps)
    return wire


def from_wire(message: Mapping[str, Any]) -> CallEvent:
    """The event of a JSON object. Raises :class:`WireError` on anything that is not one."""
    fields = dict(message)
    try:
        kind = TYPES[fields.pop("type")]
        call = CallId(fields.pop("call"))
        seq, at_ms = int(fields.pop("seq")), int(fields.pop("at_ms"))
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"not a call event: {error!r}") from error
    stamps = fields.pop("stamps", {})
    heard_ms = fields.pop("heard_ms", None)
    names = {field.name for field in dataclasses.fields(kind)}
    if "call" in names:
        fields["call"] = call
    if "at_ms" in names:
        fields["at_ms"] = at_ms
    return CallEvent(call, seq, at_ms, _build(kind, fields, call), stamps, heard_ms)


@cache
def _fields(kind: Any) -> tuple[str, ...] | None:
    """Names of a dataclass' fields on the wire; ``None`` for what is no dataclass."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(f.name for f in dataclasses.fields(kind) if (kind, f.name) != (Evidence, "call"))


def _plain(value: Any) -> Any:
    kind: Any = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is tuple and value and type(value[0]) is Char:
        # One for each character of a transcript: no need to ask each what it is.
        return [[char.ms, round(char.confidence, 3)] for char in value]
    if (names := _fields(kind)) is not None:
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _build(kind: type[Any], fields: dict[str, Any], call: CallId) -> Body:
    hints = get_type_hints(kind)
    unknown = fields.keys() - hints.keys()
    if unknown:
        raise WireError(f"{NAMES[kind]}: unknown fields {sorted(unknown)}")
    try:
        body: Body = kind(**{name: _value(hints[name], v, call) for name, v in fields.items()})
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise WireError(f"{NAMES[kind]}: {error}") from error
    return body


def _value(hint: Any, value: Any, call: CallId) -> Any:
    if hint is Char:
        return Char(int(value[0]), float(value[1]))
    if hint is Evidence:
        hints = get_type_hints(Evidence)
        return Evidence(
            **{k: _value(hints[k], v, call) for k, v in {"call": call, **value}.items()}
        )
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], item, call) for item in value)
    return value
