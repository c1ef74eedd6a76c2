"""Decides which suggestions an agent is shown, so that help does not become noise.

Alerts are none of its business: every live hit is an alert. It only holds suggestions back, and
says why. Danger always passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from assist_rules.events import Retraction, RuleEvent, Severity, State, Suggestion, Suppressed

RANK = {severity: i for i, severity in enumerate(Severity)}
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


@dataclass(slots=True)
class _Shown:
    suggestion: Suggestion
    offer: Offer
    shown_ms: int
    expires_ms: int
    undo_cooldown_ms: int
    """When the rule's quiet time ended before this card; restored if the card is withdrawn."""


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

    def offer(self, offer: Offer, now_ms: int, talking: bool) -> list[RuleEvent]:
        """Show it, or say why not."""
        why = self._against(offer, now_ms, talking)
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

    def tick(self, now_ms: int, talking: bool) -> list[RuleEvent]:
        """Time has passed: cards expire, and what was held is shown when it may be."""
        events = self._remove([s for s in self._screen if now_ms >= s.expires_ms], "expired")
        if not self._held:
            return events
        fresh = [(t, o) for t, o in self._held if now_ms - t <= self._limits.hold_ms]
        fresh.sort(key=lambda item: (-RANK[item[1].severity], item[0]))
        self._held = []
        for since, offer in fresh:
            why = self._against(offer, now_ms, talking)
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

    def _against(self, offer: Offer, now_ms: int, talking: bool) -> str:
        """Why the card may not be shown now; empty when it may."""
        if self._closed:
            return "call_over"
        if offer.severity is Severity.CRITICAL:
            return ""
        limits = self._limits
        same = [s for s in self._screen if _same_help(s.offer, offer)]
        if any(_still_serves(s, offer, now_ms) for s in same):
            return "merged"
        if now_ms < self._quiet_until.get(offer.rule, 0):
            return "cooldown"
        if sum(now_ms - t < 60_000 for t, _ in self._shown_ms) >= limits.per_minute:
            return "too_many"
        full = not same and len(self._screen) >= limits.cards
        if full and min(RANK[s.offer.severity] for s in self._screen) >= RANK[offer.severity]:
            return "screen_full"
        urgent = max((RANK[s.offer.severity] for s in self._screen), default=-1)
        if any(s.offer.severity is Severity.CRITICAL for s in self._screen):
            return "danger_first"
        if urgent >= RANK[Severity.HIGH] and RANK[offer.severity] <= RANK[Severity.LOW]:
            return "less_urgent"
        if talking:
            return "agent_speaking"
        if self._shown_ms and now_ms - self._shown_ms[-1][0] < limits.gap_ms:
            return "too_soon"
        return ""

    def _show(self, offer: Offer, now_ms: int) -> list[RuleEvent]:
        events: list[RuleEvent] = []
        same = [s for s in self._screen if _same_help(s.offer, offer)]
        events.extend(self._remove(same, "replaced"))
        if len(self._screen) >= self._limits.cards:
            least = min(self._screen, key=lambda s: (RANK[s.offer.severity], s.shown_ms))
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


READ_MS = 8_000
"""After so long a card has been read: another cue of equal weight may have its own words."""


def _still_serves(shown: _Shown, offer: Offer, now_ms: int) -> bool:
    """The card on the screen is the right one for this cue as well."""
    had, wanted = RANK[shown.offer.severity], RANK[offer.severity]
    other = shown.offer.category != offer.category and shown.offer.say != offer.say
    return had > wanted or (had == wanted and not (other and now_ms - shown.shown_ms >= READ_MS))


def _same_help(one: Offer, other: Offer) -> bool:
    """Two cards of a group, or with one sentence, help with the same thing."""
    return one.group == other.group or one.say == other.say
