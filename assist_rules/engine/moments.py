"""What conditions are answered with: moments at which triggers hold, and yes, no or not yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assist_rules.engine.hearing import Utterance, time_at
from assist_rules.events import Evidence, Path


@dataclass(frozen=True, slots=True)
class Moment:
    """A trigger that holds: where in the call, on what evidence, how surely."""

    key: tuple[str, ...]
    """The same while the moment is the same, whatever is revised in it."""
    start_ms: int
    end_ms: int
    evidence: tuple[Evidence, ...] = ()
    settled: bool = True
    lowered: bool = False
    confidence: float = 1.0
    notes: tuple[str, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """``value`` None: not known before ``due_ms`` (None there: not before something is heard)."""

    value: bool | None
    trace: str = ""
    evidence: tuple[Evidence, ...] = ()
    settled: bool = True
    due_ms: int | None = None
    slots: Mapping[str, str] = field(default_factory=dict)


TRUE, FALSE = Answer(True), Answer(False)


def whole(utterance: Utterance) -> Evidence:
    """A whole utterance as evidence."""
    heard = utterance.latest
    return Evidence(
        heard.call, heard.party, heard.utterance, heard.revision, 0, len(heard.text), heard.text,
        heard.start_ms, heard.end_ms, Path.EXACT,
    )  # fmt: skip


def part(utterance: Utterance, first: int, last: int) -> Evidence:
    """Some normalised characters of an utterance as evidence."""
    heard = utterance.latest
    start, end = utterance.text.raw_span(first, last)
    return Evidence(
        heard.call, heard.party, heard.utterance, heard.revision, start, end, heard.text[start:end],
        time_at(heard, start - 1, heard.start_ms), time_at(heard, end - 1, heard.end_ms), Path.EXACT,
    )  # fmt: skip
