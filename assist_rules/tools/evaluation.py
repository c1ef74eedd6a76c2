"""Compares what was noticed on labelled calls with what people say should be."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from assist_rules.events import Alert, Retraction, State, Suggestion
from assist_rules.tools.dialogues import Dialogue, Happened, Label
from assist_rules.tools.lines import turn_of
from assist_rules.tools.speech import live_text

LATE_MS = 2_000
"""Evidence, two to four characters of right context, and one more step take no longer."""
ACCUSATION = "agent.forbidden"
CUES = ("complaint", "escalation", "anger", "danger", "churn", "repeat")
"""Customer categories of the macro F1."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A standing alert, reduced to what labels speak of."""

    turn: int | None
    category: str
    rule: str
    quote: str
    at_ms: int
    evidence_end_ms: int
    confirmed_ms: int | None
    """When it was first sure; None while it is tentative."""


@dataclass(slots=True)
class Tally:
    """Counts of one category."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    late: int = 0

    def figures(self) -> dict[str, Any]:
        precision = self.tp / (self.tp + self.fp) if self.tp + self.fp else None
        recall = self.tp / (self.tp + self.fn) if self.tp + self.fn else None
        f1 = (
            2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp + self.fp + self.fn else None
        )
        return {
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "late": self.late,
            "precision": _rounded(precision),
            "precision_95": wilson(self.tp, self.tp + self.fp),
            "recall": _rounded(recall),
            "recall_95": wilson(self.tp, self.tp + self.fn),
            "f1": _rounded(f1),
        }


@dataclass(slots=True)
class Score:
    """Adds up over calls."""

    categories: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    rules: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    delays_ms: list[int] = field(default_factory=list)
    confirmed_ms: list[int] = field(default_factory=list)
    """From the end of the evidence of right accusations to their confirmation."""
    calls: int = 0
    clean_calls: int = 0
    clean_ms: int = 0
    clean_alerts: int = 0
    clean_cards: int = 0
    shown: int = 0
    withdrawn: int = 0
    alerts: int = 0
    alerts_withdrawn: int = 0
    wrong: list[dict[str, Any]] = field(default_factory=list)
    """Every miss and false alarm, for people to look at."""

    def add(self, dialogue: Dialogue, happened: Sequence[Happened]) -> None:
        """Count one call."""
        self.calls += 1
        standing, cards, taken = _outcome(dialogue, happened)
        self.shown += len(cards)
        self.withdrawn += len(cards & taken)
        self.alerts += len({h.event.id for h in happened if isinstance(h.event, Alert)})
        self.alerts_withdrawn += len(
            {h.event.id for h in happened if isinstance(h.event, Alert)} & taken
        )
        false = self._match(dialogue, standing)
        if not dialogue.labels:
            self.clean_calls += 1
            self.clean_ms += dialogue.end_ms
            self.clean_alerts += len(false)
            rules = {n.rule for n in false}
            self.clean_cards += sum(
                isinstance(h.event, Suggestion) and h.event.rule in rules and h.event.id in cards
                for h in _first_of_each(happened)
            )

    def _match(self, dialogue: Dialogue, standing: list[Noticed]) -> list[Noticed]:
        """Count hits and misses; the false alarms are returned."""
        used: set[int] = set()
        for label in dialogue.labels:
            wanted = {label.turn} | label.accept_turns
            found = [
                (i, n)
                for i, n in enumerate(standing)
                if n.category == label.category and n.turn in wanted
            ]
            used.update(i for i, _ in found)
            tally = self.categories[label.category]
            if not found:
                tally.fn += 1
                self._note("missed", dialogue, label.turn, label.category, label.quote, "")
                continue
            first = min((n for _, n in found), key=lambda n: n.at_ms)
            delay = first.at_ms - _evidence_end(dialogue, label, first)
            if delay > LATE_MS and not label.category.startswith("agent.missing"):
                tally.fn += 1
                tally.late += 1
                self._note("late", dialogue, label.turn, label.category, label.quote, first.rule)
                continue
            tally.tp += 1
            for rule in {n.rule for _, n in found}:
                self.rules[rule].tp += 1
            if not label.category.startswith("agent.missing"):
                self.delays_ms.append(max(delay, 0))
            if label.category == ACCUSATION and first.confirmed_ms is not None:
                self.confirmed_ms.append(max(0, first.confirmed_ms - first.evidence_end_ms))
        false = []
        seen: set[tuple[int | None, str]] = set()
        for i, noticed in enumerate(standing):
            if i in used or _is_optional(dialogue, noticed):
                continue
            self.rules[noticed.rule].fp += 1
            if (noticed.turn, noticed.category) in seen:
                continue
            seen.add((noticed.turn, noticed.category))
            self.categories[noticed.category].fp += 1
            false.append(noticed)
            self._note(
                "false", dialogue, noticed.turn, noticed.category, noticed.quote, noticed.rule
            )
        return false

    def _note(
        self, kind: str, dialogue: Dialogue, turn: int | None, category: str, quote: str, rule: str
    ) -> None:
        text = dialogue.turns[turn].text if turn is not None and turn < len(dialogue.turns) else ""
        self.wrong.append(
            {
                "kind": kind,
                "call": dialogue.id,
                "turn": turn,
                "category": category,
                "quote": quote,
                "rule": rule,
                "text": text,
            }
        )

    def figures(self) -> dict[str, Any]:
        """The result as JSON."""
        cues = [self.categories[f"customer.{cue}"] for cue in CUES]
        f1 = [f["f1"] for t in cues if (f := t.figures())["f1"] is not None]
        minutes = self.clean_ms / 60_000
        return {
            "calls": self.calls,
            "categories": {k: t.figures() for k, t in sorted(self.categories.items())},
            "rules": {k: t.figures() for k, t in sorted(self.rules.items())},
            "macro_f1": _rounded(sum(f1) / len(f1)) if f1 else None,
            "clean_calls": self.clean_calls,
            "clean_calls_minutes": round(minutes, 1),
            "clean_calls_false_alerts_per_10min": _per_10(self.clean_alerts, minutes),
            "clean_calls_false_cards_per_10min": _per_10(self.clean_cards, minutes),
            "withdrawn_rate": _rounded(self.withdrawn / self.shown) if self.shown else 0.0,
            "alerts_withdrawn_rate": (
                _rounded(self.alerts_withdrawn / self.alerts) if self.alerts else 0.0
            ),
            "time_to_alert_ms": {
                "p50": _percentile(self.delays_ms, 50),
                "p95": _percentile(self.delays_ms, 95),
                "over_1200": _rounded(
                    sum(d > 1200 for d in self.delays_ms) / max(1, len(self.delays_ms))
                ),
            },
            "accusation_confirmed_ms": {
                "p50": _percentile(self.confirmed_ms, 50),
                "p95": _percentile(self.confirmed_ms, 95),
            },
        }


def _outcome(
    dialogue: Dialogue, happened: Iterable[Happened]
) -> tuple[list[Noticed], set[str], set[str]]:
    """Standing alerts, cards ever shown, and everything taken back because it was not said."""
    standing: dict[str, Noticed] = {}
    cards: set[str] = set()
    taken: set[str] = set()
    for item in happened:
        event = item.event
        if isinstance(event, Alert):
            first = event.evidence[0] if event.evidence else None
            known = standing.get(event.id)
            confirmed = known.confirmed_ms if known else None
            if confirmed is None and event.state is State.CONFIRMED:
                confirmed = item.at_ms
            standing[event.id] = Noticed(
                turn_of(dialogue, event, item.at_ms),
                event.category,
                event.rule,
                first.text if first else "",
                known.at_ms if known else item.at_ms,
                first.end_ms if first else item.at_ms,
                confirmed,
            )
        elif isinstance(event, Suggestion):
            cards.add(event.id)
        elif isinstance(event, Retraction):
            standing.pop(event.id, None)
            if event.why in ("asr_revised", "corrected"):
                taken.add(event.id)
    return list(standing.values()), cards, taken


def _first_of_each(happened: Iterable[Happened]) -> list[Happened]:
    seen: set[str] = set()
    found = []
    for item in happened:
        if isinstance(item.event, Suggestion) and item.event.id not in seen:
            seen.add(item.event.id)
            found.append(item)
    return found


def _evidence_end(dialogue: Dialogue, label: Label, noticed: Noticed) -> int:
    """When the quoted words had been spoken; what was noticed, where the quote is not found."""
    quote = live_text(label.quote)
    if label.turn < len(dialogue.turns) and quote:
        turn = dialogue.turns[label.turn]
        at = turn.text.find(quote)
        if at >= 0:
            share = (at + len(quote)) / max(1, len(turn.text))
            quoted = turn.start_ms + int((turn.end_ms - turn.start_ms) * share)
            return max(quoted, noticed.evidence_end_ms)
    return noticed.evidence_end_ms


def _is_optional(dialogue: Dialogue, noticed: Noticed) -> bool:
    for turn, category in dialogue.optional:
        if turn is not None and turn != noticed.turn:
            continue
        if category == noticed.category:
            return True
        if category.endswith(".*") and noticed.category.startswith(category[:-1]):
            return True
    return False


def wilson(hits: int, of: int, z: float = 1.96) -> list[float] | None:
    """95 % interval of a share."""
    if not of:
        return None
    share = hits / of
    scale = 1 + z * z / of
    middle = (share + z * z / (2 * of)) / scale
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / scale
    return [round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _per_10(count: int, minutes: float) -> float:
    return round(10 * count / minutes, 3) if minutes else 0.0


def _percentile(values: list[int], percent: int) -> int | None:
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(percent / 100 * len(ordered)) - 1)]
