"""How right the shipped packs are on labelled dialogues, as they are and with recognition errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assist_rules.errors import InputError
from assist_rules.rulebook import Rulebook
from assist_rules.tools.dialogues import read_dialogues, replay
from assist_rules.tools.evaluation import Score
from assist_rules.tools.spoil import spoiler

DIALOGUES = Path(__file__).parent / "dialogues"
ERRORS = 0.08


@dataclass(frozen=True, slots=True)
class Part:
    """A file of dialogues, at a rate of characters spoiled as a recogniser would."""

    name: str
    file: Path
    errors: float = 0.0


PARTS = (
    Part("dev, which packs were tuned on", DIALOGUES / "dev.jsonl"),
    Part("dev2, which packs were tuned on", DIALOGUES / "dev2.jsonl"),
    Part("dev3, which packs were tuned on", DIALOGUES / "dev3.jsonl"),
    Part("dev4, which packs were tuned on", DIALOGUES / "dev4.jsonl"),
    Part("test", DIALOGUES / "test.jsonl"),
    Part("test, 8 % errors", DIALOGUES / "test.jsonl", ERRORS),
    Part("test4", DIALOGUES / "test4.jsonl"),
    Part("test4, 8 % errors", DIALOGUES / "test4.jsonl", ERRORS),
)


def evaluate(rulebook: Rulebook, part: Part) -> dict[str, Any]:
    """The figures of ``tingban rules eval``, and under ``outcomes`` every miss and false alarm.

    Raises ``InputError`` on a line that is no dialogue.
    """
    score = Score()
    slip = spoiler(part.errors) if part.errors else None
    for dialogue in read_dialogues(part.file, slip):
        if isinstance(dialogue, InputError):
            raise dialogue
        score.add(dialogue, replay(rulebook, dialogue))
    return {**score.figures(), "outcomes": score.wrong}
