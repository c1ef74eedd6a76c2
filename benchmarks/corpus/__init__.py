"""Recorded two-party calls with the exact time of everything that should fire.

    for call in calls():
        print(call.id, call.wav, call.labels[0].category, call.labels[0].end_ms)

The voices are synthetic, so every character's time is known from synthesis, never from a
recogniser. `python -m benchmarks.corpus.synthesise` makes the recordings from `scripts/`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.dialogues import MayFire, Role

FOLDER = Path(__file__).resolve().parent
SCRIPTS = FOLDER / "scripts"


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One party's words. Times are milliseconds of audio since the call began."""

    role: Role
    start_ms: int  # the first character begins
    end_ms: int  # the last character ends
    text: str  # Hanzi only, as a recogniser would write it
    chars: tuple[tuple[int, int], ...]  # (start_ms, end_ms) of every character of text


@dataclass(frozen=True, slots=True)
class SpokenLabel:
    """Something that must fire on `turn`, or on one of `accept_turns`."""

    turn: int
    category: str
    quote: str  # the cue's words; empty for an absence such as a missing opening
    start_ms: int
    end_ms: int  # the last sample of the cue; for an absence the end of the turn
    card: bool  # the agent should be shown a suggestion
    at_once: bool = False  # and nothing on the screen may hold it back
    accept_turns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One recording: channel 0 is the agent, channel 1 the customer, 8 kHz mu-law."""

    id: str
    domain: str
    title: str
    title_en: str
    wav: Path
    labels_file: Path
    rate: int  # samples per second
    duration_ms: int
    turns: tuple[SpokenTurn, ...]
    labels: tuple[SpokenLabel, ...]
    absent: tuple[str, ...]
    optional: tuple[MayFire, ...]

    @property
    def calm(self) -> bool:
        """True when nothing at all has to fire."""
        return not self.labels


def calls(folder: Path = FOLDER) -> list[Call]:
    """All recorded calls, sorted by id."""
    return [load(file) for file in sorted(folder.glob("*.labels.json"))]


def load(labels_file: Path) -> Call:
    """Read one `<call-id>.labels.json`; the recording lies beside it."""
    data: dict[str, Any] = json.loads(labels_file.read_text(encoding="utf-8"))
    return Call(
        id=data["id"],
        domain=data["domain"],
        title=data["title"],
        title_en=data["title_en"],
        wav=labels_file.with_name(f"{data['id']}.wav"),
        labels_file=labels_file,
        rate=data["rate"],
        duration_ms=data["duration_ms"],
        turns=tuple(
            SpokenTurn(
                role=turn["role"],
                start_ms=turn["start_ms"],
                end_ms=turn["end_ms"],
                text=turn["text"],
                chars=tuple((start, end) for start, end in turn["chars"]),
            )
            for turn in data["turns"]
        ),
        labels=tuple(
            SpokenLabel(**{**label, "accept_turns": tuple(label.get("accept_turns", ()))})
            for label in data["labels"]
        ),
        absent=tuple(data["absent"]),
        optional=tuple(MayFire(**entry) for entry in data["optional"]),
    )
