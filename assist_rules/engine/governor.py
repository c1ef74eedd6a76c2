"""Decides which suggestions an agent is shown, so that help does not become noise.

Alerts are none of its business: every live hit is an alert. It only holds suggestions back, and
says why. Danger always passes; what is clearly graver than the cards on the screen does not wait
for them to be read; a card that the agent has had time to use makes room for the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from assist_rules.engine.call import Talk
from assist_rules.events import (
    Evidence,
    Retraction,
    RuleEvent,
    Severity,
    State,
    Suggestion,
    Suppressed,
)

RANK = {severity: i for i, severity in enumerate(Severity)}
GRAVER = {"customer.escalation": 1, "customer.danger": 2}
"""Of two cards of one severity, the one of the graver category counts more."""
READ_MS = 8_000
"""After so long a card has been read: another cue of equal weight may have its own words."""
ANSWER_MS = 1_500
"""An agent who has spoken for so long since a card came has used it, or gone on without it."""
OPENING_MS = 1_000
"""So long after its first sound a sentence has only begun, and a customer's card still helps."""
MAY_COME_LATER = frozenset(("agent_speaking", "too_soon", "danger_first", "less_urgent"))
"""Reasons that pass: a card held back for them is shown while it is fresh, if it then may."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an agent is shown; sites override them in the settings."""

    cards: int = 3
    gap_ms: int = 5_000
    per_minute: int = 6
    hold_ms: int = 8_000
    """A suggestion that waited longer is stale and dropped."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A suggestion that a rule makes for one alert."""

    alert: str
    rule: str
    category: str
    group: str
    severity: Severity
    state: State
    say: str
    why: str
    slots: dict[str, str]
    keep_ms: int
    cooldown_ms: int
    cue: Evidence | None = None
    """The words that it answers; None for what was not said."""
    place: int = 0
    """Of the rule among all rules: for the same words the earlier one speaks."""

    @property
    def weight(self) -> tuple[int, int]:
        """How grave it is; compares."""
        return RANK[self.severity], GRAVER.get(self.category, 0)

    @property
    def grave(self) -> bool:
        """Worth a place beside danger."""
        return RANK[self.severity] >= RANK[Severity.HIGH]

    @property
    def small(self) -> bool:
        """Not worth a second look at the screen."""
        return RANK[self.severity] < RANK[Severity.MEDIUM]


@dataclass(slots=True)
class _Shown:
    suggestion: Suggestion
    offer: Offer
    shown_ms: int
    expires_ms: int
    undo_cooldown_ms: int
    """When the rule's quiet time ended before this card; restored if the card is withdrawn."""
    spent: bool = False
    """The agent has spoken since."""


