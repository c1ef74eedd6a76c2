"""Did the right cards appear in time? A pure function of labels, messages and times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.client.viewer import Received
from server.demo.labels import Cue, Labels

LATE_MS = 1_500
"""A card later than this after its cue's last sample is no help any more."""

SUDDEN_MS = 3_000
"""A rule that answers words does so within this; else it waited for something."""

SpokenAt = Callable[[int], float | None]
"""When a moment of the call had been spoken, epoch seconds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one cue."""

    cue: Cue
    say: str | None = None
    """The card that answered it."""
    delay_ms: float | None = None
    held: str | None = None
    """Why the governor held that card back before it came, or why it showed none."""

    @property
    def missing(self) -> bool:
        """A card was due and neither came nor was held back, where it may be."""
        excused = self.held is not None and not self.cue.at_once
        return self.cue.card and self.say is None and not excused

    @property
    def late(self) -> bool:
        """The card came too late, and not because it had been held back, where it may be."""
        due = self.cue.card and (self.held is None or self.cue.at_once)
        return due and self.delay_ms is not None and self.delay_ms > LATE_MS


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a whole call."""

    outcomes: tuple[Outcome, ...]
    unexpected: tuple[Mapping[str, Any], ...]
    """Suggestions that no label allows."""
    heard: bool
    """False if the call's end never came."""

    @property
    def passed(self) -> bool:
        """True if every due card came in time and no other did."""
        wrong = any(outcome.missing or outcome.late for outcome in self.outcomes)
        return self.heard and not wrong and not self.unexpected


class Cards:
    """Which suggestion belongs to which alert, as messages come in."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._alerts: dict[str, Mapping[str, Any]] = {}

    def note(self, message: Mapping[str, Any]) -> None:
        """Remember alerts; the last state of an alert counts."""
        if message["type"] == "alert":
            self._alerts[message["id"]] = message

    def alert_of(self, message: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The alert of a suggestion or of a suppressed one."""
        return self._alerts.get(message["alert"])

    def answering(self, cue: Cue) -> set[str]:
        """The alerts of the cue's category on its turns."""
        return {
            id_
            for id_, alert in self._alerts.items()
            if (turn := self._labels.turn_of(alert)) is not None
            and cue.allows(turn, alert["category"])
        }

    def delay_ms(self, message: Mapping[str, Any], at: float, spoken_at: SpokenAt) -> float | None:
        """From the last sample of a suggestion's cue to now; without a label, of its evidence."""
        alert = self.alert_of(message)
        cue = self._labels.cue_of(alert) if alert else None
        heard_ms = cue.end_ms if cue else message.get("heard_ms")
        if heard_ms is not None and not cue and message["at_ms"] - heard_ms > SUDDEN_MS:
            # Not these words caused it but the time that passed after them.
            return None
        spoken = None if heard_ms is None else spoken_at(heard_ms)
        return None if spoken is None else (at - spoken) * 1000


def judge(labels: Labels, received: Iterable[Received], spoken_at: SpokenAt) -> Verdict:
    """Hold what the agent's socket received against the labels."""
    cards = Cards(labels)
    unexpected: dict[str, Mapping[str, Any]] = {}
    came: list[tuple[Received, Mapping[str, Any]]] = []
    held: dict[str, str] = {}
    heard = False
    for item in received:
        message = item.message
        cards.note(message)
        match message["type"]:
            case "suggestion":
                alert = cards.alert_of(message)
                if alert is None or not labels.allowing(alert):
                    unexpected.setdefault(message["id"], message)
                else:
                    came.append((item, alert))
            case "suppressed":
                held.setdefault(message["alert"], message["why"])
            case "status":
                heard = heard or message["name"] == "call_ended"
    outcomes = tuple(_outcome(cue, came, held, cards, spoken_at) for cue in labels.labels)
    return Verdict(outcomes, tuple(unexpected.values()), heard)


def _outcome(
    cue: Cue,
    came: list[tuple[Received, Mapping[str, Any]]],
    held: Mapping[str, str],
    cards: Cards,
    spoken_at: SpokenAt,
) -> Outcome:
    answers = cards.answering(cue)
    for item, alert in came:
        if alert["id"] in answers:
            spoken = spoken_at(cue.end_ms)
            delay = None if spoken is None else (item.at - spoken) * 1000
            return Outcome(cue, item.message["say"], delay, held.get(alert["id"]))
    return Outcome(cue, held=next((why for id_, why in held.items() if id_ in answers), None))
