"""One call's events as others than the agent see them, and as they are kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from asr.events import Transcript
from assist_rules.events import (
    Alert,
    Commitment,
    Evidence,
    Step,
    Suggestion,
)
from server.events import Action, Body, CallEvent, Mark, Whisper
from server.privacy.mask import Policy, mask
from server.settings import PrivacySettings

Resting = TypeVar("Resting", Alert, Step, Commitment)

NUMBER = 3
"""So many digits in a row begin to tell something."""
REMEMBERED = 64
"""Utterances whose masked text is at hand for evidence that quotes them."""


def veils(settings: PrivacySettings) -> Callable[[], Veil | None]:
    """Makes the veil of each new call; None where nothing is to be hidden."""
    policy = Policy(frozenset(settings.mask))
    plain = settings.agent_sees == "plain"
    return lambda: Veil(policy, plain) if policy.kinds else None


class Veil:
    """Give it every event of a call in order."""

    def __init__(self, policy: Policy, agent_sees_plain: bool = True) -> None:
        self.agent_sees_plain = agent_sees_plain
        self._policy = policy
        self._spoken: dict[tuple[str, int], str] = {}

    def over(self, event: CallEvent) -> CallEvent:
        """The event without personal data; the same object where there is none."""
        body = self._body(event.body)
        return event if body is event.body else replace(event, body=body)

    def _body(self, body: Body) -> Body:
        match body:
            case Transcript():
                text = mask(body.text, self._policy, growing=not body.final)
                self._spoken[(body.utterance, body.revision)] = self._quotable(body, text)
                if len(self._spoken) > REMEMBERED:
                    del self._spoken[next(iter(self._spoken))]
                return body if text == body.text else replace(body, text=text)
            case Alert():
                return self._evidence(body)
            case Step():
                return self._evidence(body)
            case Commitment():
                text = self._words(body.text)
                kept = self._evidence(body)
                return kept if text == body.text else replace(kept, text=text)
            case Suggestion():
                say, why = self._words(body.say), self._words(body.why)
                slots = self.attributes(body.slots)
                if (say, why, slots) == (body.say, body.why, body.slots):
                    return body
                return replace(body, say=say, why=why, slots=slots)
            case Whisper() | Action():
                text = self._words(body.text)
                return body if text == body.text else replace(body, text=text)
            case Mark():
                quote, note = self._words(body.quote), self._words(body.note)
                return replace(body, quote=quote, note=note)
            case _:
                return body

    def _quotable(self, spoken: Transcript, masked: str) -> str:
        """What evidence may quote: a digit or two at the end of a partial are no number yet."""
        if spoken.final:
            return masked
        ended = self._words(spoken.text)
        wary = sum(a != b for a, b in zip(ended, masked, strict=True))
        return masked if wary >= NUMBER else ended

    def _evidence(self, body: Resting) -> Resting:
        evidence = tuple(self._span(span) for span in body.evidence)
        return body if evidence == body.evidence else replace(body, evidence=evidence)

    def _span(self, span: Evidence) -> Evidence:
        spoken = self._spoken.get((span.utterance, span.revision))
        if spoken is not None and spoken[span.start : span.end] and span.end <= len(spoken):
            text = spoken[span.start : span.end]
        else:
            # Only the words are known, not what stood around them.
            text = self._words(span.text)
        return span if text == span.text else replace(span, text=text)

    def _words(self, text: str) -> str:
        return mask(text, self._policy)

    def attributes(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Values of slots, or attributes of a call."""
        masked = {name: self._words(value) for name, value in values.items()}
        return values if masked == dict(values) else masked