class Governor:
    """One per call."""

    def __init__(self, limits: Limits, new_id: Callable[[], str]) -> None:
        self._limits = limits
        self._new_id = new_id
        self._screen: list[_Shown] = []
        self._shown_ms: list[tuple[int, str]] = []
        self._quiet_until: dict[str, int] = {}
        self._held: list[tuple[int, Offer]] = []
        self._closed = False

    @property
    def idle(self) -> bool:
        """Nothing shown and nothing held: time may pass unseen."""
        return not self._screen and not self._held

    def offer(self, offer: Offer, now_ms: int, talk: Talk | None) -> list[RuleEvent]:
        """Show it, or say why not. ``talk`` is the agent's latest, going on or over."""
        self._note(talk, now_ms)
        why = self._against(offer, now_ms, talk)
        if not why:
            return self._show(offer, now_ms)
        if why in MAY_COME_LATER:
            self._held.append((now_ms, offer))
        return [Suppressed(offer.alert, offer.rule, why)]

    def close(self) -> None:
        """The call is over: nobody is left to say anything to."""
        self._closed = True
        self._held = []

    def confirm(self, alert: str, severity: Severity) -> list[RuleEvent]:
        """The alert no longer rests on text that may change, or it weighs more now."""
        events: list[RuleEvent] = []
        self._held = [
            (t, replace(o, state=State.CONFIRMED, severity=severity) if o.alert == alert else o)
            for t, o in self._held
        ]
        for shown in self._screen:
            old = shown.suggestion
            if old.alert == alert and (old.state, old.severity) != (State.CONFIRMED, severity):
                shown.suggestion = replace(old, state=State.CONFIRMED, severity=severity)
                shown.offer = replace(shown.offer, severity=severity)
                events.append(shown.suggestion)
        return events

    def withdraw(self, alert: str, why: str) -> list[RuleEvent]:
        """The alert was taken back: its card too, and everything that the card had caused."""
        self._held = [(t, o) for t, o in self._held if o.alert != alert]
        events: list[RuleEvent] = []
        for shown in [s for s in self._screen if s.suggestion.alert == alert]:
            self._screen.remove(shown)
            self._quiet_until[shown.offer.rule] = shown.undo_cooldown_ms
            self._shown_ms = [(t, s) for t, s in self._shown_ms if s != shown.suggestion.id]
            events.append(Retraction(shown.suggestion.id, why))
        return events

    def answered(self, rule: str, said_ms: int) -> list[RuleEvent]:
        """The agent has said what the card of that rule asked for."""
        self._held = [(t, o) for t, o in self._held if o.rule != rule or t > said_ms]
        done = [s for s in self._screen if s.offer.rule == rule and s.shown_ms <= said_ms]
        return self._remove(done, "answered")

    def rules_on_screen(self) -> set[str]:
        """Rules whose cards are shown or wait to be."""
        return {s.offer.rule for s in self._screen} | {o.rule for _, o in self._held}

    def feedback(self, suggestion: str, verdict: str, now_ms: int) -> list[RuleEvent]:
        """The agent used or put away a card; what is not wanted stays quiet twice as long."""
        found = [s for s in self._screen if s.suggestion.id == suggestion]
        for shown in found:
            if verdict in ("dismissed", "wrong"):
                quiet = now_ms + 2 * shown.offer.cooldown_ms
                self._quiet_until[shown.offer.rule] = quiet
        return self._remove(found, verdict)

    def tick(self, now_ms: int, talk: Talk | None) -> list[RuleEvent]:
        """Time has passed: cards expire, and what was held is shown when it may be."""
        self._note(talk, now_ms)
        events = self._remove([s for s in self._screen if now_ms >= s.expires_ms], "expired")
        if not self._held:
            return events
        fresh = [
            (t, o)
            for t, o in self._held
            if now_ms - t <= self._limits.hold_ms and not _passed_over(o, t, talk, now_ms)
        ]
        fresh.sort(key=lambda item: (item[1].weight, -item[0]), reverse=True)
        self._held = []
        for since, offer in fresh:
            why = self._against(offer, now_ms, talk)
            if not why:
                events.extend(self._show(offer, now_ms))
            elif why in MAY_COME_LATER:
                self._held.append((since, offer))
        return events

    def turn_back(self, now_ms: int) -> None:
        """The clock jumped back: nothing may wait for a time that will not come."""
        for shown in self._screen:
            shown.shown_ms = min(shown.shown_ms, now_ms)
            shown.expires_ms = min(shown.expires_ms, now_ms + shown.offer.keep_ms)
        self._held = [(min(t, now_ms), o) for t, o in self._held]
        self._shown_ms = [(t, s) for t, s in self._shown_ms if t <= now_ms]
        self._quiet_until = {r: t for r, t in self._quiet_until.items() if t <= now_ms}

    def _note(self, talk: Talk | None, now_ms: int) -> None:
        """Remember which cards the agent has had time to use."""
        for shown in self._screen:
            if talk is not None and talk.since(shown.shown_ms, now_ms) >= ANSWER_MS:
                shown.spent = True

    def _against(self, offer: Offer, now_ms: int, talk: Talk | None) -> str:
        """Why the card may not be shown now; empty when it may."""
        if self._closed:
            return "call_over"
        same = [s for s in self._screen if _same_help(s.offer, offer)]
        if any(_still_serves(s, offer, now_ms) for s in same):
            return "merged"
        if offer.severity is Severity.CRITICAL:
            return ""
        limits = self._limits
        if now_ms < self._quiet_until.get(offer.rule, 0):
            return "cooldown"
        if sum(now_ms - t < 60_000 for t, _ in self._shown_ms) >= limits.per_minute:
            return "too_many"
        full = not same and len(self._screen) >= limits.cards
        if full and not any(_gives_way(s, offer) for s in self._screen):
            return "screen_full"
        danger = [s for s in self._screen if s.offer.severity is Severity.CRITICAL]
        if danger and (not offer.grave or not all(s.spent for s in danger)):
            return "danger_first"
        if offer.small and any(s.offer.grave for s in self._screen):
            return "less_urgent"
        if _mid_sentence(offer, talk, now_ms):
            return "agent_speaking"
        unread = [s.offer for s in self._screen if now_ms - s.shown_ms < limits.gap_ms]
        if any(offer.small or offer.weight <= other.weight for other in unread):
            return "too_soon"
        return ""

    def _show(self, offer: Offer, now_ms: int) -> list[RuleEvent]:
        events: list[RuleEvent] = []
        same = [s for s in self._screen if _same_help(s.offer, offer)]
        events.extend(self._remove(same, "replaced"))
        if len(self._screen) >= self._limits.cards:
            least = min(
                self._screen,
                key=lambda s: (not _gives_way(s, offer), RANK[s.offer.severity], s.shown_ms),
            )
            events.extend(self._remove([least], "replaced"))
        suggestion = Suggestion(
            id=self._new_id(),
            alert=offer.alert,
            rule=offer.rule,
            say=offer.say,
            why=offer.why,
            slots=offer.slots,
            state=offer.state,
            severity=offer.severity,
            category=offer.category,
        )
        quiet = self._quiet_until.get(offer.rule, 0)
        self._screen.append(_Shown(suggestion, offer, now_ms, now_ms + offer.keep_ms, quiet))
        self._quiet_until[offer.rule] = now_ms + offer.cooldown_ms
        self._shown_ms = [(t, s) for t, s in self._shown_ms if now_ms - t < 60_000]
        self._shown_ms.append((now_ms, suggestion.id))
        events.append(suggestion)
        return events

    def _remove(self, cards: list[_Shown], why: str) -> list[RuleEvent]:
        self._screen = [s for s in self._screen if s not in cards]
        return [Retraction(s.suggestion.id, why) for s in cards]


