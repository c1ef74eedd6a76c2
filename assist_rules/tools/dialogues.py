"""Reads calls from JSON lines, labelled dialogues or recognition streams, and replays them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.events import CallId, Char, Metric, Party, Transcript, Watermark
from assist_rules.errors import InputError
from assist_rules.events import CallInfo, RuleEvent
from assist_rules.rulebook import Rulebook
from assist_rules.session import RuleSession
from assist_rules.tools.speech import Input, Spoken, live_text, timeline

AFTER_MS = 2_000
"""The line stays open for so long after the last words."""
MAX_LINE = 8 * 1024 * 1024
FIELDS = ("agent", "queue", "tier", "brand")


@dataclass(frozen=True, slots=True)
class Label:
    """What must be noticed: a category on a turn, and the words that show it."""

    turn: int
    category: str
    quote: str = ""
    accept_turns: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One call: its inputs in order, and what people say should be noticed in it."""

    id: str
    info: CallInfo
    inputs: tuple[Input, ...]
    end_ms: int
    turns: tuple[Spoken, ...]
    """Empty for a recognition stream."""
    labels: tuple[Label, ...] = ()
    optional: tuple[tuple[int | None, str], ...] = ()
    """(turn or None for anywhere, category or category.*)."""
    absent: tuple[str, ...] = ()
    domain: str = ""
    stream: bool = False
    labelled: bool = False
    """Did people say what should be noticed in it (nothing counts as well)?"""
    utterances: dict[str, int] = field(default_factory=dict)
    """Utterance to turn."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event and the audio time of the input that caused it."""

    at_ms: int
    event: RuleEvent


def read_dialogues(path: Path, slip_text: Any = None) -> Iterator[Dialogue | InputError]:
    """Every call of a file; a line that cannot be read is an error in its place.

    A ``.json`` file is one call; of a folder, its ``.jsonl`` and ``.labels.json`` files are read.
    ``slip_text(text, seed)`` may spoil what is said, as a recogniser does.
    """
    if path.is_dir():
        for inside in sorted((*path.glob("*.jsonl"), *path.glob("*.labels.json"))):
            yield from read_dialogues(inside, slip_text)
        return
    if path.suffix == ".json":
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            yield InputError(path, 0, f"cannot be read: {error}")
            return
        yield read_call(data, path, 1, slip_text)
        return
    try:
        lines = path.open(encoding="utf-8", errors="strict")
    except OSError as error:
        yield InputError(path, 0, f"cannot be read: {error.strerror}")
        return
    with lines:
        number = 0
        while True:
            number += 1
            try:
                line = lines.readline(MAX_LINE)
            except UnicodeDecodeError:
                yield InputError(path, number, "is not UTF-8 text")
                return
            if not line:
                return
            if not line.strip():
                continue
            try:
                data = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                yield InputError(path, number, f"is not JSON: {error}")
                continue
            yield read_call(data, path, number, slip_text)


def read_call(
    data: Any, path: Path | str = "call", line: int = 0, slip_text: Any = None
) -> Dialogue | InputError:
    """A call from its JSON object: labelled turns, a recognition stream, or a stored call."""
    try:
        return _dialogue(data, slip_text)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        return InputError(path, line, f"is no call: {what}")


def replay(rulebook: Rulebook, dialogue: Dialogue) -> list[Happened]:
    """All events of a call, in order."""
    session = RuleSession(rulebook, dialogue.info)
    happened: list[Happened] = []
    for item in dialogue.inputs:
        if isinstance(item, Transcript):
            events = session.hear(item)
        elif isinstance(item, Watermark):
            events = session.advance(item)
        else:
            events = session.measure(item)
        happened.extend(Happened(item.at_ms, event) for event in events)
    happened.extend(Happened(dialogue.end_ms, e) for e in session.end(dialogue.end_ms))
    return happened


def _dialogue(data: Any, slip_text: Any) -> Dialogue:
    if not isinstance(data, dict):
        raise ValueError("a call is a JSON object")
    name = str(data["id"] if "id" in data else data["call"])
    known = data.get("info") or {}
    info = CallInfo(
        CallId(name),
        **{k: str(known[k]) for k in FIELDS if known.get(k) is not None},
        attributes={str(k): str(v) for k, v in (known.get("attributes") or {}).items()},
    )
    if "events" in data:
        return _stream(name, info, data)
    return _labelled(name, info, data, slip_text)


