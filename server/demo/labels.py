"""The label file beside a recording: what is said when, and which cards it should cause."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class LabelError(ValueError):
    """The label file is missing or malformed."""


class _Part(BaseModel):
    # Generators write more than we need here, such as the times of every character.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Turn(_Part):
    """What one party says until the other speaks."""

    role: str
    start_ms: int
    end_ms: int
    text: str


class Cue(_Part):
    """Words that should cause an alert, and, where ``card``, a card for the agent."""

    turn: int
    category: str
    quote: str = ""
    start_ms: int
    end_ms: int
    card: bool = False
    at_once: bool = False
    """No other card is a reason for this one to wait, or not to come."""
    accept_turns: tuple[int, ...] = ()

    def allows(self, turn: int, category: str) -> bool:
        """True for an alert of this cue's category on one of its turns."""
        return category == self.category and (turn == self.turn or turn in self.accept_turns)


class Optional(_Part):
    """An alert that counts neither way."""

    turn: int
    category: str

    def allows(self, turn: int, category: str) -> bool:
        """``category`` may be a pattern such as ``customer.type.*``."""
        return turn == self.turn and fnmatchcase(category, self.category)


class Labels(_Part):
    """One recording's labels."""

    id: str
    title: str
    domain: str
    rate: int
    duration_ms: int
    turns: tuple[Turn, ...]
    labels: tuple[Cue, ...]
    optional: tuple[Optional, ...] = ()

    def turn_of(self, alert: Mapping[str, Any]) -> int | None:
        """The turn on which an alert's first evidence lies, by party and time."""
        span = next(iter(alert["evidence"]), None)
        if span is None:
            return None
        best, least = None, NEAR_MS
        for number, turn in enumerate(self.turns):
            if span["party"] not in (turn.role, "unknown"):
                continue
            away = max(turn.start_ms - span["end_ms"], span["start_ms"] - turn.end_ms)
            if away < least:
                best, least = number, away
        return best

    def allowing(self, alert: Mapping[str, Any]) -> bool:
        """True if a card for this alert is right or does no harm."""
        turn = self.turn_of(alert)
        if turn is None:
            return False
        allowing: tuple[Cue | Optional, ...] = (*self.labels, *self.optional)
        return any(item.allows(turn, alert["category"]) for item in allowing)

    def cue_of(self, alert: Mapping[str, Any]) -> Cue | None:
        """The cue that an alert answers: of those that allow it, the nearest in time."""
        turn = self.turn_of(alert)
        if turn is None:
            return None
        cues = [cue for cue in self.labels if cue.allows(turn, alert["category"])]
        heard = alert["evidence"][0]["end_ms"]
        return min(cues, key=lambda cue: abs(cue.end_ms - heard), default=None)


NEAR_MS = 2_000
"""A span further than this from every turn of its party lies on none."""


def read(path: Path) -> Labels:
    """Raises :class:`LabelError`."""
    try:
        return Labels.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise LabelError(f"{path}: {error}") from error