def _still_serves(shown: _Shown, offer: Offer, now_ms: int) -> bool:
    """The card on the screen is the right one for this cue as well."""
    had, wanted = shown.offer.weight, offer.weight
    if _same_cue(shown.offer, offer):
        if offer.severity is Severity.CRITICAL:
            return had >= wanted and shown.offer.place <= offer.place
        return had >= wanted or not offer.grave
    if had < wanted or offer.severity is Severity.CRITICAL:
        return False
    if shown.offer.say == offer.say or shown.offer.severity is Severity.CRITICAL:
        return True
    read = now_ms - shown.shown_ms >= READ_MS
    if had == wanted and shown.offer.category != offer.category and read:
        return False
    return offer.small or not shown.spent


def _same_help(one: Offer, other: Offer) -> bool:
    """Two cards of a group, with one sentence, or for the same words help with the same thing."""
    return one.group == other.group or one.say == other.say or _same_cue(one, other)


def _same_cue(one: Offer, other: Offer) -> bool:
    """Two rules of a category have heard the same words."""
    a, b = one.cue, other.cue
    if a is None or b is None or not a.utterance or one.category != other.category:
        return False
    return a.utterance == b.utterance and a.start_ms < b.end_ms and b.start_ms < a.end_ms


def _gives_way(shown: _Shown, offer: Offer) -> bool:
    """May the card leave a full screen for this one?"""
    return RANK[shown.offer.severity] < RANK[offer.severity] or (shown.spent and not offer.small)


def _mid_sentence(offer: Offer, talk: Talk | None, now_ms: int) -> bool:
    """Would the card come in the middle of the agent's sentence?

    A card about the agent's own words waits for their end, however short they are so far.
    """
    if talk is None or talk.ended_ms is not None:
        return False
    return not _about_customer(offer) or now_ms - talk.began_ms >= OPENING_MS


def _passed_over(offer: Offer, since_ms: int, talk: Talk | None, now_ms: int) -> bool:
    """Has the agent begun to speak after the cue, and answered without the card?"""
    if talk is None:
        return False
    early_ms = OPENING_MS if _about_customer(offer) else 0
    return talk.began_ms >= since_ms - early_ms and talk.since(since_ms, now_ms) >= ANSWER_MS


def _about_customer(offer: Offer) -> bool:
    return offer.category.startswith("customer.")