def _labelled(name: str, info: CallInfo, data: dict[str, Any], slip_text: Any) -> Dialogue:
    turns = []
    for i, turn in enumerate(data["turns"]):
        role = Party(turn["role"])
        start, end = int(turn["start_ms"]), int(turn["end_ms"])
        if not 0 <= start <= end < 1 << 40:
            raise ValueError(f"turn {i} has no sensible times")
        text = live_text(str(turn["text"]))
        if slip_text is not None:
            text = slip_text(text, f"{name}-{i}")
        turns.append(Spoken(role, start, end, text, f"{role}-{i}"))
    end_ms = max((t.end_ms for t in turns), default=0) + AFTER_MS
    labels = tuple(
        Label(
            int(label["turn"]),
            str(label["category"]),
            str(label.get("quote") or ""),
            frozenset(map(int, label.get("accept_turns") or ())),
        )
        for label in data.get("labels") or ()
    )
    optional: list[tuple[int | None, str]] = [
        (int(o["turn"]), str(o["category"])) for o in data.get("optional") or ()
    ]
    optional += [(None, str(category)) for category in data.get("optional_anywhere") or ()]
    return Dialogue(
        id=name,
        info=info,
        inputs=tuple(timeline(info.call, turns, end_ms)),
        end_ms=end_ms,
        turns=tuple(turns),
        labels=labels,
        optional=tuple(optional),
        absent=tuple(map(str, data.get("absent") or ())),
        domain=str(data.get("domain") or ""),
        labelled="labels" in data,
        utterances={t.utterance: i for i, t in enumerate(turns)},
    )


def _stream(name: str, info: CallInfo, data: dict[str, Any]) -> Dialogue:
    """Watermarks are not part of a stream: they follow from what has been heard."""
    inputs: list[Input] = []
    utterances: dict[str, int] = {}
    open_ends: dict[str, int] = {}
    clock = last = 0

    def advance(heard: int, at: int) -> None:
        nonlocal clock
        while clock + 500 <= heard:
            clock += 500
            inputs.append(Watermark(info.call, clock, max(clock, min(at, clock + 500))))

    for item in data["events"]:
        if item.get("type", "transcript") != "transcript":
            # What rules said then is not asked; what was measured is heard again.
            if item["type"] == "metric":
                inputs.append(_metric(info, item))
            continue
        transcript = _revision(info, item)
        if transcript.utterance not in utterances:
            utterances[transcript.utterance] = len(utterances)
            advance(min([transcript.start_ms, *open_ends.values()]), transcript.at_ms)
        inputs.append(transcript)
        if transcript.final:
            open_ends.pop(transcript.utterance, None)
        else:
            open_ends[transcript.utterance] = transcript.end_ms
        advance(min([transcript.end_ms, *open_ends.values()]), transcript.at_ms)
        last = max(last, transcript.at_ms)
    end_ms = last + AFTER_MS
    advance(end_ms, end_ms)
    return Dialogue(
        id=name,
        info=info,
        inputs=tuple(inputs),
        end_ms=end_ms,
        turns=(),
        stream=True,
        utterances=utterances,
    )


def _metric(info: CallInfo, item: dict[str, Any]) -> Metric:
    party, name = Party(item["party"]), str(item["name"])
    return Metric(info.call, party, name, float(item["value"]), int(item["at_ms"]))


def _revision(info: CallInfo, item: dict[str, Any]) -> Transcript:
    text = str(item["text"])
    start, end = int(item["start_ms"]), int(item["end_ms"])
    final = bool(item["final"])
    stable = len(text) if final else int(item.get("stable") or 0)
    given = item.get("chars")
    if isinstance(given, list) and len(given) == len(text):
        chars: Sequence[Char] = [Char(int(c[0]), float(c[1])) for c in given]
    else:
        span = max(end - start, 0)
        chars = [Char(start + span * (i + 1) // len(text), 0.9) for i in range(len(text))]
    return Transcript(
        call=info.call,
        party=Party(item["role"] if "role" in item else item["party"]),
        utterance=str(item["utterance"]),
        revision=int(item["revision"]),
        text=text,
        stable=stable,
        chars=tuple(chars),
        final=final,
        start_ms=start,
        end_ms=end,
        at_ms=int(item["at_ms"]),
    )
