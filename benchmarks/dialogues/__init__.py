"""Labelled text dialogues: what a good rule pack should fire on, and on which turn.

    for dialogue in dialogues("dev"):
        for label in dialogue.labels:
            print(dialogue.id, label.category, dialogue.turns[label.turn].text)

`dev`, `dev2`, `dev3` and `dev4` are for tuning rules, `test` and `test4` only for reporting.
README.md has the format and the meanings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assist_rules.events import CATEGORIES as ALERT_CATEGORIES

Role = Literal["agent", "customer"]
Split = Literal["dev", "dev2", "dev3", "dev4", "test", "test4"]

FOLDER = Path(__file__).resolve().parent

#: Every category that a label may carry. `customer.type.*` stands for all its members.
CATEGORIES = (*ALERT_CATEGORIES, "customer.type.*")
#: Categories that are about something not said, so that no words can be quoted.
ABSENCES = ("agent.missing_opening", "agent.missing_closing", "agent.missing_empathy")


@dataclass(frozen=True, slots=True)
class Turn:
    """One party's words without a break. Times are milliseconds since the call began."""

    role: Role
    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """Something that must fire on `turn`, or on one of `accept_turns`."""

    turn: int
    category: str
    quote: str  # the words that carry it; empty for an absence
    accept_turns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MayFire:
    """Something arguable: it counts neither way. A category ending in .* stands for its members."""

    turn: int
    category: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One labelled call. Whatever fires and is neither labelled nor optional is a false alarm."""

    id: str
    domain: str
    turns: tuple[Turn, ...]
    labels: tuple[Label, ...]
    absent: tuple[str, ...]
    optional: tuple[MayFire, ...]

    @property
    def clean(self) -> bool:
        """True when nothing at all has to fire."""
        return not self.labels


def dialogues(split: Split) -> list[Dialogue]:
    """All dialogues of one split, in the order of the file."""
    with (FOLDER / f"{split}.jsonl").open(encoding="utf-8") as lines:
        return [dialogue_from_json(json.loads(line)) for line in lines if line.strip()]


def dialogue_from_json(data: Mapping[str, Any]) -> Dialogue:
    """Read the wire format: what one line of a .jsonl file holds."""
    return Dialogue(
        id=data["id"],
        domain=data["domain"],
        turns=tuple(Turn(**turn) for turn in data["turns"]),
        labels=tuple(
            Label(
                turn=label["turn"],
                category=label["category"],
                quote=label["quote"],
                accept_turns=tuple(label.get("accept_turns", ())),
            )
            for label in data["labels"]
        ),
        absent=tuple(data["absent"]),
        optional=tuple(MayFire(**entry) for entry in data["optional"]),
    )
