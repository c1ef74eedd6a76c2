"""What a change of packs would change for agents: cards that appear, vanish or move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from assist_rules.events import Alert, Suggestion
from assist_rules.rulebook import Rulebook
from assist_rules.tools.dialogues import Dialogue, Happened, replay
from assist_rules.tools.lines import turn_of

MOVED_MS = 500
"""Cards of the same rule on the same turn that come this much earlier or later have moved."""


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card as it was first shown."""

    call: str
    turn: int | None
    rule: str
    at_ms: int
    say: str
    quote: str


@dataclass(slots=True)
class Difference:
    """Adds up over calls."""

    appear: list[CardSeen] = field(default_factory=list)
    vanish: list[CardSeen] = field(default_factory=list)
    move: list[tuple[CardSeen, CardSeen]] = field(default_factory=list)
    reword: list[tuple[CardSeen, CardSeen]] = field(default_factory=list)
    calls: int = 0
    audio_ms: int = 0
    before: int = 0
    after: int = 0

    def add(self, dialogue: Dialogue, old: Rulebook, new: Rulebook) -> None:
        """Replay one call under both."""
        self.count(dialogue, replay(old, dialogue), replay(new, dialogue))

    def count(
        self, dialogue: Dialogue, before: Sequence[Happened], after: Sequence[Happened]
    ) -> None:
        """Take one call that was replayed under both."""
        was, now = cards(dialogue, before), cards(dialogue, after)
        self.calls += 1
        self.audio_ms += dialogue.end_ms
        self.before += len(was)
        self.after += len(now)
        left = list(now)
        for card in was:
            same = [c for c in left if (c.turn, c.rule) == (card.turn, card.rule)]
            if not same:
                self.vanish.append(card)
                continue
            match = min(same, key=lambda c: abs(c.at_ms - card.at_ms))
            left.remove(match)
            if abs(match.at_ms - card.at_ms) >= MOVED_MS:
                self.move.append((card, match))
            elif match.say != card.say:
                self.reword.append((card, match))
        self.appear.extend(left)

    @property
    def empty(self) -> bool:
        return not (self.appear or self.vanish or self.move or self.reword)

    def figures(self) -> dict[str, Any]:
        """The result as JSON."""
        hours = self.audio_ms / 3_600_000

        def per_hour(count: int) -> float:
            return round(count / hours, 2) if hours else 0.0

        return {
            "calls": self.calls,
            "hours": round(hours, 3),
            "cards_per_agent_hour_before": per_hour(self.before),
            "cards_per_agent_hour_after": per_hour(self.after),
            "change_per_agent_hour": per_hour(self.after - self.before),
            "appear": [_card(c) for c in self.appear],
            "vanish": [_card(c) for c in self.vanish],
            "move": [{**_card(b), "from_ms": a.at_ms} for a, b in self.move],
            "reword": [{**_card(b), "said_before": a.say} for a, b in self.reword],
        }


def cards(dialogue: Dialogue, happened: Sequence[Happened]) -> list[CardSeen]:
    """Each card once, when it was first shown."""
    turns: dict[str, int | None] = {}
    found: dict[str, CardSeen] = {}
    for item in happened:
        event = item.event
        if isinstance(event, Alert):
            turns.setdefault(event.id, turn_of(dialogue, event, item.at_ms))
        elif isinstance(event, Suggestion) and event.id not in found:
            found[event.id] = CardSeen(
                dialogue.id,
                turns.get(event.alert),
                event.rule,
                item.at_ms,
                event.say,
                event.why,
            )
    return list(found.values())


def compare(old: Rulebook, new: Rulebook, dialogues: Iterable[Dialogue]) -> Difference:
    """All calls under both rulebooks."""
    difference = Difference()
    for dialogue in dialogues:
        difference.add(dialogue, old, new)
    return difference


def _card(card: CardSeen) -> dict[str, Any]:
    return {
        "call": card.call,
        "turn": card.turn,
        "rule": card.rule,
        "at_ms": card.at_ms,
        "say": card.say,
        "quote": card.quote,
    }
